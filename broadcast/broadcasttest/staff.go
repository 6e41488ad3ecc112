package broadcasttest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// TestStaff is the contract of broadcast.Staff.
func TestStaff(t *testing.T, open Open) {
	for name, check := range map[string]func(*testing.T, broadcast.Staff){
		"a member is read as written, found by login, and erased": memberKept,
		"of two who change a member at once one is told":          memberStale,
		"a login belongs to one member":                           loginOnce,
		"a ticket makes one member":                               ticketMakesOne,
		"the first member is the only first":                      firstOnce,
		"of many who take a ticket one has it":                    ticketTakenOnce,
		"a session is found until it ends":                        sessionEnds,
		"a session ends idle, and at the latest at its time":      sessionExpires,
		"all sessions of a member end but one":                    sessionsEnd,
		"attempts are free, then slower and slower":               attemptsSlow,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t).Staff) })
	}
}

func memberKept(t *testing.T, s broadcast.Staff) {
	ctx := t.Context()
	revision, err := s.PutMember(ctx, broadcast.MemberDoc{ID: "staff:a", Login: "anna", Doc: []byte("one")})
	if err != nil || revision != 1 {
		t.Fatalf("revision %d, %v", revision, err)
	}
	if _, err := s.PutMember(ctx, broadcast.MemberDoc{ID: "staff:a", Revision: 1, Login: "anna.b", Doc: []byte("two")}); err != nil {
		t.Fatal(err)
	}
	doc, revision, err := s.Member(ctx, "staff:a")
	if err != nil || string(doc) != "two" || revision != 2 {
		t.Errorf("%q %d %v", doc, revision, err)
	}
	if id, err := s.MemberOf(ctx, "anna.b"); id != "staff:a" || err != nil {
		t.Errorf("found %q, %v", id, err)
	}
	if _, err := s.MemberOf(ctx, "anna"); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("the login of before: %v", err)
	}
	all, err := s.Members(ctx)
	if err != nil || len(all) != 1 || string(all["staff:a"]) != "two" {
		t.Errorf("all %q, %v", all, err)
	}
	if err := s.Begin(ctx, broadcast.Session{Digest: "d", Member: "staff:a"}, time.Hour, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.EraseMember(ctx, "staff:a", staffAct("staff-erased")); err != nil {
		t.Fatal(err)
	}
	_, _, member := s.Member(ctx, "staff:a")
	_, login := s.MemberOf(ctx, "anna.b")
	_, session := s.Touch(ctx, "d", time.Hour)
	for what, err := range map[string]error{"member": member, "login": login, "session": session} {
		if !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("%s after erasing: %v", what, err)
		}
	}
}

func memberStale(t *testing.T, s broadcast.Staff) {
	if _, err := s.PutMember(t.Context(), broadcast.MemberDoc{ID: "staff:a", Login: "a", Doc: []byte("one")}); err != nil {
		t.Fatal(err)
	}
	var wrote, stale atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := s.PutMember(t.Context(), broadcast.MemberDoc{ID: "staff:a", Revision: 1, Login: "a", Doc: []byte("two")})
			switch {
			case err == nil:
				wrote.Add(1)
			case errors.Is(err, alerts.ErrStale):
				stale.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if wrote.Load() != 1 || stale.Load() != 7 {
		t.Errorf("%d wrote, %d were told", wrote.Load(), stale.Load())
	}
}

func loginOnce(t *testing.T, s broadcast.Staff) {
	if _, err := s.PutMember(t.Context(), broadcast.MemberDoc{ID: "staff:a", Login: "a", Doc: []byte("one")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutMember(t.Context(), broadcast.MemberDoc{ID: "staff:b", Login: "a", Doc: []byte("two")}); !errors.Is(err, broadcast.ErrLoginTaken) {
		t.Errorf("a second one: %v", err)
	}
}

func ticketMakesOne(t *testing.T, s broadcast.Staff) {
	ticket := broadcast.Ticket{Kind: "invite", Digest: "abc", Doc: []byte("hello"), Lasts: time.Hour}
	if err := s.PutTicket(t.Context(), ticket); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Tickets(t.Context(), "invite"); err != nil || string(all["abc"]) != "hello" {
		t.Errorf("tickets %q, %v", all, err)
	}
	for i, want := range []error{nil, broadcast.ErrTicketGone} {
		_, err := s.PutMember(t.Context(), broadcast.MemberDoc{ID: []string{"staff:a", "staff:b"}[i], Login: []string{"a", "b"}[i], Doc: []byte("x"), Ticket: ticket})
		if !errors.Is(err, want) {
			t.Errorf("member %d: %v, want %v", i, err, want)
		}
	}
	if all, err := s.Tickets(t.Context(), "invite"); err != nil || len(all) != 0 {
		t.Errorf("tickets %q, %v", all, err)
	}
}

func firstOnce(t *testing.T, s broadcast.Staff) {
	for i, want := range []error{nil, broadcast.ErrTicketGone} {
		_, err := s.PutMember(t.Context(), broadcast.MemberDoc{ID: []string{"staff:a", "staff:b"}[i], Login: []string{"a", "b"}[i], Doc: []byte("x"), First: true})
		if !errors.Is(err, want) {
			t.Errorf("member %d: %v, want %v", i, err, want)
		}
	}
}

func ticketTakenOnce(t *testing.T, s broadcast.Staff) {
	if err := s.PutTicket(t.Context(), broadcast.Ticket{Kind: "k", Digest: "d", Doc: []byte("x"), Lasts: time.Hour}); err != nil {
		t.Fatal(err)
	}
	var had atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if doc, err := s.TakeTicket(t.Context(), "k", "d", nil); err == nil && string(doc) == "x" {
				had.Add(1)
			} else if !errors.Is(err, alerts.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if had.Load() != 1 {
		t.Errorf("%d had it", had.Load())
	}
	if _, err := s.Ticket(t.Context(), "k", "d"); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("afterwards: %v", err)
	}
}

func sessionEnds(t *testing.T, s broadcast.Staff) {
	ctx := t.Context()
	if err := s.Begin(ctx, broadcast.Session{Digest: "d", Member: "staff:a", Doc: []byte("browser")}, time.Hour, 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	one, err := s.Touch(ctx, "d", time.Hour)
	if err != nil || one.Member != "staff:a" || string(one.Doc) != "browser" || one.Ends.Sub(one.Began) != 2*time.Hour || one.Seen.Before(one.Began) {
		t.Errorf("%+v, %v", one, err)
	}
	if err := s.End(ctx, "staff:b", "d"); err != nil {
		t.Error(err)
	}
	if _, err := s.Touch(ctx, "d", time.Hour); err != nil {
		t.Errorf("ended by another member: %v", err)
	}
	if err := s.End(ctx, "staff:a", "d"); err != nil {
		t.Error(err)
	}
	if _, err := s.Touch(ctx, "d", time.Hour); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("after the end: %v", err)
	}
	if all, err := s.Sessions(ctx, "staff:a"); err != nil || len(all) != 0 {
		t.Errorf("sessions %v, %v", all, err)
	}
}

func sessionExpires(t *testing.T, s broadcast.Staff) {
	ctx := t.Context()
	for digest, lasts := range map[string][2]time.Duration{"idle": {time.Millisecond, time.Hour}, "longest": {time.Hour, time.Millisecond}} {
		if err := s.Begin(ctx, broadcast.Session{Digest: digest, Member: "staff:a"}, lasts[0], lasts[1]); err != nil {
			t.Fatal(err)
		}
		end := time.Now().Add(20 * time.Second)
		for {
			// What reads the list leaves the idle time alone.
			all, err := s.Sessions(ctx, "staff:a")
			if err != nil {
				t.Fatal(err)
			}
			if len(all) == 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s: it never ends", digest)
			}
		}
		if _, err := s.Touch(ctx, digest, time.Hour); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("%s: %v", digest, err)
		}
	}
}

func sessionsEnd(t *testing.T, s broadcast.Staff) {
	ctx := t.Context()
	for _, digest := range []string{"1", "2", "3"} {
		if err := s.Begin(ctx, broadcast.Session{Digest: digest, Member: "staff:a"}, time.Hour, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.EndAll(ctx, "staff:a", "2"); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Sessions(ctx, "staff:a"); err != nil || len(all) != 1 || all[0].Digest != "2" {
		t.Errorf("all but one: %v, %v", all, err)
	}
	if err := s.EndAll(ctx, "staff:a", ""); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Sessions(ctx, "staff:a"); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}

func attemptsSlow(t *testing.T, s broadcast.Staff) {
	p := broadcast.Patience{Free: 3, First: time.Hour, Longest: 90 * time.Minute, Forget: 24 * time.Hour}
	for i := range 3 {
		if wait, err := s.Attempt(t.Context(), "anna", p); wait != 0 || err != nil {
			t.Fatalf("attempt %d: %v, %v", i, wait, err)
		}
	}
	if wait, err := s.Attempt(t.Context(), "anna", p); wait <= 0 || wait > time.Hour || err != nil {
		t.Errorf("after the free ones: %v, %v", wait, err)
	}
	if wait, err := s.Attempt(t.Context(), "bruno", p); wait != 0 || err != nil {
		t.Errorf("another name: %v, %v", wait, err)
	}
	if err := s.Forgive(t.Context(), "anna"); err != nil {
		t.Error(err)
	}
	if wait, err := s.Attempt(t.Context(), "anna", p); wait != 0 || err != nil {
		t.Errorf("forgiven: %v, %v", wait, err)
	}
}

// staffAct is an act on a member of staff.
func staffAct(verb string) alerts.Act {
	return alerts.Act{V: 1, At: time.Now().UTC(), By: alerts.By{ID: "staff:boss"}, Verb: verb, Of: "staff:a", Via: "console"}
}
