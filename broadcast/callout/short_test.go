package callout_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// TestWhatStaffIsToldOfAShortCall: what is short, by need, and nobody's name; and
// that it stands only while it is so.
func TestWhatStaffIsToldOfAShortCall(t *testing.T) {
	var marks []time.Time // by which one time is told from another
	w := newTown(t, func(c *callout.Config) {
		c.Short = func(_ context.Context, c *volunteers.Call) { marks = append(marks, c.Short) }
	})
	one := w.volunteer("pilota")
	w.volunteer("pilota")
	w.volunteer()
	d := w.draft(2)
	d.Needs = []volunteers.Need{{Skill: "pilota", People: 2}, {People: 3}}
	d.Second.After = 10 * time.Minute
	c := w.open(d)
	w.work()
	if _, err := w.calls.Answer(t.Context(), w.link(one, c), volunteers.Answer{Kind: volunteers.Coming}); err != nil {
		t.Fatal(err)
	}
	w.work()
	if got, err := w.calls.Shortage(t.Context(), c.ID); err != nil || got.Stands {
		t.Errorf("before anybody waited: %+v, %v", got, err)
	}
	w.pass(11 * time.Minute)
	w.work()
	w.calls.Sweep(t.Context()) // as a node does that finds it after another one died
	w.calls.Sweep(t.Context())
	if len(marks) != 3 || marks[0].IsZero() || !marks[1].Equal(marks[0]) || !marks[2].Equal(marks[0]) {
		t.Errorf("staff would be rung for %v", marks)
	}
	got, err := w.calls.Shortage(t.Context(), c.ID)
	if err != nil || !got.Stands || got.Exercise || got.Opener != anna.ID || got.Referent != "+390500000000" {
		t.Errorf("got %+v, %v", got, err)
	}
	for language, want := range map[string]string{"it": "V-0001: 1 di 5, mancano 1 × pilota, 3 di qualsiasi competenza", "en": "V-0001: 1 of 5, missing 1 × pilota, 3 of any skill"} {
		if text := got.Headline(language); text != want {
			t.Errorf("%s: %q, want %q", language, text, want)
		}
	}
	if _, err := w.calls.End(t.Context(), anna, c.ID, volunteers.StateClosed, ""); err != nil {
		t.Fatal(err)
	}
	if got, err := w.calls.Shortage(t.Context(), c.ID); err != nil || got.Stands {
		t.Errorf("of a closed call: %+v, %v", got, err)
	}
	if _, err := w.calls.Shortage(t.Context(), "01HF0000000000000000000000"); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("of no call: %v", err)
	}
}
