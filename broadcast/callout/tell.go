package callout

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/channels"
)

func channelSpan(channel string, message int, from uint32, people []uint32) broadcast.Span {
	return broadcast.Span{Channel: channel, Message: message, From: from, To: from + uint32(len(people)), People: people}
}

// toldID is the record's ID of a page that is written once for what happened to
// a call, whichever node writes it and however often: what fills a call after a
// second wave is another one than before.
func toldID(c *volunteers.Call, kind channels.PageKind, waves int) alerts.ID {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", c.ID, kind, waves))
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(c.Opened)) // a time that fits: it is a call's
	_ = id.SetEntropy(sum[:10])              // of the right length
	return alerts.ID(id.String())
}

// filledID is that of the page which says that enough come: what fills a call
// after a place was free again is another one than before.
func filledID(c *volunteers.Call, gaps, waves int) alerts.ID {
	const most = 1 << 20 // waves
	return toldID(c, channels.PageFilled, gaps*most+waves)
}

// last is the round of a call that has ended: who was asked is told that it is
// over, as far as that is not long ago. Closed goes to who came or comes,
// cancelled to everybody who might set out.
func (s *Callouts) last(ctx context.Context, r *Round, now time.Time) error {
	c := r.Call
	var p *Page
	var err error
	kind := channels.PageKind("")
	if c.Test { // nobody is told anything
		if err := s.noteReached(ctx, c); err != nil {
			return err
		}
	} else if late := now.Sub(c.Ended); late <= volunteers.Late && late >= -volunteers.Late {
		switch c.State {
		case volunteers.StateClosed:
			kind = channels.PageClosed
			p, _, err = s.tell(ctx, c, kind, now, func(e *Entry) bool {
				return !e.Presence.Arrived.IsZero() || e.Answer != nil && e.Answer.Kind == volunteers.Coming
			})
		case volunteers.StateCancelled:
			kind = channels.PageCancelled
			p, _, err = s.tell(ctx, c, kind, now, func(e *Entry) bool {
				if !e.Presence.Arrived.IsZero() {
					return true
				}
				if e.Answer != nil {
					return e.Answer.Kind != volunteers.Cannot
				}
				return len(e.Pages) > 0
			})
		}
	}
	if err != nil {
		return err
	}
	if err := s.Store.Page(ctx, r, p, nil, time.Time{}); err != nil {
		return fmt.Errorf("write the last page of a call: %w", err)
	}
	s.queued(p, kind)
	if !c.Test { // after the page, which must not wait; what fails here is an older date on the roster
		if err := s.noteReached(ctx, c); err != nil {
			s.Log.Warn("whom a call reached is not noted on the roster", zap.String("call", c.Code()), zap.Error(err))
		}
	}
	return nil
}

// enough tells who was paged and has not answered clearly that enough come, and
// gives whom. Who said that they come keeps their word, and is not told to stay
// at home. Nobody is told twice, unless they were asked again in between.
func (s *Callouts) enough(ctx context.Context, c *volunteers.Call, now time.Time) (*Page, []uint32, error) {
	before := map[alerts.ID]channels.PageKind{}
	for gaps := range c.Gaps + 1 {
		for waves := range len(c.Waves) {
			before[filledID(c, gaps, waves+1)] = channels.PageFilled
		}
		before[toldID(c, channels.PageNeeded, gaps)] = channels.PageNeeded
	}
	return s.tell(ctx, c, channels.PageFilled, now, func(e *Entry) bool {
		for _, p := range slices.Backward(e.Pages) {
			if kind := before[p.Record]; kind == channels.PageFilled {
				return false
			} else if kind == channels.PageNeeded {
				break
			}
		}
		return len(e.Pages) > 0 && e.Presence.Arrived.IsZero() && (e.Answer == nil || e.Answer.Kind == volunteers.Maybe) &&
			(e.Leg == nil || !e.Leg.Begun.After(c.Filled))
	})
}

// tell makes the page that no step asks for, and gives whom it tells: nil where
// it was written before, or where there is nobody to tell.
func (s *Callouts) tell(ctx context.Context, c *volunteers.Call, kind channels.PageKind, now time.Time, who func(*Entry) bool) (*Page, []uint32, error) {
	id := toldID(c, kind, len(c.Waves))
	switch kind {
	case channels.PageFilled:
		id = filledID(c, c.Gaps, len(c.Waves))
	case channels.PageNeeded:
		id = toldID(c, kind, c.Gaps)
	}
	sheet, err := s.Store.Sheet(ctx, c.ID)
	if err != nil {
		return nil, nil, fmt.Errorf("tell volunteers: %w", err)
	}
	var some []*Entry
	var numbers []uint32
	for i := range sheet {
		e := &sheet[i]
		for _, p := range e.Pages {
			if p.Record == id { // written before
				return nil, nil, nil
			}
		}
		if who(e) {
			some, numbers = append(some, e), append(numbers, e.Number)
		}
	}
	people, err := s.members(ctx, numbers, now)
	if err != nil {
		return nil, nil, err
	}
	memory, err := s.memory(ctx)
	if err != nil {
		return nil, nil, err
	}
	w := waysOf(s.Routes, c.Exercise, memory)
	var to []addressee
	for _, e := range some {
		if m := people[e.Number]; m != nil {
			for _, one := range w.backs(e, m, kind) {
				to = append(to, addressee{e.Number, s.language(m), one})
			}
		}
	}
	by := c.EndBy
	if kind == channels.PageFilled || kind == channels.PageNeeded {
		by = gateway
	}
	p, _ := s.page(c, id, kind, by, to, now)
	return p, numbers, nil
}

// backs are the ways by which a page of that kind goes. No timer follows the one
// that tells a reserve that they are counted on now: so it takes two at once,
// where there are two.
func (w ways) backs(e *Entry, m *broadcast.Member, kind channels.PageKind) []way {
	back := w.back(e, m, kind == channels.PageCancelled)
	if kind != channels.PageNeeded || len(back) == 0 || e.Answer == nil || e.Answer.Kind != volunteers.Coming {
		return back
	}
	for _, step := range w.steps(m) {
		if one, ok := w.of(step); ok && one.route.Name() != back[0].route.Name() {
			return append(back, one)
		}
	}
	return back
}

// back are the ways by which somebody is told more: the one of their newest
// page; with all every one that brought them a page, since each of those still
// asks them to come. Who was not paged is told by their first way.
func (w ways) back(e *Entry, m *broadcast.Member, all bool) []way {
	var back []way
	for _, page := range slices.Backward(e.Pages) {
		for _, step := range w.steps(m) {
			one, _ := w.of(step)
			known := false
			for _, have := range back {
				known = known || have.route.Name() == one.route.Name()
			}
			if !known && one.route.Name() == page.Channel {
				back = append(back, one)
			}
		}
		if len(back) > 0 && !all {
			return back[:1]
		}
	}
	if steps := w.steps(m); len(back) == 0 && len(steps) > 0 {
		one, _ := w.of(steps[0])
		back = append(back, one)
	}
	return back
}

// language of a person's pages.
func (s *Callouts) language(m *broadcast.Member) string {
	if own := alerts.PrimaryLanguage(m.Language); own != "" {
		return own
	}
	return alerts.PrimaryLanguage(s.Language)
}
