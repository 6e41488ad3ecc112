//go:build !linux

package rdb

import "os/exec"

// bindToUs does nothing where no signal tells a child of our death: the child
// then holds the lock of the directory, and the next start says so.
func bindToUs(*exec.Cmd) {}

func keepThread() {}
