package main

import (
	"runtime"
	"testing"
)

// The reserve moves the next collection away, and takes no memory itself.
func TestReserve(t *testing.T) {
	next := func() uint64 {
		for range 3 { // what earlier tests left goes in the first ones
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NextGC
	}
	before := next()
	kept := reserve()
	with := next()
	if with < 2*reserveSize || with < before+reserveSize/2 {
		t.Errorf("the next collection comes at %d, before at %d", with, before)
	}
	runtime.KeepAlive(kept)
}
