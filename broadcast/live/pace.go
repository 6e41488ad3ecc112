package live

import (
	"math/rand/v2"
	"sync"
	"time"
)

// pace lets clients in at a steady rate after a burst of one second's worth,
// so that all clients of another node, or of this one after a restart, do not
// come at once. Who comes too early waits a moment, or is told when to come
// back: the later, the more were told already.
type pace struct {
	every time.Duration // between two clients; 0 is without limit

	mu      sync.Mutex
	next    time.Time // when the next one may come in
	retries time.Time // until when those that were told to come back keep the gate busy
}

const (
	paceBurst = time.Second            // worth of clients that may come at once
	paceRoom  = 500 * time.Millisecond // that a client is kept waiting
	paceLimit = time.Minute            // the longest that one is told to stay away
)

func newPace(perSecond int) *pace {
	if perSecond <= 0 {
		return &pace{}
	}
	return &pace{every: time.Second / time.Duration(perSecond)}
}

// enter says how long a client waits before it comes in, or, when ok is false,
// after about what time it should come back.
func (p *pace) enter(now time.Time) (wait time.Duration, ok bool) {
	if p.every == 0 {
		return 0, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if early := now.Add(-paceBurst); p.next.Before(early) {
		p.next = early
	}
	if wait = p.next.Sub(now); wait <= paceRoom {
		p.next = p.next.Add(p.every)
		return max(0, wait), true
	}
	if p.retries.Before(now) {
		p.retries = now
	}
	p.retries = p.retries.Add(p.every)
	if latest := now.Add(paceLimit); p.retries.After(latest) {
		p.retries = latest // or a flood would be remembered for hours
	}
	return min(time.Second+p.retries.Sub(now), paceLimit), false
}

// around is a random moment between half and one and a half of d, as
// "retry=SECONDS" asks clients to choose for themselves.
func around(d time.Duration) time.Duration { return d/2 + rand.N(d+1) }
