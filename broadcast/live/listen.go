package live

// What a WebSocket peer may do, besides maxInbound.
const (
	chatter  = 64              // frames of any kind between two pings: it has nothing to say but pong
	goodbyes = 16 * maxInbound // bytes after we said farewell
)

// hear takes what a peer sent, and the error that was its end, or nil. It reports
// whether to go on reading.
func (c *client) hear(b []byte, end error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listen(b, end)
	return !c.over
}

// listen is hear with the lock held.
func (c *client) listen(b []byte, end error) {
	switch {
	case c.over:
		return
	case c.ended != nil:
		// Closing over unread bytes would reset the connection and destroy the
		// close frame on its way.
		if c.said += len(b); end != nil || c.said > goodbyes {
			c.close()
		}
		return
	}
	c.heard = c.hub.wheel.now.Load()
	if len(b) > 0 {
		c.parse(b)
	}
	if end != nil {
		c.end(lost(end))
		c.close()
	}
}

// parse reads frames. What is not whole yet is kept until it is.
func (c *client) parse(b []byte) {
	in := inbound{}
	if c.inbound != nil {
		in = *c.inbound
	}
	e := in.read(b, c)
	switch {
	case c.ended != nil:
	case e != nil:
		c.end(e)
	case in.idle():
		c.inbound = nil
	case c.inbound == nil:
		kept := in
		c.inbound = &kept
	default:
		*c.inbound = in
	}
}

// frame counts what the peer says.
func (c *client) frame() bool {
	c.said++
	return c.said <= chatter
}

// pinged answers a ping.
func (c *client) pinged(payload []byte) { c.tell(controlFrame(opPong, payload, "")) }

// closed answers a close frame, with the same code (RFC 6455 section 5.5.1).
func (c *client) closed(code int) { c.end(endReply(code)) }
