package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
	"weak"

	"martinella/alerts"
	"martinella/broadcast"
)

// store is a log that decodes its records anew for each reader, as a store
// does, and knows which of them are still held.
type store struct {
	*book
	held []weak.Pointer[alerts.Record]
}

func (s *store) After(ctx context.Context, c broadcast.Cursor, most int) ([]broadcast.Entry, error) {
	entries, err := s.book.After(ctx, c, most)
	fresh := make([]broadcast.Entry, len(entries))
	for i, e := range entries {
		r := *e.Record
		fresh[i] = broadcast.Entry{Cursor: e.Cursor, Record: &r}
		s.held = append(s.held, weak.Make(&r))
	}
	return fresh, err
}

// Who asks for the past and does not read it holds a few messages, and no
// record: there may be tens of thousands of them.
func TestAReplayThatIsNotReadHoldsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		past := &store{book: newBook(1000)}
		s := newStand(t, past.book, func(c *Config) { c.Log = past })
		c := s.opened(&fullLine{})
		done := make(chan error, 1)
		go func() { done <- s.join(t.Context(), c, request{since: cursor(0)}) }()
		synctest.Wait()
		if got := len(c.queue); got < 2 || got > 40 {
			t.Errorf("%d messages wait, want some, and at most 40", got)
		}
		runtime.GC()
		for i, p := range past.held {
			if p.Value() != nil {
				t.Errorf("record %d of %d is still held", i, len(past.held))
				break
			}
		}
		s.endAll()
		if err := <-done; !errors.Is(err, errEnded) {
			t.Errorf("got %v, want %v", err, errEnded)
		}
	})
}

// Messages are built while nobody waits for the client: whoever meets it then,
// the clock of all clients say, would wait too.
func TestAReplayIsBuiltWithoutTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c *client
		build := func(broadcast.Entry, string, time.Duration) []byte {
			if c.mu.TryLock() {
				c.mu.Unlock()
			} else {
				t.Error("a message is built with the client locked")
			}
			return []byte("{}")
		}
		for name, ring := range map[string]int{"out of the log": 1, "out of the ring": 100} {
			s := newStand(t, newBook(0), func(c *Config) { c.Brief, c.Ring = build, ring })
			for range 60 {
				s.publish(record())
			}
			c = s.opened(&openLine{})
			if err := s.join(t.Context(), c, request{interest: interest{view: viewBrief}, since: cursor(0)}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			s.endAll()
		}
	})
}

// A cursor that is none is not looked up, nor said back.
func TestACursorThatIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, newBook(3))
		p, stop := s.servePipes(t)
		defer stop()
		for name, since := range map[string]string{
			"a place of the ring written long": "e1-" + strings.Repeat("0", 5000) + "3-0",
			"with a line end":                  "e1-3-0%0a",
			"of nothing":                       "x",
		} {
			l := p.listen(t, "since="+since)
			defer l.Close()
			for _, want := range []string{"hello 3", "gone"} {
				if m, err := l.next(); err != nil || m.String() != want {
					t.Errorf("%s: got %v, %v, want %s", name, m, err, want)
				}
			}
		}
		if s.log.reads > 1 {
			t.Errorf("the log was read %d times", s.log.reads)
		}
	})
}

// Who leaves while its history is read has left: the store has no part in it.
func TestWhoLeavesWhileTheLogIsReadHasLeft(t *testing.T) {
	s := newStand(t, newBook(3))
	s.log.broken = context.Canceled
	ctx, leave := context.WithCancel(t.Context())
	leave()
	c := s.opened(&fullLine{})
	s.arrive(ctx, c, request{since: cursor(1)})
	if c.ended != endLeft {
		t.Errorf("got %+v, want %+v", c.ended, endLeft)
	}
	if got := s.value(t, "martinella_live_dropped_total", dropStore); got != 0 {
		t.Errorf("dropped for the store: got %v, want 0", got)
	}
}

// What is kept of a request for as long as a client is open does not hold its
// address, which may be long.
func TestNothingHoldsTheAddress(t *testing.T) {
	s := newStand(t, newBook(0))
	query := "lang=en&area=it020&since=e1-0-0&x=" + strings.Repeat("x", 10_000)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/live?"+query, nil)
	r.URL.RawQuery = query
	asked, ok := s.welcome(httptest.NewRecorder(), r, false)
	if !ok {
		t.Fatal("not welcome")
	}
	from := uintptr(unsafe.Pointer(unsafe.StringData(query)))
	for name, kept := range map[string]string{"the language": asked.lang, "the area": asked.area, "the cursor": string(asked.since)} {
		if at := uintptr(unsafe.Pointer(unsafe.StringData(kept))); kept == "" || at >= from && at < from+uintptr(len(query)) {
			t.Errorf("%s %q lies within the address", name, kept)
		}
	}
	if want := fmt.Sprint(request{interest{"it020", viewBrief, "en", false}, "e1-0-0"}); fmt.Sprint(asked) != want {
		t.Errorf("got %v, want %s", asked, want)
	}
}
