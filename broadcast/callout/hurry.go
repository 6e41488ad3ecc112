package callout

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
)

// hurryEvery is how often a node looks for pages that failed.
const hurryEvery = 5 * time.Second

// States tells what became of the recipients of a page; see [broadcast.Outcomes].
type States interface {
	States(ctx context.Context, alert alerts.ID, channel string, from, to uint32) ([]broadcast.State, error)
}

// hurry looks for people whose page has failed for good: their next contact is
// tried at once, since nobody will answer what never came. A page of which nobody
// knows whether it came is waited for.
func (s *Callouts) hurry(ctx context.Context) {
	if s.Outcomes == nil {
		return
	}
	calls, err := s.openCalls(ctx)
	if err != nil {
		return // the next one comes; the lag tells of a store that is away
	}
	for _, c := range calls {
		if err := s.hurryCall(ctx, c); err != nil && ctx.Err() == nil {
			s.Log.Warn("pages that failed wait for their time: they are looked at again", zap.String("call", c.Code()), zap.Error(err))
		}
	}
}

func (s *Callouts) hurryCall(ctx context.Context, c *volunteers.Call) error {
	now := s.now()
	if !c.Paging(now) {
		return nil
	}
	sheet, err := s.Store.Sheet(ctx, c.ID)
	if err != nil {
		return fmt.Errorf("read a call: %w", err)
	}
	type page struct {
		record  alerts.ID
		channel string
	}
	waiting := map[page][]*Entry{}
	for i := range sheet {
		e := &sheet[i]
		if e.Leg == nil || !e.Leg.Due.After(now) || !e.Leg.Held.IsZero() || e.Answer != nil || len(e.Pages) == 0 {
			continue
		}
		last := e.Pages[len(e.Pages)-1]
		waiting[page{last.Record, last.Channel}] = append(waiting[page{last.Record, last.Channel}], e)
	}
	steps := map[uint32]int{}
	for p, entries := range waiting {
		from, to := entries[0].newest().Ordinal, uint32(0)
		for _, e := range entries {
			from, to = min(from, e.newest().Ordinal), max(to, e.newest().Ordinal+1)
		}
		states, err := s.Outcomes.States(ctx, p.record, p.channel, from, to)
		if err != nil {
			return fmt.Errorf("what became of pages: %w", err)
		}
		for _, e := range entries {
			if states[e.newest().Ordinal-from] == broadcast.Failed {
				steps[e.Number] = e.Leg.Step
			}
		}
	}
	if len(steps) == 0 {
		return nil
	}
	if err := s.Store.Hurry(ctx, c.ID, steps, now); err != nil {
		return fmt.Errorf("try the next contacts: %w", err)
	}
	s.Log.Info("pages failed: the next contacts are tried now", zap.String("call", c.Code()), zap.Int("people", len(steps)))
	s.stir()
	return nil
}

// newest is the last page to somebody who has one.
func (e *Entry) newest() Paged { return e.Pages[len(e.Pages)-1] }
