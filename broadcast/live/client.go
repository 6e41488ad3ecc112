package live

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/broadcast"
)

// client is one open WebSocket or event stream. Its own goroutines write to
// the socket; the hub only puts frames into its queue.
type client struct {
	transport string
	since     broadcast.Cursor
	area      string // one code; empty is everywhere
	view      view
	lang      string

	live  bool             // guarded by Hub.mu: gets what is published from now on
	ahead broadcast.Cursor // guarded by Hub.mu: has everything up to here, which this node has not; or empty

	wake   chan struct{} // holds one token while the queue is not empty
	ctx    context.Context
	cancel context.CancelFunc // called by stop, exactly then

	mu    sync.Mutex
	queue []waiting
	bytes int
	ended *ending
}

// waiting is a frame in a client's queue.
type waiting struct {
	frame *frame
	tally *tally
}

// ending says why a client is closed.
type ending struct {
	code   int    // of the WebSocket close frame; 0 sends none
	text   string // for the close frame
	reason string // label of live_dropped_total; empty where the client left by itself
}

// The endings that the hub decides (RFC 6455 section 7.4; 4408 is ours).
var (
	endLeft     = &ending{}
	endSlow     = &ending{4408, "too slow, come back with your cursor", dropSlow}
	endShutdown = &ending{1012, "restarting, come back with your cursor", dropShutdown}
	endStore    = &ending{1013, "history is not at hand, try again", dropStore}
	endWrite    = &ending{0, "", dropWrite}
	endSilent   = &ending{0, "", dropSilent}
	endProtocol = &ending{1008, "too many messages", dropProtocol}
)

// push puts a frame into the queue, or ends the client when too much waits
// already; it reports whether it did. It never blocks.
func (c *client) push(h *Hub, f *frame, t *tally) bool {
	c.mu.Lock()
	if c.ended != nil {
		c.mu.Unlock()
		return false
	}
	if len(c.queue) >= h.cfg.BacklogMessages || (len(c.queue) > 0 && c.bytes+len(f.text) > h.cfg.BacklogBytes) {
		c.mu.Unlock()
		c.stop(h, endSlow)
		return false
	}
	c.queue = append(c.queue, waiting{f, t})
	c.bytes += len(f.text)
	t.add()
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return true
}

// take empties the queue. The caller calls done for each tally.
func (c *client) take() []waiting {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.queue
	c.queue, c.bytes = nil, 0
	return q
}

// stop ends the client, counts why, and drops what waits for it. Only the
// first call counts.
func (c *client) stop(h *Hub, e *ending) {
	c.mu.Lock()
	if c.ended != nil {
		c.mu.Unlock()
		return
	}
	c.ended = e
	queue := c.queue
	c.queue, c.bytes = nil, 0
	c.mu.Unlock()
	if e.reason != "" {
		h.cfg.Metrics.dropped.WithLabelValues(e.reason).Inc()
	}
	for _, w := range queue {
		w.tally.done()
	}
	c.cancel()
}

// end gives the ending, nil while the client is open.
func (c *client) end() *ending {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// tally measures the time until the last client has a change.
type tally struct {
	since   time.Time
	open    atomic.Int64
	seconds prometheus.Observer
}

func (t *tally) add() {
	if t != nil {
		t.open.Add(1)
	}
}

func (t *tally) done() {
	if t != nil && t.open.Add(-1) == 0 {
		t.seconds.Observe(time.Since(t.since).Seconds())
	}
}
