package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"time"
)

// Host is a copy on a web server that takes files by PUT, as WebDAV does: nginx
// and Apache with their dav modules, and many stores. It remembers what it has
// put, so that a change is few requests; after a start everything is put once.
type Host struct {
	base      string // with a slash at the end
	tokenFile string
	http      *http.Client

	mu   sync.Mutex
	sent map[string]entry
}

const (
	// hostTime bounds one request: a page over a poor line.
	hostTime = 20 * time.Second
	// hostAtOnce is how many files are under way together.
	hostAtOnce = 4
)

// NewHost prepares a copy at base, an http or https address. tokenFile holds the
// bearer token; "" sends none. The certificate of the server is verified; a
// redirect is an error, so that the token goes nowhere else.
func NewHost(base, tokenFile string) *Host {
	return &Host{base: strings.TrimRight(base, "/") + "/", tokenFile: tokenFile, sent: map[string]entry{}, http: &http.Client{
		Timeout:       hostTime,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: hostAtOnce, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}}
}

var errRedirect = errors.New("it redirects: write the address that it redirects to into the configuration, if it is the right one")

// Take puts the files that differ from what was put before, a few at once, those
// that others link to first; then it removes what is gone, and writes the list.
// The first error ends it.
func (h *Host) Take(ctx context.Context, e *Edition) (r Report, err error) {
	token, err := h.token()
	if err != nil {
		return r, err
	}
	known, err := h.known(ctx, token)
	if err != nil {
		return r, err
	}
	for rest := e.Files; len(rest) > 0; {
		n := sameStage(rest)
		if err := h.stage(ctx, token, e.At, rest[:n], &r); err != nil {
			return r, err
		}
		rest = rest[n:]
	}
	for _, p := range known.gone(e) {
		if err := h.send(ctx, http.MethodDelete, p, token, "", nil); err != nil {
			return r, err
		}
		h.mu.Lock()
		delete(h.sent, p)
		h.mu.Unlock()
		r.Removed++
	}
	l := list{V: 1, At: e.At, Files: map[string]entry{}}
	h.mu.Lock()
	maps.Copy(l.Files, h.sent)
	h.mu.Unlock()
	for p, s := range known.Files { // still to be removed by the next whole edition
		if _, sent := l.Files[p]; !sent && !e.Whole {
			l.Files[p] = s
		}
	}
	return r, h.send(ctx, http.MethodPut, listName, token, "application/json", l.bytes())
}

// known is what lies there of earlier copies: what was put, and where nothing was
// yet, what the list there says.
func (h *Host) known(ctx context.Context, token string) (list, error) {
	h.mu.Lock()
	l := list{Files: map[string]entry{}}
	maps.Copy(l.Files, h.sent)
	h.mu.Unlock()
	there, err := h.list(ctx, token)
	if err != nil {
		return l, err
	}
	for p, s := range there.Files {
		if _, sent := l.Files[p]; !sent {
			l.Files[p] = s
		}
	}
	return l, nil
}

// Look reports whether the server answers, and of when the copy there is; the
// zero time where there is none. Nothing is written.
func (h *Host) Look(ctx context.Context) (time.Time, error) {
	token, err := h.token()
	if err != nil {
		return time.Time{}, err
	}
	l, err := h.list(ctx, token)
	return l.At, err
}

// list reads the list that lies there.
func (h *Host) list(ctx context.Context, token string) (list, error) {
	req, err := h.request(ctx, http.MethodGet, listName, token, nil)
	if err != nil {
		return list{}, err
	}
	resp, err := h.http.Do(req)
	if err != nil {
		return list{}, plain(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return readList(nil), nil
	case resp.StatusCode != http.StatusOK:
		return list{}, fmt.Errorf("GET %s: the server answered %s", listName, resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, listLimit))
	if err != nil {
		return list{}, fmt.Errorf("GET %s: %w", listName, err)
	}
	return readList(b), nil
}

// sameStage is how many files may be under way together with the first one:
// pages must not come before what they show.
func sameStage(files []File) int {
	n := 1
	for n < len(files) && isPage(files[n].Path) == isPage(files[0].Path) {
		n++
	}
	return n
}

func isPage(p string) bool { return path.Ext(p) == ".html" }

// stage puts some files, a few at once.
func (h *Host) stage(ctx context.Context, token string, at time.Time, files []File, r *Report) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	free := make(chan struct{}, hostAtOnce)
	var under sync.WaitGroup
	for _, f := range files {
		if !Valid(f.Path) || f.Path == listName {
			cancel(fmt.Errorf("%q is no path of a copy", f.Path))
			break
		}
		h.mu.Lock()
		had, sent := h.sent[f.Path]
		h.mu.Unlock()
		if sent && f.Lasting && had.Sum == f.Sum {
			r.Kept++
			continue
		}
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		under.Go(func() {
			defer func() { <-free }()
			if err := h.send(ctx, http.MethodPut, f.Path, token, f.Media, f.Bytes(at)); err != nil {
				cancel(err)
				return
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			h.sent[f.Path] = entry{f.Sum, at}
			r.Written++
		})
	}
	under.Wait()
	return context.Cause(ctx)
}

// send sends one file, or removes it. A server that wants folders made first
// (WebDAV answers 409) gets them.
func (h *Host) send(ctx context.Context, method, name, token, media string, b []byte) error {
	status, err := h.do(ctx, method, name, token, media, b)
	if err == nil && status == http.StatusConflict && method == http.MethodPut && strings.Contains(name, "/") {
		for i, c := range name {
			if c == '/' {
				// One that is there already answers 405; what went wrong, the file says.
				if _, err := h.do(ctx, "MKCOL", name[:i+1], token, "", nil); err != nil {
					return err
				}
			}
		}
		status, err = h.do(ctx, method, name, token, media, b)
	}
	switch {
	case err != nil:
		return err
	case status/100 == 2, method == http.MethodDelete && (status == http.StatusNotFound || status == http.StatusGone):
		return nil
	}
	return fmt.Errorf("%s %s: the server answered %d %s", method, name, status, http.StatusText(status))
}

func (h *Host) do(ctx context.Context, method, name, token, media string, b []byte) (int, error) {
	req, err := h.request(ctx, method, name, token, b)
	if err != nil {
		return 0, err
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	resp, err := h.http.Do(req)
	if err != nil {
		return 0, plain(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is used again
	return resp.StatusCode, nil
}

func (h *Host) request(ctx context.Context, method, name, token string, b []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, h.base+name, bytes.NewReader(b))
	if err != nil {
		return nil, errors.New("the address of the copy cannot be used")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}

// token is read anew each time, so that it can be renewed without a restart.
func (h *Host) token() (string, error) {
	if h.tokenFile == "" {
		return "", nil
	}
	b, err := os.ReadFile(h.tokenFile)
	if err != nil {
		if at, ok := errors.AsType[*os.PathError](err); ok {
			err = at.Err
		}
		return "", fmt.Errorf("the file of the token: %w", err)
	}
	t := strings.TrimSpace(string(b))
	if t == "" || strings.ContainsAny(t, "\r\n\t ") {
		return "", errors.New("the file of the token holds none")
	}
	return t, nil
}

// plain is an error of a request without its address.
func plain(err error) error {
	if at, ok := errors.AsType[*url.Error](err); ok {
		return at.Err
	}
	return err
}
