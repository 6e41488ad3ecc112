package signin

import (
	"errors"
	"testing"
	"time"
)

func TestAnotherPasswordEndsEverythingElse(t *testing.T) {
	o := office(t)
	now := time.Now()
	anna, seed := o.joinedAt(t, now, "anna", "author")
	other, err := o.Enter(t.Context(), Entry{Login: "anna", Password: password, Code: code(t, seed, now)}, now)
	if err != nil {
		t.Fatal(err)
	}
	m, s, err := o.Who(t.Context(), anna.Token)
	if err != nil {
		t.Fatal(err)
	}
	const next = "ombrello lampada finestra"
	if err := o.ChangePassword(t.Context(), m, s, password, next, now); !errors.Is(err, ErrUnproved) {
		t.Errorf("without a proof: %v", err)
	}
	if err := o.ProveByCode(t.Context(), m, s, AccountDeed(m), code(t, seed, now.Add(codeStep)), now); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		old, next string
		want      error
	}{
		"a wrong old one": {"something else", next, ErrPassword},
		"no old one":      {"", next, ErrPassword},
		"a weak one":      {password, "short", ErrWeak},
		"the own login":   {password, "anna anna anna", ErrWeak},
	} {
		if err := o.ChangePassword(t.Context(), m, s, c.old, c.next, now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := o.ChangePassword(t.Context(), m, s, password, next, now); err != nil {
		t.Fatal(err)
	}
	if err := o.ChangePassword(t.Context(), m, s, next, password, now); !errors.Is(err, ErrPassword) && !errors.Is(err, ErrUnproved) {
		t.Errorf("twice with one proof: %v", err)
	}
	if _, _, err := o.Who(t.Context(), other.Token); !errors.Is(err, ErrRefused) {
		t.Errorf("the other session: %v", err)
	}
	if m, _, err = o.Who(t.Context(), anna.Token); err != nil || o.remembers(t.Context(), m, other.Device) {
		t.Errorf("this session %v; or the other browser is still remembered", err)
	}
	later := now.Add(3 * codeStep)
	if _, err := o.Enter(t.Context(), Entry{Login: "anna", Password: password, Code: code(t, seed, later)}, later); !errors.Is(err, ErrRefused) {
		t.Errorf("with the old password: %v", err)
	}
	if _, err := o.Enter(t.Context(), Entry{Login: "anna", Password: next, Code: code(t, seed, later)}, later); err != nil {
		t.Errorf("with the new password: %v", err)
	}
	if verbs := o.verbs(t); verbs[len(verbs)-1] != VerbPassword {
		t.Errorf("acts %v", verbs)
	}
}

// Guesses at the old password from an open session are slowed.
func TestTheOldPasswordIsNotGuessed(t *testing.T) {
	o := office(t)
	anna, _ := o.joined(t, "anna", "author")
	m, s, err := o.Who(t.Context(), anna.Token)
	if err != nil {
		t.Fatal(err)
	}
	for range patience.Free + 1 {
		err = o.ChangePassword(t.Context(), m, s, "a guess of somebody", "ombrello lampada finestra", time.Now())
	}
	if _, slowed := errors.AsType[*WaitError](err); !slowed {
		t.Errorf("after %d guesses: %v", patience.Free, err)
	}
}

func TestAnotherCodeProgram(t *testing.T) {
	o := office(t)
	now := time.Now()
	anna, seed := o.joinedAt(t, now, "anna", "author")
	m, s, err := o.Who(t.Context(), anna.Token)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.NewSeed(t.Context(), m, s); !errors.Is(err, ErrUnproved) {
		t.Errorf("without a proof: %v", err)
	}
	if err := o.ChangeSeed(t.Context(), m, s, "000000", now); !errors.Is(err, ErrGone) {
		t.Errorf("where none waits: %v", err)
	}
	if err := o.ProveByCode(t.Context(), m, s, AccountDeed(m), code(t, seed, now), now); err != nil {
		t.Fatal(err)
	}
	if err := o.NewSeed(t.Context(), m, s); err != nil {
		t.Fatal(err)
	}
	next, err := o.PendingSeed(t.Context(), s)
	if err != nil || next == "" || next == seed {
		t.Fatalf("%q %v", next, err)
	}
	if other, err := o.PendingSeed(t.Context(), &Session{Digest: "another"}); other != "" || err != nil {
		t.Errorf("another session sees it: %q %v", other, err)
	}
	if err := o.ChangeSeed(t.Context(), m, s, code(t, seed, now.Add(codeStep)), now); !errors.Is(err, ErrCode) {
		t.Errorf("with a code of the old program: %v", err)
	}
	if err := o.ChangeSeed(t.Context(), m, s, code(t, next, now), now); err != nil {
		t.Fatal(err)
	}
	if err := o.ChangeSeed(t.Context(), m, s, code(t, next, now), now); !errors.Is(err, ErrGone) {
		t.Errorf("again: %v", err)
	}
	later := now.Add(3 * codeStep)
	for name, c := range map[string]struct {
		code string
		want error
	}{"the old program": {code(t, seed, later), ErrRefused}, "the code that was used": {code(t, next, now), ErrRefused}, "the new program": {code(t, next, later), nil}} {
		if _, err := o.Enter(t.Context(), Entry{Login: "anna", Password: password, Code: c.code}, later); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if verbs := o.verbs(t); verbs[len(verbs)-1] != VerbSeed {
		t.Errorf("acts %v", verbs)
	}
}
