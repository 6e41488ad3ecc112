package httpsms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/sms"
)

// Channel sends SMS through its providers. Its methods may be called at once.
// It holds nothing that must be closed.
type Channel struct {
	name     string
	config   Config
	settings channels.Settings
	text     sms.Text
	routes   []*route
	doubts   doubts
	log      *zap.Logger
}

// finding is a channel of which at least one provider can be asked.
type finding struct{ *Channel }

var (
	_ channels.Channel   = (*Channel)(nil)
	_ channels.Addressed = (*Channel)(nil)
	_ channels.Limiter   = (*Channel)(nil)
	_ channels.Estimator = (*Channel)(nil)
	_ channels.Weigher   = (*Channel)(nil)
	_ channels.Checker   = (*Channel)(nil)
	_ channels.Measurer  = (*Channel)(nil)
	_ channels.Inbound   = (*Channel)(nil)
	_ channels.Answerer  = (*Channel)(nil)
	_ channels.Pager     = (*Channel)(nil)
	_ channels.Finder    = finding{}
)

// New checks the configuration and prepares the channel; it opens no
// connection. Its error joins every mistake as an [alerts.Problem]. What it
// gives is a [*Channel], and a [channels.Finder] where a provider can be asked
// what became of a message.
func New(name string, c Config, s channels.Settings, log *zap.Logger) (channels.Channel, error) {
	ch, err := open(name, c, s, log)
	if err != nil {
		return nil, err
	}
	for _, r := range ch.routes {
		if r.carrier.finds() {
			return finding{ch}, nil
		}
	}
	return ch, nil
}

func open(name string, c Config, s channels.Settings, log *zap.Logger) (*Channel, error) {
	routes, problems := c.open(name, s)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if c.Window == 0 {
		c.Window = defaultWindow
	}
	if log == nil {
		log = zap.NewNop()
	}
	ch := &Channel{name: name, config: c, settings: s, routes: routes, log: log.With(zap.String("channel", name))}
	ch.doubts.clock, ch.doubts.settled = time.Now, settleTime
	if len(routes) > 1 {
		for i, r := range routes {
			if rate := c.Providers[i].Rate; rate > 0 {
				r.pace = &pace{every: time.Duration(float64(time.Second) / rate)}
			}
		}
	}
	ch.text = c.Text(ch.rate())
	return ch, nil
}

// rate is the pace of the whole channel: its provider's, or the highest of
// several, each of which has its own besides. The dispatcher cannot know which
// of them a number takes.
func (c *Channel) rate() float64 {
	if len(c.config.Providers) == 0 {
		return c.config.Rate
	}
	highest := 0.0
	for _, p := range c.config.Providers {
		if p.Rate == 0 {
			return 0
		}
		highest = max(highest, p.Rate)
	}
	return highest
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// AddressKind is "phone": numbers in E.164.
func (c *Channel) AddressKind() string { return "phone" }

// Render writes one text for each language of the record.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) {
	messages, err := c.text.Render(c.name, sms.AudienceSubscribers, r, c.settings)
	if err != nil {
		return nil, fmt.Errorf("httpsms %s: %w", c.name, err)
	}
	return messages, nil
}

// Measure counts a text as it would be sent.
func (c *Channel) Measure(text string) channels.Measure { return c.text.Measure(text) }

// Estimate says of each text of the record how it would travel, what its
// spelling saves and what it costs.
func (c *Channel) Estimate(r *alerts.Record) ([]channels.Estimate, error) {
	return c.text.Estimates(r, c.settings)
}

// Weigh is how many parts a message makes.
func (c *Channel) Weigh(m channels.Message) int { return weigh(m.Text) }

func weigh(text string) int {
	_, segments := channels.Segments(text)
	return max(1, len(segments))
}

// Limit is the contract's pace in parts, shared by all channels of a contract.
func (c *Channel) Limit() channels.Limit {
	l := channels.Limit{PerSecond: c.rate(), Window: c.config.Window}
	if l.PerSecond > 0 {
		l.Burst = max(1, int(l.PerSecond/5))
	}
	if p := c.config.ProviderConfig; len(c.config.Providers) == 0 {
		host := p.URL
		if u, err := url.Parse(p.URL); err == nil {
			host = u.Host
		}
		sum := sha256.Sum256([]byte(p.Provider + "\x00" + host + "\x00" + p.AccountSID + "\x00" + p.Username + "\x00" + p.SecretFile))
		l.Account = "httpsms-" + hex.EncodeToString(sum[:8])
	}
	return l
}

// Check proves the credentials of every provider without sending; its error
// names those that are broken.
func (c *Channel) Check(ctx context.Context) error {
	var errs []error
	for _, r := range c.routes {
		err := r.carrier.check(ctx)
		if err == nil {
			if r.carrier.checks() && r.well() {
				c.log.Info("the provider takes our credentials again", zap.String("provider", r.name))
			}
			continue
		}
		if len(c.routes) > 1 {
			err = wrap(err, "provider "+r.name)
		}
		errs = append(errs, err)
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// wrap adds words to an error and keeps its verdict.
func wrap(err error, what string) error {
	worded := fmt.Errorf("%s: %w", what, err)
	switch v, after := channels.VerdictOf(err); v {
	case channels.VerdictPermanent:
		return channels.Permanent(worded)
	case channels.VerdictUnauthorized:
		return channels.Unauthorized(worded)
	case channels.VerdictUncertain:
		return channels.Uncertain(worded)
	default:
		if after > 0 {
			return channels.RetryAfter(worded, after)
		}
		return worded
	}
}
