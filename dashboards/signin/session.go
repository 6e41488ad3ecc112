package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// How long a session lasts: untouched, and at the most (a shift).
const (
	SessionIdle    = 15 * time.Minute
	SessionLongest = 12 * time.Hour
)

// How a member proved who they are.
const (
	ByPasskey  = "passkey"
	ByPassword = "password"
	ByRecovery = "recovery"
)

// Session is a sign-in that goes on.
type Session struct {
	Digest            string
	By                string // ByPasskey, ...
	Agent             string // the browser, as it names itself
	Began, Seen, Ends time.Time

	era int
}

// sessionDoc is what is stored sealed.
type sessionDoc struct {
	V     int    `json:"v"`
	By    string `json:"by"`
	Agent string `json:"agent"`
	Era   int    `json:"era,omitempty"` // of the member, when it began
}

const longestAgent = 200

// begin makes a new session with a new secret, whatever the browser brought.
func (o *Office) begin(ctx context.Context, m *Member, by, agent string) (token string, err error) {
	if len(agent) > longestAgent {
		agent = agent[:longestAgent]
	}
	doc, err := json.Marshal(sessionDoc{1, by, agent, m.Era})
	if err != nil {
		return "", fmt.Errorf("session: %w", err)
	}
	token = secret()
	return token, o.store.Begin(ctx, broadcast.Session{Digest: digest(token), Member: m.ID, Doc: doc}, SessionIdle, SessionLongest)
}

// longestToken bounds what is hashed of what strangers send.
const longestToken = 100

// Who gives the member and the session of a token; ErrRefused when there is
// none, or the member is no longer here.
func (o *Office) Who(ctx context.Context, token string) (*Member, *Session, error) {
	if token == "" || len(token) > longestToken {
		return nil, nil, ErrRefused
	}
	kept, err := o.store.Touch(ctx, digest(token), SessionIdle)
	if errors.Is(err, alerts.ErrNotFound) {
		return nil, nil, ErrRefused
	}
	if err != nil {
		return nil, nil, err
	}
	m, err := o.member(ctx, kept.Member)
	s, unread := sessionOf(kept)
	if unread != nil {
		return nil, nil, unread
	}
	if errors.Is(err, alerts.ErrNotFound) || (err == nil && (!m.Disabled.IsZero() || !m.holds(s))) {
		// It began while the member was being disabled, or all sessions were
		// being ended: it must not come back.
		if err := o.store.End(ctx, kept.Member, kept.Digest); err != nil {
			return nil, nil, err
		}
		return nil, nil, ErrRefused
	}
	if err != nil {
		return nil, nil, err
	}
	return m, s, nil
}

// holds reports whether a session is one that was not ended with all others.
func (m *Member) holds(s *Session) bool { return s.era == m.Era || s.Digest == m.Kept }

func sessionOf(kept broadcast.Session) (*Session, error) {
	var doc sessionDoc
	if err := json.Unmarshal(kept.Doc, &doc); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return &Session{kept.Digest, doc.By, doc.Agent, kept.Began, kept.Seen, kept.Ends, doc.Era}, nil
}

// Sessions lists those of a member, the newest first.
func (o *Office) Sessions(ctx context.Context, member string) ([]*Session, error) {
	kept, err := o.store.Sessions(ctx, member)
	if err != nil {
		return nil, err
	}
	all := make([]*Session, 0, len(kept))
	for _, k := range kept {
		s, err := sessionOf(k)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// SignOut ends the session of a token; one that is not there is no error.
func (o *Office) SignOut(ctx context.Context, token string) error {
	m, s, err := o.Who(ctx, token)
	if errors.Is(err, ErrRefused) {
		return nil
	}
	if err != nil {
		return err
	}
	return o.store.End(ctx, m.ID, s.Digest)
}

// End ends a session of a member by its digest.
func (o *Office) End(ctx context.Context, member, digest string) error {
	return o.store.End(ctx, member, digest)
}

// EndOthers ends everything that a member signed in with but the session s, and
// forgets all their browsers.
func (o *Office) EndOthers(ctx context.Context, m *Member, s *Session, now time.Time) error {
	return o.endAll(ctx, m.ID, m.ID, s.Digest, now)
}

// EndAll ends everything that another member signed in with, and forgets their
// browsers.
func (o *Office) EndAll(ctx context.Context, by *Member, id string, now time.Time) error {
	if !by.Administers() {
		return ErrRefused
	}
	return o.endAll(ctx, by.ID, id, "", now)
}

func (o *Office) endAll(ctx context.Context, by, id, but string, now time.Time) error {
	if _, err := o.change(ctx, id, act(by, VerbEnded, id, "", now), func(m *Member) error {
		m.renew(but)
		return nil
	}); err != nil {
		return err
	}
	return o.store.EndAll(ctx, id, but)
}

// renew begins another era, in which only the session with this digest goes on.
func (m *Member) renew(but string) { m.Era, m.Kept = m.Era+1, but }
