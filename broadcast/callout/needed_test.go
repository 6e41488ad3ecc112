package callout_test

import (
	"fmt"
	"testing"
	"time"

	"martinella/alerts/volunteers"
)

// says is what a person answers by their page, after which all that is due is done.
func (w *town) says(c *volunteers.Call, number uint32, kind volunteers.AnswerKind, minutes int) {
	w.t.Helper()
	if _, err := w.calls.Answer(w.t.Context(), w.link(number, c), volunteers.Answer{Kind: kind, Minutes: minutes}); err != nil {
		w.t.Fatal(err)
	}
	w.pass(time.Second)
	w.work()
}

// told counts how many of some people were told something.
func (w *town) told(what string, people ...uint32) (n int) {
	for _, number := range people {
		for _, said := range w.said(number) {
			if said == what {
				n++
			}
		}
	}
	return n
}

func TestAPlaceThatIsFreeAgainIsOffered(t *testing.T) {
	type step struct {
		who     int
		kind    volunteers.AnswerKind
		offered int // how many were told since the call began that a place is free
	}
	coming, maybe, cannot := volunteers.Coming, volunteers.Maybe, volunteers.Cannot
	for name, one := range map[string]struct {
		needed, people int
		steps          []step
		filled         int // pages that enough come, in the end
	}{
		"to as many as a wave would call for one":       {1, 12, []step{{0, coming, 0}, {0, cannot, 3}}, 3},
		"before the call was full nobody is told":       {2, 12, []step{{0, coming, 0}, {0, cannot, 0}}, 0},
		"who drops out to a perhaps is missing too":     {1, 12, []step{{0, coming, 0}, {0, maybe, 3}}, 3},
		"the reserve alone is told, where there is one": {1, 12, []step{{0, coming, 0}, {1, coming, 0}, {0, cannot, 1}}, 3},
		"a reserve who drops out frees nothing":         {1, 12, []step{{0, coming, 0}, {1, coming, 0}, {1, cannot, 0}}, 3},
		"each further gap is offered to others":         {2, 12, []step{{0, coming, 0}, {1, coming, 0}, {0, cannot, 4}, {1, cannot, 6}}, 6},
		"once it is taken, the others are told of it":   {1, 4, []step{{0, coming, 0}, {0, cannot, 3}, {1, coming, 3}}, 5},
		"and it may be free again":                      {1, 4, []step{{0, coming, 0}, {0, cannot, 3}, {1, coming, 3}, {1, cannot, 5}}, 5},
		"who cannot come is not asked again":            {1, 4, []step{{0, coming, 0}, {1, cannot, 0}, {0, cannot, 2}}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, nil)
			var all []uint32
			for range one.people {
				all = append(all, w.volunteer())
			}
			c := w.open(w.draft(one.needed))
			w.work()
			var called []uint32
			for _, number := range all {
				if len(w.said(number)) > 0 {
					called = append(called, number)
				}
			}
			for _, s := range one.steps {
				w.says(c, called[s.who], s.kind, 0)
				if got := w.told("push needed", all...); got != s.offered {
					t.Errorf("after %s of person %d: %d were told that a place is free, want %d", s.kind, s.who, got, s.offered)
				}
			}
			if got := w.told("push filled", all...); got != one.filled {
				t.Errorf("%d were told that enough come, want %d", got, one.filled)
			}
			before := w.told("push needed", all...)
			if _, err := w.calls.End(t.Context(), anna, c.ID, volunteers.StateClosed, ""); err != nil {
				t.Fatal(err)
			}
			w.work()
			if after := w.told("push needed", all...); after != before {
				t.Errorf("a place is offered in a closed call: %d", after-before)
			}
		})
	}
}

// The reserve is told that they are needed, and nobody else, though the gateway
// dies between what it notes and what it says.
func TestTheReserveIsToldThoughTheGatewayDies(t *testing.T) {
	w := newTown(t, nil)
	first, reserve := w.volunteer(), w.volunteer()
	c := w.open(w.draft(1))
	w.work()
	w.says(c, first, volunteers.Coming, 0)
	w.says(c, reserve, volunteers.Coming, 0)
	lost := true
	w.store.Fault(func(op string) (before, after error) {
		if op == "page" && lost {
			lost = false
			return errLost, nil
		}
		return nil, nil
	})
	w.says(c, first, volunteers.Cannot, 0)
	w.again()
	w.pass(lease)
	w.work()
	if got := fmt.Sprint(w.said(reserve)); lost || got != "[push call push filled push needed sms needed]" {
		t.Errorf("the reserve was told %v", got)
	}
	if own, err := w.calls.Own(t.Context(), w.link(reserve, c)); err != nil || own.Spare || !own.Fills {
		t.Errorf("their page says %+v, %v", own, err)
	}
}

// A better estimate of one's own keeps one's place.
func TestABetterEstimateKeepsThePlace(t *testing.T) {
	w := newTown(t, nil)
	first, second := w.volunteer(), w.volunteer()
	c := w.open(w.draft(1))
	w.work()
	fills := func(want uint32) {
		t.Helper()
		for _, number := range []uint32{first, second} {
			own, err := w.calls.Own(t.Context(), w.link(number, c))
			if err != nil || own.Fills != (number == want) {
				t.Errorf("person %d fills the place: %v, %v", number, own.Fills, err)
			}
		}
	}
	w.says(c, first, volunteers.Coming, 20)
	w.says(c, second, volunteers.Coming, 15)
	fills(first)
	w.says(c, first, volunteers.Coming, 10)
	fills(first)
	w.says(c, first, volunteers.Cannot, 0)
	w.says(c, first, volunteers.Coming, 5)
	fills(second)
}

// Who is there counts, and is asked no more, whatever they said before.
func TestWhoArrivesComes(t *testing.T) {
	for name, one := range map[string]struct {
		said volunteers.AnswerKind
		want string // what they were told in the end
	}{
		"after no answer": {"", "[push call]"},
		"after a perhaps": {volunteers.Maybe, "[push call]"},
		"after a no":      {volunteers.Cannot, "[push call]"},
		"after a yes":     {volunteers.Coming, "[push call]"},
		"without a call":  {"walk-in", "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, nil)
			other := w.volunteer()
			d := w.draft(1)
			d.Choice.Times = 2
			var who uint32
			if one.said == "walk-in" {
				c := w.open(d)
				who = w.volunteer()
				w.work()
				arrives(t, w, c, who, other, one.want)
				return
			}
			who = w.volunteer()
			c := w.open(d)
			w.work()
			if one.said != "" {
				w.says(c, who, one.said, 0)
			}
			arrives(t, w, c, who, other, one.want)
		})
	}
}

func arrives(t *testing.T, w *town, c *volunteers.Call, who, other uint32, want string) {
	t.Helper()
	for range 2 { // twice is once
		if err := w.calls.AttendFor(t.Context(), anna, c.ID, who, volunteers.MarkArrived); err != nil {
			t.Fatal(err)
		}
	}
	for range 15 {
		w.work()
		w.pass(time.Minute)
	}
	if got := fmt.Sprint(w.said(who)); got != want {
		t.Errorf("who is there was told %v, want %v", got, want)
	}
	if got := fmt.Sprint(w.said(other)); got != "[push call push filled]" {
		t.Errorf("the other was told %v", got)
	}
	v, err := w.calls.View(t.Context(), c.ID)
	if err != nil || v.Call.Filled.IsZero() || v.Coming != 1 || v.Arrived != 1 || v.Needs[0].Coming != 1 {
		t.Errorf("the coordinator sees %+v, %v", v, err)
	}
	if err := w.calls.AttendFor(t.Context(), anna, c.ID, who, volunteers.MarkUndo); err != nil {
		t.Fatal(err)
	}
	w.work()
	if now, err := w.store.Call(t.Context(), c.ID); err != nil || now.Filled.IsZero() != (want == "[]" || !w.coming(c, who)) {
		t.Errorf("after the arrival was taken back the call is full since %v, %v", now.Filled, err)
	}
}

// coming reports whether somebody said last that they come.
func (w *town) coming(c *volunteers.Call, number uint32) bool {
	own, err := w.calls.Own(w.t.Context(), w.link(number, c))
	return err == nil && own.Answer != nil && own.Answer.Kind == volunteers.Coming
}
