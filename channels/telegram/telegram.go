package telegram

import (
	"sync/atomic"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/social"
)

const platform = "telegram"

// How long texts may be, in UTF-16 units (core.telegram.org/bots/api,
// sendMessage and sendPhoto).
const (
	mostText    = 4096
	mostCaption = 1024
)

// Channel posts to one chat. It may be used from many goroutines.
type Channel struct {
	name    string
	config  Config
	posts   social.Posts
	amended social.Posts // how long what earlier posts come to say may be: it must fit both kinds
	api     *api
	uploads social.Uploads
	lacks   atomic.Pointer[string] // the right that the last check missed, where posting works
	log     *zap.Logger
}

var (
	_ channels.Channel    = (*Channel)(nil)
	_ channels.Amender    = (*Channel)(nil)
	_ channels.Withdrawer = (*Channel)(nil)
	_ channels.Checker    = (*Channel)(nil)
	_ channels.Rehearser  = (*Channel)(nil)
	_ channels.Renewer    = (*Channel)(nil)
	_ channels.Limiter    = (*Channel)(nil)
	_ channels.Measurer   = (*Channel)(nil)
)

// New makes a channel. It opens no connection. The error names every mistake of
// the configuration.
func New(name string, c Config, s channels.Settings, log *zap.Logger) (*Channel, error) {
	token, err := c.check(name)
	if err != nil {
		return nil, err
	}
	bot, err := newAPI(c.URL, token, log)
	if err != nil {
		return nil, err
	}
	posts := social.Posts{Name: name, Platform: platform, Settings: s, Language: c.Language, Unit: channels.UnitUTF16, Max: mostText, Image: c.image()}
	if posts.Image {
		posts.Max = mostCaption // one message with its picture, not two
	}
	amended := posts
	amended.Max, amended.Image = mostCaption, false
	return &Channel{name: name, config: c, posts: posts, amended: amended, api: bot, log: log}, nil
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// Limit is what core.telegram.org/bots/faq advises: a message a second in a
// chat, twenty a minute in a group. One at a time keeps a thread in order.
func (c *Channel) Limit() channels.Limit {
	return channels.Limit{PerSecond: 1, Burst: 5, Window: 1, PerHour: 20 * 60, Reserve: 0.1}
}

// Measure counts UTF-16 units, as Telegram does.
func (c *Channel) Measure(text string) channels.Measure { return c.posts.Measure(text) }

// Render makes one post a language, or one in the chat's language. With
// pictures a text is as long as a caption may be, so that both are one message.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) { return c.posts.Render(r) }

// RenderAmended makes what the posts of before read once r has taken its place.
func (c *Channel) RenderAmended(before, r *alerts.Record) ([]channels.Message, error) {
	return c.amended.RenderAmended(before, r)
}

// Renewal says how to get a new token.
func (c *Channel) Renewal() string {
	return "In Telegram, write /token to @BotFather (or /revoke, if somebody else may know the present one), choose the bot, put what it answers into " + c.config.TokenFile +
		" and start the gateway again. If the token is good, the bot was removed: make it an administrator of the channel again, who may post and edit messages."
}

// Notes are what the person who looks after the channel should know.
func (c *Channel) Notes() []string {
	notes := []string{"a bot cannot read what it posted: after a lost answer nobody knows whether the post is there"}
	if lacks := c.lacks.Load(); lacks != nil {
		notes = append(notes, *lacks)
	}
	return notes
}
