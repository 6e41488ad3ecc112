//go:build !linux

package swarm

import (
	"context"
	"io"
)

// Swarm exists on Linux only.
type Swarm struct{}

// Open gives ErrUnsupported.
func Open(context.Context, Config) (*Swarm, error) { return nil, ErrUnsupported }

// AllowFiles gives ErrUnsupported.
func AllowFiles(int) error { return ErrUnsupported }

// Expect does nothing.
func (*Swarm) Expect(int) {}

// Wait gives ErrUnsupported.
func (*Swarm) Wait(context.Context) error { return ErrUnsupported }

// Report is empty.
func (*Swarm) Report() Report { return Report{} }

// Close does nothing.
func (*Swarm) Close() error { return nil }

// Now is always 0.
func Now() int64 { return 0 }

// ServeFloor gives ErrUnsupported.
func ServeFloor(context.Context, io.Reader, io.Writer) error { return ErrUnsupported }
