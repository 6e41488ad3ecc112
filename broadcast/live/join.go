package live

import (
	"context"
	"errors"
	"time"

	"martinella/broadcast"
)

// page is how many changes are read from the log at once, for a client that
// was away longer than the ring remembers. Their messages are for it alone, and
// wait until it reads them.
const page = 32

// patience is how long a client waits for this node to follow the log into the
// epoch in which the client is already (DECISIONS 22), and for its turn to read
// the log.
const patience = 2 * time.Second

// errEnded is the error of a join whose client left in between.
var errEnded = errors.New("the client is gone")

// join greets a client and brings it from its cursor to the present. When it
// returns nil, the client has everything up to a place, and its shard gives it
// everything after that place.
//
// The client takes what the ring has in the same moment in which it is made
// known to its shard, under one lock: no gap, no double. Before that it reads
// the log page by page, and takes each before the next, until it has come to a
// place that the ring covers. That may be past what this node has heard of:
// then what is published up to there is not for this client any more.
func (h *Hub) join(ctx context.Context, c *client, asked request) error {
	j := &joiner{hub: h, client: c, request: asked, at: asked.since, spread: spread(h.Clients()), until: time.Now().Add(patience)}
	if !plausible(j.at) {
		return j.gone()
	}
	for {
		moved, err := j.enter()
		if moved == nil || err != nil {
			return err
		}
		err = j.read(ctx, moved)
		if errors.Is(err, broadcast.ErrGone) {
			return j.gone()
		}
		if err != nil {
			return err
		}
	}
}

// joiner is a client on its way from its cursor to the present.
type joiner struct {
	hub    *Hub
	client *client
	request
	at       broadcast.Cursor // has everything up to here
	sure     bool             // the place is one of the log's
	greeted  bool
	replayed int
	spread   time.Duration
	until    time.Time // how long it waits for this node
}

// enter makes the client known to its shard if the ring covers its place, and
// gives it what it missed since. An empty place is the head. A place past the
// head must be sure. Otherwise moved is closed at the next change of the ring.
func (j *joiner) enter() (moved <-chan struct{}, err error) {
	h, c := j.hub, j.client
	j.prepare(h.missed(j.at))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		return nil, errEnded
	}
	from, missed, moved := h.enter(j)
	if moved == nil {
		c.live = true
		j.greet(from)
		j.replay(missed)
	}
	return moved, nil
}

// prepare has the messages built that the client is going to get, while its
// lock is free: nobody waits for it. It gives their size in bytes.
func (j *joiner) prepare(missed []*item) (size int64) {
	for _, it := range missed {
		if f := j.frame(it); f != nil {
			size += int64(len(f.ws))
		}
	}
	return size
}

// missed is what the ring has after a place, as far as it is covered.
func (h *Hub) missed(at broadcast.Cursor) []*item {
	h.mu.Lock()
	defer h.mu.Unlock()
	missed, _ := h.ring.after(at)
	return missed
}

// frame gives what the client is told of a change; nil when it does not
// concern it.
func (j *joiner) frame(it *item) *frame {
	if it.hidden || (j.area != "" && !it.reach().covers(j.area)) {
		return nil
	}
	return it.frame(j.hub, wording{j.view, j.lang, j.spread})
}

// enter gives the ring's part of joiner.enter. It is called with the client's
// lock held, so that nothing is written before what it missed.
func (h *Hub) enter(j *joiner) (from broadcast.Cursor, missed []*item, moved <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	come := &joining{client: j.client, interest: j.interest}
	if j.at == "" {
		j.client.home.order(order{come: come})
		return h.ring.head, nil, nil
	}
	passed := h.ring.head.Reached(j.at)
	if j.sure || passed {
		var covered bool
		if missed, covered = h.ring.after(j.at); covered {
			if !passed {
				come.ahead = j.at
			}
			j.client.home.order(order{come: come})
			return j.at, missed, nil
		}
	}
	if h.moved == nil {
		h.moved = make(chan struct{})
	}
	return "", nil, h.moved
}

// greet says hello, once. The client's lock is held.
func (j *joiner) greet(at broadcast.Cursor) {
	if !j.greeted {
		j.greeted = true
		j.client.tell(helloFrame(at, time.Now()))
	}
}

// replay gives the client what it missed. Its lock is held.
func (j *joiner) replay(missed []*item) {
	frames := make([]waiting, 0, len(missed))
	for _, it := range missed {
		if f := j.frame(it); f != nil {
			frames = append(frames, waiting{frame: f})
		}
	}
	var scratch []byte
	for len(frames) > 0 {
		n, b := join(scratch[:0], frames, j.sse)
		j.client.give(frames[:n], b)
		frames = frames[n:]
	}
}

// read gives the client one page of the log. With nothing to read at a place
// that the ring does not cover, it waits for the ring to move.
func (j *joiner) read(ctx context.Context, moved <-chan struct{}) error {
	h := j.hub
	history, err := j.history(ctx)
	if err != nil {
		return err
	}
	if len(history) == 0 {
		err := h.exists(ctx, j.at)
		if err == nil && j.sure && !waitFor(ctx, moved, time.Until(j.until)) {
			return broadcast.ErrGone
		}
		j.sure = true
		return err
	}
	if j.replayed += len(history); j.replayed > h.cfg.Replay {
		return broadcast.ErrGone // to load the page is less than to read all this
	}
	size := min(j.prepare(history), replayBytes)
	turn, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := h.unread.Acquire(turn, size); err != nil {
		return err
	}
	defer h.unread.Release(size)
	if settled := j.take(history); settled != nil {
		<-settled // no more than a page waits for a client, and no record
	}
	if j.client.isEnded() {
		return errEnded
	}
	return nil
}

// take gives the client a page. When it is not written at once, settled is
// closed when it is, or when the client is gone.
func (j *joiner) take(history []*item) (settled <-chan struct{}) {
	c := j.client
	c.mu.Lock()
	defer c.mu.Unlock()
	j.greet(j.at)
	j.replay(history)
	j.at, j.sure = history[len(history)-1].entry.Cursor, true
	if len(c.queue) == 0 || c.ended != nil {
		return nil
	}
	c.settled = make(chan struct{})
	return c.settled
}

// gone tells the client to load everything again, and goes on from the head.
func (j *joiner) gone() error {
	j.at = ""
	c := j.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		return errEnded
	}
	head, _, _ := j.hub.enter(j)
	c.live = true
	j.greet(head)
	c.tell(goneFrame(head, j.spread))
	return nil
}

// history reads one page of the log, when it is this client's turn.
func (j *joiner) history(ctx context.Context) ([]*item, error) {
	turn, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	h := j.hub
	select {
	case h.replays <- struct{}{}:
		defer func() { <-h.replays }()
	case <-turn.Done():
		return nil, turn.Err()
	}
	entries, err := h.cfg.Log.After(ctx, j.at, page)
	if err != nil {
		return nil, err
	}
	items := make([]*item, len(entries))
	for i, e := range entries {
		items[i] = h.newItem(e)
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

// plausible keeps what strangers write as a cursor away from the store and
// short, and line ends out of event ids.
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
