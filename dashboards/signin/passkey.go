package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"martinella/alerts"
	"martinella/broadcast"
)

// ceremonyLasts is how long a browser may take for a passkey.
const ceremonyLasts = 5 * time.Minute

// Ceremony is what a browser needs for a passkey: a name to come back with,
// and the options of WebAuthn.
type Ceremony struct {
	ID      string `json:"id"`
	Options any    `json:"options"`
}

// ceremony is what is kept until it comes back. It is taken once, so an answer
// cannot be replayed.
type ceremony struct {
	Purpose string               `json:"purpose"`
	Subject string               `json:"subject,omitempty"` // what it is bound to
	Join    *Member              `json:"join,omitempty"`
	First   bool                 `json:"first,omitempty"`
	Data    webauthn.SessionData `json:"data"`
}

// The purposes of ceremonies: an answer to one is none to another.
const (
	toEnter = "enter"
	toJoin  = "join"
	toAdd   = "add"
	toProve = "prove"
)

func (o *Office) keep(ctx context.Context, c ceremony, options any) (*Ceremony, error) {
	doc, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	id := secret()
	err = o.store.PutTicket(ctx, broadcast.Ticket{Kind: "ceremony", Digest: digest(id), Doc: doc, Lasts: ceremonyLasts})
	return &Ceremony{id, options}, err
}

func (o *Office) take(ctx context.Context, id, purpose, subject string) (*ceremony, error) {
	if id == "" || len(id) > longestToken {
		return nil, ErrRefused
	}
	doc, err := o.store.TakeTicket(ctx, "ceremony", digest(id), nil)
	if errors.Is(err, alerts.ErrNotFound) {
		return nil, ErrRefused
	}
	if err != nil {
		return nil, err
	}
	c := &ceremony{}
	if err := json.Unmarshal(doc, c); err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	if c.Purpose != purpose || c.Subject != subject {
		return nil, ErrRefused
	}
	return c, nil
}

// AskEnter begins signing in with a passkey.
func (o *Office) AskEnter(ctx context.Context) (*Ceremony, error) {
	options, data, err := o.passkeys.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return o.keep(ctx, ceremony{Purpose: toEnter, Data: *data}, options)
}

// EnterByPasskey ends it with what the browser answered.
func (o *Office) EnterByPasskey(ctx context.Context, id string, answer []byte, agent string, now time.Time) (*Entered, error) {
	c, err := o.take(ctx, id, toEnter, "")
	if err != nil {
		return nil, err
	}
	m, err := o.asserted(ctx, c, answer, "", now)
	if err != nil {
		return nil, err
	}
	return o.entered(ctx, m, ByPasskey, agent)
}

// asserted verifies an assertion and writes down its use. only, where it is
// set, is the member who must have made it.
func (o *Office) asserted(ctx context.Context, c *ceremony, answer []byte, only string, now time.Time) (*Member, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, ErrRefused
	}
	id := string(parsed.Response.UserHandle)
	if id == "" { // authenticators may leave it out when they were told the keys
		id = only
	}
	if id == "" || len(id) > longestToken || (only != "" && id != only) {
		return nil, ErrRefused
	}
	return o.proved(ctx, id, func(m *Member) error {
		if !m.Disabled.IsZero() {
			return ErrRefused
		}
		key, err := o.verify(m, c, parsed)
		if err != nil || key.Authenticator.CloneWarning {
			return ErrRefused
		}
		at := slices.IndexFunc(m.Passkeys, func(p Passkey) bool { return string(p.Key.ID) == string(key.ID) })
		if at < 0 {
			return ErrRefused
		}
		m.Passkeys[at].Key, m.Passkeys[at].Used = *key, now.UTC()
		return nil
	})
}

func (o *Office) verify(m *Member, c *ceremony, parsed *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error) {
	if c.Purpose == toEnter {
		return o.passkeys.ValidateDiscoverableLogin(func(_, _ []byte) (webauthn.User, error) { return m, nil }, c.Data, parsed)
	}
	return o.passkeys.ValidateLogin(m, c.Data, parsed)
}

// AskJoin begins accepting an invitation with a passkey.
func (o *Office) AskJoin(ctx context.Context, token string, a Acceptance, now time.Time) (*Ceremony, error) {
	i, err := o.Invited(ctx, token)
	if err != nil {
		return nil, err
	}
	m, err := i.joining(newID(), a, now)
	if err != nil {
		return nil, err
	}
	return o.askKey(ctx, m, ceremony{Purpose: toJoin, Subject: digest(token), Join: m, First: i.First})
}

// JoinByPasskey makes the member and signs them in.
func (o *Office) JoinByPasskey(ctx context.Context, token, id string, answer []byte, agent string, now time.Time) (*Entered, error) {
	c, err := o.take(ctx, id, toJoin, digest(token))
	if err != nil {
		return nil, err
	}
	if _, err := o.Invited(ctx, token); err != nil {
		return nil, err
	}
	m := c.Join
	if err := o.created(m, c, answer, agent, now); err != nil {
		return nil, err
	}
	return o.join(ctx, m, c.Subject, c.First, ByPasskey, agent, now)
}

// AskPasskey begins adding a passkey to a member who is signed in and proved
// [AccountDeed]; ErrUnproved.
func (o *Office) AskPasskey(ctx context.Context, m *Member, s *Session) (*Ceremony, error) {
	if err := o.Proved(ctx, s, AccountDeed(m)); errors.Is(err, ErrRefused) {
		return nil, ErrUnproved
	} else if err != nil {
		return nil, err
	}
	return o.askKey(ctx, m, ceremony{Purpose: toAdd, Subject: s.Digest})
}

// AddPasskey ends it, and uses up the proof of [AccountDeed]; ErrUnproved.
func (o *Office) AddPasskey(ctx context.Context, m *Member, s *Session, id string, answer []byte, now time.Time) error {
	c, err := o.take(ctx, id, toAdd, s.Digest)
	if err != nil {
		return err
	}
	if err := o.spendAccount(ctx, m, s); err != nil {
		return err
	}
	_, err = o.change(ctx, m.ID, act(m.ID, VerbPasskeyAdded, m.ID, "", now), func(m *Member) error { return o.created(m, c, answer, s.Agent, now) })
	return err
}

func (o *Office) askKey(ctx context.Context, m *Member, c ceremony) (*Ceremony, error) {
	options, data, err := o.passkeys.BeginRegistration(m, webauthn.WithExclusions(webauthn.Credentials(m.WebAuthnCredentials()).CredentialDescriptors()))
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	c.Data = *data
	return o.keep(ctx, c, options)
}

// mostPasskeys bounds what a member keeps.
const mostPasskeys = 20

// created verifies a new credential and gives it to the member.
func (o *Office) created(m *Member, c *ceremony, answer []byte, name string, now time.Time) error {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil || len(m.Passkeys) >= mostPasskeys {
		return ErrRefused
	}
	key, err := o.passkeys.CreateCredential(m, c.Data, parsed)
	if err != nil {
		return ErrRefused
	}
	if len(name) > longestAgent {
		name = name[:longestAgent]
	}
	m.Passkeys = append(m.Passkeys, Passkey{Name: name, Added: now.UTC(), Key: *key})
	return nil
}

// RemovePasskey takes a passkey from a member by the digest of its id, and
// uses up the proof of [AccountDeed]; ErrUnproved. The last way to sign in
// stays.
func (o *Office) RemovePasskey(ctx context.Context, m *Member, s *Session, of string, now time.Time) error {
	if err := o.spendAccount(ctx, m, s); err != nil {
		return err
	}
	_, err := o.change(ctx, m.ID, act(m.ID, VerbPasskeyRemoved, m.ID, "", now), func(m *Member) error {
		m.Passkeys = slices.DeleteFunc(m.Passkeys, func(p Passkey) bool { return p.Digest() == of })
		if len(m.Passkeys) == 0 && m.Password == "" && o.BoundBy(m) == nil {
			return ErrLast
		}
		return nil
	})
	return err
}

// Digest names a passkey on pages.
func (p Passkey) Digest() string { return digest("passkey", string(p.Key.ID)) }

// boundChallenge is a challenge that covers what is proved: the assertion's
// signature is over it.
func boundChallenge(parts ...string) []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	sum := sha256.Sum256([]byte(digest(parts...) + string(b)))
	return sum[:]
}
