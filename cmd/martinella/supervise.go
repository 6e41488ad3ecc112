package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"
)

// The waits before a loop that ended by itself is started again.
const (
	restartFirst = 500 * time.Millisecond
	restartLast  = 30 * time.Second
)

// supervisor runs the loops of a gateway. A loop that ends before its context
// is started again, with growing waits: one broken channel must not silence
// the others. Its zero value with a log is ready.
type supervisor struct {
	log *zap.Logger
	wg  sync.WaitGroup
}

// start runs loop until ctx ends. It does not block.
func (s *supervisor) start(ctx context.Context, name string, loop func(context.Context) error) {
	s.wg.Go(func() {
		wait := restartFirst
		for ctx.Err() == nil {
			began := time.Now()
			err := protected(ctx, loop)
			if ctx.Err() != nil {
				return
			}
			if time.Since(began) > restartLast {
				wait = restartFirst
			}
			s.log.Error("a loop ended by itself and is started again", zap.String("loop", name), zap.Error(err), zap.Duration("after", wait))
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
			wait = min(2*wait, restartLast)
		}
	})
}

// wait blocks until every loop has ended.
func (s *supervisor) wait() { s.wg.Wait() }

// protected turns a panic into an error with its place.
func protected(ctx context.Context, loop func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	if err = loop(ctx); err == nil {
		err = errors.New("it returned")
	}
	return err
}
