package live

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// serveHTTP2 runs the hub behind TLS and HTTP/2 and gives a browser, which has
// one connection for all its streams.
func (s *stand) serveHTTP2(t *testing.T) (url string, browser *http.Client, stop func()) {
	t.Helper()
	srv := httptest.NewUnstartedServer(s.routes())
	srv.EnableHTTP2 = true
	srv.StartTLS()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(srv.Close)
	t.Cleanup(srv.Client().CloseIdleConnections)
	return srv.URL, srv.Client(), func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil || s.Clients() != 0 {
			t.Errorf("after Run %d clients are open, %v", s.Clients(), err)
		}
	}
}

// One connection has a stream that nobody reads and one that is read. The
// first is given up, which the second does not notice.
func TestEventsOverHTTP2(t *testing.T) {
	s := newStand(t, newBook(0), func(c *Config) {
		c.Full = writes("full", strings.Repeat("x", 256<<10))
		c.BacklogBytes = 1 << 30
		c.WriteTimeout = 250 * time.Millisecond
	})
	url, browser, stop := s.serveHTTP2(t)
	open := func(query string) *events {
		t.Helper()
		e, err := openEvents(t.Context(), browser, url+"/events?"+query, "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.body.Close() })
		e.wants(t, "hello 0")
		return e
	}
	read, ignored := open(""), open("view=full")
	for n := 1; n <= 30; n++ { // far more than the window of a stream takes
		s.publish(record())
		if m, err := read.next(); err != nil || m.Cursor != cursor(n) {
			t.Fatalf("the stream that is read got %v, %v, want %d", m, err, n)
		}
	}
	for s.Clients() == 2 {
		runtime.Gosched()
	}
	if _, err := io.Copy(io.Discard, ignored.body); err == nil {
		t.Error("the stream that was given up just ends; want an error, for a part of a message is missing")
	}
	if got := s.value(t, "martinella_live_dropped_total", dropWrite); got != 1 {
		t.Errorf("dropped for the write timeout: got %v, want 1", got)
	}
	last := s.publish(record())
	for {
		m, err := read.next()
		if err != nil {
			t.Fatal(err)
		}
		if m.Cursor == last.Cursor {
			break
		}
	}
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	read.retry = ""
	if m, err := read.next(); err != io.EOF || read.retry == "" {
		t.Errorf("at shutdown got %v, %v, retry %q; want the end and a time to come back", m, err, read.retry)
	}
	<-stopped
}
