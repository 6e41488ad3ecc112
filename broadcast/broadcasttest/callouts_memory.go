package broadcasttest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
)

// Callouts is a [callout.Store] in this process that keeps its contract
// literally, for tests of those who use one: [TestCallouts] measures it like any
// other. What leaves in a page goes nowhere; tests read it with
// [Callouts.Published] and play the worker with [Callouts.Begin]. Its methods
// may be called from many goroutines.
type Callouts struct {
	mu     sync.Mutex
	calls  map[alerts.ID]*calling
	last   uint32
	tokens int64
	acts   []alerts.Act
	pages  []*callout.Page
	states map[pageKey]broadcast.State
	halted map[pageKey]bool
	fault  func(op string) (before, after error)
}

// pageKey is one page to one person.
type pageKey struct {
	record  alerts.ID
	channel string
	ordinal uint32
}

// calling is one call and its people.
type calling struct {
	call     []byte // as it would be stored
	open     bool
	number   uint32
	legs     map[uint32]volunteers.Leg
	answers  map[uint32]volunteers.Answer
	present  map[uint32]volunteers.Presence
	paged    map[uint32][]callout.Paged
	leaving  map[uint32]int // pages on their way when they answered
	messages []callout.Message
	records  map[alerts.ID]bool // of its pages

	due   time.Time // of the call itself; zero: never
	look  bool      // something changed: it is due at once
	token string
	until time.Time // of the lease
}

var _ callout.Store = (*Callouts)(nil)

// NewCallouts makes an empty store.
func NewCallouts() *Callouts {
	return &Callouts{calls: map[alerts.ID]*calling{}, states: map[pageKey]broadcast.State{}, halted: map[pageKey]bool{}}
}

// Fault has every later call of a method, by its name, ask f: an error before is
// given at once, and nothing happens; one after is given in place of the answer,
// and what was asked for has happened.
func (s *Callouts) Fault(f func(op string) (before, after error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Published gives every page that left so far, the oldest first.
func (s *Callouts) Published() []*callout.Page {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pages)
}

// Acts gives every act so far, the oldest first.
func (s *Callouts) Acts() []alerts.Act {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.acts)
}

// Begin tries pages of a record as a worker of the channel would, and tells what
// a worker may do with each; those to send are on their way from then on.
func (s *Callouts) Begin(record alerts.ID, channel string, ordinals ...uint32) []broadcast.Turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	stop := s.halted[pageKey{record: record}]
	turns := make([]broadcast.Turn, len(ordinals))
	for i, o := range ordinals {
		k := pageKey{record, channel, o}
		trying, known := s.states[k]
		switch {
		case !known:
			turns[i] = broadcast.TurnSkip
		case trying == broadcast.Queued && stop:
			turns[i] = broadcast.TurnStop
		case trying == broadcast.Queued && s.halted[k]:
			turns[i] = broadcast.TurnHalt
		case trying == broadcast.Queued:
			turns[i], s.states[k] = broadcast.TurnSend, broadcast.Trying
		case trying == broadcast.Trying && stop:
			turns[i] = broadcast.TurnAskStopped
		case trying == broadcast.Trying && s.halted[k]:
			turns[i] = broadcast.TurnAskHalted
		case trying == broadcast.Trying:
			turns[i] = broadcast.TurnAsk
		default:
			turns[i] = broadcast.TurnSkip
		}
	}
	return turns
}

// do runs one operation under the lock, with the fault that a test wants.
func (s *Callouts) do(op string, f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var before, after error
	if s.fault != nil {
		before, after = s.fault(op)
	}
	if before != nil {
		return fmt.Errorf("%s: %w", op, before)
	}
	if err := f(); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	if after != nil {
		return fmt.Errorf("%s: %w", op, after)
	}
	return nil
}

// of runs one operation on a call.
func (s *Callouts) of(op string, id alerts.ID, f func(c *calling) error) error {
	return s.do(op, func() error {
		c := s.calls[id]
		if c == nil {
			return alerts.ErrNotFound
		}
		return f(c)
	})
}

func (c *calling) read() *volunteers.Call {
	call := &volunteers.Call{}
	if err := json.Unmarshal(c.call, call); err != nil {
		panic(err) // put wrote it
	}
	return call
}

func (c *calling) put(call *volunteers.Call) (*volunteers.Call, error) {
	doc, err := json.Marshal(call)
	if err != nil {
		return nil, err
	}
	c.call, c.open = doc, call.State == volunteers.StateOpen
	return c.read(), nil
}

func (c *calling) add(legs []volunteers.Leg) {
	for _, l := range legs {
		if _, has := c.legs[l.Number]; !has {
			l.Kinds = slices.Clone(l.Kinds)
			if _, answered := c.answers[l.Number]; answered {
				l.Due = time.Time{}
			}
			c.legs[l.Number] = l
		}
	}
}

// Open implements [callout.Store].
func (s *Callouts) Open(_ context.Context, call *volunteers.Call, legs []volunteers.Leg, act alerts.Act) (stored *volunteers.Call, err error) {
	err = s.do("open", func() error {
		if c := s.calls[call.ID]; c != nil {
			stored = c.read()
			return nil
		}
		c := &calling{legs: map[uint32]volunteers.Leg{}, answers: map[uint32]volunteers.Answer{}, present: map[uint32]volunteers.Presence{},
			paged: map[uint32][]callout.Paged{}, leaving: map[uint32]int{}, records: map[alerts.ID]bool{}, look: true, number: s.last + 1}
		fresh := *call
		fresh.Number, fresh.Revision = c.number, 1
		if stored, err = c.put(&fresh); err != nil {
			return err
		}
		s.last = c.number
		s.calls[call.ID] = c
		c.add(legs)
		s.acts = append(s.acts, act)
		return nil
	})
	return stored, err
}

// Call implements [callout.Store].
func (s *Callouts) Call(_ context.Context, id alerts.ID) (call *volunteers.Call, err error) {
	err = s.of("call", id, func(c *calling) error {
		call = c.read()
		return nil
	})
	return call, err
}

// ByNumber implements [callout.Store].
func (s *Callouts) ByNumber(_ context.Context, number uint32) (call *volunteers.Call, err error) {
	err = s.do("by number", func() error {
		for _, c := range s.calls {
			if c.number == number {
				call = c.read()
				return nil
			}
		}
		return alerts.ErrNotFound
	})
	return call, err
}

// newest gives calls, the newest first.
func (s *Callouts) newest() []*calling {
	return slices.SortedFunc(maps.Values(s.calls), func(a, b *calling) int { return cmp.Compare(b.number, a.number) })
}

// Calls implements [callout.Store].
func (s *Callouts) Calls(_ context.Context, most int) (all []*volunteers.Call, err error) {
	err = s.do("calls", func() error {
		for _, c := range s.newest() {
			if len(all) < most {
				all = append(all, c.read())
			}
		}
		return nil
	})
	return all, err
}

// OpenOf implements [callout.Store].
func (s *Callouts) OpenOf(_ context.Context, number uint32) (all []*volunteers.Call, err error) {
	err = s.do("open of", func() error {
		for _, c := range s.newest() {
			if _, called := c.legs[number]; called && c.open {
				all = append(all, c.read())
			}
		}
		return nil
	})
	return all, err
}

// Change implements [callout.Store].
func (s *Callouts) Change(_ context.Context, id alerts.ID, legs []volunteers.Leg, act *alerts.Act, edit func(*volunteers.Call) error) (stored *volunteers.Call, err error) {
	err = s.of("change", id, func(c *calling) error {
		call := c.read()
		was := *call
		if err := edit(call); err != nil {
			return err
		}
		if was.State != volunteers.StateOpen && (call.State == volunteers.StateOpen || len(legs) > 0) {
			return callout.ErrOver
		}
		call.ID, call.Number, call.Revision = was.ID, was.Number, was.Revision+1
		if stored, err = c.put(call); err != nil {
			return err
		}
		if act != nil {
			s.acts = append(s.acts, *act)
		}
		switch {
		case c.open:
			c.add(legs)
			c.look = true
		case was.State == volunteers.StateOpen:
			s.end(c)
		}
		return nil
	})
	return stored, err
}

// end stops all of a call; one more round tells those who came.
func (s *Callouts) end(c *calling) {
	for number, l := range c.legs {
		l.Due = time.Time{}
		c.legs[number] = l
	}
	for record := range c.records {
		s.halted[pageKey{record: record}] = true
	}
	c.due, c.look, c.token = time.Time{}, true, ""
}

// Answer implements [callout.Store].
func (s *Callouts) Answer(_ context.Context, id alerts.ID, number uint32, a volunteers.Answer, act alerts.Act) (done callout.Answered, err error) {
	err = s.of("answer", id, func(c *calling) error {
		l, called := c.legs[number]
		switch {
		case !c.open:
			return callout.ErrOver
		case !called:
			return alerts.ErrNotFound
		}
		if before, answered := c.answers[number]; answered {
			done.Before = &before
			if a = a.With(before); a.Says(before) {
				return nil
			}
		}
		done.Changed, c.look = true, true
		c.answers[number] = a
		l.Due = time.Time{}
		c.legs[number] = l
		done.Unavoidable = s.halt(c, number)
		c.leaving[number] = max(c.leaving[number], done.Unavoidable)
		s.acts = append(s.acts, act)
		return nil
	})
	return done, err
}

// halt stops what has not left to one person, and counts what is leaving.
func (s *Callouts) halt(c *calling, number uint32) (leaving int) {
	for _, p := range c.paged[number] {
		k := pageKey{p.Record, p.Channel, p.Ordinal}
		s.halted[k] = true
		if s.states[k] == broadcast.Trying {
			leaving++
		}
	}
	return leaving
}

// Attend implements [callout.Store].
func (s *Callouts) Attend(_ context.Context, id alerts.ID, number uint32, act *alerts.Act, edit func(*volunteers.Presence) (bool, error)) error {
	return s.of("attend", id, func(c *calling) error {
		p := c.present[number]
		was := p.Arrived.IsZero()
		changed, err := edit(&p)
		if err != nil || !changed {
			return err
		}
		c.present[number] = p
		if is := p.Arrived.IsZero(); c.open && is != was {
			if l, called := c.legs[number]; called && !is {
				l.Due = time.Time{}
				c.legs[number] = l
				s.halt(c, number)
			}
			c.token, c.look = "", true
		}
		if act != nil {
			s.acts = append(s.acts, *act)
		}
		return nil
	})
}

// Hurry implements [callout.Store].
func (s *Callouts) Hurry(_ context.Context, id alerts.ID, steps map[uint32]int, now time.Time) error {
	return s.of("hurry", id, func(c *calling) error {
		for number, step := range steps {
			if l, called := c.legs[number]; called && c.open && l.Step == step && l.Held.IsZero() && l.Due.After(now) {
				l.Due = now
				c.legs[number] = l
			}
		}
		return nil
	})
}

// Sheet implements [callout.Store].
func (s *Callouts) Sheet(_ context.Context, id alerts.ID) (all []callout.Entry, err error) {
	err = s.of("sheet", id, func(c *calling) error {
		numbers := map[uint32]bool{}
		for n := range c.legs {
			numbers[n] = true
		}
		for n := range c.answers {
			numbers[n] = true
		}
		for n := range c.present {
			numbers[n] = true
		}
		for _, n := range slices.Sorted(maps.Keys(numbers)) {
			e := callout.Entry{Number: n, Pages: slices.Clone(c.paged[n]), Presence: c.present[n], Unavoidable: c.leaving[n]}
			if l, called := c.legs[n]; called {
				e.Leg = &l
			}
			if a, answered := c.answers[n]; answered {
				e.Answer = &a
			}
			all = append(all, e)
		}
		return nil
	})
	return all, err
}

// next is when a call needs looking at; zero: never.
func (c *calling) next() (at time.Time) {
	at = c.due
	for _, l := range c.legs {
		if !l.Due.IsZero() && (at.IsZero() || l.Due.Before(at)) {
			at = l.Due
		}
	}
	return at
}

// Take implements [callout.Store].
func (s *Callouts) Take(_ context.Context, now time.Time, lease time.Duration) (round *callout.Round, err error) {
	err = s.do("take", func() error {
		var found *calling
		for _, c := range s.newest() {
			next := c.next()
			isDue := c.look || !next.IsZero() && !next.After(now)
			if c.token != "" {
				isDue = !c.until.After(now)
			}
			if isDue {
				found = c // the oldest of them
			}
		}
		if found == nil {
			return alerts.ErrNotFound
		}
		s.tokens++
		found.token, found.until, found.look = fmt.Sprintf("token %d", s.tokens), now.Add(lease), false
		round = &callout.Round{Call: found.read(), Answers: maps.Clone(found.answers), Here: maps.Clone(found.present), Token: found.token}
		for _, l := range found.legs {
			if !l.Due.IsZero() && !l.Due.After(now) {
				round.Legs = append(round.Legs, l)
			}
		}
		slices.SortFunc(round.Legs, func(a, b volunteers.Leg) int {
			return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Number, b.Number))
		})
		round.Legs = round.Legs[:min(len(round.Legs), callout.RoundSize)]
		return nil
	})
	return round, err
}

// errRound is the error for a page that is none of its round.
var errRound = errors.New("the page does not fit its round")

// Page implements [callout.Store].
func (s *Callouts) Page(_ context.Context, r *callout.Round, p *callout.Page, legs []volunteers.Leg, next time.Time) error {
	return s.of("page", r.Call.ID, func(c *calling) error {
		if c.token == "" || c.token != r.Token {
			return alerts.ErrStale
		}
		began := map[uint32]volunteers.Leg{}
		for _, l := range r.Legs {
			began[l.Number] = l
		}
		for _, l := range legs {
			was, taken := began[l.Number]
			is, called := c.legs[l.Number]
			if !taken || !called || was.Step != is.Step {
				return alerts.ErrStale
			}
		}
		for _, number := range r.Halt {
			s.halt(c, number)
		}
		if p != nil {
			if p.Record.Call != r.Call.ID || p.Record.Alert.Scope != alerts.ScopeRestricted {
				return errRound
			}
			s.publish(c, r, p)
		}
		for _, l := range legs {
			if _, answered := c.answers[l.Number]; answered {
				l.Due = time.Time{}
			}
			c.legs[l.Number] = l
		}
		c.token, c.due = "", next
		if !c.open {
			c.due = time.Time{}
		}
		return nil
	})
}

// publish lets a page leave, but not to those who said something else since the
// round began.
func (s *Callouts) publish(c *calling, r *callout.Round, p *callout.Page) {
	s.pages = append(s.pages, p)
	s.acts = append(s.acts, p.Act)
	c.records[p.Record.ID] = true
	for _, span := range p.Spans {
		for i, number := range span.People {
			k := pageKey{p.Record.ID, span.Channel, span.From + uint32(i)}
			s.states[k] = broadcast.Queued
			was, had := r.Answers[number]
			is, has := c.answers[number]
			if had != has || was != is {
				s.halted[k] = true
				continue
			}
			c.paged[number] = append(c.paged[number], callout.Paged{Record: k.record, Channel: k.channel, Ordinal: k.ordinal, At: p.Record.Published})
		}
	}
}

// Lag implements [callout.Store].
func (s *Callouts) Lag(_ context.Context, now time.Time) (lag time.Duration, err error) {
	err = s.do("lag", func() error {
		for _, c := range s.calls {
			if at := c.next(); c.open && !at.IsZero() {
				lag = max(lag, now.Sub(at))
			}
		}
		return nil
	})
	return lag, err
}

// Forget implements [callout.Store].
func (s *Callouts) Forget(_ context.Context, number uint32) error {
	return s.do("forget", func() error {
		for _, c := range s.calls {
			s.halt(c, number)
			delete(c.legs, number)
			delete(c.answers, number)
			delete(c.present, number)
			delete(c.paged, number)
			delete(c.leaving, number)
			c.messages = slices.DeleteFunc(c.messages, func(m callout.Message) bool { return m.Number == number })
			c.look = c.look || c.open
		}
		return nil
	})
}

// mostMessages is how many messages of a call are kept; of more, the newest.
const mostMessages = 500

// Message implements [callout.Store].
func (s *Callouts) Message(_ context.Context, id alerts.ID, m callout.Message) error {
	return s.of("message", id, func(c *calling) error {
		c.messages = append(c.messages, m)
		c.messages = c.messages[max(0, len(c.messages)-mostMessages):]
		return nil
	})
}

// Messages implements [callout.Store].
func (s *Callouts) Messages(_ context.Context, id alerts.ID) (all []callout.Message, err error) {
	err = s.of("messages", id, func(c *calling) error {
		all = slices.Clone(c.messages)
		return nil
	})
	return all, err
}
