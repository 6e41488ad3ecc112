package broadcast

import (
	"context"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
)

// unlist takes the address off the roll that the platform just said is no more.
// What it could not write down, because the store is away, the next alert finds
// out again.
func (l *line) unlist(m channels.Message) {
	roll, ok := l.people.(Roll)
	if !ok || l.kind == "" || m.To == "" {
		return
	}
	ctx, cancel := context.WithTimeout(l.books, storeTime)
	defer cancel()
	number, changed, err := Unlist(ctx, roll, l.kind, m.To, l.name, time.Now())
	if err != nil {
		l.log.Warn("an address that is no more could not be taken off the roll", zap.Error(err))
	} else if changed {
		l.log.Info("an address that is no more was taken off the roll", zap.Uint32("person", number), zap.String("contact", l.kind))
	}
}
