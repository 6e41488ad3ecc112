package live

import (
	"context"
	"slices"
	"sync"
	"time"

	"martinella/broadcast"
)

// shard writes to its part of the clients: there are as many shards as
// processors. What comes in is done in order by one goroutine, so that a client
// gets exactly what was published after it came.
type shard struct {
	hub    *Hub
	number int
	wake   chan struct{} // holds one token while there are orders

	mu     sync.Mutex
	orders []order

	// Of the goroutine alone.
	audience audience
	early    []*joining // have what this node has not heard of yet
	touched  []*group
	joined   []byte
}

// order is one thing to do; exactly one of the fields says what.
type order struct {
	item  *item    // give this change to whom it concerns
	frame *frame   // give this to everyone
	come  *joining // from now on this client gets what is published
	left  *client  // and this one no more
	done  func()   // say that all before this is done

	spread time.Duration // of item
	tally  *tally        // of item and frame
}

// changes reports whether the order is to write something.
func (o *order) changes() bool { return o.item != nil || o.frame != nil }

// joining is a client on its way into its group.
type joining struct {
	*client
	interest
	ahead broadcast.Cursor // has everything up to here, which this node has not; or empty
}

// The most that is joined into one write for a client. More would save little,
// and fill the receive buffer of a client (64 KiB and more) at once: it then
// closes its window, and has to be asked for a long time to open it again.
const (
	joinFrames = 16
	joinBytes  = 32 << 10
)

func (s *shard) order(o order) {
	s.mu.Lock()
	s.orders = append(s.orders, o)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run does what is ordered until ctx ends.
func (s *shard) run(ctx context.Context) {
	var orders []order
	for {
		s.mu.Lock()
		orders, s.orders = s.orders, orders[:0]
		s.mu.Unlock()
		if len(orders) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-s.wake:
			}
			continue
		}
		s.do(orders)
		clear(orders)
	}
}

// do does what was ordered. Changes that wait behind one another are written
// together.
func (s *shard) do(orders []order) {
	for len(orders) > 0 {
		switch o := &orders[0]; {
		case o.come != nil:
			s.come(o.come)
		case o.left != nil:
			s.left(o.left)
		case o.done != nil:
			o.done()
		default:
			n := 1
			for n < len(orders) && n < joinFrames && len(s.early) == 0 && orders[n].changes() {
				n++
			}
			s.deliver(orders[:n])
			orders = orders[n:]
			continue
		}
		orders = orders[1:]
	}
}

func (s *shard) come(j *joining) {
	if j.ahead != "" {
		s.early = append(s.early, j)
		return
	}
	s.audience.add(j.client, j.interest)
}

func (s *shard) left(c *client) {
	if c.group != nil {
		s.audience.remove(c)
		return
	}
	s.early = slices.DeleteFunc(s.early, func(j *joining) bool { return j.client == c })
}

// catchUp lets those in who were ahead of this node until now.
func (s *shard) catchUp(o *order) {
	still := s.early[:0]
	for _, j := range s.early {
		if o.item == nil || !j.ahead.Reached(o.item.entry.Cursor) {
			s.audience.add(j.client, j.interest)
		} else {
			still = append(still, j)
		}
	}
	clear(s.early[len(still):])
	s.early = still
}

// deliver writes changes to everyone whom they concern, with one write for
// each client.
func (s *shard) deliver(orders []order) {
	for i := range orders {
		o := &orders[i]
		if len(s.early) > 0 {
			s.catchUp(o)
		}
		var r *reach
		if o.item != nil {
			r = o.item.reach()
		}
		s.audience.each(r, func(g *group) {
			f := o.frame
			if f == nil {
				f = o.item.frame(s.hub, wording{g.view, g.lang, o.spread})
			}
			if len(g.due) == 0 {
				s.touched = append(s.touched, g)
			}
			g.due = append(g.due, waiting{frame: f, tally: o.tally})
		})
	}
	for i, g := range s.touched {
		s.write(g)
		s.touched[i] = nil
	}
	s.touched = s.touched[:0]
	for i := range orders {
		orders[i].tally.done()
	}
}

// write gives a group what is due.
func (s *shard) write(g *group) {
	for due := g.due; len(due) > 0; {
		n, joined := join(s.joined[:0], due, g.sse)
		if n > 1 {
			s.joined = joined
		}
		for _, c := range g.clients {
			c.put(due[:n], joined)
		}
		for _, w := range due[:n] {
			w.tally.reached()
		}
		due = due[n:]
	}
	clear(g.due)
	g.due = g.due[:0]
	if cap(g.due) > joinFrames/4 {
		g.due = nil
	}
}

// join gives the bytes of the first n frames in one piece; those of one frame
// are not copied.
func join(b []byte, due []waiting, sse bool) (n int, joined []byte) {
	first := due[0].frame.wire(sse)
	if len(due) == 1 || len(first)+len(due[1].frame.wire(sse)) > joinBytes {
		return 1, first
	}
	for _, w := range due {
		one := w.frame.wire(sse)
		if len(b)+len(one) > joinBytes {
			break
		}
		b = append(b, one...)
		n++
	}
	return n, b
}
