package callout

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
)

// View gives a call as a coordinator sees it. It reads the people of the call
// and nobody else.
func (s *Callouts) View(ctx context.Context, id alerts.ID) (*View, error) {
	c, err := s.Store.Call(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("look at a call: %w", err)
	}
	also, err := s.elsewhere(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.view(ctx, c, also)
}

// Board opens the wall board of a call by its token: without telephone numbers,
// and without what people wrote.
func (s *Callouts) Board(ctx context.Context, token string) (*View, error) {
	b, ok := s.read("call board ", token, boardHead, boardCode)
	if !ok {
		return nil, ErrToken
	}
	c, err := s.linked(ctx, binary.BigEndian.Uint32(b))
	if err != nil {
		return nil, err
	}
	if c.Test { // is nobody's board
		return nil, ErrToken
	}
	v, err := s.view(ctx, c, nil)
	if err != nil {
		return nil, err
	}
	v.Messages = nil
	for i := range v.People {
		p := &v.People[i]
		p.Phone, p.Presence.Corrections = "", nil
		if p.Answer != nil {
			quiet := *p.Answer
			quiet.Note = ""
			p.Answer = &quiet
		}
	}
	return v, nil
}

func (s *Callouts) view(ctx context.Context, c *volunteers.Call, also map[uint32][]string) (*View, error) {
	now := s.now()
	sheet, err := s.Store.Sheet(ctx, c.ID)
	if err != nil {
		return nil, fmt.Errorf("look at a call: %w", err)
	}
	messages, err := s.Store.Messages(ctx, c.ID)
	if err != nil {
		return nil, fmt.Errorf("look at a call: %w", err)
	}
	numbers := make([]uint32, len(sheet))
	for i := range sheet {
		numbers[i] = sheet[i].Number
	}
	people, err := s.members(ctx, numbers, now)
	if err != nil {
		return nil, err
	}
	st := s.stand(c, answersOf(sheet), people)
	v := &View{Call: c, Needs: st.filled, Messages: messages, People: make([]Seen, 0, len(sheet))}
	v.Next = s.proposed(c, sheet, people, st, now)
	for i := range sheet {
		seen := s.seen(c, sheet[i], people[sheet[i].Number], st, now)
		seen.Also = also[seen.Number]
		v.count(&seen)
		v.People = append(v.People, seen)
	}
	slices.SortStableFunc(v.People, func(a, b Seen) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), a.Expect.Compare(b.Expect), cmp.Compare(a.Number, b.Number))
	})
	doc, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("look at a call: %w", err)
	}
	sum := sha256.Sum256(doc)
	v.Cursor = base64.RawURLEncoding.EncodeToString(sum[:12])
	return v, nil
}

// seen is one person of a call; m is nil for who was erased.
func (s *Callouts) seen(c *volunteers.Call, e Entry, m *broadcast.Member, st standing, now time.Time) Seen {
	seen := Seen{Entry: e, Spare: st.spare[e.Number], Overdue: e.Presence.Overdue(now, s.Welfare)}
	if e.Leg != nil && e.Answer == nil && e.Presence.Arrived.IsZero() && !e.Leg.Held.IsZero() && !stopped(c, *e.Leg) {
		if c.Paging(now) && c.Until.After(e.Leg.Held) {
			seen.Held = e.Leg.Held
		} else {
			seen.Undisturbed = len(e.Pages) == 0
		}
	}
	if m != nil {
		seen.Name, seen.Organisation, seen.Phone = m.Volunteer.Name, m.Volunteer.Organisation, m.Contacts["phone"]
	}
	if need, ok := st.fills[e.Number]; ok && need < len(c.Needs) {
		seen.Fills, seen.Skill = true, c.Needs[need].Skill
	}
	if a := e.Answer; a != nil && a.Kind != volunteers.Cannot {
		switch {
		case a.Minutes > 0:
			seen.Expect = a.At.Add(time.Duration(a.Minutes) * time.Minute)
		case c.Meet.After(a.At):
			seen.Expect = c.Meet
		default:
			seen.Expect = a.At
		}
	}
	return seen
}

// rank is the order of a coordinator's list.
func (p *Seen) rank() int {
	switch {
	case !p.Presence.Arrived.IsZero():
		return 0
	case p.Answer == nil:
		return 2
	case p.Answer.Kind == volunteers.Coming:
		return 0
	case p.Answer.Kind == volunteers.Maybe:
		return 1
	}
	return 3
}

func (v *View) count(p *Seen) {
	if p.Leg != nil {
		v.Called++
	}
	switch {
	case !p.Presence.Arrived.IsZero():
		v.Coming++
	case p.Answer == nil && p.Leg != nil:
		v.Silent++
	case p.Answer == nil:
	case p.Answer.Kind == volunteers.Coming:
		v.Coming++
	case p.Answer.Kind == volunteers.Maybe:
		v.Perhaps++
	default:
		v.Cannot++
	}
	if !p.Presence.Arrived.IsZero() {
		v.Arrived++
	}
	v.Unavoidable += p.Unavoidable
}
