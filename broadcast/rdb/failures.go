package rdb

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"martinella/alerts"
	"martinella/broadcast"
)

// statesAtOnce is how many recipients one read of the states covers: 10 KB.
const statesAtOnce = 20_000

// States implements [broadcast.Outcomes].
func (r *Redis) States(ctx context.Context, alert alerts.ID, channel string, from, to uint32) ([]broadcast.State, error) {
	op := "states of " + string(alert) + " on " + channel
	if _, _, err := r.carried(ctx, alert, channel); err != nil {
		return nil, fail(op, err)
	}
	out := []broadcast.State{}
	for at := from; at < to; {
		past := min(to, at+statesAtOnce)
		some, err := r.states(ctx, alert, channel, at, past)
		if err != nil {
			return nil, fail(op, err)
		}
		out, at = append(out, some...), past
	}
	return out, nil
}

// states reads one window; a byte holds two recipients, the even one in its low
// half (scripts/states.lua).
func (r *Redis) states(ctx context.Context, alert alerts.ID, channel string, from, to uint32) ([]broadcast.State, error) {
	var packed string
	err := again(ctx, func(ctx context.Context) (err error) {
		packed, err = r.commands.GetRange(ctx, r.keys.states(alert, channel), int64(from/2), int64((to-1)/2)).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]broadcast.State, to-from)
	for o := from; o < to; o++ {
		if i := int(o/2 - from/2); i < len(packed) {
			out[o-from] = broadcast.State(packed[i] >> (4 * (o % 2)) & 15).Plain()
		}
	}
	return out, nil
}

// Failures implements [broadcast.Outcomes].
func (r *Redis) Failures(ctx context.Context, alert alerts.ID, channel string, from uint32, most int, states ...broadcast.State) (list []broadcast.Failure, next uint32, more bool, err error) {
	op := "failures of " + string(alert) + " on " + channel
	_, t, err := r.carried(ctx, alert, channel)
	if err != nil {
		return nil, 0, false, fail(op, err)
	}
	if t.Failure != "" { // nobody has a state of his own: the whole channel failed
		if from == 0 && slices.Contains(states, broadcast.Failed) {
			list = append(list, broadcast.Failure{State: broadcast.Failed.String(), Reason: t.Failure, At: &t.Record.Published})
		}
		return list, 1, false, nil
	}
	var end uint32
	for _, s := range t.Spans {
		end = max(end, s.To)
	}
	if from == 0 {
		if _, err := r.remembered(ctx, alert, channel); err != nil {
			return nil, 0, false, fail(op, err)
		}
	}
	for at := from; at < end; {
		past := min(end, at+statesAtOnce)
		some, err := r.states(ctx, alert, channel, at, past)
		if err != nil {
			return nil, 0, false, fail(op, err)
		}
		var found []broadcast.Failure
		for i, s := range some {
			if slices.Contains(states, s) {
				if len(list)+len(found) == most {
					past, more = at+uint32(i), true
					break
				}
				found = append(found, broadcast.Failure{Ordinal: at + uint32(i), State: s.String()})
			}
		}
		if err := r.explain(ctx, alert, channel, found); err != nil {
			return nil, 0, false, fail(op, err)
		}
		list, at = append(list, found...), past
		if more {
			return list, past, true, nil
		}
	}
	return list, end, false, nil
}

// remembered fails with ErrForgotten where single states are no longer kept,
// though some were. planned tells whether the channel has anything of the alert
// at all: where it has not, nobody was begun, or all of it is forgotten.
func (r *Redis) remembered(ctx context.Context, alert alerts.ID, channel string) (planned bool, err error) {
	var there int64
	var counts []any
	err = again(ctx, func(ctx context.Context) error {
		pipe := r.commands.Pipeline()
		exists := pipe.Exists(ctx, r.keys.states(alert, channel))
		fields := pipe.HMGet(ctx, r.keys.tally(alert, channel), "n", "s1", "s2", "s3", "s4", "s5", "s6", "s7")
		_, err := pipe.Exec(ctx)
		there, counts = exists.Val(), fields.Val()
		return err
	})
	if err != nil || there > 0 {
		return true, err
	}
	for _, c := range counts[1:] {
		if text, _ := c.(string); text != "" && text != "0" {
			return true, broadcast.ErrForgotten
		}
	}
	return counts[0] != nil, nil
}

// explain adds reasons and times.
func (r *Redis) explain(ctx context.Context, alert alerts.ID, channel string, found []broadcast.Failure) error {
	const atOnce = 1000
	for some := range slices.Chunk(found, atOnce) {
		fields := make([]string, len(some))
		for i, f := range some {
			fields[i] = strconv.FormatUint(uint64(f.Ordinal), 10)
		}
		var texts []any
		err := again(ctx, func(ctx context.Context) (err error) {
			texts, err = r.commands.HMGet(ctx, r.keys.reasons(alert, channel), fields...).Result()
			return err
		})
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		for i := range some {
			if text, ok := texts[i].(string); ok {
				some[i].Reason, some[i].At = readReason(text)
			}
		}
	}
	return nil
}

// readReason reads "@ms reason"; before times were kept it was the reason alone.
func readReason(text string) (reason string, at *time.Time) {
	stamp, rest, found := strings.Cut(text, " ")
	if digits, stamped := strings.CutPrefix(stamp, "@"); found && stamped {
		if ms, err := strconv.ParseInt(digits, 10, 64); err == nil {
			t := time.UnixMilli(ms).UTC()
			return rest, &t
		}
	}
	return text, nil
}
