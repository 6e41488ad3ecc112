package broadcast_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
)

// fanoutLimit is when a fan-out hangs.
const fanoutLimit = 8 * time.Minute

// chaotic reports whether the long tests run (make chaos).
func chaotic() bool { return os.Getenv("TEST_CHAOS") != "" }

// beside lets the short tests run beside one another: they wait for leases most
// of the time. The long ones have the machine for themselves.
func beside(t *testing.T) {
	t.Helper()
	if !chaotic() {
		t.Parallel()
	}
}

// issue publishes to the first n people, insisting while the store is away.
func (p *plant) issue(r *alerts.Record, n int) *alerts.Record {
	p.t.Helper()
	people := make([]uint32, n)
	for i := range people {
		people[i] = uint32(i + 1)
	}
	ctx := p.t.Context()
	for {
		stored, _, err := p.store.Store().Intake(ctx, r, nil, broadcasttest.NewAct(r, "submitted"))
		if err == nil {
			pub := broadcasttest.PublicationOf(stored, map[string][]uint32{"sms": people})
			if err = p.store.Publish(ctx, pub); err == nil {
				return pub.Record
			}
		}
		if !errors.Is(err, alerts.ErrUnavailable) {
			p.t.Fatal(err)
		}
	}
}

// until waits for what must come true.
func (p *plant) until(what string, ask func() bool) {
	p.t.Helper()
	end := time.After(fanoutLimit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ask() {
		select {
		case <-end:
			all, err := p.store.Deliveries(p.t.Context(), "")
			p.t.Fatalf("not within %v: %s (%v %v)", fanoutLimit, what, all, err)
		case <-tick.C:
		}
	}
}

// delivery is what is told of an alert's only channel.
func (p *plant) delivery(id alerts.ID) (d broadcast.Delivery) {
	all, err := p.store.Deliveries(p.t.Context(), id)
	if err == nil && len(all) == 1 {
		d = all[0]
	}
	return d
}

// over waits until the alert's channel has come to its end.
func (p *plant) over(id alerts.ID) broadcast.Delivery {
	p.t.Helper()
	var d broadcast.Delivery
	var last time.Time
	p.until("every recipient of "+string(id)+" has come to an end", func() bool {
		if time.Since(last) < 100*time.Millisecond {
			return false
		}
		last = time.Now()
		d = p.delivery(id)
		return d.Total > 0 && d.State != "queued" && d.State != "sending" && d.State != "retrying"
	})
	return d
}

// ends reads every recipient's state past all our code: the bytes of the
// store, 4 bits a recipient, the even ordinal in the low half.
func (p *plant) ends(id alerts.ID, n int) []byte {
	p.t.Helper()
	packed := p.raw("GET", "{martinella:valdemo}:state:"+string(id)+":sms")
	out := make([]byte, n)
	for o := range out {
		if i := o / 2; i < len(packed) {
			out[o] = packed[i] >> (4 * (o % 2)) & 15
		}
	}
	return out
}

// raw asks Redis in its own words for a bulk string; nil where there is none.
func (p *plant) raw(words ...string) []byte {
	p.t.Helper()
	c, err := new(net.Dialer).DialContext(p.t.Context(), "unix", p.socket)
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	ask := fmt.Sprintf("*%d\r\n", len(words))
	for _, w := range words {
		ask += fmt.Sprintf("$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(c, ask); err != nil {
		p.t.Fatal(err)
	}
	in := bufio.NewReader(c)
	head, err := in.ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	size, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(head, "$")))
	if err != nil {
		p.t.Fatalf("redis said %q", head)
	}
	if size < 0 { // there is none
		return nil
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(in, b); err != nil {
		p.t.Fatal(err)
	}
	return b
}

// The numbers of the stored format.
const (
	isAccepted, isDelivered, isFailed, isUncertain, isSuppressed = 2, 3, 4, 5, 7
)

// truth compares each recipient's state with what the provider remembers. It
// wants everybody reached once who has a number, and nobody called what he is
// not.
func (p *plant) truth(r *alerts.Record, n int) {
	p.t.Helper()
	states := p.ends(r.ID, n)
	p.provider.mu.Lock()
	defer p.provider.mu.Unlock()
	count := map[byte]int{}
	lost, doubled, untrue, shown := 0, 0, 0, 0
	for o, s := range states {
		count[s]++
		key := fmt.Sprintf("%s/%d/sms/%d", r.ID, r.Revision, o)
		taken, want := p.provider.taken[key], byte(isAccepted)
		switch {
		case refused(key):
			want = isFailed
		case p.provider.told[key] == "delivered":
			want = isDelivered
		case p.provider.told[key] == "failed":
			want = isFailed
		}
		bad := s != want
		if bad {
			untrue++
		}
		if taken == 0 && !refused(key) {
			lost, bad = lost+1, true
		}
		if taken > 1 {
			doubled, bad = doubled+1, true
		}
		if bad && shown < 10 {
			shown++
			p.t.Logf("recipient %d: state %d, want %d; taken %d times, report %q", o, s, want, taken, p.provider.told[key])
		}
	}
	if lost+untrue > 0 || doubled > p.pastFence {
		p.t.Errorf("of %d recipients %d lost, %d doubled, %d in an untrue state", n, lost, doubled, untrue)
	}
	d := p.delivery(r.ID)
	if d.Total != n || d.Accepted != count[isAccepted]+count[isDelivered] || d.Delivered != count[isDelivered] || d.Failed != count[isFailed] || d.Uncertain != count[isUncertain] {
		p.t.Errorf("told: %+v; the recipients' states: %v", d, count)
	}
	p.t.Logf("%d recipients: states %v, %d answers lost, %d reports kept", n, count, p.provider.lost, p.provider.sent)
}

// TestKillsDuringAFanOutLoseAndDoubleNobody kills nodes and Redis at random
// while an alert goes to many phones, over a platform that loses answers and
// reports in any order, but can be asked.
func TestKillsDuringAFanOutLoseAndDoubleNobody(t *testing.T) {
	beside(t)
	people, nodeKills, redisKills, perSecond := 2000, 2, 1, 800
	if chaotic() {
		people, nodeKills, redisKills, perSecond = 100_000, 30, 10, 5000
	}
	p := newPlant(t, os.Args[0], perSecond, true)
	var nodes []*nodeProcess
	for range 3 {
		nodes = append(nodes, p.node())
	}
	began := time.Now()
	r := p.issue(broadcasttest.NewRecord(alerts.SeverityExtreme, "sms"), people)
	kills := make([]bool, nodeKills+redisKills) // true: Redis
	for i := range redisKills {
		kills[i] = true
	}
	rand.Shuffle(len(kills), func(i, j int) { kills[i], kills[j] = kills[j], kills[i] })
	for i, redis := range kills {
		goal := people * (i + 1) / (len(kills) + 3)
		p.until("the fan-out goes on", func() bool { return p.provider.count("issued") >= goal })
		if redis {
			p.killRedis()
			<-time.After(rand.N(300 * time.Millisecond))
			p.startRedis()
			continue
		}
		victim := rand.IntN(len(nodes))
		nodes[victim].kill()
		nodes[victim] = p.node()
	}
	d := p.over(r.ID)
	took := time.Since(began)
	p.until("all reports are kept", p.provider.quiet)
	p.truth(r, people)
	t.Logf("%d recipients, %d kills of nodes, %d of Redis: %v to the last, %v with all reports; %+v; %d jobs taken over", people, nodeKills, redisKills,
		took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), d, p.said("jobs taken over"))
}

// TestAKilledNodesFanOutIsFinishedByTheOther kills one of two nodes in the
// middle, for good.
func TestAKilledNodesFanOutIsFinishedByTheOther(t *testing.T) {
	beside(t)
	const people = 1500
	p := newPlant(t, os.Args[0], 1000, true)
	first, _ := p.node(), p.node()
	r := p.issue(broadcasttest.NewRecord(alerts.SeveritySevere, "sms"), people)
	p.until("the fan-out is half done", func() bool { return p.provider.count("issued") > people/2 })
	first.kill()
	at := time.Now()
	p.over(r.ID)
	t.Logf("finished %v after the kill", time.Since(at).Round(time.Millisecond))
	p.until("all reports are kept", p.provider.quiet)
	p.truth(r, people)
}

// TestSIGTERMDuringAFanOutHandsOver ends one of two nodes in order: it exits
// with 0 within its time, leaves nothing in doubt, and the other goes on.
func TestSIGTERMDuringAFanOutHandsOver(t *testing.T) {
	beside(t)
	for name, signals := range map[string]int{"once": 1, "twice": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const people = 1500
			p := newPlant(t, os.Args[0], 1000, true)
			first, _ := p.node(), p.node()
			r := p.issue(broadcasttest.NewRecord(alerts.SeveritySevere, "sms"), people)
			p.until("the fan-out is half done", func() bool { return p.provider.count("issued") > people/2 })
			at := time.Now()
			for range signals {
				_ = first.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
			}
			p.until("the node ends", first.dead)
			if code := first.cmd.ProcessState.ExitCode(); code != 0 {
				t.Errorf("exit %d, want 0", code)
			}
			t.Logf("ended after %v", time.Since(at).Round(time.Millisecond))
			p.over(r.ID)
			p.until("all reports are kept", p.provider.quiet)
			p.truth(r, people)
		})
	}
}

// TestFrozenNodeSendsNoMoreThanItHadInHand stops a node with SIGSTOP for longer
// than its lease, in the middle of a window, and lets it go on. What had passed
// the look at the lease when the process stood still leaves when it goes on:
// no more than it had in hand, and nobody is lost.
func TestFrozenNodeSendsNoMoreThanItHadInHand(t *testing.T) {
	beside(t)
	const people = 1500
	p := newPlant(t, os.Args[0], 1000, true)
	p.pastFence = 150 // three workers, fifty each
	first, _ := p.node(), p.node()
	r := p.issue(broadcasttest.NewRecord(alerts.SeveritySevere, "sms"), people)
	p.until("the fan-out is half done", func() bool { return p.provider.count("issued") > people/2 })
	if err := first.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	resume, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	<-resume.Done()
	if err := first.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.over(r.ID)
	p.until("all reports are kept", p.provider.quiet)
	p.truth(r, people)
}

// TestATightNodeLosesNobody is fault 71: one processor, and a memory that keeps
// the collector busy all the time.
func TestATightNodeLosesNobody(t *testing.T) {
	beside(t)
	const people = 2000
	p := newPlant(t, os.Args[0], 2000, true)
	p.node("GOMAXPROCS=1", "GOMEMLIMIT=16MiB", "GOGC=10")
	r := p.issue(broadcasttest.NewRecord(alerts.SeverityExtreme, "sms"), people)
	p.over(r.ID)
	p.until("all reports are kept", p.provider.quiet)
	p.truth(r, people)
	d := p.delivery(r.ID)
	if d.FirstMS != nil && d.P99MS != nil {
		t.Logf("first after %d ms, p99 %d ms", *d.FirstMS, *d.P99MS)
	}
}
