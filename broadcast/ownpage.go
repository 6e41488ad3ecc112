package broadcast

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"martinella/alerts"
)

// OwnPageTime is how long a link to a person's own page works; each message
// brings a new one.
const OwnPageTime = 60 * 24 * time.Hour

// OwnToken is the key to a person's own page, for a link of a message to this
// contact: whoever has it may see and change what is kept, and erase it. It
// ends after [OwnPageTime], when the person is erased, and when the contact is
// another one's. The same message has the same token however often it is tried.
// It is 32 characters; never log it.
func (s *SignUps) OwnToken(number uint32, kind, address string, at time.Time) string {
	return s.door().token(number, kind, address, at)
}

func (s *SignUps) door() ownDoor { return ownDoor{s.Roll, "own page "} }

// ownDoor is one kind of own pages: no token of one opens another.
type ownDoor struct {
	roll   Roll
	prefix string
}

func (d ownDoor) token(number uint32, kind, address string, at time.Time) string {
	const day = 24 * 60 * 60
	until := at.Add(OwnPageTime).Unix()/day*day + day
	b := make([]byte, tokenHead, tokenSize)
	binary.BigEndian.PutUint32(b, number)
	binary.BigEndian.PutUint32(b[4:], uint32(until))
	return base64.RawURLEncoding.EncodeToString(append(b, d.code(b, kind, address)...))
}

func (d ownDoor) code(head []byte, kind, address string) []byte {
	sum := sha256.Sum256([]byte(string(head) + kind + "\x00" + address))
	return d.roll.MAC(append([]byte(d.prefix), sum[:]...))[:tokenSize-tokenHead]
}

// proves gives the kind of contact to which the token of this member was sent.
func (d ownDoor) proves(b []byte, m *Member) (kind string) {
	for _, k := range m.Kinds() {
		if hmac.Equal(b[tokenHead:], d.code(b[:tokenHead], k, m.Contacts[k])) {
			kind = k
		}
	}
	return kind
}

// openOwn reads a token. The decoder skips ends of lines: a token with some is
// another one.
func openOwn(token string, now time.Time) ([]byte, uint32, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != tokenSize || len(token) != base64.RawURLEncoding.EncodedLen(len(b)) || now.Unix() > int64(binary.BigEndian.Uint32(b[4:])) {
		return nil, 0, ErrToken
	}
	return b, binary.BigEndian.Uint32(b), nil
}

// Own gives the person of a token and the kind of contact to which it was sent;
// [ErrToken] where it opens nothing.
func (s *SignUps) Own(ctx context.Context, token string, now time.Time) (*Member, string, error) {
	return s.door().own(ctx, token, now)
}

func (d ownDoor) own(ctx context.Context, token string, now time.Time) (*Member, string, error) {
	b, number, err := openOwn(token, now)
	if err != nil {
		return nil, "", err
	}
	m, err := d.roll.Member(ctx, number)
	if errors.Is(err, alerts.ErrNotFound) {
		return nil, "", ErrToken
	} else if err != nil {
		return nil, "", fmt.Errorf("a person's own page: %w", err)
	}
	if kind := d.proves(b, m); kind != "" {
		return m, kind, nil
	}
	return nil, "", ErrToken
}

// Choices are what people decide of what they get.
type Choices struct {
	Areas       []string // geocode values; "*" is the whole territory
	MinSeverity alerts.Severity
	Language    string
}

func (c Choices) same(s *Subscriber) bool {
	if c.MinSeverity != s.MinSeverity || c.Language != s.Language || len(c.Areas) != len(s.Areas) {
		return false
	}
	for i := range c.Areas {
		if c.Areas[i] != s.Areas[i] {
			return false
		}
	}
	return true
}

func (c Choices) to(s *Subscriber) {
	s.Areas, s.MinSeverity, s.Language = c.Areas, c.MinSeverity, c.Language
}

// Choose changes what the person of a token gets; [ErrToken] where it opens
// nothing. It blocks until that is durable.
func (s *SignUps) Choose(ctx context.Context, token string, c Choices, now time.Time) error {
	return s.door().change(ctx, token, "chose", "", now, func(m *Member) bool {
		if c.same(&m.Subscriber) {
			return false
		}
		c.to(&m.Subscriber)
		return true
	})
}

// change edits the member of a token, with the act; edit tells whether it changed
// anything.
func (d ownDoor) change(ctx context.Context, token, verb, reason string, now time.Time, edit func(m *Member) bool) error {
	b, number, err := openOwn(token, now)
	if err != nil {
		return err
	}
	act := &alerts.Act{V: 1, At: now.UTC(), By: alerts.By{ID: fmt.Sprintf("person:%d", number)}, Verb: verb, Reason: reason, Via: ViaOwnPage}
	err = d.roll.Change(ctx, number, act, func(m *Member) (bool, error) {
		if d.proves(b, m) == "" {
			return false, ErrToken
		}
		return edit(m), nil
	})
	return ownError("change choices", err)
}

// Wish carries STOP or START out for the contact to which the token was sent.
func (s *SignUps) Wish(ctx context.Context, token string, wish Wish, now time.Time) error {
	m, kind, err := s.Own(ctx, token, now)
	if err != nil {
		return err
	}
	_, err = Fulfil(ctx, s.Roll, wish, kind, m.Contacts[kind], ViaOwnPage, now)
	return ownError("fulfil a wish", err)
}

// Leave erases the person of a token for good; [ErrToken] where it opens
// nothing: doing it again is that.
func (s *SignUps) Leave(ctx context.Context, token string, now time.Time) error {
	return s.door().leave(ctx, token, "", now)
}

// leave erases the member of a token, with an act of that verb; "" is none.
func (d ownDoor) leave(ctx context.Context, token, verb string, now time.Time) error {
	b, number, err := openOwn(token, now)
	if err != nil {
		return err
	}
	var act *alerts.Act
	if verb != "" {
		act = &alerts.Act{V: 1, At: now.UTC(), By: alerts.By{ID: PersonID(number)}, Verb: verb, Via: ViaOwnPage}
	}
	n, err := d.roll.EraseAll(ctx, []uint32{number}, act, func(m *Member) bool { return d.proves(b, m) != "" })
	if err == nil && n == 0 {
		err = ErrToken
	}
	return ownError("erase a person", err)
}

func ownError(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, alerts.ErrNotFound), errors.Is(err, ErrToken):
		return ErrToken
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Enrol subscribes a contact that proves by itself that it is meant: the
// subscription of a browser, which has asked its person and which nobody else
// knows. Doing it again changes the choices, and takes a STOP back.
func (s *SignUps) Enrol(ctx context.Context, who Subscriber, now time.Time) (uint32, error) {
	if len(who.Contacts) != 1 {
		return 0, fmt.Errorf("enrol: %d contacts, want one", len(who.Contacts))
	}
	who.Consent, who.V = ConsentGiven, SubscriberVersion
	choices := Choices{who.Areas, who.MinSeverity, who.Language}
	for kind, address := range who.Contacts {
		number, err := s.Roll.Lookup(ctx, kind, address)
		if errors.Is(err, alerts.ErrNotFound) {
			entered, err := s.Roll.Enter(ctx, []Listing{{Subscriber: who}}, false)
			if err != nil {
				return 0, fmt.Errorf("enrol: %w", err)
			}
			return entered[0].Number, nil
		} else if err != nil {
			return 0, fmt.Errorf("enrol: %w", err)
		}
		act := &alerts.Act{V: 1, At: now.UTC(), By: alerts.By{ID: fmt.Sprintf("person:%d", number)}, Verb: "chose", Via: "sign-up"}
		err = s.Roll.Change(ctx, number, act, func(m *Member) (bool, error) {
			_, stopped := m.Stopped[kind]
			if !stopped && choices.same(&m.Subscriber) && m.Consent != ConsentAsked {
				return false, nil
			}
			choices.to(&m.Subscriber)
			delete(m.Stopped, kind)
			if m.Consent == ConsentAsked {
				m.Consent, m.Asked = ConsentGiven, time.Time{}
			}
			return true, nil
		})
		if err != nil {
			return 0, fmt.Errorf("enrol: %w", err)
		}
		return number, nil
	}
	return 0, nil
}

// Renew puts the subscription that a browser has now in the place of the one that
// it had: the person keeps its number and its choices, also a STOP. Who knows the
// old contact proves by it to be that browser, since nobody else knows it.
// [alerts.ErrNotFound] where nobody has it, and then nothing changes. Where the
// browser has subscribed with the new one by itself, what was chosen then holds,
// and the old contact is taken off the roll.
func (s *SignUps) Renew(ctx context.Context, kind, old, next string, now time.Time) (uint32, error) {
	number, err := s.Roll.Lookup(ctx, kind, old)
	if err != nil {
		return 0, fmt.Errorf("renew a contact: %w", err)
	}
	act := &alerts.Act{V: 1, At: now.UTC(), By: alerts.By{ID: fmt.Sprintf("person:%d", number)}, Verb: "renewed", Reason: kind, Via: "browser"}
	err = s.Roll.Change(ctx, number, act, func(m *Member) (bool, error) {
		if m.Contacts[kind] != old {
			return false, alerts.ErrNotFound // it was changed or erased meanwhile
		}
		m.Contacts[kind] = next
		return next != old, nil
	})
	if errors.Is(err, alerts.ErrConflict) {
		if number, err = s.Roll.Lookup(ctx, kind, next); err == nil {
			_, _, err = Unlist(ctx, s.Roll, kind, old, "browser", now)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("renew a contact: %w", err)
	}
	return number, nil
}
