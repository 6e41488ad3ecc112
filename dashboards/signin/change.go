package signin

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// ChangePassword gives a member another password: the old one is needed where
// there is one, and a fresh proof of [AccountDeed], which is used up. All other
// sessions end, and remembered browsers are forgotten. ErrPassword where the
// old one is wrong, ErrWeak, ErrUnproved, ErrNoCodes where the member has no code
// program yet: a password alone lets nobody in.
func (o *Office) ChangePassword(ctx context.Context, m *Member, s *Session, old, password string, now time.Time) error {
	if m.Seed == "" {
		return ErrNoCodes
	}
	if err := strong(password, m.Login, m.Name); err != nil {
		return err
	}
	compared := m.Password
	if compared != "" {
		if err := o.knows(ctx, m, old); err != nil {
			return err
		}
	}
	hash, err := o.hash(ctx, password)
	if err != nil {
		return err
	}
	if err := o.spendAccount(ctx, m, s); err != nil {
		return err
	}
	return o.replace(ctx, m.ID, s, VerbPassword, now, func(m *Member) error {
		if m.Password != compared {
			return ErrPassword // changed meanwhile: it was the one before that was right
		}
		m.Password = hash
		return nil
	})
}

// knows compares with the member's password; guesses are slowed as at the door,
// for who holds the session alone.
func (o *Office) knows(ctx context.Context, m *Member, password string) error {
	name := "password " + m.ID
	if wait, err := o.store.Attempt(ctx, name, patience); err != nil {
		return err
	} else if wait > 0 {
		return &WaitError{wait}
	}
	right, err := o.matches(ctx, password, m.Password)
	if err != nil {
		return err
	}
	if !right {
		return ErrPassword
	}
	return o.store.Forgive(ctx, name)
}

// replace changes how a member signs in, and ends everything but the session.
func (o *Office) replace(ctx context.Context, id string, s *Session, verb string, now time.Time, deed func(*Member) error) error {
	_, err := o.change(ctx, id, act(id, verb, id, "", now), func(m *Member) error {
		if !m.Disabled.IsZero() {
			return ErrRefused
		}
		m.renew(s.Digest)
		return deed(m)
	})
	if err != nil {
		return err
	}
	return o.store.EndAll(ctx, id, s.Digest)
}

// seedTicket is the kind of the tickets that hold a seed until its first code
// comes; each is of one session.
const seedTicket = "seed"

// seedLasts is how long a new seed waits for its first code.
const seedLasts = 10 * time.Minute

func seedDigest(s *Session) string { return digest(seedTicket, s.Digest) }

// NewSeed makes a seed for another code program; it counts when its first code
// comes ([Office.ChangeSeed]). It uses up the proof of [AccountDeed];
// ErrUnproved.
func (o *Office) NewSeed(ctx context.Context, m *Member, s *Session) error {
	if err := o.spendAccount(ctx, m, s); err != nil {
		return err
	}
	b := make([]byte, 20) // 160 bits (RFC 4226 section 4)
	_, _ = rand.Read(b)   // never fails (crypto/rand)
	return o.store.PutTicket(ctx, broadcast.Ticket{Kind: seedTicket, Digest: seedDigest(s), Doc: []byte(base32Text.EncodeToString(b)), Lasts: seedLasts})
}

// PendingSeed is the seed that waits in this session; "" for none.
func (o *Office) PendingSeed(ctx context.Context, s *Session) (string, error) {
	seed, err := o.store.Ticket(ctx, seedTicket, seedDigest(s))
	if errors.Is(err, alerts.ErrNotFound) {
		return "", nil
	}
	return string(seed), err
}

// ChangeSeed takes the seed that waits, by its first code. The code program of
// before counts no more, all other sessions end, and remembered browsers are
// forgotten. ErrGone where none waits, ErrCode.
func (o *Office) ChangeSeed(ctx context.Context, m *Member, s *Session, code string, now time.Time) error {
	seed, err := o.PendingSeed(ctx, s)
	if err != nil {
		return err
	}
	if seed == "" {
		return ErrGone
	}
	name := "seed " + s.Digest
	if wait, err := o.store.Attempt(ctx, name, patience); err != nil {
		return err
	} else if wait > 0 {
		return &WaitError{wait}
	}
	if len(code) > longestLogin || stepOf(seed, code, now) < 0 {
		return ErrCode
	}
	if _, err := o.store.TakeTicket(ctx, seedTicket, seedDigest(s), nil); errors.Is(err, alerts.ErrNotFound) {
		return ErrGone
	} else if err != nil {
		return err
	}
	return o.replace(ctx, m.ID, s, VerbSeed, now, func(m *Member) error {
		m.Seed, m.LastStep = seed, 0
		return m.spend(code, now)
	})
}
