package rdb

import (
	"slices"
	"testing"
	"time"

	"martinella/alerts/volunteers"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/callout"
)

// The benchmarks of calls have 5,000 people in one call, on a real redis-server
// with appendfsync always.
const benchLegs = 5000

func benchPeople() []uint32 {
	people := make([]uint32, benchLegs)
	for i := range people {
		people[i] = uint32(1000 + i)
	}
	return people
}

func BenchmarkCallOpen(b *testing.B) {
	r := openServer(b)
	for b.Loop() {
		now := time.Now()
		call := broadcasttest.NewCall(now)
		if _, err := r.Callouts().Open(b.Context(), call, broadcasttest.LegsOf(now, 0, benchPeople()...), broadcasttest.CallAct(call, "called", now)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCallPage takes and pages rounds of 1,000 legs of a call of 5,000, half
// of whom have answered.
func BenchmarkCallPage(b *testing.B) {
	r := openServer(b)
	if _, err := r.Queue(b.Context(), "sms"); err != nil {
		b.Fatal(err)
	}
	people := benchPeople()
	now := time.Now()
	call := broadcasttest.NewCall(now)
	if _, err := r.Callouts().Open(b.Context(), call, broadcasttest.LegsOf(now, 0, people...), broadcasttest.CallAct(call, "called", now)); err != nil {
		b.Fatal(err)
	}
	for _, n := range people[:benchLegs/2] {
		answering(b, r, call, n, "")
	}
	var took, paged time.Duration
	var slowest time.Duration
	rounds := 0
	for b.Loop() {
		at := time.Now()
		round, err := r.Callouts().Take(b.Context(), now.Add(time.Hour), time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		if len(round.Legs) != callout.RoundSize {
			b.Fatalf("%d legs", len(round.Legs))
		}
		took += time.Since(at)
		legs, some := slices.Clone(round.Legs), make([]uint32, len(round.Legs))
		for i := range legs {
			some[i] = legs[i].Number
			legs[i].Step++ // due again at once
		}
		p := broadcasttest.PageOf(call, now, "sms", some...)
		at = time.Now()
		if err := r.Callouts().Page(b.Context(), round, p, legs, time.Time{}); err != nil {
			b.Fatal(err)
		}
		paged += time.Since(at)
		slowest = max(slowest, time.Since(at))
		rounds++
	}
	b.ReportMetric(float64(took.Microseconds())/float64(rounds)/1000, "ms/take")
	b.ReportMetric(float64(paged.Microseconds())/float64(rounds)/1000, "ms/page")
	b.ReportMetric(float64(slowest.Microseconds())/1000, "ms-slowest-page")
}

func BenchmarkCallAnswer(b *testing.B) {
	r := openServer(b)
	if _, err := r.Queue(b.Context(), "sms"); err != nil {
		b.Fatal(err)
	}
	people := benchPeople()
	now := time.Now()
	call := broadcasttest.NewCall(now)
	if _, err := r.Callouts().Open(b.Context(), call, broadcasttest.LegsOf(now, 0, people...), broadcasttest.CallAct(call, "called", now)); err != nil {
		b.Fatal(err)
	}
	for range benchLegs / callout.RoundSize {
		paging(b, r, "sms")
	}
	n := 0
	for b.Loop() {
		a := volunteers.Answer{Kind: volunteers.Coming, Minutes: 1 + n/benchLegs, At: now, Via: "page"}
		if _, err := r.Callouts().Answer(b.Context(), call.ID, people[n%benchLegs], a, broadcasttest.CallAct(call, "answered", now)); err != nil {
			b.Fatal(err)
		}
		n++
	}
}

func BenchmarkCallSheet(b *testing.B) {
	r := openServer(b)
	if _, err := r.Queue(b.Context(), "sms"); err != nil {
		b.Fatal(err)
	}
	people := benchPeople()
	now := time.Now()
	call := broadcasttest.NewCall(now)
	if _, err := r.Callouts().Open(b.Context(), call, broadcasttest.LegsOf(now, 0, people...), broadcasttest.CallAct(call, "called", now)); err != nil {
		b.Fatal(err)
	}
	for range benchLegs / callout.RoundSize {
		paging(b, r, "sms")
	}
	for _, n := range people {
		answering(b, r, call, n, "con il furgone")
	}
	for b.Loop() {
		sheet, err := r.Callouts().Sheet(b.Context(), call.ID)
		if err != nil || len(sheet) != benchLegs {
			b.Fatalf("%d entries, %v", len(sheet), err)
		}
	}
}

// TestACallOfManyIsSmall holds what a call of 5,000 takes, one page and one
// answer each.
func TestACallOfManyIsSmall(t *testing.T) {
	r := openServer(t)
	if _, err := r.Queue(t.Context(), "sms"); err != nil {
		t.Fatal(err)
	}
	people := benchPeople()
	before, _ := taken(t, r)
	call, _ := calling(t, r, "sms", people...)
	for range benchLegs/callout.RoundSize - 1 {
		paging(t, r, "sms")
	}
	for _, n := range people {
		answering(t, r, call, n, "")
	}
	all, kinds := taken(t, r)
	each := (all - before) / benchLegs
	t.Logf("%d bytes for each of %d people: %v", each, benchLegs, kinds)
	const most = 1000
	if each > most || each < 100 {
		t.Errorf("%d bytes for each, want at most %d", each, most)
	}
}
