package rdb

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
)

// What waits for a person's yes is in a set of its own, kept by the scripts
// that take in, move and publish, so that the first page of the console costs
// the same however many alerts there were. A record leaves it once and never
// comes back; one that is in it by mistake is left out when it is read.

// waitingBack is how far back a node that starts looks for what waits and is
// not in the set: an older program did not keep it. What was submitted longer
// ago is found by its own id.
const waitingBack = 30 * 24 * time.Hour

// gatherWaiting puts into the set what waits and is not there yet. It may run
// on many nodes at once, and again.
func (r *Redis) gatherWaiting(ctx context.Context) error {
	top, bottom := "+", "["+ulidAt(time.Now().Add(-waitingBack))
	for {
		var ids []string
		err := again(ctx, func(ctx context.Context) (err error) {
			ids, err = r.commands.ZRevRangeByLex(ctx, r.keys.records(), &redis.ZRangeBy{Max: top, Min: bottom, Count: page}).Result()
			return err
		})
		if err != nil {
			return fail("what waits", err)
		}
		if len(ids) == 0 {
			return nil
		}
		top = "(" + ids[len(ids)-1]
		waiting, err := r.inStates(ctx, ids, []alerts.State{alerts.StateSubmitted})
		if err != nil {
			return fail("what waits", err)
		}
		var missing []redis.Z
		for _, id := range waiting {
			err := r.commands.ZScore(ctx, r.keys.waiting(), id).Err()
			if errors.Is(err, redis.Nil) {
				missing = append(missing, redis.Z{Member: id})
			}
		}
		if len(missing) == 0 { // a store that is full is not written to
			continue
		}
		if err := r.commands.ZAdd(ctx, r.keys.waiting(), missing...).Err(); err != nil {
			r.log.Warn("what waits was not gathered: it may be missing on the first page of the console until the next start")
			return nil //nolint:nilerr // a store that takes no writes must still open
		}
	}
}

// ulidAt is the time of a ULID as its first ten characters: milliseconds in
// Crockford's base 32 (the ULID specification).
func ulidAt(t time.Time) string {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var b [10]byte
	ms := max(t.UnixMilli(), 0)
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = digits[ms%32]
		ms /= 32
	}
	return string(b[:])
}
