package broadcast

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"martinella/broadcast/crash"
	"martinella/channels"
)

// provider is a platform as this node uses it: one connection, one pace, one
// breaker, for its own channel and for those that fall back on it.
type provider struct {
	name    string // of its channel
	channel channels.Channel
	limit   channels.Limit
	finder  channels.Finder
	checker channels.Checker
	ender   channels.Ender
	weigher channels.Weigher
	breaker *breaker
	users   atomic.Int32 // channels of this node that send over it
	probed  atomic.Bool  // a message is on its way that looks whether it is back
}

func newProvider(r Route, m *Metrics, log *zap.Logger) *provider {
	p := &provider{name: r.Name(), channel: r.Channel, limit: r.Limit(), breaker: newBreaker(r.Name(), m, log)}
	p.finder, _ = r.Channel.(channels.Finder)
	p.checker, _ = r.Channel.(channels.Checker)
	p.ender, _ = r.Channel.(channels.Ender)
	p.weigher, _ = r.Channel.(channels.Weigher)
	if renewer, ok := r.Channel.(channels.Renewer); ok {
		p.breaker.renewal = renewer.Renewal()
	}
	return p
}

// holds tells whether and why its messages must wait; see [breaker.holds].
func (p *provider) holds() bool {
	why, _ := p.breaker.holds(p.checker != nil)
	return why != ""
}

// window is how many that weigh so much each go at once: so few that an urgent
// alert never waits long behind them (RELIABILITY 9).
func (p *provider) window(weight int) int {
	n := maxWindow
	if p.breaker.probing() {
		return 1
	}
	if p.limit.PerSecond > 0 {
		n = min(n, int(p.limit.PerSecond*windowTime.Seconds())/weight)
	}
	if p.limit.Burst > 0 {
		n = min(n, p.limit.Burst/weight)
	}
	if p.limit.Window > 0 {
		n = min(n, p.limit.Window/(weight*(normalWorkers+1)*int(max(p.users.Load(), 1))))
	}
	return max(n, 1)
}

// provider gives one of the line's two; nil where there is no second one.
func (l *line) provider(via Via) *provider {
	if via == ViaSecond {
		return l.second
	}
	return l.own
}

// pacer is the limiter of the provider's account.
func (l *line) pacer(via Via) Pacer {
	if via == ViaSecond {
		return l.pace
	}
	return l.queue
}

// carrier chooses who carries what leaves next: the channel's own provider, and
// while that holds back or is only being tried again, the second one. why is
// set where neither may.
func (l *line) carrier() (via Via, why string, wait time.Duration) {
	why, wait = l.own.breaker.holds(l.own.checker != nil)
	if l.second != nil && (why != "" || l.own.breaker.probing()) {
		blocked, until := l.second.breaker.holds(l.second.checker != nil)
		if blocked == "" {
			return ViaSecond, "", 0
		}
		wait = min(wait, until)
	}
	return ViaOwn, why, wait
}

// otherwise reports whether another one than via carries what leaves next.
func (l *line) otherwise(via Via) bool {
	if l.second == nil {
		return false
	}
	next, why, _ := l.carrier()
	return why == "" && next != via
}

// send hands the message to the provider, through its breaker, with an end to
// the waiting.
func (l *line) send(p *provider, m channels.Message) (r channels.Receipt, err error) {
	done, err := p.breaker.allow()
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(l.flight, sendTimeout)
	defer cancel()
	err = guard(func() (err error) {
		if bound, ok := p.channel.(channels.AreaBound); ok {
			if err := channels.WithinArea(bound, m); err != nil {
				return err // not left to the channel alone
			}
		}
		r, err = perform(ctx, p.channel, m)
		return err
	})
	crash.At(crash.AfterSubmit)
	done(err)
	verdict, _ := channels.VerdictOf(err)
	if errors.Is(err, errPanic) {
		verdict = channels.VerdictUncertain
	}
	l.metrics.attempts.WithLabelValues(p.name, string(verdict)).Inc()
	return r, err
}

// find asks the provider what became of the message.
func (l *line) find(p *provider, m channels.Message) (r channels.Receipt, found bool, err error) {
	ctx, cancel := context.WithTimeout(l.flight, findTimeout)
	defer cancel()
	err = guard(func() (err error) {
		r, found, err = p.finder.Find(ctx, m)
		return err
	})
	return r, found, err
}
