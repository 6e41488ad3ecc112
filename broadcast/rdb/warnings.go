package rdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
)

// Warnings keeps the warnings of others.
type Warnings struct{ r *Redis }

var _ broadcast.Warnings = (*Warnings)(nil)

// Warnings gives the store of the warnings of others.
func (r *Redis) Warnings() *Warnings { return &Warnings{r} }

const (
	warningsKept = 400 * 24 * time.Hour
	entriesKept  = 30 * 24 * time.Hour
)

// TakeWarning implements [broadcast.Warnings].
func (s *Warnings) TakeWarning(ctx context.Context, w *broadcast.Warning, act alerts.Act, ring *alerts.Ring) (bool, error) {
	op := "take a warning"
	doc, err := json.Marshal(w)
	if err != nil {
		return false, fmt.Errorf("%s: %w", op, err)
	}
	a, err := json.Marshal(act)
	if err != nil {
		return false, fmt.Errorf("%s: %w", op, err)
	}
	ringing, ringDoc := &broadcast.Ringing{}, []byte{}
	if ring != nil {
		ringing = broadcast.NewRinging("rung:"+string(ring.Why), *ring)
		if ringDoc, err = json.Marshal(ringing); err != nil {
			return false, fmt.Errorf("%s: %w", op, err)
		}
	}
	later := broadcast.WarningSuperseded
	if w.Alert.MsgType == alerts.MsgCancel {
		later = broadcast.WarningCancelled
	}
	k := s.r.keys
	keys := []string{k.warning(w.Key), k.warnings(), k.acts(), k.actSeq(), k.actsOf(act.Event), k.warningsOf(w.Alert.Sender, w.Alert.Identifier), k.warningText(broadcast.WarningText(w.Alert)),
		k.ring(ringing.ID), k.ringsDue(), k.rings(), k.ringsOf(act.Event)}
	for _, key := range w.Follows {
		keys = append(keys, k.warning(key))
	}
	n, err := s.r.repeat(ctx, s.r.scripts.warning, keys, nonce(), w.Key, doc, a, w.Received.UnixMilli(), warningsKept.Milliseconds(),
		ringing.ID, ringDoc, ringsKept.Milliseconds(), string(later)).Int()
	return n == 1, fail(op, err)
}

// Warning implements [broadcast.Warnings].
func (s *Warnings) Warning(ctx context.Context, key string) (*broadcast.Warning, error) {
	all, err := s.read(ctx, []string{key})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("warning: %w", alerts.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// read gives those that are there, in the order of their keys.
func (s *Warnings) read(ctx context.Context, keys []string) (all []*broadcast.Warning, err error) {
	for some := range slices.Chunk(keys, page) {
		values := make([]*redis.SliceCmd, len(some))
		err := again(ctx, func(ctx context.Context) error {
			pipe := s.r.commands.Pipeline()
			for i, key := range some {
				values[i] = pipe.HMGet(ctx, s.r.keys.warning(key), "j", "state", "answer", "later")
			}
			_, err := pipe.Exec(ctx)
			return err
		})
		if err != nil {
			return nil, fail("warnings", err)
		}
		for i, v := range values {
			fields := make([]string, 4)
			for j, value := range v.Val() {
				fields[j], _ = value.(string)
			}
			if fields[0] == "" {
				continue
			}
			w := &broadcast.Warning{}
			if err := json.Unmarshal([]byte(fields[0]), w); err != nil {
				return nil, fmt.Errorf("warning %s: %w", some[i], err)
			}
			w.State, w.Later = broadcast.WarningState(fields[1]), fields[3]
			if fields[2] != "" {
				w.Answer = &alerts.Act{}
				if err := json.Unmarshal([]byte(fields[2]), w.Answer); err != nil {
					return nil, fmt.Errorf("warning %s: answer: %w", some[i], err)
				}
			}
			all = append(all, w)
		}
	}
	return all, nil
}

// WarningsOf implements [broadcast.Warnings].
func (s *Warnings) WarningsOf(ctx context.Context, sender, identifier string) (keys []string, err error) {
	err = again(ctx, func(ctx context.Context) (err error) {
		keys, err = s.r.commands.SMembers(ctx, s.r.keys.warningsOf(sender, identifier)).Result()
		return err
	})
	return keys, fail("warnings of a sender", err)
}

// LatestWarnings implements [broadcast.Warnings].
func (s *Warnings) LatestWarnings(ctx context.Context, since time.Time, most int) ([]*broadcast.Warning, error) {
	var keys []string
	err := again(ctx, func(ctx context.Context) (err error) {
		keys, err = s.r.commands.ZRevRangeByScore(ctx, s.r.keys.warnings(), &redis.ZRangeBy{Max: "+inf", Min: strconv.FormatInt(max(0, since.UnixMilli()), 10), Count: int64(most)}).Result()
		return err
	})
	if err != nil {
		return nil, fail("warnings", err)
	}
	return s.read(ctx, keys)
}

// AnswerWarning implements [broadcast.Warnings].
func (s *Warnings) AnswerWarning(ctx context.Context, key string, state broadcast.WarningState, act alerts.Act) error {
	a, err := json.Marshal(act)
	if err != nil {
		return fmt.Errorf("answer a warning: %w", err)
	}
	k := s.r.keys
	n, err := s.r.repeat(ctx, s.r.scripts.answer, []string{k.warning(key), k.acts(), k.actSeq(), k.actsOf(act.Event)}, nonce(), string(state), a).Int()
	switch {
	case err != nil:
		return fail("answer a warning", err)
	case n < 0:
		return fmt.Errorf("answer a warning: %w", alerts.ErrNotFound)
	case n == 0:
		return fmt.Errorf("answer a warning: %w", alerts.ErrStale)
	}
	return nil
}

// RingWarning implements [broadcast.Warnings].
func (s *Warnings) RingWarning(ctx context.Context, key, once string, r alerts.Ring, act alerts.Act) (bool, error) {
	op := "ring for a warning"
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
	n, err := s.r.repeat(ctx, s.r.scripts.ringwarning,
		[]string{k.warning(key), k.acts(), k.actSeq(), k.actsOf(act.Event), k.ring(ring.ID), k.ringsDue(), k.rings(), k.ringsOf(act.Event)},
		nonce(), once, a, ring.ID, doc, r.At.UnixMilli(), ringsKept.Milliseconds()).Int()
	return n == 1, fail(op, err)
}

// TakeTurn implements [broadcast.Warnings].
func (s *Warnings) TakeTurn(ctx context.Context, feed string, d time.Duration) (bool, error) {
	// Not asked again where the answer was lost: then it is nobody's turn once.
	err := s.r.commands.SetArgs(ctx, s.r.keys.feedTurn(feed), s.r.node, redis.SetArgs{Mode: "NX", TTL: d}).Err()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, fail("turn of a feed", err)
}

// HoldTurn implements [broadcast.Warnings].
func (s *Warnings) HoldTurn(ctx context.Context, feed string, d time.Duration) error {
	return fail("turn of a feed", again(ctx, func(ctx context.Context) error {
		return s.r.commands.Set(ctx, s.r.keys.feedTurn(feed), s.r.node, d).Err()
	}))
}

// FeedState implements [broadcast.Warnings].
func (s *Warnings) FeedState(ctx context.Context, feed string) (state broadcast.FeedState, err error) {
	var doc []byte
	err = again(ctx, func(ctx context.Context) (err error) {
		doc, err = s.r.commands.Get(ctx, s.r.keys.feed(feed)).Bytes()
		return err
	})
	if errors.Is(err, redis.Nil) {
		return state, nil
	}
	if err != nil {
		return state, fail("state of a feed", err)
	}
	if err := json.Unmarshal(doc, &state); err != nil {
		return state, fmt.Errorf("state of feed %s: %w", feed, err)
	}
	return state, nil
}

// PutFeedState implements [broadcast.Warnings].
func (s *Warnings) PutFeedState(ctx context.Context, feed string, state broadcast.FeedState) error {
	doc, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("state of feed %s: %w", feed, err)
	}
	return fail("state of a feed", again(ctx, func(ctx context.Context) error {
		return s.r.commands.Set(ctx, s.r.keys.feed(feed), doc, 0).Err()
	}))
}

// SeenEntries implements [broadcast.Warnings].
func (s *Warnings) SeenEntries(ctx context.Context, feed string, entries []string) ([]bool, error) {
	seen := make([]bool, len(entries))
	if len(entries) == 0 {
		return seen, nil
	}
	cmds := make([]*redis.FloatCmd, len(entries))
	err := again(ctx, func(ctx context.Context) error {
		pipe := s.r.commands.Pipeline()
		for i, e := range entries {
			cmds[i] = pipe.ZScore(ctx, s.r.keys.feedSeen(feed), e)
		}
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		return nil
	})
	for i, cmd := range cmds {
		seen[i] = cmd.Err() == nil
	}
	return seen, fail("entries of a feed", err)
}

// MarkEntries implements [broadcast.Warnings].
func (s *Warnings) MarkEntries(ctx context.Context, feed string, entries []string) error {
	now := time.Now()
	var members []redis.Z
	for _, e := range entries {
		members = append(members, redis.Z{Score: float64(now.UnixMilli()), Member: e})
	}
	if len(members) == 0 {
		return nil
	}
	return fail("entries of a feed", again(ctx, func(ctx context.Context) error {
		pipe := s.r.commands.TxPipeline()
		pipe.ZAdd(ctx, s.r.keys.feedSeen(feed), members...)
		pipe.ZRemRangeByScore(ctx, s.r.keys.feedSeen(feed), "-inf", "("+strconv.FormatInt(now.Add(-entriesKept).UnixMilli(), 10))
		_, err := pipe.Exec(ctx)
		return err
	}))
}
