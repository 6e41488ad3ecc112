package rdb

import (
	"fmt"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// BenchmarkPeople enters 100,000 people into a redis-server that writes to the
// disk each time, reads their wishes, and selects 10,000 of them.
func BenchmarkPeople(b *testing.B) {
	const everybody, areas = 100_000, 10
	for b.Loop() {
		b.StopTimer()
		r := openServer(b)
		people := r.People()
		list := make([]broadcast.Listing, everybody)
		for i := range list {
			list[i].Subscriber = broadcast.Subscriber{Contacts: map[string]string{"phone": fmt.Sprintf("+39333%07d", i)}, Language: "it",
				Areas: []string{fmt.Sprintf("0480%02d", i%areas)}, Audience: "citizens", Purpose: "emergency"}
		}
		b.StartTimer()
		at := time.Now()
		lap := func(unit string) {
			b.ReportMetric(float64(time.Since(at).Microseconds())/1000, unit)
			at = time.Now()
		}
		if _, err := people.Enter(b.Context(), list, false); err != nil {
			b.Fatal(err)
		}
		lap("ms/enter")
		if _, err := people.Enter(b.Context(), list, false); err != nil {
			b.Fatal(err)
		}
		lap("ms/unchanged")
		if err := people.Warm(b.Context()); err != nil {
			b.Fatal(err)
		}
		lap("ms/warm")
		got, err := people.Select(b.Context(), "phone", broadcast.Selection{Areas: []string{"048003"}, Severity: alerts.SeverityExtreme, Purpose: "emergency"})
		if err != nil || len(got) != 1 || len(got[0].People) != everybody/areas {
			b.Fatalf("selected %v, %v", len(got), err)
		}
		lap("ms/select")
		window := got[0].People[:50]
		for range 100 {
			if _, err := people.Contacts(b.Context(), "phone", window); err != nil {
				b.Fatal(err)
			}
		}
		lap("ms/100windows")
	}
}
