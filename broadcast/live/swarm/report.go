package swarm

import (
	"maps"
	"math"
	"slices"
)

// Report is what came to the clients.
type Report struct {
	Clients int // asked for
	Reading int // open now, and read
	Near    int // of them read while the clock runs: all but with Config.Remote
	Silent  int // never read
	Retried int // handshakes that the server asked to try again later

	// Since Open, over all reading clients. Lost is what some client or Expect
	// says that there is, and others do not have yet; after a Wait without
	// error nothing is on its way any more.
	Lost, Doubled, Reordered int
	Gone                     int         // times that a client was told to load everything again
	Pongs                    int         // pings that were answered
	Closed                   map[int]int // clients closed by the server, by close code; 1006 without one

	Messages []Arrivals // of the measure, in their order
}

// Arrivals of one message at the clients that read while the clock runs.
type Arrivals struct {
	Place uint64
	Bytes int     // of its payload
	Times []int64 // of Now, ascending: one for each client
	of    int
}

// At is when a share (0 to 1) of the clients had the message, on the clock of
// Now; 0 when fewer have it.
func (a Arrivals) At(share float64) int64 {
	i := max(int(math.Ceil(share*float64(a.of))), 1) - 1
	if i >= len(a.Times) {
		return 0
	}
	return a.Times[i]
}

// First is the first arrival, All the last; 0 when not everybody has it.
func (a Arrivals) First() int64 { return a.At(0) }

// All is when the last client had the message; 0 when not everybody has it.
func (a Arrivals) All() int64 { return a.At(1) }

// Faults is how often a client did not get each message once and in order.
func (r Report) Faults() int { return r.Lost + r.Doubled + r.Reordered }

// tally is what one loop reports.
type tally struct {
	report Report
	places []uint64
	had    []seen // of the clients that were let in and read
	window []Arrivals
}

// tally copies what the ledger knows of the measure.
func (l *ledger) tally() tally {
	t := tally{report: Report{Doubled: int(l.doubled), Reordered: int(l.disorder), Reading: int(l.near + l.far), Near: int(l.near)}}
	for i := range l.messages {
		m := &l.messages[i]
		t.places = append(t.places, m.place)
		if i < l.window {
			continue
		}
		a := Arrivals{Place: m.place, Bytes: m.size, Times: make([]int64, len(m.offsets))}
		for j, o := range m.offsets {
			a.Times[j] = m.first + int64(o)*unit
		}
		t.window = append(t.window, a)
	}
	return t
}

// join makes one report of those of the loops. expected is how many messages
// there must be since the swarm was opened.
func join(ts []tally, expected int) Report {
	r := Report{Closed: map[int]int{}}
	all, window := map[uint64]struct{}{}, map[uint64]*Arrivals{}
	for _, t := range ts {
		r.Clients += t.report.Clients
		r.Reading += t.report.Reading
		r.Near += t.report.Near
		r.Silent += t.report.Silent
		r.Retried += t.report.Retried
		r.Doubled += t.report.Doubled
		r.Reordered += t.report.Reordered
		r.Gone += t.report.Gone
		r.Pongs += t.report.Pongs
		for code, n := range t.report.Closed {
			r.Closed[code] += n
		}
		for _, p := range t.places {
			all[p] = struct{}{}
		}
		for _, m := range t.window {
			if a := window[m.Place]; a != nil {
				a.Times = append(a.Times, m.Times...)
			} else {
				window[m.Place] = &m
			}
		}
	}
	places := slices.Sorted(maps.Keys(all))
	unseen := max(expected-len(places), 0)
	for _, t := range ts {
		for _, c := range t.had {
			from, _ := slices.BinarySearch(places, c.start+1)
			r.Lost += max(len(places)-from-c.count, 0) + unseen
		}
	}
	for _, place := range slices.Sorted(maps.Keys(window)) {
		a := window[place]
		a.of = r.Near
		slices.Sort(a.Times)
		r.Messages = append(r.Messages, *a)
	}
	return r
}
