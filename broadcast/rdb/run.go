package rdb

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"martinella/broadcast"
)

const (
	epochEvery = 2 * time.Second
	trimEvery  = 10 * time.Minute
	// forgetEvery is how soon calls forget an erased person where that failed at
	// first.
	forgetEvery = 10 * time.Second
	// keepLog is how far the log reaches back at least (DECISIONS 20). A
	// channel that no node had open for so long no longer holds it up.
	keepLog = broadcast.KeepLog
)

// Run keeps this node's lease, watches the other nodes, the log's epoch and
// the embedded server, has the append-only file rewritten for who was erased,
// and trims the log, until ctx ends. It returns an error only if the embedded
// server cannot be started again.
func (r *Redis) Run(ctx context.Context) error {
	r.setRunning(true)
	defer r.setRunning(false)
	var failed <-chan struct{}
	if r.server != nil {
		failed = r.server.failed
	}
	tick := time.NewTicker(leasePoll)
	defer tick.Stop()
	var refreshed, epoch, trimmed, rewritten, replicas, forgot time.Time
	down := false
	for {
		now := time.Now()
		var err error
		step := func(last *time.Time, every time.Duration, do func(context.Context) error) {
			if err != nil || now.Sub(*last) < every {
				return
			}
			limited, cancel := context.WithTimeout(ctx, leaseTime)
			defer cancel()
			if err = do(limited); err == nil {
				*last = now
			}
		}
		step(&refreshed, leaseRefresh, r.refreshLease)
		step(new(time.Time), 0, r.pollNodes)
		step(&epoch, epochEvery, r.renewEpoch)
		step(&replicas, replicaPoll, r.watchReplicas)
		step(&rewritten, rewritePoll, r.rewriteDue)
		step(&trimmed, trimEvery, func(ctx context.Context) error {
			_, err := r.Trim(ctx, now.Add(-keepLog))
			return err
		})
		step(&forgot, forgetEvery, r.Callouts().forgetErased)
		switch {
		case ctx.Err() != nil:
		case err != nil && !down:
			down = true
			r.log.Error("redis does not answer", zap.Error(err))
		case err == nil && down:
			down = false
			r.log.Info("redis answers again")
		}
		select {
		case <-ctx.Done():
			r.leave(ctx)
			return nil
		case <-failed:
			return fmt.Errorf("redis-server: %w", r.server.failure())
		case <-tick.C:
		}
	}
}

func (r *Redis) setRunning(on bool) {
	r.liveness.Lock()
	defer r.liveness.Unlock()
	r.liveness.running, r.liveness.left = on, r.liveness.left && !on
}

// leave gives the lease back, so that others take over without waiting for it
// to end.
func (r *Redis) leave(ctx context.Context) {
	r.liveness.Lock()
	r.liveness.left = true
	r.liveness.Unlock()
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = r.commands.Del(short, r.keys.lease(r.node)).Err()
}

// Trim removes log entries older than floor that every channel in use has
// planned. It gives the number removed.
func (r *Redis) Trim(ctx context.Context, floor time.Time) (int, error) {
	now := time.Now()
	var rejoin error
	r.opened.Range(func(_, q any) bool { // what is open here is in use
		rejoin = q.(*Queue).join(ctx, "")
		return rejoin == nil
	})
	if rejoin != nil {
		return 0, rejoin
	}
	oldest := itoa(now.Add(-keepLog).UnixMilli())
	if err := r.commands.ZRemRangeByScore(ctx, r.keys.seen(), "-inf", "("+oldest).Err(); err != nil {
		return 0, fail("trim", err)
	}
	names, err := r.commands.ZRange(ctx, r.keys.seen(), 0, -1).Result()
	if err != nil {
		return 0, fail("trim", err)
	}
	args := []any{place{ms: uint64(max(0, floor.UnixMilli()))}.String()}
	for _, name := range names {
		args = append(args, logGroup(name))
	}
	out, err := r.run(ctx, r.scripts.trim, []string{r.keys.log(), r.keys.epoch()}, args...).Slice()
	if err != nil {
		return 0, fail("trim", err)
	}
	removed, _ := out[0].(int64)
	if removed < 0 {
		return 0, fmt.Errorf("trim: the group of a channel is missing, nothing was removed")
	}
	return int(removed), nil
}
