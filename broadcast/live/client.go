package live

import (
	"sync"
	"time"
)

// client is one open WebSocket or event stream.
type client struct {
	// What a fan-out looks at comes first, in one line of the processor's cache:
	// to fetch the clients from memory is what it spends beside the kernel.
	mu    sync.Mutex
	ended *ending
	line  line
	queue []waiting
	sse   bool

	live    bool // is known to its shard
	flushed bool // the farewell is written
	over    bool // the line is closed
	at      int  // in group.clients; of the shard's goroutine alone
	group   *group

	hub     *Hub
	home    *shard
	sent    int           // bytes of the first in the queue that are written
	busy    int           // of the queue that a drain is writing now
	count   int           // of the queue to which the bounds apply
	bytes   int           // likewise
	inbound *inbound      // a frame or message of the peer that is not whole yet
	settled chan struct{} // closed when the queue is empty or the client ended; nil when nobody waits
	onEnd   func()        // called when the client ends; may be nil
	said    int           // frames since the last ping, then bytes since the farewell

	// In ticks of the wheel.
	heard int32 // last sign of life
	ping  int32 // next ping
	until int32 // when a write or a farewell has taken too long; 0 when nothing waits
}

// waiting is a frame in a client's queue. One without a tally is for this
// client alone (its replay, a pong), and the bounds do not apply to it.
type waiting struct {
	frame   *frame
	tally   *tally
	counted bool // the bounds apply to it now
}

// lingering is how long a peer that we closed may take to say goodbye.
const lingering = 2 * time.Second

// put gives the client frames, whose bytes in one piece are joined. It never
// waits; when too much waits already, the client is ended.
func (c *client) put(due []waiting, joined []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.give(due, joined)
}

// give is put with the lock held.
func (c *client) give(due []waiting, joined []byte) {
	if c.ended != nil {
		return
	}
	sent := 0
	if len(c.queue) == 0 {
		n, err := c.line.try(joined)
		if err != nil {
			c.end(lost(err))
			return
		}
		if n == len(joined) {
			return
		}
		sent = n
	}
	for _, w := range due {
		size := len(w.frame.wire(c.sse))
		if sent >= size {
			sent -= size
			continue
		}
		if w.tally != nil && (c.count >= c.hub.cfg.BacklogMessages || (c.count > 0 && c.bytes+size > c.hub.cfg.BacklogBytes)) {
			c.end(endSlow)
			return
		}
		c.wait(w, size, sent)
		sent = 0
	}
}

// wait puts a frame into the queue, of which sent bytes are written.
func (c *client) wait(w waiting, size, sent int) {
	if w.counted = w.tally != nil; w.counted {
		c.count++
		c.bytes += size
		w.tally.add()
	}
	c.queue = append(c.queue, w)
	if len(c.queue) == 1 {
		c.sent = sent
		c.hurry(c.hub.cfg.WriteTimeout)
		c.line.later(c)
	}
}

// hurry has the line cut unless it is called again, or nothing waits any more,
// within d.
func (c *client) hurry(d time.Duration) {
	c.until = c.hub.wheel.in(d)
	c.hub.wheel.watch(c)
}

// tell sends a frame that is for this client alone.
func (c *client) tell(f *frame) { c.give([]waiting{{frame: f}}, f.wire(c.sse)) }

// broken ends a client whose connection does not take bytes any more.
func (c *client) broken(err error) {
	c.end(lost(err))
	c.close()
}

// end ends the client, counts why, drops what waits for it, and says farewell.
// Only the first call counts.
func (c *client) end(e *ending) {
	if c.ended != nil {
		return
	}
	c.ended = e
	if e.reason != "" {
		c.hub.cfg.Metrics.dropped.WithLabelValues(e.reason).Inc()
	}
	if c.live {
		c.home.order(order{left: c})
	}
	if c.onEnd != nil {
		c.onEnd()
	}
	// A frame of which a part is written must be whole before anything else.
	keep := c.busy
	if c.sent > 0 {
		keep = max(keep, 1)
	}
	for i := keep; i < len(c.queue); i++ {
		c.drop(i)
	}
	c.queue = c.queue[:min(keep, len(c.queue))]
	c.settle()
	c.said = 0
	f := e.farewell(c.sse)
	if f == nil || c.over {
		c.close()
		return
	}
	waits := len(c.queue) > 0
	if !waits {
		n, err := c.line.try(f.wire(c.sse))
		if err != nil {
			c.close()
			return
		}
		if n == len(f.wire(c.sse)) {
			c.depart()
			return
		}
		c.sent = n
	}
	c.queue = append(c.queue, waiting{frame: f})
	c.hurry(c.hub.cfg.WriteTimeout)
	if !waits {
		c.line.later(c)
	}
}

// depart is called when the queue is empty: what has said farewell waits a
// moment for the peer to go.
func (c *client) depart() {
	if c.ended == nil || c.flushed {
		return
	}
	c.flushed = true
	c.line.shut()
	if c.sse {
		c.close()
		return
	}
	c.hurry(lingering)
}

// close closes the line. What waits is lost.
func (c *client) close() {
	if c.over {
		return
	}
	c.over = true
	for i := range c.queue {
		c.drop(i)
	}
	c.queue, c.sent, c.until, c.inbound = nil, 0, 0, nil
	c.settle()
	c.line.close()
	c.hub.left(c)
}

func (c *client) isEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended != nil
}
