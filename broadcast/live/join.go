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

// patience is how long a client waits for this node to follow the log into the
// epoch in which the client is already (DECISIONS 22).
const patience = 2 * time.Second

// join greets a client and brings it from its cursor to the present. When it
// returns nil, the client has everything up to a place, and its queue gets
// everything after that place.
//
// The client takes what the ring has in the same moment in which it is made
// live, under one lock: no gap, no double. Before that it reads the log page
// by page, until it has come to a place that the ring covers. That may be past
// what this node has heard of: then what is published up to there is not for
// this client any more.
func (h *Hub) join(c *client, to sink) error {
	at, greeted, sure := c.since, false, false
	greet := func(cursor broadcast.Cursor) error {
		if greeted {
			return nil
		}
		greeted = true
		return to.send(helloFrame(cursor, time.Now()))
	}
	waitUntil := time.Now().Add(patience)
	for {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		from, missed, moved := h.enter(c, at, sure)
		if moved == nil {
			if err := greet(from); err != nil {
				return err
			}
			return h.sendAll(c, to, missed)
		}
		history, err := h.history(c.ctx, at)
		if err == nil && len(history) == 0 {
			err = h.exists(c.ctx, at)
			if err == nil && sure && !waitFor(c.ctx, moved, time.Until(waitUntil)) {
				err = broadcast.ErrGone
			}
			sure = true
		}
		if errors.Is(err, broadcast.ErrGone) {
			head := h.enterAtHead(c)
			if err := greet(head); err != nil {
				return err
			}
			return to.send(goneFrame(head))
		}
		if err != nil {
			return err
		}
		if len(history) == 0 {
			continue
		}
		if err := greet(at); err != nil {
			return err
		}
		if err := h.sendAll(c, to, history); err != nil {
			return err
		}
		at, sure = history[len(history)-1].entry.Cursor, true
	}
}

// enter makes the client live if the ring covers its place, and gives what it
// missed since. An empty place is the head. A place past the head must be
// sure: be one of the log's. Otherwise moved is closed at the next change of
// the ring.
func (h *Hub) enter(c *client, at broadcast.Cursor, sure bool) (from broadcast.Cursor, missed []*item, moved <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at == "" {
		c.live = true
		return h.ring.head, nil, nil
	}
	passed := h.ring.head.Reached(at)
	if sure || passed {
		var covered bool
		if missed, covered = h.ring.after(at); covered {
			c.live = true
			if !passed {
				c.ahead = at
			}
			return at, missed, nil
		}
	}
	if h.moved == nil {
		h.moved = make(chan struct{})
	}
	return "", nil, h.moved
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

// exists checks that the log has come as far as a place after which it has
// nothing: ErrGone for a place that never was.
func (h *Hub) exists(ctx context.Context, at broadcast.Cursor) error {
	head, err := h.cfg.Log.Head(ctx)
	if err == nil && !head.Reached(at) {
		return broadcast.ErrGone
	}
	return err
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
