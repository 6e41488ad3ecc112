package live

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// wheel is the one clock of all clients: it pings them, finds those that are
// dead, and closes those whose socket takes too long. Its time is counted in
// ticks, and stands still while the process does: what a peer said in the
// meantime is read before the peer is judged.
type wheel struct {
	hub  *Hub
	step time.Duration
	now  atomic.Int32

	pingEvery, pongWithin int32 // ticks

	mu    sync.Mutex  // also to move now on
	slots [][]*client // each client stands in one, that of its next turn

	lateMu sync.Mutex
	late   map[*client]struct{} // whose until is set
}

func newWheel(h *Hub) *wheel {
	step := max(min(h.cfg.PingEvery/30, h.cfg.WriteTimeout/5), time.Millisecond)
	w := &wheel{hub: h, step: step, late: map[*client]struct{}{}}
	// A tick may have begun when a peer is heard: one less is within the time.
	w.pingEvery, w.pongWithin = w.ticks(h.cfg.PingEvery), max(2, int32(h.cfg.PongWithin/step))
	w.slots = make([][]*client, max(w.pingEvery, w.pongWithin)+2)
	return w
}

// ticks is a time in ticks, rounded up.
func (w *wheel) ticks(d time.Duration) int32 { return int32((d + w.step - 1) / w.step) }

// in is the tick after d from now.
func (w *wheel) in(d time.Duration) int32 { return w.now.Load() + max(1, w.ticks(d)) }

// add takes in a client. Its first ping comes at a random moment, so that
// clients that came together are not pinged together.
func (w *wheel) add(c *client) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now.Load()
	c.heard, c.ping = now, now+1+rand.Int32N(w.pingEvery)
	w.put(c, c.ping)
}

// put puts a client into the slot of a tick that is to come. The lock is held.
func (w *wheel) put(c *client, tick int32) {
	i := tick % int32(len(w.slots))
	w.slots[i] = append(w.slots[i], c)
}

// watch has an eye on a client until its until is over or 0.
func (w *wheel) watch(c *client) {
	w.lateMu.Lock()
	defer w.lateMu.Unlock()
	w.late[c] = struct{}{}
}

// tick moves the wheel on by one step.
func (w *wheel) tick() {
	w.mu.Lock()
	now := w.now.Add(1)
	i := now % int32(len(w.slots))
	due := w.slots[i]
	w.slots[i] = nil
	w.mu.Unlock()
	for _, c := range due {
		if next, ok := w.visit(c, now); ok {
			w.mu.Lock()
			w.put(c, next)
			w.mu.Unlock()
		}
	}

	w.lateMu.Lock()
	late := make([]*client, 0, len(w.late))
	for c := range w.late {
		late = append(late, c)
	}
	w.lateMu.Unlock()
	for _, c := range late {
		w.judge(c, now)
	}
}

// visit pings a client, or ends it when it was silent for too long. It gives
// the tick of the client's next turn, and false for one that is ended.
func (w *wheel) visit(c *client, now int32) (next int32, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		return 0, false
	}
	dead := c.heard + w.pongWithin
	if c.sse { // has no pong
		dead = now + w.pongWithin
	}
	if now >= dead {
		c.end(endSilent)
		return 0, false
	}
	if now >= c.ping {
		c.said = 0
		if len(c.queue) == 0 {
			c.tell(pingFrame)
		} else { // judged by the write timeout, which finds a dead peer sooner
			c.heard, dead = now, now+w.pongWithin
		}
		c.ping = now + w.pingEvery
	}
	return min(c.ping, dead), c.ended == nil
}

// judge closes a client whose time for a write or for its farewell is over.
func (w *wheel) judge(c *client, now int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.until == 0 || c.over {
		w.lateMu.Lock()
		delete(w.late, c)
		w.lateMu.Unlock()
		return
	}
	if now < c.until {
		return
	}
	c.end(endWrite) // nothing new where it was ended before
	c.close()
}
