package broadcast_test

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// provider is a platform for short messages in a process of its own as far as
// nodes are concerned: they reach it over TCP, are killed, and it remembers
// what it really took. It refuses some numbers for good, is busy now and then,
// loses answers, and reports late, doubled and in any order.
//
// A connection sends lines: "S key change" (send), "F key" (was it taken?) or
// "L" (reports, please). What a recipient is in for depends on its key alone.
type provider struct {
	listener net.Listener
	interval time.Duration // between two messages that it takes
	find     bool          // it can be asked
	down     atomic.Bool   // it takes nothing, says so, and tells nothing
	wait     sync.WaitGroup

	mu      sync.Mutex
	next    time.Time
	conns   map[net.Conn]bool
	taken   map[string]int       // by key
	at      map[string]time.Time // of the first
	began   map[string]time.Time // when somebody asked to send it, the last time
	busied  map[string]bool
	change  map[string]int // taken by change
	order   []string       // keys as they were taken
	lost    int            // answers
	pool    []string       // reports that wait: "id state"
	sent    int            // reports, doubles included
	out     int            // reports that are being told
	told    map[string]string
	stopped bool
}

// what a key is in for, in thousandths of the recipients.
const (
	refusedNumbers = 20 // for good
	busyAtFirst    = 10 // told to come again
	lostAfter      = 5  // taken, and the answer is lost
	lostBefore     = 5  // not taken, and the answer is lost
)

func startProvider(t testing.TB, perSecond int, find bool) *provider {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{
		listener: l, interval: time.Second / time.Duration(perSecond), find: find, conns: map[net.Conn]bool{}, taken: map[string]int{}, at: map[string]time.Time{}, began: map[string]time.Time{},
		busied: map[string]bool{}, change: map[string]int{}, told: map[string]string{},
	}
	p.wait.Go(p.accept)
	t.Cleanup(func() {
		p.mu.Lock()
		p.stopped = true
		for c := range p.conns {
			c.Close()
		}
		p.mu.Unlock()
		l.Close()
		p.wait.Wait()
	})
	return p
}

func (p *provider) addr() string { return p.listener.Addr().String() }

func (p *provider) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.conns[c] = true
		p.mu.Unlock()
		p.wait.Go(func() {
			defer func() {
				c.Close()
				p.mu.Lock()
				delete(p.conns, c)
				p.mu.Unlock()
			}()
			p.serve(c)
		})
	}
}

// lot is a number below 1,000 that belongs to a key and a purpose.
func lot(purpose, key string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(purpose + key))
	return int(h.Sum32()>>7) % 1000
}

func refused(key string) bool { return lot("refused", key) < refusedNumbers }

func (p *provider) serve(c net.Conn) {
	in := bufio.NewScanner(c)
	for in.Scan() {
		word := strings.Fields(in.Text())
		var answer string
		switch {
		case p.down.Load() && len(word) == 3:
			answer = "B"
		case p.down.Load() && len(word) == 2: // no answer
		case len(word) == 3 && word[0] == "S":
			answer = p.send(word[1], word[2])
		case len(word) == 2 && word[0] == "F":
			answer = p.ask(word[1])
		case len(word) == 1 && word[0] == "L":
			p.report(c, in)
			return
		}
		if answer == "" { // it is lost
			return
		}
		if _, err := fmt.Fprintln(c, answer); err != nil {
			return
		}
	}
}

// send takes a message, in its turn.
func (p *provider) send(key, change string) string {
	p.mu.Lock()
	now := time.Now()
	p.began[key] = now
	if p.next.Before(now.Add(-20 * time.Millisecond)) {
		p.next = now.Add(-20 * time.Millisecond)
	}
	p.next = p.next.Add(p.interval)
	turn := p.next.Sub(now)
	p.mu.Unlock()
	if turn > 0 {
		<-time.After(turn)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fate := lot("fate", key)
	first := p.taken[key] == 0 && !p.busied[key]
	switch {
	case refused(key):
		return "N"
	case first && fate < busyAtFirst:
		p.busied[key] = true
		return "W"
	case first && fate < busyAtFirst+lostBefore:
		p.busied[key] = true
		p.lost++
		return ""
	}
	if p.taken[key]++; p.taken[key] == 1 {
		p.at[key] = time.Now()
	}
	p.order = append(p.order, key)
	p.change[change]++
	id := fmt.Sprintf("%08x", len(p.order))
	p.queue(key, id)
	if first && fate < busyAtFirst+lostBefore+lostAfter {
		p.lost++
		return ""
	}
	return "A " + id
}

// queue notes the reports of a message that it took, before it is answered.
func (p *provider) queue(key, id string) {
	state := "delivered"
	switch n := lot("report", key); {
	case n < 30:
		return // nothing is ever heard of it
	case n < 80:
		state = "failed"
	}
	p.told[key] = state
	p.pool = append(p.pool, id+" "+state)
	if lot("double", key) < 100 {
		p.pool = append(p.pool, id+" "+state)
	}
	if lot("enroute", key) < 100 {
		p.pool = append(p.pool, id+" enroute")
	}
	if lot("strange", key) < 10 {
		p.pool = append(p.pool, "unknown-"+id+" "+state)
	}
	if p.taken[key] == 1 {
		p.taken["id:"+key] = len(p.order)
	}
}

func (p *provider) ask(key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[key] == 0 {
		return "U"
	}
	if n := p.taken["id:"+key]; n > 0 {
		return fmt.Sprintf("A %08x", n)
	}
	return "A -"
}

// report tells a node what became of messages, until it is gone; what it has
// not acknowledged by then is told to another one.
func (p *provider) report(c net.Conn, in *bufio.Scanner) {
	const window = 64
	open := map[string]int{}
	room := make(chan struct{}, window)
	gone := make(chan struct{})
	p.wait.Go(func() {
		defer close(gone)
		for in.Scan() { // "K id state": kept; "X id state": not now
			verb, report, _ := strings.Cut(in.Text(), " ")
			p.mu.Lock()
			if open[report]--; open[report] == 0 {
				delete(open, report)
			}
			p.out--
			if verb != "K" {
				p.pool = append(p.pool, report)
			} else {
				p.sent++
			}
			p.mu.Unlock()
			<-room
		}
	})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for alive := true; alive; {
		select {
		case <-gone:
			alive = false
			continue
		case room <- struct{}{}:
		}
		report := ""
		p.mu.Lock()
		if n := len(p.pool); n > 0 {
			i := rand.IntN(n)
			report, p.pool[i] = p.pool[i], p.pool[n-1]
			p.pool = p.pool[:n-1]
			open[report]++
			p.out++
		}
		p.mu.Unlock()
		if report == "" {
			<-room
			<-tick.C
			continue
		}
		_, _ = fmt.Fprintln(c, report) // a broken connection ends the reader
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for report, n := range open {
		p.out -= n
		for range n {
			p.pool = append(p.pool, report)
		}
	}
}

// count is how many messages of a change it took.
func (p *provider) count(change string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.change[change]
}

// quiet reports whether all reports were told and kept.
func (p *provider) quiet() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pool) == 0 && p.out == 0
}
