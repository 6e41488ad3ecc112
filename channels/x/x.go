package x

import (
	"context"
	"errors"
	"sync"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/social"
)

// Channel posts to one account. It may be used from many goroutines.
type Channel struct {
	name   string
	config Config
	posts  social.Posts
	api    api

	mu sync.Mutex
	me string // the account's id, once it is known
}

var (
	_ channels.Channel    = (*Channel)(nil)
	_ channels.Finder     = (*Channel)(nil)
	_ channels.Withdrawer = (*Channel)(nil)
	_ channels.Checker    = (*Channel)(nil)
	_ channels.Limiter    = (*Channel)(nil)
	_ channels.Measurer   = (*Channel)(nil)
	_ channels.Renewer    = (*Channel)(nil)
	_ channels.Rehearser  = (*Channel)(nil)
)

// New makes a channel. The error names every mistake of the configuration.
func New(name string, c Config, s channels.Settings, log *zap.Logger) (*Channel, error) {
	in, err := c.check(name)
	if err != nil {
		return nil, err
	}
	var as credential
	if in.user != nil {
		as = newUserToken(*in.user)
	} else {
		as = newRefreshToken(in.fresh, c.URL, log)
	}
	return &Channel{
		name: name, config: c, api: api{url: c.URL, as: as},
		posts: social.Posts{Name: name, Platform: platform, Settings: s, Language: c.Language, Unit: channels.UnitWeighted, Max: c.MaxWeighted, Image: !c.NoImage},
	}, nil
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// Limit is the configured pace and the posts of a day; one post at a time keeps
// a thread in order.
func (c *Channel) Limit() channels.Limit {
	return channels.Limit{PerSecond: c.config.PerSecond, Burst: 10, Window: 1, PerDay: c.config.PerDay, Reserve: quotaReserve}
}

// Measure weighs as X does.
func (c *Channel) Measure(text string) channels.Measure { return c.posts.Measure(text) }

// Render makes one post a language, or one in the account's language.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) { return c.posts.Render(r) }

// Renewal says how to make new tokens.
func (c *Channel) Renewal() string { return c.api.as.renewal() }

// Rehearse is not possible: every post of an account is for everybody, and one
// that is deleted again was paid for and read.
func (c *Channel) Rehearse(context.Context, string) (string, error) {
	return "", errors.ErrUnsupported
}
