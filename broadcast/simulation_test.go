package broadcast

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// TestSimulation runs the dispatcher through made-up misfortune, each seed
// another: platforms that fail, hang, lose answers and refuse credentials, a
// store that fails before or after the effect, nodes that die and come back,
// revisions and erasures in the middle. At the end every recipient must stand
// where the platform's own memory says. TEST_SEEDS sets how many seeds
// (100), TEST_SEED runs a single one.
func TestSimulation(t *testing.T) {
	seeds, first := 100, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("TEST_SEEDS")); err == nil {
		seeds = n
	}
	if n, err := strconv.ParseUint(os.Getenv("TEST_SEED"), 10, 64); err == nil {
		seeds, first = 1, n
	}
	for i := range uint64(seeds) {
		seed := first + i
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { simulate(t, seed) })
			if t.Failed() {
				t.Logf("run it again with TEST_SEED=%d", seed)
			}
		})
	}
}

// dice is a source of chance that many goroutines may throw.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) below(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

// percent is true in n of a hundred throws.
func (d *dice) percent(n int) bool { return d.below(100) < n }

// world is what one seed makes of everything outside the dispatcher.
type world struct {
	dice     *dice
	platform *platform
	trouble  int // percent of sends that go wrong
	refuse   [2]time.Time
	memory   *memory
	late     []string // sent after expiry
}

// nodePlatform is the platform as one node reaches it: what a dead node had in
// flight never arrives.
type nodePlatform struct {
	phones
	world *world
	node  string
}

func (n nodePlatform) dead() bool {
	n.world.memory.mu.Lock()
	defer n.world.memory.mu.Unlock()
	return n.world.memory.dead[n.node]
}

func (n nodePlatform) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	w, d := n.world, n.world.dice
	if !m.Expires.IsZero() && time.Now().After(m.Expires) {
		w.platform.mu.Lock()
		w.late = append(w.late, m.Key)
		w.platform.mu.Unlock()
	}
	take := func() {
		w.platform.mu.Lock()
		defer w.platform.mu.Unlock()
		w.platform.taken[m.Key]++
	}
	wait := time.Duration(d.below(40)) * time.Millisecond
	if d.percent(2) {
		wait = time.Duration(d.below(60)) * time.Second
	}
	if !pause(ctx, wait) {
		return channels.Receipt{}, ctx.Err() // nothing was written: surely not taken
	}
	if n.dead() {
		return channels.Receipt{}, errors.New("the node is dead")
	}
	receipt := channels.Receipt{ID: "id-" + m.Key}
	if hash(m.Key)%50 == 0 {
		return receipt, channels.Permanent(errors.New("no such number"))
	}
	if now := time.Now(); now.After(w.refuse[0]) && now.Before(w.refuse[1]) {
		return receipt, channels.Unauthorized(errors.New("bad token"))
	}
	if !d.percent(w.trouble) {
		take()
		return receipt, nil
	}
	switch d.below(7) {
	case 0, 1:
		return receipt, errNo
	case 2:
		return receipt, channels.RetryAfter(errNo, time.Duration(d.below(20_000))*time.Millisecond)
	case 3:
		take()
		return receipt, channels.Uncertain(errors.New("the answer was lost"))
	case 4:
		return receipt, channels.Uncertain(errors.New("cut before it arrived"))
	case 5:
		panic("a bug in the channel")
	}
	take()
	return receipt, channels.Uncertain(errors.New("a page of HTML"))
}

type findingNode struct{ nodePlatform }

func (f findingNode) Find(_ context.Context, m channels.Message) (channels.Receipt, bool, error) {
	if f.world.dice.percent(f.world.trouble) {
		return channels.Receipt{}, false, errNo
	}
	f.world.platform.mu.Lock()
	defer f.world.platform.mu.Unlock()
	return channels.Receipt{ID: "id-" + m.Key}, f.world.platform.taken[m.Key] > 0, nil
}

func hash(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return h.Sum32()
}

func simulate(t *testing.T, seed uint64) {
	d := &dice{r: rand.New(rand.NewPCG(seed, 0))}
	p := &platform{name: "sms", taken: map[string]int{}, tries: map[string]int{}}
	h := newHouse(t, Route{Channel: phones{p}})
	w := &world{dice: d, platform: p, trouble: d.below(40), memory: h.memory}
	if d.percent(25) {
		from := time.Now().Add(time.Duration(d.below(30)) * time.Second)
		w.refuse = [2]time.Time{from, from.Add(time.Duration(d.below(300)) * time.Second)}
	}
	finds := d.percent(50)
	var limit channels.Limit
	if d.percent(30) {
		limit = channels.Limit{PerSecond: float64(1 + d.below(100)), Burst: 1 + d.below(50)}
	}
	weak := 0
	if d.percent(50) {
		weak = d.below(8)
	}
	h.fault = func(_, node string) (bool, bool) {
		if node == "planner" || node == "" || !d.percent(weak) {
			return false, false
		}
		before := d.percent(50)
		return before, !before
	}
	h.subscribe(1+d.below(600), "it")
	h.subscribe(d.below(100), "en")

	// Nodes come and go; one at least is alive at the end.
	type running struct {
		name string
		stop context.CancelFunc
		done <-chan struct{}
	}
	var nodes []running
	count := 0
	start := func() {
		count++
		name := fmt.Sprintf("node%d", count)
		np := nodePlatform{phones: phones{p}, world: w, node: name}
		var ch channels.Channel = np
		if finds {
			ch = findingNode{np}
		}
		if limit.PerSecond > 0 {
			if finds {
				ch = struct {
					findingNode
					limited
				}{findingNode{np}, limited{limit}}
			} else {
				ch = struct {
					nodePlatform
					limited
				}{np, limited{limit}}
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		_, done := h.dispatch(ctx, name, Route{Channel: ch})
		nodes = append(nodes, running{name, stop, done})
	}
	for range 1 + d.below(3) {
		start()
	}

	// The alerts: a few, some revised.
	severity := func() alerts.Severity { return alerts.Severities[d.below(4)] }
	var issued []*alerts.Record
	life := time.Duration(1+d.below(60)) * time.Minute
	for range 1 + d.below(3) {
		issued = append(issued, h.issue(h.record(severity(), life)))
		time.Sleep(time.Duration(d.below(2000)) * time.Millisecond)
	}
	for range d.below(8) {
		time.Sleep(time.Duration(d.below(20_000)) * time.Millisecond)
		switch d.below(5) {
		case 0, 1:
			n := nodes[d.below(len(nodes))]
			h.kill(n.name)
			n.stop()
			start()
		case 2:
			before := issued[d.below(len(issued))]
			if h.records[before.ID].State != alerts.StateIssued || before.Change == alerts.ChangeCancelled {
				continue
			}
			change := alerts.ChangeUpdated
			if d.percent(50) {
				change = alerts.ChangeCancelled
			}
			issued = append(issued, h.issue(h.next(before, change, severity())))
		case 3:
			_ = h.Erase(t.Context(), uint32(d.below(len(h.people))))
		case 4:
			n := nodes[d.below(len(nodes))]
			n.stop() // an orderly stop; then its process is gone
			go func() {
				<-n.done
				h.kill(n.name)
			}()
			start()
		}
	}
	h.settle("sms", 8*time.Hour)
	for _, n := range nodes {
		n.stop()
		<-n.done
	}

	// The checker.
	if len(w.late) > 0 {
		t.Errorf("sent after expiry: %v", w.late)
	}
	c := h.channel("sms")
	buried := map[string]bool{}
	for _, j := range c.dead {
		for o := j.From; o < j.To; o++ {
			buried[fmt.Sprintf("%s/%d", j.Alert, o)] = true
		}
	}
	for _, r := range issued {
		states := c.states[r.ID]
		if len(states) == 0 {
			t.Errorf("alert %s has no recipients", r.ID)
		}
		for o, s := range states {
			at := fmt.Sprintf("%s/%d", r.ID, o)
			taken := p.taken[fmt.Sprintf("%s/%d/sms/%d", r.ID, r.Revision, o)]
			reason := c.reasons[at]
			wrong := ""
			switch s {
			case Queued, Trying:
				wrong = "did not come to an end"
			case Accepted, Delivered:
				if taken == 0 {
					wrong = "is called accepted, and the platform never had it"
				}
			case Failed, Expired, Suppressed:
				if taken > 0 && !buried[at] {
					wrong = "is called " + s.String() + ", and the platform has it"
				}
			}
			if taken > 1 && reason != doubtful && s != Uncertain && !buried[at] {
				wrong = "was doubled without a word"
			}
			if wrong != "" {
				t.Errorf("recipient %s %s: state %s, taken %d times, %q (finder %v, %s)", at, wrong, s, taken, reason, finds, r.Alert.Severity())
			}
		}
	}
}

type limited struct{ limit channels.Limit }

func (l limited) Limit() channels.Limit { return l.limit }
