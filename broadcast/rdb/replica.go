package rdb

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"martinella/broadcast"
)

const (
	// replicaTimeout is how long an answer waits for replicas where nothing is
	// configured: some hundred times what a replica in the same place takes.
	replicaTimeout = 200 * time.Millisecond
	// MaxReplicaTimeout bounds it: below the two seconds after which a silent
	// connection counts as broken.
	MaxReplicaTimeout = 1500 * time.Millisecond
	// replicaPoll is how often the master is asked who follows it.
	replicaPoll = time.Second
	// loadTries is how often a script is loaded again for one call.
	loadTries = 5
)

// replication is what this node knows of the replicas.
type replication struct {
	acked  atomic.Int64 // that had the last publication
	online atomic.Int64 // that followed the master when it was last asked, and one; 0: not known
}

// following gives the replicas that follow the master, -1 where not known.
func (p *replication) following() int { return int(p.online.Load()) - 1 }

// keep is repeat for what people rely on: it waits for the replicas that the
// configuration wants. replicated is nil where it wants none, else whether so
// many had the write in time; without them the write stays all the same.
//
// WAIT counts for the connection that it comes over, hence the pipeline. The
// small write before it is for a call that found its work done: newer servers
// let WAIT look no further than the connection's own last write.
func (r *Redis) keep(ctx context.Context, s *redis.Script, keys []string, args ...any) (cmd *redis.Cmd, replicated *bool) {
	want := r.cfg.Replicas
	if want <= 0 {
		return r.repeat(ctx, s, keys, args...), nil
	}
	var acked int64
	_ = again(ctx, func(ctx context.Context) error {
		for try := 0; ; try++ {
			pipe := r.commands.Pipeline()
			cmd = s.EvalSha(ctx, pipe, keys, args...)
			pipe.Set(ctx, r.keys.replicated(), "1", 0)
			wait := pipe.Do(ctx, "WAIT", want, r.patience(want).Milliseconds())
			_, _ = pipe.Exec(ctx)                                               // each command has its own error
			if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") && try < loadTries { // a pipeline cannot fall back by itself
				if err := s.Load(ctx, r.commands).Err(); err != nil {
					return err
				}
				continue
			}
			if cmd.Err() == nil {
				acked, _ = wait.Int64() // no answer: nobody is known to have it
			}
			return cmd.Err()
		}
	})
	if cmd.Err() == nil {
		r.replicas.acked.Store(acked)
	}
	enough := acked >= int64(want)
	return cmd, &enough
}

// patience is how long to wait for replicas: not at all where too few follow.
// The answer is the truth in any case, only sooner.
func (r *Redis) patience(want int) time.Duration {
	if n := r.replicas.following(); n >= 0 && n < want {
		return time.Millisecond
	}
	return r.cfg.ReplicaTimeout
}

// watchReplicas asks the master who follows it, where that matters.
func (r *Redis) watchReplicas(ctx context.Context) error {
	if r.cfg.Replicas <= 0 || r.shared != nil {
		return nil
	}
	before := r.replicas.following()
	info, err := r.commands.Info(ctx, "replication").Result()
	if err != nil {
		r.replicas.online.Store(0)
		if replied(err, forbidding) {
			return nil
		}
		return fail("replicas", err)
	}
	n := replicasIn(info)
	r.replicas.online.Store(int64(n + 1))
	switch want := r.cfg.Replicas; {
	case n < want && (before < 0 || before >= want):
		r.log.Error("too few replicas follow: what is accepted now is on one machine", zap.Int("replicas", n), zap.Int("wanted", want))
	case n >= want && before >= 0 && before < want:
		r.log.Info("replicas follow again", zap.Int("replicas", n))
	}
	return nil
}

// replicasIn counts the replicas that follow, by the lines
// "slave0:ip=127.0.0.1,port=6380,state=online,offset=14,lag=0" of INFO
// replication.
func replicasIn(info string) (n int) {
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		number, isReplica := strings.CutPrefix(name, "slave")
		if _, err := strconv.Atoi(number); isReplica && err == nil && strings.Contains(value, "state=online") {
			n++
		}
	}
	return n
}

// promise fills in what replicas add to the store's promise.
func (r *Redis) promise(d broadcast.Durability) broadcast.Durability {
	d.Replicas, d.Wanted, d.Following = int(r.replicas.acked.Load()), max(r.cfg.Replicas, 0), r.replicas.following()
	return d
}
