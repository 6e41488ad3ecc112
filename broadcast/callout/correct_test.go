package callout_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

func TestACoordinatorCorrectsWhoWasThere(t *testing.T) {
	w := newTown(t, nil)
	a, b := w.volunteer(), w.volunteer()
	c := w.open(w.draft(2))
	w.work()
	if _, err := w.calls.Attend(t.Context(), w.link(a, c), volunteers.MarkArrived); err != nil {
		t.Fatal(err)
	}
	arrived := w.now()
	w.pass(3 * time.Hour)
	find := func(number uint32) volunteers.Presence {
		t.Helper()
		view, err := w.calls.View(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		for i := range view.People {
			if view.People[i].Number == number {
				return view.People[i].Presence
			}
		}
		t.Fatalf("person %d is not of the call", number)
		return volunteers.Presence{}
	}
	correct := func(by alerts.Person, number uint32, revision string, to volunteers.Stay, reason string) error {
		return w.calls.CorrectFor(t.Context(), by, c.ID, number, revision, to, reason)
	}
	acts := func() (said []string) {
		for _, one := range w.store.Acts() {
			if one.Verb == callout.ActPresenceCorrected {
				said = append(said, one.By.ID+" "+one.Of+" "+one.Reason)
			}
		}
		return said
	}
	was := find(a).Revision()
	to := volunteers.Stay{Arrived: arrived, Left: arrived.Add(2 * time.Hour)}
	if err := correct(alerts.Person{ID: "staff:9"}, a, was, to, "uscita non segnata"); !errors.Is(err, alerts.ErrForbidden) {
		t.Errorf("without the right: %v", err)
	}
	err := correct(anna, a, was, volunteers.Stay{Arrived: arrived, Left: w.now().Add(time.Hour)}, "")
	if refused, ok := errors.AsType[*alerts.Refusal](err); !ok || len(refused.Problems) != 2 || !errors.Is(err, alerts.ErrInvalid) {
		t.Errorf("a future without a reason: %v", err)
	}
	if err := correct(anna, 4711, "", to, "x"); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
	if len(acts()) != 0 {
		t.Fatalf("what was refused stands in the ledger: %q", acts())
	}
	// Two at the same time: one is written, the other one is told.
	others := []volunteers.Stay{to, {Arrived: arrived, Left: arrived.Add(time.Hour)}}
	errs := make([]error, len(others))
	var wait sync.WaitGroup
	for i := range others {
		wait.Go(func() { errs[i] = correct(anna, a, was, others[i], "uscita non segnata") })
	}
	wait.Wait()
	won := 0
	if errs[0] != nil {
		won = 1
	}
	if errs[won] != nil || !errors.Is(errs[1-won], alerts.ErrStale) || !find(a).Stay().Equal(others[won]) || len(acts()) != 1 {
		t.Fatalf("two at once: %v; %+v; %q", errs, find(a), acts())
	}
	if err := correct(anna, a, was, others[won], "uscita non segnata"); err != nil || len(acts()) != 1 {
		t.Errorf("the same form again: %v, %q", err, acts())
	}
	// Who answered nothing came all the same; also after the end.
	if _, err := w.calls.End(t.Context(), anna, c.ID, volunteers.StateClosed, ""); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Hour)
	came := volunteers.Stay{Arrived: arrived.Add(time.Minute), Left: arrived.Add(time.Hour)}
	if err := correct(anna, b, volunteers.Presence{}.Revision(), came, "venuto senza rispondere"); err != nil {
		t.Fatal(err)
	}
	if p := find(b); !p.Stay().Equal(came) || len(p.Corrections) != 1 || p.Corrections[0].By.ID != anna.ID {
		t.Errorf("%+v", p)
	}
	if said := acts(); len(said) != 2 || !strings.Contains(said[1], " -/- > ") || !strings.HasSuffix(said[1], ": venuto senza rispondere") || !strings.HasPrefix(said[1], anna.ID+" person:") {
		t.Errorf("the ledger says %q", said)
	}
	own, err := w.calls.Of(t.Context(), b)
	if err != nil || len(own) != 1 || len(own[0].Presence.Corrections) != 1 {
		t.Errorf("their own copy: %+v, %v", own, err)
	}
}

func TestAnActivationIsNotedAlsoAfterTheCall(t *testing.T) {
	w := newTown(t, nil)
	w.volunteer()
	c := w.open(w.draft(1))
	w.work()
	if _, err := w.calls.End(t.Context(), anna, c.ID, volunteers.StateClosed, ""); err != nil {
		t.Fatal(err)
	}
	w.work()
	told := len(w.store.Published())
	w.pass(24 * time.Hour)
	order := volunteers.Activation{By: "Sindaco di  Valdemo", Order: "Ord. 12/2026", At: w.now().Add(-25 * time.Hour)}
	if err := w.calls.Activate(t.Context(), alerts.Person{ID: "staff:9"}, c.ID, order); !errors.Is(err, alerts.ErrForbidden) {
		t.Errorf("without the right: %v", err)
	}
	if err := w.calls.Activate(t.Context(), anna, c.ID, volunteers.Activation{At: w.now().Add(time.Hour)}); !errors.Is(err, alerts.ErrInvalid) {
		t.Errorf("by nobody, in the future: %v", err)
	}
	for range 2 { // the form is sent twice
		if err := w.calls.Activate(t.Context(), anna, c.ID, order); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.calls.Activate(t.Context(), anna, c.ID, volunteers.Activation{By: "Prefettura"}); !errors.Is(err, alerts.ErrStale) {
		t.Errorf("from a page that is old: %v", err)
	}
	got, err := w.store.Call(t.Context(), c.ID)
	if err != nil || got.Activation.By != "Sindaco di Valdemo" || got.Activation.Order != order.Order || !got.Activation.At.Equal(order.At) || got.State != volunteers.StateClosed {
		t.Errorf("stored is %+v, %v", got, err)
	}
	var said []string
	for _, one := range w.store.Acts() {
		if one.Verb == callout.ActActivationNoted {
			said = append(said, one.By.ID+": "+one.Reason)
		}
	}
	if len(said) != 1 || !strings.HasPrefix(said[0], "staff:1: Sindaco di Valdemo, Ord. 12/2026, 20") {
		t.Errorf("the ledger says %q", said)
	}
	w.work()
	if n := len(w.store.Published()); n != told {
		t.Errorf("an activation that is noted later paged %d", n-told)
	}
}
