package live

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// poller waits for all WebSockets of a shard in one goroutine, and reads them
// into one buffer (epoll(7), level-triggered).
type poller struct {
	fd   int
	file *os.File // of fd: Go's own poller waits for ours

	start sync.Once
	ended chan struct{} // closed when run returned

	mu      sync.Mutex
	clients []*client // by descriptor

	events  [256]unix.EpollEvent
	buffer  [16 << 10]byte
	scratch []byte
}

// newPoller gives a poller; an error where the kernel gives none.
func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err == nil {
		err = unix.SetNonblock(fd, true) // or os.NewFile would not wait for it by Go's poller
	}
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &poller{fd: fd, file: os.NewFile(uintptr(fd), "epoll"), ended: make(chan struct{})}, nil
}

// run handles events until the poller is closed. It is started by the first
// client.
func (p *poller) run() {
	defer close(p.ended)
	raw, err := p.file.SyscallConn()
	if err != nil {
		return // closed before it began
	}
	_ = raw.Read(func(uintptr) bool {
		for {
			n, err := unix.EpollWait(p.fd, p.events[:], 0)
			if err != nil && err != unix.EINTR {
				return true
			}
			if n == 0 && err == nil {
				return false // wait again
			}
			for _, e := range p.events[:max(n, 0)] {
				p.handle(e)
			}
		}
	})
}

// close waits until run has ended. Nothing is taken any more.
func (p *poller) close() {
	p.start.Do(func() { close(p.ended) })
	_ = p.file.Close()
	<-p.ended
}

func (p *poller) handle(e unix.EpollEvent) {
	p.mu.Lock()
	var c *client
	if int(e.Fd) < len(p.clients) {
		c = p.clients[e.Fd]
	}
	p.mu.Unlock()
	if c == nil {
		return // closed since, or not known yet
	}
	if e.Events&unix.EPOLLOUT != 0 {
		p.scratch = c.flush(p.scratch)
	}
	if e.Events&^unix.EPOLLOUT != 0 {
		p.read(c)
	}
}

// read takes what the peer sent. A descriptor that was closed, and given to
// another client since, is read once too often, which does no harm.
func (p *poller) read(c *client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	n, err := unix.Read(c.line.(*epollLine).fd, p.buffer[:])
	switch err {
	case nil:
		var end error
		if n == 0 {
			end = io.EOF
		}
		c.listen(p.buffer[:n], end)
	case unix.EAGAIN, unix.EINTR:
	default:
		c.listen(nil, err)
	}
}

// epollLine is a WebSocket whose descriptor is ours alone, and not in Go's
// poller.
type epollLine struct {
	fd     int
	poller *poller
}

// take takes the descriptor out of a connection, which is closed, and adds it
// to the poller for c, whose lock is held.
func (p *poller) take(conn *net.TCPConn, c *client) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	fd := -1
	var dupErr error
	if err := raw.Control(func(old uintptr) { fd, dupErr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return err
	}
	if dupErr != nil {
		return dupErr
	}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
		_ = unix.Close(fd)
		return err
	}
	c.line = &epollLine{fd, p}
	p.know(fd, c)
	p.start.Do(func() { go p.run() })
	_ = conn.Close() // its own descriptor; the connection lives on in ours
	return nil
}

// know says whose events come for a descriptor from now on; those that came
// before come again. Nil forgets.
func (p *poller) know(fd int, c *client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for fd >= len(p.clients) {
		p.clients = append(p.clients, nil)
	}
	p.clients[fd] = c
}

func (l *epollLine) try(b []byte) (int, error) { return tryWrite(uintptr(l.fd), b) }

func (l *epollLine) later(*client) { l.await(unix.EPOLLIN | unix.EPOLLOUT) }
func (l *epollLine) rest()         { l.await(unix.EPOLLIN) }

// await says what the poller waits for. It cannot fail for a descriptor that
// is in the poller.
func (l *epollLine) await(events uint32) {
	_ = unix.EpollCtl(l.poller.fd, unix.EPOLL_CTL_MOD, l.fd, &unix.EpollEvent{Events: events, Fd: int32(l.fd)})
}

func (l *epollLine) shut() { _ = unix.Shutdown(l.fd, unix.SHUT_WR) }

func (l *epollLine) close() {
	l.poller.know(l.fd, nil)
	_ = unix.EpollCtl(l.poller.fd, unix.EPOLL_CTL_DEL, l.fd, nil)
	_ = unix.Close(l.fd)
}
