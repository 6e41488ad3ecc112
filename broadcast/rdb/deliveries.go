package rdb

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
)

// Latencies are counted in buckets, four to a doubling, from 1 ms up: a value
// read back is at most a fifth too high.
const bucketsPerDoubling = 4

func bucketOf(d time.Duration) int {
	ms := float64(d) / float64(time.Millisecond)
	if ms <= 1 {
		return 0
	}
	return int(math.Ceil(math.Log2(ms) * bucketsPerDoubling))
}

// bucketTop is the upper end of a bucket in milliseconds.
func bucketTop(b int) int64 {
	return int64(math.Round(math.Exp2(float64(b) / bucketsPerDoubling)))
}

// Deliveries implements [broadcast.Work].
func (r *Redis) Deliveries(ctx context.Context, alert alerts.ID) ([]broadcast.Delivery, error) {
	op := "deliveries of " + string(alert)
	names, err := r.planned(ctx, alert)
	if errors.Is(err, redis.Nil) { // not published: nothing leaves yet
		if _, err := r.record(ctx, alert); err != nil {
			return nil, fail(op, err)
		}
		return nil, nil
	}
	if err != nil {
		return nil, fail(op, err)
	}
	if len(names) == 0 {
		return nil, nil
	}
	cmds := make([]*redis.MapStringStringCmd, len(names))
	err = again(ctx, func(ctx context.Context) error {
		pipe := r.commands.Pipeline()
		for i, name := range names {
			cmds[i] = pipe.HGetAll(ctx, r.keys.tally(alert, name))
		}
		_, err := pipe.Exec(ctx)
		return err
	})
	if err != nil {
		return nil, fail(op, err)
	}
	out := make([]broadcast.Delivery, len(names))
	for i, name := range names {
		out[i] = readTally(name, cmds[i].Val())
	}
	return out, nil
}

// readTally turns the counts of one channel into what the API shows.
func readTally(channel string, h map[string]string) broadcast.Delivery {
	count := func(field string) int {
		n, _ := strconv.Atoi(h[field])
		return n
	}
	in := func(s broadcast.State) int { return count("s" + strconv.Itoa(int(s))) }
	d := broadcast.Delivery{
		Channel: channel, Total: count("n"),
		Accepted: in(broadcast.Accepted) + in(broadcast.Delivered), Delivered: in(broadcast.Delivered),
		Failed: in(broadcast.Failed), Uncertain: in(broadcast.Uncertain), Expired: in(broadcast.Expired), Suppressed: in(broadcast.Suppressed),
		URL: h["url"], Note: h["note"], SecondAccepted: count("seconds"),
	}
	if d.SecondAccepted > 0 {
		if d.Second = h["second"]; d.Second == "*" {
			d.Second = "several"
		}
	}
	// What failed after the platform's yes was accepted as well, but is no
	// success: it stays among the failed only.
	settled := d.Accepted + d.Failed + d.Expired + d.Suppressed
	done := settled + d.Uncertain
	switch waiting := count("delayed") > 0; {
	case done >= d.Total && !waiting:
		d.State = outcome(d)
	case waiting:
		d.State = "retrying"
		if ms, err := strconv.ParseInt(h["next"], 10, 64); err == nil {
			at := time.UnixMilli(ms)
			d.NextAttempt = &at
		}
		d.Attempts = count("tries")
	case done > 0 || in(broadcast.Trying) > 0:
		d.State = "sending"
	default:
		d.State = "queued"
	}
	if d.State != "done" && d.State != "queued" {
		d.Error = h["err"]
	}
	d.FirstMS, d.LastMS = number(h["first"]), number(h["last"])
	for _, p := range readTicks(h) {
		if d.At == nil || p.At.After(*d.At) {
			d.By, d.At, d.PostedURL = &p.By, &p.At, p.URL
		}
	}
	d.P50MS, d.P99MS = quantile(h, 0.50), quantile(h, 0.99)
	d.Reached = reached(h, d.LastMS)
	return d
}

// outcome names how a channel ended.
func outcome(d broadcast.Delivery) string {
	switch {
	case d.Uncertain > 0:
		return "uncertain"
	case d.Failed > 0 && d.Accepted > 0:
		return "partly_failed"
	case d.Failed > 0:
		return "failed"
	case d.Expired > 0:
		return "expired"
	}
	return "done"
}

func number(text string) *int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

// quantile reads one off the buckets, never outside of first and last.
func quantile(h map[string]string, q float64) *int64 {
	first, last := number(h["first"]), number(h["last"])
	if first == nil || last == nil {
		return nil
	}
	counts, top, all := map[int]int{}, 0, 0
	for field, text := range h {
		b, err := strconv.Atoi(strings.TrimPrefix(field, "b"))
		if n, bad := strconv.Atoi(text); field[0] == 'b' && err == nil && bad == nil {
			counts[b] = n
			top, all = max(top, b), all+n
		}
	}
	rank, seen := int(math.Ceil(q*float64(all))), 0
	for b := 0; b <= top; b++ {
		if seen += counts[b]; seen >= rank {
			ms := min(max(bucketTop(b), *first), *last)
			return &ms
		}
	}
	return last
}

// reached adds the buckets up.
func reached(h map[string]string, last *int64) (all []broadcast.Reached) {
	for field, text := range h {
		b, err := strconv.Atoi(strings.TrimPrefix(field, "b"))
		if n, bad := strconv.Atoi(text); field[0] == 'b' && err == nil && bad == nil {
			at := bucketTop(b)
			if last != nil {
				at = min(at, *last)
			}
			all = append(all, broadcast.Reached{MS: at, N: n})
		}
	}
	slices.SortFunc(all, func(a, b broadcast.Reached) int { return cmp.Compare(a.MS, b.MS) })
	for i := 1; i < len(all); i++ {
		all[i].N += all[i-1].N
	}
	return all
}
