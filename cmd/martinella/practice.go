package main

import (
	"context"

	"martinella/alerts"
)

// practising is the publisher of a gateway in mode practice, which warns
// nobody (DECISIONS 13): an Actual is refused, never taken for an exercise.
// That only outboxes get the rest is the choice of [gateway.routes].
type practising struct{ alerts.Publisher }

// Prepare refuses an Actual. What the store has against it is said first.
func (p practising) Prepare(ctx context.Context, r *alerts.Record) error {
	if err := p.Publisher.Prepare(ctx, r); err != nil {
		return err
	}
	return unreal(r)
}

// Publish refuses an Actual, also one that was prepared before the gateway
// practised.
func (p practising) Publish(ctx context.Context, r *alerts.Record, act alerts.Act) error {
	if err := unreal(r); err != nil {
		return err
	}
	return p.Publisher.Publish(ctx, r, act)
}

// unreal refuses what would tell people of a danger.
func unreal(r *alerts.Record) error {
	if r.Alert.Status != alerts.StatusActual {
		return nil
	}
	return &alerts.Refusal{Kind: alerts.ErrNotSendable, Problems: alerts.Problems{{Field: "status",
		Problem: "is Actual, and this gateway only practises: it warns nobody",
		Hint:    "send Exercise or Test, or set mode: live in the configuration", Level: alerts.LevelError}}}
}
