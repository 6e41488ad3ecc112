package live

import (
	"fmt"
	"net/http"
	"time"
)

// admit takes a client in, who then must be entered ([Hub.enters]) or given up
// ([Hub.giveUp]). Otherwise it says after about what time the client should
// come back. It may wait a moment for the client's turn.
func (h *Hub) admit(r *http.Request) (again time.Duration, ok bool) {
	wait, ok := h.pace.enter(time.Now())
	if !ok {
		h.cfg.Metrics.dropped.WithLabelValues(dropPace).Inc()
		return wait, false
	}
	if wait > 0 {
		turn := time.NewTimer(wait)
		defer turn.Stop()
		select {
		case <-turn.C:
		case <-r.Context().Done():
			return 0, false
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.stopping || h.ring == nil:
		return notNow, false
	case h.entered >= h.cfg.MaxClients:
		h.cfg.Metrics.dropped.WithLabelValues(dropFull).Inc()
		return notNow, false
	}
	h.entered++
	h.clients.Add(1)
	return 0, true
}

// notNow is when to come back to a node that takes nobody.
const notNow = 6 * time.Second

// refuse tells a client to come back at some moment around a time.
func refuse(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", fmt.Sprint(max(1, int(around(d).Round(time.Second)/time.Second))))
	http.Error(w, "the live feed takes no more clients now, try again", http.StatusServiceUnavailable)
}

// enters makes an admitted client open. Its line is there, its lock is held.
func (h *Hub) enters(c *client) {
	h.openMu.Lock()
	h.open[c] = struct{}{}
	h.openMu.Unlock()
	h.cfg.Metrics.clients.WithLabelValues(c.transport()).Inc()
	h.wheel.add(c)
	h.mu.Lock()
	late := h.stopping
	h.mu.Unlock()
	if late { // who is open now was not there when all were sent away
		c.end(endShutdown(h.cfg.ShutdownSpread))
	}
}

// left is the end of an open client.
func (h *Hub) left(c *client) {
	h.openMu.Lock()
	delete(h.open, c)
	h.openMu.Unlock()
	h.cfg.Metrics.clients.WithLabelValues(c.transport()).Dec()
	h.giveUp()
}

// Open is how many clients are open on this node now.
func (h *Hub) Open() int {
	h.openMu.Lock()
	defer h.openMu.Unlock()
	return len(h.open)
}

// giveUp is the end of an admitted client.
func (h *Hub) giveUp() {
	h.mu.Lock()
	h.entered--
	h.mu.Unlock()
	h.clients.Done()
}

func (c *client) transport() string {
	if c.sse {
		return sse
	}
	return webSocket
}

// newClient gives a client its shard.
func (h *Hub) newClient() *client {
	return &client{hub: h, home: h.shards[h.next.Add(1)%uint32(len(h.shards))]}
}
