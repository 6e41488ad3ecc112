package rdb

import (
	"slices"
	"testing"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
)

// Reading how 100,000 recipients stand: the counts, a page of failures, and
// every state.
func BenchmarkStateOf100000Recipients(b *testing.B) {
	const people = 100_000
	r := openServer(b)
	rec := broadcasttest.NewRecord(alerts.SeveritySevere, "sms")
	q, err := r.Queue(b.Context(), "sms")
	if err != nil {
		b.Fatal(err)
	}
	stored, _, err := r.Store().Intake(b.Context(), rec, []byte("raw"), broadcasttest.NewAct(rec, "submitted"))
	if err != nil {
		b.Fatal(err)
	}
	if err := r.Publish(b.Context(), broadcasttest.PublicationOf(stored, map[string][]uint32{"sms": make([]uint32, people)})); err != nil {
		b.Fatal(err)
	}
	var results []broadcast.Result
	for o := range uint32(people) {
		res := broadcast.Result{Ordinal: o, State: broadcast.Accepted, Latency: 1e9}
		if o%33 == 0 {
			res = broadcast.Result{Ordinal: o, State: broadcast.Failed, Reason: "no such number"}
		}
		results = append(results, res)
	}
	for some := range slices.Chunk(results, widest) { // recorded also without the job
		_, _ = q.Finish(b.Context(), broadcast.Job{Alert: rec.ID, EntryID: "n:1-1"}, some, false)
	}
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			if ds, err := r.Deliveries(b.Context(), rec.ID); err != nil || ds[0].Failed != 3031 {
				b.Fatal(ds, err)
			}
		}
	})
	b.Run("1000 failures", func(b *testing.B) {
		for b.Loop() {
			if list, _, _, err := r.Failures(b.Context(), rec.ID, "sms", 0, 1000, broadcast.Failed); err != nil || len(list) != 1000 {
				b.Fatal(len(list), err)
			}
		}
	})
	b.Run("every state", func(b *testing.B) {
		for b.Loop() {
			if list, err := r.States(b.Context(), rec.ID, "sms", 0, people); err != nil || len(list) != people {
				b.Fatal(len(list), err)
			}
		}
	})
}
