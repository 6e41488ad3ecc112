//go:build linux

package swarm

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// bufferSize is that of a loop's one read buffer. What a client's message has
// come so far is copied to its beginning, so that it holds any message.
const bufferSize = 4 * frameLimit

// What an event of epoll is about, beside the index of a client.
const (
	eventWake = -1 // a call waits
	eventFar  = -2 // the far clients' own epoll has events
)

// loop reads its clients in one goroutine. Everything here belongs to that
// goroutine, except what stands below mu and the atomics.
type loop struct {
	swarm   *Swarm
	poll    int // epoll of the near clients
	farPoll int // epoll of the far clients, within poll while they may read
	wake    int // eventfd
	events  []unix.EpollEvent
	clients []client
	buffer  []byte
	spare   [][]byte // of cap spareSize, for what is left of a read
	ledger  *ledger
	door    door
	stopped bool

	expected int // messages of the measure
	since    time.Time
	sinceAt  int64 // Now at since
	closed   map[int]int
	gone     int64 // clients that were told to load again
	pongs    int64
	frames   int64

	nearDone, farDone atomic.Bool // everybody has what is expected
	lost              atomic.Int64
	ended             chan struct{}

	mu    sync.Mutex
	calls []func()
}

func newLoop(s *Swarm, clients, first int) (*loop, error) {
	l := &loop{
		swarm: s, events: make([]unix.EpollEvent, 512), clients: make([]client, clients), buffer: make([]byte, bufferSize),
		ledger: newLedger(), closed: map[int]int{}, ended: make(chan struct{}), poll: -1, farPoll: -1, wake: -1,
	}
	l.sinceAt, l.since = together()
	l.door = newDoor(s.cfg)
	for i := range l.clients {
		l.clients[i].setup(s.cfg, first+i)
	}
	var err error
	if l.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err == nil {
		if l.farPoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err == nil {
			l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		}
	}
	if err == nil {
		err = l.watch(l.poll, unix.EPOLL_CTL_ADD, l.wake, unix.EPOLLIN, eventWake)
	}
	if err == nil {
		err = l.watch(l.poll, unix.EPOLL_CTL_ADD, l.farPoll, unix.EPOLLIN, eventFar)
	}
	if err != nil {
		l.release()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return l, nil
}

// together gives one moment on both clocks. They are read one after the other,
// and whoever is put off between the two would count wrong from then on: of
// several readings the closest is taken.
func together() (at int64, since time.Time) {
	closest := int64(math.MaxInt64)
	for range 100 {
		before := Now()
		t := time.Now()
		if apart := Now() - before; apart < closest {
			at, since, closest = before+apart/2, t, apart
		}
		if closest < int64(time.Microsecond) {
			break
		}
	}
	return at, since
}

// now is [Now] at the price of a clock read without a system call.
func (l *loop) now() int64 { return l.sinceAt + int64(time.Since(l.since)) }

func (l *loop) watch(poll, op, fd int, events uint32, about int32) error {
	return unix.EpollCtl(poll, op, fd, &unix.EpollEvent{Events: events, Fd: about})
}

// run works until stop, and then gives back every descriptor.
func (l *loop) run() {
	defer close(l.ended)
	defer l.release()
	for !l.stopped {
		if !l.wait(l.poll, l.open()) {
			return
		}
	}
}

// wait handles one batch of events.
func (l *loop) wait(poll int, patience time.Duration) bool {
	ms := -1
	if patience >= 0 {
		ms = int((patience + time.Millisecond - 1) / time.Millisecond)
	}
	n, err := unix.EpollWait(poll, l.events, ms)
	if err != nil && err != unix.EINTR {
		l.door.fail(fmt.Errorf("epoll: %w", err))
		l.swarm.signal()
		return false
	}
	for i := range max(n, 0) {
		switch e := &l.events[i]; e.Fd {
		case eventWake:
			l.answer()
		case eventFar:
			// Its batch takes the place of this one: what is left comes again.
			return l.wait(l.farPoll, 0)
		default:
			l.handle(&l.clients[e.Fd], e.Fd, e.Events)
		}
	}
	return true
}

// handle does what an event of a client asks for.
func (l *loop) handle(c *client, index int32, events uint32) {
	switch c.state {
	case connecting:
		l.connected(c, index)
	case greeting, open:
		l.read(c, index)
	case silent:
		if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
			l.drop(c, closedAbruptly)
		}
	}
}

// do runs f in the loop's goroutine and waits for it. It gives false when the
// loop has ended.
func (l *loop) do(f func()) bool {
	done := make(chan struct{})
	l.mu.Lock()
	l.calls = append(l.calls, func() { f(); close(done) })
	l.mu.Unlock()
	l.nudge()
	select {
	case <-done:
		return true
	case <-l.ended:
		return false
	}
}

func (l *loop) nudge() {
	_, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // full means that it is awake
}

func (l *loop) answer() {
	var count [8]byte
	_, _ = unix.Read(l.wake, count[:])
	l.mu.Lock()
	calls := l.calls
	l.calls = nil
	l.mu.Unlock()
	for _, f := range calls {
		f()
	}
}

// hold keeps the far clients from reading, or lets them.
func (l *loop) hold(yes bool) {
	if yes {
		_ = l.watch(l.poll, unix.EPOLL_CTL_DEL, l.farPoll, 0, eventFar) // it may be out already
		return
	}
	_ = l.watch(l.poll, unix.EPOLL_CTL_ADD, l.farPoll, unix.EPOLLIN, eventFar) // or in
}

// mark tells whoever waits when everybody has what is expected.
func (l *loop) mark() {
	if l.expected == 0 {
		return
	}
	near := l.ledger.near == 0 || l.ledger.nearReady >= l.expected
	far := l.ledger.far == 0 || l.ledger.farReady >= l.expected
	changed := l.nearDone.Swap(near) != near
	changed = l.farDone.Swap(far) != far || changed
	if changed {
		l.swarm.signal()
	}
}

// release closes everything. Clients are reset: none stays in TIME_WAIT.
func (l *loop) release() {
	for i := range l.clients {
		l.clients[i].shut()
	}
	for _, fd := range []int{l.poll, l.farPoll, l.wake} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}
