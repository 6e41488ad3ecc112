package broadcast

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
	"go.uber.org/zap"

	"martinella/channels"
)

// breaker holds a channel back: for a while after the platform failed several
// times in a row, and after it refused the credentials until a check passes.
// Jobs wait in the retry set meanwhile; nothing is lost.
type breaker struct {
	channel string
	metrics *Metrics
	log     *zap.Logger
	trip    *gobreaker.TwoStepCircuitBreaker[struct{}]
	renewal string // how to renew the credentials; "" where the channel does not know

	condition condition

	mu     sync.Mutex
	halted string    // why, where the credentials were refused
	tryAt  time.Time // without a check: when to try a message again
	trial  bool      // that time has come, and no message was answered otherwise yet
	open   bool
}

const (
	tripAfter     = 5                // failures in a row
	tripFor       = 10 * time.Second // until one message may try
	haltRecheck   = 15 * time.Second // between two checks of refused credentials
	haltUnchecked = time.Minute      // for a channel that cannot check
)

var errHeld = errors.New("the channel holds back")

func newBreaker(channel string, m *Metrics, log *zap.Logger) *breaker {
	b := &breaker{channel: channel, metrics: m, log: log}
	b.trip = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:        channel,
		Timeout:     tripFor,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripAfter },
		// Only what says that the platform is in trouble counts: an answer to
		// this message or a request to slow down does not.
		IsSuccessful: func(err error) bool {
			v, _ := channels.VerdictOf(err)
			return v == channels.VerdictAccepted || v == channels.VerdictPermanent
		},
		IsExcluded: func(err error) bool {
			v, after := channels.VerdictOf(err)
			return channels.IsApart(err) || v == channels.VerdictUnauthorized || (v == channels.VerdictRetry && after > 0) || errors.Is(err, errPanic) || errors.Is(err, context.Canceled)
		},
		OnStateChange: func(_ string, _, to gobreaker.State) { b.tripped(to == gobreaker.StateOpen) },
	})
	return b
}

func (b *breaker) tripped(open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == open {
		return
	}
	b.open = open
	b.show()
	if open {
		b.condition.failing()
		b.log.Warn("the platform keeps failing: the channel waits", zap.String("channel", b.channel), zap.Duration("for", tripFor))
	} else {
		b.log.Info("the channel tries the platform again", zap.String("channel", b.channel))
	}
}

// halt stops the channel: the platform refused the credentials.
func (b *breaker) halt(reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tryAt, b.trial = time.Now().Add(haltUnchecked), false
	if b.halted != "" {
		return
	}
	b.halted = reason
	if b.renewal != "" {
		b.halted += ". " + b.renewal
	}
	b.condition.refused(reason)
	b.show()
	b.log.Error("THE PLATFORM REFUSES OUR CREDENTIALS: the channel is stopped until they are mended; its messages wait",
		zap.String("channel", b.channel), zap.String("reason", reason), zap.String("remedy", b.renewal))
}

// resume starts a halted channel again.
func (b *breaker) resume() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.halted == "" {
		return
	}
	b.halted, b.trial = "", false
	b.show()
	b.log.Info("the channel goes on", zap.String("channel", b.channel))
}

func (b *breaker) isHalted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.halted != ""
}

func (b *breaker) show() {
	b.metrics.breaker.WithLabelValues(b.channel).Set(gaugeOf(b.open || b.halted != ""))
}

// holds tells whether and why messages must wait, and for how long. checked
// says that somebody checks the credentials; without that, time alone ends a
// halt.
func (b *breaker) holds(checked bool) (why string, wait time.Duration) {
	b.mu.Lock()
	if b.halted != "" && !checked && time.Now().After(b.tryAt) {
		b.halted, b.trial = "", true
		b.show()
	}
	why = b.halted
	b.mu.Unlock()
	if why != "" {
		return why, haltRecheck
	}
	if b.trip.State() == gobreaker.StateOpen {
		return "the platform keeps failing", tripFor
	}
	return "", 0
}

// probing reports whether one message at a time may try.
func (b *breaker) probing() bool {
	b.mu.Lock()
	trial := b.trial
	b.mu.Unlock()
	return trial || b.trip.State() == gobreaker.StateHalfOpen
}

// allow asks for one message; done must be called with its error.
func (b *breaker) allow() (done func(error), err error) {
	settled, err := b.trip.Allow()
	if err != nil {
		return nil, errHeld
	}
	return func(err error) {
		if v, _ := channels.VerdictOf(err); v == channels.VerdictAccepted || v == channels.VerdictPermanent {
			b.mu.Lock()
			b.trial = false
			halted := b.halted != ""
			b.mu.Unlock()
			if !halted { // by one that was sent at the same time
				b.condition.fine()
			}
		}
		settled(err)
	}, nil
}
