package broadcast

import (
	"context"
	"errors"

	"martinella/alerts"
)

// told are those whom a channel told of an event, or perhaps told.
type told struct {
	of        alerts.ID // the record that closes the event
	everybody bool      // it is no longer known who was not
	crowd
}

// toldAtOnce is how many recipients are read at once.
const toldAtOnce = 20_000

func (t *told) has(number uint32) bool { return t.everybody || t.crowd.has(number) }

// toldOf gives those whom what r closes has reached on this channel, or may
// have: a Cancel goes to nobody else. It is right because publishing r stopped
// the revisions before it; who was not begun by then never is. Where it is no
// longer known, it is everybody.
func (l *line) toldOf(ctx context.Context, r *alerts.Record) (*told, error) {
	select {
	case l.telling <- struct{}{}:
		defer func() { <-l.telling }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if l.told != nil && l.told.of == r.ID {
		return l.told, nil
	}
	t := &told{of: r.ID}
	past, err := l.before(ctx, r)
	if err != nil {
		return nil, err
	}
	t.everybody = len(past) == 0 || past[len(past)-1].Supersedes != ""
	for _, one := range past {
		if t.everybody {
			break
		}
		if err := l.heard(ctx, one.ID, t); errors.Is(err, alerts.ErrUnavailable) || ctx.Err() != nil {
			return nil, err
		} else if err != nil {
			t.everybody = true
		}
	}
	l.told = t
	return t, nil
}

// heard adds those whom one revision told.
func (l *line) heard(ctx context.Context, id alerts.ID, t *told) error {
	task, err := l.queue.Task(ctx, Job{Alert: id})
	if err != nil {
		return err
	}
	var end uint32
	for _, s := range task.Spans {
		end = max(end, s.To)
	}
	for at := uint32(0); at < end; at += toldAtOnce {
		past := min(at+toldAtOnce, end)
		numbers, err := l.queue.Recipients(ctx, id, at, past)
		if err != nil {
			return err
		}
		reached, err := l.queue.Reached(ctx, id, at, past)
		if err != nil {
			return err
		}
		if len(numbers) != len(reached) {
			return alerts.ErrNotFound // the snapshot is no longer kept
		}
		for i, n := range numbers {
			if reached[i] {
				t.add(n)
			}
		}
	}
	return nil
}

// untold settles one to whom nothing is cancelled, since nothing was sent.
func untold(ordinal uint32) ending {
	return settle(Result{Ordinal: ordinal, State: Suppressed, Reason: "was never sent what this ends"})
}
