package live_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"martinella/alerts"
	"martinella/broadcast/live"
)

// heapBound is how much more a soak may leave on the heap than there was
// before, in bytes, however long it was and whoever came.
const heapBound = 8 << 20

// TestSoak publishes without pause to hundreds of clients of which most mean
// no good: see soak_crowd_test.go. Some honest ones must get everything, and
// afterwards nothing may be left. TEST_SOAK says how long all ways together
// take (3s; `make soak` is ten minutes); TEST_SEED repeats the dice, not the
// clock.
func TestSoak(t *testing.T) {
	whole := 3 * time.Second
	if d, err := time.ParseDuration(os.Getenv("TEST_SOAK")); err == nil {
		whole = d
	} else if v := os.Getenv("TEST_SOAK"); v != "" {
		t.Fatalf("TEST_SOAK=%s is no duration", v)
	}
	eachWay(t, func(t *testing.T, w way) {
		warmUp(t, w)
		before := left(t)
		goroutines := goleak.IgnoreCurrent()
		soak(t, w, whole/time.Duration(len(ways)))
		if err := goleak.Find(goroutines); err != nil {
			t.Errorf("goroutines are left: %v", err)
		}
		after := left(t)
		if before.files >= 0 {
			for range 100 { // what the runtime closes by finalizers
				if after.files <= before.files {
					break
				}
				runtime.GC()
				after = left(t)
			}
			if after.files > before.files {
				t.Errorf("%d descriptors are open, %d were before: %v", after.files, before.files, open())
			}
		}
		t.Logf("heap %d KiB, before %d KiB; descriptors %d, before %d", after.heap>>10, before.heap>>10, after.files, before.files)
		if after.heap > before.heap+heapBound {
			t.Errorf("%d bytes are on the heap, %d were before", after.heap, before.heap)
		}
	})
}

// leftovers are what a process has left after all is over.
type leftovers struct {
	heap  uint64
	files int // -1 where the platform does not tell
}

func left(t *testing.T) (l leftovers) {
	t.Helper()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	l.heap, l.files = m.HeapAlloc, -1
	if names := open(); names != nil {
		l.files = len(names)
	}
	return l
}

// open names the descriptors of this process; nil off Linux.
func open() (names []string) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			names = append(names, e.Name()+" "+to)
		}
	}
	return names
}

// warmUp makes what the runtime makes once, the descriptors of its poller
// among them, so that it is not taken for a leak.
func warmUp(t *testing.T, w way) {
	t.Helper()
	s := newSite(t, w, newHistory())
	if x, err := s.open("", false); err == nil {
		x.reset()
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}

// field is where the soak takes place.
type field struct {
	*site       // of the crowd
	calm  *site // the same, of the honest
	t     *testing.T
	over  chan struct{} // closed when the time is up
	seed  uint64

	published atomic.Int64
	last      atomic.Int64                  // the number of the last change, once it is known
	crowd     sync.Map                      // *wire: connections that are cut when the time is up
	beat      atomic.Pointer[chan struct{}] // closed at the next publication
	counts    sync.Map                      // string: *atomic.Int64
}

func (f *field) count(what string) {
	n, _ := f.counts.LoadOrStore(what, &atomic.Int64{})
	n.(*atomic.Int64).Add(1)
}

// ahead waits until n more changes were published; false when the time is up.
func (f *field) ahead(n int64) bool {
	for until := f.published.Load() + n; f.published.Load() < until; {
		select {
		case <-*f.beat.Load():
		case <-f.over:
			return false
		}
	}
	return true
}

func (f *field) isOver() bool {
	select {
	case <-f.over:
		return true
	default:
		return false
	}
}

// The crowd of a soak.
const (
	honest   = 12  // must get everything; some leave and come back with their cursor
	mischief = 200 // clients at once who do what soak_crowd_test.go says
	leeway   = 100 // changes that the slowest honest client may be behind: less than a backlog
)

func soak(t *testing.T, w way, d time.Duration) {
	s := newSite(t, w, newHistory(), func(c *live.Config) {
		c.Full = writes("full", 6000)
		c.BacklogMessages, c.BacklogBytes, c.Ring, c.Replay = leeway+28, 4<<20, 64, 4000
		c.PingEvery, c.PongWithin, c.WriteTimeout = 300*time.Millisecond, 20*time.Second, 10*time.Second
		c.ShutdownSpread = 200 * time.Millisecond
	})
	// The honest come in by a door of their own, whose sockets have buffers of
	// the kernel's choice: small ones would have them wait for its timers.
	calm := *s
	calm.server = httptest.NewUnstartedServer(s.server.Config.Handler)
	if w.tls {
		calm.server.StartTLS()
	} else {
		calm.server.Start()
	}
	defer calm.server.Close()
	f := &field{site: s, calm: &calm, t: t, over: make(chan struct{}), seed: uint64(time.Now().UnixNano())}
	if _, err := fmt.Sscan(os.Getenv("TEST_SEED"), &f.seed); err == nil {
		t.Logf("the dice of TEST_SEED=%d", f.seed)
	}
	beat := make(chan struct{})
	f.beat.Store(&beat)

	var all sync.WaitGroup
	witnesses := make([]*witness, honest)
	for i := range witnesses {
		witnesses[i] = newWitness(f, i)
		all.Go(witnesses[i].run)
	}
	for i := range mischief {
		all.Go(func() { f.loiter(rand.New(rand.NewPCG(f.seed, uint64(i)))) })
	}
	all.Go(func() { f.publishAll(witnesses) })
	end := time.NewTimer(d)
	defer end.Stop()
	<-end.C
	close(f.over)
	f.crowd.Range(func(w, _ any) bool { _ = w.(*wire).tcp.Close(); return true })
	all.Wait()
	eventually(t, "all clients were seen to leave", func() bool { return s.Clients() == 0 })
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	for _, transport := range []string{"websocket", "sse"} {
		if got := s.value(t, "martinella_live_clients", transport); got != 0 {
			t.Errorf("the gauge says that %v clients are open on %s", got, transport)
		}
	}
	f.report(witnesses)
	if t.Failed() {
		t.Logf("run it again with TEST_SEED=%d", f.seed)
	}
}

// publishAll publishes until the time is up, as fast as the slowest honest
// client allows, and then one of each kind, so that everybody hears of the end.
func (f *field) publishAll(witnesses []*witness) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	kinds := []*alerts.Record{
		warning(), warning(areas([]string{"023091"})), warning(areas([]string{"015146"})),
		warning(func(r *alerts.Record) { r.Alert.Scope = alerts.ScopeRestricted }),
	}
	publish := func() {
		n := f.published.Load()
		f.publish(kinds[n%4])
		f.published.Add(1)
		next := make(chan struct{})
		close(*f.beat.Swap(&next))
		if n%1000 == 999 {
			f.log.trim(5000)
		}
	}
	for stuck := time.Now(); !f.isOver(); {
		<-tick.C
		slowest := f.published.Load()
		for _, w := range witnesses {
			slowest = min(slowest, w.at.Load())
		}
		if f.published.Load()-slowest <= leeway {
			stuck = time.Now()
			publish()
		} else if time.Since(stuck) > hang {
			f.t.Errorf("an honest client has been behind for %v: it is at %d of %d", hang, slowest, f.published.Load())
			break
		}
	}
	f.last.Store(f.published.Load() + int64(len(kinds)))
	for range kinds {
		publish()
	}
}

// witness is an honest client: whatever goes on around it, it gets everything
// that concerns it exactly once and in order, and is never sent away.
type witness struct {
	*field
	name    string
	verona  bool // asked for 023091 only: does not get every fourth, nor the restricted
	events  bool
	wanders bool
	query   string
	view    string
	at      atomic.Int64 // it has everything up to here
	returns int
	alerts  int
	dice    *rand.Rand
}

func newWitness(f *field, i int) *witness {
	w := &witness{field: f, verona: i%2 == 1, events: i%4 == 2, wanders: i >= honest/2, view: []string{"brief", "full"}[i/4%2]}
	w.name = fmt.Sprintf("witness %d (events %v, wanders %v)", i, w.events, w.wanders)
	w.dice = rand.New(rand.NewPCG(f.seed, uint64(1e6+i)))
	w.query = "view=" + w.view
	if w.verona {
		w.query += "&area=023091"
	}
	return w
}

// next is the number of the first change behind n that concerns the witness;
// the kinds take turns, see publishAll.
func (w *witness) next(n int64) int64 {
	for n++; (n-1)%4 == 3 || (w.verona && (n-1)%4 == 2); n++ {
	}
	return n
}

func (w *witness) run() {
	for {
		done, err := w.visit()
		if err != nil {
			w.t.Errorf("%s at %d: %v", w.name, w.at.Load(), err)
			w.at.Store(1 << 60) // nobody need wait for it
		}
		if done || err != nil {
			return
		}
		w.returns++
	}
}

// visit is one connection; done when the witness has all and the time is up.
func (w *witness) visit() (done bool, err error) {
	since := place(1, int(w.at.Load()))
	var f feed
	if w.events {
		f, err = w.calm.events(w.query, string(since), false)
	} else {
		f, err = w.calm.socket(w.query+"&since="+string(since), false)
	}
	if err != nil {
		return false, err
	}
	defer f.vanish()
	m, err := f.next()
	if err != nil || m.Type != "hello" || m.Cursor != since {
		return false, fmt.Errorf("got %s %s, %w, want hello %s", m.Type, m.Cursor, err, since)
	}
	stay := -1
	if w.wanders {
		stay = w.dice.IntN(150)
	}
	for ; stay != 0; stay-- {
		if last := w.last.Load(); last > 0 && w.next(w.at.Load()) > last {
			f.leave()
			return true, nil
		}
		if m, err = f.next(); err != nil {
			return false, err
		}
		_, n, _ := number(m.Cursor)
		if want := w.next(w.at.Load()); m.Type != "alert" || int64(n) != want {
			return false, fmt.Errorf("got %s %s, want alert %d", m.Type, m.Cursor, want)
		}
		if m.View != w.view || m.Fill != filled(m.Cursor, len(m.Fill)) {
			return false, fmt.Errorf("alert %d is damaged: %s %.60q", n, m.View, m.Fill)
		}
		w.alerts++
		w.at.Store(int64(n))
	}
	if w.dice.IntN(2) == 0 {
		f.leave()
	}
	return false, nil
}

func (f *field) report(witnesses []*witness) {
	var all, returns int
	for _, w := range witnesses {
		all += w.alerts
		returns += w.returns
		if w.alerts == 0 {
			f.t.Errorf("%s got nothing at all", w.name)
		}
	}
	f.t.Logf("%d changes, %d alerts to %d witnesses, who came back %d times", f.published.Load(), all, len(witnesses), returns)
	f.counts.Range(func(what, n any) bool {
		f.t.Logf("%6d x %s", n.(*atomic.Int64).Load(), what)
		return true
	})
	for _, reason := range []string{"slow", "write", "silent", "protocol", "shutdown", "store", "full", "origin"} {
		f.t.Logf("dropped as %s: %v", reason, f.dropped(f.t, reason))
	}
}

// unwelcome reports an answer that no client should get during a soak.
func (f *field) unwelcome(err error) {
	if r, ok := errors.AsType[refused](err); ok && r.StatusCode != http.StatusServiceUnavailable {
		f.t.Errorf("refused with %s", r.Status)
	}
}
