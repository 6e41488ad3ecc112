package callout

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/channels"
)

// Run pages what is due until ctx ends; it returns nil then. Any number of nodes
// may run it: a call is in the hand of one at a time, and what a dead node left
// is carried on when its lease ends.
func (s *Callouts) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range callWorkers {
		wg.Go(func() { s.work(ctx) })
	}
	wg.Go(func() { s.every(ctx, watchEvery, s.watch()) })
	wg.Go(func() { s.every(ctx, sweepEvery, s.sweep) })
	wg.Go(func() { s.every(ctx, hurryEvery, s.hurry) })
	wg.Go(func() { s.every(ctx, testEvery, s.keepDates) })
	wg.Wait()
	return nil
}

// every does it at once and then again and again until ctx ends.
func (s *Callouts) every(ctx context.Context, pause time.Duration, do func(context.Context)) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for ctx.Err() == nil {
		limit, cancel := context.WithTimeout(ctx, roundTime)
		do(limit)
		cancel()
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (s *Callouts) work(ctx context.Context) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	said := false
	for ctx.Err() == nil {
		found, err := s.step(ctx)
		switch {
		case err != nil && ctx.Err() == nil && !said:
			said = true
			s.Log.Error("pages to volunteers wait: the store does not answer", zap.Error(err))
		case err == nil:
			said = false
		}
		if found {
			s.stir() // there may be more
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.stirred:
		case <-tick.C:
		}
	}
}

// step carries one call that has something due; false where nothing is, or
// where the store does not answer.
func (s *Callouts) step(ctx context.Context) (bool, error) {
	limit, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	r, err := s.Store.Take(limit, s.now(), lease)
	if errors.Is(err, alerts.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := s.guard(func() error { return s.round(limit, r) }); err != nil && ctx.Err() == nil {
		s.Log.Warn("a round of a call was not carried to its end: it is taken again", zap.String("call", r.Call.Code()), zap.Error(err))
	}
	return true, nil
}

// guard keeps a mistake in one call from stopping the others.
func (s *Callouts) guard(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.Log.Error("a call of volunteers met a mistake of the program", zap.Any("panic", v), zap.ByteString("stack", debug.Stack()))
			err = errors.New("the program failed")
		}
	}()
	return do()
}

// round does what is due of one call: it ends where its time is over, notices
// whether enough come, and pages those whose turn it is. A call that ended
// meanwhile is another round's.
func (s *Callouts) round(ctx context.Context, r *Round) error {
	err := s.carry(ctx, r)
	if errors.Is(err, ErrOver) {
		return nil
	}
	return err
}

func (s *Callouts) carry(ctx context.Context, r *Round) error {
	now := s.now()
	c := r.Call
	switch {
	case c.State != volunteers.StateOpen:
		return s.last(ctx, r, now)
	case !now.Before(c.Until):
		return s.expire(ctx, c, now)
	}
	if c.Test {
		return s.testRound(ctx, c, r, now)
	}
	st, err := s.weigh(ctx, c, counted(r.Answers, r.Here), now)
	if err != nil {
		return err
	}
	if c, err = s.settle(ctx, c, st, now); err != nil {
		return err
	}
	if c, err = s.watchNumbers(ctx, c, st, now); err != nil {
		return err
	}
	if c.State != volunteers.StateOpen {
		return ErrOver
	}
	if len(c.Again) > 0 {
		p, told, err := s.needed(ctx, c, st, now)
		if err != nil {
			return err
		}
		if p != nil {
			r.Halt = told
			if err := s.Store.Page(ctx, r, p, nil, now); err != nil { // who is due is paged in the next round
				return fmt.Errorf("write that a place is free again: %w", err)
			}
			s.queued(p, channels.PageNeeded)
			return nil
		}
	}
	if !c.Filled.IsZero() {
		p, told, err := s.enough(ctx, c, now)
		if err != nil {
			return err
		}
		if p != nil {
			r.Halt = told
			if err := s.Store.Page(ctx, r, p, ended(c, r.Legs), now); err != nil { // who is left is paged in the next round
				return fmt.Errorf("write that enough come: %w", err)
			}
			s.queued(p, channels.PageFilled)
			return nil
		}
	}
	p, next, late, err := s.turns(ctx, c, r, now)
	if err != nil {
		return err
	}
	if err := s.Store.Page(ctx, r, p, next, c.NextTimer()); err != nil {
		return fmt.Errorf("write a round of pages: %w", err)
	}
	s.queued(p, channels.PageCall)
	if late > 0 {
		s.metrics.late.Add(float64(late))
		s.Log.Error("steps of a call came too late: they are put off, or left out where people have met", zap.String("call", c.Code()), zap.Int("steps", late))
	}
	return nil
}

// ended are the legs that end since enough come.
func ended(c *volunteers.Call, legs []volunteers.Leg) (all []volunteers.Leg) {
	for _, leg := range legs {
		if !leg.Begun.After(c.Filled) {
			all = append(all, over(leg))
		}
	}
	return all
}

// turns decides for each leg that is due: the page, and where each leg stands
// after it.
func (s *Callouts) turns(ctx context.Context, c *volunteers.Call, r *Round, now time.Time) (p *Page, next []volunteers.Leg, late int, err error) {
	numbers := make([]uint32, len(r.Legs))
	for i, l := range r.Legs {
		numbers[i] = l.Number
	}
	people, err := s.members(ctx, numbers, now)
	if err != nil {
		return nil, nil, 0, err
	}
	memory, err := s.memory(ctx)
	if err != nil {
		return nil, nil, 0, err
	}
	w := waysOf(s.Routes, c.Exercise, memory)
	var to []addressee
	for _, leg := range r.Legs {
		m := people[leg.Number]
		_, answered := r.Answers[leg.Number]
		if m == nil || answered || !r.Here[leg.Number].Arrived.IsZero() || stopped(c, leg) {
			next = append(next, over(leg))
			continue
		}
		if !c.Urgent && m.Quiet.Hold(now) {
			next = append(next, leg.Hold(m.Quiet.End(now).UTC()))
			continue
		}
		one, after, overdue := turn(leg, m, w, now, c.Meet)
		late += overdue
		if one.step != "" {
			to = append(to, addressee{leg.Number, s.language(m), one})
		}
		next = append(next, after)
	}
	p = s.turned(c, to, next, now)
	return p, next, late, nil
}

// turned is the page to those whose turn it is; nil for nobody. Who could not be
// told here is tried by the next way at once.
func (s *Callouts) turned(c *volunteers.Call, to []addressee, next []volunteers.Leg, now time.Time) *Page {
	if len(to) == 0 {
		return nil
	}
	by := c.By
	if n := len(c.Waves); n > 0 {
		by = c.Waves[n-1].By
	}
	p, missed := s.page(c, s.NewID(now), asking(c), by, to, now)
	unsaid := make(map[uint32]bool, len(missed))
	for _, number := range missed {
		unsaid[number] = true
	}
	for i := range next {
		if unsaid[next[i].Number] && !next[i].Due.IsZero() {
			next[i].Due = now
		}
	}
	return p
}

// asking is the kind of the pages that ask somebody.
func asking(c *volunteers.Call) channels.PageKind {
	if c.Test {
		return channels.PageTest
	}
	return channels.PageCall
}

// stopped reports whether nobody is to be paged any more by this leg, since enough
// come, or came.
func stopped(c *volunteers.Call, leg volunteers.Leg) bool {
	full := stoppedAt(c)
	return !full.IsZero() && !leg.Begun.After(full) && !slices.Contains(c.Asked, leg.Number)
}

// over is the leg with nothing due any more.
func over(leg volunteers.Leg) volunteers.Leg {
	leg.Due, leg.Held = time.Time{}, time.Time{}
	return leg
}

// turn goes to the step that fires now, over kinds that have been stopped since
// the call began: those take no time. A step that is due too long ago is
// dropped where people have met already; late counts it also where it fires.
func turn(leg volunteers.Leg, m *broadcast.Member, w ways, now, meet time.Time) (fires way, next volunteers.Leg, late int) {
	for !leg.Due.IsZero() && !leg.Due.After(now) && leg.Step < len(leg.Kinds) {
		kind, overdue, after := leg.Turn(now, meet)
		if overdue {
			late = 1
		}
		if kind == "" {
			return way{}, after, late
		}
		if one, ok := w.of(kind); ok && m.Reachable(one.contact) != "" {
			return one, after, late
		}
		if !after.Due.IsZero() {
			after.Due = now
		}
		leg = after
	}
	return way{}, leg, late
}

// expire ends a call whose time is over.
func (s *Callouts) expire(ctx context.Context, c *volunteers.Call, now time.Time) error {
	expired := act(c.ID, string(volunteers.StateExpired), gateway, "", alerts.ViaGateway, now)
	_, err := s.Store.Change(ctx, c.ID, nil, &expired, func(c *volunteers.Call) error {
		if c.State != volunteers.StateOpen || now.Before(c.Until) {
			return ErrOver
		}
		c.State, c.Ended, c.EndBy = volunteers.StateExpired, now.UTC().Truncate(time.Millisecond), gateway
		return nil
	})
	if err != nil && !errors.Is(err, ErrOver) {
		return fmt.Errorf("expire a call: %w", err)
	}
	if err == nil {
		s.Log.Info("a call of volunteers has expired", zap.String("call", c.Code()))
	}
	return nil
}

// watch measures whether steps are carried in time: the gauge is by the store's
// word, so it rises also where no node works.
func (s *Callouts) watch() func(context.Context) {
	said := false
	return func(ctx context.Context) {
		lag, err := s.Store.Lag(ctx, s.now())
		if err != nil {
			return // the metric of the store's durability says so
		}
		s.metrics.lag.Set(lag.Seconds())
		if lag > lagError && !said {
			s.Log.Error("pages to volunteers are late", zap.Duration("lag", lag))
		}
		said = lag > lagError
	}
}

// sweep counts the calls that are short of people, and ends those whose time is
// over though no timer of theirs has said so: one more look costs little.
func (s *Callouts) sweep(ctx context.Context) {
	calls, err := s.openCalls(ctx)
	if err != nil {
		return // the next one comes; the lag tells of a store that is away
	}
	short := 0
	now := s.now()
	for _, c := range calls {
		if !now.Before(c.Until) {
			if err := s.expire(ctx, c, now); err != nil && ctx.Err() == nil {
				s.Log.Warn("a call has not expired yet: it is looked at again", zap.String("call", c.Code()), zap.Error(err))
			}
		} else if !c.Short.IsZero() {
			short++
			if s.Short != nil {
				s.Short(ctx, c)
			}
		}
	}
	s.metrics.short.Set(float64(short))
}
