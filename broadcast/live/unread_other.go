//go:build !linux

package live

import (
	"net"
	"time"
)

// limitUnread is Linux's; elsewhere the operating system decides.
func limitUnread(*net.TCPConn, time.Duration) {}
