package bluesky

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/social"
)

const platform = "bluesky"

// Channel posts to one account. It may be used from many goroutines.
type Channel struct {
	name    string
	config  Config
	posts   social.Posts
	server  *server
	session *session

	uploads    social.Uploads
	uploadTime time.Duration
}

var (
	_ channels.Channel    = (*Channel)(nil)
	_ channels.Finder     = (*Channel)(nil)
	_ channels.Withdrawer = (*Channel)(nil)
	_ channels.Checker    = (*Channel)(nil)
	_ channels.Limiter    = (*Channel)(nil)
	_ channels.Measurer   = (*Channel)(nil)
	_ channels.Rehearser  = (*Channel)(nil)
	_ channels.Renewer    = (*Channel)(nil)
)

// New makes a channel; nothing is opened. The error names every mistake of the
// configuration.
func New(name string, c Config, s channels.Settings, log *zap.Logger) (*Channel, error) {
	password, err := c.check(name)
	if err != nil {
		return nil, err
	}
	at := newServer(c.PDS, password)
	return &Channel{
		name: name, config: c, server: at, uploadTime: social.UploadTime,
		posts: social.Posts{Name: name, Platform: platform, Settings: s, Language: c.Language,
			Unit: channels.UnitGraphemes, Max: maxGraphemes, Count: length, Image: !c.NoImage},
		session: newSession(at, c.Handle, password, log.With(zap.String("channel", name))),
	}, nil
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// reserve is the part of an hour's and a day's points that is kept for
// corrections.
const reserve = 0.25

// Limit is the configured pace; one post at a time keeps a thread in order.
func (c *Channel) Limit() channels.Limit {
	return channels.Limit{PerSecond: c.config.PerSecond, Burst: 10, Window: 1,
		PerHour: c.config.PointsPerHour / postPoints, PerDay: c.config.PointsPerDay / postPoints, Reserve: reserve}
}

// A post's text has at most 300 graphemes and 3,000 bytes (lexicon
// app.bsky.feed.post).
const (
	maxGraphemes = 300
	maxBytes     = 3000
)

// length counts in graphemes; ten bytes weigh as one where that is more, so
// that 300 of either are the limit.
func length(text string) int {
	const each = maxBytes / maxGraphemes
	return max(channels.UnitGraphemes.Count(text), (len(text)+each-1)/each)
}

// Measure counts as the server does.
func (c *Channel) Measure(text string) channels.Measure { return c.posts.Measure(text) }

// Render makes one post a language, or one in the account's language.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) { return c.posts.Render(r) }

// Renewal tells where an app password is made: it does not end by itself, but
// whoever changes the account's password may revoke it.
func (c *Channel) Renewal() string {
	return "Sign in to Bluesky as " + c.config.Handle + ", open Settings, Privacy and security, App passwords, make a new one, write it into " +
		c.config.PasswordFile + " and start the gateway again. If you cannot sign in, the account was suspended or renamed: ask the server " + strings.TrimPrefix(c.config.PDS, "https://") + "."
}

// Rehearse is [errors.ErrUnsupported]: every post on Bluesky is public.
func (c *Channel) Rehearse(context.Context, string) (string, error) {
	return "", errors.ErrUnsupported
}
