package rdb

import (
	"context"
	"errors"
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
	planned, err := q.r.remembered(ctx, alert, q.channel)
	if errors.Is(err, broadcast.ErrForgotten) || err == nil && !planned {
		return nil, fmt.Errorf("%s: %w", op, alerts.ErrNotFound)
	}
	if err != nil {
		return nil, fail(op, err)
	}
	states, err := q.r.states(ctx, alert, q.channel, from, to)
	if err != nil {
		return nil, fail(op, err)
	}
	out := make([]bool, len(states))
	for i, s := range states {
		out[i] = s != broadcast.Queued && s != broadcast.Expired && s != broadcast.Suppressed
	}
	return out, nil
}
