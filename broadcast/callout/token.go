package callout

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
)

// A token is base64url of what it opens and a code over that, which only this
// authority can make. The page's is 24 characters, so that its address fits into
// a text message; guessing one is one chance in 2^80.
const (
	pageCode  = 10
	boardCode = 14
	pageHead  = 8 // number of the person and of the call
	testHead  = 9 // and the contact
	boardHead = 4 // number of the call
)

// tokenTime is how long after a call's end its links open.
const tokenTime = 24 * time.Hour

// tested are the kinds of contact that the link of a test can name, by their
// place in it; another one is the first, which names none.
var tested = []string{"", "phone", "email", "push", "telegram", stepVoice}

// Link is the address of a person's own page of a call, by their numbers; never
// log it. contact is the kind of contact by which a test sends it, "" for a call.
// The same arguments give the same link.
func (s *Callouts) Link(number, call uint32, contact string) string {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, number), call)
	if contact != "" {
		head = append(head, byte(max(slices.Index(tested, contact), 0)))
	}
	return strings.TrimSuffix(s.PublicURL, "/") + "/d/" + s.token("call page ", head, pageCode)
}

// contactOf is the kind of contact that a good token names, "" for none.
func contactOf(token string) string {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != testHead+pageCode || int(b[pageHead]) >= len(tested) {
		return ""
	}
	return tested[b[pageHead]]
}

// BoardToken makes the address of the wall board of a call; never log it.
func (s *Callouts) BoardToken(c *volunteers.Call) string {
	return s.token("call board ", binary.BigEndian.AppendUint32(nil, c.Number), boardCode)
}

func (s *Callouts) token(what string, head []byte, code int) string {
	return base64.RawURLEncoding.EncodeToString(append(head, s.code(what, head, code)...))
}

func (s *Callouts) code(what string, head []byte, size int) []byte {
	return s.Roll.MAC(append([]byte(what), head...))[:size]
}

// read gives what a token opens; false where nobody here made it. The decoder
// skips ends of lines: a token with some is another one.
func (s *Callouts) read(what, token string, head, code int) ([]byte, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != head+code || len(token) != base64.RawURLEncoding.EncodedLen(len(b)) || !hmac.Equal(b[head:], s.code(what, b[:head:head], code)) {
		return nil, false
	}
	return b[:head], true
}

// open gives the call and the person of a page's token, [ErrToken] where it
// opens nothing, or nothing any more.
func (s *Callouts) open(ctx context.Context, token string) (*volunteers.Call, uint32, error) {
	b, ok := s.read("call page ", token, pageHead, pageCode)
	if !ok {
		if b, ok = s.read("call page ", token, testHead, pageCode); !ok {
			return nil, 0, ErrToken
		}
	}
	c, err := s.linked(ctx, binary.BigEndian.Uint32(b[4:]))
	return c, binary.BigEndian.Uint32(b), err
}

// linked gives a call by number, as long as its links open.
func (s *Callouts) linked(ctx context.Context, number uint32) (*volunteers.Call, error) {
	c, err := s.Store.ByNumber(ctx, number)
	if errors.Is(err, alerts.ErrNotFound) {
		return nil, ErrToken
	} else if err != nil {
		return nil, fmt.Errorf("open a link of a call: %w", err)
	}
	end := c.Ended
	if end.IsZero() {
		end = c.Until
	}
	if s.Now().After(end.Add(tokenTime)) {
		return nil, ErrToken
	}
	return c, nil
}
