package broadcast

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.uber.org/zap"
)

const (
	checkEvery   = time.Hour
	checkAgain   = 5 * time.Minute // after a check that failed
	checkTimeout = 30 * time.Second
)

// errPanic marks what a channel's program did instead of an answer.
var errPanic = errors.New("the channel's program failed")

// check proves the credentials at start and every hour, so that broken ones
// are known before the emergency; while the channel is halted it looks often,
// and a check that passes starts the channel again.
func (l *line) check(ctx context.Context) {
	ok := l.metrics.checkOK.WithLabelValues(l.name)
	if l.own.checker == nil {
		ok.Set(1)
		return
	}
	var next time.Time
	passed := true
	for ctx.Err() == nil {
		if now := time.Now(); !now.Before(next) || l.own.breaker.isHalted() {
			err := l.checkOnce(ctx)
			if ctx.Err() != nil {
				return
			}
			ok.Set(gaugeOf(err == nil))
			next = now.Add(checkEvery)
			if err != nil {
				next = now.Add(checkAgain)
				if passed {
					l.log.Error("the check of the channel's credentials failed", zap.Error(err))
				}
			} else {
				l.own.breaker.resume()
				if !passed {
					l.log.Info("the check of the channel's credentials passes again")
				}
			}
			passed = err == nil
		}
		pause(ctx, haltRecheck)
	}
}

func (l *line) checkOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return guard(func() error { return l.own.checker.Check(ctx) })
}

// guard turns a panic into an error that wraps errPanic. The stack is part of
// it once, for the log; it never reaches a record.
func guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{value: v, stack: debug.Stack()}
		}
	}()
	return f()
}

type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("%v: %v\n%s", errPanic, p.value, p.stack) }
func (p *panicked) Unwrap() error { return errPanic }
