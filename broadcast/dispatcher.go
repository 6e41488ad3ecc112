package broadcast

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// Dispatcher runs one channel on this node: it plans jobs from the log, sends
// them in windows, and settles every recipient truthfully. Several nodes, each
// with a dispatcher of the same channel, share its work.
type Dispatcher struct {
	Route   Route
	Queues  *Queues
	People  People // may be nil where the channel makes public posts
	Sink    *Sink
	Metrics *Metrics
	Log     *zap.Logger
	Cards   Cards // pictures of posts; nil: they go without
	// Fallback carries this channel's messages while its own provider fails or
	// refuses the credentials; nil: nobody does. It is of the same contact, runs
	// as well, and falls back on nobody. Posts have none.
	Fallback *Dispatcher
	// OwnPage is the link to a person's own page in a message to a contact, for
	// {person.link}; the same arguments give the same link. nil: there is none.
	OwnPage func(number uint32, kind, address string, at time.Time) string
	// CallPage is the link to a volunteer's page of a call, for {person.link} in
	// the pages of the call, by their numbers; contact is the kind of contact for a
	// test of contacts, else "". nil: there is none.
	CallPage func(number, call uint32, contact string) string

	once     sync.Once
	provider *provider
}

// uses gives the channel's own provider, which others may share.
func (d *Dispatcher) uses() *provider {
	d.once.Do(func() { d.provider = newProvider(d.Route, d.Metrics, d.Log) })
	return d.provider
}

const (
	normalWorkers = 2
	maxWindow     = 50                     // messages in flight of one worker, so that an urgent alert overtakes
	windowTime    = 200 * time.Millisecond // of a platform's rate, at most, in one window
	chunkSize     = 250                    // recipients of a job (RELIABILITY 9)
	maxTaken      = 5                      // times a job is handed out before it counts as poison
	sendTimeout   = 30 * time.Second
	findTimeout   = 15 * time.Second
	stopTime      = 10 * time.Second // for what is in flight at shutdown
	storeTime     = 2 * time.Second  // beyond it, to write down what came of it
	closingTime   = 72 * time.Hour   // that a Cancel or an all-clear is tried, which never expires: as long as reports are waited for
	storePause    = 250 * time.Millisecond
	orderTime     = 5 * time.Second // that a post waits for the one before it in its event
	orderPoll     = 100 * time.Millisecond
	urgentHold    = 5 * time.Second // at most, between two tries of an urgent job on a channel that holds back
)

// Run works until ctx ends; what is in flight then has ten seconds to end, the
// rest goes back for another node. It returns nil, once all has ended.
func (d *Dispatcher) Run(ctx context.Context) error {
	name := d.Route.Name()
	log := d.Log.With(zap.String("channel", name))
	q, ok := d.open(ctx, name)
	if !ok {
		return nil
	}
	l := &line{
		name: name, cards: d.Cards, ownPage: d.OwnPage, callPage: d.CallPage, own: d.uses(), kind: d.Route.addressKind(), queue: q, people: d.People,
		metrics: d.Metrics, log: log, hands: map[string]bool{}, events: map[alerts.ID]chan struct{}{}, telling: make(chan struct{}, 1),
	}
	if !d.Route.Standby {
		l.own.users.Add(1)
		defer l.own.users.Add(-1)
	}
	if f := d.Fallback; f != nil && l.kind != "" && f.Route.addressKind() == l.kind {
		if l.pace, ok = d.open(ctx, f.Route.Name()); !ok {
			return nil
		}
		l.second = f.uses()
		l.second.users.Add(1)
		defer l.second.users.Add(-1)
	}

	// What was begun may end after ctx did, but not for ever.
	// What came of it is written down also where one message hung to the end.
	flight, land := context.WithCancel(context.WithoutCancel(ctx))
	defer land()
	books, shut := context.WithCancel(context.WithoutCancel(ctx))
	defer shut()
	l.flight, l.books = flight, books
	grace := context.AfterFunc(ctx, func() {
		pause(flight, stopTime)
		land()
		pause(books, storeTime)
		shut()
	})
	defer grace()

	var wg sync.WaitGroup
	wg.Go(func() { l.plan(ctx) })
	wg.Go(func() { l.work(ctx, true) })
	for range normalWorkers {
		wg.Go(func() { l.work(ctx, false) })
	}
	wg.Go(func() { l.recover(ctx) })
	wg.Go(func() { l.move(ctx) })
	wg.Go(func() { l.sample(ctx) })
	wg.Go(func() { l.check(ctx) })
	if listener, ok := d.Route.Channel.(channels.Listener); ok {
		wg.Go(func() { l.listen(ctx, listener, d.Sink) })
	}
	wg.Wait()
	return nil
}

// open gives the queue of a channel, however long the store is away; false
// where ctx ended before.
func (d *Dispatcher) open(ctx context.Context, name string) (Queue, bool) {
	for {
		q, err := d.Queues.Open(ctx, name)
		if err == nil {
			return q, true
		}
		d.Log.Warn("the queue cannot be opened yet", zap.String("channel", name), zap.Error(err))
		if !pause(ctx, time.Second) {
			return nil, false
		}
	}
}

// line is one channel at work.
type line struct {
	name     string
	cards    Cards
	own      *provider
	second   *provider // nil: none
	pace     Pacer     // of the second one's account
	kind     string    // of contact; "" for public posts
	queue    Queue
	people   People
	ownPage  func(number uint32, kind, address string, at time.Time) string // may be nil
	callPage func(number, call uint32, contact string) string               // may be nil
	metrics  *Metrics
	log      *zap.Logger
	flight   context.Context // of what was begun
	books    context.Context // of writing down what came of it: ends a little later

	halted  atomic.Pointer[alerts.ID] // the last alert that was seen to be stopped
	telling chan struct{}             // holds one token while told is being found out, which asks the store and may wait for it
	told    *told                     // of the last record that closed an event

	mu      sync.Mutex
	urgent  int                         // urgent jobs in hand
	hands   map[string]bool             // entry ids in hand
	pending []Job                       // taken over, not begun yet
	events  map[alerts.ID]chan struct{} // whose post is being sent; closed when it is
}

// insist asks the store until it answers or ctx ends. A lost job and a missing
// record are answers.
func (l *line) insist(ctx context.Context, what string, ask func(context.Context) error) error {
	for try := 0; ; try++ {
		err := ask(ctx)
		if err == nil || final(err) {
			return err
		}
		if try == 0 {
			l.log.Warn("the store does not answer", zap.String("at", what), zap.Error(err))
		}
		if !pause(ctx, min(storePause<<min(try, 3), 2*time.Second)) {
			return errors.Join(err, ctx.Err())
		}
	}
}

// listen keeps the channel's own connection for reports and replies.
func (l *line) listen(ctx context.Context, listener channels.Listener, to channels.Sink) {
	sole, ok := listener.(channels.Sole)
	if ok = ok && sole.Sole(); ok {
		listener = &turned{listener, l.queue}
	}
	for try := 0; ctx.Err() == nil; try++ {
		began := time.Now()
		err := guard(func() error { return listener.Listen(ctx, to) })
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > time.Minute {
			try = 0
		}
		wait := backoff(try, true)
		l.log.Warn("the connection for reports ended", zap.Error(err), zap.Duration("again_in", wait))
		pause(ctx, wait)
	}
}

// move brings due retries back.
func (l *line) move(ctx context.Context) {
	const batch = 100
	for ctx.Err() == nil {
		n, err := l.queue.Move(ctx, batch)
		if err == nil && n == batch {
			continue
		}
		pause(ctx, 2*storePause)
	}
}

// recover takes over what nobody works on.
func (l *line) recover(ctx context.Context) {
	for ctx.Err() == nil {
		l.mu.Lock()
		busy := make([]string, 0, len(l.hands))
		for id := range l.hands {
			busy = append(busy, id)
		}
		waiting := len(l.pending)
		l.mu.Unlock()
		// While some wait already, more are left to other nodes.
		if waiting < 10 {
			jobs, err := l.queue.Recover(ctx, busy)
			if err == nil && len(jobs) > 0 {
				l.log.Info("jobs taken over", zap.Int("jobs", len(jobs)))
				for _, j := range jobs {
					if l.claim(j) {
						l.mu.Lock()
						l.pending = append(l.pending, j)
						l.mu.Unlock()
					}
				}
			}
		}
		pause(ctx, time.Second)
	}
}

// sample measures the lanes every two seconds, and how long the credentials hold.
func (l *line) sample(ctx context.Context) {
	for ctx.Err() == nil {
		if d, err := l.queue.Depth(ctx); err == nil {
			l.metrics.depth(l.name, d)
		}
		if l.own.ender != nil {
			l.metrics.ends(l.name, l.own.ender)
		}
		pause(ctx, 2*time.Second)
	}
}
