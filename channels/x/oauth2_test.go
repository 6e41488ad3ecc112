package x

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// refreshed is a channel that signs in by OAuth 2.0, and the file of its
// refresh token.
func refreshed(t testing.TB, baseURL string, public bool) (*Channel, string) {
	t.Helper()
	path := secretFile(t, "refresh", firstRefresh)
	cfg := Config{URL: baseURL, ClientID: clientID, RefreshTokenFile: path}
	if !public {
		cfg.ClientSecretFile = secretFile(t, "client", clientSecret)
	}
	c, err := New("comune-x", cfg, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return c, path
}

func onDisk(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func TestContractWithRefreshedTokens(t *testing.T) {
	s := suite
	s.New = func(t testing.TB, baseURL string) channels.Channel {
		c, _ := refreshed(t, baseURL, false)
		return c
	}
	// The access token and the refresh tokens of every step are hidden too.
	s.Secrets = []string{clientSecret, firstRefresh, "r3fr3sh-1-OfTheTown", "b34r3r-1-OfTheTown"}
	channeltest.Run(t, s)
}

func TestRefreshTokenIsReplacedOnDisk(t *testing.T) {
	for _, public := range []bool{false, true} {
		s := newServer(t)
		s.public = public
		c, path := refreshed(t, channeltest.StartStub(t, s, posting).URL, public)
		if err := c.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := onDisk(t, path); got != "r3fr3sh-1-OfTheTown" || s.refreshes != 1 {
			t.Errorf("public %v: %q on disk after %d refreshes", public, got, s.refreshes)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		// The access token is used until it ends, or until X takes it no more.
		for range 3 {
			if err := c.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if s.refreshes != 1 {
			t.Errorf("%d refreshes for one access token", s.refreshes)
		}
		s.bearers = append(s.bearers, "another")
		if _, err := c.Send(t.Context(), suite.Rendered(t, c, channeltest.Actual, "a")); err != nil || s.refreshes != 2 || len(s.posts) != 1 {
			t.Errorf("after a 401: %v, %d refreshes, %d posts", err, s.refreshes, len(s.posts))
		}
		// Nothing else is left beside the file but its lock.
		left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
		if len(left) != 2 {
			t.Errorf("left: %v", left)
		}
	}
}

func TestRefreshTokenThatIsKept(t *testing.T) {
	s := newServer(t)
	s.keeps, s.lasts = true, 30 // ends within the margin: each call refreshes
	c, path := refreshed(t, channeltest.StartStub(t, s, posting).URL, false)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := c.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) || s.refreshes != 3 {
		t.Errorf("the file was replaced, %v; %d refreshes", err, s.refreshes)
	}
}

func TestManyShareOneRefresh(t *testing.T) {
	s := newServer(t)
	c, _ := refreshed(t, channeltest.StartStub(t, s, posting).URL, false)
	var wait sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wait.Go(func() { errs[i] = c.Check(t.Context()) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if s.refreshes != 1 {
		t.Errorf("%d refreshes", s.refreshes)
	}
}

// Two programs on one machine, like the gateway and the check of its
// configuration, use one file: neither spoils the other's token.
func TestTwoProgramsShareTheFile(t *testing.T) {
	s := newServer(t)
	s.lasts = 30
	stub := channeltest.StartStub(t, s, posting)
	one, path := refreshed(t, stub.URL, false)
	cfg := Config{URL: stub.URL, ClientID: clientID, ClientSecretFile: secretFile(t, "client", clientSecret), RefreshTokenFile: path}
	two, err := New("comune-x", cfg, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		for _, c := range []*Channel{one, two} {
			if err := c.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	var wait sync.WaitGroup
	for _, c := range []*Channel{one, two, one, two} {
		wait.Go(func() {
			if _, _, err := c.api.as.authorize(t.Context(), "GET", stub.URL); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := onDisk(t, path); got != s.refresh {
		t.Errorf("%q on disk, X takes %q", got, s.refresh)
	}
}

func TestRefreshIsJudged(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict
	}{
		"the token was taken back":  {channeltest.Status(400, `{"error":"invalid_request","error_description":"Value passed for the token was invalid."}`), channels.VerdictUnauthorized},
		"the client is not known":   {channeltest.Status(401, `{"error":"unauthorized_client"}`), channels.VerdictUnauthorized},
		"forbidden":                 {channeltest.Status(403, `{"error":"access_denied"}`), channels.VerdictUnauthorized},
		"too many":                  {channeltest.Status(429, `{}`, "Retry-After", "9"), channels.VerdictRetry},
		"the server failed":         {channeltest.Status(500, `{}`), channels.VerdictRetry},
		"a page":                    {channeltest.HTML(200), channels.VerdictRetry},
		"a yes without a token":     {channeltest.Status(200, `{}`), channels.VerdictRetry},
		"the connection breaks off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, channels.VerdictRetry},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			stub := channeltest.StartStub(t, s, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/token") })
			ch, path := refreshed(t, stub.URL, false)
			stub.Answer(c.answer)
			hidden := channeltest.Suite{Secrets: []string{clientSecret, firstRefresh}}
			_, err := ch.Send(t.Context(), suite.Rendered(t, ch, channeltest.Actual, "a"))
			hidden.Refuses(t, name, err, c.want)
			if len(s.posts) != 0 || onDisk(t, path) != firstRefresh {
				t.Errorf("%d posts, %q on disk", len(s.posts), onDisk(t, path))
			}
			stub.Answer(nil) // and then all is well again
			if _, err := ch.Send(t.Context(), suite.Rendered(t, ch, channeltest.Actual, "a")); err != nil || len(s.posts) != 1 {
				t.Errorf("%v, %d posts", err, len(s.posts))
			}
		})
	}
}

// A person puts a new token into the file, as [Channel.Renewal] says; the
// gateway takes it without a start even.
func TestANewTokenInTheFileIsTaken(t *testing.T) {
	s := newServer(t)
	c, path := refreshed(t, channeltest.StartStub(t, s, posting).URL, false)
	s.refresh = "granted-anew"
	if v, _ := channels.VerdictOf(c.Check(t.Context())); v != channels.VerdictUnauthorized {
		t.Fatalf("an old token: %s", v)
	}
	if err := os.WriteFile(path, []byte("granted-anew"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(c.Renewal(), "refresh_token_file") {
		t.Error(c.Renewal())
	}
}

// A disk that takes nothing costs no alert, and is told of; the token is written
// as soon as it can be.
func TestANewTokenThatCannotBeWritten(t *testing.T) {
	s := newServer(t)
	c, path := refreshed(t, channeltest.StartStub(t, s, posting).URL, false)
	r := c.api.as.(*refreshToken)
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The file is gone, and so is what it would be replaced in.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	r.unsaved = s.refresh // as after a write that failed
	r.access = ""
	if _, err := c.Send(t.Context(), suite.Rendered(t, c, channeltest.Actual, "a")); err != nil || len(s.posts) != 1 {
		t.Fatalf("%v, %d posts", err, len(s.posts))
	}
	err := c.Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), "cannot be written") || strings.Contains(err.Error(), s.refresh) || strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); err != nil || onDisk(t, path) != s.refresh {
		t.Errorf("%v, %q on disk", err, onDisk(t, path))
	}
}

// A token that could be kept in memory only, and is dead, stands in nobody's way.
func TestADeadTokenInMemoryGivesWayToTheFile(t *testing.T) {
	s := newServer(t)
	c, path := refreshed(t, channeltest.StartStub(t, s, posting).URL, false)
	c.api.as.(*refreshToken).unsaved = "dead"
	if v, _ := channels.VerdictOf(c.Check(t.Context())); v != channels.VerdictUnauthorized {
		t.Errorf("the dead token: %s", v)
	}
	if err := c.Check(t.Context()); err != nil || onDisk(t, path) != s.refresh {
		t.Errorf("%v, %q on disk", err, onDisk(t, path))
	}
}

func TestNothingIsAskedWhereNothingCouldBeWritten(t *testing.T) {
	s := newServer(t)
	c, path := refreshed(t, channeltest.StartStub(t, s, posting).URL, false)
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	if v, _ := channels.VerdictOf(c.Check(t.Context())); v != channels.VerdictUnauthorized || s.refreshes != 0 {
		t.Errorf("%s, %d refreshes", v, s.refreshes)
	}
}

// Who waits may go; the refresh goes on, or the new token would be lost.
func TestAWaiterMayGo(t *testing.T) {
	s := newServer(t)
	asked, goOn := make(chan struct{}), make(chan struct{})
	stub := channeltest.StartStub(t, s, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/token") })
	c, path := refreshed(t, stub.URL, false)
	stub.Answer(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-goOn
		s.token(w, r)
	})
	ctx, cancel := context.WithCancel(t.Context())
	went := make(chan error)
	go func() { went <- c.Check(ctx) }()
	<-asked
	cancel()
	if err := <-went; err == nil || !strings.Contains(err.Error(), "waiting for a new access token") {
		t.Errorf("got %v", err)
	}
	stub.Answer(nil)
	close(goOn)
	if err := c.Check(t.Context()); err != nil || s.refreshes != 1 {
		t.Errorf("%v, %d refreshes", err, s.refreshes)
	}
	if got := onDisk(t, path); got != "r3fr3sh-1-OfTheTown" {
		t.Errorf("%q on disk", got)
	}
}

func TestTheFileMayBeALink(t *testing.T) {
	path := secretFile(t, "refresh", "old")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	r := &refreshToken{path: link}
	if err := r.save("new"); err != nil || onDisk(t, path) != "new" {
		t.Errorf("%v, %q", err, onDisk(t, path))
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v", err)
	}
}

func TestAccessTokenWithoutAnEnd(t *testing.T) {
	s := newServer(t)
	s.lasts = 0
	c, _ := refreshed(t, channeltest.StartStub(t, s, posting).URL, false)
	for range 2 {
		if err := c.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if r := c.api.as.(*refreshToken); s.refreshes != 1 || time.Until(r.until) < time.Hour {
		t.Errorf("%d refreshes, until %v", s.refreshes, r.until)
	}
}

func TestAPictureWithARefreshInBetween(t *testing.T) {
	s := newServer(t)
	c, _ := refreshed(t, channeltest.StartStub(t, s, posting).URL, false)
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.upload = func(w http.ResponseWriter, r *http.Request) {
		s.takePicture(w, r)
		s.bearers = append(s.bearers, fmt.Sprint("revoked-", len(s.bearers)))
	}
	m := suite.Rendered(t, c, channeltest.Actual, "a")
	m.Image = card(nil)
	if r, err := c.Send(t.Context(), m); err != nil || r.Note != "" || len(s.posts) != 1 || s.refreshes != 2 {
		t.Errorf("%+v, %v, %d refreshes", r, err, s.refreshes)
	}
}
