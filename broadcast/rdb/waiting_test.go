package rdb

import (
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
)

// What waits is listed while it waits, whichever way it ends, and what an older
// program has stored is found at the next start.
func TestWhatWaitsIsListedWhileItWaits(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		s := r.Store()
		listed := func() (ids []alerts.ID) {
			t.Helper()
			for rec, err := range s.All(t.Context(), alerts.Filter{States: []alerts.State{alerts.StateSubmitted}}) {
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, rec.ID)
			}
			return ids
		}
		take := func() *alerts.Record {
			t.Helper()
			rec := broadcasttest.NewRecord(alerts.SeveritySevere, "web")
			stored, _, err := s.Intake(t.Context(), rec, nil, broadcasttest.NewAct(rec, "submitted"))
			if err != nil {
				t.Fatal(err)
			}
			return stored
		}
		published, returned, waits := take(), take(), take()
		if got := listed(); len(got) != 3 || got[0] < got[1] {
			t.Fatalf("listed %v, want three, the newest first", got)
		}
		if err := r.Publish(t.Context(), broadcasttest.PublicationOf(published, nil)); err != nil {
			t.Fatal(err)
		}
		back := returned.Clone()
		back.State = alerts.StateReturned
		if err := s.Move(t.Context(), returned, back, broadcasttest.NewAct(returned, "returned")); err != nil {
			t.Fatal(err)
		}
		again := waits.Clone()
		again.Approved = "00"
		if err := s.Move(t.Context(), waits, again, broadcasttest.NewAct(waits, "rendered")); err != nil {
			t.Fatal(err)
		}
		if got := listed(); len(got) != 1 || got[0] != waits.ID {
			t.Fatalf("listed %v, want %s", got, waits.ID)
		}
		if n, err := r.commands.ZCard(t.Context(), r.keys.waiting()).Result(); n != 1 || err != nil {
			t.Errorf("%d are kept, %v", n, err)
		}

		if err := r.commands.Del(t.Context(), r.keys.waiting()).Err(); err != nil { // as an older program left it
			t.Fatal(err)
		}
		for range 2 {
			if err := r.gatherWaiting(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := listed(); len(got) != 1 || got[0] != waits.ID {
				t.Fatalf("after a start: %v", got)
			}
		}
		// One that is there by mistake is not shown.
		if err := r.commands.ZAdd(t.Context(), r.keys.waiting(), redis.Z{Member: string(published.ID)}).Err(); err != nil {
			t.Fatal(err)
		}
		if got := listed(); len(got) != 1 {
			t.Errorf("listed %v", got)
		}
	})
}

func TestTheTimeOfAULID(t *testing.T) {
	if got := ulidAt(time.UnixMilli(1469918176385)); got != "01ARYZ6S41" { // the example of the specification
		t.Errorf("got %s", got)
	}
}

// The board draws how many were accepted by when from what the store counts.
func TestWhatWasReachedByWhen(t *testing.T) {
	d := readTally("sms", map[string]string{"n": "10", "s2": "6", "first": "1", "last": "900", "b0": "1", "b20": "2", "b40": "3", "by": "x"})
	want := []broadcast.Reached{{MS: 1, N: 1}, {MS: 32, N: 3}, {MS: 900, N: 6}}
	if !slices.Equal(d.Reached, want) {
		t.Errorf("got %v, want %v", d.Reached, want)
	}
	if d := readTally("sms", map[string]string{"n": "10"}); len(d.Reached) != 0 {
		t.Errorf("of nothing: %v", d.Reached)
	}
}
