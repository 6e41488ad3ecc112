//go:build !linux

package live

import (
	"net"
	"syscall"
	"time"
)

// limitUnread is Linux's; elsewhere the operating system decides.
func limitUnread(*net.TCPConn, time.Duration) {}

// Control is Linux's; elsewhere the operating system decides when a peer that
// takes nothing is given up.
func Control(string, string, syscall.RawConn) error { return nil }
