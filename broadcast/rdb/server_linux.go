package rdb

import (
	"os/exec"
	"runtime"
	"syscall"
)

// bindToUs makes the child end when this program dies, however it dies, and no
// sooner: in a process group of its own it does not hear the Ctrl-C of a
// terminal, or a signal to our group, which would take the store away from a
// program that is still ending in order.
func bindToUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
}

// keepThread keeps the goroutine's thread for its whole life.
func keepThread() { runtime.LockOSThread() }
