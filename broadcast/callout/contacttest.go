package callout

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/channels"
)

const (
	testEvery = time.Minute      // how often a node looks for a date
	testPause = 15 * time.Minute // before somebody who cannot be asked now is looked at again
	mostTests = 20               // that are told of
)

// Hold is why no test of contacts may begin.
type Hold string

// The values of [Hold].
const (
	HoldNone  Hold = ""
	HoldAlert Hold = "alert" // a real alert of Severe or above stands: nobody's telephone rings for a test
	HoldOpen  Hold = "open"  // another test goes on
	HoldNight Hold = "night"
)

// TestStanding is how tests of contacts stand.
type TestStanding struct {
	Set    volunteers.Testing
	Next   time.Time // date; zero: none
	Missed time.Time // the newest date on which no test began, though one should have; zero: none
	Late   time.Time // the date whose test still waits for Hold to end; zero: none
	Hold   Hold      // why none may begin now
	Tests  []*volunteers.Call
}

// testing is what is set.
func (s *Callouts) testing() volunteers.Testing {
	if s.Testing == nil {
		return volunteers.Testing{}
	}
	return s.Testing()
}

// testID is that of the test of a date, whichever node opens it and however
// often.
func testID(date time.Time) alerts.ID {
	sum := sha256.Sum256(fmt.Appendf(nil, "contact test %d", date.Unix()))
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(date)) // a time that fits: it is a date of ours
	_ = id.SetEntropy(sum[:10])          // of the right length
	return alerts.ID(id.String())
}

// Tests gives how tests of contacts stand, with the newest ones.
func (s *Callouts) Tests(ctx context.Context) (TestStanding, error) {
	now := s.now()
	st := TestStanding{Set: s.testing()}
	calls, err := s.Store.Calls(ctx, mostOpen)
	if err != nil {
		return st, fmt.Errorf("list the tests of contacts: %w", err)
	}
	for _, c := range calls {
		if c.Test && len(st.Tests) < mostTests {
			st.Tests = append(st.Tests, c)
		}
	}
	st.Hold = s.hold(calls, now)
	var last time.Time
	last, st.Next = st.Set.Dates(now)
	if last.IsZero() {
		return st, nil
	}
	_, err = s.Store.Call(ctx, testID(last))
	switch {
	case err == nil:
	case !errors.Is(err, alerts.ErrNotFound):
		return st, fmt.Errorf("list the tests of contacts: %w", err)
	case now.Sub(last) >= volunteers.TestLate:
		st.Missed = last
	default:
		st.Late = last
	}
	return st, nil
}

// hold says why no test may begin now.
func (s *Callouts) hold(calls []*volunteers.Call, now time.Time) Hold {
	if s.grave(now) {
		return HoldAlert
	}
	for _, c := range calls {
		if c.Test && c.State == volunteers.StateOpen {
			return HoldOpen
		}
	}
	if volunteers.Morning(now).After(now) {
		return HoldNight
	}
	return HoldNone
}

// grave reports whether a real alert of Severe or above stands, wherever.
func (s *Callouts) grave(now time.Time) bool {
	if s.Alerts == nil {
		return false
	}
	for _, h := range s.Alerts(now) {
		if h.Record.Alert.Status == alerts.StatusActual && h.Record.Severity().Rank() >= alerts.SeveritySevere.Rank() && h.Standing.Holds() {
			return true
		}
	}
	return false
}

// keepDates opens the test whose date has come, once: of several nodes that find
// it, one has it, and the others get what it stored.
func (s *Callouts) keepDates(ctx context.Context) {
	now := s.now()
	set := s.testing()
	last, _ := set.Dates(now)
	if last.IsZero() || now.Sub(last) >= volunteers.TestLate {
		return
	}
	id := testID(last)
	if _, err := s.Store.Call(ctx, id); !errors.Is(err, alerts.ErrNotFound) {
		return // it began, or the store is away: the next look tells
	}
	calls, err := s.Store.Calls(ctx, mostOpen)
	if err != nil || s.hold(calls, now) != HoldNone {
		return
	}
	if _, err := s.openTest(ctx, gateway, id, set.Groups, set.Length(), now); err != nil && ctx.Err() == nil {
		s.Log.Warn("the test of contacts does not begin: it is tried again", zap.Error(err))
	}
}

// ErrHeld is the error for a test of contacts that may not begin now; see
// [TestStanding.Hold].
var ErrHeld = errors.New("no test of contacts may begin now")

// StartTest asks everybody of the groups (none: everybody) whether their
// contacts work, for so long; the same ID again gives what is stored. [ErrHeld]
// where that may not be now: at night and while a real alert of Severe or above
// stands or another test goes on.
func (s *Callouts) StartTest(ctx context.Context, by alerts.Person, id alerts.ID, groups []string, length time.Duration) (*volunteers.Call, error) {
	now := s.now()
	if err := s.may(by, &volunteers.Call{Exercise: s.Practice}); err != nil {
		return nil, err
	}
	if id == "" {
		id = s.NewID(now)
	}
	before, err := s.Store.Call(ctx, id)
	if err == nil {
		return before, nil
	} else if !errors.Is(err, alerts.ErrNotFound) {
		return nil, fmt.Errorf("test contacts: %w", err)
	}
	calls, err := s.Store.Calls(ctx, mostOpen)
	if err != nil {
		return nil, fmt.Errorf("test contacts: %w", err)
	}
	if s.hold(calls, now) != HoldNone {
		return nil, ErrHeld
	}
	return s.openTest(ctx, by.By(), id, groups, length, now)
}

func (s *Callouts) openTest(ctx context.Context, by alerts.By, id alerts.ID, groups []string, length time.Duration, now time.Time) (*volunteers.Call, error) {
	memory, err := s.memory(ctx)
	if err != nil {
		return nil, err
	}
	c := &volunteers.Call{V: volunteers.Version, ID: id, Test: true, Exercise: s.Practice, Choice: volunteers.Choice{Groups: groups},
		State: volunteers.StateOpen, Opened: now.UTC().Truncate(time.Millisecond), By: by}
	c.Meet, c.Until = c.Opened, c.Opened.Add(length)
	if memory && !c.Exercise {
		return nil, &alerts.Refusal{Kind: alerts.ErrNotDurable, Problems: alerts.Problems{{Field: "exercise",
			Problem: "is off, and the store keeps nothing", Hint: "use a store that keeps what it is given"}}}
	}
	all, err := s.candidates(ctx, waysOf(s.Routes, c.Exercise, memory), now)
	if err != nil {
		return nil, err
	}
	var legs []volunteers.Leg
	for _, one := range all { // who has no contact is in the list too, and is asked nothing
		if c.Choice.Tests(one.Profile) {
			legs = append(legs, volunteers.NewLeg(one.Number, 0, one.Kinds, c.Opened))
		}
	}
	if len(legs) == 0 {
		return nil, &alerts.Refusal{Kind: alerts.ErrNotSendable, Problems: alerts.Problems{nobody}}
	}
	c.Waves = []volunteers.Wave{{At: c.Opened, People: len(legs), By: by}}
	stored, err := s.Store.Open(ctx, c, legs, act(id, "called", by, fmt.Sprintf("%d people", len(legs)), "", now))
	if err != nil {
		return nil, fmt.Errorf("test contacts: %w", err)
	}
	s.Log.Info("the contacts of volunteers are tested", zap.String("call", stored.Code()), zap.Int("people", len(legs)))
	s.stir()
	return stored, nil
}

// testRound asks those whose turn it is. Nobody is asked at night, in their own
// quiet hours or while a real alert of Severe or above stands: they are looked at
// again later. A step that comes late is not lost, since what it asks holds until
// the test ends.
func (s *Callouts) testRound(ctx context.Context, c *volunteers.Call, r *Round, now time.Time) error {
	legs := make([]volunteers.Leg, len(r.Legs))
	copy(legs, r.Legs)
	resume := volunteers.Morning(now)
	if s.grave(now) {
		resume = now.Add(testPause)
	}
	if resume.After(now) {
		for i := range legs {
			legs[i].Due = resume
		}
		if err := s.Store.Page(ctx, r, nil, legs, c.NextTimer()); err != nil {
			return fmt.Errorf("put off a test of contacts: %w", err)
		}
		return nil
	}
	numbers := make([]uint32, len(legs))
	for i, leg := range legs {
		numbers[i] = leg.Number
	}
	people, err := s.members(ctx, numbers, now)
	if err != nil {
		return err
	}
	memory, err := s.memory(ctx)
	if err != nil {
		return err
	}
	w := waysOf(s.Routes, c.Exercise, memory)
	var to []addressee
	for i, leg := range legs {
		m := people[leg.Number]
		_, answered := r.Answers[leg.Number]
		switch {
		case m == nil || answered:
			legs[i] = over(leg)
		case m.Quiet.Hold(now):
			legs[i].Due = now.Add(testPause)
		default:
			leg.Due = now
			one, after, _ := turn(leg, m, w, now, time.Time{})
			if one.step != "" {
				to = append(to, addressee{leg.Number, s.language(m), one})
				if !after.Due.IsZero() {
					after.Due = now.Add(volunteers.TestWait)
				}
			}
			legs[i] = after
		}
	}
	p := s.turned(c, to, legs, now)
	if err := s.Store.Page(ctx, r, p, legs, c.NextTimer()); err != nil {
		return fmt.Errorf("write a round of a test: %w", err)
	}
	s.queued(p, channels.PageTest)
	return nil
}

// confirm writes down that somebody was reached over a kind of contact; contact
// is "" where nobody knows over which.
func (s *Callouts) confirm(ctx context.Context, c *volunteers.Call, number uint32, via, contact string) error {
	_, err := s.answer(ctx, c, number, volunteers.Answer{Kind: volunteers.Coming, Via: via, Contacts: contact}, person(number), "")
	if err != nil {
		return err
	}
	if err := s.reached(ctx, number, s.Now().UTC()); err != nil { // the end of the test notes it otherwise
		s.Log.Warn("that somebody was reached is noted later", zap.Uint32("person", number), zap.Error(err))
	}
	return nil
}

// reached notes on the roster that somebody answered.
func (s *Callouts) reached(ctx context.Context, number uint32, at time.Time) error {
	err := s.Roll.Change(ctx, number, nil, func(m *broadcast.Member) (bool, error) {
		if !at.After(m.Reached) && m.Silent.IsZero() {
			return false, nil
		}
		m.Silent = time.Time{}
		if at.After(m.Reached) {
			m.Reached = at.Truncate(time.Second)
		}
		return true, nil
	})
	if errors.Is(err, alerts.ErrNotFound) { // erased meanwhile
		return nil
	}
	return err
}

// noteReached notes on the roster who was reached by a call or test that is over, and
// who was not by a test. A test that was stopped says nothing of those who are
// silent, and a call nothing of theirs at all: they may have been busy. What a
// coordinator noted for somebody does not tell that a contact works.
func (s *Callouts) noteReached(ctx context.Context, c *volunteers.Call) error {
	sheet, err := s.Store.Sheet(ctx, c.ID)
	if err != nil {
		return fmt.Errorf("note whom a call reached: %w", err)
	}
	numbers := make([]uint32, len(sheet))
	for i := range sheet {
		numbers[i] = sheet[i].Number
	}
	people, err := s.members(ctx, numbers, s.now())
	if err != nil {
		return err
	}
	for i := range sheet { // who is noted already costs nothing: a round that was cut off goes on
		e, m := &sheet[i], people[sheet[i].Number]
		switch {
		case m == nil || e.Leg == nil:
		case e.Answer != nil:
			if at := e.Answer.At.Truncate(time.Second); e.Answer.Via != viaDesk && (at.After(m.Reached) || !m.Silent.IsZero() && m.Silent.Before(at)) {
				if err := s.reached(ctx, e.Number, at); err != nil {
					return fmt.Errorf("note whom a call reached: %w", err)
				}
			}
		case c.Test && c.State == volunteers.StateExpired && m.Silent.IsZero() && !m.Reached.After(c.Opened):
			err := s.Roll.Change(ctx, e.Number, nil, func(m *broadcast.Member) (bool, error) {
				if !m.Silent.IsZero() || m.Reached.After(c.Opened) {
					return false, nil
				}
				m.Silent = c.Opened
				return true, nil
			})
			if err != nil && !errors.Is(err, alerts.ErrNotFound) {
				return fmt.Errorf("note whom a call reached: %w", err)
			}
		}
	}
	return nil
}
