package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"martinella/broadcast"
)

// Binding is an account at an OpenID provider by which a member signs in. The
// issuer and its subject alone name it: e-mail addresses change hands.
type Binding struct {
	Issuer  string    `json:"issuer"`
	Subject string    `json:"subject"`
	Added   time.Time `json:"added"`
	Used    time.Time `json:"used,omitzero"`
}

// boundTo finds who is bound to a subject of the provider; ErrUnbound. Where two
// are, which only a race of two browsers can do, neither counts.
func (o *Office) boundTo(ctx context.Context, subject string) (*Member, error) {
	all, err := o.Members(ctx)
	if err != nil {
		return nil, err
	}
	var found *Member
	for _, m := range all {
		if b := o.BoundBy(m); b == nil || b.Subject != subject {
			continue
		}
		if found != nil {
			return nil, ErrUnbound
		}
		found = m
	}
	if found == nil {
		return nil, ErrUnbound
	}
	return found, nil
}

// free says whether nobody is bound to a subject; ErrBound.
func (o *Office) free(ctx context.Context, subject string) error {
	all, err := o.Members(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(m *Member) bool { b := o.BoundBy(m); return b != nil && b.Subject == subject }) {
		return ErrBound
	}
	return nil
}

func (o *Office) enterBound(ctx context.Context, a *Arrival, subject, agent string, now time.Time) error {
	m, err := o.boundTo(ctx, subject)
	if err != nil {
		return err
	}
	if m, err = o.proved(ctx, m.ID, func(m *Member) error {
		b := o.BoundBy(m)
		if !m.Disabled.IsZero() || b == nil || b.Subject != subject { // changed meanwhile
			return ErrUnbound
		}
		b.Used = now.UTC()
		return nil
	}); err != nil {
		return err
	}
	a.Member = m
	a.Entered, err = o.entered(ctx, m, ByProvider, agent)
	return err
}

// joinBound makes the member that an invitation promised, bound to the account.
func (o *Office) joinBound(ctx context.Context, a *Arrival, j *journey, subject, agent string, now time.Time) error {
	// Who asked for the invitation must still administer.
	i, err := o.invitation(ctx, j.Ticket)
	if err != nil {
		return err
	}
	if !i.First {
		if stands, err := o.stands(ctx, i.By); err != nil || !stands {
			return errors.Join(err, ErrGone)
		}
	}
	if err := o.free(ctx, subject); err != nil {
		return err
	}
	m := j.Join
	m.Bound = []Binding{{Issuer: o.provider.Issuer, Subject: subject, Added: now.UTC(), Used: now.UTC()}}
	did := act(m.ID, VerbJoined, invitationID(j.Ticket), m.Grant.String()+"; bound to the sign-in provider", now)
	if a.Entered, err = o.joinAs(ctx, m, j.Ticket, j.First, ByProvider, agent, did); err == nil {
		a.Member, a.Bound = m, true
	}
	return err
}

// traveller is who left, if the session in which they left still goes on.
func (o *Office) traveller(ctx context.Context, j *journey) (*Member, *Session, error) {
	m, err := o.member(ctx, j.Member)
	if err != nil {
		return nil, nil, err
	}
	sessions, err := o.Sessions(ctx, m.ID)
	if err != nil {
		return nil, nil, err
	}
	at := slices.IndexFunc(sessions, func(s *Session) bool { return s.Digest == j.Session && m.holds(s) })
	if at < 0 || !m.Disabled.IsZero() {
		return nil, nil, ErrRefused
	}
	return m, sessions[at], nil
}

// bind adds the account to who left, and uses up the proof of [AccountDeed].
func (o *Office) bind(ctx context.Context, a *Arrival, j *journey, subject string, now time.Time) error {
	m, s, err := o.traveller(ctx, j)
	if err != nil {
		return err
	}
	if err := o.free(ctx, subject); err != nil {
		return err
	}
	if err := o.spendAccount(ctx, m, s); err != nil {
		return err
	}
	if a.Member, err = o.change(ctx, m.ID, act(m.ID, VerbBound, m.ID, "", now), func(m *Member) error {
		if o.BoundBy(m) != nil {
			return ErrBound
		}
		m.Bound = append(slices.Clone(m.Bound), Binding{Issuer: o.provider.Issuer, Subject: subject, Added: now.UTC()})
		return nil
	}); err != nil {
		return err
	}
	a.Bound = true
	return nil
}

// proveBound grants the proof of a deed to who left, if it is the same person
// who came back.
func (o *Office) proveBound(ctx context.Context, a *Arrival, j *journey, subject string) error {
	m, s, err := o.traveller(ctx, j)
	if err != nil {
		return err
	}
	if b := o.BoundBy(m); b == nil || b.Subject != subject {
		return ErrOther
	}
	if len(j.Typed) > 0 {
		doc, err := json.Marshal(j.Typed)
		if err != nil {
			return fmt.Errorf("provider: %w", err)
		}
		if err := o.store.PutTicket(ctx, broadcast.Ticket{Kind: "typed", Digest: j.Deed.subject(s), Doc: doc, Lasts: ProofLasts}); err != nil {
			return err
		}
	}
	a.Member, a.Proved = m, true
	return o.grant(ctx, s, j.Deed)
}

// Typed gives what somebody had typed before they proved a deed at the provider;
// nil for nothing.
func (o *Office) Typed(ctx context.Context, s *Session, d Deed) url.Values {
	doc, err := o.store.Ticket(ctx, "typed", d.subject(s))
	if err != nil {
		return nil
	}
	var typed url.Values
	if json.Unmarshal(doc, &typed) != nil {
		return nil
	}
	return typed
}

// Unbind takes the account at the provider from a member, and uses up the proof
// of [AccountDeed]: ErrUnproved. Another way to sign in must be there: ErrLast.
func (o *Office) Unbind(ctx context.Context, m *Member, s *Session, now time.Time) error {
	// Asked before too: a proof is not used up for nothing.
	if !m.entersWithout() {
		return ErrLast
	}
	if err := o.spendAccount(ctx, m, s); err != nil {
		return err
	}
	return o.replace(ctx, m.ID, s, VerbUnbound, now, func(m *Member) error {
		b := o.BoundBy(m)
		if b == nil {
			return ErrUnbound
		}
		if !m.entersWithout() {
			return ErrLast
		}
		issuer := b.Issuer
		m.Bound = slices.DeleteFunc(slices.Clone(m.Bound), func(b Binding) bool { return b.Issuer == issuer })
		return nil
	})
}

// entersWithout reports whether the member has a way in beside providers.
func (m *Member) entersWithout() bool {
	return len(m.Passkeys) > 0 || m.Password != "" && m.Seed != ""
}
