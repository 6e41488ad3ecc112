package mqtt

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
)

// The pace of reconnecting: doubled from firstWait up to longestWait, each
// halved at random, so that many gateways do not come back in step. A broker
// that refuses us is asked less often.
const (
	firstWait   = 250 * time.Millisecond
	longestWait = 15 * time.Second
	refusedWait = time.Minute
	// steady is how long a session must hold for the next loss to count as the
	// first.
	steady = 30 * time.Second
	// tellTime is how long after its end a session may take to say why.
	tellTime = 200 * time.Millisecond
)

var errClosed = errors.New("the channel is closed")

// link keeps at most one session: opened when somebody needs it, and again,
// after a wait, when it was lost. Its methods may be called at once.
type link struct {
	open func(context.Context) (*session, error)
	log  *zap.Logger

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	live     *session
	since    time.Time // when it began
	attempt  *attempt  // in work
	failures int
	next     time.Time // no attempt before
	last     error     // why the last attempt failed or the session ended
	closed   bool
}

// attempt is one try to connect, shared by all who wait for it.
type attempt struct {
	done    chan struct{}
	session *session
	err     error
}

func newLink(open func(context.Context) (*session, error), log *zap.Logger) *link {
	l := &link{open: open, log: log}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// session gives the live session, or opens one and blocks until that is
// decided. While a wait runs nothing is opened, unless urgent. The error is a
// verdict: nothing was sent.
func (l *link) session(ctx context.Context, urgent bool) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("wait for the broker: %w", context.Cause(ctx))
	}
	l.mu.Lock()
	switch {
	case l.closed:
		l.mu.Unlock()
		return nil, errClosed
	case l.live != nil && l.live.alive():
		defer l.mu.Unlock()
		return l.live, nil
	case l.live != nil:
		l.lost(l.live, l.live.reason(0))
	}
	a := l.attempt
	if a == nil {
		if wait := time.Until(l.next); wait > 0 && !urgent {
			defer l.mu.Unlock()
			return nil, waiting(l.last, wait)
		}
		a = &attempt{done: make(chan struct{})}
		l.attempt = a
		l.wg.Go(func() { l.connect(a) })
	}
	l.mu.Unlock()
	select {
	case <-a.done:
		return a.session, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the broker: %w", context.Cause(ctx))
	}
}

// waiting is the verdict of a broker that is away: nothing was sent.
func waiting(why error, wait time.Duration) error {
	if v, _ := channels.VerdictOf(why); v == channels.VerdictUnauthorized {
		return why
	}
	return channels.RetryAfter(why, wait)
}

// connect runs one attempt and then watches over its session.
func (l *link) connect(a *attempt) {
	s, err := l.open(l.ctx)
	l.mu.Lock()
	l.attempt = nil
	if err == nil && l.closed {
		l.mu.Unlock()
		s.leave()
		a.err = errClosed
		close(a.done)
		return
	}
	if err != nil {
		a.err = waiting(err, l.failed(err))
		l.mu.Unlock()
		close(a.done)
		return
	}
	l.live, l.since, l.last, a.session = s, time.Now(), nil, s
	l.mu.Unlock()
	l.log.Info("connected to the broker")
	close(a.done)
	<-s.client.Done()
	why := s.reason(tellTime)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost(s, why)
}

// lost notes, once, that a session has ended; the lock is held. Another one may
// be there by now: that one stays.
func (l *link) lost(s *session, why error) {
	if l.live != s {
		return
	}
	l.live = nil
	if errors.Is(why, errLeft) {
		l.log.Info("disconnected from the broker")
		return
	}
	if time.Since(l.since) > steady {
		l.failures = 0
	}
	l.failed(why)
}

// failed counts a failure and sets the wait; the lock is held.
func (l *link) failed(err error) time.Duration {
	wait := min(firstWait<<min(l.failures, 10), longestWait)
	switch v, _ := channels.VerdictOf(err); {
	case v == channels.VerdictUnauthorized:
		wait = refusedWait
		l.log.Error("the broker refuses us: check username, password and its access list", zap.Error(err))
	case l.ctx.Err() != nil:
	case l.last == nil || l.last.Error() != err.Error():
		l.log.Warn("no connection to the broker", zap.Error(err))
	}
	wait = wait/2 + rand.N(wait/2) //nolint:gosec // spread in time, no secret
	l.failures++
	l.next, l.last = time.Now().Add(wait), err
	return wait
}

// due is how long to wait before the next attempt makes sense.
func (l *link) due() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.next)
}

// hold keeps a session open until ctx ends, so that a broken connection is
// known, and mended, before the next alert.
func (l *link) hold(ctx context.Context) {
	for ctx.Err() == nil {
		s, err := l.session(ctx, false)
		if errors.Is(err, errClosed) {
			return
		}
		var over <-chan struct{}
		var due <-chan time.Time
		if err == nil {
			over = s.client.Done()
		} else {
			due = time.After(max(l.due(), 10*time.Millisecond))
		}
		select {
		case <-over:
		case <-due:
		case <-ctx.Done():
		}
	}
}

// leave says goodbye; the next user connects again.
func (l *link) leave() {
	l.mu.Lock()
	s := l.live
	l.mu.Unlock()
	if s != nil {
		s.leave()
	}
}

// close ends everything for good and waits for it.
func (l *link) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.leave()
	l.cancel()
	l.wg.Wait()
}
