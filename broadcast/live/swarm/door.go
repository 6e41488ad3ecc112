//go:build linux

package swarm

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// door brings a loop's clients in: at a pace, so many at once, and again later
// where the server asks for that.
type door struct {
	every    time.Duration // between two beginnings; 0: no pace
	atOnce   int
	next     int // the first client that has not begun
	inflight int
	inside   int
	greeted  int // of them know their place
	due      time.Time
	later    []appointment
	retried  int
	err      error
}

// appointment is a client whom the server asked to come back.
type appointment struct {
	index int32
	at    time.Time
}

func newDoor(cfg Config) door {
	d := door{atOnce: max(cfg.Opening/cfg.Loops, 1)}
	if cfg.Rate > 0 {
		d.every = time.Second * time.Duration(cfg.Loops) / time.Duration(cfg.Rate)
	}
	return d
}

func (d *door) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// open begins the connections that are due and gives how long the loop may
// sleep until the next one; negative is for ever.
func (l *loop) open() time.Duration {
	d := &l.door
	if d.err != nil || d.inside == len(l.clients) || !l.swarm.opening.Load() {
		return -1
	}
	for d.inflight < d.atOnce {
		now := time.Now()
		index, wait := d.choose(len(l.clients), now)
		if index < 0 {
			return wait
		}
		if wait = d.due.Sub(now); wait > 0 {
			return wait
		}
		// A pace that was missed is not made up for by more than a few.
		if d.due = d.due.Add(d.every); now.Sub(d.due) > 10*time.Millisecond {
			d.due = now.Add(-10 * time.Millisecond)
		}
		d.begun(index)
		if err := l.connect(&l.clients[index], index); err != nil {
			d.fail(err)
			l.swarm.signal()
			return -1
		}
	}
	return -1
}

// choose gives the client to begin with, or how long until there is one.
func (d *door) choose(clients int, now time.Time) (int32, time.Duration) {
	wait := time.Duration(-1)
	for _, a := range d.later {
		if !a.at.After(now) {
			return a.index, 0
		}
		if left := a.at.Sub(now); wait < 0 || left < wait {
			wait = left
		}
	}
	if d.next < clients {
		return int32(d.next), 0
	}
	return -1, wait
}

func (d *door) begun(index int32) {
	d.inflight++
	for i, a := range d.later {
		if a.index == index {
			d.later = append(d.later[:i], d.later[i+1:]...)
			return
		}
	}
	d.next++
}

// perSource is how many clients share one source address: an address has about
// 28,000 ports to one destination (ip_local_port_range).
const perSource = 4000

// connect begins a connection. Clients of 127/8 come from addresses of their
// own there.
func (l *loop) connect(c *client, index int32) error {
	to := l.swarm.target.addr
	family := unix.AF_INET6
	if to.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	c.fd, c.state = int32(fd), connecting
	if c.mute {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1) // the kernel takes the least it can
	}
	if to.Addr().Is4() && to.Addr().IsLoopback() {
		k := 2 + c.order/perSource
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1) // only spares ports
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, byte(k >> 8), byte(k)}}); err != nil {
			return fmt.Errorf("bind: %w", err)
		}
	}
	if err := unix.Connect(fd, sockaddr(to)); err != nil && err != unix.EINPROGRESS {
		return fmt.Errorf("connect to %s: %w", to, err)
	}
	return l.watch(l.poll, unix.EPOLL_CTL_ADD, fd, unix.EPOLLOUT, index)
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// connected sends the request: it fits into any socket's buffer.
func (l *loop) connected(c *client, index int32) {
	code, err := unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	if err == nil {
		err = unix.Send(int(c.fd), l.swarm.target.request, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	}
	if err == nil {
		c.state = greeting
		err = l.watch(l.poll, unix.EPOLL_CTL_MOD, int(c.fd), unix.EPOLLIN, index)
	}
	if err != nil {
		l.door.fail(fmt.Errorf("connect to %s: %w", l.swarm.target.addr, err))
		l.swarm.signal()
	}
}

// answerLimit bounds the head of an HTTP answer.
const answerLimit = 16 << 10

// greeted reads the answer to the handshake. It gives what follows it and true
// once the client is open and reads.
func (l *loop) greeted(c *client, index int32, b []byte) ([]byte, bool) {
	answer, after, whole := bytes.Cut(b, []byte("\r\n\r\n"))
	if !whole {
		if len(b) > answerLimit {
			l.refuse(fmt.Errorf("the server's answer has more than %d bytes before its end", answerLimit))
			return nil, false
		}
		l.keep(c, b)
		return nil, false
	}
	status, header := readAnswer(answer)
	switch {
	case status == http.StatusServiceUnavailable:
		l.comeBack(c, index, header("Retry-After"))
		return nil, false
	case status != http.StatusSwitchingProtocols:
		l.refuse(fmt.Errorf("the server answered %d %s to a WebSocket handshake", status, http.StatusText(status)))
		return nil, false
	case header("Sec-WebSocket-Accept") != handshakeAccept:
		l.refuse(errors.New("the server's Sec-WebSocket-Accept is wrong"))
		return nil, false
	}
	if c.rest != nil {
		l.giveBack(c)
	}
	l.enter(c, index)
	return after, c.state == open
}

// enter makes a client one that is counted.
func (l *loop) enter(c *client, index int32) {
	l.door.inflight--
	l.door.inside++
	c.entered = true
	fd := int(c.fd)
	var err error
	switch {
	case c.mute:
		c.state = silent
		err = l.watch(l.poll, unix.EPOLL_CTL_MOD, fd, 0, index) // errors are told all the same
	case c.far:
		c.state = open
		l.ledger.far++
		if err = l.watch(l.poll, unix.EPOLL_CTL_DEL, fd, 0, index); err == nil {
			err = l.watch(l.farPoll, unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN, index)
		}
	default:
		c.state = open
		l.ledger.near++
	}
	if err != nil {
		l.refuse(fmt.Errorf("epoll: %w", err))
	}
	if c.mute || !l.swarm.cfg.Greeted {
		l.greet(c)
	}
}

// greet counts a client that knows its place, or will not be told.
func (l *loop) greet(c *client) {
	if c.welcome {
		return
	}
	c.welcome = true
	if l.door.greeted++; l.door.greeted == len(l.clients) {
		l.swarm.signal()
	}
}

func (l *loop) refuse(err error) {
	l.door.fail(err)
	l.swarm.signal()
}

// comeBack closes a client's connection until the server wants it again.
func (l *loop) comeBack(c *client, index int32, after string) {
	c.shut()
	if c.rest != nil {
		l.giveBack(c)
	}
	seconds, err := strconv.Atoi(after)
	if err != nil || seconds < 0 {
		seconds = 1 // it said no more than "later"
	}
	l.door.inflight--
	l.door.retried++
	l.door.later = append(l.door.later, appointment{index, time.Now().Add(time.Duration(seconds) * time.Second)})
}

// readAnswer gives the status of an HTTP answer, 0 for what is none, and its
// header fields.
func readAnswer(b []byte) (status int, header func(name string) string) {
	first, fields, _ := bytes.Cut(b, []byte("\r\n"))
	if words := bytes.Fields(first); len(words) >= 2 && bytes.HasPrefix(words[0], []byte("HTTP/1.")) {
		status, _ = strconv.Atoi(string(words[1]))
	}
	return status, func(name string) string {
		for line := range bytes.SplitSeq(fields, []byte("\r\n")) {
			key, value, ok := bytes.Cut(line, []byte(":"))
			if ok && bytes.EqualFold(bytes.TrimSpace(key), []byte(name)) {
				return string(bytes.TrimSpace(value))
			}
		}
		return ""
	}
}
