//go:build linux

package swarm

import "testing"

// BenchmarkFloor writes 1 KiB to 1,000 clients: what it takes of the floor's
// process and of the clients' own.
func BenchmarkFloor(b *testing.B) {
	const clients = 1000
	f := floor(b)
	s := swarm(b, Config{URL: f.URL(), Clients: clients, Rate: -1})
	var theirs, all int64
	b.ReportAllocs()
	used := usage()
	for b.Loop() {
		s.Expect(1)
		done, err := f.Fan(1024, 1)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
		theirs += int64(done.CPU)
		all += clients
	}
	b.ReportMetric(float64(usage()-used)/1e3/float64(all), "s-clients/M")
	b.ReportMetric(float64(theirs)/1e3/float64(all), "s-floor/M")
	if r := s.Report(); r.Faults() != 0 {
		b.Fatalf("%+v", r)
	}
}
