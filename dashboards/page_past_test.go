package dashboards

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/broadcast"
)

// keep puts an event of long ago into the store, as it stands there.
func (g *gateway) keep(from *alerts.Record, published time.Time, change func(*alerts.Record)) {
	r := from.Clone()
	r.ID = alerts.ID(ulid.MustNew(ulid.Timestamp(published), ulid.DefaultEntropy()).String())
	r.Event, r.Revision, r.Published, r.Received = r.ID, 1, published, published
	r.Alert.Identifier = string(r.ID)
	r.Alert.Infos[0].Headline = published.UTC().Format(time.RFC3339)
	r.Alert.Infos[0].Expires = published.Add(time.Hour)
	change(r)
	g.memory.mu.Lock()
	g.memory.records = append(g.memory.records, r)
	g.memory.mu.Unlock()
}

func mustTime(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at
}

func ended(r *alerts.Record) { r.State = alerts.StateEnded }

// pattern issues one alert and takes it away again, to make others of it.
func (g *gateway) pattern(pairs ...string) *alerts.Record {
	g.issue(message("pattern", pairs...))
	g.memory.mu.Lock()
	defer g.memory.mu.Unlock()
	return g.memory.records[0]
}

// listed gives the headlines of a page of the archive.
func (p page) listed() string {
	var all []string
	for _, n := range p.all(".past a") {
		all = append(all, text(n))
	}
	return strings.Join(all, " ")
}

// A month ends when it ends in the authority's zone, in winter and in summer.
func TestTheArchiveByMonth(t *testing.T) {
	g := open(t)
	one := g.pattern()
	for _, at := range []string{"2024-12-31T22:59:59Z", "2024-12-31T23:00:00Z", "2025-03-31T21:59:59Z", "2025-03-31T22:00:00Z", "2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z", "2025-10-31T22:59:59Z", "2025-10-31T23:00:00Z"} {
		when, _ := time.Parse(time.RFC3339, at)
		g.keep(one, when, ended)
	}
	for month, want := range map[string]string{
		"2024-12": "2024-12-31T22:59:59Z", "2025-01": "2024-12-31T23:00:00Z",
		"2025-03": "2025-03-31T21:59:59Z", "2025-04": "2025-03-31T22:00:00Z",
		"2025-10": "2025-10-31T22:59:59Z 2025-10-26T01:30:00Z 2025-10-26T00:30:00Z", "2025-11": "2025-10-31T23:00:00Z",
	} {
		if got := g.page("/past/" + month).listed(); got != want {
			t.Errorf("%s lists %s, want %s", month, got, want)
		}
	}
	newest := g.page("/past?lang=it")
	if got := newest.listed(); got != "2025-10-31T23:00:00Z" {
		t.Errorf("the newest month lists %s", got)
	}
	newest.says("h2", "novembre 2025")
	if n := len(newest.all("main nav a")); n != 6 {
		t.Errorf("%d months", n)
	}
	g.page("/past/2025-01?lang=de").says("h2", "Jänner 2025")
	for _, path := range []string{"/past/2025-02", "/past/2025-13", "/past/2025", "/past/x", "/past/2025-01-01", "/past?page=0", "/past?page=2", "/past/2025-10?page=99999999999"} {
		if r := g.get(path); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

// What the archive says of an event is what it was.
func TestTheArchiveDoesNotCallTheLapsedEnded(t *testing.T) {
	g := open(t)
	one := g.pattern()
	month := time.Now().AddDate(0, -2, 0)
	g.keep(one, month, func(r *alerts.Record) { r.State = alerts.StateLapsed })
	g.keep(one, month.Add(time.Second), func(r *alerts.Record) { r.Alert.Status = alerts.StatusExercise })
	g.keep(one, month.Add(2*time.Second), func(r *alerts.Record) { r.State, r.Change = alerts.StateIssued, alerts.ChangeCancelled })
	g.keep(one, month.Add(3*time.Second), func(r *alerts.Record) { r.Alert.Infos[0].Severity = alerts.SeveritySevere }) // stays on the first page until it ends
	g.keep(one, month.Add(4*time.Second), func(r *alerts.Record) { ended(r); r.Alert.Scope = alerts.ScopePrivate })
	p := g.page("/past?lang=it")
	lines := p.all("ul.past li")
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, want := range []string{"Annullata (inviata per errore)", "ESERCITAZIONE", "non ancora revocata"} {
		if got := text(lines[i]); !strings.Contains(got, want) || strings.Contains(got, "Cessato") {
			t.Errorf("line %d: %s, want %s", i, got, want)
		}
	}
	p.never("h1", "concluse")
}

// Ten thousand events are read once. From then on a page reads the events that
// it shows, and what was published since.
func TestTheArchiveIsNotReadForEveryReader(t *testing.T) {
	g := open(t, inValdemo)
	one := g.pattern(where("Borgo Basso", "VALDEMO", "VD-8", nil)...)
	other := one.Clone()
	other.Areas = []alerts.Value{{Name: "VALDEMO", Value: "VD-1"}}
	other.Alert.Infos[0].Areas[0].Geocodes = other.Areas
	begin := time.Date(2020, 1, 1, 12, 0, 0, 0, time.UTC)
	for i := range 10_000 {
		from := one
		if i%10 == 0 {
			from = other
		}
		g.keep(from, begin.Add(time.Duration(i)*time.Hour), ended)
	}
	count := func(paths ...string) (alls, gets int) {
		t.Helper()
		g.memory.mu.Lock()
		g.memory.alls, g.memory.gets = 0, 0
		g.memory.mu.Unlock()
		for _, path := range paths {
			if r := g.get(path); r.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d", path, r.StatusCode)
			}
		}
		g.memory.mu.Lock()
		defer g.memory.mu.Unlock()
		return g.memory.alls, g.memory.gets
	}
	if alls, gets := count("/past?lang=it"); alls != 1 || gets > pastAtOnce {
		t.Errorf("the first page: all %d times, %d events", alls, gets)
	}
	pages := []string{"/past?lang=en", "/past/2020-05?lang=it", "/past/2020-05?lang=it&page=2", "/area/VD-8/past?lang=it", "/area/VD-1/past?lang=it", "/area/099999/past/2020-06?lang=it"}
	if alls, gets := count(pages...); alls != 0 || gets > len(pages)*pastAtOnce {
		t.Errorf("%d further pages: all %d times, %d events", len(pages), alls, gets)
	}
	whole, part := g.page("/past/2020-05"), g.page("/area/VD-1/past/2020-05")
	if n, few := len(whole.all("ul.past li")), len(part.all("ul.past li")); n != pastAtOnce || few != 50 {
		t.Errorf("%d and %d events on a page", n, few)
	}
	whole.says("main", "Pagina 1 di 15")
	whole.says("main nav", "maggio 2020 (744)")
	part.says("main nav", "maggio 2020 (75)")

	// What is published now comes by the log.
	v := g.issue(message("late", where("Borgo Basso", "VALDEMO", "VD-8", nil)...))
	if r := g.act(issuer, v["id"].(string), "cancel", `{"digest":"`+v["digest"].(string)+`","reason":"errore"}`); r.StatusCode != 201 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	g.settle()
	if alls, _ := count("/past?lang=it", "/area/VD-8/past?lang=it"); alls != 0 {
		t.Errorf("after a change: all %d times", alls)
	}
	for path, want := range map[string]int{"/past": 1, "/area/VD-8/past": 1} {
		if n := len(g.page(path).all("ul.past li")); n != want {
			t.Errorf("%s lists %d events of this month, want %d", path, n, want)
		}
	}

	// A log that does not reach back has all read again, once.
	a := g.server.pages.archive
	a.mu.Lock()
	a.cursor = "other-1-0"
	a.mu.Unlock()
	if alls, _ := count("/past/2020-07?lang=it", "/past/2020-08?lang=it"); alls != 1 {
		t.Errorf("after a break: all %d times", alls)
	}
}

// An archive that could not be read is tried again.
func TestTheArchiveComesBack(t *testing.T) {
	g := open(t)
	one := g.pattern()
	g.keep(one, time.Now().AddDate(0, -1, 0), ended)
	a := g.server.pages.archive
	g.memory.fail(alerts.ErrUnavailable)
	if _, _, err := a.months(t.Context(), "", nil, "", rome, time.Now()); err == nil {
		t.Error("a store that is away is no error")
	}
	g.memory.fail(nil)
	if _, _, err := a.months(t.Context(), "", nil, "", rome, time.Now()); err == nil {
		t.Error("a store that is away is asked by every reader")
	}
	a.mu.Lock()
	a.failed = a.failed.Add(-failedFor)
	a.mu.Unlock()
	if _, events, err := a.months(t.Context(), "", nil, "", rome, time.Now()); err != nil || len(events) != 1 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// What the archive calls past is what the first page does not show, and both
// judge alike.
func TestTheArchiveAndTheFirstPageAgree(t *testing.T) {
	now := time.Now()
	a := &archive{atlas: newAtlas(areas.Valdemo()), events: map[alerts.ID]*pastEvent{}}
	for _, severity := range []alerts.Severity{alerts.SeverityExtreme, alerts.SeveritySevere, alerts.SeverityMinor} {
		for _, status := range []alerts.Status{alerts.StatusActual, alerts.StatusExercise} {
			for _, state := range []alerts.State{alerts.StateIssued, alerts.StateLapsed, alerts.StateCancelled, alerts.StateEnded} {
				for _, ago := range []time.Duration{-time.Hour, time.Hour, 7 * time.Hour, 47 * time.Hour, 49 * time.Hour, 9000 * time.Hour} {
					r := &alerts.Record{ID: "1", Event: "1", State: state, Published: now.Add(-10000 * time.Hour), Alert: &alerts.Alert{Status: status, Scope: alerts.ScopePublic, Infos: []alerts.Info{{Severity: severity, Expires: now.Add(-ago)}}}}
					h := happening{r, standing(r, now)}
					want := h.over() || h.Standing == broadcast.StandingLapsed && !h.shown(now)
					if got := a.of(r).past(now); got != want {
						t.Errorf("%s %s %s, expired %v ago: past %v, want %v", severity, status, state, ago, got, want)
					}
				}
			}
		}
	}
}

func BenchmarkPastOfTenThousand(b *testing.B) {
	g := open(b, inValdemo)
	g.issue(message("pattern", where("Borgo Basso", "VALDEMO", "VD-8", nil)...))
	one := g.memory.records[0]
	for i := range 10_000 {
		g.keep(one, time.Date(2020, 1, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(i)*time.Hour), ended)
	}
	a, around := g.server.pages.archive, g.server.pages.atlas.surroundings(g.server.pages.atlas.find("VD-8"))
	for b.Loop() {
		if _, events, err := a.months(b.Context(), "", around, "2020-05", rome, time.Now()); err != nil || len(events) != 744 {
			b.Fatal(fmt.Sprint(len(events), err))
		}
	}
}
