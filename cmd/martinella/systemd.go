package main

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
)

// notify tells the service manager, where one has started the gateway
// (sd_notify(3), Type=notify).
func notify(state string, log *zap.Logger) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("the service manager could not be told", zap.String("state", state), zap.Error(err))
	}
}

// watched shows the service manager that the gateway lives, twice as often as it
// asks (WatchdogSec), as long as the pages follow the store or the store is
// away: a new start would not bring that back. A gateway that stands still is
// started again.
func (g *gateway) watched(ctx context.Context) error {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		<-ctx.Done() // nobody asks
		return nil
	}
	tick := time.NewTicker(every / 2)
	defer tick.Stop()
	for {
		if !g.stuck(time.Now(), every) {
			notify(daemon.SdNotifyWatchdog, g.log)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// stuck reports whether the pages have not followed for longer than every while
// the store answers.
func (g *gateway) stuck(now time.Time, every time.Duration) bool {
	since, err := g.board.Health()
	if err == nil || now.Sub(since) < every {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), every/4)
	defer cancel()
	_, err = g.store.Durability(ctx)
	return err == nil
}
