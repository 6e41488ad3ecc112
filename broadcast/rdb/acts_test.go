package rdb

import (
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast/broadcasttest"
)

func TestActsAreNumberedWithoutAGap(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		ctx := t.Context()
		if n, err := r.Store().ActCount(ctx); n != 0 || err != nil {
			t.Errorf("before the first act: %d %v", n, err)
		}
		const many = page + 5 // more than one page of acts
		for range many {
			rec := broadcasttest.NewRecord(alerts.SeverityMinor, "a")
			if _, _, err := r.Store().Intake(ctx, rec, nil, broadcasttest.NewAct(rec, "submitted")); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := r.Store().ActCount(ctx); n != many || err != nil {
			t.Errorf("got %d %v, want %d", n, err, many)
		}
		next := int64(1)
		for act, err := range r.Store().AllActs(ctx, 0) {
			if err != nil || act.Seq != next || time.Since(act.At) > time.Hour {
				t.Fatalf("got act %d %+v %v, want number %d", act.Seq, act, err, next)
			}
			next++
		}
		if next != many+1 {
			t.Errorf("%d acts, want %d", next-1, many)
		}
	})
}
