package rdb

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
)

const (
	leaseTime    = 3 * time.Second
	leaseRefresh = time.Second
	leasePoll    = 500 * time.Millisecond
	// fence is how old a node's last good refresh may be before it begins
	// nothing more: others may take its jobs at 3 s.
	fence = 2500 * time.Millisecond
	// missedPolls in a row make a node dead: one miss may be a step of Redis's
	// clock, at which all leases end at once.
	missedPolls = 3
	// nodeKept is how long a dead node is remembered, for its jobs.
	nodeKept = time.Hour
)

// liveness is what this node knows of its own lease and of the other nodes.
type liveness struct {
	sync.Mutex
	running bool      // Run refreshes the lease
	left    bool      // Run has ended and gave the lease back
	last    time.Time // good refresh
	misses  map[string]int
	dead    []string
}

// refreshLease says that this node lives.
func (r *Redis) refreshLease(ctx context.Context) error {
	began := time.Now() // the lease may have started then, no later
	err := r.run(ctx, r.scripts.lease, []string{r.keys.lease(r.node), r.keys.nodes()}, leaseTime.Milliseconds(), r.node, r.leaseText()).Err()
	if err != nil {
		return fail("lease", err)
	}
	r.liveness.Lock()
	defer r.liveness.Unlock()
	r.liveness.last = began
	return nil
}

// errFenced is no longer to begin anything, but to ask again: the next good
// refresh tells whether the job is still this node's.
var errFenced = fmt.Errorf("%w, perhaps: this node's lease is too old (%w)", broadcast.ErrLost, alerts.ErrUnavailable)

// fenced refuses to begin anything where others may count this node as dead.
// Before Run, nobody refreshes the lease but this call; after it, the lease is
// given back, and nothing is begun any more.
func (r *Redis) fenced(ctx context.Context) error {
	r.liveness.Lock()
	age, running, left := time.Since(r.liveness.last), r.liveness.running, r.liveness.left
	r.liveness.Unlock()
	switch {
	case left:
		return errFenced
	case age <= leaseRefresh || running && age <= fence:
		return nil
	case running:
		return errFenced
	}
	return r.refreshLease(ctx)
}

// Fenced implements [broadcast.Queue].
func (q *Queue) Fenced() error {
	q.r.liveness.Lock()
	defer q.r.liveness.Unlock()
	if q.r.liveness.left || time.Since(q.r.liveness.last) > fence { // a monotonic clock
		return errFenced
	}
	return nil
}

// deadNodes are those whose lease was gone three times in a row.
func (r *Redis) deadNodes() []string {
	r.liveness.Lock()
	defer r.liveness.Unlock()
	return append([]string(nil), r.liveness.dead...)
}

// pollNodes looks for nodes without a lease.
func (r *Redis) pollNodes(ctx context.Context) error {
	nodes, err := r.commands.ZRangeWithScores(ctx, r.keys.nodes(), 0, -1).Result()
	if err != nil {
		return fail("nodes", err)
	}
	alive := make([]*redis.IntCmd, len(nodes))
	pipe := r.commands.Pipeline()
	for i, n := range nodes {
		name, _ := n.Member.(string)
		alive[i] = pipe.Exists(ctx, r.keys.lease(name))
	}
	clock := pipe.Time(ctx)
	if _, err := pipe.Exec(ctx); err != nil {
		return fail("nodes", err)
	}
	r.liveness.Lock()
	defer r.liveness.Unlock()
	misses, dead := map[string]int{}, []string(nil)
	for i, n := range nodes {
		name, _ := n.Member.(string)
		if name == r.node || alive[i].Val() > 0 {
			continue
		}
		misses[name] = r.liveness.misses[name] + 1
		if misses[name] == missedPolls {
			r.log.Warn("a node is gone, its jobs are taken over", zap.String("node", name))
		}
		if misses[name] >= missedPolls {
			dead = append(dead, name)
			if clock.Val().Sub(time.Unix(int64(n.Score), 0)) > nodeKept {
				_ = r.commands.ZRem(ctx, r.keys.nodes(), name).Err()
			}
		}
	}
	r.liveness.misses, r.liveness.dead = misses, dead
	return nil
}
