package callout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/channels"
)

// settleTries is how often a round looks again where somebody else changed the
// call meanwhile.
const settleTries = 5

// settle writes down that enough come; or that somebody is missing again, where
// one of them took the yes back, with whom that is to be told.
func (s *Callouts) settle(ctx context.Context, c *volunteers.Call, st standing, now time.Time) (*volunteers.Call, error) {
	for range settleTries {
		next, err := s.settled(ctx, c, st, now)
		if err != nil {
			return nil, err
		}
		if next == nil {
			return c, nil
		}
		filled := act(c.ID, "filled", gateway, fmt.Sprintf("%d of %d", st.coming(), c.Needed()), alerts.ViaGateway, now)
		note := &filled
		if next.Filled.IsZero() || !c.Filled.IsZero() {
			note = nil
		}
		changed, err := s.Store.Change(ctx, c.ID, nil, note, func(is *volunteers.Call) error {
			switch {
			case is.State != volunteers.StateOpen:
				return ErrOver
			case is.Revision != c.Revision:
				return errSame
			}
			*is = *next
			return nil
		})
		if err == nil {
			if changed.Gaps > c.Gaps {
				s.Log.Info("a place in a call is free again", zap.String("call", c.Code()), zap.Int("told", len(changed.Again)))
			}
			return changed, nil
		}
		if errors.Is(err, errSame) { // somebody else was faster
			c, err = s.Store.Call(ctx, c.ID)
		}
		if err != nil {
			return nil, fmt.Errorf("note how many come: %w", err)
		}
	}
	return nil, fmt.Errorf("note how many come: %w", alerts.ErrStale)
}

// settled is the call as it is to be written down; nil where it stands so already.
func (s *Callouts) settled(ctx context.Context, c *volunteers.Call, st standing, now time.Time) (*volunteers.Call, error) {
	next := *c
	at := now.UTC().Truncate(time.Millisecond)
	next.Reserve = slices.Sorted(maps.Keys(st.spare))
	same := slices.Equal(next.Reserve, c.Reserve)
	var told []uint32 // reserves who are needed now
	for _, number := range c.Reserve {
		if _, fills := st.fills[number]; fills {
			told = append(told, number)
		}
	}
	full, lacking := st.full(), st.lacking()
	switch freed := !c.Filled.IsZero() || more(lacking, c.Lacking); {
	case full:
		if c.Filled.IsZero() {
			next.Filled, next.Stopped, next.Short, same = at, at, time.Time{}, false
		}
		next.Lacking, next.Asked = nil, nil
		same = same && len(told) == 0
	case freed:
		ask, err := s.askAgain(ctx, c, st, now)
		if err != nil {
			return nil, err
		}
		next.Filled, next.Lacking, same = time.Time{}, lacking, false
		next.Asked = slices.Concat(c.Asked, ask)
		told = append(told, ask...)
	default:
		if len(c.Lacking) > 0 && !slices.Equal(c.Lacking, lacking) {
			next.Lacking, same = lacking, false
		}
		same = same && len(told) == 0
	}
	if same {
		return nil, nil
	}
	if len(told) > 0 {
		next.Gaps, next.Freed, next.Again = c.Gaps+1, at, told
	}
	return &next, nil
}

// stoppedAt is when the call was full last, also where somebody is missing again.
func stoppedAt(c *volunteers.Call) time.Time {
	if c.Filled.After(c.Stopped) { // written before there was Stopped
		return c.Filled
	}
	return c.Stopped
}

// lacking is how many each need misses.
func (st standing) lacking() []int {
	out := make([]int, len(st.filled))
	for i, f := range st.filled {
		out[i] = max(f.People-f.Coming, 0)
	}
	return out
}

// more reports whether some need misses more than when a place became free last;
// never before the call was full.
func more(lacking, before []int) bool {
	for i := range min(len(lacking), len(before)) {
		if lacking[i] > before[i] {
			return true
		}
	}
	return false
}

// askAgain picks whom to ask for what is missing again, of those who were called
// and have not answered clearly: as many as a first wave would call for it, less
// those who were asked since the call was full and have not answered yet.
func (s *Callouts) askAgain(ctx context.Context, c *volunteers.Call, st standing, now time.Time) ([]uint32, error) {
	sheet, err := s.Store.Sheet(ctx, c.ID)
	if err != nil {
		return nil, fmt.Errorf("ask volunteers again: %w", err)
	}
	rest := st.missing(c)
	most := rest.FirstWave()
	open := map[uint32]bool{}
	for i := range sheet {
		e := &sheet[i]
		// A wave that began after the call was full goes on by itself.
		if e.Leg == nil || e.Leg.Begun.After(stoppedAt(c)) || !e.Presence.Arrived.IsZero() ||
			e.Answer != nil && (e.Answer.Kind != volunteers.Maybe || !e.Answer.Since.IsZero()) { // who said that they come, and takes it back, knows
			continue
		}
		if slices.Contains(c.Asked, e.Number) {
			if e.Answer == nil {
				most--
			}
			continue
		}
		open[e.Number] = true
	}
	if len(open) == 0 || most <= 0 {
		return nil, nil
	}
	memory, err := s.memory(ctx)
	if err != nil {
		return nil, err
	}
	numbers := slices.Sorted(maps.Keys(open))
	people, err := s.members(ctx, numbers, now)
	if err != nil {
		return nil, err
	}
	busy, err := s.busy(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	w := waysOf(s.Routes, c.Exercise, memory)
	var all []volunteers.Candidate
	for _, number := range numbers {
		if m := people[number]; m != nil {
			all = append(all, w.candidate(m, now))
		}
	}
	chosen, _ := s.pick(rest, all, nil, busy, now, most)
	return chosen, nil
}

// needed tells that a place is free again: the reserves who are needed now, and
// those who are asked again. It gives whom; nobody is told twice of one gap.
func (s *Callouts) needed(ctx context.Context, c *volunteers.Call, st standing, now time.Time) (*Page, []uint32, error) {
	if late := now.Sub(c.Freed); late > volunteers.Late || late < -volunteers.Late {
		return nil, nil, nil
	}
	return s.tell(ctx, c, channels.PageNeeded, now, func(e *Entry) bool {
		if !slices.Contains(c.Again, e.Number) || !e.Presence.Arrived.IsZero() {
			return false
		}
		_, fills := st.fills[e.Number]
		return fills || !st.full() && (e.Answer == nil || e.Answer.Kind == volunteers.Maybe)
	})
}
