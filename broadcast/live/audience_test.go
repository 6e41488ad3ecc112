package live

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
)

// The index finds exactly the clients that a look at each of them would find,
// and forgets everything of those who left.
func TestAudienceFindsWhomAChangeConcerns(t *testing.T) {
	codes := []string{"", "023091", "023092", "IT020", "it021", "IT", "x", "È1", "\xff2", "a-b-c"}
	for seed := range uint64(50) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 0))
			pick := func() string { return codes[dice.IntN(len(codes))] }
			values := func() (v []alerts.Value) {
				for range dice.IntN(3) {
					v = append(v, alerts.Value{Value: pick()})
				}
				return v
			}
			index, here := newAudience(), map[*client]interest{}
			for range 300 {
				if c := anyOf(here); c != nil && dice.IntN(3) == 0 {
					index.remove(c)
					delete(here, c)
					index.remove(c) // once more is nothing
				} else {
					c, i := &client{}, interest{strings.ToLower(pick()), viewBrief, []string{"it", "en"}[dice.IntN(2)], dice.IntN(2) == 0}
					index.add(c, i)
					here[c] = i
				}
				r := &alerts.Record{Alert: &alerts.Alert{Infos: []alerts.Info{{}}}, Areas: values()}
				for range dice.IntN(3) {
					a := alerts.Area{Geocodes: values()}
					if dice.IntN(10) == 0 {
						a.Circles = make([]alerts.Circle, 1)
					}
					r.Alert.Infos[0].Areas = append(r.Alert.Infos[0].Areas, a)
				}
				change := reachOf(r)
				if dice.IntN(10) == 0 {
					change = nil
				}
				got := map[*client]int{}
				index.each(change, func(g *group) {
					for at, c := range g.clients {
						if got[c]++; c.group != g || c.at != at || here[c] != g.interest {
							t.Fatalf("client %+v stands in group %+v", here[c], g.interest)
						}
					}
				})
				for c, i := range here {
					want := 0
					if change == nil || i.area == "" || change.covers(i.area) {
						want = 1
					}
					if got[c] != want {
						t.Fatalf("%+v is found %d times for %+v, want %d", i, got[c], change, want)
					}
					delete(got, c)
				}
				if len(got) > 0 {
					t.Fatalf("%d clients are found that left", len(got))
				}
			}
			for c := range here {
				index.remove(c)
			}
			if len(index.everywhere)+len(index.forms) > 0 {
				t.Errorf("when all have left, %d and %d groups remain", len(index.everywhere), len(index.forms))
			}
		})
	}
}

func anyOf(here map[*client]interest) *client {
	for c := range here {
		return c
	}
	return nil
}

// A client ahead of the node gets nothing twice, and is not kept when it left.
func TestAShardForgetsWhoWasAheadAndLeft(t *testing.T) {
	s := newStand(t, newBook(0)).shards[0]
	var came []*client
	for range 3 {
		c := &client{}
		came = append(came, c)
		s.come(&joining{client: c, ahead: cursor(5)})
	}
	s.left(came[1])
	s.left(came[2])
	if len(s.early) != 1 || s.early[0].client != came[0] {
		t.Fatalf("%d are waited for, want the first alone", len(s.early))
	}
	if rest := s.early[:3]; slices.ContainsFunc(rest[1:], func(j *joining) bool { return j != nil }) {
		t.Error("who left is still held")
	}
}

// A change that is coded for one municipality costs a look at its groups, and
// none at those of the others: neither by being visited nor in time.
func TestAChangeForOneMunicipalityLooksAtNoOther(t *testing.T) {
	crowd := func(codes int) (audience, *reach) {
		index := newAudience()
		for i := range codes {
			for _, lang := range []string{"it", "en"} {
				index.add(&client{}, interest{area: fmt.Sprintf("%06d", i), view: viewBrief, lang: lang})
			}
		}
		index.add(&client{}, interest{view: viewBrief, lang: "it"}) // everywhere
		index.add(&client{}, interest{area: "it020", view: viewBrief, lang: "it"})
		code := alerts.Value{Name: "ISTAT", Value: fmt.Sprintf("%06d", codes/2)}
		return index, reachOf(record(func(r *alerts.Record) { r.Alert.Infos[0].Areas[0].Geocodes = []alerts.Value{code} }))
	}
	quickest := func(index audience, r *reach) time.Duration {
		least := time.Hour
		for range 20 {
			began := time.Now()
			for range 50 {
				index.each(r, func(*group) {})
			}
			least = min(least, time.Since(began))
		}
		return least
	}
	index, change := crowd(10_000)
	var visited []string
	index.each(change, func(g *group) { visited = append(visited, g.area+" "+g.lang) })
	slices.Sort(visited)
	// Those of the municipality, of everywhere, and of a code in another system,
	// which may be concerned.
	if want := []string{" it", "005000 en", "005000 it", "it020 it"}; !slices.Equal(visited, want) {
		t.Errorf("%d groups are visited, %.60q; want %q", len(visited), visited, want)
	}
	few, fewChange := crowd(10)
	if many, little := quickest(index, change), quickest(few, fewChange); many > 50*little {
		t.Errorf("among 10,000 codes it takes %v, among 10 %v: it looks at them all", many, little)
	}
}
