package live

// line is the connection of a client as the hub writes it. Its methods are
// called with the client's lock held and never wait.
type line interface {
	// try writes what the socket takes at once and says how many bytes that
	// were: 0 and no error from a line that is full, or that cannot write
	// without waiting. Any error means that the connection is broken.
	try(b []byte) (int, error)

	// later makes sure that what waits for c is written once the socket takes
	// it: by [client.flush], or by [client.drain] in one goroutine. It is
	// called when the queue stops being empty.
	later(c *client)

	// rest is called when nothing waits any more after later.
	rest()

	// shut tells the peer that nothing more comes; its bytes are still read.
	shut()

	// close ends the connection. It is called once.
	close()
}
