package pressroom

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/social"
)

const platform = "pressroom"

// room is what all shapes share.
type room struct {
	name   string
	config Config
	posts  social.Posts
	hook   *url.URL
	escape func(string) string // makes a text harmless; what the platform counts is the result
	call   *channels.Caller
	log    *zap.Logger
}

var (
	_ channels.Limiter   = (*room)(nil)
	_ channels.Measurer  = (*room)(nil)
	_ channels.Renewer   = (*room)(nil)
	_ channels.Rehearser = (*room)(nil)
)

// New makes a channel: a [Discord] or a [Hook]. The error names every mistake of
// the configuration.
func New(name string, c Config, s channels.Settings, log *zap.Logger) (channels.Channel, error) {
	hook, err := c.check(name)
	body, wrong := bodyOf(&c)
	if wrong != nil {
		wrong = fmt.Errorf("pressroom %s: %w", name, wrong)
	}
	if err := errors.Join(err, wrong); err != nil {
		return nil, err
	}
	r := room{name: name, config: c, hook: hook, escape: escapes[c.Shape], call: channels.NewCaller(c.Shape, secrets(hook)...), log: log}
	r.posts = social.Posts{Name: name, Platform: platform, Settings: s, Language: c.Language, Unit: channels.UnitChars, Max: c.Max,
		Count: func(text string) int { return channels.UnitChars.Count(r.escape(text)) }, Image: c.Shape == shapeDiscord && !c.NoImage}
	if c.Shape == shapeDiscord {
		return &Discord{room: r}, nil
	}
	return &Hook{room: r, body: body}, nil
}

// Name is the configured name.
func (r *room) Name() string { return r.name }

// Limit is the configured pace; one post at a time keeps their order.
func (r *room) Limit() channels.Limit {
	return channels.Limit{PerSecond: r.config.PerSecond, Burst: 5, Window: 1}
}

// Measure counts what is sent: the text made harmless.
func (r *room) Measure(text string) channels.Measure { return r.posts.Measure(text) }

// Render makes one post a language, or one in the room's language.
func (r *room) Render(record *alerts.Record) ([]channels.Message, error) {
	return r.posts.Render(record)
}

// Rehearse has nowhere to post that the room would not see.
func (r *room) Rehearse(context.Context, string) (string, error) { return "", errors.ErrUnsupported }

// Renewal tells where a hook is made.
func (r *room) Renewal() string {
	where := map[string]string{
		shapeSlack:      "In Slack, open the app that the hook belongs to (api.slack.com/apps), Incoming Webhooks, and add a new one to the room",
		shapeMattermost: "In Mattermost, open Integrations, Incoming Webhooks, and add a new one for the room; an administrator may have to allow them",
		shapeDiscord:    "In Discord, open the settings of the room, Integrations, Webhooks, and make a new one",
		shapeTemplate:   "Make a new incoming webhook in the chat",
	}[r.config.Shape]
	return where + ". Write its address into " + r.config.URLFile + " and start the gateway again."
}
