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
// revisions and erasures in the middle; and in half of them a second provider
// that has misfortunes of its own. At the end every recipient must stand
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
	memory   *memory
	accounts []*telco // the channel's own provider, and perhaps a second one

	mu   sync.Mutex
	late []string // sent after expiry
}

// telco is a provider's own book of what happened there.
type telco struct {
	*platform
	trouble int // percent of sends that go wrong
	refuse  [2]time.Time
	away    [2]time.Time
	finds   bool
	limit   channels.Limit

	perhaps map[string]int // by key: how often it was sent, as far as the sender could know
}

func (w *world) telco(name string) *telco {
	d := w.dice
	a := &telco{platform: &platform{name: name, taken: map[string]int{}, tries: map[string]int{}}, trouble: d.below(40), finds: d.percent(50), perhaps: map[string]int{}}
	time := func(percent, begin, length int) (out [2]time.Time) {
		if d.percent(percent) {
			out[0] = time.Now().Add(time.Duration(d.below(begin)) * time.Second)
			out[1] = out[0].Add(time.Duration(d.below(length)) * time.Second)
		}
		return out
	}
	a.refuse, a.away = time(25, 30, 300), time(25, 60, 600)
	if d.percent(30) {
		a.limit = channels.Limit{PerSecond: float64(1 + d.below(100)), Burst: 1 + d.below(50)}
	}
	w.accounts = append(w.accounts, a)
	return a
}

// channel is the provider as one node reaches it.
func (w *world) channel(a *telco, node string) channels.Channel {
	n := nodePlatform{phones: phones{a.platform}, world: w, account: a, node: node}
	switch {
	case a.finds && a.limit.PerSecond > 0:
		return struct {
			findingNode
			limited
		}{findingNode{n}, limited{a.limit}}
	case a.finds:
		return findingNode{n}
	case a.limit.PerSecond > 0:
		return struct {
			nodePlatform
			limited
		}{n, limited{a.limit}}
	}
	return n
}

// nodePlatform is the platform as one node reaches it: what a dead node had in
// flight never arrives.
type nodePlatform struct {
	phones
	world   *world
	account *telco
	node    string
}

func (n nodePlatform) dead() bool {
	n.world.memory.mu.Lock()
	defer n.world.memory.mu.Unlock()
	return n.world.memory.dead[n.node]
}

func (n nodePlatform) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	w, a, d := n.world, n.account, n.world.dice
	if !m.Expires.IsZero() && time.Now().After(m.Expires) {
		w.mu.Lock()
		w.late = append(w.late, m.Key)
		w.mu.Unlock()
	}
	take := func(perhaps, taken int) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.perhaps[m.Key] += perhaps
		if a.taken[m.Key] += taken; a.taken[m.Key] == 0 {
			delete(a.taken, m.Key)
		}
	}
	wait := time.Duration(d.below(40)) * time.Millisecond
	if d.percent(2) {
		wait = time.Duration(d.below(60)) * time.Second
	}
	if !pause(ctx, wait) {
		return channels.Receipt{}, ctx.Err() // nothing was written: surely not taken
	}
	if n.dead() {
		take(1, 0) // nobody learns that it was not
		return channels.Receipt{}, errors.New("the node is dead")
	}
	receipt := channels.Receipt{ID: "id-" + m.Key}
	if hash(a.name+m.Key)%50 == 0 {
		return receipt, channels.Permanent(errors.New("no such number"))
	}
	now := time.Now()
	if now.After(a.refuse[0]) && now.Before(a.refuse[1]) {
		return receipt, channels.Unauthorized(errors.New("bad token"))
	}
	if now.After(a.away[0]) && now.Before(a.away[1]) {
		return receipt, errNo
	}
	if !d.percent(a.trouble) {
		take(1, 1)
		return receipt, nil
	}
	switch d.below(7) {
	case 0, 1:
		return receipt, errNo
	case 2:
		return receipt, channels.RetryAfter(errNo, time.Duration(d.below(20_000))*time.Millisecond)
	case 3:
		take(1, 1)
		return receipt, channels.Uncertain(errors.New("the answer was lost"))
	case 4:
		take(1, 0)
		return receipt, channels.Uncertain(errors.New("cut before it arrived"))
	case 5:
		take(1, 0)
		panic("a bug in the channel")
	}
	take(1, 1)
	return receipt, channels.Uncertain(errors.New("a page of HTML"))
}

type findingNode struct{ nodePlatform }

func (f findingNode) Find(_ context.Context, m channels.Message) (channels.Receipt, bool, error) {
	now := time.Now()
	if f.world.dice.percent(f.account.trouble) || now.After(f.account.away[0]) && now.Before(f.account.away[1]) {
		return channels.Receipt{}, false, errNo
	}
	f.account.mu.Lock()
	defer f.account.mu.Unlock()
	return channels.Receipt{ID: "id-" + m.Key}, f.account.taken[m.Key] > 0, nil
}

func hash(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return h.Sum32()
}

func simulate(t *testing.T, seed uint64) {
	d := &dice{r: rand.New(rand.NewPCG(seed, 0))}
	w := &world{dice: d}
	own := w.telco("sms")
	var second *telco
	if d.percent(50) {
		second = w.telco("backup")
	}
	h := newHouse(t, Route{Channel: phones{own.platform}})
	h.channel("backup")
	w.memory = h.memory
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
		ctx, stop := context.WithCancel(t.Context())
		var fallback channels.Channel
		if second != nil {
			fallback = w.channel(second, name)
		}
		done := h.dispatchBoth(ctx, name, w.channel(own, name), fallback)
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

	w.check(t, h, issued)
}

// check compares the states with what the providers remember, and with what a
// sender can know: no recipient is called what he is not, nobody is sent a
// third copy, and nobody a second one without a word.
func (w *world) check(t *testing.T, h *house, issued []*alerts.Record) {
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
			key := fmt.Sprintf("%s/%d/sms/%d", r.ID, r.Revision, o)
			taken, blind, where := 0, 0, []int{}
			for _, a := range w.accounts {
				taken += a.taken[key]
				where = append(where, a.taken[key])
				if !a.finds {
					blind += a.perhaps[key]
				}
			}
			reason := c.reasons[at]
			wrong := ""
			switch {
			case s == Queued, s.Plain() == Trying:
				wrong = "did not come to an end"
			case (s == Accepted || s == Delivered) && taken == 0:
				wrong = "is called accepted, and no platform ever had it"
			case (s == Accepted || s == Delivered) && (c.seconds[at] == "") != (where[0] > 0) && taken == 1:
				wrong = "is called accepted by the other provider"
			case (s == Failed || s == Expired || s == Suppressed) && taken > 0 && !buried[at]:
				wrong = "is called " + s.String() + ", and a platform has it"
			case taken > 1 && reason != doubtful && s != Uncertain && !buried[at]:
				wrong = "was doubled without a word"
			case taken > 1 && r.Alert.Severity().Rank() < alerts.SeveritySevere.Rank() && !over(r):
				wrong = "was doubled, though it is not urgent"
			case taken > 2:
				wrong = "got a third copy"
			case blind > 2:
				wrong = fmt.Sprintf("was sent %d times where nobody can be asked", blind)
			}
			if wrong != "" {
				t.Errorf("recipient %s %s: state %s, taken %v times, over %q, %q (finders %v, %s)", at, wrong, s, where, c.seconds[at], reason, w.finders(), r.Alert.Severity())
			}
		}
	}
}

func (w *world) finders() (all []bool) {
	for _, a := range w.accounts {
		all = append(all, a.finds)
	}
	return all
}

type limited struct{ limit channels.Limit }

func (l limited) Limit() channels.Limit { return l.limit }
