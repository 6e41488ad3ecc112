package live

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"martinella/alerts"
	"martinella/broadcast"
)

func TestPastThenPresent(t *testing.T) {
	restricted := func(r *alerts.Record) { r.Alert.Scope = alerts.ScopeRestricted }
	elsewhere := func(r *alerts.Record) { r.Alert.Infos[0].Areas[0].Geocodes[0].Value = "015146" }
	// The log has 1-4 before the node starts; then 5-9 are published, of which
	// 6 is restricted and 7 is elsewhere; 10 and 11 come while the client is open.
	cases := map[string]struct {
		query string
		trim  int
		ring  int
		want  []string
	}{
		"without a cursor only what comes":          {"", 0, 0, []string{"hello 9", "alert 10", "alert 11"}},
		"the newest cursor misses nothing":          {"since=e1-9-0", 0, 0, []string{"hello 9", "alert 10", "alert 11"}},
		"a cursor of the ring":                      {"since=e1-7-0", 0, 0, []string{"hello 7", "alert 8", "alert 9", "alert 10", "alert 11"}},
		"the restricted one is not replayed":        {"since=e1-5-0", 0, 0, []string{"hello 5", "alert 7", "alert 8", "alert 9", "alert 10", "alert 11"}},
		"the cursor of the restricted one holds":    {"since=e1-6-0", 0, 0, []string{"hello 6", "alert 7", "alert 8", "alert 9", "alert 10", "alert 11"}},
		"where the tail began":                      {"since=e1-4-0", 0, 0, []string{"hello 4", "alert 5", "alert 7", "alert 8", "alert 9", "alert 10", "alert 11"}},
		"from before the ring, out of the log":      {"since=e1-2-0", 0, 0, []string{"hello 2", "alert 3", "alert 4", "alert 5", "alert 7", "alert 8", "alert 9", "alert 10", "alert 11"}},
		"a ring of two hands over to the log":       {"since=e1-5-0", 0, 2, []string{"hello 5", "alert 7", "alert 8", "alert 9", "alert 10", "alert 11"}},
		"an area":                                   {"since=e1-5-0&area=015146", 0, 0, []string{"hello 5", "alert 7"}},
		"too old is gone, then live":                {"since=e1-2-0", 3, 0, []string{"hello 9", "gone", "alert 10", "alert 11"}},
		"another epoch is gone, then live":          {"since=e0-8-0", 0, 0, []string{"hello 9", "gone", "alert 10", "alert 11"}},
		"nonsense is gone, then live":               {"since=%0Aid:x", 0, 0, []string{"hello 9", "gone", "alert 10", "alert 11"}},
		"a place that never was is gone, then live": {"since=e1-99-0", 0, 0, []string{"hello 9", "gone", "alert 10", "alert 11"}},
		"far too long is gone, then live":           {"since=" + string(make0(500)), 0, 0, []string{"hello 9", "gone", "alert 10", "alert 11"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, newBook(4), func(cfg *Config) { cfg.Ring = c.ring })
				p, stop := s.servePipes(t)
				defer stop()
				s.publish(record())
				s.publish(record(restricted))
				s.publish(record(elsewhere))
				s.publish(record())
				s.publish(record())
				s.log.trimmed = c.trim

				began := time.Now()
				l := p.listen(t, c.query)
				defer l.Close()
				var later sync.WaitGroup
				defer later.Wait()
				later.Go(func() {
					time.Sleep(patience + time.Second)
					s.publish(record())
					s.publish(record())
				})
				l.wants(c.want...)
				if took := time.Since(began); took > patience+2*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func make0(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0'
	}
	return b
}

func TestClientAheadOfThisNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, newBook(1))
		p, stop := s.servePipes(t)
		defer stop()
		two, three := s.log.add(record()), s.log.add(record())
		l := p.listen(t, "since=e1-2-0") // from a node that has heard of 2
		defer l.Close()
		l.wants("hello 2", "alert 3") // out of the log, before our tail has it
		time.Sleep(time.Second)
		s.Publish(two)
		s.Publish(three)
		s.publish(record())
		l.wants("alert 4")

		five := s.log.add(record())
		k := p.listen(t, "since=e1-5-0") // nothing is after it, and we do not know it yet
		defer k.Close()
		time.Sleep(time.Second)
		s.Publish(five)
		s.publish(record())
		k.wants("hello 5", "alert 6")
	})
}

// The node's tail leaves out what is not public: cursors of such changes, which
// pages and other nodes hand out, are good all the same.
func TestCursorOfWhatIsNotPublic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, newBook(2))
		p, stop := s.servePipes(t)
		defer stop()
		hidden := func() { s.log.add(record(func(r *alerts.Record) { r.Alert.Scope = alerts.ScopeRestricted })) }
		s.publish(record()) // 3
		hidden()            // 4
		s.publish(record()) // 5
		hidden()            // 6
		began := time.Now()
		for query, want := range map[string][]string{
			"since=e1-6-0": {"hello 6"},
			"since=e1-5-0": {"hello 5"},
			"since=e1-4-0": {"hello 4", "alert 5"},
			"since=e1-3-0": {"hello 3", "alert 5"},
			"since=e1-1-0": {"hello 1", "alert 2", "alert 3", "alert 5"},
			"":             {"hello 5"},
		} {
			l := p.listen(t, query)
			defer l.Close()
			l.wants(want...)
			defer l.wants("alert 7")
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("clients waited %v", took)
		}
		s.publish(record())
	})
}

// The client comes from a node that has followed the log into a new epoch.
func TestNodeIsAnEpochBehind(t *testing.T) {
	for name, follows := range map[string]bool{"it follows": true, "it does not": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, newBook(3))
				s.Begin("e0-9-0")
				p, stop := s.servePipes(t)
				defer stop()
				began := time.Now()
				l := p.listen(t, "since=e1-3-0")
				defer l.Close()
				if follows {
					time.Sleep(time.Second)
					s.Begin(cursor(3))
					s.publish(record())
					l.wants("hello 3", "alert 4")
					return
				}
				if m, err := l.next(); err != nil || m.Cursor != "e0-9-0" {
					t.Errorf("got %v, %v, want hello", m, err)
				}
				l.wants("gone")
				if took := time.Since(began); took != patience {
					t.Errorf("took %v, want %v", took, patience)
				}
			})
		})
	}
}

func TestStoreDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, newBook(3))
		p, stop := s.servePipes(t)
		defer stop()
		s.log.broken = fmt.Errorf("%w: secret host", alerts.ErrUnavailable)
		l := p.listen(t, "since=e1-1-0")
		defer l.Close()
		l.wantsClose(websocket.CloseTryAgainLater)
		if got := s.value(t, "martinella_live_dropped_total", dropStore); got != 1 {
			t.Errorf("dropped for the store: got %v, want 1", got)
		}
		k := p.listen(t, "since=e1-3-0") // needs no history
		defer k.Close()
		k.wants("hello 3")
	})
}

func TestBeginAgainSendsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, newBook(3))
		p, stop := s.servePipes(t)
		defer stop()
		l := p.listen(t, "")
		defer l.Close()
		l.wants("hello 3")
		s.Begin("e2-0-0")
		s.Publish(broadcast.Entry{Cursor: "e2-1-0", Record: record()})
		l.wants("gone")
		if m, err := l.next(); err != nil || m.Cursor != "e2-1-0" {
			t.Errorf("got %v, %v, want the first change of the new log", m, err)
		}
	})
}

func TestNotBegun(t *testing.T) {
	reg := newStand(t, newBook(0))
	h, err := New(reg.cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{h, reg.log, reg.reg}
	srv := s.serve(t)
	_, resp, err := websocket.DefaultDialer.Dial(wsURL(srv.URL, ""), nil)
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("got %v, %v, want 503 with Retry-After", resp, err)
	}
}

func TestPublishTwiceIsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, newBook(0))
		p, stop := s.servePipes(t)
		defer stop()
		l := p.listen(t, "")
		defer l.Close()
		l.wants("hello 0")
		e := s.publish(record())
		s.Publish(e)
		s.publish(record())
		l.wants("alert 1", "alert 2")
	})
}

// Publishers write while clients come, go and come back with their cursors:
// each client has every change after its cursor exactly once, in order.
func TestNoGapNoDouble(t *testing.T) {
	const publishers, each, clients = 4, 150, 24
	const total = publishers * each
	// Small bounds, so that ring, log and overflow all have their turn.
	s := newStand(t, newBook(20), func(c *Config) { c.Ring, c.BacklogMessages = 8, 16 })
	srv := s.serve(t)

	ctx, cancel := context.WithCancel(t.Context())
	var tail, work sync.WaitGroup
	tail.Go(func() {
		for e, err := range s.log.Tail(ctx, cursor(20)) {
			if err == nil && ctx.Err() == nil {
				s.Publish(e)
			}
		}
	})
	for range publishers {
		work.Go(func() {
			for range each {
				s.log.add(record())
				if rand.IntN(8) == 0 {
					if resp, err := http.Get(srv.URL + "/live"); err == nil { // gives way to the others
						resp.Body.Close()
					}
				}
			}
		})
	}
	for i := range clients {
		work.Go(func() {
			head, _ := s.log.Head(ctx)
			at, _ := number(head)
			at = rand.IntN(at + 1)
			for at < total+20 {
				next := follow
				if i%2 == 1 {
					next = followEvents
				}
				var err error
				if at, err = next(ctx, srv.URL, at, rand.IntN(200)+1, total+20); err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
			}
		})
	}
	work.Wait()
	cancel()
	tail.Wait()
}

// follow reads up to most changes after at and gives the number of the last.
func follow(ctx context.Context, base string, at, most, end int) (int, error) {
	conn, _, err := websocket.DefaultDialer.DialContext(ctx, wsURL(base, "since="+string(cursor(at))), nil)
	if err != nil {
		return at, err
	}
	defer conn.Close()
	l := &listener{Conn: conn}
	if m, err := l.next(); err != nil || m.Type != "hello" || m.Cursor != cursor(at) {
		var closed *websocket.CloseError
		if errors.As(err, &closed) && closed.Code == endSlow.code {
			return at, nil
		}
		return at, fmt.Errorf("got %v, %v, want hello %d", m, err, at)
	}
	for range most {
		if at == end {
			return at, nil
		}
		m, err := l.next()
		var closed *websocket.CloseError
		if errors.As(err, &closed) && closed.Code == endSlow.code {
			return at, nil
		}
		if err != nil {
			return at, err
		}
		if m.Type != "alert" || m.Cursor != cursor(at+1) {
			return at, fmt.Errorf("got %v, want alert %d", m, at+1)
		}
		at++
	}
	return at, nil
}
