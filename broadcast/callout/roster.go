package callout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/channels"
)

// onRoster reports whether somebody can be called at all.
func onRoster(m *broadcast.Member, now time.Time) bool {
	return m != nil && m.Audience == channels.AudienceVolunteers && m.Volunteer != nil &&
		m.Consent != broadcast.ConsentAsked && (m.Until.IsZero() || now.Before(m.Until))
}

// candidates are all volunteers as a call looks at them, as of the moment.
func (s *Callouts) candidates(ctx context.Context, w ways, now time.Time) ([]volunteers.Candidate, error) {
	roster, err := s.Roll.Volunteers(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the roster: %w", err)
	}
	all := make([]volunteers.Candidate, 0, len(roster))
	for _, m := range roster {
		if !onRoster(m, now) {
			continue
		}
		all = append(all, w.candidate(m, now))
	}
	return all, nil
}

// candidate is one volunteer as a call looks at them.
func (w ways) candidate(m *broadcast.Member, now time.Time) volunteers.Candidate {
	c := volunteers.Candidate{Number: m.Number, Profile: *m.Volunteer, Areas: m.Areas, Kinds: w.steps(m)}
	if m.Quiet.Hold(now) {
		c.Quiet = m.Quiet.End(now)
	}
	if m.Circle != nil {
		at := m.Circle.Centre
		c.At = &at
	}
	return c
}

// busy are those who come to another open call.
func (s *Callouts) busy(ctx context.Context, but alerts.ID) (map[uint32]bool, error) {
	where, err := s.elsewhere(ctx, but)
	busy := make(map[uint32]bool, len(where))
	for number := range where {
		busy[number] = true
	}
	return busy, err
}

// elsewhere gives the codes of the other open calls to which somebody comes, by
// their number.
func (s *Callouts) elsewhere(ctx context.Context, but alerts.ID) (map[uint32][]string, error) {
	calls, err := s.openCalls(ctx)
	if err != nil {
		return nil, err
	}
	where := map[uint32][]string{}
	for _, c := range calls {
		if c.ID == but || c.Test { // who confirms a contact is not busy
			continue
		}
		sheet, err := s.Store.Sheet(ctx, c.ID)
		if errors.Is(err, alerts.ErrNotFound) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("read who comes to a call: %w", err)
		}
		for i := range sheet {
			if e := &sheet[i]; e.comes() {
				where[e.Number] = append(where[e.Number], c.Code())
			}
		}
	}
	return where, nil
}

func (s *Callouts) openCalls(ctx context.Context) ([]*volunteers.Call, error) {
	calls, err := s.Store.Calls(ctx, mostOpen)
	if err != nil {
		return nil, fmt.Errorf("list the calls: %w", err)
	}
	var open []*volunteers.Call
	for _, c := range calls {
		if c.State == volunteers.StateOpen {
			open = append(open, c)
		}
	}
	return open, nil
}

// members gives people by number; who is not there, or is no volunteer any
// more, is left out.
func (s *Callouts) members(ctx context.Context, numbers []uint32, now time.Time) (map[uint32]*broadcast.Member, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	found, err := s.Roll.Members(ctx, numbers)
	if err != nil {
		return nil, fmt.Errorf("read people of a call: %w", err)
	}
	by := make(map[uint32]*broadcast.Member, len(found))
	for i, m := range found {
		if onRoster(m, now) {
			by[numbers[i]] = m
		}
	}
	return by, nil
}

// answersOf are those of a sheet, as they count.
func answersOf(sheet []Entry) map[uint32]volunteers.Answer {
	answers, here := map[uint32]volunteers.Answer{}, map[uint32]volunteers.Presence{}
	for i := range sheet {
		if a := sheet[i].Answer; a != nil {
			answers[sheet[i].Number] = *a
		}
		here[sheet[i].Number] = sheet[i].Presence
	}
	return counted(answers, here)
}

// counted are the answers as they count for the needs: who arrived comes,
// whatever they said before.
func counted(answers map[uint32]volunteers.Answer, here map[uint32]volunteers.Presence) map[uint32]volunteers.Answer {
	all := make(map[uint32]volunteers.Answer, len(answers))
	maps.Copy(all, answers)
	for number, p := range here {
		if a := all[number]; !p.Arrived.IsZero() && a.Kind != volunteers.Coming {
			all[number] = volunteers.Answer{Kind: volunteers.Coming, At: p.Arrived, Since: a.Since}
		}
	}
	return all
}

// comes reports whether somebody comes, or is there and has not left.
func (e *Entry) comes() bool {
	return e.Presence.Left.IsZero() && (!e.Presence.Arrived.IsZero() || e.Answer != nil && e.Answer.Kind == volunteers.Coming)
}

// standing is how far the needs of a call are met.
type standing struct {
	filled []volunteers.Filled
	fills  map[uint32]int
	spare  map[uint32]bool
}

// stand judges the answers by what those who gave them can do when the call
// meets, by the date in the authority's zone.
func (s *Callouts) stand(c *volunteers.Call, answers map[uint32]volunteers.Answer, people map[uint32]*broadcast.Member) standing {
	local := *c
	local.Meet = c.Meet.In(s.Zone)
	there := make(map[uint32]volunteers.Answer, len(answers))
	for number, a := range answers {
		if people[number] != nil { // who was erased does not come
			there[number] = a
		}
	}
	var spare []uint32
	st := standing{spare: map[uint32]bool{}}
	st.filled, st.fills, spare = volunteers.Fill(&local, there, func(number uint32) volunteers.Profile { return *people[number].Volunteer })
	for _, number := range spare {
		st.spare[number] = true
	}
	return st
}

// coming counts those who come and are needed.
func (st standing) coming() (n int) {
	for _, f := range st.filled {
		n += f.Coming
	}
	return n
}

// full reports whether every need is met.
func (st standing) full() bool {
	for _, f := range st.filled {
		if f.Coming < f.People {
			return false
		}
	}
	return len(st.filled) > 0
}

// missing is the call as a second wave sees it: only what is not met yet.
func (st standing) missing(c *volunteers.Call) *volunteers.Call {
	rest := *c
	rest.Needs = volunteers.Missing(st.filled)
	return &rest
}

// weigh reads what is needed to tell how far a call's needs are met.
func (s *Callouts) weigh(ctx context.Context, c *volunteers.Call, answers map[uint32]volunteers.Answer, now time.Time) (standing, error) {
	var numbers []uint32
	for number, a := range answers {
		if a.Kind != volunteers.Cannot {
			numbers = append(numbers, number)
		}
	}
	people, err := s.members(ctx, numbers, now)
	if err != nil {
		return standing{}, err
	}
	return s.stand(c, answers, people), nil
}
