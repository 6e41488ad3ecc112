package smpp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
)

// The pace of reconnecting: doubled from firstWait up to longestWait, each
// halved at random, so that many gateways do not come back in step. An SMSC
// that refuses a password may lock the account: it is asked less often.
const (
	firstWait   = 500 * time.Millisecond
	longestWait = 30 * time.Second
	refusedWait = time.Minute
	// steady is how long a session must hold for the next loss to count as the
	// first.
	steady = 30 * time.Second
)

var errClosed = errors.New("the channel is closed")

// link keeps at most one session, opened when somebody needs it and opened
// anew, after a wait, when it was lost. Its methods may be called at once.
type link struct {
	open func(context.Context) (*session, error) // dials and binds; one call at a time
	log  *zap.Logger

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	live     *session
	since    time.Time // when it was bound
	attempt  *attempt  // in work
	failures int
	next     time.Time // not before
	last     error     // why the last attempt failed or the session ended
	closed   bool
}

// attempt is one try to bind, shared by all who wait for it.
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

// session gives the bound session; without one it binds and blocks until that
// is decided. While a wait runs it does not bind, unless urgent. The error is a
// verdict: nothing was sent.
func (l *link) session(ctx context.Context, urgent bool) (*session, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, errClosed
	}
	if l.live != nil {
		if l.live.alive() {
			defer l.mu.Unlock()
			return l.live, nil
		}
		l.lost(l.live)
	}
	a := l.attempt
	if a == nil {
		if wait := time.Until(l.next); wait > 0 && !urgent {
			defer l.mu.Unlock()
			return nil, verdictOfBind(l.last, wait)
		}
		a = l.begin()
	}
	l.mu.Unlock()
	select {
	case <-a.done:
		return a.session, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the SMSC: %w", context.Cause(ctx))
	}
}

// ready gives the session if it is bound; nil otherwise. It does not block.
func (l *link) ready() *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.live == nil {
		return nil
	}
	if !l.live.alive() {
		l.lost(l.live)
		return nil
	}
	return l.live
}

// wake begins to bind, unless a wait runs. It does not block.
func (l *link) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed && l.live == nil && l.attempt == nil && time.Until(l.next) <= 0 {
		l.begin()
	}
}

// begin starts an attempt; the lock is held.
func (l *link) begin() *attempt {
	a := &attempt{done: make(chan struct{})}
	l.attempt = a
	l.wg.Go(func() { l.bind(a) })
	return a
}

// bind runs one attempt and then watches over its session.
func (l *link) bind(a *attempt) {
	s, err := l.open(l.ctx)
	l.mu.Lock()
	l.attempt = nil
	if err != nil {
		wait := l.failed(err)
		a.err = verdictOfBind(err, wait)
		l.mu.Unlock()
		close(a.done)
		return
	}
	if l.closed {
		l.mu.Unlock()
		s.end(errUnbound)
		s.wait()
		a.err = errClosed
		close(a.done)
		return
	}
	l.live, l.since, l.last = s, time.Now(), nil
	a.session = s
	l.mu.Unlock()
	l.log.Info("bound to the SMSC")
	close(a.done)
	<-s.done
	l.mu.Lock()
	l.lost(s)
	l.mu.Unlock()
	s.wait()
}

// failed counts a failure and sets the wait; the lock is held.
func (l *link) failed(err error) time.Duration {
	wait := min(firstWait<<min(l.failures, 10), longestWait)
	if unauthorized(err) {
		wait = refusedWait
		l.log.Error("the SMSC refuses the bind: check system_id and password", zap.Error(err))
	} else if l.last == nil || l.last.Error() != err.Error() {
		l.log.Warn("no session with the SMSC", zap.Error(err))
	}
	wait = wait/2 + rand.N(wait/2)
	l.failures++
	l.next, l.last = time.Now().Add(wait), err
	return wait
}

// lost notes, once, that a session has ended; the lock is held. One that is
// only on its way out is left alone.
func (l *link) lost(s *session) {
	why := s.reason()
	if l.live != s || why == nil {
		return
	}
	l.live = nil
	if errors.Is(why, errUnbound) {
		l.log.Info("unbound from the SMSC")
		return
	}
	if time.Since(l.since) > steady {
		l.failures = 0
	}
	l.failed(why)
}

// due is how long to wait before the next attempt makes sense.
func (l *link) due() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.next)
}

// hold keeps a session bound until ctx ends.
func (l *link) hold(ctx context.Context) error {
	for ctx.Err() == nil {
		s, err := l.session(ctx, false)
		if errors.Is(err, errClosed) {
			return err
		}
		var over <-chan struct{}
		var due <-chan time.Time
		if err == nil {
			over = s.done
		} else {
			due = time.After(max(l.due(), 10*time.Millisecond))
		}
		select {
		case <-over:
		case <-due:
		case <-ctx.Done():
		}
	}
	return nil
}

// leave unbinds politely; the next user binds again.
func (l *link) leave(ctx context.Context) {
	l.mu.Lock()
	s := l.live
	l.mu.Unlock()
	if s != nil {
		s.leave(ctx)
		s.wait()
	}
}

// close ends everything for good and waits for it.
func (l *link) close(ctx context.Context) {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.leave(ctx)
	l.cancel()
	l.wg.Wait()
}

// bindField says in the log which bind speaks, where there are several.
func bindField(role command, n, of int) []zap.Field {
	if role == bindTransceiver && of == 1 {
		return nil
	}
	return []zap.Field{zap.String("bind", fmt.Sprintf("%s %d", strings.TrimPrefix(role.String(), "bind_"), n+1))}
}

// verdictOfBind: whatever went wrong before a session was there, nothing was
// sent. Refused credentials are for the operator, all else passes.
func verdictOfBind(err error, wait time.Duration) error {
	var no *refusal
	if errors.As(err, &no) && no.status.verdict() == channels.VerdictUnauthorized {
		return channels.Unauthorized(err)
	}
	return channels.RetryAfter(err, wait)
}
