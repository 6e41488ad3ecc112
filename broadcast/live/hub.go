package live

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/zap"

	"martinella/broadcast"
)

// Hub hands published changes to all open clients of this node. Its methods
// may be called from many goroutines.
//
// The node says where its tail of the log starts ([Hub.Begin]), gives every
// change that the tail yields to [Hub.Publish], serves [Hub.ServeHTTP] at
// /live and [Hub.Events] at /events, and keeps [Hub.Run] running.
type Hub struct {
	cfg      Config
	upgrader websocket.Upgrader
	clients  sync.WaitGroup // one for each admitted client

	mu       sync.Mutex
	ring     *ring // nil until Begin
	open     map[*client]struct{}
	moved    chan struct{} // closed at the next change of the ring; nil when nobody waits for it
	stopping bool
}

// New makes a hub. The error names everything that is wrong with c.
func New(c Config) (*Hub, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("live feed: %w", err)
	}
	h := &Hub{cfg: c, open: map[*client]struct{}{}}
	h.upgrader = websocket.Upgrader{
		HandshakeTimeout: c.WriteTimeout,
		WriteBufferPool:  &sync.Pool{},
		WriteBufferSize:  1 << 10,
		CheckOrigin:      func(*http.Request) bool { return true }, // asked before, see welcome
		Error: func(w http.ResponseWriter, _ *http.Request, status int, _ error) {
			http.Error(w, http.StatusText(status), status)
		},
		// Never compression: a peer that may compress lifts the read limit, and
		// the brief is too small to gain (RELIABILITY 12, PERFORMANCE 10).
		EnableCompression: false,
	}
	return h, nil
}

// Begin says after which cursor the node's tail starts, so that the first
// [Hub.Publish] follows on it without a gap. Until then clients are asked to
// come back. A second Begin means that the log was made anew or the tail lost
// its place: history is forgotten and every open client gets "gone".
func (h *Hub) Begin(after broadcast.Cursor) {
	h.mu.Lock()
	defer h.mu.Unlock()
	again := h.ring != nil
	h.ring = newRing(h.cfg.Ring, after)
	h.ringMoved()
	if !again {
		return
	}
	gone := goneFrame(after)
	for c := range h.open {
		if c.live {
			c.push(h, gone, nil)
		}
	}
	h.cfg.Logger.Warn("live feed begins anew, clients load again", zap.Int("clients", len(h.open)))
}

// Publish hands a change to every open client whom it concerns and keeps it
// for those who come back. It is called by the node's one tail, in log order.
// It never waits for a client; it does not keep e.Record from being read by
// others, but nobody may change it any more. Changes that the public may not
// see can be left out. A change that the hub is past already is ignored, and
// so is one before Begin.
func (h *Hub) Publish(e broadcast.Entry) {
	it := &item{entry: e, hidden: !h.cfg.Public(e.Record)}
	t := &tally{since: time.Now(), seconds: h.cfg.Metrics.fanout}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ring == nil || !h.ring.add(it) {
		return
	}
	h.ringMoved()
	if it.hidden {
		return
	}
	sent, pause := false, spread(len(h.open))
	t.add()
	for c := range h.open {
		if c.live && !c.has(e.Cursor) && c.wants(it) {
			sent = c.push(h, it.frame(h, wording{c.view, c.lang, pause}), t) || sent
		}
	}
	if sent {
		t.done()
	}
}

// wants reports whether the client is shown the change.
func (c *client) wants(it *item) bool {
	return !it.hidden && (c.area == "" || concerns(it.entry.Record, c.area))
}

// has reports whether the client got the change out of the log, before this
// node heard of it. It is called under Hub.mu.
func (c *client) has(cursor broadcast.Cursor) bool {
	if c.ahead != "" && !c.ahead.Reached(cursor) {
		c.ahead = ""
	}
	return c.ahead != ""
}

func (h *Hub) ringMoved() {
	if h.moved != nil {
		close(h.moved)
		h.moved = nil
	}
}

// Clients is how many clients are open on this node, of both transports.
func (h *Hub) Clients() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.open)
}

// Run waits for ctx to end, then sends all clients away, one after the other
// over the configured time, so that they do not all come back at once; new
// ones are refused from then on. It returns nil when the last one is gone,
// at most a few write timeouts later. Stop the hub before the HTTP server,
// which would wait for event streams and forget WebSockets.
func (h *Hub) Run(ctx context.Context) error {
	<-ctx.Done()
	h.mu.Lock()
	h.stopping = true
	leaving := make([]*client, 0, len(h.open))
	for c := range h.open {
		leaving = append(leaving, c)
	}
	h.mu.Unlock()
	if len(leaving) > 0 {
		h.cfg.Logger.Info("live feed stops, clients are sent away", zap.Int("clients", len(leaving)))
	}

	started := time.Now()
	for i, c := range leaving {
		due := h.cfg.ShutdownSpread * time.Duration(i) / time.Duration(len(leaving))
		if wait := due - time.Since(started); wait > 0 {
			select {
			case <-time.After(wait):
			case <-c.ctx.Done(): // left by itself
			}
		}
		c.stop(h, endShutdown)
	}
	h.clients.Wait()
	return nil
}

// admit takes a client in. Otherwise it has answered the request and gives
// false. The caller of admit calls leave in the end.
func (h *Hub) admit(w http.ResponseWriter, c *client) bool {
	h.mu.Lock()
	full := len(h.open) >= h.cfg.MaxClients
	if h.stopping || h.ring == nil || full {
		full = full && !h.stopping && h.ring != nil
		h.mu.Unlock()
		if full {
			h.cfg.Metrics.dropped.WithLabelValues(dropFull).Inc()
		}
		w.Header().Set("Retry-After", fmt.Sprint(2+rand.IntN(8)))
		http.Error(w, "the live feed takes no more clients now, try again", http.StatusServiceUnavailable)
		return false
	}
	defer h.mu.Unlock()
	h.open[c] = struct{}{}
	h.clients.Add(1)
	h.cfg.Metrics.clients.WithLabelValues(c.transport).Inc()
	return true
}

func (h *Hub) leave(c *client) {
	c.stop(h, endLeft)
	h.mu.Lock()
	delete(h.open, c)
	h.mu.Unlock()
	h.cfg.Metrics.clients.WithLabelValues(c.transport).Dec()
	h.clients.Done()
}
