package signin

import (
	"errors"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
)

func TestAUsedLinkTellsNothingOfTheCodes(t *testing.T) {
	o := office(t)
	token, err := o.NewInvitation(t.Context(), Invitation{Login: "anna", Name: "Anna Rossi", Grant: Grant{Roles: []string{"viewer"}}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	i, err := o.Invited(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	for _, salt := range []string{"", "x"} {
		if other := (&Invitation{Salt: salt}).Seed(token); other == i.Seed(token) || i.Salt == "" {
			t.Errorf("the link alone gives the seed (salt %q)", salt)
		}
	}
}

// Of many who open one link at once one becomes a member; of many first links
// too.
func TestOneLinkOneMember(t *testing.T) {
	for name, links := range map[string]int{"one link": 1, "first links": 4} {
		t.Run(name, func(t *testing.T) {
			o := office(t)
			tokens := make([]string, 4)
			for i := range tokens {
				var err error
				if i >= links {
					tokens[i] = tokens[0]
				} else if tokens[i], err = o.FirstInvitation(t.Context(), time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			var in sync.Map
			var all sync.WaitGroup
			for n, token := range tokens {
				now := time.Now()
				right := code(t, o.seedFor(t, token), now)
				all.Go(func() {
					login := string(rune('a'+n)) + "nna"
					if _, err := o.Accept(t.Context(), token, Acceptance{Login: login, Name: "Somebody", Password: password, Code: right}, now); err == nil {
						in.Store(login, true)
					} else if !errors.Is(err, ErrGone) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			members, err := o.Members(t.Context())
			n := 0
			in.Range(func(_, _ any) bool { n++; return true })
			if err != nil || len(members) != 1 || n != 1 {
				t.Errorf("%d members, %d came in, %v", len(members), n, err)
			}
		})
	}
}

// Of many who send one recovery code at once one comes in.
func TestOneRecoveryCodeOneSession(t *testing.T) {
	o := office(t)
	e, _ := o.joined(t, "anna", "author")
	codes, err := o.renewed(t, e)
	if err != nil {
		t.Fatal(err)
	}
	in := make(chan bool, 3)
	var all sync.WaitGroup
	for range cap(in) {
		all.Go(func() {
			_, err := o.Enter(t.Context(), Entry{Login: "anna", Password: password, Code: codes[0]}, time.Now())
			in <- err == nil
		})
	}
	all.Wait()
	close(in)
	n := 0
	for ok := range in {
		if ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d came in", n)
	}
}

// Who administers no more, or is disabled, asked for nothing.
func TestWhatSomebodyAskedForGoesWithTheirRights(t *testing.T) {
	o := office(t)
	now := time.Now()
	thief, _ := o.joined(t, "thief", "administrator")
	token, _, err := o.Ask(t.Context(), thief.Member, Change{Login: "eva", Name: "Eva", Grant: EveryRole()}, now)
	if err != nil || token == "" {
		t.Fatalf("%q %v", token, err)
	}
	boss, _ := o.joined(t, "boss", "administrator")
	other, _ := o.joined(t, "other", "author")
	if _, waits, err := o.Ask(t.Context(), thief.Member, Change{Member: other.Member.ID, Grant: EveryRole()}, now); !waits || err != nil {
		t.Fatalf("%v %v", waits, err)
	}
	if _, err := o.Invited(t.Context(), token); err != nil {
		t.Errorf("before: %v", err)
	}
	right := code(t, o.seedFor(t, token), now)
	// A session that began while its member was being disabled.
	if err := o.DisableByCommand(t.Context(), thief.Member.ID, now); err != nil {
		t.Fatal(err)
	}
	late, err := o.begin(t.Context(), thief.Member, ByPassword, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.Who(t.Context(), late); !errors.Is(err, ErrRefused) {
		t.Errorf("a session of who was disabled: %v", err)
	}
	if _, err := o.Accept(t.Context(), token, Acceptance{Password: password, Code: right}, now); !errors.Is(err, ErrGone) {
		t.Errorf("the invitation of who was disabled: %v", err)
	}
	changes, err := o.Changes(t.Context())
	if err != nil || len(changes) != 1 {
		t.Fatalf("%v %v", changes, err)
	}
	for digest := range changes {
		if _, _, err := o.Confirm(t.Context(), boss.Member, digest, now); !errors.Is(err, ErrGone) {
			t.Errorf("the change that they asked for: %v", err)
		}
	}
	if _, err := o.change(t.Context(), thief.Member.ID, nil, func(m *Member) error { m.Disabled = time.Time{}; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.Who(t.Context(), late); !errors.Is(err, ErrRefused) {
		t.Errorf("the session came back with its member: %v", err)
	}
	m, err := o.member(t.Context(), other.Member.ID)
	if err != nil || m.Person().Can(alerts.VerbApprove) {
		t.Errorf("rights changed: %v", err)
	}
}
