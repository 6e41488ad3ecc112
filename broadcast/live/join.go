package live

import (
	"context"
	"errors"
	"time"

	"martinella/broadcast"
)

// sink writes frames to one client. send blocks until the socket took the
// frame or the write timeout passed.
type sink interface {
	send(f *frame) error
}

// page is how many changes are read from the log at once, for a client that
// was away longer than the ring remembers.
const page = 128

// patience is how long a client's cursor may be ahead of this node: another
// node has published, and ours has not heard of it yet (DECISIONS 22).
const patience = 2 * time.Second

// join greets a client and brings it from its cursor to the present. When it
// returns nil, the client has everything up to a place of the ring, and its
// queue gets everything after that place.
//
// The client takes what the ring has in the same moment in which it is made
// live, under one lock: no gap, no double. Before that it reads the log page
// by page, until it has come to a place that the ring knows.
func (h *Hub) join(c *client, to sink) error {
	at, greeted := c.since, false
	greet := func(cursor broadcast.Cursor) error {
		if greeted {
			return nil
		}
		greeted = true
		return to.send(helloFrame(cursor, time.Now()))
	}
	waitUntil := time.Now().Add(patience)
	for {
		missed, moved, known := h.enter(c, at)
		if known {
			if at == "" {
				at = c.since // the head, set by enter
			}
			if err := greet(at); err != nil {
				return err
			}
			return h.sendAll(c, to, missed)
		}
		history, err := h.history(c.ctx, at)
		if err != nil && !errors.Is(err, broadcast.ErrGone) {
			return err
		}
		if err == nil && len(history) == 0 {
			// Nothing after a place that this node does not know: it is ahead of us,
			// or it never was.
			if waitFor(c.ctx, moved, time.Until(waitUntil)) {
				continue
			}
			err = broadcast.ErrGone
		}
		if err != nil {
			if err := c.ctx.Err(); err != nil {
				return err
			}
			head := h.enterAtHead(c)
			if err := greet(head); err != nil {
				return err
			}
			return to.send(goneFrame(head))
		}
		if err := greet(at); err != nil {
			return err
		}
		if err := h.sendAll(c, to, history); err != nil {
			return err
		}
		at = history[len(history)-1].entry.Cursor
		waitUntil = time.Now().Add(patience)
	}
}

// enter makes the client live if the ring knows its place, and gives what it
// missed since. An empty place is the head. Otherwise moved is closed at the
// next change of the ring.
func (h *Hub) enter(c *client, at broadcast.Cursor) (missed []*item, moved <-chan struct{}, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at == "" {
		at = h.ring.head
		c.since = at
	}
	if missed, known = h.ring.after(at); known {
		c.live = true
		return missed, nil, true
	}
	if h.moved == nil {
		h.moved = make(chan struct{})
	}
	return nil, h.moved, false
}

func (h *Hub) enterAtHead(c *client) broadcast.Cursor {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.live = true
	return h.ring.head
}

// history reads one page of the log.
func (h *Hub) history(ctx context.Context, at broadcast.Cursor) ([]*item, error) {
	if !plausible(at) {
		return nil, broadcast.ErrGone
	}
	entries, err := h.cfg.Log.After(ctx, at, page)
	if err != nil {
		return nil, err
	}
	items := make([]*item, len(entries))
	for i, e := range entries {
		items[i] = &item{entry: e, hidden: !h.cfg.Public(e.Record)}
	}
	return items, nil
}

func (h *Hub) sendAll(c *client, to sink, items []*item) error {
	for _, it := range items {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if !c.wants(it) {
			continue
		}
		if err := to.send(it.frame(h, wording{c.view, c.lang, spread(h.Clients())})); err != nil {
			return err
		}
	}
	return nil
}

// plausible keeps what strangers write as a cursor away from the store, and
// line ends out of event ids.
func plausible(c broadcast.Cursor) bool {
	if len(c) > 80 {
		return false
	}
	for i := range len(c) {
		if c[i] <= ' ' || c[i] > '~' {
			return false
		}
	}
	return true
}

// waitFor waits for the signal; false when ctx or the time ended first.
func waitFor(ctx context.Context, signal <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-signal:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}
