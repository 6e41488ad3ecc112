package broadcasttest

import (
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
)

// TestVolunteers is the contract of broadcast.Roll as far as volunteers go.
func TestVolunteers(t *testing.T, open Open) {
	for name, check := range map[string]func(*testing.T, *Node){
		"volunteers are listed without addresses, as they are now": volunteersListed,
		"an alert selects volunteers as before":                    volunteersSelected,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

func volunteer(i int, name string) broadcast.Listing {
	s := subscriber(phoneOf(i))
	s.Audience, s.Volunteer = broadcast.AudienceVolunteers, &volunteers.Profile{Name: name, Skills: []volunteers.Skill{{Name: "motosega", Until: time.Date(2027, 5, 31, 0, 0, 0, 0, time.UTC)}}}
	return broadcast.Listing{Subscriber: s}
}

func volunteersListed(t *testing.T, n *Node) {
	r := n.roll(t)
	names := func() string {
		t.Helper()
		all, err := r.Volunteers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, m := range all {
			out.WriteString(m.Volunteer.Name + " ")
			for kind, address := range m.Contacts {
				if address != "*" {
					t.Errorf("the %s of %d is %q", kind, m.Number, address)
				}
			}
		}
		return out.String()
	}
	if got := names(); got != "" {
		t.Errorf("nobody is %q", got)
	}
	got := enter(t, r, volunteer(1, "Anna"), listOf(8)[7], volunteer(2, "Bruno"))
	if got := names(); got != "Anna Bruno " {
		t.Errorf("after entering: %q", got)
	}
	rename := func(m *broadcast.Member) (bool, error) { m.Volunteer.Name = "Carla"; return true, nil }
	if err := r.Change(t.Context(), got[0].Number, nil, rename); err != nil {
		t.Fatal(err)
	}
	if got := names(); got != "Carla Bruno " {
		t.Errorf("after a change: %q", got)
	}
	leave := func(m *broadcast.Member) (bool, error) { m.Audience = "citizens"; return true, nil }
	if err := r.Change(t.Context(), got[0].Number, nil, leave); err != nil {
		t.Fatal(err)
	}
	if err := r.Erase(t.Context(), got[2].Number); err != nil {
		t.Fatal(err)
	}
	if got := names(); got != "" {
		t.Errorf("after leaving: %q", got)
	}
	if addresses, err := r.Contacts(t.Context(), "phone", []uint32{got[0].Number}); err != nil || addresses[0] != phoneOf(1) {
		t.Errorf("the address is now %q, %v", addresses, err)
	}
}

func volunteersSelected(t *testing.T, n *Node) {
	r := n.roll(t)
	got := enter(t, r, volunteer(1, "Anna"), listOf(8)[7], volunteer(2, "Bruno"))
	sel := broadcast.Selection{Areas: []string{"048099"}, Severity: alerts.SeveritySevere, Purpose: "emergency", Audiences: []string{"volunteers"}}
	for range 2 {
		groups, err := r.Select(t.Context(), "phone", sel)
		if err != nil || len(groups) != 1 || len(groups[0].People) != 2 || groups[0].People[0] != got[0].Number || groups[0].People[1] != got[2].Number {
			t.Errorf("selected %v, %v", groups, err)
		}
		rename := func(m *broadcast.Member) (bool, error) { m.Volunteer.Name += "!"; return true, nil }
		if err := r.Change(t.Context(), got[0].Number, nil, rename); err != nil {
			t.Fatal(err)
		}
	}
}
