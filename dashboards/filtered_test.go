package dashboards

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"martinella/alerts"
	"martinella/alerts/areas"
)

// kept counts what the two shelves of feeds hold.
func (s *Server) kept() (everybody, chosen, bytes int) {
	s.feeds.mu.RLock()
	defer s.feeds.mu.RUnlock()
	s.filtered.mu.Lock()
	defer s.filtered.mu.Unlock()
	return len(s.feeds.pages), len(s.filtered.by), s.filtered.bytes
}

func TestWhatReadersChooseIsBoundedAndLeavesTheFeedsForEverybody(t *testing.T) {
	g := open(t, func(c *Config) { c.Areas = areas.Valdemo() })
	g.issue(message("chosen", "severity", "Severe"))
	g.settle()
	everybody := func(f *Server) *ready {
		return f.feeds.at(place{name: "/feed.atom", id: " ", lang: "it"}).ready.Load()
	}
	if r := g.get("/feed.atom?lang=it"); r.StatusCode != http.StatusOK {
		t.Fatalf("%d", r.StatusCode)
	}
	first, _, _ := g.server.kept()
	made := everybody(g.server)
	if made == nil {
		t.Fatal("the feed for everybody is not kept")
	}
	const most = 30_000
	g.server.filtered.most = most
	asked := 0
	for _, a := range g.server.Areas.All() {
		for _, path := range []string{"/feed.atom", "/feed.json", "/embed"} {
			for _, level := range []string{"", "severe"} {
				asked++
				if r := g.get(path + "?lang=it&level=" + level + "&area=" + a.Code.Value); r.StatusCode != http.StatusOK {
					t.Fatalf("%s: %d", path, r.StatusCode)
				}
			}
		}
	}
	after, chosen, bytes := g.server.kept()
	if bytes > most || chosen == 0 || chosen >= asked || after != first {
		t.Errorf("%d of %d choices are kept in %d bytes, and %d entries where those for everybody stand (before: %d)", chosen, asked, bytes, after, first)
	}
	if everybody(g.server) != made {
		t.Error("the feed for everybody went")
	}
	last := g.server.Areas.All()[len(g.server.Areas.All())-1].Code.Value
	at := place{name: "/embed", id: last + " Severe", lang: "it"}
	if g.server.filtered.find(at) == nil {
		t.Error("what was read last went first")
	}
}

func TestCodesThatNobodyKnowsAreRefusedAndNotKept(t *testing.T) {
	g := open(t) // without areas of its own
	for n := range 50 {
		for _, path := range []string{"/feed.atom", "/calendar.ics", "/embed"} {
			if r := g.get(path + "?area=" + strconv.Itoa(n)); r.StatusCode != http.StatusNotFound || !strings.Contains(r.body, "leave area out") {
				t.Fatalf("%s: %d %s", path, r.StatusCode, r.body)
			}
		}
	}
	if _, chosen, bytes := g.server.kept(); chosen+bytes != 0 {
		t.Errorf("%d are kept, %d bytes", chosen, bytes)
	}
	g.issue(message("named-here"))
	g.settle()
	if r := g.get("/feed.atom?area=099001"); r.StatusCode != http.StatusOK || !strings.Contains(r.body, "named-here") && !strings.Contains(r.body, "Piena in arrivo") {
		t.Errorf("a code that an alert names: %d", r.StatusCode)
	}
}

// Few are made at once; who waits in vain is told to come again, and nobody who
// reads the feeds for everybody waits with them.
func TestFewChoicesAreMadeAtOnce(t *testing.T) {
	g := open(t)
	g.issue(message("crowd"))
	g.settle()
	for range filteredAtOnce {
		if err := g.server.filtered.turns.take(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/feed.rss", "/embed"} {
		r := g.get(path + "?level=severe")
		if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") != "2" {
			t.Errorf("%s: %d, Retry-After %q", path, r.StatusCode, r.Header.Get("Retry-After"))
		}
		if r := g.get(path); r.StatusCode != http.StatusOK {
			t.Errorf("%s for everybody: %d", path, r.StatusCode)
		}
	}
	for range filteredAtOnce {
		g.server.filtered.turns.give()
	}
	if r := g.get("/feed.rss?level=severe"); r.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d", r.StatusCode)
	}
}

func TestTurnsAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		few := make(turns, 3)
		var at, most atomic.Int32
		var all sync.WaitGroup
		for range 9 {
			all.Go(func() {
				if err := few.take(t.Context(), 10*time.Second); err != nil {
					t.Error(err)
					return
				}
				defer few.give()
				if n := at.Add(1); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(time.Second)
				at.Add(-1)
			})
		}
		all.Wait()
		if most.Load() != 3 {
			t.Errorf("%d at once", most.Load())
		}
		for range 3 {
			_ = few.take(t.Context(), 0)
		}
		began := time.Now()
		if err := few.take(t.Context(), 2*time.Second); !errors.Is(err, errCrowded) || time.Since(began) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := few.take(ctx, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("a reader who went: %v", err)
		}
	})
}

// Where the store cannot say for whom an event was, there is no feed: one
// without it would look like a quiet place.
func TestAFeedWithoutItsRevisionsIsNotGiven(t *testing.T) {
	g := open(t)
	v := g.issue(message("was-grave", "severity", "Severe"))
	g.issue(message("now-less", "severity", "Minor", "headline", "Il livello scende", "<scope>Public</scope>", "<scope>Public</scope><references>protezione.civile@comune.valdemo.example,was-grave,"+sentIn(t, g, v)+"</references>", "<msgType>Alert</msgType>", "<msgType>Update</msgType>"))
	g.settle()
	g.memory.fail(alerts.ErrUnavailable)
	for _, path := range []string{"/feed.json", "/feed.atom", "/embed"} {
		if r := g.get(path + "?level=severe&lang=it"); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
			t.Errorf("%s while the store is away: %d %s", path, r.StatusCode, r.body)
		}
		if r := g.get(path + "?lang=it"); r.StatusCode != http.StatusOK {
			t.Errorf("%s for everybody: %d", path, r.StatusCode)
		}
	}
	reads := g.memory.gets
	g.get("/feed.json?level=severe&lang=it")
	if g.memory.gets != reads {
		t.Error("a store that is away is asked again at once")
	}
	g.memory.fail(nil)
	if r := g.get("/feed.rss?level=severe&lang=it"); r.StatusCode != http.StatusOK || !strings.Contains(r.body, "Il livello scende") {
		t.Errorf("afterwards: %d %s", r.StatusCode, r.body)
	}
}

func TestFewTextsAreComparedAtOnce(t *testing.T) {
	g := openVerify(t)
	for range judgedAtOnce {
		if err := g.server.verifying.turns.take(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	if r := g.ask("", itAlert); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") != "2" || !strings.Contains(r.body, "chiama il 112 senza aspettare") {
		t.Errorf("%d, Retry-After %q", r.StatusCode, r.Header.Get("Retry-After"))
	}
	if r := g.ask("00000", ""); r.StatusCode != http.StatusOK {
		t.Errorf("a code: %d", r.StatusCode)
	}
	g.server.verifying.turns.give()
	if r := g.ask("", itAlert); r.StatusCode != http.StatusOK || !strings.Contains(r.body, "112") {
		t.Errorf("with one turn: %d", r.StatusCode)
	}
	if len(g.server.verifying.turns) != judgedAtOnce-1 {
		t.Error("the turn was not given back")
	}
}
