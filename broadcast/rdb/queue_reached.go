package rdb

import (
	"context"
	"fmt"

	"martinella/alerts"
	"martinella/broadcast"
)

// Reached implements [broadcast.Queue].
func (q *Queue) Reached(ctx context.Context, alert alerts.ID, from, to uint32) ([]bool, error) {
	if to <= from {
		return nil, nil
	}
	op := q.op("reached by", alert)
	var packed string
	var begun []any
	err := again(ctx, func(ctx context.Context) error {
		pipe := q.r.commands.Pipeline()
		window := pipe.GetRange(ctx, q.r.keys.states(alert, q.channel), int64(from/2), int64((to-1)/2))
		there := pipe.Exists(ctx, q.r.keys.states(alert, q.channel))
		counts := pipe.HMGet(ctx, q.r.keys.tally(alert, q.channel), "n", "s1", "s2", "s3", "s4", "s5", "s6", "s7")
		_, err := pipe.Exec(ctx)
		packed, begun = window.Val(), counts.Val()
		if err == nil && there.Val() > 0 {
			begun = nil
		}
		return err
	})
	if err != nil {
		return nil, fail(op, err)
	}
	// Nothing is there: nobody was ever begun, or it is no longer kept.
	if begun != nil && begun[0] == nil {
		return nil, fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
	}
	for i, c := range begun {
		if text, _ := c.(string); i > 0 && text != "" && text != "0" {
			return nil, fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
		}
	}
	out := make([]bool, to-from)
	for o := from; o < to; o++ {
		state := broadcast.Queued
		if i := int(o/2 - from/2); i < len(packed) { // the even one in the low half (scripts/states.lua)
			state = broadcast.State(packed[i] >> (4 * (o % 2)) & 15)
		}
		switch state {
		case broadcast.Queued, broadcast.Expired, broadcast.Suppressed:
		default:
			out[o-from] = true
		}
	}
	return out, nil
}
