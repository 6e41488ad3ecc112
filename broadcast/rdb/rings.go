package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
)

var _ broadcast.RingStore = (*Redis)(nil)

// ringsKept is how long what came of a ring is kept.
const ringsKept = 90 * 24 * time.Hour

// Ring implements [alerts.Store].
func (s *Store) Ring(ctx context.Context, once string, r alerts.Ring, act alerts.Act) (bool, error) {
	op := "ring for " + string(act.Event)
	a, err := json.Marshal(act)
	if err != nil {
		return false, fmt.Errorf("%s: %w", op, err)
	}
	ring := broadcast.NewRinging(once, r)
	doc, err := json.Marshal(ring)
	if err != nil {
		return false, fmt.Errorf("%s: %w", op, err)
	}
	k := s.r.keys
	event := k.event(act.Event)
	if r.Callout != "" {
		event = k.call(r.Callout)
	}
	got, err := s.r.repeat(ctx, s.r.scripts.ring,
		[]string{event, k.acts(), k.actSeq(), k.actsOf(act.Event), k.nothing(), k.ring(ring.ID), k.ringsDue(), k.rings(), k.ringsOf(act.Event)},
		nonce(), once, a, ring.ID, doc, r.At.UnixMilli(), ringsKept.Milliseconds()).Int()
	switch {
	case err != nil:
		return false, fail(op, err)
	case got < 0:
		return false, fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
	}
	return got == 1, nil
}

// TakeRing implements [broadcast.RingStore].
func (r *Redis) TakeRing(ctx context.Context, lease time.Duration) (*broadcast.Ringing, error) {
	token := nonce()
	// Not asked again where the answer was lost: the lease gives it back.
	out, err := r.run(ctx, r.scripts.takering, []string{r.keys.ringsDue()}, milliseconds(lease), token, r.keys.ring("")).StringSlice()
	if errors.Is(err, redis.Nil) || err == nil && len(out) != 2 {
		return nil, fmt.Errorf("take a ring: %w", alerts.ErrNotFound)
	}
	if err != nil {
		return nil, fail("take a ring", err)
	}
	ring := &broadcast.Ringing{}
	if err := json.Unmarshal([]byte(out[1]), ring); err != nil {
		return nil, fmt.Errorf("ring %s: %w", out[0], err)
	}
	ring.Hold(token)
	return ring, nil
}

// PutRing implements [broadcast.RingStore].
func (r *Redis) PutRing(ctx context.Context, ring *broadcast.Ringing, next time.Duration) error {
	doc, err := json.Marshal(ring)
	if err != nil {
		return fmt.Errorf("ring %s: %w", ring.ID, err)
	}
	after := int64(-1)
	if !ring.Done {
		after = milliseconds(next)
	}
	n, err := r.repeat(ctx, r.scripts.putring, []string{r.keys.ring(ring.ID), r.keys.ringsDue()}, ring.Holder(), ring.ID, doc, after, ringsKept.Milliseconds()).Int()
	switch {
	case err != nil:
		return fail("put a ring", err)
	case n == 0:
		return fmt.Errorf("put a ring: %w", alerts.ErrStale)
	}
	return nil
}

// Rings implements [broadcast.RingStore].
func (r *Redis) Rings(ctx context.Context, event alerts.ID) ([]*broadcast.Ringing, error) {
	return r.ringsOf(ctx, func(ctx context.Context) ([]string, error) {
		return r.commands.LRange(ctx, r.keys.ringsOf(event), 0, -1).Result()
	})
}

// LatestRings implements [broadcast.RingStore].
func (r *Redis) LatestRings(ctx context.Context, most int) ([]*broadcast.Ringing, error) {
	return r.ringsOf(ctx, func(ctx context.Context) ([]string, error) {
		return r.commands.ZRevRange(ctx, r.keys.rings(), 0, int64(most)-1).Result()
	})
}

// ringsOf reads the rings whose ids list gives; those that are kept no longer
// are left out.
func (r *Redis) ringsOf(ctx context.Context, list func(context.Context) ([]string, error)) (all []*broadcast.Ringing, err error) {
	var ids []string
	if err := again(ctx, func(ctx context.Context) (err error) { ids, err = list(ctx); return err }); err != nil {
		return nil, fail("rings", err)
	}
	for some := range slices.Chunk(ids, page) {
		docs := make([]*redis.StringCmd, len(some))
		err := again(ctx, func(ctx context.Context) error {
			pipe := r.commands.Pipeline()
			for i, id := range some {
				docs[i] = pipe.HGet(ctx, r.keys.ring(id), "j")
			}
			if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
			return nil
		})
		if err != nil {
			return nil, fail("rings", err)
		}
		for i, doc := range docs {
			if doc.Err() != nil {
				continue
			}
			ring := &broadcast.Ringing{}
			if err := json.Unmarshal([]byte(doc.Val()), ring); err != nil {
				return nil, fmt.Errorf("ring %s: %w", some[i], err)
			}
			all = append(all, ring)
		}
	}
	return all, nil
}
