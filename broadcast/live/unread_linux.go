package live

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// limitUnread has the kernel give up a connection whose peer takes nothing for
// so long (tcp(7), TCP_USER_TIMEOUT), also one that we closed: it would keep
// the last bytes for a peer that never reads for as long as that one likes.
func limitUnread(conn *net.TCPConn, d time.Duration) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
}
