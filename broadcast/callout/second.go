package callout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/alerts/lexicon"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
)

// errSame is the error of an edit that finds nothing to change.
var errSame = errors.New("it is so already")

// watchNumbers notices that too few come some time after the newest wave: the
// coordinator is asked for a second one, or it begins by itself where that was
// set for this call (DECISIONS 11).
func (s *Callouts) watchNumbers(ctx context.Context, c *volunteers.Call, st standing, now time.Time) (*volunteers.Call, error) {
	if c.Second.After <= 0 || len(c.Waves) == 0 || !c.Short.IsZero() || !c.Filled.IsZero() || st.full() ||
		now.Before(c.ShortFrom()) {
		return c, nil
	}
	waves := len(c.Waves)
	short := act(c.ID, "short", gateway, fmt.Sprintf("%d of %d", st.coming(), c.Needed()), alerts.ViaGateway, now)
	changed, err := s.Store.Change(ctx, c.ID, nil, &short, func(c *volunteers.Call) error {
		switch {
		case c.State != volunteers.StateOpen:
			return ErrOver
		case !c.Short.IsZero() || len(c.Waves) != waves || !c.Filled.IsZero():
			return errSame
		}
		c.Short = now.UTC().Truncate(time.Millisecond)
		return nil
	})
	if errors.Is(err, errSame) {
		return s.Store.Call(ctx, c.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("note that too few come: %w", err)
	}
	s.Log.Warn("too few volunteers come", zap.String("call", c.Code()), zap.Int("coming", st.coming()), zap.Int("needed", c.Needed()))
	if most := s.automatic(changed, st, now); most > 0 {
		more, n, err := s.wave(ctx, changed, gateway, most)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			return more, nil
		}
	}
	if s.Short != nil {
		s.Short(ctx, changed)
	}
	return changed, nil
}

// Shortage is what staff is told of a call to which too few come: its code, how
// many come of how many, and what is missing; it names no volunteer. It blocks
// until the store answered; [alerts.ErrNotFound] for a call that is not there.
func (s *Callouts) Shortage(ctx context.Context, id alerts.ID) (broadcast.RungCallout, error) {
	c, err := s.Store.Call(ctx, id)
	if err != nil {
		return broadcast.RungCallout{}, fmt.Errorf("tell staff of a call: %w", err)
	}
	sheet, err := s.Store.Sheet(ctx, id)
	if err != nil {
		return broadcast.RungCallout{}, fmt.Errorf("tell staff of a call: %w", err)
	}
	now := s.now()
	st, err := s.weigh(ctx, c, answersOf(sheet), now)
	if err != nil {
		return broadcast.RungCallout{}, err
	}
	headline := func(language string) string {
		var missing []string
		for _, need := range volunteers.Missing(st.filled) {
			if need.Skill == "" {
				missing = append(missing, lexicon.RingAnybody(language, need.People))
			} else {
				missing = append(missing, fmt.Sprintf("%d × %s", need.People, need.Skill))
			}
		}
		return lexicon.RingShort(language, c.Code(), st.coming(), c.Needed(), missing)
	}
	return broadcast.RungCallout{Headline: headline, Exercise: c.Exercise, Opener: c.By.ID, Referent: c.Referent.Phone,
		Stands: c.Paging(now) && !c.Short.IsZero() && !st.full()}, nil
}

// automatic is how many a wave may page that nobody asks for; 0: none.
func (s *Callouts) automatic(c *volunteers.Call, st standing, now time.Time) int {
	if !c.Second.Auto || len(c.Waves) == 0 {
		return 0
	}
	left := c.Second.Most
	if left <= 0 {
		left = c.Waves[0].People
	}
	for _, w := range c.Waves[1:] {
		if w.By.ID == gateway.ID {
			left -= w.People
		}
	}
	if s.endangered(c, now) {
		s.Log.Warn("no second wave by itself: a grave alert covers the meeting point", zap.String("call", c.Code()))
		return 0
	}
	return max(min(left, st.missing(c).FirstWave()), 0)
}

// endangered reports whether a real alert of Severe or above covers the meeting
// point; where nobody knows on the map where that is, any such alert counts.
func (s *Callouts) endangered(c *volunteers.Call, now time.Time) bool {
	if s.Alerts == nil {
		return false
	}
	for _, h := range s.Alerts(now) {
		r := h.Record
		if r.Alert.Status != alerts.StatusActual || r.Severity().Rank() < alerts.SeveritySevere.Rank() || !h.Standing.Holds() {
			continue
		}
		if c.Point == nil || s.covers(r, *c.Point) {
			return true
		}
	}
	return false
}

// covers reports whether a point lies in the alert's area: in what is drawn, or
// in one of its codes.
func (s *Callouts) covers(r *alerts.Record, p alerts.Point) bool {
	for _, info := range r.Infos() {
		for _, a := range info.Areas {
			if areas.Draw(a.Polygons, a.Circles).Contains(p) {
				return true
			}
		}
	}
	if s.Areas == nil { // codes without outlines: nobody knows
		return len(r.Areas) > 0
	}
	codes := make([]string, len(r.Areas))
	for i, v := range r.Areas {
		codes[i] = v.Value
	}
	return s.Areas.Outline(codes...).Contains(p)
}
