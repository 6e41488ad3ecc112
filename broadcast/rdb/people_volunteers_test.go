package rdb

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"martinella/alerts/volunteers"
	"martinella/broadcast"
)

func volunteerList(n int) []broadcast.Listing {
	list := make([]broadcast.Listing, n)
	for i := range list {
		list[i].Subscriber = broadcast.Subscriber{Contacts: map[string]string{"phone": fmt.Sprintf("+39333%07d", i), "email": fmt.Sprintf("v%d@example.org", i)}, Language: "it", Areas: []string{"*"},
			Audience: broadcast.AudienceVolunteers, Purpose: "emergency", Volunteer: &volunteers.Profile{Name: fmt.Sprintf("Anna Prato %d", i), Organisation: "Croce Verde", Groups: []string{"Squadra A"},
				Skills: []volunteers.Skill{{Name: "motosega", Until: time.Date(2027, 5, 31, 0, 0, 0, 0, time.UTC)}, {Name: "autista C"}}, Weekly: []volunteers.Shift{{Day: time.Saturday, From: "08:00", To: "20:00"}}}}
	}
	return list
}

// Profiles are no part of what alerts ask for.
func TestProfilesOfVolunteersAreNotAmongTheWishes(t *testing.T) {
	r := openMemory(t)
	people := r.People()
	if _, err := people.Enter(t.Context(), volunteerList(300), false); err != nil {
		t.Fatal(err)
	}
	if err := people.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(r.wishes.all); n != 1 || r.wishes.all[0].who.Volunteer != nil || strings.Contains(r.wishes.all[0].key, "Anna") {
		t.Errorf("300 volunteers with the same wishes have %d entries", n)
	}
	if len(r.volunteers.of) != 0 {
		t.Errorf("%d profiles are in memory before anybody asked", len(r.volunteers.of))
	}
}

// What a newer program stored outlives a change by this one.
func TestFieldsThatANewerProgramWroteStay(t *testing.T) {
	p := openMemory(t).People()
	entered, err := p.Enter(t.Context(), volunteerList(1), false)
	if err != nil {
		t.Fatal(err)
	}
	number := entered[0].Number
	stored := func() string {
		t.Helper()
		found, err := p.read(t.Context(), []uint32{number})
		if err != nil || found[0].err != nil {
			t.Fatal(err, found[0].err)
		}
		return string(found[0].text)
	}
	newer := strings.Replace(strings.Replace(stored(), `"volunteer":{`, `"volunteer":{"vest":"XL",`, 1), `{"v":1,`, `{"v":1,"shoe":{"size":43},`, 1)
	field := fmt.Sprint(number)
	if err := p.r.commands.HSet(t.Context(), p.r.keys.people(), field, p.r.vault.close([]byte(newer), purpose(number))).Err(); err != nil {
		t.Fatal(err)
	}
	change := func(m *broadcast.Member) (bool, error) { m.Volunteer.Name = "Eva"; m.Language = "de"; return true, nil }
	if err := p.Change(t.Context(), number, nil, change); err != nil {
		t.Fatal(err)
	}
	list := volunteerList(1)
	list[0].Subscriber.Volunteer.Name = "Carla"
	if _, err := p.Enter(t.Context(), list, false); err != nil {
		t.Fatal(err)
	}
	text := stored()
	if !strings.Contains(text, `"vest":"XL"`) || !strings.Contains(text, `"size":43`) || !strings.Contains(text, `"Carla"`) || !json.Valid([]byte(text)) {
		t.Errorf("stored is %s", text)
	}
}

// BenchmarkVolunteers lists 5,000 volunteers: the first time, and after one changed.
func BenchmarkVolunteers(b *testing.B) {
	people := openMemory(b).People()
	if _, err := people.Enter(b.Context(), volunteerList(5000), false); err != nil {
		b.Fatal(err)
	}
	at := time.Now()
	if all, err := people.Volunteers(b.Context()); err != nil || len(all) != 5000 {
		b.Fatal(len(all), err)
	}
	b.ReportMetric(float64(time.Since(at).Microseconds())/1000, "ms/first")
	for b.Loop() {
		change := func(m *broadcast.Member) (bool, error) { m.Volunteer.Name += "x"; return true, nil }
		if err := people.Change(b.Context(), 7, nil, change); err != nil {
			b.Fatal(err)
		}
		if all, err := people.Volunteers(b.Context()); err != nil || len(all) != 5000 {
			b.Fatal(len(all), err)
		}
	}
}
