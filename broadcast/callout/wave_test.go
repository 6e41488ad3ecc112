package callout_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// What two coordinators saw and both ask for is one wave.
func TestTheSameWaveIsSentOnce(t *testing.T) {
	w := newTown(t, nil)
	for range 40 {
		w.volunteer()
	}
	c := w.open(w.draft(2))
	w.work()
	var wait sync.WaitGroup
	var mu sync.Mutex
	sent, stale := 0, 0
	for range 8 {
		wait.Go(func() {
			_, n, err := w.calls.Wave(t.Context(), anna, c.ID, 1, 5)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && n == 5:
				sent++
			case errors.Is(err, alerts.ErrStale):
				stale++
			default:
				t.Errorf("%d people, %v", n, err)
			}
		})
	}
	wait.Wait()
	now, err := w.store.Call(t.Context(), c.ID)
	if err != nil || sent != 1 || stale != 7 || len(now.Waves) != 2 {
		t.Errorf("%d were sent, %d were stale, the waves are %+v, %v", sent, stale, now.Waves, err)
	}
	if _, n, err := w.calls.Wave(t.Context(), anna, c.ID, 2, 5); err != nil || n != 5 {
		t.Errorf("the next one: %d, %v", n, err)
	}
}

func TestAProposedWaveCountsWhoMayStillAnswer(t *testing.T) {
	for name, one := range map[string]struct {
		after time.Duration
		no    int // of the eight who were called
		yes   int
		want  int
	}{
		"who was just called counts in full":        {after: time.Minute, want: 2},
		"whoever said no leaves room":               {after: time.Minute, no: 3, want: 3},
		"who is silent for long counts as a fourth": {after: 11 * time.Minute, want: 6},
		"and nobody counts where all said no":       {after: 11 * time.Minute, no: 8, want: 8},
		"one who comes halves what is missing":      {after: 11 * time.Minute, yes: 1, no: 3, want: 3},
		"nothing where enough come":                 {after: time.Minute, yes: 2, want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, nil)
			for range 8 {
				w.volunteer()
			}
			c := w.open(w.draft(2))
			w.work()
			for i := range one.no + one.yes {
				kind := volunteers.Cannot
				if i >= one.no {
					kind = volunteers.Coming
				}
				w.says(c, uint32(i+1), kind, 0)
			}
			w.pass(one.after)
			w.work()
			if v, err := w.calls.View(t.Context(), c.ID); err != nil || v.Next != one.want {
				t.Errorf("%d are proposed, %v, want %d", v.Next, err, one.want)
			}
		})
	}
}

// An area that is chosen covers what lies in it.
func TestTheChoiceOfAreasCoversWhatLiesInThem(t *testing.T) {
	g, err := areas.Load(areas.Source{File: "../testdata/valley.geojson", System: "ISTAT"})
	if err != nil {
		t.Fatal(err)
	}
	var outer, inner string
	for _, a := range g.All() {
		if in := g.Within(a.Code.Value); len(in) > 0 {
			outer, inner = a.Code.Value, in[0].Value
		}
	}
	if outer == "" {
		t.Fatal("the valley has no area within another one")
	}
	w := newTown(t, func(c *callout.Config) { c.Areas = g })
	lives := func(code string) uint32 {
		n := w.volunteer()
		w.roll.people[n].Areas = []string{code}
		return n
	}
	want := []uint32{lives(outer), lives(inner)}
	elsewhere := lives("999999")
	for choice, called := range map[string][]uint32{outer: want, inner: want[1:], "999999": {elsewhere}} {
		d := w.draft(4)
		d.Choice.Areas = []string{choice}
		c := w.open(d)
		sheet, err := w.store.Sheet(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		var got []uint32
		for _, e := range sheet {
			got = append(got, e.Number)
		}
		if !slices.Equal(got, called) {
			t.Errorf("of %s %v are called, want %v", choice, got, called)
		}
	}
}

// Who is limited to some areas calls in them, however the limit names them, and
// nowhere else.
func TestACallKeepsToTheAreasOfWhoOpensIt(t *testing.T) {
	g, err := areas.Load(areas.Source{File: "../testdata/valley.geojson", System: "ISTAT"})
	if err != nil {
		t.Fatal(err)
	}
	code := g.All()[0].Code.Value
	for name, one := range map[string]struct {
		limits, choice []string
		want           error
	}{
		"the area itself":               {[]string{code}, []string{code}, nil},
		"with the name of the system":   {[]string{"ISTAT=" + code}, []string{code}, nil},
		"all that begin like it":        {[]string{"ISTAT=" + code[:2] + "*"}, []string{code}, nil},
		"the code of another system":    {[]string{"NUTS=" + code}, []string{code}, alerts.ErrForbidden},
		"another area":                  {[]string{code}, []string{"999999"}, alerts.ErrForbidden},
		"one that is, and one that not": {[]string{code}, []string{code, "999999"}, alerts.ErrForbidden},
		"no area chosen is everywhere":  {[]string{code}, nil, alerts.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, func(c *callout.Config) { c.Areas = g })
			w.roll.people[w.volunteer()].Areas = []string{code}
			d := w.draft(1)
			d.Choice.Areas = one.choice
			by := alerts.Person{ID: "key:1", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbCall}, Statuses: alerts.Statuses, Areas: one.limits}}
			if _, err := w.calls.Open(t.Context(), by, d); !errors.Is(err, one.want) {
				t.Errorf("got %v, want %v", err, one.want)
			}
		})
	}
}

// Somebody whom two calls reached may come to both; the one who counts on them
// must know.
func TestACallKnowsWhoComesToAnotherOneToo(t *testing.T) {
	w := newTown(t, nil)
	both, one := w.volunteer(), w.volunteer()
	first, second := w.open(w.draft(2)), w.open(w.draft(2))
	w.work()
	also := func(c *volunteers.Call, number uint32) []string {
		v, err := w.calls.View(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(v.People, func(p callout.Seen) bool { return p.Number == number })
		if i < 0 {
			t.Fatalf("%d is not in %s", number, c.Code())
		}
		return v.People[i].Also
	}
	w.says(first, both, volunteers.Coming, 10)
	w.says(second, both, volunteers.Coming, 20)
	w.says(second, one, volunteers.Maybe, 0)
	if got := also(first, both); !slices.Equal(got, []string{second.Code()}) {
		t.Errorf("the first call says: also %q", got)
	}
	if got := also(second, both); !slices.Equal(got, []string{first.Code()}) {
		t.Errorf("the second call says: also %q", got)
	}
	if got := also(first, one); got != nil {
		t.Errorf("who may come to another one is said to come: %q", got)
	}
	if v, err := w.calls.Board(t.Context(), w.calls.BoardToken(first)); err != nil || slices.ContainsFunc(v.People, func(p callout.Seen) bool { return p.Also != nil }) {
		t.Errorf("the board says where people come besides: %v", err)
	}
	w.says(second, both, volunteers.Cannot, 0)
	if got := also(first, both); got != nil {
		t.Errorf("after the change of mind the first call says: also %q", got)
	}
}
