package live

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/alerts"
	"martinella/broadcast"
)

func TestOnlyPublicAlertsLeave(t *testing.T) {
	cases := map[string]struct {
		status alerts.Status
		scope  alerts.Scope
		leaves bool
	}{
		"an actual public one":     {alerts.StatusActual, alerts.ScopePublic, true},
		"a public exercise":        {alerts.StatusExercise, alerts.ScopePublic, true},
		"a public test":            {alerts.StatusTest, alerts.ScopePublic, true},
		"a restricted one":         {alerts.StatusActual, alerts.ScopeRestricted, false},
		"a private one":            {alerts.StatusActual, alerts.ScopePrivate, false},
		"a restricted exercise":    {alerts.StatusExercise, alerts.ScopeRestricted, false},
		"what is for machines":     {alerts.StatusSystem, alerts.ScopePublic, false},
		"CAP's draft":              {alerts.StatusDraft, alerts.ScopePublic, false},
		"a scope that nobody knew": {alerts.StatusActual, "Secret", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, newBook(0), func(c *Config) { c.Ring = 1 })
				p, stop := s.servePipes(t)
				defer stop()
				live := p.listen(t, "")
				defer live.Close()
				live.wants("hello 0")
				set := func(r *alerts.Record) { r.Alert.Status, r.Alert.Scope = c.status, c.scope }
				want := []string{}
				if c.leaves {
					want = append(want, "alert 1")
				}
				s.publish(record(set))
				s.publish(record())
				want = append(want, "alert 2")
				live.wants(want...)
				past := p.listen(t, "since=e1-0-0") // out of the log
				defer past.Close()
				past.wants(append([]string{"hello 0"}, want...)...)
			})
		})
	}
}

func TestReach(t *testing.T) {
	area := func(a ...alerts.Area) func(*alerts.Record) {
		return func(r *alerts.Record) { r.Alert.Infos[0].Areas = a }
	}
	codes := func(c ...string) (a alerts.Area) {
		for _, v := range c {
			a.Geocodes = append(a.Geocodes, alerts.Value{Name: "code", Value: v})
		}
		return a
	}
	none := func(r *alerts.Record) { r.Alert.Infos = nil }
	resolved := func(c ...string) func(*alerts.Record) {
		return func(r *alerts.Record) { r.Areas = codes(c...).Geocodes }
	}
	drawn := alerts.Area{Polygons: []alerts.Polygon{{{Lat: 45, Lon: 11}}}}
	round := alerts.Area{Circles: []alerts.Circle{{Radius: 3}}, Geocodes: codes("015146").Geocodes}
	cases := map[string]struct {
		code string
		r    *alerts.Record
		want bool
	}{
		"its code":                                  {"023091", record(), true},
		"another code of the same system":           {"015146", record(), false},
		"one of several areas":                      {"015146", record(area(codes("023091"), codes("015146"))), true},
		"one of several codes":                      {"015146", record(area(codes("023091", "015146"))), true},
		"letters in either case":                    {"it020", record(area(codes("IT020"))), true},
		"codes of another system only":              {"023091", record(area(codes("IT020"))), true},
		"another zone":                              {"IT021", record(area(codes("IT020"))), false},
		"codes of two systems, ours elsewhere":      {"023091", record(area(codes("IT020", "015146"))), false},
		"a drawn shape":                             {"023091", record(area(drawn)), true},
		"a circle beside a code elsewhere":          {"023091", record(area(round)), true},
		"a description only":                        {"023091", record(area(alerts.Area{Description: "qui"})), true},
		"no area at all":                            {"023091", record(area()), true},
		"a Cancel without infos":                    {"023091", record(none), true},
		"a Cancel without infos, its event's code":  {"023091", record(none, resolved("023091")), true},
		"a Cancel without infos, its event's other": {"023091", record(none, resolved("015146")), false},
		"a code that was resolved at approval":      {"023091", record(area(codes("015146")), resolved("015146", "023091")), true},
	}
	for name, c := range cases {
		if got := reachOf(c.r).covers(c.code); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestSpreadGrows(t *testing.T) {
	cases := map[int]time.Duration{
		0: 150 * time.Millisecond, 750: 150 * time.Millisecond, 751: 300 * time.Millisecond,
		10_000: 2400 * time.Millisecond, 50_000: 19200 * time.Millisecond, 96_000: 19200 * time.Millisecond,
		96_001: 30 * time.Second, 10_000_000: 30 * time.Second,
	}
	for clients, want := range cases {
		if got := spread(clients); got != want {
			t.Errorf("%d clients: got %v, want %v", clients, got, want)
		}
	}
}

func TestEachWordingIsBuiltOnce(t *testing.T) {
	var mu sync.Mutex
	built := map[string]int{}
	count := func(view string) Build {
		return func(e broadcast.Entry, lang string, spread time.Duration) []byte {
			mu.Lock()
			built[view+" "+lang]++
			mu.Unlock()
			return writes(view, "")(e, lang, spread)
		}
	}
	s := newStand(t, newBook(0), func(c *Config) { c.Brief, c.Full = count("brief"), count("full") })
	srv := s.serve(t)
	var open []*listener
	for range 5 {
		for _, q := range []string{"", "lang=en", "view=full", "lang=zz"} {
			l := listen(t, srv.URL, q)
			l.wants("hello 0")
			open = append(open, l)
		}
	}
	s.publish(record())
	for _, l := range open {
		l.wants("alert 1")
	}
	late := listen(t, srv.URL, "since=e1-0-0")
	late.wants("hello 0", "alert 1")
	mu.Lock()
	defer mu.Unlock()
	if len(built) != 3 || built["brief it"] != 1 || built["brief en"] != 1 || built["full it"] != 1 {
		t.Errorf("built %v, want each of three once", built)
	}
}

// A change that the builder chokes on neither ends the node nor is missed.
func TestAChangeThatCannotBeWritten(t *testing.T) {
	s := newStand(t, newBook(0), func(c *Config) {
		whole := c.Brief
		c.Brief = func(e broadcast.Entry, lang string, spread time.Duration) []byte {
			if e.Cursor == cursor(2) {
				panic("this one")
			}
			return whole(e, lang, spread)
		}
	})
	srv := s.serve(t)
	l := listen(t, srv.URL, "")
	l.wants("hello 0")
	for range 3 {
		s.publish(record())
	}
	l.wants("alert 1", "gone", "alert 3")
	late := listen(t, srv.URL, "since=e1-0-0")
	late.wants("hello 0", "alert 1", "gone", "alert 3")
}

func TestEverySeriesStartsAtZero(t *testing.T) {
	s := newStand(t, newBook(0))
	for name, labels := range map[string][]string{
		"martinella_live_clients":        {"websocket", "sse"},
		"martinella_live_dropped_total":  {"slow", "write", "silent", "protocol", "shutdown", "store", "full", "pace", "origin"},
		"martinella_live_fanout_seconds": {""},
	} {
		for _, l := range labels {
			if got := s.value(t, name, l); got != 0 {
				t.Errorf("%s %s: got %v, want 0", name, l, got)
			}
		}
	}
	if _, err := NewMetrics(s.reg); !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
		t.Errorf("registering twice: got %v", err)
	}
}

func TestConfigNamesEverything(t *testing.T) {
	_, err := New(Config{Origins: []string{"www.example.org", "https://x.example/page"}, Ring: -1, PingEvery: time.Minute, PongWithin: time.Second})
	if err == nil {
		t.Fatal("an empty configuration was taken")
	}
	for _, want := range []string{"a log is needed", "builder", "metrics", `"www.example.org"`, `"https://x.example/page"`, "negative", "pong"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

func TestRingForgetsTheOldest(t *testing.T) {
	r := newRing(2, cursor(0))
	for i := 1; i <= 4; i++ {
		if !r.add(&item{entry: broadcast.Entry{Cursor: cursor(i)}}) {
			t.Fatalf("%d was not taken", i)
		}
	}
	for at, want := range map[int]int{2: 2, 3: 1, 4: 0} {
		if got, ok := r.after(cursor(at)); !ok || len(got) != want {
			t.Errorf("after %d: got %d, %v, want %d", at, len(got), ok, want)
		}
	}
	for _, at := range []broadcast.Cursor{cursor(0), cursor(1), "e0-3-0", "e1-3", ""} {
		if _, ok := r.after(at); ok {
			t.Errorf("the ring says that it covers %q", at)
		}
	}
	if r.add(&item{entry: broadcast.Entry{Cursor: cursor(3)}}) {
		t.Error("a change of the past was taken")
	}
}

// Whatever a stranger asks for: no panic, a known status, and no line of the
// stream that we did not write.
func FuzzRequest(f *testing.F) {
	for _, q := range []string{"", "since=e1-1-0", "since=%0d%0aid:+x", "area=023091&lang=it&view=full", "view=all", "since=e1-9-0&area=%00"} {
		f.Add(q, "", "")
	}
	f.Add("", "e1-0-0", "http://feed.test")
	f.Add("", "x\ny", "null")
	f.Fuzz(func(t *testing.T, query, lastID, origin string) {
		synctest.Test(t, func(t *testing.T) {
			s := newStand(t, newBook(3))
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://feed.test/events", nil)
			req.URL.RawQuery = query
			req.Header["Last-Event-Id"] = []string{lastID}
			req.Header["Origin"] = []string{origin}
			w := httptest.NewRecorder()
			done := make(chan struct{})
			go func() { defer close(done); s.Events().ServeHTTP(w, req) }()
			time.Sleep(patience + time.Second)
			s.endAll()
			<-done
			switch w.Code {
			case 200:
			case 400, 403:
				return
			default:
				t.Fatalf("got status %d", w.Code)
			}
			for line := range strings.Lines(w.Body.String()) {
				line = strings.TrimSuffix(line, "\n")
				switch {
				case line == "", line == ":", strings.HasPrefix(line, "retry: "):
				case strings.HasPrefix(line, `data: {"type":"`):
				case strings.HasPrefix(line, "id: e1-"):
				default:
					t.Fatalf("a line that is not ours: %q", line)
				}
			}
		})
	})
}

// endAll ends every client as a vanished peer would.
func (s *stand) endAll() {
	for _, c := range s.everyone() {
		c.mu.Lock()
		c.end(endLeft)
		c.mu.Unlock()
	}
}

// Whatever a peer sends after the handshake: the client ends and nothing else.
func FuzzInbound(f *testing.F) {
	f.Add([]byte{0x81, 0x80, 0, 0, 0, 0})
	f.Add([]byte{0x88, 0x82, 0, 0, 0, 0, 3, 0xe8})
	f.Add([]byte{0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0})
	f.Add([]byte{0x8a, 0x80, 1, 2, 3, 4, 0x89, 0x80, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, frames []byte) {
		synctest.Test(t, func(t *testing.T) {
			s := newStand(t, newBook(0))
			p, stop := s.servePipes(t)
			defer stop()
			l := p.listen(t, "")
			l.wants("hello 0")
			go func() {
				for { // reads whatever comes, answers nothing
					if _, err := l.NetConn().Read(make([]byte, 512)); err != nil {
						return
					}
				}
			}()
			_, _ = l.NetConn().Write(frames)
			l.Close()
			synctest.Wait()
			time.Sleep(lingering + time.Second)
			if s.Clients() != 0 {
				t.Errorf("%d clients are open after the peer left", s.Clients())
			}
		})
	})
}
