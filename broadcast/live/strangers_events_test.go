package live_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"martinella/broadcast"
	"martinella/broadcast/live"
)

// tells reads messages of a feed, written like "hello e1-3-0" and "gone".
func tells(t testing.TB, f feed, want ...string) {
	t.Helper()
	for i, w := range want {
		m, err := f.next()
		got := strings.TrimSpace(fmt.Sprintf("%s %s", m.Type, m.Cursor))
		if _, isStream := f.(*stream); isStream && m.Type == "gone" {
			got = m.Type // its id is judged elsewhere
		}
		if err != nil || got != w {
			t.Fatalf("message %d: got %q, %v, want %q", i+1, got, err, w)
		}
	}
}

func TestStrangersOnEvents(t *testing.T) {
	eachWay(t, func(t *testing.T, w way) {
		log := newHistory()
		for range 5 {
			log.add(warning())
		}
		s := newSite(t, w, log, func(c *live.Config) { c.PingEvery, c.PongWithin = hang/1000, hang })
		open := func(t *testing.T, query, lastID string) *stream {
			t.Helper()
			e, err := s.stream(query, lastID, false)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { e.vanish() })
			return e
		}
		t.Run("headers and the time to come back", func(t *testing.T) {
			e := open(t, "", "")
			for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
				if got := e.header.Get(name); !strings.HasPrefix(got, want) {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			if got := e.header.Get("Content-Encoding"); got != "" {
				t.Errorf("the stream is encoded as %q", got)
			}
			tells(t, e, "hello e1-5-0")
			if len(e.retry) != 1 {
				t.Fatalf("retry came as %q, want it once before the hello", e.retry)
			}
			if ms, err := strconv.Atoi(e.retry[0]); err != nil || ms < 100 || ms > 60_000 {
				t.Errorf("retry: got %q, want milliseconds", e.retry[0])
			}
		})
		t.Run("since", func(t *testing.T) {
			tells(t, open(t, "since=e1-3-0", ""), "hello e1-3-0", "alert e1-4-0", "alert e1-5-0")
		})
		t.Run("Last-Event-ID wins over since", func(t *testing.T) {
			tells(t, open(t, "since=e1-1-0", "e1-4-0"), "hello e1-4-0", "alert e1-5-0")
		})
		t.Run("a Last-Event-ID of another log", func(t *testing.T) {
			tells(t, open(t, "", "e7-4-0"), "hello e1-5-0", "gone")
		})
		t.Run("an idle stream has a sign of life", func(t *testing.T) {
			e := open(t, "", "")
			tells(t, e, "hello e1-5-0")
			for {
				line, err := e.body.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(line, ":") {
					return
				}
			}
		})
	})
}

// Who was away for too long, or comes from another log, is told so at once,
// and goes on at the head.
func TestStrangersWithOldCursors(t *testing.T) {
	const ring, replay = 4, 16
	cases := map[string]struct {
		since broadcast.Cursor
		gone  bool
	}{
		"the head":                   {place(1, 100), false},
		"what the ring has":          {place(1, 100-ring), false},
		"what the log is read for":   {place(1, 100-ring-1), false},
		"as much as is replayed":     {place(1, 100-replay), false},
		"more than is replayed":      {place(1, 100-replay-ring-1), true},
		"far more than is replayed":  {place(1, 50), true},
		"what the log has trimmed":   {place(1, 30), true},
		"another epoch":              {place(2, 1), true},
		"a place that never was":     {place(1, 400), true},
		"no cursor at all":           {"e1", true},
		"letters that no cursor has": {"\x00\r\nid: 5", true},
		"a cursor without end":       {broadcast.Cursor(strings.Repeat("e1-5-0", 100)), true},
	}
	eachWay(t, func(t *testing.T, w way) {
		log := newHistory()
		s := newSite(t, w, log, func(c *live.Config) { c.Ring, c.Replay = ring, replay })
		for range 100 {
			s.publish(warning())
		}
		log.trim(60)
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				v := &visitor{view: "brief", lang: "it"}
				for _, connect := range []func() (feed, error){
					func() (feed, error) { return s.socket(v.query(c.since), false) },
					func() (feed, error) { return s.events(v.query(c.since), "", false) },
				} {
					f, err := connect()
					if err != nil {
						t.Fatal(err)
					}
					defer f.vanish()
					_, n, _ := number(c.since)
					want := []string{"hello e1-100-0", "gone"}
					if !c.gone {
						want = []string{"hello " + string(c.since)}
						for n++; n <= 100; n++ {
							want = append(want, "alert "+string(place(1, n)))
						}
					}
					tells(t, f, want...)
				}
			})
		}
	})
}

// Who gives no sign of life is found, whether its socket takes what is written
// or not; who does is kept.
func TestStrangersWhoAreDead(t *testing.T) {
	eachWay(t, func(t *testing.T, w way) {
		s := newSite(t, w, newHistory(), func(c *live.Config) {
			c.Full, c.BacklogMessages, c.BacklogBytes = writes("full", 5000), 1000, 64<<20
			c.PingEvery, c.PongWithin, c.WriteTimeout = hang/30, hang/10, hang/10
		})
		alive, err := s.socket("", false)
		if err != nil {
			t.Fatal(err)
		}
		tells(t, alive, "hello e1-0-0")
		silent := s.stranger(t, "", false)
		full := s.stranger(t, "view=full", true) // and never reads again
		events, err := s.stream("view=full", "", true)
		if err != nil {
			t.Fatal(err)
		}
		tells(t, events, "hello e1-0-0") // and never reads again
		for n := 1; n <= 100; n++ {
			s.publish(warning())
			tells(t, alive, "alert "+string(place(1, n)))
		}
		gone := make(chan error, 1)
		go func() { // pings are answered in here
			_, err := alive.next()
			gone <- err
		}()
		for { // the silent one reads, and answers nothing
			if _, err := silent.read(); err != nil {
				break
			}
		}
		eventually(t, "only who lives is left", func() bool { return s.Clients() == 1 })
		if got := s.dropped(t, "silent") + s.dropped(t, "write"); got != 3 {
			t.Errorf("dropped as silent or for a full socket: got %v, want 3", got)
		}
		select {
		case err := <-gone:
			t.Errorf("who lives was sent away: %v", err)
		default:
			alive.vanish()
			<-gone
		}
		full.reset()
		events.vanish()
	})
}
