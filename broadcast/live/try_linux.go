//go:build !386

package live

import (
	"syscall"
	"unsafe"
)

// canTry says that a socket can be written without waiting for it.
const canTry = true

// tryWrite writes what the socket takes at once: 0 and no error when it is
// full. It goes past Go's scheduler: to enter and leave it for each client costs
// about a tenth of a fan-out, and this call does not wait (send(2),
// MSG_DONTWAIT; a broken connection is no signal, MSG_NOSIGNAL).
func tryWrite(fd uintptr, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), //nolint:gosec // b lives through the call
			syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, nil
		default:
			return 0, errno
		}
	}
}
