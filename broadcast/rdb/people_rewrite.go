package rdb

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

const (
	// rewriteEvery is the least time between two rewritings of the append-only
	// file that erasing asks for, by all nodes together: strangers decide how
	// often somebody is erased, and Redis forks for each and writes everything
	// that it has.
	rewriteEvery = time.Minute
	rewritePoll  = 5 * time.Second
)

// askRewrite asks Redis to rewrite the append-only file, which holds the
// ciphertext of who was erased until then; within a minute of the last time it
// does nothing, and [Redis.Run] asks later. What is due is written down by the
// script that erases (scripts/erase.lua) and crossed out when a rewriting has
// ended well: it outlives this process, and Redis.
func (r *Redis) askRewrite(ctx context.Context) error {
	if r.shared != nil {
		return nil // there is no file
	}
	err := r.commands.SetArgs(ctx, r.keys.rewriteTurn(), r.node, redis.SetArgs{Mode: "NX", TTL: rewriteEvery}).Err()
	if errors.Is(err, redis.Nil) {
		return nil // less than a minute ago, by whichever node
	} else if err != nil {
		return err
	}
	due, err := r.commands.HGet(ctx, r.keys.rewrite(), "due").Result()
	if errors.Is(err, redis.Nil) {
		return nil
	} else if err != nil {
		return err
	}
	keeper, err := r.keeper(ctx)
	if err != nil {
		return err
	}
	run, err := runOf(ctx, keeper)
	if err != nil {
		return err
	}
	if err := keeper.BgRewriteAOF(ctx).Err(); err != nil {
		return err
	}
	return r.commands.HSet(ctx, r.keys.rewrite(), "asked", due, "run", run).Err()
}

// rewriteDue crosses out what a rewriting that has ended well has fulfilled, and
// asks for the next one where somebody was erased since, where it failed, and
// where Redis was started anew meanwhile.
func (r *Redis) rewriteDue(ctx context.Context) error {
	if r.shared != nil {
		return nil
	}
	had, err := r.commands.HGetAll(ctx, r.keys.rewrite()).Result()
	if err != nil {
		return fail("rewrite", err)
	}
	if had["due"] == "" {
		return nil
	}
	if had["asked"] != "" {
		state, err := r.rewriting(ctx, had["run"])
		if err != nil {
			return fail("rewrite", err)
		}
		switch state {
		case rewriteGoesOn:
			return nil
		case rewriteDone:
			return fail("rewrite", r.run(ctx, r.scripts.rewritten, []string{r.keys.rewrite()}, had["asked"]).Err())
		case rewriteLost: // it is asked for again
		}
	}
	err = r.askRewrite(ctx)
	var reply redis.Error
	if !errors.As(err, &reply) || replied(err, passing) {
		if err == nil {
			r.rewriteRefused = false
		}
		return fail("rewrite", err)
	}
	if !r.rewriteRefused { // not everywhere allowed, and another one may be running
		r.log.Warn("redis does not rewrite its append-only file now, which holds what was sealed of people who were erased: it is asked again every minute", zap.Error(err))
	}
	r.rewriteRefused = true
	return nil
}

// The states of a rewriting that was asked for.
type rewriteState int

const (
	rewriteLost rewriteState = iota // it failed, or another run of Redis was to do it
	rewriteGoesOn
	rewriteDone
)

// rewriting says how far the rewriting is that the run of Redis was asked for.
func (r *Redis) rewriting(ctx context.Context, run string) (rewriteState, error) {
	keeper, err := r.keeper(ctx)
	if err != nil {
		return rewriteLost, err
	}
	now, err := runOf(ctx, keeper)
	if err != nil {
		return rewriteLost, err
	}
	info, err := sectionOf(ctx, keeper, "persistence")
	switch {
	case err != nil:
		return rewriteLost, err
	case info == "":
		return rewriteDone, nil // it took the order, and tells nobody how it goes
	case now != run:
		return rewriteLost, nil
	case infoField(info, "aof_rewrite_in_progress") == "1", infoField(info, "aof_rewrite_scheduled") == "1":
		return rewriteGoesOn, nil
	case infoField(info, "aof_last_bgrewrite_status") == "ok":
		return rewriteDone, nil
	}
	return rewriteLost, nil
}

// keeper is the server that has the people: of a cluster one of several.
func (r *Redis) keeper(ctx context.Context) (redis.Cmdable, error) {
	if cluster, is := r.commands.(*redis.ClusterClient); is {
		return cluster.MasterForKey(ctx, r.keys.people())
	}
	return r.commands, nil
}

// runOf is the name of this run of the server, which no other run has (INFO,
// run_id); "" where it does not tell.
func runOf(ctx context.Context, keeper redis.Cmdable) (string, error) {
	info, err := sectionOf(ctx, keeper, "server")
	return infoField(info, "run_id"), err
}

// sectionOf is a section of INFO; "" where asking for it is forbidden.
func sectionOf(ctx context.Context, keeper redis.Cmdable, section string) (string, error) {
	info, err := keeper.Info(ctx, section).Result()
	var reply redis.Error
	if errors.As(err, &reply) && !replied(err, passing) {
		return "", nil
	}
	return info, err
}

// infoField finds a field of what INFO answers, "" where there is none.
func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
