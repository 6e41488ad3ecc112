package live

import (
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestWhoTheKernelGaveUpDidNotLeave(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want *ending
	}{
		"takes nothing, seen by a write": {&net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.ETIMEDOUT)}, endWrite},
		"takes nothing, seen by a read":  {fmt.Errorf("read: %w", syscall.ETIMEDOUT), endWrite},
		"has closed":                     {io.EOF, endLeft},
		"was killed":                     {syscall.ECONNRESET, endLeft},
	} {
		if got := lost(c.err); got != c.want {
			t.Errorf("%s: dropped as %q, want %q", name, got.reason, c.want.reason)
		}
	}
}
