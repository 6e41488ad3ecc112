package rdb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/broadcast"
)

// durabilityKept is how long an answer of [Redis.Durability] is good for.
const durabilityKept = time.Second

// Durability implements [broadcast.Work].
func (r *Redis) Durability(ctx context.Context) (broadcast.Durability, error) {
	r.durability.Lock()
	last, at := r.durability.last, r.durability.at
	r.durability.Unlock()
	if !at.IsZero() && time.Since(at) < durabilityKept {
		return r.promise(last), nil
	}
	d, err := r.askDurability(ctx)
	if err != nil {
		return d, fail("durability", err)
	}
	r.durability.Lock()
	defer r.durability.Unlock()
	r.durability.last, r.durability.at = d, time.Now()
	return r.promise(d), nil
}

func (r *Redis) askDurability(ctx context.Context) (d broadcast.Durability, err error) {
	d = broadcast.Durability{Accepted: r.cfg.AcceptWeak}
	sent := time.Now()
	there, err := r.commands.Time(ctx).Result()
	if err != nil {
		return d, err
	}
	d.Skew = sent.Add(time.Since(sent) / 2).Sub(there)
	if r.shared != nil {
		d.Mode, d.Memory, d.Reason = "memory", true, "nothing is kept: the store lives in this process (--redis memory)"
		return d, nil
	}
	appendOnly, fsync, paused, policy, err := r.askConfig(ctx)
	if err != nil {
		return d, err
	}
	switch {
	case appendOnly == "no":
		d.Mode, d.Reason = "no", "redis keeps no append-only file: set appendonly yes and appendfsync always"
	case fsync == "":
		d.Mode, d.Reason = "unknown", "redis does not tell how it keeps its data: allow CONFIG GET, or accept this by name"
	case fsync != "always":
		d.Mode, d.Reason = fsync, fmt.Sprintf("redis writes to the disk with appendfsync %s: the last seconds may be lost, set it to always", fsync)
	case paused == "yes":
		d.Mode, d.Reason = fsync, "redis does not write to the disk while it rewrites its files (no-appendfsync-on-rewrite yes): set it to no"
	case policy != "" && policy != "noeviction":
		d.Mode, d.Reason = fsync, fmt.Sprintf("redis removes keys when it is full (maxmemory-policy %s): set it to noeviction", policy)
	default:
		d.Mode, d.Durable = fsync, true
	}
	return d, nil
}

// askConfig reads how Redis keeps its data; fsync is "" where it does not say.
// paused is "yes" where fsync is put off during a rewrite, up to 30 seconds
// (redis.conf, no-appendfsync-on-rewrite).
func (r *Redis) askConfig(ctx context.Context) (appendOnly, fsync, paused, policy string, err error) {
	read := func(name string) (string, error) {
		m, err := r.commands.ConfigGet(ctx, name).Result()
		return m[name], err
	}
	var reply redis.Error
	if appendOnly, err = read("appendonly"); err == nil {
		if fsync, err = read("appendfsync"); err == nil {
			paused, err = read("no-appendfsync-on-rewrite")
		}
		if err == nil {
			policy, err = read("maxmemory-policy")
		}
		return appendOnly, fsync, paused, policy, err
	}
	if !errors.As(err, &reply) || replied(err, passing) {
		return "", "", "", "", err
	}
	info, err := r.commands.Info(ctx, "persistence").Result()
	if err != nil {
		if errors.As(err, &reply) {
			return "unknown", "", "", "", nil
		}
		return "", "", "", "", err
	}
	if strings.Contains(info, "aof_enabled:0") {
		return "no", "", "", "", nil
	}
	return "unknown", "", "", "", nil
}
