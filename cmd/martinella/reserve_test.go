package main

import (
	"runtime"
	"testing"
)

// The reserve moves the next collection away, and takes no memory itself.
func TestReserve(t *testing.T) {
	next := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NextGC
	}
	before := next()
	kept := reserve()
	with := next()
	if with < before+reserveSize*3/2 {
		t.Errorf("the next collection comes at %d, before at %d", with, before)
	}
	runtime.KeepAlive(kept)
}
