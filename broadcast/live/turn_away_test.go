package live

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// Who is turned away is told a time that fits the reason: that of the queue
// before the gate, or a few seconds where nobody is let in. A page chooses its
// moment itself, for a program it is chosen.
func TestWhoIsTurnedAwayIsToldTheTimeOfTheReason(t *testing.T) {
	flood := func(d time.Duration) func(*stand) {
		return func(s *stand) {
			s.pace.mu.Lock()
			defer s.pace.mu.Unlock()
			s.pace.next, s.pace.retries = time.Now().Add(time.Minute), time.Now().Add(d)
		}
	}
	for name, c := range map[string]struct {
		crowd func(*stand)
		hint  int // seconds
	}{
		"some were told before": {flood(3 * time.Second), 4},
		"many were told before": {flood(20 * time.Second), 21},
		"a flood":               {flood(time.Hour), 60},
		"the node is full":      {func(s *stand) { s.mu.Lock(); s.entered = s.cfg.MaxClients; s.mu.Unlock() }, 6},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, newBook(0), func(c *Config) { c.JoinsPerSecond = 10_000 })
				c.crowd(s)
				p, stop := s.servePipes(t)
				defer stop()
				d := websocket.Dialer{NetDialContext: p.Dial}
				const page = "http://feed.test"
				conn, _, err := d.DialContext(t.Context(), wsURL(page, ""), http.Header{"Origin": {page}})
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				_, _, err = conn.ReadMessage()
				closed, ok := errors.AsType[*websocket.CloseError](err)
				if !ok || closed.Code != websocket.CloseTryAgainLater {
					t.Fatalf("a page is closed with %v, want 1013", err)
				}
				text, _ := strings.CutPrefix(closed.Text, "retry=")
				if n, err := strconv.Atoi(text); err != nil || n != c.hint {
					t.Errorf("a page is told %q, want retry=%d", closed.Text, c.hint)
				}
				told := map[int]bool{}
				for range 20 {
					_, resp, err := d.DialContext(t.Context(), wsURL(page, ""), nil)
					if err == nil || resp.StatusCode != http.StatusServiceUnavailable {
						t.Fatalf("a program got %v, %v, want 503", resp, err)
					}
					n, err := strconv.Atoi(resp.Header.Get("Retry-After"))
					if err != nil || n < c.hint/2 || n > (3*c.hint+1)/2 {
						t.Errorf("a program is told Retry-After %q, want half to one and a half of %d", resp.Header.Get("Retry-After"), c.hint)
					}
					told[n] = true
				}
				if len(told) < 2 {
					t.Errorf("20 programs are all told to come back after %v s", told)
				}
			})
		})
	}
}
