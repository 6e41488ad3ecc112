package rdb

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"martinella/broadcast"
)

// place is an entry id of the log: milliseconds and a sequence number.
type place struct{ ms, seq uint64 }

func (p place) String() string { return fmt.Sprintf("%d-%d", p.ms, p.seq) }

func (p place) before(q place) bool { return p.ms < q.ms || p.ms == q.ms && p.seq < q.seq }

func readPlace(id string) (p place, ok bool) {
	ms, seq, found := strings.Cut(id, "-")
	if !found {
		return p, false
	}
	var err1, err2 error
	p.ms, err1 = strconv.ParseUint(ms, 10, 64)
	p.seq, err2 = strconv.ParseUint(seq, 10, 64)
	return p, err1 == nil && err2 == nil
}

// readCursor takes a cursor apart; ok is false for what is none of ours.
func readCursor(c broadcast.Cursor) (epoch string, p place, ok bool) {
	epoch, id, found := strings.Cut(string(c), "-")
	if !found || epoch == "" {
		return "", place{}, false
	}
	p, ok = readPlace(id)
	return epoch, p, ok
}

func newCursor(epoch, id string) broadcast.Cursor { return broadcast.Cursor(epoch + "-" + id) }

// renewEpoch asks for the log's epoch. The store gives a new one where the log
// is gone, or shorter than it or this node knows, or lacks what this node knows.
func (r *Redis) renewEpoch(ctx context.Context) error {
	known := ""
	if p := r.head.Load(); p != nil {
		known = *p
	}
	return r.renewEpochFor(ctx, known)
}

// renewEpochFor is renewEpoch for one that has read this entry.
func (r *Redis) renewEpochFor(ctx context.Context, known string) error {
	out, err := r.repeat(ctx, r.scripts.epoch, []string{r.keys.epoch(), r.keys.log()}, nonce()[:8], known).Slice()
	if err != nil {
		return fail("epoch", err)
	}
	epoch, _ := out[0].(string)
	if old := r.epoch.Swap(&epoch); old != nil && *old != epoch {
		r.log.Error("the log was made anew or is shorter than known: old cursors are gone", zap.String("epoch", epoch))
		r.head.Store(nil)
	}
	return nil
}

// saw remembers the newest entry.
func (r *Redis) saw(id string) {
	p, ok := readPlace(id)
	if !ok {
		return
	}
	for {
		old := r.head.Load()
		if old != nil {
			if q, _ := readPlace(*old); !q.before(p) {
				return
			}
		}
		if r.head.CompareAndSwap(old, &id) {
			return
		}
	}
}

// bounds reads what a cursor must lie within: the epoch, the newest entry and
// the floor below which entries were trimmed.
func (r *Redis) bounds(ctx context.Context) (epoch string, head, floor place, err error) {
	var h *redis.SliceCmd
	var last *redis.XMessageSliceCmd
	err = again(ctx, func(ctx context.Context) error {
		pipe := r.commands.Pipeline()
		h = pipe.HMGet(ctx, r.keys.epoch(), "epoch", "floor")
		last = pipe.XRevRangeN(ctx, r.keys.log(), "+", "-", 1)
		_, err := pipe.Exec(ctx)
		return err
	})
	if err != nil {
		return "", head, floor, err
	}
	epoch, _ = h.Val()[0].(string)
	if text, _ := h.Val()[1].(string); text != "" {
		floor, _ = readPlace(text)
	}
	if entries := last.Val(); len(entries) > 0 {
		head, _ = readPlace(entries[0].ID)
	}
	return epoch, head, floor, nil
}
