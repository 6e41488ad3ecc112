package broadcasttest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// TestPeople is the contract of broadcast.People.
func TestPeople(t *testing.T, open Open) {
	for name, check := range map[string]func(*testing.T, *Node){
		"a person is found by contact and keeps the number": personKept,
		"the same contact at once is one person":            samePerson,
		"those are selected whom the alert concerns":        selected,
		"who was erased is gone, the number not reused":     erased,
		"two people's contacts are not merged":              twoPeople,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

// subscriber lives in Valdemo and reads Italian.
func subscriber(phone string) broadcast.Subscriber {
	return broadcast.Subscriber{Contacts: map[string]string{"phone": phone}, Language: "it", Areas: []string{"048099"}, Audience: "citizens", Purpose: "emergency"}
}

func (n *Node) add(t *testing.T, s broadcast.Subscriber) uint32 {
	t.Helper()
	number, _, err := n.People.Add(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return number
}

func personKept(t *testing.T, n *Node) {
	number, fresh, err := n.People.Add(t.Context(), subscriber("+393330000001"))
	if err != nil || !fresh || number == 0 {
		t.Fatalf("number %d, fresh %v, %v", number, fresh, err)
	}
	changed := subscriber("+393330000001")
	changed.Contacts["email"] = "anna@example.org"
	again, fresh, err := n.People.Add(t.Context(), changed)
	if err != nil || fresh || again != number {
		t.Errorf("again: number %d, fresh %v, %v, want %d", again, fresh, err, number)
	}
	moved := broadcast.Subscriber{Contacts: map[string]string{"email": "anna@example.org", "phone": "+393330000002"}, Language: "it"}
	if got := n.add(t, moved); got != number {
		t.Errorf("with a new phone: %d, want %d", got, number)
	}
	for address, want := range map[string]error{"+393330000002": nil, "+393330000001": alerts.ErrNotFound} {
		got, err := n.People.Lookup(t.Context(), "phone", address)
		if !errors.Is(err, want) || err == nil && got != number {
			t.Errorf("lookup gave %d, %v", got, err)
		}
	}
	if _, err := n.People.Lookup(t.Context(), "email", "+393330000002"); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("a phone number was found as a mail address: %v", err)
	}
	if _, _, err := n.People.Add(t.Context(), broadcast.Subscriber{}); err == nil {
		t.Error("a person without a contact was added")
	}
}

func samePerson(t *testing.T, n *Node) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	got, news := map[uint32]bool{}, 0
	for range 20 {
		wg.Go(func() {
			number, fresh, err := n.People.Add(t.Context(), subscriber("+393330000001"))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			got[number] = true
			if fresh {
				news++
			}
		})
	}
	wg.Wait()
	if len(got) != 1 || news != 1 {
		t.Errorf("numbers %v, %d of them fresh, want one", got, news)
	}
}

func selected(t *testing.T, n *Node) {
	here := n.add(t, subscriber("+393330000001"))
	german := subscriber("+393330000002")
	german.Language = "de"
	two := n.add(t, german)
	elsewhere := subscriber("+393330000003")
	elsewhere.Areas = []string{"001001"}
	n.add(t, elsewhere)
	mail := broadcast.Subscriber{Contacts: map[string]string{"email": "x@example.org"}, Language: "it", Areas: []string{"*"}, Purpose: "emergency"}
	n.add(t, mail)
	ended := subscriber("+393330000004")
	ended.Until = time.Now().Add(-time.Hour)
	n.add(t, ended)
	later := n.add(t, subscriber("+393330000005"))

	got, err := n.People.Select(t.Context(), "phone", broadcast.Selection{Areas: []string{"048099"}, Severity: alerts.SeveritySevere, Purpose: "emergency"})
	want := map[string][]uint32{"it": {here, later}, "de": {two}}
	if err != nil || fmt.Sprint(byLanguage(got)) != fmt.Sprint(want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if got, err := n.People.Select(t.Context(), "phone", broadcast.Selection{Severity: alerts.SeverityExtreme}); err != nil || len(got) != 0 {
		t.Errorf("an alert without an area concerns %v, %v", got, err)
	}
}

func erased(t *testing.T, n *Node) {
	one, two := n.add(t, subscriber("+393330000001")), n.add(t, subscriber("+393330000002"))
	if err := n.People.Erase(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	got, err := n.People.Contacts(t.Context(), "phone", []uint32{two, one, 99999})
	if err != nil || !slices.Equal(got, []string{"+393330000002", "", ""}) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := n.People.Lookup(t.Context(), "phone", "+393330000001"); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("the erased one is found: %v", err)
	}
	if err := n.People.Erase(t.Context(), one); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("erasing again: %v, want alerts.ErrNotFound", err)
	}
	if again := n.add(t, subscriber("+393330000001")); again == one {
		t.Errorf("the number %d was given again", one)
	}
}

func twoPeople(t *testing.T, n *Node) {
	n.add(t, subscriber("+393330000001"))
	mail := broadcast.Subscriber{Contacts: map[string]string{"email": "b@example.org"}, Language: "it"}
	n.add(t, mail)
	both := broadcast.Subscriber{Contacts: map[string]string{"email": "b@example.org", "phone": "+393330000001"}, Language: "it"}
	if _, _, err := n.People.Add(t.Context(), both); !errors.Is(err, alerts.ErrConflict) {
		t.Errorf("got %v, want alerts.ErrConflict", err)
	}
}

// byLanguage are the people of the groups, in ascending order.
func byLanguage(groups []broadcast.Group) map[string][]uint32 {
	people := map[string][]uint32{}
	for _, g := range groups {
		people[g.Language] = append(people[g.Language], g.People...)
	}
	for _, numbers := range people {
		slices.Sort(numbers)
	}
	return people
}
