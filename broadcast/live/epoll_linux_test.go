package live

import (
	"net"
	"sync"
	"testing"

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
				if want := int(s.cfg.PongWithin.Milliseconds()); err != nil || got != want {
					t.Errorf("got %d ms, %v, want %d", got, err, want)
				}
			}
		})
	}
}
