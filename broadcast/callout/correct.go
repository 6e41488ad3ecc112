package callout

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
)

// ActPresenceCorrected is the verb of a correction in the ledger: whose, from
// which hours to which, and why.
const ActPresenceCorrected = "presence-corrected"

// CorrectFor says otherwise when a volunteer was at a call, during it and after
// its end: they forgot to check out, or came without an answer. revision is
// [volunteers.Presence.Revision] of what was corrected; the error wraps
// [alerts.ErrStale] where something else is noted by now, and is an
// [alerts.Refusal] that names all that is wrong. The same correction twice is
// one. It blocks until the store answered.
func (s *Callouts) CorrectFor(ctx context.Context, by alerts.Person, id alerts.ID, number uint32, revision string, to volunteers.Stay, reason string) error {
	c, err := s.called(ctx, by, id, number)
	if err != nil {
		return err
	}
	if c.Test {
		return fmt.Errorf("correct who was there: %w", ErrOver)
	}
	now := s.now()
	people, err := s.members(ctx, []uint32{number}, now)
	if err != nil {
		return err
	}
	name := ""
	if m := people[number]; m != nil {
		name = m.Volunteer.Name
	}
	entry, err := s.entry(ctx, c, number)
	if err != nil {
		return err
	}
	var noted volunteers.Presence
	if entry != nil {
		noted = entry.Presence
	}
	to.Arrived, to.Left = to.Arrived.UTC(), to.Left.UTC()
	one := volunteers.Correction{By: by.By(), To: to, Reason: reason}
	if n := len(noted.Corrections); n > 0 && noted.Revision() != revision {
		last := noted.Corrections[n-1]
		if last.By.ID == one.By.ID && last.To.Equal(to) && noted.Stay().Equal(to) && last.Reason == cut(reason, volunteers.ReasonMost) {
			return nil // the form was sent twice
		}
	}
	local := func(stay volunteers.Stay) volunteers.Stay {
		return volunteers.Stay{Arrived: stay.Arrived.In(s.Zone), Left: stay.Left.In(s.Zone)}
	}
	said := act(id, ActPresenceCorrected, by.By(), local(noted.Stay()).String()+" > "+local(to).String()+": "+cut(reason, volunteers.ReasonMost), viaDesk, now)
	said.Of = person(number).ID
	err = s.Store.Attend(ctx, id, number, &said, func(p *volunteers.Presence) (bool, error) {
		if p.Revision() != revision || noted.Revision() != revision {
			return false, alerts.ErrStale
		}
		if ps := p.Correct(c, one, name, now); len(ps) > 0 {
			return false, &alerts.Refusal{Kind: alerts.ErrInvalid, Problems: ps}
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("correct who was there: %w", err)
	}
	s.Log.Info("a presence was corrected", zap.String("call", c.Code()), zap.Uint32("person", number), zap.String("by", by.ID))
	s.stir()
	return nil
}
