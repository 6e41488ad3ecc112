package live

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"martinella/broadcast"
)

// Hub hands published changes to all open clients of this node. Its methods
// may be called from many goroutines.
//
// The node says where its tail of the log starts ([Hub.Begin]), gives every
// change that the tail yields to [Hub.Publish], serves [Hub.ServeHTTP] at
// /live and [Hub.Events] at /events, and keeps [Hub.Run] running.
//
// Locks are taken in this order: a client's, Hub.mu, a shard's or the wheel's.
type Hub struct {
	cfg      Config
	upgrader websocket.Upgrader
	pace     *pace
	wheel    *wheel
	shards   []*shard
	pollers  []*poller           // one for each shard, or none
	replays  chan struct{}       // holds one token for each client that reads the log
	unread   *semaphore.Weighted // bytes of the log's pages that clients have not taken yet
	next     atomic.Uint32       // shard
	loops    sync.WaitGroup

	openMu  sync.Mutex
	open    map[*client]struct{}
	clients sync.WaitGroup // one for each open client

	mu       sync.Mutex
	ring     *ring         // nil until Begin
	moved    chan struct{} // closed at the next change of the ring; nil when nobody waits for it
	entered  int           // admitted and not yet left
	stopping bool
}

// The bounds of replays out of the log for all clients together: its pages are
// built for one client each. What the ring has is shared, and needs none.
const (
	replaysAtOnce = 16       // that read
	replayBytes   = 64 << 20 // that were read and not taken yet
)

// New makes a hub. The error names everything that is wrong with c.
func New(c Config) (*Hub, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("live feed: %w", err)
	}
	h := &Hub{cfg: c, open: map[*client]struct{}{}, pace: newPace(c.JoinsPerSecond), replays: make(chan struct{}, replaysAtOnce), unread: semaphore.NewWeighted(replayBytes)}
	h.wheel = newWheel(h)
	for i := range runtime.GOMAXPROCS(0) {
		h.shards = append(h.shards, &shard{hub: h, number: i, wake: make(chan struct{}, 1), audience: newAudience()})
	}
	if err := h.poll(newPoller); err != nil {
		return nil, fmt.Errorf("live feed: %w", err)
	}
	h.upgrader = websocket.Upgrader{
		HandshakeTimeout: c.WriteTimeout,
		WriteBufferPool:  &sync.Pool{},
		WriteBufferSize:  1 << 10,
		CheckOrigin:      func(*http.Request) bool { return true }, // asked before, see welcome
		Error: func(w http.ResponseWriter, _ *http.Request, status int, _ error) {
			w.Header().Set("Sec-WebSocket-Version", "13") // RFC 6455 section 4.4
			http.Error(w, http.StatusText(status), status)
		},
		// Never compression: a peer that may compress lifts the read limit, and
		// the brief is too small to gain (RELIABILITY 12, PERFORMANCE 10).
		EnableCompression: false,
	}
	return h, nil
}

// poll makes the pollers that the path needs. Without a path, what the kernel
// refuses is done without.
func (h *Hub) poll(newPoller func() (*poller, error)) error {
	path := PathGoroutines
	if h.cfg.Path != PathGoroutines {
		for range h.shards {
			p, err := newPoller()
			if err == nil {
				h.pollers = append(h.pollers, p)
				continue
			}
			for _, p := range h.pollers {
				p.close()
			}
			h.pollers = nil
			if h.cfg.Path == PathEpoll {
				return err
			}
			h.cfg.Logger.Info("live feed keeps its clients with goroutines", zap.Error(err))
			break
		}
	}
	if h.pollers != nil {
		path = PathEpoll
	}
	h.cfg.Metrics.path.WithLabelValues(string(path)).Set(1)
	return nil
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
	gone := goneFrame(after, spread(h.entered))
	for _, s := range h.shards {
		s.order(order{frame: gone})
	}
	h.cfg.Logger.Warn("live feed begins anew, clients load again", zap.Int("clients", h.entered))
}

// Publish hands a change to every open client whom it concerns and keeps it
// for those who come back. It is called by the node's one tail, in log order.
// It waits for nobody: the shards write, see [Hub.Run]. It does not keep
// e.Record from being read by others, but nobody may change it any more.
// Changes that the public may not see can be left out. A change that the hub
// is past already is ignored, and so is one before Begin.
func (h *Hub) Publish(e broadcast.Entry) {
	it := h.newItem(e)
	t := newTally(len(h.shards), h.cfg.Metrics.fanout)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ring == nil || !h.ring.add(it) {
		return
	}
	h.ringMoved()
	if it.hidden {
		return
	}
	pause := spread(h.entered)
	for _, s := range h.shards {
		s.order(order{item: it, spread: pause, tally: t})
	}
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
	return h.entered
}

// Run hands out what is published until ctx ends, then sends all clients away,
// one after the other over the configured time, so that they do not all come
// back at once; new ones are refused from then on. It returns nil when the last
// one is gone, at most a few write timeouts later. Stop the hub before the HTTP
// server, which would wait for event streams and forget WebSockets. It is
// called once.
func (h *Hub) Run(ctx context.Context) error {
	work, end := context.WithCancel(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	for _, s := range h.shards {
		loops.Go(func() { s.run(work) })
	}
	loops.Go(func() { h.turn(work) })

	<-ctx.Done()
	h.sendAway()
	h.clients.Wait()
	h.loops.Wait()
	end()
	loops.Wait()
	for _, p := range h.pollers {
		p.close()
	}
	return nil
}

// turn turns the wheel until ctx ends.
func (h *Hub) turn(ctx context.Context) {
	tick := time.NewTicker(h.wheel.step)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.wheel.tick()
		}
	}
}

// sendAway ends every client over the configured time, once it was given what
// was published before.
func (h *Hub) sendAway() {
	h.mu.Lock()
	h.stopping = true
	h.mu.Unlock()
	var handedOut sync.WaitGroup
	for _, s := range h.shards {
		handedOut.Add(1)
		s.order(order{done: handedOut.Done})
	}
	handedOut.Wait()
	leaving := h.everyone()
	if len(leaving) > 0 {
		h.cfg.Logger.Info("live feed stops, clients are sent away", zap.Int("clients", len(leaving)))
	}
	started := time.Now()
	for i, c := range leaving {
		if c.isEnded() {
			continue
		}
		due := h.cfg.ShutdownSpread * time.Duration(i) / time.Duration(len(leaving))
		if wait := due - time.Since(started); wait > 0 {
			time.Sleep(wait)
		}
		c.mu.Lock()
		c.end(endShutdown(h.cfg.ShutdownSpread))
		c.mu.Unlock()
	}
}

// everyone gives the open clients.
func (h *Hub) everyone() []*client {
	h.openMu.Lock()
	defer h.openMu.Unlock()
	return slices.Collect(maps.Keys(h.open))
}
