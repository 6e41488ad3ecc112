package rdb

import (
	"context"
	"math"
	"time"

	"martinella/broadcast"
	"martinella/channels"
)

var _ broadcast.Pacer = (*Queue)(nil)

// probeEvery is how often something urgent may try a platform that asked to
// wait: it may have been wrong, and one question more does no harm.
const probeEvery = 5 * time.Second

// Pace implements [broadcast.Pacer].
func (q *Queue) Pace(ctx context.Context, l channels.Limit, ask broadcast.Ask) (broadcast.Grant, error) {
	if ask.N <= 0 {
		return broadcast.Grant{}, nil
	}
	var interval int64
	if l.PerSecond > 0 {
		interval = max(1, int64(1e6/l.PerSecond))
	}
	urgent := ask.Class == broadcast.ClassExempt
	out, err := q.r.run(ctx, q.r.scripts.pace, q.limiter(l), interval, max(l.Burst, ask.N), ask.N, flag(urgent), probeEvery.Milliseconds(),
		allowance(l.PerHour, l.Reserve, ask.Class), allowance(l.PerDay, l.Reserve, ask.Class)).Int64Slice()
	if err != nil {
		return broadcast.Grant{}, fail("pace of "+q.channel, err)
	}
	return broadcast.Grant{N: int(out[0]), Wait: time.Duration(out[1]) * time.Microsecond, Why: broadcast.Holding(out[2])}, nil
}

// Hold implements [broadcast.Pacer].
func (q *Queue) Hold(ctx context.Context, l channels.Limit, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	keys := q.limiter(l)
	err := q.r.run(ctx, q.r.scripts.hold, keys[1:2], max(1, wait.Milliseconds())).Err()
	return fail("hold of "+q.channel, err)
}

// limiter names the keys of the account, or of the channel that has its own.
func (q *Queue) limiter(l channels.Limit) []string {
	of := q.channel
	if l.Account != "" {
		of = "account:" + l.Account // no channel's name has a colon
	}
	k := q.r.keys
	return []string{k.pace(of), k.paceHold(of), k.paceProbe(of), k.quota(of, "hour"), k.quota(of, "day")}
}

// allowance is what a message of the class may take of a quota: -1 all that
// there is, without asking; -2 nobody counts.
func allowance(quota int, reserve float64, class broadcast.Class) int {
	switch {
	case quota <= 0:
		return -2
	case class == broadcast.ClassExempt:
		return -1
	case class == broadcast.ClassCorrection:
		return quota
	}
	kept := int(math.Floor(float64(quota) * min(max(reserve, 0), 1)))
	return max(quota-kept, 0)
}
