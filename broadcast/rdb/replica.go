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
	// replicaKept is how long what was found out of them is held to be true.
	replicaKept = 3 * replicaPoll
	// loadTries is how often a script is loaded again for one call.
	loadTries = 5
)

// replication is what this node knows of the replicas.
type replication struct {
	acked  atomic.Int64 // that have what was accepted: by the last answer that waited for them, or by what the master said since
	told   atomic.Int64 // when acked was found out, in Unix milliseconds
	online atomic.Int64 // that followed the master when it was last asked, and one; 0: not known
	waits  atomic.Int64 // answers that waited so far
	marks  [2]mark      // of the last two times that the master was asked, the older first; for watchReplicas alone
}

// mark is how far the master had written at one time.
type mark struct {
	history string // of the master's writing, another one after a failover; "" is no mark
	offset  int64
	waits   int64 // answers that had waited before
}

// following gives the replicas that follow the master, -1 where not known.
func (p *replication) following() int { return int(p.online.Load()) - 1 }

// tell notes how many replicas have what was accepted.
func (p *replication) tell(acked int64) {
	p.acked.Store(acked)
	p.told.Store(time.Now().UnixMilli())
}

// known gives the replicas that have what was accepted, 0 where it is long ago
// that anybody could tell.
func (p *replication) known() int {
	if time.Since(time.UnixMilli(p.told.Load())) > replicaKept {
		return 0
	}
	return int(p.acked.Load())
}

// forget says that nothing is known. It is for the goroutine of watchReplicas.
func (p *replication) forget() {
	p.online.Store(0)
	p.acked.Store(0)
	p.marks = [2]mark{}
}

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
		r.replicas.tell(acked)
		r.replicas.waits.Add(1)
	}
	enough := acked >= int64(want)
	return cmd, &enough
}

// assure is run for what must be known of before anything is sent: it waits for
// the replicas that the configuration wants, so that a failover does not forget
// it and send twice. Without them in time it goes on all the same, since what is
// late costs more than what comes twice.
func (r *Redis) assure(ctx context.Context, s *redis.Script, keys []string, args ...any) *redis.Cmd {
	want := r.cfg.Replicas
	if want <= 0 {
		return r.run(ctx, s, keys, args...)
	}
	for try := 0; ; try++ {
		pipe := r.commands.Pipeline()
		cmd := s.EvalSha(ctx, pipe, keys, args...)
		pipe.Do(ctx, "WAIT", want, r.patience(want).Milliseconds())
		_, _ = pipe.Exec(ctx) // each command has its own error
		if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") && try < loadTries {
			if err := s.Load(ctx, r.commands).Err(); err == nil {
				continue
			}
		}
		return cmd
	}
}

// patience is how long to wait for replicas: not at all where too few follow.
// The answer is the truth in any case, only sooner.
func (r *Redis) patience(want int) time.Duration {
	if n := r.replicas.following(); n >= 0 && n < want {
		return time.Millisecond
	}
	return r.cfg.ReplicaTimeout
}

// watchReplicas asks the master who follows it and has what it wrote, where
// that matters.
func (r *Redis) watchReplicas(ctx context.Context) error {
	if r.cfg.Replicas <= 0 || r.shared != nil {
		return nil
	}
	p := &r.replicas
	before, waits := p.following(), p.waits.Load()
	info, err := r.commands.Info(ctx, "replication").Result()
	switch {
	case err == nil:
	case replied(err, forbidding):
		p.online.Store(0)
		return r.countReplicas(ctx)
	default:
		p.forget()
		return fail("replicas", err)
	}
	now := readFollowed(info)
	n := len(now.replicas)
	p.online.Store(int64(n + 1))
	p.weigh(now, waits)
	switch want := r.cfg.Replicas; {
	case n < want && (before < 0 || before >= want):
		r.log.Error("too few replicas follow: what is accepted now is on one machine", zap.Int("replicas", n), zap.Int("wanted", want))
	case n >= want && before >= 0 && before < want:
		r.log.Info("replicas follow again", zap.Int("replicas", n))
	}
	return nil
}

// countReplicas finds out by waiting who has a small write, where the master
// does not say it.
func (r *Redis) countReplicas(ctx context.Context) error {
	pipe := r.commands.Pipeline()
	pipe.Set(ctx, r.keys.replicated(), "1", 0)
	wait := pipe.Do(ctx, "WAIT", r.cfg.Replicas, r.cfg.ReplicaTimeout.Milliseconds())
	_, _ = pipe.Exec(ctx)
	acked, err := wait.Int64()
	if err != nil {
		return fail("replicas", err)
	}
	r.replicas.tell(acked)
	return nil
}

// weigh takes over how many replicas have what the master had written at the
// older mark. A replica tells how far it is once a second, so that one which
// keeps up has passed it, and one that hangs has not. What an answer found out
// by waiting since then is newer, and stays.
func (p *replication) weigh(now followed, waits int64) {
	reach := p.marks[0]
	if reach.history != now.history || now.history == "" { // no mark yet, or another master
		reach = mark{now.history, now.offset, waits}
	}
	if reach.waits == p.waits.Load() {
		var acked int64
		for _, offset := range now.replicas {
			if offset >= reach.offset {
				acked++
			}
		}
		p.tell(acked)
	}
	p.marks = [2]mark{p.marks[1], {now.history, now.offset, waits}}
}

// followed is what a master says of itself and those who follow it.
type followed struct {
	history  string
	offset   int64   // of what it wrote
	replicas []int64 // for each that follows, the offset that it acknowledged
}

// readFollowed reads INFO replication, where a replica is the line
// "slave0:ip=127.0.0.1,port=6380,state=online,offset=14,lag=0".
func readFollowed(info string) (f followed) {
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "master_replid":
			f.history = value
		case "master_repl_offset":
			f.offset, _ = strconv.ParseInt(value, 10, 64)
		}
		number, isReplica := strings.CutPrefix(name, "slave")
		if _, err := strconv.Atoi(number); !isReplica || err != nil || !strings.Contains(value, "state=online") {
			continue
		}
		reached := int64(-1)
		for field := range strings.SplitSeq(value, ",") {
			if text, ok := strings.CutPrefix(field, "offset="); ok {
				if n, err := strconv.ParseInt(text, 10, 64); err == nil {
					reached = n
				}
			}
		}
		f.replicas = append(f.replicas, reached)
	}
	return f
}

// promise fills in what replicas add to the store's promise.
func (r *Redis) promise(d broadcast.Durability) broadcast.Durability {
	d.Replicas, d.Wanted, d.Following = r.replicas.known(), max(r.cfg.Replicas, 0), r.replicas.following()
	return d
}

// ReplicasAcked implements [broadcast.Replicating].
func (r *Redis) ReplicasAcked() int { return r.replicas.known() }
