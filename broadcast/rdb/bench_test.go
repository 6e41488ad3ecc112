package rdb

import (
	"context"
	"testing"

	"martinella/alerts"
	"martinella/broadcast/broadcasttest"
)

// The benchmarks of intake and publishing run on a real redis-server with
// appendfsync always; the figure holds for the disk below the temporary
// directory.

func benchmarkAccept(b *testing.B, parallel int) {
	r := openServer(b)
	one := func() {
		rec := broadcasttest.NewRecord(alerts.SeveritySevere, "web", "sms")
		stored, _, err := r.Store().Intake(context.Background(), rec, []byte("raw"), broadcasttest.NewAct(rec, "submitted"))
		if err == nil {
			err = r.Publish(context.Background(), broadcasttest.PublicationOf(stored, map[string][]uint32{"sms": {1, 2, 3}}))
		}
		if err != nil {
			b.Error(err)
		}
	}
	one()
	b.ResetTimer()
	if parallel == 1 {
		for b.Loop() {
			one()
		}
		return
	}
	b.SetParallelism(parallel)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			one()
		}
	})
}

func BenchmarkIntakeAndPublish(b *testing.B) {
	b.Run("1 connection", func(b *testing.B) { benchmarkAccept(b, 1) })
	b.Run("16 connections", func(b *testing.B) { benchmarkAccept(b, 8) }) // times GOMAXPROCS, 2 where measured
}
