package broadcasttest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// TestRoll is the contract of broadcast.Roll, which a node's people implement.
func TestRoll(t *testing.T, open Open) {
	for name, check := range map[string]func(*testing.T, *Node){
		"a list entered again changes nothing":                    enteredAgain,
		"a list tried dry is not stored":                          enteredDry,
		"two rows of one person become one person":                enteredTwice,
		"contacts of two people are a conflict and harm neither":  enteredConflict,
		"what a person stopped outlives the next list":            stoppedStays,
		"who stopped or has not confirmed is not written to":      notReachable,
		"who was erased is not brought back by a change":          erasedWhileChanged,
		"a change is told of what another one did":                changedAtOnce,
		"a change appends its act":                                changeWithAct,
		"everybody is listed by number, without who was erased":   listed,
		"many are erased at once":                                 erasedAll,
		"an address that is no more leaves the roll":              unlisted,
		"a new address is not taken off with the old one":         unlistedTooLate,
		"selecting is the same as asking everybody, at any time":  selectedLikeNaive,
		"who was added while everybody is asked is asked as well": selectedWhileAdding,
		"the code over a text is the same and of nothing else":    codes,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

func (n *Node) roll(t *testing.T) broadcast.Roll {
	t.Helper()
	r, ok := n.People.(broadcast.Roll)
	if !ok {
		t.Fatalf("%T is no broadcast.Roll", n.People)
	}
	return r
}

func phoneOf(i int) string { return fmt.Sprintf("+39333%07d", i) }

func listOf(n int) []broadcast.Listing {
	all := make([]broadcast.Listing, n)
	for i := range all {
		all[i].Subscriber = subscriber(phoneOf(i))
	}
	return all
}

func enter(t *testing.T, r broadcast.Roll, all ...broadcast.Listing) []broadcast.Entered {
	t.Helper()
	got, err := r.Enter(t.Context(), all, false)
	if err != nil || len(got) != len(all) {
		t.Fatalf("%d of %d were entered: %v", len(got), len(all), err)
	}
	return got
}

// count tells how many came out how.
func count(got []broadcast.Entered) map[broadcast.EntryOutcome]int {
	n := map[broadcast.EntryOutcome]int{}
	for _, e := range got {
		n[e.Outcome]++
	}
	return n
}

func enteredAgain(t *testing.T, n *Node) {
	r := n.roll(t)
	list := listOf(450)
	first := enter(t, r, list...)
	if got := count(first); got[broadcast.EntryAdded] != 450 {
		t.Fatalf("the first time: %v", got)
	}
	again := enter(t, r, list...)
	if got := count(again); got[broadcast.EntryUnchanged] != 450 {
		t.Errorf("the second time: %v", got)
	}
	for i := range again {
		if again[i].Number != first[i].Number || again[i].Number == 0 {
			t.Fatalf("row %d was number %d and is %d", i, first[i].Number, again[i].Number)
		}
	}
	list[7].Subscriber.Areas = []string{"001001"}
	if got := count(enter(t, r, list...)); got[broadcast.EntryUnchanged] != 449 || got[broadcast.EntryChanged] != 1 {
		t.Errorf("with one change: %v", got)
	}
	if _, err := r.Enter(t.Context(), []broadcast.Listing{{}}, false); err == nil {
		t.Error("nobody was entered")
	}
	if got, err := r.Enter(t.Context(), nil, false); err != nil || len(got) != 0 {
		t.Errorf("an empty list gives %v, %v", got, err)
	}
}

func enteredDry(t *testing.T, n *Node) {
	r := n.roll(t)
	list := listOf(3)
	enter(t, r, list[:2]...)
	list[1].Subscriber.Language = "de"
	got, err := r.Enter(t.Context(), list, true)
	want := []broadcast.EntryOutcome{broadcast.EntryUnchanged, broadcast.EntryChanged, broadcast.EntryAdded}
	for i := range want {
		if err != nil || got[i].Outcome != want[i] {
			t.Fatalf("got %v, %v, want %v", got, err, want)
		}
	}
	if _, err := r.Lookup(t.Context(), "phone", phoneOf(2)); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("a dry run stored a person: %v", err)
	}
	if m, err := r.Member(t.Context(), got[1].Number); err != nil || m.Language != "it" {
		t.Errorf("a dry run changed a person: %v", err)
	}
}

func enteredTwice(t *testing.T, n *Node) {
	r := n.roll(t)
	one, two := listOf(1)[0], listOf(1)[0]
	two.Subscriber.Contacts = map[string]string{"phone": phoneOf(0), "email": "anna@example.org"}
	got := enter(t, r, one, two)
	if got[0].Number == 0 || got[0].Number != got[1].Number {
		t.Errorf("got %v, want one number", got)
	}
	if number, err := r.Lookup(t.Context(), "email", "anna@example.org"); err != nil || number != got[0].Number {
		t.Errorf("the second row was lost: %d, %v", number, err)
	}
}

func enteredConflict(t *testing.T, n *Node) {
	r := n.roll(t)
	a, b, both, other := subscriber(phoneOf(1)), subscriber(""), subscriber(phoneOf(1)), subscriber(phoneOf(2))
	b.Contacts = map[string]string{"email": "b@example.org"}
	both.Contacts["email"] = "b@example.org"
	of := func(s broadcast.Subscriber) broadcast.Listing { return broadcast.Listing{Subscriber: s} }
	enter(t, r, of(a), of(b))
	got := enter(t, r, of(both), of(other))
	if got[0] != (broadcast.Entered{Outcome: broadcast.EntryConflict}) || got[1].Outcome != broadcast.EntryAdded {
		t.Errorf("got %v", got)
	}
	if got := count(enter(t, r, of(a), of(b))); got[broadcast.EntryUnchanged] != 2 {
		t.Errorf("the two people are now %v", got)
	}
}

func stoppedStays(t *testing.T, n *Node) {
	r := n.roll(t)
	row := listOf(1)[0]
	row.Subscriber.Contacts["email"] = "anna@example.org"
	number := enter(t, r, row)[0].Number
	since := time.Now().UTC().Add(-time.Hour).Truncate(time.Second)
	err := r.Change(t.Context(), number, nil, func(m *broadcast.Member) (bool, error) {
		m.Stopped = map[string]time.Time{"phone": since}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := enter(t, r, row)[0]; got.Outcome != broadcast.EntryUnchanged {
		t.Errorf("the same list again: %v", got)
	}
	row.Subscriber.Language = "de"
	row.Stopped = []string{"email", "phone"}
	enter(t, r, row)
	m, err := r.Member(t.Context(), number)
	if err != nil || !m.Stopped["phone"].Equal(since) || m.Stopped["email"].IsZero() || m.Language != "de" {
		t.Errorf("after a changed list: %v, %v", m, err)
	}
}

func notReachable(t *testing.T, n *Node) {
	r := n.roll(t)
	list := listOf(3)
	list[1].Stopped = []string{"phone"}
	list[2].Subscriber.Consent = broadcast.ConsentAsked
	got := enter(t, r, list...)
	numbers := []uint32{got[0].Number, got[1].Number, got[2].Number}
	addresses, err := r.Contacts(t.Context(), "phone", numbers)
	if err != nil || !slices.Equal(addresses, []string{phoneOf(0), "", ""}) {
		t.Errorf("contacts are %q, %v", addresses, err)
	}
	chosen, err := r.Select(t.Context(), "phone", broadcast.Selection{Areas: []string{"048099"}, Severity: alerts.SeverityExtreme, Purpose: "emergency"})
	if err != nil || fmt.Sprint(byLanguage(chosen)) != fmt.Sprint(map[string][]uint32{"it": numbers[:1]}) {
		t.Errorf("selected %v, %v, want %d", chosen, err, numbers[0])
	}
}

func erasedWhileChanged(t *testing.T, n *Node) {
	r := n.roll(t)
	number := enter(t, r, listOf(1)...)[0].Number
	err := r.Change(t.Context(), number, nil, func(m *broadcast.Member) (bool, error) {
		if err := r.Erase(t.Context(), number); err != nil && !errors.Is(err, alerts.ErrNotFound) {
			t.Error(err)
		}
		m.Language = "de"
		return true, nil
	})
	if !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("got %v, want alerts.ErrNotFound", err)
	}
	if _, err := r.Member(t.Context(), number); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("the erased one is there: %v", err)
	}
	if _, err := r.Lookup(t.Context(), "phone", phoneOf(0)); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("the erased one is found: %v", err)
	}
}

func changedAtOnce(t *testing.T, n *Node) {
	r := n.roll(t)
	number := enter(t, r, listOf(1)...)[0].Number
	var wg sync.WaitGroup
	const writers = 6
	for i := range writers {
		wg.Go(func() {
			err := r.Change(t.Context(), number, nil, func(m *broadcast.Member) (bool, error) {
				m.Topics = append(m.Topics, fmt.Sprint(i))
				return true, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	m, err := r.Member(t.Context(), number)
	if err != nil || len(m.Topics) != writers {
		t.Errorf("of %d changes there are %v, %v", writers, m.Topics, err)
	}
	refusal := errors.New("no")
	if err := r.Change(t.Context(), number, nil, func(*broadcast.Member) (bool, error) { return true, refusal }); !errors.Is(err, refusal) {
		t.Errorf("a refusal became %v", err)
	}
	if err := r.Change(t.Context(), 9999, nil, func(*broadcast.Member) (bool, error) { return true, nil }); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("nobody was changed: %v", err)
	}
}

// acts is what a store of people's acts gives, too.
type acts interface {
	ActCount(ctx context.Context) (int64, error)
	AllActs(ctx context.Context, after int64) iter.Seq2[alerts.Act, error]
}

func changeWithAct(t *testing.T, n *Node) {
	r := n.roll(t)
	store, ok := n.Store.(acts)
	if !ok {
		t.Fatalf("%T gives no acts", n.Store)
	}
	number := enter(t, r, listOf(1)...)[0].Number
	before, err := store.ActCount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	act := &alerts.Act{V: 1, At: time.Now().UTC(), By: alerts.By{ID: "person:1"}, Verb: "stopped"}
	change := func(changed bool) {
		t.Helper()
		if err := r.Change(t.Context(), number, act, func(m *broadcast.Member) (bool, error) { m.Language = "de"; return changed, nil }); err != nil {
			t.Fatal(err)
		}
	}
	change(false)
	change(true)
	after, err := store.ActCount(t.Context())
	if err != nil || after != before+1 {
		t.Errorf("%d acts became %d, %v, want one more", before, after, err)
	}
	for a, err := range store.AllActs(t.Context(), before) {
		if err != nil || a.Verb != "stopped" || a.By.ID != "person:1" || a.Seq != after {
			t.Errorf("the act is %v, %v", a, err)
		}
	}
}

func listed(t *testing.T, n *Node) {
	r := n.roll(t)
	got := enter(t, r, listOf(1203)...)
	if err := r.Erase(t.Context(), got[600].Number); err != nil {
		t.Fatal(err)
	}
	var last uint32
	seen := 0
	for m, err := range r.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Number <= last || m.Number == got[600].Number || m.Contacts["phone"] == "" {
			t.Fatalf("person %d came after %d", m.Number, last)
		}
		last = m.Number
		seen++
	}
	if seen != 1202 {
		t.Errorf("listed %d", seen)
	}
	for range r.All(t.Context()) {
		break // and nothing happens
	}
}

func erasedAll(t *testing.T, n *Node) {
	r := n.roll(t)
	before := lastAct(t, n)
	got := enter(t, r, listOf(4)...)
	gone, err := r.EraseAll(t.Context(), []uint32{got[0].Number, 7777, got[2].Number, got[3].Number}, &alerts.Act{V: 1, Verb: broadcast.ActVolunteerErased, By: alerts.By{ID: "staff:1"}}, func(m *broadcast.Member) bool { return m.Contacts["phone"] != phoneOf(3) })
	if err != nil || gone != 2 {
		t.Errorf("erased %d, %v", gone, err)
	}
	addresses, err := r.Contacts(t.Context(), "phone", []uint32{got[0].Number, got[1].Number, got[2].Number, got[3].Number})
	if err != nil || !slices.Equal(addresses, []string{"", phoneOf(1), "", phoneOf(3)}) {
		t.Errorf("left are %q, %v", addresses, err)
	}
	// One act for each of those who were erased, and a note of a list.
	if err := broadcast.NoteList(t.Context(), r, alerts.By{ID: "staff:1"}, broadcast.ActListTaken, "console", "", broadcast.TakenList{List: broadcast.ListRoster, Rows: 2}, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, a := range actsAfter(t, n, before) {
		said = append(said, a.Verb+" "+a.Of+a.Reason)
	}
	want := []string{"volunteer-erased " + broadcast.PersonID(got[0].Number), "volunteer-erased " + broadcast.PersonID(got[2].Number), "list-taken roster: 2 rows"}
	if !slices.Equal(said, want) {
		t.Errorf("the acts are %q, want %q", said, want)
	}
}

// lastAct is the number of the newest act.
func lastAct(t *testing.T, n *Node) int64 {
	t.Helper()
	store, ok := n.Store.(acts)
	if !ok {
		t.Fatalf("%T gives no acts", n.Store)
	}
	last, err := store.ActCount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return last
}

// actsAfter gives the acts that came after one.
func actsAfter(t *testing.T, n *Node, after int64) (all []alerts.Act) {
	t.Helper()
	for a, err := range n.Store.(acts).AllActs(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

func unlisted(t *testing.T, n *Node) {
	r := n.roll(t)
	both, alone := subscriber(phoneOf(1)), subscriber(phoneOf(2))
	both.Contacts["push"], alone.Contacts = "https://push.example/1", map[string]string{"push": "https://push.example/2"}
	got := enter(t, r, broadcast.Listing{Subscriber: both}, broadcast.Listing{Subscriber: alone})
	if _, err := r.Select(t.Context(), "push", broadcast.Selection{}); err != nil { // so that what is remembered must follow
		t.Fatal(err)
	}
	after := lastAct(t, n)
	for i, address := range []string{"https://push.example/1", "https://push.example/2", "https://push.example/3"} {
		for try, want := range []bool{i < 2, false} {
			number, changed, err := broadcast.Unlist(t.Context(), r, "push", address, "push-1", time.Now())
			if err != nil || changed != want || want && number != got[i].Number {
				t.Errorf("address %d, time %d: person %d, changed %v, %v", i+1, try+1, number, changed, err)
			}
		}
	}
	if m, err := r.Member(t.Context(), got[0].Number); err != nil || len(m.Contacts) != 1 || m.Contacts["phone"] != phoneOf(1) {
		t.Errorf("who has a telephone too: %v, %v", m, err)
	}
	if _, err := r.Member(t.Context(), got[1].Number); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("who had nothing else is still there: %v", err)
	}
	addresses, err := r.Contacts(t.Context(), "push", []uint32{got[0].Number, got[1].Number})
	if err != nil || !slices.Equal(addresses, []string{"", ""}) {
		t.Errorf("left are %q, %v", addresses, err)
	}
	if chosen, err := r.Select(t.Context(), "push", broadcast.Selection{}); err != nil || len(chosen) != 0 {
		t.Errorf("selected are %v, %v", chosen, err)
	}
	acts := actsAfter(t, n, after)
	if len(acts) != 2 {
		t.Fatalf("%d acts for two addresses", len(acts))
	}
	for i, a := range acts {
		if a.Verb != "gone" || a.By.ID != fmt.Sprintf("person:%d", got[i].Number) || a.Reason != "push" || a.Via != "push-1" {
			t.Errorf("act %d is %+v", i, a)
		}
	}
	// The browser subscribes again.
	if again := enter(t, r, broadcast.Listing{Subscriber: alone}); again[0].Outcome != broadcast.EntryAdded || again[0].Number == got[1].Number {
		t.Errorf("subscribed again: %+v", again[0])
	}
}

func unlistedTooLate(t *testing.T, n *Node) {
	r := n.roll(t)
	s := subscriber(phoneOf(1))
	s.Contacts = map[string]string{"push": "https://push.example/old"}
	got := enter(t, r, broadcast.Listing{Subscriber: s})
	if err := r.Change(t.Context(), got[0].Number, nil, func(m *broadcast.Member) (bool, error) {
		m.Contacts["push"] = "https://push.example/new"
		return true, nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, changed, err := broadcast.Unlist(t.Context(), r, "push", "https://push.example/old", "push-1", time.Now()); err != nil || changed {
		t.Errorf("the old address: changed %v, %v", changed, err)
	}
	// As if the change had come between looking up and taking off.
	if changed, err := r.Unlist(t.Context(), got[0].Number, "push", "https://push.example/old", alerts.Act{V: 1, Verb: "gone"}); err != nil || changed {
		t.Errorf("the old address, by number: changed %v, %v", changed, err)
	}
	if m, err := r.Member(t.Context(), got[0].Number); err != nil || m.Contacts["push"] != "https://push.example/new" {
		t.Errorf("the new address: %v, %v", m, err)
	}
}

// randomListing is a person with wishes drawn from few values, so that many
// share them and every rule is met.
func randomListing(rnd *rand.Rand, i int) broadcast.Listing {
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	s := subscriber(phoneOf(i))
	if rnd.IntN(3) == 0 {
		s.Contacts["email"] = fmt.Sprintf("p%d@example.org", i)
	}
	s.Areas = nil
	for range 1 + rnd.IntN(3) {
		s.Areas = append(s.Areas, pick("048001", "048002", "048003", "*"))
	}
	s.Language = pick("it", "de", "en")
	s.Audience = pick("citizens", "volunteers", "institutions")
	s.Purpose = pick("emergency", "information")
	s.MinSeverity = alerts.Severity(pick("", "Minor", "Severe", "Extreme"))
	s.Consent = broadcast.Consent(pick("", "", "given", "asked"))
	if rnd.IntN(4) == 0 {
		s.Until = time.Now().Add(time.Duration(rnd.IntN(3)-1) * 24 * time.Hour).UTC().Truncate(time.Second)
	}
	l := broadcast.Listing{Subscriber: s}
	if rnd.IntN(4) == 0 {
		l.Subscriber.Channels = []string{"phone", "email"}
		l.Subscriber.Circle = &alerts.Circle{Centre: alerts.Point{Lat: 45 + rnd.Float64(), Lon: 11}, Radius: 5}
	}
	if rnd.IntN(4) == 0 {
		l.Subscriber.Quiet = &broadcast.Hours{From: "00:00", To: "23:59"}
		l.Subscriber.Topics = []string{pick("water", "schools")}
	}
	if rnd.IntN(5) == 0 {
		l.Stopped = []string{"phone"}
	}
	return l
}

func randomSelection(rnd *rand.Rand) broadcast.Selection {
	s := broadcast.Selection{Severity: []alerts.Severity{"Minor", "Moderate", "Severe", "Extreme"}[rnd.IntN(4)], Purpose: []string{"emergency", "information", ""}[rnd.IntN(3)]}
	for range rnd.IntN(3) {
		s.Areas = append(s.Areas, fmt.Sprintf("04800%d", 1+rnd.IntN(4)))
	}
	if s.Drawn = rnd.IntN(4) == 0; s.Drawn {
		s.Circles = []alerts.Circle{{Centre: alerts.Point{Lat: 45.2, Lon: 11}, Radius: 20}}
	}
	if rnd.IntN(2) == 0 {
		s.Kind, s.Kinds = "email", []string{"phone", "email"}
	}
	if rnd.IntN(4) == 0 {
		s.Topics = []string{"water"}
	}
	if rnd.IntN(3) == 0 {
		s.Audiences = []string{"volunteers", "staff"}
	}
	return s
}

// selectedLikeNaive adds, changes and erases at random and compares what is
// selected with asking Selection.Concerns of everybody.
func selectedLikeNaive(t *testing.T, n *Node) {
	r := n.roll(t)
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	people := map[uint32]*broadcast.Member{}
	for round := range 25 {
		var list []broadcast.Listing
		for range rnd.IntN(60) {
			list = append(list, randomListing(rnd, rnd.IntN(300)))
		}
		for i, e := range enter(t, r, list...) {
			if e.Outcome == broadcast.EntryAdded || e.Outcome == broadcast.EntryChanged {
				m, err := r.Member(t.Context(), e.Number)
				if err != nil {
					t.Fatalf("row %d: %v", i, err)
				}
				people[e.Number] = m
			}
		}
		for number := range people {
			if rnd.IntN(20) == 0 {
				if err := r.Erase(t.Context(), number); err != nil {
					t.Fatal(err)
				}
				delete(people, number)
			}
		}
		for range 4 {
			sel, kind := randomSelection(rnd), []string{"phone", "email", "push"}[rnd.IntN(3)]
			got, err := r.Select(t.Context(), kind, sel)
			want := map[string][]uint32{}
			now := time.Now()
			for _, number := range slices.Sorted(maps.Keys(people)) {
				if m := people[number]; m.Open().Contacts[kind] != "" && sel.Concerns(m.Open(), now) {
					want[m.Language] = append(want[m.Language], number)
				}
			}
			if err != nil || !maps.EqualFunc(byLanguage(got), want, slices.Equal) {
				t.Fatalf("seed %d, round %d: %s of %+v gives\n%v, %v, want\n%v", seed, round, kind, sel, got, err, want)
			}
		}
	}
}

func selectedWhileAdding(t *testing.T, n *Node) {
	r := n.roll(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 300 {
			if _, _, err := r.Add(t.Context(), subscriber(phoneOf(i))); err != nil {
				t.Error(err)
				return
			}
		}
	})
	sel := broadcast.Selection{Areas: []string{"048099"}, Severity: alerts.SeverityExtreme, Purpose: "emergency"}
	last := 0
	for range 30 {
		got, err := r.Select(t.Context(), "phone", sel)
		if people := byLanguage(got)["it"]; err != nil || len(people) < last {
			t.Fatalf("%d became %d, %v", last, len(people), err)
		} else {
			last = len(people)
		}
	}
	wg.Wait()
	if got, err := r.Select(t.Context(), "phone", sel); err != nil || len(byLanguage(got)["it"]) != 300 {
		t.Errorf("selected %d of 300, %v", len(byLanguage(got)["it"]), err)
	}
}

func codes(t *testing.T, n *Node) {
	r := n.roll(t)
	a, b := r.MAC([]byte("one")), r.MAC([]byte("two"))
	if len(a) < 16 || !slices.Equal(a, r.MAC([]byte("one"))) || slices.Equal(a, b) {
		t.Error("the codes are not those of their texts")
	}
}
