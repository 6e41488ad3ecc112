package callout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
	"martinella/channels"
)

func TestEachContactIsTriedOnceUntilThereIsAnAnswer(t *testing.T) {
	w := newTown(t, nil)
	silent, quick := w.volunteer(), w.volunteer()
	c := w.open(w.draft(2))
	w.work()
	if got := w.said(silent); fmt.Sprint(got) != "[push call]" {
		t.Fatalf("at first %v", got)
	}
	if _, err := w.calls.Answer(t.Context(), w.link(quick, c), volunteers.Answer{Kind: volunteers.Coming, Minutes: 20}); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		w.pass(time.Minute)
		w.work()
	}
	if got := w.said(silent); fmt.Sprint(got) != "[push call sms call mail call]" {
		t.Errorf("who is silent was told %v", got)
	}
	if got := w.said(quick); fmt.Sprint(got) != "[push call]" {
		t.Errorf("who answered was told %v", got)
	}
	page := w.store.Published()[0]
	r := page.Record
	if r.Call != c.ID || r.CallNumber != c.Number || r.Alert.Scope != alerts.ScopeRestricted || r.Alert.Status != alerts.StatusActual || r.Urgent() || !r.Expires().Equal(c.Until) || broadcast.Public(r) {
		t.Errorf("the record of a page is %+v of %+v", r, r.Alert)
	}
	if m := page.Messages[0]; m.Audience != channels.AudienceVolunteers || !strings.Contains(m.Text, "{person.link}") || m.Expires != c.Until {
		t.Errorf("the message is %+v", m)
	}
}

func TestEnoughComeIsToldOnceAndStopsTheOthers(t *testing.T) {
	w := newTown(t, nil)
	var all []uint32
	for range 4 {
		all = append(all, w.volunteer())
	}
	c := w.open(w.draft(1))
	w.work()
	for number, kind := range map[uint32]volunteers.AnswerKind{all[0]: volunteers.Coming, all[1]: volunteers.Cannot, all[2]: volunteers.Maybe} {
		if _, err := w.calls.Answer(t.Context(), w.link(number, c), volunteers.Answer{Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		w.work()
		w.pass(time.Minute)
	}
	for i, want := range []string{"[push call]", "[push call]", "[push call push filled]", "[push call push filled]"} {
		if got := w.said(all[i]); fmt.Sprint(got) != want {
			t.Errorf("person %d was told %v, want %v", i, got, want)
		}
	}
	first := w.store.Published()[0].Record.ID
	if turns := w.store.Begin(first, "push", 0, 1, 2, 3); slices.ContainsFunc(turns, func(turn broadcast.Turn) bool { return turn.Do() == broadcast.TurnSend }) {
		t.Errorf("pages that had not left still leave: %v", turns)
	}
	if _, err := w.calls.Answer(t.Context(), w.link(all[0], c), volunteers.Answer{Kind: volunteers.Cannot}); err != nil {
		t.Fatal(err)
	}
	w.work()
	if now, _ := w.store.Call(t.Context(), c.ID); !now.Filled.IsZero() {
		t.Error("somebody is missing again, and the call still counts as filled")
	}
	if _, err := w.calls.Answer(t.Context(), w.link(all[2], c), volunteers.Answer{Kind: volunteers.Coming}); err != nil {
		t.Fatal(err)
	}
	w.work()
	for i, want := range []string{"[push call]", "[push call]", "[push call push filled push needed]", "[push call push filled push needed push filled]"} {
		if got := w.said(all[i]); fmt.Sprint(got) != want {
			t.Errorf("after a place was free again person %d was told %v, want %v", i, got, want)
		}
	}
}

func TestTheEndIsTold(t *testing.T) {
	for name, one := range map[string]struct {
		state volunteers.State
		want  []string // of who comes, who cannot, who is silent
	}{
		"cancelled: everybody who might set out, wherever they were paged": {volunteers.StateCancelled,
			[]string{"[push call push cancelled]", "[push call]", "[push call sms call sms cancelled push cancelled]"}},
		"closed: who came or comes": {volunteers.StateClosed, []string{"[push call push closed]", "[push call]", "[push call sms call]"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, nil)
			all := []uint32{w.volunteer(), w.volunteer(), w.volunteer()}
			c := w.open(w.draft(3))
			w.work()
			for i, kind := range []volunteers.AnswerKind{volunteers.Coming, volunteers.Cannot} {
				if _, err := w.calls.Answer(t.Context(), w.link(all[i], c), volunteers.Answer{Kind: kind}); err != nil {
					t.Fatal(err)
				}
			}
			w.pass(61 * time.Second)
			w.work()
			for range 2 { // twice is once
				if _, err := w.calls.End(t.Context(), anna, c.ID, one.state, "grazie"); err != nil {
					t.Fatal(err)
				}
				w.work()
			}
			w.pass(10 * time.Minute)
			w.work()
			for i, want := range one.want {
				got := w.said(all[i])
				slices.Sort(got[min(len(got), 2):])
				wanted := strings.Fields(strings.Trim(want, "[]"))
				if len(strings.Fields(strings.Join(got, " "))) != len(wanted) {
					t.Errorf("person %d was told %v, want %v", i, got, want)
				}
			}
			if _, err := w.calls.Answer(t.Context(), w.link(all[2], c), volunteers.Answer{Kind: volunteers.Coming}); !errors.Is(err, callout.ErrOver) {
				t.Errorf("an answer after the end: %v", err)
			}
			if _, err := w.calls.End(t.Context(), anna, c.ID, map[volunteers.State]volunteers.State{volunteers.StateClosed: volunteers.StateCancelled, volunteers.StateCancelled: volunteers.StateClosed}[one.state], ""); !errors.Is(err, callout.ErrOver) {
				t.Errorf("another end: %v", err)
			}
		})
	}
}

// The bound is one of characters, as the form says it: an accent is not two.
func TestHowMuchTheEndMaySay(t *testing.T) {
	for words, want := range map[string]error{strings.Repeat("è", volunteers.WordsMost): nil, strings.Repeat("e", volunteers.WordsMost+1): alerts.ErrInvalid} {
		w := newTown(t, nil)
		w.volunteer()
		c := w.open(w.draft(1))
		if _, err := w.calls.End(t.Context(), anna, c.ID, volunteers.StateClosed, words); !errors.Is(err, want) {
			t.Errorf("%d bytes: got %v, want %v", len(words), err, want)
		}
	}
}

func TestASecondWave(t *testing.T) {
	for name, one := range map[string]struct {
		second  volunteers.Second
		severe  bool
		more    int // people called after the first wave
		ringing int
	}{
		"is asked for by default":                             {second: volunteers.Second{After: 10 * time.Minute}, ringing: 1},
		"begins by itself where that is set":                  {second: volunteers.Second{After: 10 * time.Minute, Auto: true}, more: 8, ringing: 1},
		"is capped":                                           {second: volunteers.Second{After: 10 * time.Minute, Auto: true, Most: 3}, more: 3, ringing: 1},
		"does not begin by itself where the danger is severe": {second: volunteers.Second{After: 10 * time.Minute, Auto: true}, severe: true, ringing: 1},
		"never, where none is wanted":                         {},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, func(c *callout.Config) { c.Alerts = danger(one.severe) })
			for range 40 {
				w.volunteer()
			}
			d := w.draft(2)
			d.Second, d.Point = one.second, &alerts.Point{Lat: 44, Lon: 11}
			c := w.open(d)
			for range 60 {
				w.work()
				w.pass(time.Minute)
			}
			now, err := w.store.Call(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			more := 0
			for _, wave := range now.Waves[1:] {
				more += wave.People
			}
			if now.Waves[0].People != 8 || more != one.more || w.short != one.ringing {
				t.Errorf("waves %+v, rung %d", now.Waves, w.short)
			}
		})
	}
}

func TestWhatMayNotBeOpened(t *testing.T) {
	for name, one := range map[string]struct {
		config func(*callout.Config)
		draft  func(*callout.Draft)
		by     alerts.Person
		want   error
	}{
		"without the right":                 {by: alerts.Person{ID: "key:1", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbSubmit}, Statuses: alerts.Statuses}}, want: alerts.ErrForbidden},
		"in earnest with an exercise's key": {by: alerts.Person{ID: "key:1", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbCall}}}, want: alerts.ErrForbidden},
		"beyond the key's areas":            {by: alerts.Person{ID: "key:1", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbCall}, Statuses: alerts.Statuses, Areas: []string{"048099"}}}, want: alerts.ErrForbidden},
		"nothing said":                      {by: anna, draft: func(d *callout.Draft) { d.What = " " }, want: alerts.ErrInvalid},
		"in earnest in practice":            {by: anna, config: func(c *callout.Config) { c.Practice = true }, want: alerts.ErrInvalid},
		"in earnest without a store": {by: anna, config: func(c *callout.Config) {
			c.Durability = func(context.Context) (broadcast.Durability, error) { return broadcast.Durability{Memory: true}, nil }
		}, want: alerts.ErrNotDurable},
		"nobody to call":      {by: anna, draft: func(d *callout.Draft) { d.Needs[0].Skill = "sommozzatore" }, want: alerts.ErrNotSendable},
		"no channel that can": {by: anna, config: func(c *callout.Config) { c.Routes = nil }, want: alerts.ErrNotSendable},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, one.config)
			w.volunteer()
			d := w.draft(1)
			if one.draft != nil {
				one.draft(&d)
			}
			if _, err := w.calls.Open(t.Context(), one.by, d); !errors.Is(err, one.want) {
				t.Errorf("got %v, want %v", err, one.want)
			}
			if len(w.store.Acts()) != 0 {
				t.Errorf("acts %v", w.store.Acts())
			}
		})
	}
}

func TestPracticeGoesToPaper(t *testing.T) {
	w := newTown(t, func(c *callout.Config) {
		c.Practice, c.Routes = true, routesOf(&paper{pager{name: "outbox"}})
	})
	one := w.volunteer()
	d := w.draft(1)
	d.Exercise = true
	w.open(d)
	w.work()
	w.pass(time.Minute)
	w.work()
	if got := w.said(one); fmt.Sprint(got) != "[outbox call outbox call]" {
		t.Errorf("told %v", got)
	}
	if r := w.store.Published()[0].Record; r.Alert.Status != alerts.StatusExercise || !w.store.Published()[0].Messages[0].Exercise {
		t.Errorf("the record is %+v", r.Alert)
	}
}

func TestWhoCannotBeToldHereIsToldOtherwise(t *testing.T) {
	w := newTown(t, func(c *callout.Config) {
		c.Routes = routesOf(&pager{name: "push", kind: "push", dumb: true}, &pager{name: "sms", kind: "phone"})
	})
	plain, foreign, stopped := w.volunteer(), w.volunteer(), w.volunteer()
	w.roll.people[foreign].Language = "xx-YY"
	w.open(w.draft(3))
	w.roll.people[stopped].Stopped = map[string]time.Time{"push": noon}
	w.work()
	for _, number := range []uint32{plain, foreign, stopped} {
		if got := w.said(number); fmt.Sprint(got) != "[sms call]" {
			t.Errorf("%d was told %v", number, got)
		}
	}
}

func TestQuietHoursHoldWhatIsNotUrgent(t *testing.T) {
	for name, one := range map[string]struct {
		urgent bool
		until  time.Duration // of the call
		before bool          // the quiet hours began after the first step
		taken  bool          // the other one comes, and is enough
		first  string        // what they had before the end of the quiet hours
		all    string
		held   bool
		spared bool // the coordinator sees that they were not disturbed
	}{
		"an urgent call goes on":             {urgent: true, until: 6 * time.Hour, first: "[push call sms call mail call]", all: "[push call sms call mail call]"},
		"they are paged when they wake":      {until: 6 * time.Hour, first: "[]", all: "[push call sms call mail call]", held: true},
		"from where it stood":                {until: 6 * time.Hour, before: true, first: "[push call]", all: "[push call sms call mail call]", held: true},
		"not where enough come by then":      {until: 6 * time.Hour, taken: true, first: "[]", all: "[]"},
		"nor where the call ends before":     {until: 90 * time.Minute, first: "[]", all: "[]", spared: true},
		"who was paged before was disturbed": {until: 90 * time.Minute, before: true, first: "[push call]", all: "[push call]"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, nil)
			awake, sleeper := w.volunteer(), w.volunteer()
			d := w.draft(1)
			d.Urgent, d.Until, d.Choice.Times = one.urgent, w.now().Add(one.until), 2
			c := w.open(d)
			if one.before {
				w.work()
			}
			w.roll.people[sleeper].Quiet = &broadcast.Hours{From: "12:00", To: "14:00"} // since the call was opened
			w.work()
			if one.taken {
				w.says(c, awake, volunteers.Coming, 0)
			}
			look := func(when string, said string, held, spared bool) {
				t.Helper()
				if got := fmt.Sprint(w.said(sleeper)); got != said {
					t.Errorf("%s they were told %v, want %v", when, got, said)
				}
				v, err := w.calls.View(t.Context(), c.ID)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range v.People {
					if p.Number == sleeper && (held != p.Held.Equal(noon.Add(2*time.Hour)) || spared != p.Undisturbed) {
						t.Errorf("%s they are shown held until %v, undisturbed %v", when, p.Held, p.Undisturbed)
					}
				}
			}
			for range 119 {
				w.work()
				w.pass(time.Minute)
			}
			look("before they wake", one.first, one.held, one.spared)
			for range 60 {
				w.pass(time.Minute)
				w.work()
			}
			look("in the end", one.all, false, one.spared)
			if r := w.store.Published()[0].Record; r.Urgent() != one.urgent {
				t.Error("the record's lane is another one")
			}
		})
	}
}

// danger is a board with an alert of Severe around the meeting point, or none.
func danger(severe bool) func(time.Time) []broadcast.Happening {
	if !severe {
		return nil
	}
	around := alerts.Area{Circles: []alerts.Circle{{Centre: alerts.Point{Lat: 44, Lon: 11}, Radius: 5}}}
	r := &alerts.Record{Alert: &alerts.Alert{Status: alerts.StatusActual, Infos: []alerts.Info{{Severity: alerts.SeveritySevere, Areas: []alerts.Area{around}}}}}
	return func(time.Time) []broadcast.Happening {
		return []broadcast.Happening{{Record: r, Standing: broadcast.StandingActive}}
	}
}
