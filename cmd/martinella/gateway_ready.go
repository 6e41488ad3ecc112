package main

import (
	"context"
	"fmt"
	"time"

	"martinella/broadcast"
)

// durableEnough refuses a store that could forget an alert: always in mode
// live, unless the configuration names exactly this weakness.
func durableEnough(c *Config, d broadcast.Durability) error {
	if c.Mode != modeLive || d.Durable || acceptedByName(c, d) {
		return nil
	}
	return refused(fmt.Errorf("the store could lose what it has accepted (%s: %s)", d.Mode, d.Reason),
		fmt.Sprintf("set appendonly yes and appendfsync always in Redis, or accept it with accept_weak_durability: %s", d.Mode))
}

// reasons says why alerts cannot be accepted durably now.
func (g *gateway) reasons(ctx context.Context) []string {
	var why []string
	if g.stopping.Load() {
		why = append(why, "the gateway is stopping")
	}
	d, err := g.store.Durability(ctx)
	switch {
	case err != nil:
		why = append(why, "the store does not answer")
	case d.Memory:
		why = append(why, "the store keeps nothing (memory): Actual alerts are refused")
	case !d.Durable && !acceptedByName(g.config, d):
		why = append(why, "the store could lose what it accepts: "+d.Reason)
	}
	if err == nil && d.Skew.Abs() > skewFails {
		why = append(why, fmt.Sprintf("this clock is %v from the store's", d.Skew.Round(time.Second)))
	}
	if since, err := g.board.Health(); err != nil && time.Since(since) > 2*time.Second {
		why = append(why, "the pages do not follow the store")
	}
	return why
}
