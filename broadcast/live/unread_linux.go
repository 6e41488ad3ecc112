package live

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// limitUnread has the kernel give up a connection whose peer takes nothing for
// so long (tcp(7), TCP_USER_TIMEOUT), also one that we closed: it would keep
// the last bytes for a peer that never reads for as long as that one likes.
func limitUnread(conn *net.TCPConn, d time.Duration) {
	if raw, err := conn.SyscallConn(); err == nil {
		_ = giveUpAfter(raw, d)
	}
}

// Control is for the listener that serves the feed (net.ListenConfig): its
// connections are given up when the peer takes nothing for as long as a silent
// WebSocket is given. Event streams need it, which have no pong.
func Control(_, _ string, c syscall.RawConn) error { return giveUpAfter(c, pongWithin) }

func giveUpAfter(c syscall.RawConn, d time.Duration) (err error) {
	controlErr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
	if controlErr != nil {
		return controlErr
	}
	return err
}
