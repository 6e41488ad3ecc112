package callout_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/callout"
	"martinella/channels"
)

// TestSimulationOfCalls runs calls on several nodes through made-up misfortune,
// each seed another: nodes that die between two writes and come back, outages of
// all of them, clocks that differ and jump by minutes or a month, a store that
// loses questions and answers, people who answer, change their minds, stop a
// contact or are erased, coordinators who call more and end it, nodes that stand
// still for longer than their lease. Each step must
// fire once, in order, in time, or never; nothing may ask anybody to come after
// their answer, the end or the time; and all of it must come to an end.
// TEST_SEEDS sets how many seeds (100), TEST_SEED runs a single one.
func TestSimulationOfCalls(t *testing.T) {
	simulate(t, 100, 1, 20*time.Second, func(testing.TB) books { return broadcasttest.NewCallouts() })
}

// simulate runs so many seeds, unless TEST_SEEDS says another number, of which it
// runs the given part, each on a store of its own. The nodes look again after at
// most pause.
func simulate(t *testing.T, seeds, part int, pause time.Duration, open func(testing.TB) books) {
	t.Helper()
	first := uint64(1)
	if n, err := strconv.Atoi(os.Getenv("TEST_SEEDS")); err == nil {
		seeds = max(n/part, 1)
	}
	if n, err := strconv.ParseUint(os.Getenv("TEST_SEED"), 10, 64); err == nil {
		seeds, first = 1, n
	}
	var all tally
	var mu sync.Mutex
	next := first
	t.Run("seeds", func(t *testing.T) {
		for part := range runtime.GOMAXPROCS(0) {
			t.Run(strconv.Itoa(part), func(t *testing.T) {
				t.Parallel()
				for !t.Failed() {
					mu.Lock()
					seed := next
					next++
					mu.Unlock()
					if seed >= first+uint64(seeds) {
						return
					}
					w := newWorld(t, seed, pause, open(t))
					w.run()
					mu.Lock()
					all.add(w.tally)
					mu.Unlock()
					if t.Failed() {
						t.Fatalf("run it again with TEST_SEED=%d", seed)
					}
				}
			})
		}
	})
	t.Logf("%d seeds: %+v", seeds, all)
	if seeds >= 15 && (all.Steps == 0 || all.Stalled == 0 || all.Taken == 0 || all.Answered == 0 || all.Late == 0 || all.Filled == 0 || all.Needed == 0 || all.Arrived == 0 || all.Cancelled == 0 || all.Closed == 0 || all.Expired == 0 || all.Lost == 0 || seeds >= 1000 && all.Whole == 0) {
		t.Errorf("something was never tried: %+v", all)
	}
}

// tally is what happened, so that nobody takes an idle world for a good one.
type tally struct{ Steps, Answered, Late, Filled, Needed, Cancelled, Closed, Expired, Waves, Arrived, Lost, Whole, Stalled, Taken int }

func (a *tally) add(b tally) {
	a.Steps += b.Steps
	a.Answered += b.Answered
	a.Late += b.Late
	a.Filled += b.Filled
	a.Needed += b.Needed
	a.Cancelled += b.Cancelled
	a.Closed += b.Closed
	a.Expired += b.Expired
	a.Waves += b.Waves
	a.Arrived += b.Arrived
	a.Lost += b.Lost
	a.Whole += b.Whole
	a.Stalled += b.Stalled
	a.Taken += b.Taken
}

// books are a store that shows what it was told.
type books interface {
	callout.Store
	Published() []*callout.Page // the oldest first
	Acts() []alerts.Act
}

// world is what one seed makes of everything outside the engine.
type world struct {
	*town
	store books // in place of the town's
	pause time.Duration
	*rand.Rand
	tally tally
	calm  bool // nothing goes wrong
	nodes []*node
	acts  *node // of people: its clock is right
	calls []alerts.ID
	// What a person was asked, in order, by call: indexes of their leg's kinds.
	asked    map[alerts.ID]map[uint32][]string
	told     map[string]int // how often somebody was told that it is over or filled
	answered map[alerts.ID]map[uint32]bool
	over     map[alerts.ID]bool
	kinds    map[alerts.ID]map[uint32][]string
	touched  map[uint32]bool // stopped a contact, was erased: their legs may end early
	faults   bool
	still    bool // a node stands still, and the world goes on
}

// node is one engine with its clock.
type node struct {
	*callout.Callouts
	w    *world
	skew time.Duration
	away time.Time // until then it is dead
}

func newWorld(t *testing.T, seed uint64, pause time.Duration, store books) *world {
	w := &world{town: newTown(t, nil), store: store, pause: pause, Rand: rand.New(rand.NewPCG(seed, 15)), asked: map[alerts.ID]map[uint32][]string{}, told: map[string]int{},
		answered: map[alerts.ID]map[uint32]bool{}, over: map[alerts.ID]bool{}, kinds: map[alerts.ID]map[uint32][]string{}, touched: map[uint32]bool{}}
	w.calm = seed%4 == 0
	w.acts = w.node()
	for range 1 + w.IntN(3) {
		w.nodes = append(w.nodes, w.node())
	}
	for range 5 + w.IntN(25) {
		n := w.volunteer()
		m := w.roll.people[n]
		if w.percent(25) {
			from := w.IntN(6 * 60)
			m.Quiet = &broadcast.Hours{From: fmt.Sprintf("%02d:%02d", 12+from/60, from%60), To: fmt.Sprintf("%02d:%02d", 13+from/60, from%60)}
			w.touched[n] = true // the call may end before they wake
		}
		m.Language = []string{"it", "de", "xx", ""}[w.IntN(4)]
		for _, kind := range []string{"push", "phone", "email"} {
			if w.percent(25) && len(m.Contacts) > 1 {
				delete(m.Contacts, kind)
			}
		}
	}
	return w
}

func (w *world) percent(n int) bool { return w.IntN(100) < n }

func (w *world) node() *node {
	n := &node{w: w}
	n.start()
	return n
}

// start is a new process: it remembers nothing.
func (n *node) start() {
	c := n.w.config()
	c.Store = &hazard{Store: n.w.store, n: n}
	c.Now = n.now
	n.Callouts = callout.New(c, prometheus.NewRegistry())
}

func (n *node) now() time.Time { return n.w.now().Add(n.skew) }

// errLost is what the store says where nobody knows.
var errLost = fmt.Errorf("lost: %w", alerts.ErrUnavailable)

// run is one history.
func (w *world) run() {
	horizon := w.now().Add(time.Duration(4+w.IntN(8)) * time.Hour)
	w.faults = !w.calm
	w.begin()
	for w.now().Before(horizon) {
		w.misfortune()
		w.people()
		for _, n := range w.nodes {
			if n.away.After(w.now()) {
				continue
			}
			for range 5 {
				if found, _ := n.Step(w.t.Context()); !found {
					break
				}
			}
			if w.percent(5) {
				n.Sweep(w.t.Context())
			}
		}
		w.pass(time.Duration(1+w.Int64N(w.pause.Milliseconds())) * time.Millisecond)
	}
	// Then all is well again, and every call must come to its end.
	w.faults = false
	for _, n := range w.nodes {
		n.skew, n.away = 0, time.Time{}
	}
	w.pass(24 * time.Hour)
	for range 200 {
		w.pass(lease)
		for _, n := range w.nodes {
			_, err := n.Step(w.t.Context())
			if err != nil {
				w.t.Fatal(err)
			}
		}
	}
	w.end()
}

const lease = 21 * time.Second

// begin opens the calls, as often as it takes.
func (w *world) begin() {
	for range 1 + w.IntN(2) {
		d := w.draft(1 + w.IntN(4))
		d.ID = alerts.ID(fmt.Sprintf("01HF00000000000000000000%02d", len(w.calls)))
		d.Until = w.now().Add(time.Duration(30+w.IntN(400)) * time.Minute)
		d.Meet = w.now().Add(10 * time.Minute)
		d.Urgent = w.percent(50)
		if w.percent(50) {
			d.Second = volunteers.Second{After: time.Duration(5+w.IntN(20)) * time.Minute, Auto: w.percent(60), Most: w.IntN(6)}
		}
		for range 50 {
			if _, err := w.acts.Open(w.t.Context(), anna, d); err == nil {
				break
			}
		}
		c, err := w.store.Call(w.t.Context(), d.ID)
		if errors.Is(err, callout.ErrOver) || err != nil { // everybody is busy or cannot be reached
			continue
		}
		w.calls = append(w.calls, c.ID)
		w.asked[c.ID], w.answered[c.ID] = map[uint32][]string{}, map[uint32]bool{}
	}
}

// misfortune strikes nodes and clocks.
func (w *world) misfortune() {
	if w.calm {
		return
	}
	n := w.nodes[w.IntN(len(w.nodes))]
	switch w.IntN(400) {
	case 0, 1, 2:
		n.start()
	case 3, 4:
		n.away = w.now().Add(time.Duration(w.IntN(600)) * time.Second)
		n.start()
	case 5: // all of them
		until := w.now().Add(time.Duration(w.IntN(90)) * time.Minute)
		for _, n := range w.nodes {
			n.away = until
			n.start()
		}
	case 6, 7:
		n.skew = time.Duration(w.IntN(20_000)-10_000) * time.Millisecond
	case 8:
		n.skew = time.Duration(w.IntN(120)-60) * time.Minute
	case 9:
		if w.percent(20) {
			n.skew = []time.Duration{-30 * 24 * time.Hour, 30 * 24 * time.Hour}[w.IntN(2)]
		}
	case 10, 11, 12, 13:
		n.skew = 0
	}
}

// people do what they do.
func (w *world) people() {
	ctx := w.t.Context()
	if len(w.calls) == 0 {
		return
	}
	c, err := w.store.Call(ctx, w.calls[w.IntN(len(w.calls))])
	if err != nil {
		w.t.Fatal(err)
	}
	number := uint32(1 + w.IntN(int(w.roll.last)))
	switch {
	case w.percent(6):
		a := volunteers.Answer{Kind: []volunteers.AnswerKind{volunteers.Coming, volunteers.Maybe, volunteers.Cannot, volunteers.Cannot}[w.IntN(4)], Minutes: w.IntN(60)}
		var err error
		if w.percent(50) {
			_, err = w.acts.Answer(ctx, w.link(number, c), a)
		} else {
			_, err = w.acts.AnswerFor(ctx, anna, c.ID, number, a)
		}
		if err == nil {
			w.tally.Answered++
		}
	case w.IntN(60) == 0:
		mark := []volunteers.Mark{volunteers.MarkArrived, volunteers.MarkArrived, volunteers.MarkUndo, volunteers.MarkLeft}[w.IntN(4)]
		if w.acts.AttendFor(ctx, anna, c.ID, number, mark) == nil && mark == volunteers.MarkArrived {
			w.touched[number] = true // their pages have ended
			w.tally.Arrived++
		}
	case w.IntN(800) == 0:
		w.finish()
	case w.IntN(300) == 0:
		_, _, _ = w.acts.Wave(ctx, anna, c.ID, len(c.Waves), 1+w.IntN(5))
	case w.IntN(600) == 0 && w.roll.people[number] != nil:
		w.touched[number] = true
		changed := *w.roll.people[number]
		changed.Stopped = map[string]time.Time{[]string{"push", "phone", "email"}[w.IntN(3)]: w.now()}
		w.roll.people[number] = &changed
	case w.IntN(1500) == 0:
		w.touched[number] = true
		delete(w.roll.people, number)
		_ = w.store.Forget(ctx, number)
	}
}

// finish is a coordinator who ends a call.
func (w *world) finish() {
	id := w.calls[w.IntN(len(w.calls))]
	state := []volunteers.State{volunteers.StateClosed, volunteers.StateCancelled}[w.IntN(2)]
	_, _ = w.acts.End(w.t.Context(), anna, id, state, "grazie") // a lost answer is as good as none: they look again
}

// end looks at how everything stands in the end.
func (w *world) end() {
	t, ctx := w.t, w.t.Context()
	if lag, err := w.store.Lag(ctx, w.now()); err != nil || lag > 0 {
		t.Errorf("something is due for ever: %v, %v", lag, err)
	}
	if r, err := w.store.Take(ctx, w.now(), time.Second); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("a round is left: %+v, %v", r, err)
	}
	verbs := map[alerts.ID]map[string]int{}
	for _, a := range w.store.Acts() {
		if verbs[a.Event] == nil {
			verbs[a.Event] = map[string]int{}
		}
		verbs[a.Event][a.Verb]++
	}
	for _, id := range w.calls {
		c, err := w.store.Call(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		w.tally.Waves += len(c.Waves) - 1
		v := verbs[id]
		if v["called"] != 1 || v["closed"]+v["cancelled"]+v["expired"] != 1 || v["wave"] != len(c.Waves)-1 {
			t.Errorf("the acts of a call are %v, its waves %d", v, len(c.Waves))
		}
		w.tally.Closed += v["closed"]
		w.tally.Cancelled += v["cancelled"]
		w.tally.Expired += v["expired"]
		sheet, err := w.store.Sheet(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range sheet {
			w.person(c, e, v["filled"] > 0)
		}
	}
}

// person looks at one person of a call that is over.
func (w *world) person(c *volunteers.Call, e callout.Entry, filled bool) {
	if e.Leg == nil {
		return
	}
	if !e.Leg.Due.IsZero() {
		w.t.Errorf("person %d is still due at %v in a call that is over", e.Number, e.Leg.Due)
	}
	// In a calm world nobody who is silent is left out, if there was time.
	asked := w.asked[c.ID][e.Number]
	if !w.calm || filled || e.Answer != nil || w.touched[e.Number] || c.Ended.Sub(e.Leg.Begun) < 20*time.Minute {
		return
	}
	w.tally.Whole++
	if !slices.Equal(asked, e.Leg.Kinds) {
		w.t.Errorf("person %d was asked over %v, has %v", e.Number, asked, e.Leg.Kinds)
	}
}

// hazard is the store as one node sees it: it loses questions and answers, and
// holds every page against the rules.
type hazard struct {
	callout.Store
	n *node
}

// kindOf is what a page is for.
func kindOf(p *callout.Page) channels.PageKind {
	var kind string
	_, _ = fmt.Sscan(p.Messages[0].Text, &kind)
	return channels.PageKind(kind)
}

// lose runs one operation, whose question or answer may be lost.
func (h *hazard) lose(op func() error) error {
	w := h.n.w
	if w.faults && w.percent(3) {
		w.tally.Lost++
		return errLost
	}
	if err := op(); err != nil {
		return err
	}
	if w.faults && w.percent(3) {
		w.tally.Lost++
		return errLost
	}
	return nil
}

func (h *hazard) Open(ctx context.Context, c *volunteers.Call, legs []volunteers.Leg, act alerts.Act) (out *volunteers.Call, err error) {
	err = h.lose(func() (err error) {
		out, err = h.Store.Open(ctx, c, legs, act)
		return err
	})
	return out, err
}

func (h *hazard) Change(ctx context.Context, id alerts.ID, legs []volunteers.Leg, act *alerts.Act, edit func(*volunteers.Call) error) (out *volunteers.Call, err error) {
	err = h.lose(func() (err error) {
		out, err = h.Store.Change(ctx, id, legs, act, edit)
		return err
	})
	return out, err
}

func (h *hazard) Answer(ctx context.Context, id alerts.ID, number uint32, a volunteers.Answer, act alerts.Act) (out callout.Answered, err error) {
	err = h.lose(func() (err error) {
		out, err = h.Store.Answer(ctx, id, number, a, act)
		return err
	})
	return out, err
}

func (h *hazard) Take(ctx context.Context, now time.Time, lease time.Duration) (out *callout.Round, err error) {
	err = h.lose(func() (err error) {
		out, err = h.Store.Take(ctx, now, lease)
		return err
	})
	return out, err
}

func (h *hazard) Sheet(ctx context.Context, id alerts.ID) (out []callout.Entry, err error) {
	err = h.lose(func() (err error) {
		out, err = h.Store.Sheet(ctx, id)
		return err
	})
	return out, err
}

func (h *hazard) Page(ctx context.Context, r *callout.Round, p *callout.Page, legs []volunteers.Leg, next time.Time) error {
	return h.lose(func() error {
		decided := h.n.now()
		stalled := h.n.stall()
		before := len(h.n.w.store.Published())
		err := h.Store.Page(ctx, r, p, legs, next)
		if len(h.n.w.store.Published()) > before {
			h.n.w.judge(decided, r, p)
		}
		if stalled && errors.Is(err, alerts.ErrStale) {
			h.n.w.tally.Taken++
		}
		if err == nil && p == nil {
			for _, l := range r.Legs {
				if decided.Sub(l.Due) > volunteers.Late {
					h.n.w.tally.Late++
				}
			}
		}
		return err
	})
}

// stall lets a node stand still now and then, between what it decided and what
// it writes, until its lease has ended: others carry the same call meanwhile, and
// people answer or end it.
func (n *node) stall() bool {
	w := n.w
	if !w.faults || w.still || !w.percent(10) {
		return false
	}
	w.still = true
	defer func() { w.still = false }()
	w.tally.Stalled++
	w.pass(lease)
	for range 1 + w.IntN(20) {
		w.people()
	}
	if w.percent(10) {
		w.finish()
	}
	for _, other := range w.nodes {
		if other != n && !other.away.After(w.now()) {
			for range 1 + w.IntN(3) {
				_, _ = other.Step(w.t.Context()) // the store may lose it
			}
		}
	}
	return true
}

// judge looks at a page that leaves, and that was decided at now by the clock of
// its node.
func (w *world) judge(now time.Time, r *callout.Round, p *callout.Page) {
	t, id := w.t, r.Call.ID
	kind := kindOf(p)
	c, err := w.store.Call(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := w.store.Sheet(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	people := map[uint32]callout.Entry{}
	for _, e := range sheet {
		people[e.Number] = e
	}
	due := map[uint32]volunteers.Leg{}
	for _, l := range r.Legs {
		due[l.Number] = l
	}
	again := 0 // who is asked again
	defer func() {
		if most := volunteers.DefaultTimes * c.Needed(); again > most {
			t.Errorf("%d people are asked again, at most %d can be missing", again, most)
		}
	}()
	for _, span := range p.Spans {
		for _, number := range span.People {
			e, there := people[number]
			reaches := there && slices.ContainsFunc(e.Pages, func(one callout.Paged) bool { return one.Record == p.Record.ID && one.Channel == span.Channel })
			if !reaches {
				continue // they answered meanwhile: the store leaves them out
			}
			if late := now.Sub(c.Ended); c.State != volunteers.StateOpen && (late > volunteers.Late || late < -volunteers.Late) {
				t.Errorf("person %d is told %s %v after the end", number, kind, late)
			}
			if kind != channels.PageCall {
				told := func(kind channels.PageKind) string { return fmt.Sprintf("%s %s %d", id, kind, number) }
				if kind == channels.PageCancelled || kind == channels.PageNeeded && e.Answer != nil && e.Answer.Kind == volunteers.Coming {
					told = func(kind channels.PageKind) string { return fmt.Sprintf("%s %s %d %s", id, kind, number, span.Channel) }
				}
				w.told[told(kind)]++
				most := 1
				switch kind {
				case channels.PageFilled: // again, once they were asked again
					most += c.Gaps
				case channels.PageNeeded:
					most = c.Gaps
				}
				if w.told[told(kind)] > most {
					t.Errorf("person %d was told %d times: %s, of %d gaps", number, w.told[told(kind)], kind, c.Gaps)
				}
			}
			switch kind {
			case channels.PageCall:
				w.call(c, e, due[number], span.Channel, now)
			case channels.PageFilled:
				w.tally.Filled++
				if c.State != volunteers.StateOpen || e.Answer != nil && e.Answer.Kind != volunteers.Maybe {
					t.Errorf("told that enough come in a call that is %s, after the answer %+v", c.State, e.Answer)
				}
			case channels.PageNeeded:
				w.tally.Needed++
				if e.Answer == nil || e.Answer.Kind == volunteers.Maybe {
					again++
				}
				if c.State != volunteers.StateOpen || e.Answer != nil && e.Answer.Kind == volunteers.Cannot || !e.Presence.Arrived.IsZero() || !now.Before(c.Until) {
					t.Errorf("told at %v that a place is free in a call that is %s, after the answer %+v", now, c.State, e.Answer)
				}
			case channels.PageClosed:
				if c.State != volunteers.StateClosed || e.Presence.Arrived.IsZero() && (e.Answer == nil || e.Answer.Kind != volunteers.Coming) {
					t.Errorf("thanked in a call that is %s, after the answer %+v", c.State, e.Answer)
				}
			case channels.PageCancelled:
				if c.State != volunteers.StateCancelled || e.Presence.Arrived.IsZero() && e.Answer != nil && e.Answer.Kind == volunteers.Cannot {
					t.Errorf("called back in a call that is %s, after the answer %+v", c.State, e.Answer)
				}
			default:
				t.Errorf("a page of kind %q", kind)
			}
		}
	}
}

// call looks at one page that asks somebody to come.
func (w *world) call(c *volunteers.Call, e callout.Entry, leg volunteers.Leg, channel string, now time.Time) {
	w.tally.Steps++
	t := w.t
	switch {
	case c.State != volunteers.StateOpen:
		t.Errorf("person %d is paged in a call that is %s", e.Number, c.State)
	case !c.Urgent && w.roll.people[e.Number] != nil && w.roll.people[e.Number].Quiet.Hold(now.In(rome)):
		t.Errorf("person %d is paged at %v, in quiet hours", e.Number, now)
	case !e.Presence.Arrived.IsZero():
		t.Errorf("person %d is paged who is there since %v", e.Number, e.Presence.Arrived)
	case e.Answer != nil:
		t.Errorf("person %d is paged after the answer %+v", e.Number, e.Answer)
	case !now.Before(c.Until):
		t.Errorf("person %d is paged at %v, which is after %v", e.Number, now, c.Until)
	case leg.Due.IsZero() || leg.Due.After(now):
		t.Errorf("person %d is paged before the time: due %v, now %v", e.Number, leg.Due, now)
	case now.Sub(leg.Due) > volunteers.Late && !now.Before(c.Meet):
		t.Errorf("person %d is paged %v late", e.Number, now.Sub(leg.Due))
	}
	kind := map[string]string{"push": "push", "sms": "phone", "mail": "email"}[channel]
	before := w.asked[c.ID][e.Number]
	at := slices.Index(leg.Kinds, kind)
	if at < leg.Step || len(before) > 0 && slices.Index(leg.Kinds, before[len(before)-1]) >= at {
		t.Errorf("person %d is paged over %s after %v, the step is %d of %v", e.Number, kind, before, leg.Step, leg.Kinds)
	}
	w.asked[c.ID][e.Number] = append(before, kind)
}

var _ broadcast.Replies = (*callout.Callouts)(nil).Reply
