package smpp

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// pace spaces out the parts that one process sends, since a contract counts
// parts where the dispatcher counts messages, and stops for a while when the
// SMSC throttles. Its methods may be called at once.
type pace struct {
	every time.Duration // between two parts; 0: as fast as the window allows

	mu     sync.Mutex
	next   time.Time
	paused time.Time // until then
	pause  time.Duration
}

// The pauses after ESME_RTHROTTLED and ESME_RMSGQFUL, doubled while they
// follow each other.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 10 * time.Second
)

func newPace(perSecond float64) *pace {
	p := new(pace)
	if perSecond > 0 {
		p.every = time.Duration(float64(time.Second) / perSecond)
	}
	return p
}

// wait blocks until the next part may leave. Its error means that ctx ended
// first; nothing was sent.
func (p *pace) wait(ctx context.Context) error {
	now := time.Now()
	p.mu.Lock()
	at := now
	if p.every > 0 && p.next.After(at) {
		at = p.next
	}
	if p.paused.After(at) {
		at = p.paused
	}
	p.next = at.Add(p.every)
	p.mu.Unlock()
	if !at.After(now) {
		return nil
	}
	timer := time.NewTimer(at.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: waiting for the pace: %w", errNotWritten, context.Cause(ctx))
	}
}

// throttled pauses all sending and gives the rest of the pause. Refusals of
// parts that were already on their way do not lengthen it.
func (p *pace) throttled() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if rest := p.paused.Sub(now); rest > 0 {
		return rest
	}
	p.pause = min(max(2*p.pause, firstPause), longestPause)
	p.paused = now.Add(p.pause)
	return p.pause
}

// taken ends the lengthening of pauses.
func (p *pace) taken() {
	p.mu.Lock()
	p.pause = 0
	p.mu.Unlock()
}
