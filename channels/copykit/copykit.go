package copykit

import (
	"context"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/social"
)

// Ready is the note of every receipt, until somebody ticks it.
const Ready = "ready to copy: not posted until somebody ticks it"

// Channel is one account that people post to. It may be used from many
// goroutines.
type Channel struct {
	name   string
	config Config
	posts  social.Posts
}

var (
	_ channels.Channel  = (*Channel)(nil)
	_ channels.ByHand   = (*Channel)(nil)
	_ channels.Finder   = (*Channel)(nil)
	_ channels.Measurer = (*Channel)(nil)
)

// New makes the channel of an account. It opens nothing. The error names every
// mistake of the configuration.
func New(name string, c Config, s channels.Settings, _ *zap.Logger) (*Channel, error) {
	if err := c.check(name); err != nil {
		return nil, err
	}
	return &Channel{name: name, config: c, posts: social.Posts{
		Name: name, Platform: c.Platform, Settings: s, Language: c.Language, Unit: channels.Unit(c.Unit), Max: c.Max, Image: !c.NoImage,
	}}, nil
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// ByHand names where people post it.
func (c *Channel) ByHand() string { return c.config.Platform }

// Render makes one text a language, or one in the account's language.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) { return c.posts.Render(r) }

// Measure counts as the platform does.
func (c *Channel) Measure(text string) channels.Measure { return c.posts.Measure(text) }

// Send lets nothing leave: the text is kept with the alert, ready to copy.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return channels.Receipt{}, err
	}
	return receipt(m), nil
}

// Find always finds m: it is ready since it was approved.
func (c *Channel) Find(_ context.Context, m channels.Message) (channels.Receipt, bool, error) {
	return receipt(m), true, nil
}

func receipt(m channels.Message) channels.Receipt {
	return channels.Receipt{ID: "kit:" + m.Key, Note: Ready}
}
