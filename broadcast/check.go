package broadcast

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/channels"
)

// The times of checks. Each is spread by a fifth, and the first ones over some
// seconds, so that many channels and nodes never look all at once.
const (
	checkFirst   = 5 * time.Second // at most, after the start
	checkEvery   = 5 * time.Minute
	checkAgain   = time.Minute // after a check that failed
	checkTimeout = 30 * time.Second
)

// errPanic marks what a channel's program did instead of an answer.
var errPanic = errors.New("the channel's program failed")

// checkup proves one account again and again without sending anything: at the
// start and every few minutes, so that broken credentials are known before the
// emergency. While the channel is halted it looks often, and a check that
// passes, or finds fault with the settings alone, starts the channel again.
type checkup struct {
	look   func(context.Context) error
	ok     prometheus.Gauge // 0 until the first check passed
	halted func() bool
	resume func()
	log    *zap.Logger
}

// check runs the checkup of the line's own provider until ctx ends. A channel
// that has nothing to check counts as checked.
func (l *line) check(ctx context.Context) {
	ok := l.metrics.checkOK.WithLabelValues(l.name)
	if l.own.checker == nil {
		ok.Set(1)
		return
	}
	look := func(ctx context.Context) error {
		err := l.own.checker.Check(ctx)
		l.own.breaker.condition.checked(err)
		return err
	}
	(&checkup{look: look, ok: ok, halted: l.own.breaker.isHalted, resume: l.own.breaker.resume, log: l.log}).run(ctx)
}

func (c *checkup) run(ctx context.Context) {
	passed := true
	next := time.Now().Add(sometime(checkFirst))
	for {
		wait := time.Until(next)
		if c.halted() {
			wait = min(wait, haltRecheck)
		}
		// Looking up in between: the channel may be halted meanwhile.
		if !pause(ctx, min(max(wait, 0), haltRecheck)) {
			return
		}
		if time.Now().Before(next) && !c.halted() {
			continue
		}
		err := c.once(ctx)
		if ctx.Err() != nil {
			return
		}
		c.ok.Set(gaugeOf(err == nil))
		switch {
		case err == nil && !passed:
			c.log.Info("the check of the channel passes again")
		case err != nil && passed:
			c.log.Error("the check of the channel failed: it may reach nobody", zap.Error(err))
		}
		passed = err == nil
		next = time.Now().Add(roughly(checkAgain))
		if passed {
			next = time.Now().Add(roughly(checkEvery))
		}
		// What the platform finds wrong with the settings, or a token that ends in
		// a week, is no reason to stay silent: the credentials are good.
		if verdict, _ := channels.VerdictOf(err); passed || verdict == channels.VerdictPermanent {
			c.resume()
		}
	}
}

// once asks the platform, with an end to the waiting.
func (c *checkup) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return guard(func() error { return c.look(ctx) })
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
