package channeltest

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Stub is a provider that answers posts as told, and otherwise lets a fake
// platform answer. Its methods may be called from many goroutines.
type Stub struct {
	*httptest.Server
	platform http.Handler
	posting  func(*http.Request) bool

	mu      sync.Mutex
	script  http.HandlerFunc
	posts   int
	release chan struct{}
}

// StartStub serves platform on loopback; posting tells which requests post
// something (nil: method POST). It ends with the test.
func StartStub(t testing.TB, platform http.Handler, posting func(*http.Request) bool) *Stub {
	t.Helper()
	if posting == nil {
		posting = func(r *http.Request) bool { return r.Method == http.MethodPost }
	}
	s := &Stub{platform: platform, posting: posting, release: make(chan struct{})}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		close(s.release)
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// Addr is where it listens.
func (s *Stub) Addr() string { return s.Listener.Addr().String() }

// Posts is how many posts have arrived.
func (s *Stub) Posts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posts
}

// Answer scripts the answer to posts; nil lets the platform answer.
func (s *Stub) Answer(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = h
}

// ServeHTTP counts posts and answers.
func (s *Stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.posting(r) {
		s.platform.ServeHTTP(w, r)
		return
	}
	s.mu.Lock()
	s.posts++
	script := s.script
	s.mu.Unlock()
	if script != nil {
		script(w, r)
		return
	}
	s.platform.ServeHTTP(w, r)
}

// Silent never answers: it holds the request until the client goes away or the
// test ends.
func (s *Stub) Silent() http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-s.release:
		}
	}
}

// Status answers a status with a JSON body.
func Status(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

// HTML answers a page, as a proxy in front of a platform does.
func HTML(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(code)
		fmt.Fprint(w, "<html><title>Gateway</title></html>")
	}
}

// Cut lets the platform act and closes the connection instead of answering.
func (s *Stub) Cut() http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		s.platform.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
}

// Truncated lets the platform act and breaks off within its answer's body.
func (s *Stub) Truncated() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		s.platform.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		maps.Copy(w.Header(), rec.Header())
		w.Header().Set("Content-Length", fmt.Sprint(len(body)+10))
		w.WriteHeader(http.StatusOK)
		w.Write(body[:len(body)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}
