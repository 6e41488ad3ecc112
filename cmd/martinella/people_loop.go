package main

import (
	"context"
	"time"

	"go.uber.org/zap"

	"martinella/broadcast"
)

// signUpsEvery is how often sign-ups that nobody confirmed are erased.
const signUpsEvery = time.Hour

// people keeps the roll until ctx ends: it reads what everybody wants before
// the first alert asks, and erases sign-ups that nobody confirmed in time.
func (g *gateway) people(ctx context.Context) error {
	roll := g.store.People()
	if err := roll.Warm(ctx); err != nil && ctx.Err() == nil {
		g.log.Warn("what subscribers want was not read yet", zap.Error(err))
	}
	signUps := broadcast.SignUps{Roll: roll}
	tick := time.NewTicker(signUpsEvery)
	defer tick.Stop()
	for {
		if n, err := signUps.Sweep(ctx, time.Now()); err != nil && ctx.Err() == nil {
			g.log.Warn("sign-ups that nobody confirmed were not erased", zap.Error(err))
		} else if n > 0 {
			g.log.Info("sign-ups that nobody confirmed were erased", zap.Int("people", n))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
