package rdb

import (
	"os/exec"
	"runtime"
	"syscall"
)

// bindToUs makes the child end when this program dies, however it dies.
func bindToUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}

// keepThread keeps the goroutine's thread for its whole life.
func keepThread() { runtime.LockOSThread() }
