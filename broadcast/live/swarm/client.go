//go:build linux

package swarm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// state of a client's connection.
type state uint8

const (
	absent     state = iota // not connected, or not any more
	connecting              // connect has not answered yet
	greeting                // the answer to the handshake is being read
	open
	silent // connected and never read
)

// client is one subscriber. There are many: it is small.
type client struct {
	fd      int32
	state   state
	mute    bool // becomes silent
	entered bool // was let in
	welcome bool // has heard its place
	order   int  // its number among all clients of the swarm
	rest    []byte
	parts   []byte // of a message in several frames
	seen
}

// setup decides how the client behaves: the silent ones lie evenly between the
// others, and so do those that read while the clock runs.
func (c *client) setup(cfg Config, order int) {
	c.fd, c.order = -1, order
	c.mute = (order+1)*cfg.Silent/cfg.Clients > order*cfg.Silent/cfg.Clients
	c.far = cfg.Remote && order%10 != 0
}

// shut closes the connection with a reset.
func (c *client) shut() {
	if c.fd < 0 {
		return
	}
	_ = unix.SetsockoptLinger(int(c.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	_ = unix.Close(int(c.fd))
	c.fd, c.state = -1, absent
}

// The codes of a close that no frame announced (RFC 6455, section 7.4.1), and
// that of a server that breaks the protocol.
const (
	closedNoCode   = 1005
	closedAbruptly = 1006
	closedWrong    = 1002
)

// drop ends a client that the server closed or that it cannot go on with.
func (l *loop) drop(c *client, code int) {
	was := c.state
	c.shut()
	if c.rest != nil {
		l.giveBack(c)
	}
	switch was {
	case absent:
		return
	case connecting, greeting:
		l.door.fail(errors.New("the server closed a connection in the middle of its handshake"))
		l.swarm.signal()
		return
	case open:
		if c.far {
			l.ledger.far--
		} else {
			l.ledger.near--
		}
		l.lost.Add(1)
	case silent:
	}
	l.closed[code]++
	l.swarm.signal()
}

// receive reads without telling the scheduler: the socket does not block, and
// what the scheduler would do costs as much as the read.
func receive(fd int32, into []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(into))), uintptr(len(into))) //nolint:gosec // G103: as syscall does it
	return int(n), errno
}

// read takes what a client's socket has, at most one buffer.
func (l *loop) read(c *client, index int32) {
	kept := copy(l.buffer, c.rest)
	n, errno := receive(c.fd, l.buffer[kept:])
	switch {
	case errno == syscall.EAGAIN || errno == syscall.EINTR:
		return
	case errno != 0 || n == 0:
		l.drop(c, closedAbruptly)
		return
	}
	at := l.now()
	b := l.buffer[:kept+n]
	if c.state == greeting {
		var ok bool
		if b, ok = l.greeted(c, index, b); !ok {
			return
		}
	}
	left, err := l.parse(c, b, at)
	if err != nil {
		l.drop(c, closedWrong)
		return
	}
	if c.state == open {
		l.keep(c, left)
	}
	l.mark()
}

// parse takes whole frames and gives what is left.
func (l *loop) parse(c *client, b []byte, at int64) ([]byte, error) {
	for {
		h, err := parseHead(b)
		if err != nil || h.header == 0 || len(b) < h.header+h.length {
			return b, err
		}
		payload := b[h.header : h.header+h.length]
		b = b[h.header+h.length:]
		l.frames++
		switch {
		case h.opcode >= opClose:
			if l.control(c, h.opcode, payload) {
				return nil, nil
			}
		case h.fin && h.opcode != opContinuation && c.parts == nil:
			l.message(c, payload, at)
		default:
			if err := l.part(c, h, payload, at); err != nil {
				return nil, err
			}
		}
	}
}

// part takes one frame of a message in several.
func (l *loop) part(c *client, h head, payload []byte, at int64) error {
	if (h.opcode == opContinuation) != (c.parts != nil) || len(c.parts)+len(payload) > frameLimit {
		return fmt.Errorf("a frame of opcode %d stands where it may not", h.opcode)
	}
	c.parts = append(c.parts, payload...)
	if c.parts == nil {
		c.parts = []byte{}
	}
	if h.fin {
		l.message(c, c.parts, at)
		c.parts = nil
	}
	return nil
}

func (l *loop) message(c *client, payload []byte, at int64) {
	place, kind := l.swarm.cfg.Check(payload)
	switch kind {
	case Message:
		l.ledger.see(&c.seen, place, len(payload), at)
	case Start:
		l.ledger.begin(&c.seen, place)
		l.greet(c)
	case Gone:
		l.gone++
	case Other:
	}
}

// control answers a control frame; it gives true when the client is at its end.
func (l *loop) control(c *client, opcode byte, payload []byte) bool {
	var out [6 + 125]byte
	switch opcode {
	case opPing:
		l.pongs++
		_ = unix.Send(int(c.fd), appendControl(out[:0], opPong, payload), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL) // a socket too full for a pong is a dead one
	case opClose:
		code := closedNoCode
		if len(payload) >= 2 {
			code = int(binary.BigEndian.Uint16(payload))
		}
		_ = unix.Send(int(c.fd), appendControl(out[:0], opClose, payload), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL) // it is being closed anyhow
		l.drop(c, code)
		return true
	}
	return false
}

// spareSize holds what is usually left of a read.
const spareSize = 4 << 10

// keep holds back the beginning of a frame until the rest of it comes.
func (l *loop) keep(c *client, left []byte) {
	if len(left) == 0 {
		if c.rest != nil {
			l.giveBack(c)
		}
		return
	}
	if c.rest == nil && len(left) <= spareSize {
		if n := len(l.spare); n > 0 {
			c.rest, l.spare = l.spare[n-1], l.spare[:n-1]
		} else {
			c.rest = make([]byte, 0, spareSize)
		}
	}
	c.rest = append(c.rest[:0], left...)
}

func (l *loop) giveBack(c *client) {
	if cap(c.rest) == spareSize {
		l.spare = append(l.spare, c.rest[:0])
	}
	c.rest = nil
}
