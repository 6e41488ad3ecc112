package alerts

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Sketch is the record that [Desk.Submit] would make of s, neither rendered nor
// stored, and everything that would keep it from being taken: for who still
// writes. The record is as complete as can be, also with problems; the error is
// a failure of the store. It blocks while the store is asked for what an Update
// changes.
func (d *Desk) Sketch(ctx context.Context, by Person, s Submission, now time.Time) (*Record, Problems, error) {
	var ps Problems
	if !by.Can(VerbSubmit) {
		ps.refuse("key", "may not submit alerts", "somebody who may write alerts submits it")
	}
	digest, err := d.Digest(s.Alert, s.Own)
	if err != nil {
		return nil, nil, fmt.Errorf("digest: %w", err)
	}
	r := d.received(by, s, digest, now)
	head, err := d.link(ctx, r)
	var refused *Refusal
	switch {
	case errors.As(err, &refused):
		ps = append(ps, refused.Problems...)
	case err != nil:
		return nil, nil, err
	}
	ps = append(ps, by.Refusals(r.Alert, r.named())...)
	ps = append(ps, by.overReach(head)...)
	ps = append(ps, by.planRefusals(s.Channels)...)
	ps = append(ps, s.Problems.Errors()...)
	ps = append(ps, r.Alert.Obstacles(now)...)
	return r, append(ps, d.Policy.Obstacles(r.Alert)...), nil
}

// Alone reports whether [Desk.Submit] would issue the rendered record at once,
// with nobody else's yes. It blocks while the store is asked for what an Update
// changes.
func (d *Desk) Alone(ctx context.Context, by Person, r *Record) (bool, error) {
	head, err := d.head(ctx, r)
	if err != nil {
		return false, err
	}
	return d.alone(by, r, head), nil
}
