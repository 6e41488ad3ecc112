package live

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// tally measures the time until the last client has a change. It is open once
// for each shard that has to deliver, and once for each client whose socket was
// full.
type tally struct {
	since   time.Time
	open    atomic.Int64
	hit     atomic.Bool // there was a client for it
	seconds prometheus.Observer
}

func newTally(shards int, seconds prometheus.Observer) *tally {
	t := &tally{since: time.Now(), seconds: seconds}
	t.open.Store(int64(shards))
	return t
}

func (t *tally) add() {
	if t != nil {
		t.open.Add(1)
	}
}

func (t *tally) done() {
	if t != nil && t.open.Add(-1) == 0 && t.hit.Load() {
		t.seconds.Observe(time.Since(t.since).Seconds())
	}
}

// reached says that there was a client for the change.
func (t *tally) reached() {
	if t != nil && !t.hit.Load() {
		t.hit.Store(true)
	}
}
