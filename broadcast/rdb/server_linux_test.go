package rdb

import (
	"errors"
	"syscall"
	"testing"
)

// A signal to our process group (Ctrl-C in a terminal) must not reach the
// server: the store is the last to end. A stop in order still ends it.
func TestTheServerIsNoneOfOurProcessGroup(t *testing.T) {
	r := openServer(t)
	pid := r.ServerPID()
	theirs, err := syscall.Getpgid(pid)
	if err != nil {
		t.Fatal(err)
	}
	if ours := syscall.Getpgrp(); theirs == ours || theirs != pid {
		t.Errorf("the server %d is of the group %d, want its own; ours is %d", pid, theirs, ours)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for what, id := range map[string]int{"the server": pid, "a process of its group": -pid} {
		if err := syscall.Kill(id, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("after the stop %s is there: %v", what, err)
		}
	}
}
