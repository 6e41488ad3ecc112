package live

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sys/unix"
)

// A connection that the kernel does not take into the poller is kept by a
// goroutine, also when the poller still has events of an earlier client with
// the same descriptor.
func TestAClientThatThePollerDoesNotTake(t *testing.T) {
	s := newStand(t, newBook(0), func(c *Config) { c.Path = PathEpoll })
	full := &poller{fd: -1} // takes nobody
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	peer, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	conn, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	stop := make(chan struct{})
	var events sync.WaitGroup
	defer events.Wait()
	defer close(stop)
	events.Go(func() {
		for fd := int32(0); ; fd = (fd + 1) % 100 {
			select {
			case <-stop:
				return
			default:
				full.handle(unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT, Fd: fd})
			}
		}
	})
	for range 5000 {
		c := s.newClient()
		c.mu.Lock()
		if err := full.take(conn.(*net.TCPConn), c); err == nil {
			t.Fatal("a poller that is none took a client")
		}
		c.line = newConnLine(s.Hub, conn)
		c.mu.Unlock()
	}
}

// What a peer does not read is not kept for ever, not even after we closed: on
// every way the socket itself gives up in the time of a pong.
func TestSocketsGiveUp(t *testing.T) {
	for _, path := range []Path{PathEpoll, PathGoroutines} {
		t.Run(string(path), func(t *testing.T) {
			s := newStand(t, newBook(0), func(c *Config) { c.Path = path })
			listen(t, s.serve(t).URL, "").wants("hello 0")
			for _, c := range s.everyone() {
				c.mu.Lock()
				defer c.mu.Unlock()
				var got int
				var err error
				switch l := c.line.(type) {
				case *epollLine:
					got, err = unix.GetsockoptInt(l.fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
				case *connLine:
					if e := l.raw.Control(func(fd uintptr) {
						got, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
					}); e != nil {
						t.Fatal(e)
					}
				}
				if want := int(s.cfg.unread().Milliseconds()); err != nil || got != want {
					t.Errorf("got %d ms, %v, want %d", got, err, want)
				}
			}
		})
	}
}

// What the kernel holds for an event stream is bounded as for a WebSocket.
func TestEventStreamsAreBounded(t *testing.T) {
	s := newStand(t, newBook(0))
	conns := make(chan net.Conn, 1)
	srv := httptest.NewUnstartedServer(s.routes())
	srv.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		conns <- c
		return KeepConn(ctx, c)
	}
	srv.Start()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		srv.Close()
	}()
	resp, err := http.Get(srv.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := (<-conns).(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ level, option, want int }{
		"send buffer":      {unix.SOL_SOCKET, unix.SO_SNDBUF, 2 * sendBuffer},
		"TCP_USER_TIMEOUT": {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(s.cfg.unread().Milliseconds())},
	} {
		var got int
		if e := raw.Control(func(fd uintptr) { got, err = unix.GetsockoptInt(int(fd), c.level, c.option) }); e != nil || err != nil || got != c.want {
			t.Errorf("%s: got %d, %v, %v, want %d", name, got, err, e, c.want)
		}
	}
}

// A full backlog of one client is no reason to end another: what a writer has
// in hand does not count, however large it is.
func TestWhatIsBeingWrittenIsNoBacklog(t *testing.T) {
	s := newStand(t, newBook(0), func(c *Config) { c.BacklogMessages, c.BacklogBytes = 2, 1000 })
	c := s.opened(&fullLine{})
	big := newFrame("x", make([]byte, 900))
	c.push(big)
	c.mu.Lock()
	c.gather(nil, drainBytes)
	c.exempt()
	c.mu.Unlock()
	for i := range 2 {
		if !c.push(newFrame("y", make([]byte, 400))) {
			t.Fatalf("message %d behind it was too much", i+1)
		}
	}
	if c.push(newFrame("z", nil)) {
		t.Error("three wait, two are allowed")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count != 0 || c.bytes != 0 || len(c.queue) != 2 {
		t.Errorf("afterwards %d and %d B count, %d frames wait; want none, and what is written with the close frame", c.count, c.bytes, len(c.queue))
	}
}

// The pages of the log that nobody takes are bounded for all clients together.
func TestReplaysAreBoundedTogether(t *testing.T) {
	s := newStand(t, newBook(10), func(c *Config) { c.Ring = 1 })
	s.Begin(cursor(10))
	srv := s.serve(t)
	if !s.unread.TryAcquire(replayBytes) { // as much as may wait waits for others
		t.Fatal("the budget is not free")
	}
	late := listen(t, srv.URL, "since=e1-2-0")
	late.wantsClose(websocket.CloseTryAgainLater)
	s.unread.Release(replayBytes)
	in := listen(t, srv.URL, "since=e1-8-0")
	in.wants("hello 8", "alert 9", "alert 10")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.unread.Acquire(ctx, replayBytes); err != nil {
		t.Errorf("what was taken still counts: %v", err)
	}
}
