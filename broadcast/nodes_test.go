package broadcast_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/rdb"
	"martinella/channels"
)

// carrierOf is one node's end of a channel. What all nodes handed to the
// platform stands in one list.
type carrierOf struct {
	name, kind string
	render     func(*alerts.Record) error
	send       func(ctx context.Context, m channels.Message) error
	to         *handed
}

// handed is what a platform was given, in order.
type handed struct {
	mu   sync.Mutex
	list []handing
}

type handing struct {
	key    string
	change alerts.Change
	at     time.Time
}

// after counts what of a change was handed over after a moment.
func (h *handed) after(change alerts.Change, at time.Time) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range h.list {
		if one.change == change && one.at.After(at) {
			n++
		}
	}
	return n
}

// doubles counts the recipients that got a message more than once.
func (h *handed) doubles() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	times := map[string]int{}
	for _, one := range h.list {
		if times[one.key]++; times[one.key] == 2 {
			n++
		}
	}
	return n
}

func (c *carrierOf) Name() string        { return c.name }
func (c *carrierOf) AddressKind() string { return c.kind }

func (c *carrierOf) Render(r *alerts.Record) ([]channels.Message, error) {
	if c.render != nil {
		if err := c.render(r); err != nil {
			return nil, err
		}
	}
	return []channels.Message{{Audience: "public", Language: "it", Text: r.Alert.Infos[0].Headline}}, nil
}

func (c *carrierOf) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	if c.send != nil {
		if err := c.send(ctx, m); err != nil {
			return channels.Receipt{}, err
		}
	}
	c.to.mu.Lock()
	defer c.to.mu.Unlock()
	c.to.list = append(c.to.list, handing{m.Key, m.Change, time.Now()})
	return channels.Receipt{ID: m.Key}, nil
}

// town is a store in this process with several nodes.
type town struct {
	t      *testing.T
	dir    string
	shared *rdb.Shared
	to     handed
}

// townsman is a node of it.
type townsman struct {
	*gateway
	town     *town
	queues   *broadcast.Queues
	dispatch *broadcast.Dispatcher
	metrics  *prometheus.Registry
}

// inTown runs a test in a bubble with a town.
func inTown(t *testing.T, f func(t *testing.T, w *town)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &town{t: t, dir: dir, shared: rdb.NewShared()}
		defer w.shared.Close()
		f(t, w)
	})
}

// join opens a node with one channel; it does nothing before run.
func (w *town) join(c *carrierOf) *townsman {
	w.t.Helper()
	c.to = &w.to
	store, err := rdb.Open(w.t.Context(), rdb.Config{Redis: rdb.Memory, Authority: "valdemo", Shared: w.shared, DataDir: w.dir}, zap.NewNop())
	if err != nil {
		w.t.Fatal(err)
	}
	route := broadcast.Route{Channel: c, Exercise: true, Memory: true}
	log, queues, metrics := zap.NewNop(), broadcast.NewQueues(store), prometheus.NewRegistry()
	numbers := broadcast.NewMetrics(metrics, []string{c.name})
	n := &townsman{town: w, queues: queues, metrics: metrics, gateway: &gateway{store: store, planner: &broadcast.Planner{Routes: []broadcast.Route{route},
		Records: store.Store(), People: store.People(), Store: store, Work: store, Queues: queues, Language: "it", Log: log}}}
	n.dispatch = &broadcast.Dispatcher{Route: route, Queues: queues, People: store.People(), Metrics: numbers, Log: log, Sink: &broadcast.Sink{Queues: queues, Metrics: numbers, Log: log}}
	if _, err := queues.Open(w.t.Context(), c.name); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// run works until stop is called; it gives the lease back last.
func (n *townsman) run() (stop func()) {
	working, end := context.WithCancel(context.Background())
	keeping, leave := context.WithCancel(context.Background())
	var dispatcher, keeper sync.WaitGroup
	keeper.Go(func() { _ = n.store.Run(keeping) })
	dispatcher.Go(func() { _ = n.dispatch.Run(working) })
	return func() {
		end()
		dispatcher.Wait()
		leave()
		keeper.Wait()
	}
}

func (n *townsman) delivery(id alerts.ID) broadcast.Delivery {
	n.town.t.Helper()
	all, err := n.store.Deliveries(n.town.t.Context(), id)
	if err != nil || len(all) != 1 {
		n.town.t.Fatalf("deliveries of %s: %v, %v", id, all, err)
	}
	return all[0]
}

// begun issues an Alert and begins all of it, as a node does that dies before
// it sends anything.
func (n *townsman) begun(severity alerts.Severity, channel string, people uint32) *alerts.Record {
	t := n.town.t
	t.Helper()
	r := n.issue(t, broadcasttest.NewRecord(severity))
	q, err := n.queues.Open(t.Context(), channel)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := q.Entries(t.Context(), 1)
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	if _, err := q.Plan(t.Context(), entries[0], 0, []broadcast.Job{{V: 1, Alert: r.ID, To: people, Urgent: r.Urgent()}}, true); err != nil {
		t.Fatal(err)
	}
	jobs, err := q.Take(t.Context(), 1)
	if err != nil || len(jobs) != 1 {
		t.Fatal(jobs, err)
	}
	var all []uint32
	for o := range people {
		all = append(all, o)
	}
	if _, err := q.Begin(t.Context(), jobs[0], all); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAfterACancelWhatWasInDoubtIsNotSentAgain(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a := w.join(&carrierOf{name: "sms", kind: "phone"})
		defer a.store.Close()
		a.subscribe(t, 40)
		r := a.begun(alerts.SeverityExtreme, "sms", 40)
		// The first node is dead. Another one issues the Cancel and takes over.
		b := w.join(&carrierOf{name: "sms", kind: "phone"})
		defer b.store.Close()
		c := b.issue(t, broadcasttest.Revise(r, alerts.ChangeCancelled))
		stop := b.run()
		time.Sleep(time.Minute)
		stop()
		if n := w.to.after(alerts.ChangeIssued, time.Time{}); n != 0 {
			t.Errorf("%d got the Alert after its Cancel, want nobody", n)
		}
		if d := b.delivery(r.ID); d.Uncertain != 40 {
			t.Errorf("the Alert: %+v, want 40 uncertain", d)
		}
		if d := b.delivery(c.ID); d.Accepted != 40 {
			t.Errorf("the Cancel: %+v, want 40 accepted", d)
		}
	})
}

func TestACancelDuringAQuestionEndsTheSecondAttempt(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		var tries int
		ch := &carrierOf{name: "sms", kind: "phone"}
		ch.send = func(_ context.Context, m channels.Message) error {
			if m.Change == alerts.ChangeIssued {
				tries++
				time.Sleep(15 * time.Second) // the platform does not answer
				return channels.Uncertain(context.DeadlineExceeded)
			}
			return nil
		}
		n := w.join(ch)
		defer n.store.Close()
		n.subscribe(t, 1)
		stop := n.run()
		r := n.issue(t, broadcasttest.NewRecord(alerts.SeverityExtreme))
		time.Sleep(2 * time.Second)
		n.issue(t, broadcasttest.Revise(r, alerts.ChangeCancelled))
		time.Sleep(time.Minute)
		stop()
		if tries != 1 {
			t.Errorf("the Alert was sent %d times, want once: it was cancelled meanwhile", tries)
		}
		if d := n.delivery(r.ID); d.Uncertain != 1 {
			t.Errorf("the Alert: %+v, want 1 uncertain", d)
		}
	})
}

// finding is a platform that can tell what it has.
type finding struct {
	*carrierOf
	has bool
}

func (f finding) Find(context.Context, channels.Message) (channels.Receipt, bool, error) {
	return channels.Receipt{ID: "found"}, f.has, nil
}

func TestAfterACancelThePlatformIsStillAsked(t *testing.T) {
	for name, c := range map[string]struct {
		has                  bool
		accepted, suppressed int
	}{
		"it has the message": {true, 5, 0},
		"it never got it":    {false, 0, 5},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *testing.T, w *town) {
				a := w.join(&carrierOf{name: "sms", kind: "phone"})
				defer a.store.Close()
				a.subscribe(t, 5)
				r := a.begun(alerts.SeverityExtreme, "sms", 5)
				inner := &carrierOf{name: "sms", kind: "phone"}
				b := w.join(inner)
				defer b.store.Close()
				b.dispatch.Route.Channel = finding{inner, c.has}
				b.issue(t, broadcasttest.Revise(r, alerts.ChangeCancelled))
				stop := b.run()
				time.Sleep(time.Minute)
				stop()
				if d := b.delivery(r.ID); d.Accepted != c.accepted || d.Suppressed != c.suppressed {
					t.Errorf("the Alert: %+v, want %d accepted and %d suppressed", d, c.accepted, c.suppressed)
				}
				if n := w.to.after(alerts.ChangeIssued, time.Time{}); n != 0 {
					t.Errorf("%d got the Alert after its Cancel, want nobody", n)
				}
			})
		})
	}
}

func TestOneMessageThatHangsAtTheStopLosesNoResult(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		ch := &carrierOf{name: "sms", kind: "phone"}
		ch.send = func(ctx context.Context, m channels.Message) error {
			if m.Ordinal == 7 {
				<-ctx.Done()
				return channels.Uncertain(ctx.Err())
			}
			return nil
		}
		a := w.join(ch)
		defer a.store.Close()
		a.subscribe(t, 40)
		stop := a.run()
		r := a.issue(t, broadcasttest.NewRecord(alerts.SeverityExtreme))
		time.Sleep(time.Second)
		stop()
		if d := a.delivery(r.ID); d.Accepted != 39 {
			t.Errorf("after the stop: %+v, want 39 accepted", d)
		}
		b := w.join(&carrierOf{name: "sms", kind: "phone"})
		defer b.store.Close()
		stop = b.run()
		time.Sleep(time.Minute)
		stop()
		if n := w.to.doubles(); n != 0 {
			t.Errorf("%d of the 39 that were accepted before the stop got it twice", n)
		}
		if d := b.delivery(r.ID); d.Accepted != 40 {
			t.Errorf("at the end: %+v, want 40 accepted", d)
		}
	})
}

func TestAnUpdateThatCannotBeSaidStrandsNobody(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		ch := &carrierOf{name: "sms", kind: "phone"}
		ch.render = func(r *alerts.Record) error {
			if r.Change == alerts.ChangeUpdated {
				return errors.New("too long")
			}
			return nil
		}
		ch.send = func(context.Context, channels.Message) error { time.Sleep(time.Second); return nil }
		n := w.join(ch)
		defer n.store.Close()
		n.subscribe(t, 400)
		stop := n.run()
		defer func() { stop() }()
		first := n.issue(t, broadcasttest.NewRecord(alerts.SeverityExtreme))
		time.Sleep(2 * time.Second)
		second := n.issue(t, broadcasttest.Revise(first, alerts.ChangeUpdated))
		time.Sleep(time.Minute)
		if d := n.delivery(first.ID); d.Accepted != 400 {
			t.Errorf("the Alert: %+v, want all 400: nothing took its place on this channel", d)
		}
		if d := n.delivery(second.ID); d.State != "failed" {
			t.Errorf("the Update: %+v, want failed", d)
		}
		third := n.issue(t, broadcasttest.Revise(second, alerts.ChangeCancelled))
		time.Sleep(time.Minute)
		if d := n.delivery(third.ID); d.Accepted != 400 {
			t.Errorf("the Cancel: %+v, want all 400 who got the Alert", d)
		}
	})
}

func TestACancelStopsTheAlertAlsoWhereItDoesNotGoItself(t *testing.T) {
	for name, cancel := range map[string]func(*carrierOf, *alerts.Record){
		"its scope keeps it off the channel": func(_ *carrierOf, r *alerts.Record) {
			r.Alert.Scope, r.Alert.Restriction = alerts.ScopeRestricted, "staff"
		},
		"the channel cannot say it": func(c *carrierOf, _ *alerts.Record) {
			c.render = func(*alerts.Record) error { return errors.New("too long") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *testing.T, w *town) {
				ch := &carrierOf{name: "sms", kind: "phone"}
				ch.send = func(context.Context, channels.Message) error { time.Sleep(time.Second); return nil }
				n := w.join(ch)
				defer n.store.Close()
				n.subscribe(t, 400)
				stop := n.run()
				first := n.issue(t, broadcasttest.NewRecord(alerts.SeverityExtreme))
				time.Sleep(1500 * time.Millisecond)
				c := broadcasttest.Revise(first, alerts.ChangeCancelled)
				cancel(ch, c)
				n.issue(t, c)
				at := time.Now()
				time.Sleep(time.Minute)
				stop()
				if late := w.to.after(alerts.ChangeIssued, at.Add(2*time.Second)); late != 0 {
					t.Errorf("%d got the Alert more than 2 s after its Cancel, want nobody", late)
				}
				if d := n.delivery(first.ID); d.Suppressed == 0 || d.Accepted+d.Suppressed != 400 {
					t.Errorf("the Alert: %+v, want the rest suppressed", d)
				}
			})
		})
	}
}

// slowPeople take their time, like a machine that is stopped and goes on.
type slowPeople struct {
	broadcast.People
	wait time.Duration
}

func (s slowPeople) Contacts(ctx context.Context, kind string, numbers []uint32) ([]string, error) {
	time.Sleep(s.wait)
	return s.People.Contacts(ctx, kind, numbers)
}

func TestANodeThatWasAwaySendsNothingMore(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		a := w.join(&carrierOf{name: "sms", kind: "phone"})
		defer a.store.Close()
		a.subscribe(t, 40)
		a.dispatch.People = slowPeople{a.store.People(), 8 * time.Second}
		keeping, pause := context.WithCancel(context.Background())
		working, end := context.WithCancel(context.Background())
		var all sync.WaitGroup
		all.Go(func() { _ = a.store.Run(keeping) })
		all.Go(func() { _ = a.dispatch.Run(working) })
		r := a.issue(t, broadcasttest.NewRecord(alerts.SeverityExtreme))
		time.Sleep(time.Second)
		pause() // between the attempt written down and the first message
		b := w.join(&carrierOf{name: "sms", kind: "phone"})
		defer b.store.Close()
		stop := b.run()
		time.Sleep(time.Minute)
		stop()
		end()
		all.Wait()
		if n := w.to.doubles(); n != 0 {
			t.Errorf("%d of 40 got it twice: the node did not look at its lease", n)
		}
		if d := b.delivery(r.ID); d.Accepted != 40 {
			t.Errorf("%+v, want 40 accepted", d)
		}
	})
}

func TestACancelStandsBehindItsAlertAlsoWhenAnotherNodePostsIt(t *testing.T) {
	for name, changes := range map[string][]alerts.Change{
		"at once":                {alerts.ChangeCancelled},
		"with an Update between": {alerts.ChangeUpdated, alerts.ChangeCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *testing.T, w *town) {
				// The one node is slow and has only the Alert; the other one is alone with the rest.
				slow := &carrierOf{name: "social"}
				slow.send = func(context.Context, channels.Message) error { time.Sleep(6 * time.Second); return nil }
				a := w.join(slow)
				defer a.store.Close()
				stop := a.run()
				r := a.issue(t, broadcasttest.NewRecord(alerts.SeverityExtreme))
				time.Sleep(time.Second)
				stopped := make(chan struct{})
				go func() { // ends what it began, and takes nothing more
					defer close(stopped)
					stop()
				}()
				time.Sleep(2 * time.Second)
				hangs := ""
				quick := &carrierOf{name: "social"}
				quick.send = func(_ context.Context, m channels.Message) error { hangs = m.Previous; return nil }
				b := w.join(quick)
				defer b.store.Close()
				for _, change := range changes {
					r = b.issue(t, broadcasttest.Revise(r, change))
				}
				end := b.run()
				time.Sleep(30 * time.Second)
				end()
				<-stopped
				if len(w.to.list) < 2 || w.to.list[0].change != alerts.ChangeIssued || w.to.list[len(w.to.list)-1].change != alerts.ChangeCancelled {
					t.Errorf("posted %+v, want the Alert first and the Cancel last", w.to.list)
				}
				if hangs == "" {
					t.Error("the Cancel hangs on nothing")
				}
			})
		})
	}
}
