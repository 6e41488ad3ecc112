package mastodon

import (
	"net/http"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/social"
)

const platform = "mastodon"

// Channel posts to one account. It may be used from many goroutines.
type Channel struct {
	name    string
	config  Config
	posts   social.Posts
	header  http.Header
	call    *channels.Caller
	uploads social.Uploads
	waits   []time.Duration // for a picture that the server works on
	log     *zap.Logger
}

var (
	_ channels.Channel    = (*Channel)(nil)
	_ channels.Finder     = (*Channel)(nil)
	_ channels.Amender    = (*Channel)(nil)
	_ channels.Withdrawer = (*Channel)(nil)
	_ channels.Checker    = (*Channel)(nil)
	_ channels.Limiter    = (*Channel)(nil)
	_ channels.Measurer   = (*Channel)(nil)
	_ channels.Rehearser  = (*Channel)(nil)
	_ channels.Renewer    = (*Channel)(nil)

	_ channels.Connect = Connect
)

// New makes a channel. The error names every mistake of the configuration.
func New(name string, c Config, s channels.Settings, log *zap.Logger) (*Channel, error) {
	token, err := c.check(name)
	if err != nil {
		return nil, err
	}
	return &Channel{
		name: name, config: c, log: log,
		posts: social.Posts{Name: name, Platform: platform, Settings: s, Language: c.Language, Unit: channels.UnitChars, Max: c.MaxChars,
			Count: channels.CountLinks(channels.UnitChars.Count, c.LinkChars), Image: !c.NoImage},
		header: http.Header{"Authorization": {"Bearer " + token}, "Accept": {"application/json"}},
		call:   channels.NewCaller(platform, token), waits: pictureWaits,
	}, nil
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// reserve is the part of an hour's posts that is kept for corrections.
const reserve = 0.25

// Limit is the configured pace; one post at a time keeps a thread in order.
func (c *Channel) Limit() channels.Limit {
	return channels.Limit{PerSecond: c.config.PerSecond, Burst: 10, Window: 1, PerHour: c.config.PerHour, Reserve: reserve}
}

// Measure counts as the server does: every link alike.
func (c *Channel) Measure(text string) channels.Measure { return c.posts.Measure(text) }

// Render makes one post a language, or one in the account's language.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) { return c.posts.Render(r) }

// RenderAmended makes what the posts of the revision before read from now on.
func (c *Channel) RenderAmended(before, r *alerts.Record) ([]channels.Message, error) {
	return c.posts.RenderAmended(before, r)
}

// Renewal tells where a token is made: it does not end by itself, but somebody
// can revoke it.
func (c *Channel) Renewal() string {
	return "Sign in to the account at " + c.config.URL + ", open Preferences, Development, make a new application with the scopes " + scopes +
		", write its access token into " + c.config.TokenFile + " and start the gateway again. If you cannot sign in, the account was locked or moved: ask who runs the server."
}
