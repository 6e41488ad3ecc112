//go:build unix && (!linux || 386)

package live

import "syscall"

// canTry says that a socket can be written without waiting for it.
const canTry = true

// tryWrite writes what the socket takes at once: 0 and no error when it is
// full. Go's sockets never block
// (O_NONBLOCK), and Go ignores SIGPIPE for them.
func tryWrite(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), b)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, nil
		default:
			return 0, err
		}
	}
}
