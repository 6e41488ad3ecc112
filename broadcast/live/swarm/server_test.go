//go:build linux

package swarm

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// patience is a hang limit.
const patience = 2 * time.Minute

// TestMain lets a test be the floor's child process.
func TestMain(m *testing.M) {
	if os.Getenv("SWARM_FLOOR") != "" {
		if err := ServeFloor(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func floor(t testing.TB) *Floor {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "SWARM_FLOOR=1")
	cmd.Stderr = os.Stderr
	f, err := StartFloor(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// server is a feed by gorilla that does to each client what a test wants.
type server struct {
	*httptest.Server
	refuse atomic.Int64 // so many handshakes get 503
	after  string       // Retry-After of them

	mu    sync.Mutex
	conns []*websocket.Conn
	pongs chan string
}

func serve(t testing.TB) *server {
	t.Helper()
	s := &server{after: "1", pongs: make(chan string, 1000)}
	up := websocket.Upgrader{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.refuse.Add(-1) >= 0 {
			w.Header().Set("Retry-After", s.after)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		c.SetPongHandler(func(data string) error {
			s.pongs <- data
			return nil
		})
		if err := c.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello","cursor":"e-0-0"}`)); err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, c)
		s.mu.Unlock()
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// all gives every connection, once the server has taken so many in.
func (s *server) all(t testing.TB, n int) []*websocket.Conn {
	t.Helper()
	end := time.Now().Add(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		s.mu.Lock()
		conns := s.conns
		s.mu.Unlock()
		if len(conns) == n {
			return conns
		}
		if time.Now().After(end) {
			t.Fatalf("the server has %d connections, want %d", len(conns), n)
		}
		<-tick.C
	}
}

func say(t testing.TB, c *websocket.Conn, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		if err := c.WriteMessage(websocket.TextMessage, floorMessage(n, 300)); err != nil {
			t.Fatal(err)
		}
	}
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func swarm(t testing.TB, cfg Config) *Swarm {
	t.Helper()
	s, err := Open(within(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// until asks until what must come true is.
func until(t testing.TB, s *Swarm, what string, is func(Report) bool) Report {
	t.Helper()
	end := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		r := s.Report()
		if is(r) {
			return r
		}
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s; %+v", patience, what, r)
		}
		<-tick.C
	}
}

func refused(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "ws://" + l.Addr().String() + "/live"
}

func wsURL(s *server) string { return strings.Replace(s.URL, "http", "ws", 1) + "/live?view=full" }
