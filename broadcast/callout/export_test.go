package callout

import "context"

// Step carries one call that has something due, as a worker does.
func (s *Callouts) Step(ctx context.Context) (bool, error) { return s.step(ctx) }

// Sweep looks for calls whose time is over, as Run does from time to time.
func (s *Callouts) Sweep(ctx context.Context) { s.sweep(ctx) }

// Watch measures the lag once.
func (s *Callouts) Watch(ctx context.Context) { s.watch()(ctx) }

// Hurry looks for pages that failed once, as Run does from time to time.
func (s *Callouts) Hurry(ctx context.Context) { s.hurry(ctx) }
