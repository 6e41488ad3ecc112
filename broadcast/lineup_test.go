package broadcast

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// crowded are people of so many languages and exposures, in random groups, and
// everybody in the right order.
func crowded(rnd *rand.Rand, n, languages, exposures int) (groups []Group, ordered []uint32, languageOf map[uint32]string) {
	type who struct {
		exposure int
		number   uint32
	}
	var all []who
	index, languageOf := make([]int, languages*exposures), make(map[uint32]string, n)
	for i := range n {
		w := who{rnd.IntN(exposures), uint32(i * 3)}
		all = append(all, w)
		l := min(rnd.IntN(languages), rnd.IntN(languages))
		languageOf[w.number] = "l" + string(rune('0'+l))
		at := &index[l*exposures+w.exposure]
		if *at == 0 {
			groups = append(groups, Group{Language: languageOf[w.number], Exposure: Exposure{zone: w.exposure}})
			*at = len(groups)
		}
		groups[*at-1].People = append(groups[*at-1].People, w.number)
	}
	slices.SortStableFunc(all, func(a, b who) int { return a.exposure - b.exposure })
	for _, w := range all {
		ordered = append(ordered, w.number)
	}
	return groups, ordered, languageOf
}

func TestALineupIsInOrderAndItsSpansAreFew(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		n, languages := rnd.IntN(40_000), 1+rnd.IntN(5)
		groups, ordered, languageOf := crowded(rnd, n, languages, 1+rnd.IntN(40))
		message := func(language string) int { return int(language[1]-'0') / 2 } // two languages share one
		var l lineup
		l.choose(groups, message)
		spans := l.done()
		var got []uint32
		for _, s := range spans {
			if s.From != uint32(len(got)) || len(s.People) != int(s.To-s.From) || len(s.People) == 0 {
				t.Fatalf("seed %d: a span %d to %d with %d people behind %d", seed, s.From, s.To, len(s.People), len(got))
			}
			for _, who := range s.People {
				if message(languageOf[who]) != s.Message {
					t.Fatalf("seed %d: person %d gets message %d", seed, who, s.Message)
				}
			}
			got = append(got, s.People...)
		}
		place := map[uint32]int{}
		for i, who := range got {
			place[who] = i
		}
		if len(got) != n || len(place) != n || l.crowd.count() != n {
			t.Fatalf("seed %d: %d stand there, %d different ones, want %d", seed, len(got), len(place), n)
		}
		for i, who := range ordered {
			if far := place[who] - i; max(far, -far) > max(chunkSize, i/tierShare, place[who]/tierShare) {
				t.Fatalf("seed %d: person %d of %d stands at %d, want %d", seed, who, n, place[who], i)
			}
		}
		if languages <= 2 && (!slices.Equal(got, ordered) || len(spans) > 1) {
			t.Fatalf("seed %d: one message makes %d spans, in order %v", seed, len(spans), slices.Equal(got, ordered))
		}
		if most := 3 * (tierShare + n/chunkSize); len(spans) > most {
			t.Fatalf("seed %d: %d spans", seed, len(spans))
		}
		again := lineup{}
		rnd.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
		again.choose(groups, message)
		same := func(a, b Span) bool {
			return a.Message == b.Message && a.From == b.From && slices.Equal(a.People, b.People)
		}
		if !slices.EqualFunc(again.done(), spans, same) {
			t.Fatalf("seed %d: the groups in another order give another lineup", seed)
		}
	}
}

// However many are told, spans stay few.
func TestAMillionInFiveLanguagesTakeAThousandSpans(t *testing.T) {
	groups := make([]Group, 5*300)
	for i := range groups {
		groups[i] = Group{Language: string(rune('0' + i%5)), Exposure: Exposure{zone: i / 5}}
	}
	for n := range 1_000_000 {
		g := &groups[n%7*n%len(groups)]
		g.People = append(g.People, uint32(n))
	}
	var l lineup
	l.choose(groups, func(language string) int { return int(language[0] - '0') })
	if n := len(l.done()); n > 2000 {
		t.Errorf("%d spans", n)
	}
}

func TestWhoFollowsStandsBehindInTheGivenOrderAndOnce(t *testing.T) {
	var l lineup
	l.choose([]Group{{Language: "it", Exposure: Exposure{zone: 1}, People: []uint32{1, 5}}, {Language: "it", People: []uint32{3, 4}}}, func(string) int { return 0 })
	l.follow([]Group{{People: []uint32{9, 4, 2}}, {People: []uint32{8, 9, 1}}}, func(string) int { return 0 })
	if got := fmt.Sprint(l.done()); !strings.Contains(got, "[3 4 1 5 9 2 8]") || l.crowd.count() != 7 {
		t.Errorf("got %s", got)
	}
}

func BenchmarkLineup(b *testing.B) {
	for _, c := range []struct{ people, languages, exposures int }{{100_000, 1, 1}, {100_000, 3, 1}, {100_000, 3, 300}, {1_000_000, 3, 300}} {
		b.Run(fmt.Sprintf("%d people, %d languages, %d exposures", c.people, c.languages, c.exposures), func(b *testing.B) {
			groups, _, _ := crowded(rand.New(rand.NewPCG(1, 7)), c.people, c.languages, c.exposures)
			b.ReportAllocs()
			for b.Loop() {
				var l lineup
				l.choose(groups, func(language string) int { return int(language[1] - '0') })
				b.ReportMetric(float64(len(l.done())), "spans")
			}
		})
	}
}
