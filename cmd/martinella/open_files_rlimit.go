//go:build linux || darwin

package main

import "syscall"

// mayOpen is how many files this process may open: RLIMIT_NOFILE, getrlimit(2).
// The Go runtime has raised it to what the system allows.
func mayOpen() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return unlimitedFiles
	}
	return limit.Cur
}
