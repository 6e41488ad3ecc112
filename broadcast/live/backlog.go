package live

// gather gives the bytes that wait, up to most bytes unless one frame is
// longer, and counts their frames in busy. Bytes of several frames are joined in
// scratch.
func (c *client) gather(scratch []byte, most int) (b, scratchAfter []byte) {
	first := c.queue[0].frame.wire(c.sse)[c.sent:]
	c.busy = 1
	if len(c.queue) == 1 || len(first)+len(c.queue[1].frame.wire(c.sse)) > most {
		return first, scratch
	}
	scratch = append(scratch[:0], first...)
	for _, w := range c.queue[1:] {
		one := w.frame.wire(c.sse)
		if len(scratch)+len(one) > most {
			break
		}
		scratch = append(scratch, one...)
		c.busy++
	}
	return scratch, scratch
}

// took takes written bytes off the queue.
func (c *client) took(n int) {
	c.busy = 0
	n += c.sent
	moved := false
	for len(c.queue) > 0 {
		size := len(c.queue[0].frame.wire(c.sse))
		if n < size {
			break
		}
		n -= size
		c.drop(0)
		c.queue = c.queue[1:]
		moved = true
	}
	c.sent = n
	switch {
	case len(c.queue) > 0 && moved:
		c.hurry(c.hub.cfg.WriteTimeout)
	case len(c.queue) == 0:
		c.queue, c.sent, c.until = nil, 0, 0
		c.settle()
	}
}

// exempt takes what is being written out of the backlog's counts: it may be
// with the peer already, and only the writer has not come back yet.
func (c *client) exempt() {
	for i := range c.queue[:c.busy] {
		c.uncount(&c.queue[i])
	}
}

func (c *client) uncount(w *waiting) {
	if w.counted {
		w.counted = false
		c.count--
		c.bytes -= len(w.frame.wire(c.sse))
	}
}

// drop lets go of one frame.
func (c *client) drop(i int) {
	w := &c.queue[i]
	c.uncount(w)
	w.tally.done()
	*w = waiting{}
}

func (c *client) settle() {
	if c.settled != nil {
		close(c.settled)
		c.settled = nil
	}
}

// flush writes what waits while the socket takes it.
func (c *client) flush(scratch []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) > 0 && !c.over {
		var b []byte
		b, scratch = c.gather(scratch, joinBytes)
		n, err := c.line.try(b)
		if err != nil {
			c.broken(err)
			return scratch
		}
		c.took(n)
		if n < len(b) {
			return scratch
		}
	}
	if !c.over {
		c.line.rest()
		c.depart()
	}
	return scratch
}

// drainBytes goes into one call that waits: little, because only what is written
// whole counts as progress.
const drainBytes = 8 << 10

// drain writes what waits with calls that wait, until nothing waits any more
// or the line is closed. One drain runs for a client at a time.
func (c *client) drain(write func([]byte) error) {
	var scratch []byte
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) > 0 && !c.over {
		var b []byte
		b, scratch = c.gather(scratch, drainBytes)
		c.exempt()
		c.mu.Unlock()
		err := write(b)
		c.mu.Lock()
		if err != nil {
			c.broken(err)
			break
		}
		c.took(len(b))
	}
	c.line.rest()
	if !c.over {
		c.depart()
	}
}
