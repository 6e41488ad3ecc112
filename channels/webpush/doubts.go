package webpush

import (
	"hash/maphash"
	"sync"
	"time"
)

// doubts finds out what it means that a push service refuses our signature.
// Either the key or the contact is wrong, then nobody gets anything; or this one
// subscription was made with another key, which is its own matter and must not
// stop the channel. While nothing tells, the recipient waits.
type doubts struct {
	mu       sync.Mutex
	seed     maphash.Seed
	accepted time.Time      // the last message that any known service took: the key is right
	since    time.Time      // the first refusal after it
	refused  map[uint64]int // by endpoint, since then: how often
	stopped  time.Time      // the last time that the key itself was blamed
}

// The figures of doubts.
const (
	proven       = time.Hour       // so long an acceptance speaks for the key
	blameAfter   = 2 * time.Second // answers that are on their way may still speak for it
	blameAt      = 5               // different endpoints refuse, and none takes anything
	patience     = 3               // refusals of one endpoint while nothing tells
	mostRefused  = 1024
	blameLasting = time.Minute // that the check repeats the blame; then the channel may try again
)

type blame int

const (
	blameNobody       blame = iota // not known yet
	blameSubscription              // made with another key
	blameKey                       // ours, or the contact
)

func newDoubts() *doubts { return &doubts{seed: maphash.MakeSeed(), refused: map[uint64]int{}} }

func (d *doubts) accept(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.accepted, d.stopped = now, time.Time{}
	clear(d.refused)
}

func (d *doubts) refuse(endpoint string, now time.Time) blame {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.accepted.IsZero() && now.Sub(d.accepted) < proven {
		return blameSubscription
	}
	if len(d.refused) == 0 {
		d.since = now
	}
	hash := maphash.String(d.seed, endpoint)
	if _, again := d.refused[hash]; again || len(d.refused) < mostRefused {
		d.refused[hash]++
	}
	switch {
	case len(d.refused) >= blameAt && now.Sub(d.since) >= blameAfter:
		d.stopped = now
		return blameKey
	case len(d.refused) < blameAt && d.refused[hash] >= patience:
		return blameSubscription
	}
	return blameNobody
}

// blamed reports whether the key was blamed just now.
func (d *doubts) blamed(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.stopped.IsZero() && now.Sub(d.stopped) < blameLasting
}
