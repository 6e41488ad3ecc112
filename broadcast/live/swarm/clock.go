//go:build linux

package swarm

import "golang.org/x/sys/unix"

// Now is CLOCK_MONOTONIC in nanoseconds: the same for all processes of this
// machine since it started.
func Now() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic("swarm: Linux always has CLOCK_MONOTONIC: " + err.Error())
	}
	return t.Nano()
}
