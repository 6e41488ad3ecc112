//go:build !linux

package live

import (
	"errors"
	"net"
)

// poller is Linux's; elsewhere every client has a reading goroutine.
type poller struct{}

func newPoller() (*poller, error) { return nil, errors.New("epoll is Linux's") }

func (*poller) close()                           {}
func (*poller) take(*net.TCPConn, *client) error { return errors.ErrUnsupported }
