package broadcast

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
)

// records is the part of [alerts.Store] that the board reads.
type records struct {
	alerts.Store
	m *memory
}

func (r records) All(_ context.Context, f alerts.Filter) iter.Seq2[*alerts.Record, error] {
	return func(yield func(*alerts.Record, error) bool) {
		r.m.mu.Lock()
		var all []*alerts.Record
		for _, one := range r.m.records {
			if slices.Contains(f.States, one.State) {
				all = append(all, one)
			}
		}
		r.m.mu.Unlock()
		for _, one := range all {
			if !yield(one, nil) {
				return
			}
		}
	}
}

func runBoard(t *testing.T, h *house, seen *[]Entry) (*Board, func()) {
	t.Helper()
	b := NewBoard(records{m: h.memory}, h.memory, zap.NewNop())
	b.Observe(func(e Entry) { *seen = append(*seen, e) })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.Run(ctx)
	}()
	synctest.Wait()
	return b, func() { cancel(); <-done }
}

func standings(v *View) map[alerts.ID]Standing {
	m := map[alerts.ID]Standing{}
	for _, h := range v.Now(time.Now()) {
		m[h.Record.ID] = h.Standing
	}
	return m
}

func TestTheBoardShowsWhatHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		old := h.issue(h.record(alerts.SeverityExtreme, time.Hour))
		var seen []Entry
		b, stop := runBoard(t, h, &seen)
		defer stop()
		if got := standings(b.Snapshot()); got[old.ID] != StandingActive || len(seen) != 0 {
			t.Fatalf("loaded %v with %d entries observed, want the old alert and none", got, len(seen))
		}
		fresh := h.issue(h.record(alerts.SeverityMinor, 10*time.Hour))
		secret := h.record(alerts.SeverityExtreme, time.Hour)
		secret.Alert.Scope = alerts.ScopeRestricted
		h.issue(secret)
		waiting := h.record(alerts.SeverityExtreme, time.Hour)
		h.records[waiting.ID] = waiting
		synctest.Wait()
		got := standings(b.Snapshot())
		if len(got) != 2 || got[fresh.ID] != StandingActive {
			t.Errorf("shows %v, want the two public ones", got)
		}
		if len(seen) != 1 || seen[0].Record.ID != fresh.ID {
			t.Errorf("%d entries observed, want the public one", len(seen))
		}
		if string(b.Snapshot().Cursor) != secret.Cursor {
			t.Errorf("cursor %s, want %s: what is not shown is passed as well", b.Snapshot().Cursor, secret.Cursor)
		}

		time.Sleep(2 * time.Hour)
		if got := standings(b.Snapshot()); got[old.ID] != StandingLapsed {
			t.Errorf("after its expiry the alert is %s, want lapsed", got[old.ID])
		}
		time.Sleep(100 * time.Hour)
		if b.Snapshot().Calm(time.Now()) {
			t.Error("calm, with an Extreme that nobody has ended")
		}
		if got := standings(b.Snapshot()); len(got) != 1 || got[old.ID] != StandingLapsed {
			t.Errorf("shows %v, want the Extreme still and the Minor no longer", got)
		}
		clear := h.issue(h.next(old, alerts.ChangeEnded, alerts.SeverityExtreme))
		synctest.Wait()
		if got := standings(b.Snapshot()); got[clear.ID] != StandingEnded || got[old.ID] != "" || !b.Snapshot().Calm(time.Now()) {
			t.Errorf("after the all-clear: %v", got)
		}
		if one, ok := b.Snapshot().Get(old.ID, time.Now()); !ok || one.Record.ID != clear.ID {
			t.Error("the event's id does not give its newest revision")
		}
		time.Sleep(Shown + time.Hour)
		if got := standings(b.Snapshot()); len(got) != 0 {
			t.Errorf("two days later: %v, want nothing", got)
		}
	})
}

// Expiry is no all-clear, but pages must not fill up with what is long past.
func TestWhenAnEventLeavesThePages(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for what, c := range map[string]struct {
		severity alerts.Severity
		status   alerts.Status
		change   alerts.Change
		expired  time.Duration // ago
		want     bool
	}{
		"active":                              {alerts.SeverityMinor, alerts.StatusActual, alerts.ChangeIssued, -time.Minute, true},
		"a moderate one that has just lapsed": {alerts.SeverityModerate, alerts.StatusActual, alerts.ChangeIssued, time.Hour, true},
		"a moderate one that lapsed long ago": {alerts.SeverityModerate, alerts.StatusActual, alerts.ChangeIssued, Shown + time.Hour, false},
		"a severe one that lapsed long ago":   {alerts.SeveritySevere, alerts.StatusActual, alerts.ChangeIssued, 1000 * time.Hour, true},
		"an exercise whose time is over":      {alerts.SeverityExtreme, alerts.StatusExercise, alerts.ChangeIssued, time.Second, false},
	} {
		r := &alerts.Record{Change: c.change, State: alerts.StateIssued, Published: now.Add(-2000 * time.Hour), Alert: &alerts.Alert{
			Status: c.status, Infos: []alerts.Info{{Severity: c.severity, Expires: now.Add(-c.expired)}}}}
		if got := !forgotten(r, now); got != c.want {
			t.Errorf("%s: shown %v, want %v", what, got, c.want)
		}
	}
}

func TestAPageWaitsForItsCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		var seen []Entry
		b, stop := runBoard(t, h, &seen)
		defer stop()
		ask := func(c Cursor) (time.Duration, error) {
			at := time.Now()
			_, err := b.Wait(t.Context(), c, WaitLimit)
			return time.Since(at), err
		}
		for name, c := range map[string]Cursor{"none": "", "garbage": "x", "reached": "e1-0-0"} {
			if d, err := ask(c); d != 0 || err != nil {
				t.Errorf("%s: waited %v, %v", name, d, err)
			}
		}
		if d, err := ask("e1-1-0"); d != WaitLimit || !errors.Is(err, ErrBehind) {
			t.Errorf("a cursor ahead: waited %v, %v, want the limit and ErrBehind", d, err)
		}
		if d, err := ask("e2-1-0"); d != 0 || !errors.Is(err, ErrGone) {
			t.Errorf("an epoch that is not known: waited %v, %v, want ErrGone at once", d, err)
		}
		go func() {
			time.Sleep(time.Second)
			h.issue(h.record(alerts.SeverityMinor, time.Hour))
		}()
		if d, err := ask("e1-1-0"); d != time.Second || err != nil {
			t.Errorf("a cursor that comes: waited %v, %v, want a second", d, err)
		}
	})
}

func TestALogMadeAnewIsLoadedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		first := h.issue(h.record(alerts.SeverityMinor, time.Hour))
		b := NewBoard(records{m: h.memory}, h.memory, zap.NewNop())
		resets := 0
		b.OnReset(func() { resets++ })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = b.Run(ctx) }()
		synctest.Wait()
		h.mu.Lock()
		h.epoch, h.log = "e2", nil
		h.wake()
		h.mu.Unlock()
		time.Sleep(5 * time.Second)
		second := h.issue(h.record(alerts.SeverityMinor, time.Hour))
		synctest.Wait()
		if got := standings(b.Snapshot()); resets != 1 || got[first.ID] == "" || got[second.ID] == "" {
			t.Errorf("%d resets, shows %v: want one, and both alerts", resets, got)
		}
		if _, err := b.Wait(t.Context(), "e1-1-0", WaitLimit); err != nil {
			t.Errorf("a cursor of the epoch before: %v, want the newest view at once", err)
		}
		if _, err := b.Health(); err != nil {
			t.Errorf("health: %v", err)
		}
		cancel()
		<-done
	})
}

// lostOnce is a log that fails once, a second after the tail began, and is read
// again three seconds later; nothing is published meanwhile.
type lostOnce struct{ *memory }

func (l lostOnce) Tail(ctx context.Context, c Cursor) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		pause(ctx, time.Second)
		if !yield(Entry{}, errFault) {
			return
		}
		pause(ctx, 3*time.Second)
		if yield(Entry{Cursor: c}, nil) {
			l.memory.Tail(ctx, c)(yield)
		}
	}
}

func TestAnIdleBoardIsWellOnceItsLogIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		b := NewBoard(records{m: h.memory}, lostOnce{h.memory}, zap.NewNop())
		observed := 0
		b.Observe(func(Entry) { observed++ })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = b.Run(ctx) }()
		for _, step := range []struct {
			what string
			wait time.Duration
			well bool
		}{{"loaded", 0, true}, {"lost", 2 * time.Second, false}, {"read again", 3 * time.Second, true}} {
			time.Sleep(step.wait)
			synctest.Wait()
			if _, err := b.Health(); (err == nil) != step.well {
				t.Errorf("%s: health %v, want well %v", step.what, err, step.well)
			}
		}
		h.issue(h.record(alerts.SeverityMinor, time.Hour))
		synctest.Wait()
		if observed != 1 {
			t.Errorf("%d entries observed, want the alert alone", observed)
		}
		cancel()
		<-done
	})
}
