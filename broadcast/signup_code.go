package broadcast

import (
	"context"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"martinella/alerts"
)

// CodeTime is how long the digits of a text message confirm a sign-up, at
// least; at most twice as long. The link beside them does for [SignUpTime].
const CodeTime = 30 * time.Minute

// codeDigits is how many there are: with five tries an hour enough.
const codeDigits = 6

// digits are what a person types who got the question as a text message. They
// cover what a token covers, so they end when somebody else signs the same
// contact up.
func (s *SignUps) digits(m *Member, kind string, window int64) string {
	head := binary.BigEndian.AppendUint64([]byte("digits "), uint64(window))
	sum := s.code(binary.BigEndian.AppendUint32(head, m.Number), m, kind)
	return fmt.Sprintf("%0*d", codeDigits, binary.BigEndian.Uint64(sum)%1_000_000)
}

// Digits gives the digits that confirm the sign-up of a person at this contact
// now.
func (s *SignUps) Digits(ctx context.Context, number uint32, kind string, now time.Time) (string, error) {
	m, err := s.Roll.Member(ctx, number)
	if err != nil {
		return "", fmt.Errorf("digits of a sign-up: %w", err)
	}
	return s.digits(m, kind, now.Unix()/int64(CodeTime/time.Second)), nil
}

// ConfirmDigits confirms the sign-up of a contact by the digits that were sent
// to it, [ErrToken] where they are not those: of a contact that nobody has as
// well. Who calls it bounds the tries.
func (s *SignUps) ConfirmDigits(ctx context.Context, kind, address, digits string, now time.Time) (uint32, error) {
	if len(digits) != codeDigits {
		return 0, ErrToken
	}
	number, err := s.Roll.Lookup(ctx, kind, address)
	if errors.Is(err, alerts.ErrNotFound) {
		return 0, ErrToken
	} else if err != nil {
		return 0, fmt.Errorf("confirm a sign-up: %w", err)
	}
	window := now.Unix() / int64(CodeTime/time.Second)
	err = s.confirm(ctx, number, now, func(m *Member, of string) bool {
		if of != kind || m.Contacts[kind] != address {
			return false
		}
		if _, stopped := m.Stopped[kind]; m.Consent != ConsentAsked && !stopped {
			return false // nobody asked: six digits are no way to the page of who subscribed before
		}
		this, last := s.digits(m, kind, window), s.digits(m, kind, window-1)
		return hmac.Equal([]byte(digits), []byte(this)) || hmac.Equal([]byte(digits), []byte(last))
	})
	if err != nil {
		return 0, err
	}
	return number, nil
}
