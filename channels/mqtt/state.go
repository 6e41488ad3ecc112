package mqtt

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"martinella/alerts"
	"martinella/channels"
)

// settle brings the state topics of the event to what m says. From the second
// revision on it asks the broker where the event still stands, which is the only
// memory that survives a restart, and clears what m does not hold. A broker that
// does not let us read is believed as far as our own memory goes; the note says
// so, and what is left over ends with its own expiry.
func (c *Channel) settle(ctx context.Context, s *session, m channels.Message, say said) (results []result, notes []string, err error) {
	var present []string // where the event stands from now on
	var all []*paho.Publish
	for _, a := range say.areas {
		topic := say.tree.state(a.levels, say.event)
		if over(m) {
			all = append(all, say.publish(topic, nil, true))
			continue
		}
		present = append(present, topic)
		all = append(all, say.publish(topic, say.payload, true))
	}
	if m.Revision <= 1 {
		results = publishAll(ctx, s, all)
		c.placed.note(m, present)
		return results, nil, nil
	}
	select {
	case c.cleaning <- struct{}{}:
		defer func() { <-c.cleaning }()
	case <-ctx.Done():
		return nil, nil, channels.Uncertain(fmt.Errorf("wait for another message: %w", context.Cause(ctx)))
	}
	old := c.placed.of(m.Event)
	w := &watch{tree: say.tree, event: say.event, echo: all[len(all)-1].Topic, empty: over(m), came: make(chan struct{}), stands: map[string]bool{}}
	blind := !c.look(ctx, s, w)
	results = publishAll(ctx, s, all)
	found, seen := c.found(ctx, s, w, blind)
	if !seen {
		notes = append(notes, "the broker does not let the gateway read "+say.tree.states("EVENT")+": boards in areas that the alert has left may keep it until it expires")
	}
	var stale []*paho.Publish
	for _, topic := range slices.Compact(slices.Sorted(slices.Values(append(found, old...)))) {
		if !slices.Contains(present, topic) && say.tree.holds(topic, say.event) {
			stale = append(stale, say.publish(topic, nil, true))
		}
	}
	results = append(results, publishAll(ctx, s, stale)...)
	if c.judge(m, results) == nil {
		c.placed.note(m, present)
	} else {
		c.placed.note(m, append(present, old...))
	}
	return results, notes, nil
}

// watch collects where an event stands. It ends when the last publication of our
// own comes back: what was retained came before it.
type watch struct {
	tree  tree
	event string
	echo  string // the topic of that publication
	empty bool   // which is empty

	mu     sync.Mutex
	stands map[string]bool
	came   chan struct{}
	once   sync.Once
}

// mostStates bounds what one event may have left behind.
const mostStates = 20_000

// look subscribes to the event's state topics and reports whether the broker
// allows that.
func (c *Channel) look(ctx context.Context, s *session, w *watch) bool {
	c.watch.Store(w)
	ctx, stop := s.within(ctx)
	defer stop()
	_, err := s.client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: w.tree.states(w.event), QoS: 1}}})
	return err == nil
}

// found waits for the echo and gives where the event stood; seen is false where
// nothing came.
func (c *Channel) found(ctx context.Context, s *session, w *watch, blind bool) (topics []string, seen bool) {
	defer c.watch.Store(nil)
	if blind {
		return nil, false
	}
	limit := time.NewTimer(c.times.echo)
	defer limit.Stop()
	select {
	case <-w.came:
		// Some brokers send what is retained beside, not before, what is new.
		limit.Reset(c.times.settle)
		select {
		case <-limit.C:
		case <-s.client.Done():
		case <-ctx.Done():
		}
		seen = true
	case <-limit.C:
	case <-s.client.Done():
	case <-ctx.Done():
	}
	if s.alive() {
		// Its answer is of no interest: the subscription ends with the connection.
		limited, stop := s.within(ctx)
		defer stop()
		_, _ = s.client.Unsubscribe(limited, &paho.Unsubscribe{Topics: []string{w.tree.states(w.event)}})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for topic := range w.stands {
		topics = append(topics, topic)
	}
	return topics, seen
}

// retained takes what the broker sends to the publishing connection.
func (c *Channel) retained(_ *paho.Client, p *paho.Publish) {
	w := c.watch.Load()
	if w == nil || !w.tree.holds(p.Topic, w.event) {
		return
	}
	w.mu.Lock()
	if len(p.Payload) == 0 {
		delete(w.stands, p.Topic)
	} else if len(w.stands) < mostStates {
		w.stands[p.Topic] = true
	}
	w.mu.Unlock()
	// A state that was retained earlier has the flag; what we say now has not.
	if p.Topic == w.echo && !p.Retain && (len(p.Payload) == 0) == w.empty {
		w.once.Do(func() { close(w.came) })
	}
}

// placed remembers the newest revision of an event that was said here, and where
// it stands, for brokers that do not let us read. Its methods may be called at
// once.
type placed struct {
	mu     sync.Mutex
	events map[alerts.ID]*standing
	order  []alerts.ID // the oldest first
}

type standing struct {
	revision int
	topics   []string
	turn     chan struct{} // holds a token while a message of the event is said
}

// mostEvents bounds the memory; the oldest are forgotten.
const mostEvents = 512

// turn waits until no other message of the event is being said: a board must not
// get the alert after its Cancel, because both were on their way at once. Call
// done afterwards. The error means that nothing was said.
func (p *placed) turn(ctx context.Context, event alerts.ID) (done func(), err error) {
	p.mu.Lock()
	turn := p.event(event).turn
	p.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another message of the event: %w", context.Cause(ctx))
	}
}

// event gives what is known of an event, for the first time nothing; the lock is
// held.
func (p *placed) event(id alerts.ID) *standing {
	e := p.events[id]
	if e == nil {
		if p.events == nil {
			p.events = map[alerts.ID]*standing{}
		}
		if len(p.order) >= mostEvents {
			delete(p.events, p.order[0])
			p.order = p.order[1:]
		}
		e = &standing{turn: make(chan struct{}, 1)}
		p.events[id], p.order = e, append(p.order, id)
	}
	return e
}

// begin reports whether m is no older than what was said of its event.
func (p *placed) begin(m channels.Message) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.event(m.Event)
	if m.Revision < e.revision {
		return false
	}
	e.revision = m.Revision
	return true
}

func (p *placed) note(m channels.Message, topics []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.events[m.Event]; e != nil && e.revision == m.Revision {
		e.topics = topics
	}
}

func (p *placed) of(event alerts.ID) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.events[event]; e != nil {
		return slices.Clone(e.topics)
	}
	return nil
}
