package dashboards

import (
	"strings"
	"testing"
	"time"

	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

func TestTheWallBoard(t *testing.T) {
	g, f := openCall(t)
	p := g.page(wallPath + wallsToken)
	p.says("title", "6/8 – Sacchi di sabbia")
	p.says("header h1", "Sacchi di sabbia in via del Ponte")
	p.says("header .at", "Magazzino comunale, via delle Fornaci 4")
	for i, want := range []string{"Persone 5/5 completo", "autista C 1/2 ne mancano 1 , forse altri 2", "motopompa 0/1 ne mancano 1"} {
		if got := text(p.all(".needs li")[i]); strings.ReplaceAll(got, " ,", ",") != strings.ReplaceAll(want, " ,", ",") {
			t.Errorf("need %d: %q, want %q", i, got, want)
		}
	}
	for i, want := range []string{"#s-ok", "#s-org", "#s-org"} { // a shape beside the colour
		if got := attr(p.all(".needs use")[i], "href"); got != want {
			t.Errorf("the shape of need %d is %s", i, got)
		}
	}
	p.says(".lost", "NON DANNO NOTIZIE")
	p.says(".lost", "Elena Gialli ultimo segno")
	p.says(".who", "Ada Rossi autista C fra ")
	p.says(".late", "Chiara Verdi ▲ in ritardo di ")
	p.says(".here", "Dario Blu dalle")
	p.never(".here", "Elena") // she stands first, loudly, and nowhere as if all were well
	p.says(".who", "Sul posto (2)")
	p.says(".counts", "2")
	for _, want := range []string{"vengono 5", "forse 3", "senza risposta 15", "non possono 9", "andati via 0"} {
		p.says(".counts", want)
	}
	body := g.get(wallPath+wallsToken).body + g.get(wallPath+wallsToken+"?part=live").body
	for _, bad := range []string{"+39", "tel:", "segreta", "Segreta", wallsToken, "L. Bianchi"} {
		if strings.Contains(body, bad) {
			t.Errorf("the board holds %q", bad)
		}
	}
	if !strings.Contains(body, `<noscript><meta http-equiv="refresh" content="5"></noscript>`) {
		t.Error("without scripts it does not load itself again")
	}
	g.page(wallPath+wallsToken+"?lang=de").says(".lost", "KEIN LEBENSZEICHEN")

	for state, want := range map[volunteers.State]string{volunteers.StateClosed: "CONCLUSA", volunteers.StateCancelled: "ANNULLATA", volunteers.StateExpired: "SCADUTA"} {
		f.set(func(f *fakeCallouts) { f.view.Call.State, f.view.Call.Ended = state, time.Now() })
		p := g.page(wallPath + wallsToken)
		p.says("title", want+" – Sacchi")
		p.says(".loud", want)
		p.says(".lost", "Elena Gialli") // whoever is missing is missed after the end too
	}
	f.set(func(f *fakeCallouts) {
		f.view.Call.State, f.view.Call.Exercise, f.view.Call.Short = volunteers.StateOpen, true, time.Now()
		f.view.People = nil
	})
	p = g.page(wallPath + wallsToken)
	p.says("title", "ESERCITAZIONE – 6/8")
	p.says(".drill", "ESERCITAZIONE")
	p.says(".loud", "Mancano persone")
	p.says(".who", "Ancora nessuno")
}

// Times are the authority's, with the day where one could take it for another, and
// in minutes where they are near.
func TestTimesOnTheWallBoard(t *testing.T) {
	g, _ := openCall(t)
	l := g.server.pages.locales.all["it"]
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 10, day, hour, minute, 30, 0, time.UTC) }
	now := at(24, 21, 0) // 23:00:30 in Rome, the night in which summer time ends
	for name, c := range map[string]struct {
		expect   time.Time
		at, when string
		soon     string
	}{
		"in ten minutes":           {at(24, 21, 10), "23:10", "fra 10\u00a0min", "oggi 23:10"},
		"in this minute":           {at(24, 21, 0).Add(20 * time.Second), "23:00", "fra 0\u00a0min", "oggi 23:00"},
		"a minute ago":             {at(24, 20, 59), "22:59", "▲ in ritardo di 1\u00a0min", "oggi 22:59"},
		"after midnight":           {at(24, 22, 30), "00:30", "fra 90\u00a0min", "domani 00:30"},
		"when the clock goes back": {at(25, 1, 30), "02:30", "", "domani 02:30"},
		"in two days":              {at(26, 6, 0), "26/10 07:00", "", "26/10 07:00"},
	} {
		var page wallPage
		page.add(l, &callout.Seen{Entry: callout.Entry{Answer: &volunteers.Answer{Kind: volunteers.Coming}}, Expect: c.expect}, now)
		if line := page.Coming[0]; line.At != c.at || line.When != c.when || line.Late != strings.Contains(c.when, "ritardo") {
			t.Errorf("%s: %+v", name, line)
		}
		if got := l.soon(c.expect, now); got.Text != c.soon || !strings.HasPrefix(got.ISO, "2026-10-2") {
			t.Errorf("%s: %+v, want %q", name, got, c.soon)
		}
	}
}

// A screen that nobody touches shows as many as it has room for, and says how
// many there are beside. Whoever is overdue is always there.
func TestTheWallBoardOfManyPeople(t *testing.T) {
	g, f := openCall(t)
	f.set(func(f *fakeCallouts) {
		one := f.view.People[0]
		f.view.People = nil
		for i := range 200 {
			one.Number, one.Name, one.Overdue, one.Presence = uint32(i), "", false, volunteers.Presence{}
			if i >= 100 {
				one.Presence.Arrived = time.Now()
				one.Overdue = i >= 150
			}
			f.view.People = append(f.view.People, one)
		}
	})
	p := g.page(wallPath + wallsToken)
	p.says(".who", "e altri 81")
	p.says(".who", "Persona 7")
	p.says(".here", "e altri 39")
	if n := len(p.all(".lost li")); n != 50 {
		t.Errorf("%d of 50 overdue", n)
	}
}

// The part of the board is sent again only when something on it changed; by its
// clock every answer tells that the board is alive.
func TestTheMovingPartOfTheWallBoard(t *testing.T) {
	g, f := openCall(t)
	// What the minutes say must not move between two looks.
	f.set(func(f *fakeCallouts) { f.view.People = f.view.People[3:] })
	path := wallPath + wallsToken + "?part=live&lang=it"
	r := g.get(path)
	tag := r.Header.Get("ETag")
	if r.StatusCode != 200 || tag == "" || !strings.HasPrefix(r.body, `<div id="part" data-title="6/8`) {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	for range 3 {
		r := g.get(path, "If-None-Match", tag)
		clock := r.Header.Get(wallClock)
		if at, err := time.Parse(time.TimeOnly, clock); r.StatusCode != 304 || err != nil || at.IsZero() || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("nothing changed: %d, clock %q", r.StatusCode, clock)
		}
	}
	f.set(func(f *fakeCallouts) {
		f.view.Needs[1].Coming, f.view.Cursor = 2, "2"
	})
	if r := g.get(path, "If-None-Match", tag); r.StatusCode != 200 || !strings.Contains(r.body, "2/2") || r.Header.Get("ETag") == tag {
		t.Errorf("something changed: %d", r.StatusCode)
	}
	f.set(func(f *fakeCallouts) { f.fail = callout.ErrToken })
	if r := g.get(path, "If-None-Match", tag); r.StatusCode != 404 {
		t.Errorf("the link has ended: %d", r.StatusCode)
	}
}

// At ten to midnight the next hours are another day, and everybody knows: a date
// would only push the names off the wall.
func TestTheClockOfTheWallAroundMidnight(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	all, err := loadLocales(rome)
	if err != nil {
		t.Fatal(err)
	}
	l, now := all.all["it"], time.Date(2026, 11, 22, 23, 50, 0, 0, rome)
	for name, c := range map[string]struct {
		at   time.Time
		want string
	}{
		"in a quarter of an hour":     {now.Add(15 * time.Minute), "00:05"},
		"of two hours ago":            {now.Add(-2 * time.Hour), "21:50"},
		"tomorrow morning":            {now.Add(7 * time.Hour), "06:50"},
		"of this morning":             {now.Add(-15 * time.Hour), "08:50"},
		"tomorrow at noon":            {now.Add(12 * time.Hour), "23/11 11:50"},
		"of the evening before today": {now.Add(-26 * time.Hour), "21/11 21:50"},
	} {
		if got := l.clock(c.at, now); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
