package live

import (
	"net"
	"syscall"
)

// connLine is a WebSocket over a net.Conn, on every platform: one goroutine
// reads, and one writes while something waits. Where the connection is plain
// TCP and the platform allows it, frames are written straight to the socket.
type connLine struct {
	conn net.Conn
	raw  syscall.RawConn // nil: cannot write without waiting
	hub  *Hub

	draining bool

	// For the one call of raw.Write, whose function is made once.
	call func(fd uintptr) bool
	b    []byte
	n    int
	err  error
}

// readBuffer is what a client may say at once without a second read; nearly
// always it is a pong of 6 bytes.
const readBuffer = 256

func newConnLine(h *Hub, conn net.Conn) *connLine {
	l := &connLine{conn: conn, hub: h}
	if tcp, ok := conn.(*net.TCPConn); ok && canTry {
		if raw, err := tcp.SyscallConn(); err == nil {
			l.raw, l.call = raw, l.write
		}
	}
	return l
}

// write is called with the socket, once, and never asks to wait for it.
func (l *connLine) write(fd uintptr) bool {
	l.n, l.err = tryWrite(fd, l.b)
	return true
}

func (l *connLine) try(b []byte) (int, error) {
	if l.raw == nil {
		return 0, nil
	}
	l.b = b
	err := l.raw.Write(l.call)
	l.b = nil
	if err != nil {
		return 0, err
	}
	return l.n, l.err
}

func (l *connLine) later(c *client) {
	if l.draining {
		return
	}
	l.draining = true
	l.hub.loops.Go(func() {
		c.drain(func(b []byte) error {
			_, err := l.conn.Write(b) // the wheel closes the connection when this takes too long
			return err
		})
	})
}

func (l *connLine) rest() { l.draining = false }

func (l *connLine) shut() {
	half, ok := l.conn.(interface{ CloseWrite() error })
	if !ok {
		return
	}
	if l.raw != nil {
		_ = half.CloseWrite()
		return
	}
	l.hub.loops.Go(func() { _ = half.CloseWrite() }) // TLS writes, and so may wait
}

// close does not say goodbye in TLS's way, which could wait for the peer.
func (l *connLine) close() {
	_ = plain(l.conn).Close()
}

// read takes what the peer sends until the connection ends.
func (l *connLine) read(c *client) {
	b := make([]byte, readBuffer)
	for {
		n, err := l.conn.Read(b)
		if !c.hear(b[:n], err) {
			return
		}
	}
}
