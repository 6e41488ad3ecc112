package x

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"go.uber.org/zap"

	"martinella/channels"
)

// refreshToken signs in by OAuth 2.0: an access token of two hours
// (docs.x.com/fundamentals/authentication/oauth-2-0), and a refresh token that
// gives the next one and is itself replaced each time. It may be used from many
// goroutines: they share one refresh.
type refreshToken struct {
	clientID     string
	clientSecret string // "" for a public client
	path         string // of the refresh token, which is rewritten
	address      string // of the token endpoint
	client       *http.Client
	log          *zap.Logger

	mu       sync.Mutex
	access   string
	until    time.Time
	call     *channels.Caller // hides the known tokens
	known    []string         // tokens of either kind, the newest last
	running  *refreshing
	unsaved  string // a refresh token that could not be written to its file
	lastFail error  // why not
}

// refreshing is a refresh that is under way.
type refreshing struct {
	done chan struct{}
	err  error
}

const (
	// refreshTimeout bounds a refresh with everything around it. Nobody who
	// waits for it may cut it short: X may have replaced the token already.
	refreshTimeout = 15 * time.Second
	// usualLife is that of an access token
	// (docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code).
	usualLife = 2 * time.Hour
	// mostKnown is how many tokens are hidden: those of half a day.
	mostKnown = 16
	// accessMargin is how long before its end an access token is not used any
	// more.
	accessMargin = time.Minute
)

func newRefreshToken(r *refreshToken, api string, log *zap.Logger) *refreshToken {
	r.address, r.log = api+"/2/oauth2/token", log
	r.client = channels.NewCaller(platform).Client
	return r
}

func (r *refreshToken) authorize(ctx context.Context, _, _ string) (string, *channels.Caller, error) {
	for {
		r.mu.Lock()
		if r.access != "" && time.Until(r.until) > accessMargin {
			defer r.mu.Unlock()
			return "Bearer " + r.access, r.call, nil
		}
		run := r.running
		if run == nil {
			run = &refreshing{done: make(chan struct{})}
			r.running = run
			go r.run(context.WithoutCancel(ctx), run)
		}
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return "", nil, fmt.Errorf("x: waiting for a new access token: %w", ctx.Err())
		case <-run.done:
		}
		if run.err != nil {
			return "", nil, run.err
		}
		r.mu.Lock()
		header, call := "Bearer "+r.access, r.call
		ok := r.access != ""
		r.mu.Unlock()
		if ok { // also one that ends within the margin: it is the best there is
			return header, call, nil
		}
	}
}

// refused forgets an access token that X does not take, unless another has come
// meanwhile. A second try makes sense.
func (r *refreshToken) refused(header string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if header == "Bearer "+r.access {
		r.access = ""
	}
	return true
}

// trouble is a token that could not be written: it would be lost with the
// process. It tries once more.
func (r *refreshToken) trouble() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unsaved == "" {
		return nil
	}
	if err := r.save(r.unsaved); err != nil {
		return fmt.Errorf("x: the new refresh token cannot be written to refresh_token_file, and is lost if the gateway ends now: %w", err)
	}
	r.unsaved = ""
	return nil
}

func (r *refreshToken) renewal() string {
	return "Sign in at console.x.com, let the account authorise the application once more (OAuth 2.0 with the scopes tweet.read, tweet.write, users.read, media.write and offline.access), put the new refresh token into the file of refresh_token_file, mode 0600, and start the gateway again. OAuth 1.0a, whose tokens do not end, spares this."
}

func (r *refreshToken) run(ctx context.Context, run *refreshing) {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	err := r.refresh(ctx)
	r.mu.Lock()
	run.err = err
	r.running = nil
	r.mu.Unlock()
	close(run.done)
}

// refresh gets a new access token. Its errors are never uncertain: nothing was
// posted.
func (r *refreshToken) refresh(ctx context.Context) error {
	// Another program on this machine, like the check of the configuration, may
	// refresh too: one after the other, each with what the one before has left.
	lock := flock.New(r.path+".lock", flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, 50*time.Millisecond); ctx.Err() != nil {
		return fmt.Errorf("x: another program is refreshing the access token: %w", ctx.Err())
	} else if err != nil {
		return channels.Unauthorized(fmt.Errorf("x: nothing can be written beside refresh_token_file, so a new token would be lost: %w", pathless(err)))
	}
	defer lock.Close()
	r.mu.Lock()
	token := r.unsaved
	r.mu.Unlock()
	if token == "" {
		var err error
		if token, err = channels.ReadSecret("refresh_token_file", r.path); err != nil {
			return channels.Unauthorized(fmt.Errorf("x: %w", err))
		}
	}
	got, err := r.ask(ctx, token)
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, _ := channels.VerdictOf(err); v == channels.VerdictUnauthorized {
		r.unsaved = "" // the file is what a person will mend
	}
	if err != nil {
		return err
	}
	next := token
	if got.Refresh != "" {
		next = got.Refresh
	}
	// The file first: once the old token is forgotten, only the new one is left.
	r.unsaved = ""
	if next != token || r.lastFail != nil {
		if r.lastFail = r.save(next); r.lastFail != nil {
			r.unsaved = next
			r.log.Error("the new refresh token of X could not be written: it is lost if the gateway ends now", zap.Error(r.lastFail))
		}
	}
	lasts := time.Duration(got.Seconds) * time.Second
	if lasts <= 0 {
		lasts = usualLife
	}
	r.access, r.until = got.Access, time.Now().Add(lasts)
	r.call = r.hiding(token, next, got.Access)
	return nil
}

// hiding is a caller that shows neither these tokens nor the latest before them,
// which X may still take.
func (r *refreshToken) hiding(tokens ...string) *channels.Caller {
	for _, t := range tokens {
		if !slices.Contains(r.known, t) {
			r.known = append(r.known, t)
		}
	}
	r.known = slices.Clone(r.known[max(0, len(r.known)-mostKnown):])
	return &channels.Caller{Platform: platform, Client: r.client, Secrets: redacted(append([]string{r.clientSecret}, r.known...)...)}
}

// granted is what the token endpoint gives (RFC 6749 section 5.1).
type granted struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Seconds int64  `json:"expires_in"`
}

func (r *refreshToken) ask(ctx context.Context, token string) (granted, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	if r.clientSecret == "" {
		form.Set("client_id", r.clientID)
	} else {
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(r.clientID)+":"+url.QueryEscape(r.clientSecret))))
	}
	call := &channels.Caller{Platform: platform, Client: r.client, Secrets: redacted(r.clientSecret, token)}
	var got granted
	answer, err := call.Do(ctx, http.MethodPost, r.address, header, []byte(form.Encode()))
	if err != nil {
		return got, surely(err)
	}
	err = call.Verdict(answer, time.Now())
	switch v, _ := channels.VerdictOf(err); v {
	case channels.VerdictAccepted:
	case channels.VerdictPermanent, channels.VerdictUnauthorized: // RFC 6749 section 5.2: 400 or 401
		return got, channels.Unauthorized(fmt.Errorf("%w: the refresh token is not taken any more", err))
	default:
		return got, surely(err)
	}
	if err := answer.Decode(platform, &got); err != nil {
		return got, surely(err)
	}
	if got.Access == "" {
		return got, errors.New("x gave no access token for the refresh token")
	}
	return got, nil
}

// save replaces the file by one of its owner alone, so that at any moment the
// old or the new token is whole on the disk.
func (r *refreshToken) save(token string) error {
	path, err := filepath.EvalSymlinks(r.path)
	if err != nil {
		return pathless(err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return pathless(err)
	}
	_, err = file.WriteString(token + "\n")
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(pathless(err), os.Remove(file.Name()))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return pathless(err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// pathless is an error of the file system without the path.
func pathless(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}

var _ credential = (*refreshToken)(nil)
