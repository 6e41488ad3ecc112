package rdb

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
)

// waiting stores a submitted record and notes a ring for it.
func waiting(t testing.TB, r *Redis) (*alerts.Record, alerts.Ring, alerts.Act) {
	t.Helper()
	rec := broadcasttest.NewRecord(alerts.SeverityExtreme, "a")
	if _, _, err := r.Store().Intake(t.Context(), rec, nil, broadcasttest.NewAct(rec, "submitted")); err != nil {
		t.Fatal(err)
	}
	return rec, alerts.Ring{Who: alerts.CallApprovers, Why: alerts.WhyApproval, Record: rec, At: time.Now()}, broadcasttest.NewAct(rec, "rung")
}

func TestARingIsKeptWithItsActOnce(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		ctx := t.Context()
		if _, err := r.TakeRing(ctx, time.Minute); !errors.Is(err, alerts.ErrNotFound) {
			t.Fatalf("nothing is due: %v", err)
		}
		rec, ring, act := waiting(t, r)
		for i, want := range []bool{true, false, false} {
			if first, err := r.Store().Ring(ctx, "rung:x", ring, act); err != nil || first != want {
				t.Fatalf("call %d: %v, %v", i, first, err)
			}
		}
		if first, err := r.Store().Note(ctx, rec.Event, "rung:x", act); first || err != nil {
			t.Errorf("a note of the same name: %v, %v", first, err)
		}
		strange := act
		strange.Event = broadcasttest.NewID(time.Now())
		if _, err := r.Store().Ring(ctx, "rung:x", ring, strange); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("an event that is not there: %v", err)
		}
		acts, err := r.Store().Acts(ctx, rec.Event)
		if err != nil || len(acts) != 2 || acts[1].Verb != "rung" {
			t.Errorf("acts %v, %v", acts, err)
		}

		got, err := r.TakeRing(ctx, 50*time.Millisecond)
		if err != nil || got.Alert != rec.ID || got.Event != rec.Event || got.Who != ring.Who || got.Why != ring.Why || got.ID != string(rec.Event)+"/rung:x" {
			t.Fatalf("took %+v, %v", got, err)
		}
		if _, err := r.TakeRing(ctx, time.Minute); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("another one has it too: %v", err)
		}
		pause(ctx, 60*time.Millisecond) // its holder is gone
		second, err := r.TakeRing(ctx, time.Minute)
		if err != nil || second.ID != got.ID {
			t.Fatalf("after the lease: %v, %v", second, err)
		}
		if err := r.PutRing(ctx, got, time.Second); !errors.Is(err, alerts.ErrStale) {
			t.Errorf("the first holder writes: %v", err)
		}
		second.Found, second.Legs = true, []broadcast.Leg{{Person: alerts.By{ID: "staff:1", Name: "Anna"}, Kind: "phone", State: broadcast.LegWaits}}
		if err := r.PutRing(ctx, second, time.Millisecond); err != nil {
			t.Fatal(err)
		}
		pause(ctx, 5*time.Millisecond)
		third, err := r.TakeRing(ctx, time.Minute)
		if err != nil || len(third.Legs) != 1 || !third.Found {
			t.Fatalf("again: %+v, %v", third, err)
		}
		third.Done, third.Legs[0].State = true, broadcast.LegAccepted
		for range 2 { // an answer that was lost
			if err := r.PutRing(ctx, third, 0); err != nil {
				t.Fatal(err)
			}
		}
		pause(ctx, 5*time.Millisecond)
		if _, err := r.TakeRing(ctx, time.Minute); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("what is done comes again: %v", err)
		}
		of, err := r.Rings(ctx, rec.Event)
		latest, err2 := r.LatestRings(ctx, 5)
		if err != nil || err2 != nil || len(of) != 1 || len(latest) != 1 || of[0].Legs[0].State != broadcast.LegAccepted || latest[0].ID != of[0].ID {
			t.Errorf("rings %v %v, %v %v", of, latest, err, err2)
		}
	})
}

// TestNoRingIsLost kills the server while rings are noted and sent: whatever was
// noted is taken, and settled, in the end.
func TestNoRingIsLost(t *testing.T) {
	r := openServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	insist := func(f func() error) error {
		for {
			if err := f(); !errors.Is(err, alerts.ErrUnavailable) || ctx.Err() != nil {
				return err
			}
			pause(ctx, 5*time.Millisecond)
		}
	}
	var mu sync.Mutex
	noted, settled := map[string]bool{}, map[string]int{}
	load, stop := context.WithCancel(ctx)
	defer stop()
	var clients, carriers sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for load.Err() == nil {
				rec := broadcasttest.NewRecord(alerts.SeverityExtreme, "a")
				err := insist(func() error {
					_, _, err := r.Store().Intake(ctx, rec, nil, broadcasttest.NewAct(rec, "submitted"))
					return err
				})
				if err == nil {
					err = insist(func() error {
						_, err := r.Store().Ring(ctx, "rung:x", alerts.Ring{Who: alerts.CallOffice, Why: alerts.WhyLapsed, Record: rec, At: time.Now()}, broadcasttest.NewAct(rec, "rung"))
						return err
					})
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				noted[string(rec.Event)+"/rung:x"] = true
				mu.Unlock()
			}
		})
	}
	carrying, end := context.WithCancel(ctx)
	defer end()
	for range 2 {
		carriers.Go(func() {
			for carrying.Err() == nil {
				ring, err := r.TakeRing(ctx, 300*time.Millisecond)
				if err != nil {
					pause(ctx, 5*time.Millisecond)
					continue
				}
				ring.Done = true
				if r.PutRing(ctx, ring, 0) == nil {
					mu.Lock()
					settled[ring.ID]++
					mu.Unlock()
				}
			}
		})
	}
	for range 5 {
		pause(ctx, longEnough+50*time.Millisecond)
		killed(t, r)
		for r.ServerPID() == 0 {
			pause(ctx, time.Millisecond)
		}
	}
	stop()
	clients.Wait()
	left := func() (missing []string) {
		mu.Lock()
		defer mu.Unlock()
		for id := range noted {
			if settled[id] == 0 {
				missing = append(missing, id)
			}
		}
		return missing
	}
	for deadline := time.Now().Add(20 * time.Second); len(left()) > 0 && time.Now().Before(deadline); {
		pause(ctx, 20*time.Millisecond)
	}
	end()
	carriers.Wait()
	t.Logf("%d rings noted through 5 kills", len(noted))
	if missing := left(); len(missing) > 0 || len(noted) < 20 {
		t.Errorf("%d of %d rings were never sent", len(missing), len(noted))
	}
	cancel()
	wg.Wait()
}
