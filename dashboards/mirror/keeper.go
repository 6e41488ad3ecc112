package mirror

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// When copies are renewed.
const (
	// gather is how long changes that follow each other are waited for.
	gather = 200 * time.Millisecond
	// refresh is how often the pages of what goes on are renewed without any
	// change, so that "at 17:42" stays near.
	refresh = 5 * time.Minute
	// renewal is how often every page is looked at.
	renewal = time.Hour
	// A target that fails is tried again after retryFirst, then after twice as
	// long, up to retryLast, each with up to as much again by chance.
	retryFirst = time.Second
	retryLast  = 15 * time.Second
	// remake is how soon a whole edition that was overtaken by a change is made
	// anew: in a busy hour a slow host must not cost all the time. It is also the
	// first wait after one that failed, up to wholeLast: a page that cannot be made
	// or a file that a host refuses stays so, while changes go out.
	remake    = 30 * time.Second
	wholeLast = 5 * time.Minute
)

// Keeper brings every change of the pages to the targets. Its methods may be
// called from many goroutines.
type Keeper struct {
	source  Source
	targets []*kept
	log     *zap.Logger
	stirred chan struct{}
	stale   chan struct{} // a whole edition was overtaken, and is to be made anew
	failed  time.Duration // the wait after the last whole edition that could not be made; of Run alone
}

// old is the age from which a copy has missed two renewals.
const old = 2 * refresh

// State is how a target fares.
type State struct {
	Name  string
	Began time.Time // since when this node keeps it
	Good  time.Time // of the last edition that is wholly there; zero: none yet
	Err   error     // of the last attempt; nil: it went well
}

// Old reports whether the copy has missed its renewals by now; one that was
// never written is as old as the node.
func (s State) Old(now time.Time) bool {
	since := s.Good
	if since.IsZero() {
		since = s.Began
	}
	return now.Sub(since) > old
}

// kept is a target with what waits for it.
type kept struct {
	name   string
	target Target
	woken  chan struct{}

	mu      sync.Mutex
	waiting map[bool]*Edition // whole or not
	newest  time.Time         // of the editions that are not whole
	wait    time.Duration     // after the last whole edition that failed
	rest    time.Time         // until when no whole edition is tried
	preempt context.CancelFunc
	state   State
}

// NewKeeper registers the metrics of the targets, by name.
func NewKeeper(source Source, targets map[string]Target, registry prometheus.Registerer, log *zap.Logger) (*Keeper, error) {
	k := &Keeper{source: source, log: log, stirred: make(chan struct{}, 1), stale: make(chan struct{}, 1)}
	for name, target := range targets {
		one := &kept{name: name, target: target, woken: make(chan struct{}, 1), waiting: map[bool]*Edition{}, state: State{Name: name, Began: time.Now()}}
		k.targets = append(k.targets, one)
		if err := registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "martinella_mirror_age_seconds", Help: "Age of the copy of the public pages on another host; since the start where none was written yet.",
			ConstLabels: prometheus.Labels{"mirror": name},
		}, one.age)); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func (t *kept) age() float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.Good.IsZero() {
		return time.Since(t.state.Began).Seconds()
	}
	return time.Since(t.state.Good).Seconds()
}

// States tells how each target fares, by name. A nil keeper has no target.
func (k *Keeper) States() []State {
	if k == nil {
		return nil
	}
	var all []State
	for _, t := range k.targets {
		t.mu.Lock()
		all = append(all, t.state)
		t.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b State) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Stir says that the pages changed. It does not block.
func (k *Keeper) Stir() {
	select {
	case k.stirred <- struct{}{}:
	default:
	}
}

// Run makes editions and brings them out until ctx ends; it returns nil then.
// It keeps one goroutine for each target.
func (k *Keeper) Run(ctx context.Context) error {
	if len(k.targets) == 0 {
		<-ctx.Done()
		return nil
	}
	var all sync.WaitGroup
	defer all.Wait()
	for _, t := range k.targets {
		all.Go(func() { t.run(ctx, k.log) })
	}
	often, seldom := time.NewTicker(refresh), time.NewTicker(renewal)
	defer often.Stop()
	defer seldom.Stop()
	select { // what came before is in the first edition
	case <-k.stirred:
	default:
	}
	k.make(ctx)
	var again <-chan time.Time // of a whole edition
	remakeIn := func(wait time.Duration) {
		if wait > 0 && again == nil {
			again = time.After(wait)
		}
	}
	whole := func() {
		wait := k.makeWhole(ctx)
		if wait == 0 {
			often.Reset(refresh) // all is in it, and a tick that came meanwhile would overtake it
		}
		remakeIn(wait)
	}
	whole()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.stirred:
			pause(ctx, gather)
			select { // what came meanwhile is in this edition
			case <-k.stirred:
			default:
			}
			k.make(ctx)
		case <-often.C:
			k.make(ctx)
		case <-seldom.C:
			if again == nil {
				whole()
			}
		case <-k.stale:
			remakeIn(max(remake, k.failed))
		case <-again:
			again = nil
			whole()
		}
	}
}

// make makes an edition of what goes on and gives it to the targets. One that
// could not be made is tried again soon: nothing is more urgent.
func (k *Keeper) make(ctx context.Context) {
	for wait := retryFirst; ; wait = min(2*wait, retryLast) {
		e, err := k.source.Copy(ctx, time.Now(), false)
		if err == nil {
			k.give(e)
			return
		}
		if ctx.Err() != nil {
			return
		}
		k.log.Warn("the copy of the pages could not be made; it is tried again", zap.Error(err))
		pause(ctx, wait)
	}
}

// makeWhole tries once to make a whole edition and gives it to the targets. It
// says after how long to try again, 0 where it went well. A change interrupts
// it: that edition is given up, and the change goes out first.
func (k *Keeper) makeWhole(ctx context.Context) (again time.Duration) {
	turn, giveUp := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-turn.Done():
		case <-k.stirred:
			k.Stir() // for Run
			giveUp()
		}
	})
	e, err := k.source.Copy(turn, time.Now(), true)
	overtaken := turn.Err() != nil
	giveUp()
	watch.Wait()
	switch {
	case err == nil:
		k.failed = 0
		k.give(e)
		return 0
	case ctx.Err() != nil:
		return 0
	case overtaken:
		return max(remake, k.failed)
	}
	k.failed = min(max(remake, 2*k.failed), wholeLast)
	k.log.Warn("the whole copy of the pages could not be made; changes go out, and it is tried again", zap.Error(err), zap.Duration("after", k.failed))
	return k.failed
}

// give brings an edition to every target.
func (k *Keeper) give(e *Edition) {
	for _, t := range k.targets {
		if !t.give(e) {
			k.overtaken()
		}
	}
}

// overtaken asks for a new whole edition.
func (k *Keeper) overtaken() {
	select {
	case k.stale <- struct{}{}:
	default:
	}
}

// give lets an edition wait for its turn, in the place of an older one. What goes
// on now comes before everything else: a whole edition that waits or is under way
// would bring back older pages, so it is given up; the answer is then false.
func (t *kept) give(e *Edition) (all bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all = true
	if !e.Whole {
		t.newest = e.At
		if t.waiting[true] != nil || t.preempt != nil {
			delete(t.waiting, true)
			all = false
		}
		if t.preempt != nil {
			t.preempt()
		}
		if older := t.waiting[false]; older != nil {
			e = newer(e, older)
		}
	}
	t.waiting[e.Whole] = e
	select {
	case t.woken <- struct{}{}:
	default:
	}
	return all
}

// newer is an edition, not a whole one, with what an older one had besides.
func newer(e, older *Edition) *Edition {
	has := map[string]bool{}
	for _, f := range e.Files {
		has[f.Path] = true
	}
	both := &Edition{At: e.At}
	for _, f := range older.Files { // what e does not have, e's pages may link to
		if !has[f.Path] {
			both.Files = append(both.Files, f)
		}
	}
	both.Files = append(both.Files, e.Files...)
	return both
}

// next takes what is most urgent out of the waiting. A whole edition after one
// that failed waits; rest says how long, 0 where nothing waits.
func (t *kept) next(ctx context.Context) (e *Edition, rest time.Duration, turn context.Context, done context.CancelFunc) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e = cmp.Or(t.waiting[false], t.waiting[true]); e == nil {
		return nil, 0, nil, nil
	}
	if rest = time.Until(t.rest); e.Whole && rest > 0 {
		return nil, rest, nil, nil
	}
	delete(t.waiting, e.Whole)
	turn, done = context.WithCancel(ctx)
	if e.Whole {
		t.preempt = done
	}
	return e, 0, turn, done
}

// back lets an edition that did not get there wait again, unless it is a whole
// one that was overtaken.
func (t *kept) back(e *Edition) {
	t.mu.Lock()
	defer t.mu.Unlock()
	later := t.waiting[e.Whole]
	switch {
	case e.Whole && (later != nil || t.newest.After(e.At)):
		return
	case later != nil:
		e = newer(later, e)
	}
	t.waiting[e.Whole] = e
}

// failedWhole puts the next whole edition off, each time for longer, so that
// what is urgent has the target for itself.
func (t *kept) failedWhole() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wait = min(max(retryFirst, 2*t.wait), wholeLast)
	wait := t.wait + rand.N(t.wait) //nolint:gosec // keeps hosts apart, no secret
	t.rest = time.Now().Add(wait)
	return wait
}

func (t *kept) run(ctx context.Context, log *zap.Logger) {
	wait, away := retryFirst, false
	for ctx.Err() == nil {
		e, rest, turn, done := t.next(ctx)
		if e == nil {
			t.idle(ctx, rest)
			continue
		}
		_, err := t.target.Take(turn, e)
		putOff := turn.Err() != nil
		done()
		t.mu.Lock()
		t.preempt = nil
		if err == nil {
			t.state.Err = nil
			if e.At.After(t.state.Good) {
				t.state.Good = e.At
			}
			if e.Whole || away { // a host that is back takes the whole edition, too
				t.wait, t.rest = 0, time.Time{}
			}
		} else if !putOff {
			t.state.Err = err
		}
		t.mu.Unlock()
		if err == nil {
			wait, away = retryFirst, false
			continue
		}
		t.back(e)
		if putOff {
			continue
		}
		after := wait + rand.N(wait) //nolint:gosec // keeps hosts apart, no secret
		if e.Whole {
			after = t.failedWhole()
		}
		log.Warn("the copy on another host is not up to date; it is tried again", zap.String("mirror", t.name), zap.Error(err), zap.Bool("whole", e.Whole), zap.Duration("after", after))
		if e.Whole {
			continue
		}
		away = true
		pause(ctx, after)
		wait = min(2*wait, retryLast)
	}
}

// idle waits for another edition, for no longer than rest where one waits.
func (t *kept) idle(ctx context.Context, rest time.Duration) {
	var over <-chan time.Time
	if rest > 0 {
		over = time.After(rest)
	}
	select {
	case <-ctx.Done():
	case <-t.woken:
	case <-over:
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
