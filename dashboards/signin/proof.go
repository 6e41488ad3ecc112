package signin

import (
	"context"
	"errors"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"martinella/alerts"
	"martinella/broadcast"
)

// ProofLasts is how long a fresh proof of who acts holds.
const ProofLasts = 5 * time.Minute

// Deed is what a fresh proof is for: one act on one alert exactly as it was
// shown. A proof for one deed is none for another, and holds once.
type Deed struct {
	Act    string // "approve", "cancel", ...
	Digest alerts.Digest
}

// accountAct is the act of the deeds of [AccountDeed].
const accountAct = "account"

// AccountDeed is changing how a member signs in, or what people may do: what
// would outlast a session that somebody stole.
func AccountDeed(m *Member) Deed { return Deed{Act: accountAct, Digest: alerts.Digest(m.ID)} }

// subject binds a deed to the session in which it was proved.
func (d Deed) subject(s *Session) string { return digest("deed", s.Digest, d.Act, string(d.Digest)) }

// AskProof begins proving with a passkey of the member; ErrRefused when there
// is none.
func (o *Office) AskProof(ctx context.Context, m *Member, s *Session, d Deed) (*Ceremony, error) {
	if len(m.Passkeys) == 0 {
		return nil, ErrRefused
	}
	options, data, err := o.passkeys.BeginLogin(m, webauthn.WithUserVerification(protocol.VerificationRequired), webauthn.WithChallenge(boundChallenge(d.subject(s))))
	if err != nil {
		return nil, ErrRefused
	}
	return o.keep(ctx, ceremony{Purpose: toProve, Subject: d.subject(s), Data: *data}, options)
}

// ProveByPasskey ends it: the deed may be done once within [ProofLasts].
func (o *Office) ProveByPasskey(ctx context.Context, m *Member, s *Session, d Deed, id string, answer []byte, now time.Time) error {
	c, err := o.take(ctx, id, toProve, d.subject(s))
	if err != nil {
		return err
	}
	if _, err := o.asserted(ctx, c, answer, m.ID, now); err != nil {
		return err
	}
	return o.grant(ctx, s, d)
}

// ProveByCode proves with a fresh code of the authenticator program; for the
// own account a recovery code stands for it.
func (o *Office) ProveByCode(ctx context.Context, m *Member, s *Session, d Deed, code string, now time.Time) error {
	if len(code) > longestLogin {
		return ErrCode
	}
	name := "proof " + m.ID
	if wait, err := o.store.Attempt(ctx, name, patience); err != nil {
		return err
	} else if wait > 0 {
		return &WaitError{wait}
	}
	if _, err := o.change(ctx, m.ID, nil, func(m *Member) error {
		switch {
		case !m.Disabled.IsZero():
			return ErrRefused
		case d.Act == accountAct && m.recover(code):
			return nil
		}
		return m.spend(code, now)
	}); err != nil {
		return err
	}
	if err := o.store.Forgive(ctx, name); err != nil {
		return err
	}
	return o.grant(ctx, s, d)
}

func (o *Office) grant(ctx context.Context, s *Session, d Deed) error {
	return o.store.PutTicket(ctx, broadcast.Ticket{Kind: "proof", Digest: d.subject(s), Doc: []byte("1"), Lasts: ProofLasts})
}

// Proved says whether the deed may be done, and leaves its proof; ErrRefused.
func (o *Office) Proved(ctx context.Context, s *Session, d Deed) error {
	_, err := o.store.Ticket(ctx, "proof", d.subject(s))
	if errors.Is(err, alerts.ErrNotFound) {
		return ErrRefused
	}
	return err
}

// Spend uses the proof of a deed up; ErrRefused when there is none.
func (o *Office) Spend(ctx context.Context, s *Session, d Deed) error {
	_, err := o.store.TakeTicket(ctx, "proof", d.subject(s), nil)
	if errors.Is(err, alerts.ErrNotFound) {
		return ErrRefused
	}
	return err
}

// spendAccount uses up the proof of [AccountDeed].
func (o *Office) spendAccount(ctx context.Context, m *Member, s *Session) error {
	err := o.Spend(ctx, s, AccountDeed(m))
	if errors.Is(err, ErrRefused) {
		return ErrUnproved
	}
	return err
}

// ProveAccount asks for a fresh proof before people or rights change: code,
// where it is given, or a proof by passkey before. ErrUnproved, ErrCode.
func (o *Office) ProveAccount(ctx context.Context, m *Member, s *Session, code string, now time.Time) error {
	if code != "" {
		if err := o.ProveByCode(ctx, m, s, AccountDeed(m), code, now); err != nil {
			return err
		}
	}
	if err := o.Proved(ctx, s, AccountDeed(m)); errors.Is(err, ErrRefused) {
		return ErrUnproved
	} else if err != nil {
		return err
	}
	return nil
}
