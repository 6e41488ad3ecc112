package signin

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// renewed makes new recovery codes with a proof.
func (o *Office) renewed(t testing.TB, e *Entered) ([]string, error) {
	t.Helper()
	m, s, err := o.Who(t.Context(), e.Token)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.grant(t.Context(), s, AccountDeed(m)); err != nil {
		t.Fatal(err)
	}
	return o.NewRecovery(t.Context(), m, s, time.Now())
}

func TestTheAccountChangesWithAFreshProofOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := office(t)
		e, seed := o.joined(t, "anna", "author")
		codes, err := o.renewed(t, e)
		if err != nil {
			t.Fatal(err)
		}
		m, s, err := o.Who(t.Context(), e.Token)
		if err != nil {
			t.Fatal(err)
		}
		refused := func(when string) {
			t.Helper()
			_, asked := o.AskPasskey(t.Context(), m, s)
			_, made := o.NewRecovery(t.Context(), m, s, time.Now())
			for what, err := range map[string]error{"a passkey": asked, "codes": made, "removal": o.RemovePasskey(t.Context(), m, s, "x", time.Now()), "no code": o.ProveAccount(t.Context(), m, s, "", time.Now())} {
				if !errors.Is(err, ErrUnproved) {
					t.Errorf("%s: %s: %v", when, what, err)
				}
			}
		}
		refused("without a proof")
		if err := o.ProveByCode(t.Context(), m, s, Deed{"approve", AccountDeed(m).Digest}, codes[0], time.Now()); !errors.Is(err, ErrCode) {
			t.Errorf("a recovery code for an alert: %v", err)
		}
		refused("with a proof for something else")
		_ = o.store.Forgive(t.Context(), "proof "+m.ID)

		// A proof that was asked for but not used leaves with the minutes.
		time.Sleep(codeStep)
		if err := o.ProveAccount(t.Context(), m, s, code(t, seed, time.Now()), time.Now()); err != nil {
			t.Fatal(err)
		}
		begun, err := o.AskPasskey(t.Context(), m, s)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(ProofLasts + time.Second)
		refused("too late")
		if err := o.AddPasskey(t.Context(), m, s, begun.ID, []byte("{}"), time.Now()); !errors.Is(err, ErrRefused) && !errors.Is(err, ErrUnproved) {
			t.Errorf("a passkey that was begun with a proof that is over: %v", err)
		}
		if err := o.ProveAccount(t.Context(), m, s, codes[0], time.Now()); err != nil {
			t.Errorf("a recovery code: %v", err)
		}
		if _, err := o.NewRecovery(t.Context(), m, s, time.Now()); err != nil {
			t.Error(err)
		}
		refused("again")
	})
}

// Who came in by a recovery code lost what they would prove with.
func TestARecoveryCodeCountsForTheAccountOnce(t *testing.T) {
	o := office(t)
	e, _ := o.joined(t, "anna", "author")
	codes, err := o.renewed(t, e)
	if err != nil {
		t.Fatal(err)
	}
	in, err := o.Enter(t.Context(), Entry{Login: "anna", Password: password, Code: codes[0]}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	m, s, err := o.Who(t.Context(), in.Token)
	if err != nil {
		t.Fatal(err)
	}
	if _, old, err := o.Who(t.Context(), e.Token); err != nil || !errors.Is(o.ProveAccount(t.Context(), m, old, "", time.Now()), ErrUnproved) {
		t.Errorf("the session before: %v", err)
	}
	if _, err := o.NewRecovery(t.Context(), m, s, time.Now()); err != nil {
		t.Errorf("once: %v", err)
	}
	if _, err := o.NewRecovery(t.Context(), m, s, time.Now()); !errors.Is(err, ErrUnproved) {
		t.Errorf("twice: %v", err)
	}
}
