package swarm

import (
	"math"
	"slices"
)

// seen is what is kept of one client about what came: messages are counted by
// the order in which the loop first saw them.
type seen struct {
	next   int32              // all messages before this one came
	beyond map[int32]struct{} // and these behind it; nil where order is kept
	start  uint64             // place of its hello: what is behind it must come
	last   uint64             // highest place that came
	count  int                // different messages that came
	far    bool               // does not read while the clock runs (Config.Remote)
}

// ledger tells for one loop what came to whom, and when. It belongs to the
// loop's goroutine.
type ledger struct {
	messages []arrivals       // in the order of first sight
	known    map[uint64]int32 // place -> index in messages

	// The measure that runs: messages from window on.
	window            int
	room              []uint32 // for the offsets of the messages of the window
	nearReady         int      // messages that all near clients have
	farReady          int      // and that all far clients have
	near, far         int32    // clients that read
	doubled, disorder int64
	bytes             int64
}

// arrivals of one message. The offsets count units of 100 ns since the first.
type arrivals struct {
	place     uint64
	size      int
	first     int64
	offsets   []uint32
	near, far int32
}

// unit of the offsets in nanoseconds: 32 bits hold seven minutes.
const unit = 100

func newLedger() *ledger { return &ledger{known: map[uint64]int32{}} }

// expect begins a new measure and makes room for n messages.
func (l *ledger) expect(n int) {
	for i := l.window; i < len(l.messages); i++ {
		l.messages[i].offsets = nil
	}
	l.window, l.nearReady, l.farReady = len(l.messages), 0, 0
	l.messages = slices.Grow(l.messages, n)
	if need := n * int(l.near); cap(l.room) < need {
		l.room = make([]uint32, 0, need)
	}
	l.room = l.room[:0]
}

// begin notes the place after which a client's messages begin.
func (l *ledger) begin(c *seen, place uint64) {
	c.start, c.last = place, place
	c.next = int32(len(l.messages))
	for i := range l.messages {
		if l.messages[i].place > place {
			c.next = 0 // some of what others have is still to come to this one
			return
		}
	}
}

// see notes that a message came to a client at a time of [Now].
func (l *ledger) see(c *seen, place uint64, size int, at int64) {
	i := c.next
	if int(i) < len(l.messages) && l.messages[i].place == place && place > c.last {
		c.next++
		c.settle()
	} else {
		var again bool
		if i, again = l.find(c, place); again {
			l.doubled++
			return
		}
	}
	c.count++
	c.last = max(c.last, place)
	l.bytes += int64(size)
	m := &l.messages[i]
	if int(i) < l.window {
		return // late: it belongs to no measure, only to the count
	}
	if c.far {
		if m.far++; m.far == l.far {
			l.farReady++
		}
		return
	}
	if m.near == 0 {
		m.first, m.size = at, size
	}
	m.near++
	if len(m.offsets) < cap(m.offsets) {
		m.offsets = append(m.offsets, uint32(min(max(at-m.first, 0)/unit, math.MaxUint32)))
	}
	if m.near == l.near {
		l.nearReady++
	}
}

// find takes in a message that is not the next one of its client, and tells
// whether the client had it already.
func (l *ledger) find(c *seen, place uint64) (i int32, again bool) {
	i, ok := l.known[place]
	if !ok {
		i = int32(len(l.messages))
		l.known[place] = i
		l.messages = append(l.messages, arrivals{place: place, offsets: l.take()})
	}
	if _, has := c.beyond[i]; has || i < c.next || place <= c.start {
		return i, true // place <= start: its own cursor says that it has this one
	}
	if place < c.last {
		l.disorder++
	}
	if i == c.next {
		c.next++
		c.settle()
		return i, false
	}
	if c.beyond == nil {
		c.beyond = map[int32]struct{}{}
	}
	c.beyond[i] = struct{}{}
	return i, false
}

// settle moves next over what came before its turn.
func (c *seen) settle() {
	for len(c.beyond) > 0 {
		if _, ok := c.beyond[c.next]; !ok {
			return
		}
		delete(c.beyond, c.next)
		c.next++
	}
}

// take cuts the offsets of one message from the room, or makes new ones where
// more messages come than were expected.
func (l *ledger) take() []uint32 {
	n, used := int(l.near), len(l.room)
	if cap(l.room)-used < n {
		return make([]uint32, 0, n)
	}
	l.room = l.room[:used+n]
	return l.room[used : used : used+n]
}
