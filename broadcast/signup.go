package broadcast

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"martinella/alerts"
)

// SignUpTime is how long a sign-up waits to be confirmed; then it is erased.
const SignUpTime = 7 * 24 * time.Hour

// ErrToken is the error for a token that confirms nothing: it is forged, too
// old, or of a sign-up that changed since. It never says which.
var ErrToken = errors.New("the link is not valid any more: sign up again")

// SignUps takes people who subscribe themselves: they are asked at the contact
// that they gave, and get nothing else before they confirmed. It keeps no state
// but the person. Its methods may be called from many goroutines.
type SignUps struct {
	Roll Roll
}

// Asked is a sign-up that was taken. Whoever signs up must be told the same in
// every case: what differs is sent to the contact only.
type Asked struct {
	Number uint32
	// Token confirms the sign-up; it is sent to the contact. "": the person
	// subscribed before, nothing was changed and nothing is to be confirmed.
	Token string
}

// Ask takes a sign-up with exactly one contact. One that waits already is
// replaced, and its tokens end. Who is subscribed already is not changed by
// somebody who only knows the contact; who said STOP there gets a token that
// takes it back.
func (s *SignUps) Ask(ctx context.Context, who Subscriber, now time.Time) (Asked, error) {
	if len(who.Contacts) != 1 {
		return Asked{}, fmt.Errorf("sign up: %d contacts, want one to be confirmed", len(who.Contacts))
	}
	who.Consent, who.V = ConsentAsked, SubscriberVersion
	for kind, address := range who.Contacts {
		for range 3 { // somebody else may sign up or erase the same contact meanwhile
			asked, err := s.ask(ctx, who, kind, address, now)
			if !errors.Is(err, alerts.ErrNotFound) {
				return asked, err
			}
		}
	}
	return Asked{}, fmt.Errorf("sign up: %w", alerts.ErrStale)
}

func (s *SignUps) ask(ctx context.Context, who Subscriber, kind, address string, now time.Time) (Asked, error) {
	number, err := s.Roll.Lookup(ctx, kind, address)
	if errors.Is(err, alerts.ErrNotFound) {
		entered, err := s.Roll.Enter(ctx, []Listing{{Subscriber: who}}, false)
		if err != nil {
			return Asked{}, fmt.Errorf("sign up: %w", err)
		}
		number = entered[0].Number
	} else if err != nil {
		return Asked{}, fmt.Errorf("sign up: %w", err)
	}
	asked := Asked{Number: number}
	err = s.Roll.Change(ctx, number, nil, func(m *Member) (bool, error) {
		_, stopped := m.Stopped[kind]
		waits := m.Consent == ConsentAsked
		if waits {
			m.Subscriber, m.Asked = who, now.UTC().Truncate(time.Second)
		}
		asked.Token = ""
		if waits || stopped {
			asked.Token = s.token(m, kind, now.Add(SignUpTime))
		}
		return waits, nil
	})
	if err != nil {
		return Asked{}, fmt.Errorf("sign up: %w", err)
	}
	return asked, nil
}

// The parts of a token, in bytes: number, expiry in seconds since 1970, code.
const (
	tokenHead = 4 + 4
	tokenSize = tokenHead + 16
)

// token is "number, expiry, code" in base64url, 32 characters. The code covers
// the contact and everything that was asked for, so that nobody confirms what
// somebody else wrote over it.
func (s *SignUps) token(m *Member, kind string, until time.Time) string {
	b := make([]byte, tokenHead, tokenSize)
	binary.BigEndian.PutUint32(b, m.Number)
	binary.BigEndian.PutUint32(b[4:], uint32(until.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(b, s.code(b, m, kind)...))
}

func (s *SignUps) code(head []byte, m *Member, kind string) []byte {
	asked := m.Subscriber
	asked.Consent = ConsentAsked // the same before and after
	b, err := json.Marshal(struct {
		Head    []byte
		Kind    string
		Address string
		Asked   Subscriber
		Stopped int64
	}{head, kind, m.Contacts[kind], asked, m.Stopped[kind].Unix()})
	if err != nil {
		panic("broadcast: a subscriber always marshals: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return s.Roll.MAC(append([]byte("sign-up "), sum[:]...))[:tokenSize-tokenHead]
}

// Confirm confirms a sign-up, [ErrToken] where the token is none. Doing it
// again changes nothing. It must follow an act of the person (a POST): programs
// that look through mail open links.
func (s *SignUps) Confirm(ctx context.Context, token string, now time.Time) (uint32, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != tokenSize || len(token) != base64.RawURLEncoding.EncodedLen(len(b)) { // the decoder skips ends of lines
		return 0, ErrToken
	}
	number, until := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if now.Unix() > int64(until) {
		return 0, ErrToken
	}
	err = s.confirm(ctx, number, now, func(m *Member, kind string) bool {
		return hmac.Equal(b[tokenHead:], s.code(b[:tokenHead], m, kind))
	})
	if err != nil {
		return 0, err
	}
	return number, nil
}

// confirm confirms the contact that proves itself.
func (s *SignUps) confirm(ctx context.Context, number uint32, now time.Time, proves func(m *Member, kind string) bool) error {
	act := &alerts.Act{V: 1, At: now.UTC(), By: alerts.By{ID: fmt.Sprintf("person:%d", number)}, Verb: "confirmed", Via: "sign-up"}
	err := s.Roll.Change(ctx, number, act, func(m *Member) (bool, error) {
		found := ""
		for _, kind := range m.Kinds() {
			if proves(m, kind) {
				found = kind
			}
		}
		if found == "" {
			return false, ErrToken
		}
		_, stopped := m.Stopped[found]
		if m.Consent != ConsentAsked && !stopped {
			return false, nil
		}
		if m.Consent == ConsentAsked {
			m.Consent, m.Asked = ConsentGiven, time.Time{}
		}
		delete(m.Stopped, found)
		return true, nil
	})
	switch {
	case errors.Is(err, alerts.ErrNotFound), errors.Is(err, ErrToken):
		return ErrToken
	case err != nil:
		return fmt.Errorf("confirm a sign-up: %w", err)
	}
	return nil
}

// Sweep erases sign-ups that nobody confirmed in time and gives how many.
func (s *SignUps) Sweep(ctx context.Context, now time.Time) (int, error) {
	waiting, err := s.Roll.Unconfirmed(ctx)
	if err != nil {
		return 0, fmt.Errorf("sweep sign-ups: %w", err)
	}
	n, err := s.Roll.EraseAll(ctx, waiting, nil, func(m *Member) bool {
		return m.Consent == ConsentAsked && now.Sub(m.Asked) > SignUpTime
	})
	if err != nil {
		return n, fmt.Errorf("sweep sign-ups: %w", err)
	}
	return n, nil
}
