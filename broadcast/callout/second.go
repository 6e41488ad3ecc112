package callout

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
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
	most, err := s.automatic(ctx, changed, st, now)
	if err != nil {
		return nil, err
	}
	if most > 0 {
		more, n, err := s.wave(ctx, changed, gateway, most)
		if errors.Is(err, alerts.ErrStale) { // a coordinator was faster
			return s.Store.Call(ctx, c.ID)
		}
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
func (s *Callouts) automatic(ctx context.Context, c *volunteers.Call, st standing, now time.Time) (int, error) {
	if !c.Second.Auto || len(c.Waves) == 0 {
		return 0, nil
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
		return 0, nil
	}
	sheet, err := s.Store.Sheet(ctx, c.ID)
	if err != nil {
		return 0, fmt.Errorf("propose a wave: %w", err)
	}
	numbers := make([]uint32, len(sheet))
	for i := range sheet {
		numbers[i] = sheet[i].Number
	}
	people, err := s.members(ctx, numbers, now)
	if err != nil {
		return 0, err
	}
	return max(min(left, s.proposed(c, sheet, people, st, now)), 0), nil
}

// silentAfter is how long after they were called somebody who has not answered
// still counts in full; less where a call waits less for its second wave.
const silentAfter = 10 * time.Minute

// proposed is how many a further wave should call: as many as a first one would
// for what is missing, less those who were paged and may still answer. Who has
// been silent for long counts little: as one of those who are called counts for
// one who comes. It is at least as many as are missing; 0 where nobody is.
func (s *Callouts) proposed(c *volunteers.Call, sheet []Entry, people map[uint32]*broadcast.Member, st standing, now time.Time) int {
	rest := st.missing(c)
	missing := rest.Needed()
	if missing == 0 {
		return 0
	}
	all := float64(rest.FirstWave())
	times, meet, waiting := all/float64(missing), c.Meet.In(s.Zone), 0.0
	patience := silentAfter
	if c.Second.After > 0 {
		patience = min(patience, c.Second.After)
	}
	for i := range sheet {
		e, m := &sheet[i], people[sheet[i].Number]
		if e.Leg == nil || m == nil || e.Answer != nil || !e.Presence.Arrived.IsZero() || stopped(c, *e.Leg) ||
			!slices.ContainsFunc(rest.Needs, func(n volunteers.Need) bool { return m.Volunteer.Has(n.Skill, meet) }) {
			continue
		}
		called := e.Leg.Begun
		if slices.Contains(c.Asked, e.Number) {
			called = c.Freed
		}
		if now.Sub(called) < patience {
			waiting++
		} else {
			waiting += 1 / times
		}
	}
	return max(int(math.Ceil(all-waiting-1e-9)), missing)
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
