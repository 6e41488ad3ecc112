package volunteers

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

var rome = func() *time.Location {
	z, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return z
}()

// noon is a Monday in winter.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, rome)

func with(skills ...string) Profile {
	var p Profile
	for _, s := range skills {
		p.Skills = append(p.Skills, Skill{Name: s})
	}
	return p
}

func TestFill(t *testing.T) {
	type said struct {
		kind   AnswerKind
		minute int
		who    Profile
	}
	for name, c := range map[string]struct {
		needs   []Need
		answers map[uint32]said
		coming  []int
		maybe   []int
		fills   map[uint32]int
		spare   []uint32
	}{
		"who can only carry leaves the saw to who can saw": {
			needs:   []Need{{"", 1}, {"motosega", 1}},
			answers: map[uint32]said{1: {Coming, 1, with("motosega")}, 2: {Coming, 2, with()}},
			coming:  []int{1, 1}, maybe: []int{0, 0}, fills: map[uint32]int{1: 1, 2: 0},
		},
		"somebody with two skills moves on for who has one": {
			needs:   []Need{{"motosega", 1}, {"autista C", 1}},
			answers: map[uint32]said{1: {Coming, 1, with("motosega", "autista C")}, 2: {Coming, 2, with("Motosega ")}},
			coming:  []int{1, 1}, maybe: []int{0, 0}, fills: map[uint32]int{1: 1, 2: 0},
		},
		"a chain of three moves": {
			needs:   []Need{{"a", 1}, {"b", 1}, {"c", 1}},
			answers: map[uint32]said{1: {Coming, 1, with("a", "b")}, 2: {Coming, 2, with("b", "c")}, 3: {Coming, 3, with("a")}},
			coming:  []int{1, 1, 1}, maybe: []int{0, 0, 0}, fills: map[uint32]int{3: 0, 1: 1, 2: 2},
		},
		"who says yes when all is full is spare": {
			needs:   []Need{{"", 1}},
			answers: map[uint32]said{7: {Coming, 2, with()}, 9: {Coming, 1, with()}, 3: {Coming, 2, with()}},
			coming:  []int{1}, maybe: []int{0}, fills: map[uint32]int{9: 0}, spare: []uint32{3, 7},
		},
		"perhaps is counted and fills nothing, no is not counted": {
			needs:   []Need{{"motosega", 2}, {"", 2}},
			answers: map[uint32]said{1: {Maybe, 1, with("motosega")}, 2: {Maybe, 1, with()}, 3: {Cannot, 1, with("motosega")}},
			coming:  []int{0, 0}, maybe: []int{1, 2}, fills: map[uint32]int{},
		},
		"a certificate that ended the day before fills nothing": {
			needs:   []Need{{"motosega", 1}},
			answers: map[uint32]said{1: {Coming, 1, Profile{Skills: []Skill{{"motosega", noon.AddDate(0, 0, -1)}}}}},
			coming:  []int{0}, maybe: []int{0}, fills: map[uint32]int{}, spare: []uint32{1},
		},
		"a certificate holds on its last day": {
			needs:   []Need{{"motosega", 1}},
			answers: map[uint32]said{1: {Coming, 1, Profile{Skills: []Skill{{"motosega", time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}}}}},
			coming:  []int{1}, maybe: []int{0}, fills: map[uint32]int{1: 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[uint32]Answer{}
			for n, s := range c.answers {
				answers[n] = Answer{Kind: s.kind, At: noon.Add(time.Duration(s.minute) * time.Minute)}
			}
			filled, fills, spare := Fill(&Call{Needs: c.needs, Meet: noon}, answers, func(n uint32) Profile { return c.answers[n].who })
			for i, f := range filled {
				if f.Need != c.needs[i] || f.Coming != c.coming[i] || f.Maybe != c.maybe[i] {
					t.Errorf("need %d: got %+v, want coming %d, maybe %d", i, f, c.coming[i], c.maybe[i])
				}
			}
			if !maps.Equal(fills, c.fills) || !slices.Equal(spare, c.spare) {
				t.Errorf("fills %v spare %v, want %v and %v", fills, spare, c.fills, c.spare)
			}
		})
	}
}

// best is the size of a maximum matching by trying everything.
func best(places []int, can []needs) int {
	if len(can) == 0 {
		return 0
	}
	most := best(places, can[1:])
	for n := range places {
		if can[0]&(1<<n) != 0 && places[n] > 0 {
			places[n]--
			most = max(most, 1+best(places, can[1:]))
			places[n]++
		}
	}
	return most
}

func TestFillTakesAsManyAsCanBeAndWhoCameFirstStays(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	skills := []string{"a", "b", "c", ""}
	for round := range 400 {
		call := &Call{Meet: noon}
		var places []int
		for _, s := range skills[:1+r.IntN(4)] {
			call.Needs = append(call.Needs, Need{s, 1 + r.IntN(2)})
			places = append(places, call.Needs[len(call.Needs)-1].People)
		}
		answers, profiles := map[uint32]Answer{}, map[uint32]Profile{}
		var can []needs
		was := map[uint32]int{}
		for n := range uint32(7) {
			var own []string
			for _, s := range skills[:3] {
				if r.IntN(3) == 0 {
					own = append(own, s)
				}
			}
			profiles[n], answers[n] = with(own...), Answer{Kind: Coming, At: noon.Add(time.Duration(n) * time.Second)}
			var ability needs
			for i, need := range call.Needs {
				if profiles[n].Has(need.Skill, noon) {
					ability |= 1 << i
				}
			}
			can = append(can, ability)
			filled, fills, spare := Fill(call, answers, func(n uint32) Profile { return profiles[n] })
			if got, want := len(fills), best(places, can); got != want {
				t.Fatalf("round %d: %d count, %d could: needs %v, people %v", round, got, want, call.Needs, profiles)
			}
			for who := range was {
				if _, still := fills[who]; !still {
					t.Fatalf("round %d: %d lost their place when %d came", round, who, n)
				}
			}
			sum := 0
			for i, f := range filled {
				if sum += f.Coming; f.Coming > f.People {
					t.Fatalf("round %d: need %d has %d of %d", round, i, f.Coming, f.People)
				}
			}
			for who, need := range fills {
				if can[who]&(1<<need) == 0 {
					t.Fatalf("round %d: %d counts for %d and cannot do it", round, who, need)
				}
			}
			if sum != len(fills) || len(spare)+len(fills) != int(n)+1 {
				t.Fatalf("round %d: %d counted, %d fill, %d are spare of %d", round, sum, len(fills), len(spare), n+1)
			}
			was = fills
		}
	}
}

func TestMissing(t *testing.T) {
	got := Missing([]Filled{{Need: Need{"a", 3}, Coming: 1}, {Need: Need{"b", 2}, Coming: 2}, {Need: Need{"", 4}}})
	if want := []Need{{"a", 2}, {"", 4}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func crowd(n int) (*Call, map[uint32]Answer, []Profile) {
	r := rand.New(rand.NewPCG(1, 2))
	call := &Call{ID: "01J", Meet: noon}
	for i := range NeedsMost - 1 {
		call.Needs = append(call.Needs, Need{fmt.Sprintf("skill %d", i), n / NeedsMost})
	}
	call.Needs = append(call.Needs, Need{"", n / NeedsMost})
	answers, profiles := map[uint32]Answer{}, make([]Profile, n)
	for i := range profiles {
		for range 1 + r.IntN(4) {
			profiles[i].Skills = append(profiles[i].Skills, Skill{Name: fmt.Sprintf("skill %d", int(float64(NeedsMost)*r.Float64()*r.Float64()))})
		}
		answers[uint32(i)] = Answer{Kind: Coming, At: noon.Add(time.Duration(r.IntN(3600)) * time.Second)}
	}
	return call, answers, profiles
}

func BenchmarkFill5000(b *testing.B) {
	call, answers, profiles := crowd(5000)
	for b.Loop() {
		if filled, _, _ := Fill(call, answers, func(n uint32) Profile { return profiles[n] }); filled[0].Coming == 0 {
			b.Fatal("nobody comes")
		}
	}
}
