package facebook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/social"
)

// Channel posts to one page. It may be used from many goroutines.
type Channel struct {
	name      string
	config    Config
	posts     social.Posts
	graph     *graph
	inspector *graph // who may look at the token
	log       *zap.Logger

	end atomic.Int64 // of the token, Unix seconds, as Facebook told last; 0: not known, or never

	uploads    social.Uploads
	uploadTime time.Duration
}

var (
	_ channels.Channel    = (*Channel)(nil)
	_ channels.Finder     = (*Channel)(nil)
	_ channels.Amender    = (*Channel)(nil)
	_ channels.Withdrawer = (*Channel)(nil)
	_ channels.Checker    = (*Channel)(nil)
	_ channels.Ender      = (*Channel)(nil)
	_ channels.Limiter    = (*Channel)(nil)
	_ channels.Measurer   = (*Channel)(nil)
	_ channels.Rehearser  = (*Channel)(nil)
	_ channels.Renewer    = (*Channel)(nil)
)

// New makes a channel. The error names every mistake of the configuration.
func New(name string, c Config, s channels.Settings, log *zap.Logger) (*Channel, error) {
	with, err := c.check(name)
	if err != nil {
		return nil, err
	}
	g := newGraph(c.Graph, c.Version, with.token, with.secret)
	ch := &Channel{name: name, config: c, graph: g, inspector: g, log: log, uploadTime: social.UploadTime, posts: social.Posts{
		Name: name, Platform: platform, Settings: s, Language: c.Language, Unit: channels.UnitUTF16, Max: c.MaxChars, Image: true,
	}}
	if c.AppID != "" {
		ch.inspector = g.as(appToken(c.AppID, with.secret), with.secret)
	}
	return ch, nil
}

// appToken is the token of an app itself
// (developers.facebook.com/docs/facebook-login/guides/access-tokens).
func appToken(id, secret string) string { return id + "|" + secret }

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// Limit is the configured pace; one post at a time keeps them in order.
func (c *Channel) Limit() channels.Limit {
	return channels.Limit{PerSecond: c.config.PerSecond, Burst: 5, Window: 1, PerHour: c.config.PerHour, Reserve: c.config.Reserve}
}

// Measure counts UTF-16 units.
func (c *Channel) Measure(text string) channels.Measure { return c.posts.Measure(text) }

// Render makes one post a language, or one in the page's language.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) { return c.posts.Render(r) }

// RenderAmended makes what the earlier posts read once r has taken their place.
func (c *Channel) RenderAmended(before, r *alerts.Record) ([]channels.Message, error) {
	return c.posts.RenderAmended(before, r)
}

// created is the answer to a post or an upload.
type created struct {
	ID string `json:"id"`
}

// Send posts m. The picture is uploaded first and belongs to nothing yet, so
// while that has not worked nothing was posted; without a picture the post shows
// the alert's page. A post whose picture or page Facebook does not take goes
// out with its words alone. Pages have no threads: m.Previous plays no part.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	dress, note, err := c.dress(ctx, m)
	if err != nil {
		return channels.Receipt{}, err
	}
	id, err := c.post(ctx, m.Text, dress)
	if r, refused := errors.AsType[*refusal](err); refused && dress != nil && r.Code != codeDuplicate {
		if v, _ := channels.VerdictOf(err); v == channels.VerdictPermanent {
			note = join(note, "posted with its words alone: "+err.Error())
			id, err = c.post(ctx, m.Text, nil)
		}
	}
	if r, refused := errors.AsType[*refusal](err); refused && r.Code == codeDuplicate {
		return c.duplicate(ctx, m, err)
	}
	if err != nil {
		return channels.Receipt{}, err
	}
	return channels.Receipt{ID: id, URL: c.permalink(ctx, id), Note: note}, nil
}

// dress gives the fields of what a post shows beside its words.
func (c *Channel) dress(ctx context.Context, m channels.Message) (fields url.Values, note string, err error) {
	if m.Image != nil && len(m.Image.Bytes) > 0 {
		photo, err := c.photo(ctx, m.Image)
		v, _ := channels.VerdictOf(err)
		_, refused := errors.AsType[*refusal](err)
		switch {
		case err == nil:
			c.uploads.Worked(m)
			media, err := json.Marshal(map[string]string{"media_fbid": photo})
			if err != nil {
				return nil, "", channels.Permanent(fmt.Errorf("facebook: %w", err))
			}
			return url.Values{"attached_media[0]": {string(media)}}, "", nil
		case v == channels.VerdictRetry && refused, ctx.Err() != nil && v != channels.VerdictUncertain:
			return nil, "", err // a limit, which holds for words too
		case ctx.Err() == nil && c.uploads.GivesUp(m, err):
			note = "posted without its picture: " + err.Error()
		case v == channels.VerdictUncertain:
			return nil, "", channels.RetryAfter(err, 0) // only the picture is in doubt
		default:
			return nil, "", err
		}
	}
	if m.URL != "" {
		return url.Values{"link": {m.URL}}, note, nil
	}
	return nil, note, nil
}

// photo uploads a picture that nobody sees until a post takes it along; left
// alone it is gone after a day
// (developers.facebook.com/docs/graph-api/reference/page/photos).
func (c *Channel) photo(ctx context.Context, image *channels.Image) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.uploadTime)
	defer cancel()
	fields := url.Values{"published": {"false"}}
	if image.Alt != "" {
		fields.Set("alt_text_custom", image.Alt)
	}
	var out created
	if err := c.graph.upload(ctx, "/"+c.config.Page+"/photos", fields, image.Type, image.Bytes, &out); err != nil {
		return "", err
	}
	if out.ID == "" {
		return "", channels.Uncertain(errors.New("facebook took the picture and gave no id"))
	}
	return out.ID, nil
}

// post is the only place that makes something public.
func (c *Channel) post(ctx context.Context, text string, dress url.Values) (string, error) {
	fields := url.Values{"message": {text}}
	maps.Copy(fields, dress)
	var out created
	if err := c.graph.write(ctx, "/"+c.config.Page+"/feed", fields, &out); err != nil {
		return "", err
	}
	if out.ID == "" {
		return "", channels.Uncertain(errors.New("facebook took the post and gave no id"))
	}
	return out.ID, nil
}

// duplicate looks for what Facebook says is there already: an attempt of ours
// whose answer was lost, or the event's post before, which then stays (an update
// that changed another language). err is that refusal.
func (c *Channel) duplicate(ctx context.Context, m channels.Message, err error) (channels.Receipt, error) {
	receipt, before, found, findErr := c.search(ctx, m)
	switch {
	case findErr != nil:
		return channels.Receipt{}, channels.Uncertain(fmt.Errorf("%w; looking for it: %w", err, findErr))
	case !found && before.ID != "":
		before.Note = "nothing new to post: the post before says the same"
		return before, nil
	case !found:
		return channels.Receipt{}, channels.Uncertain(fmt.Errorf("%w; among the page's posts there is none since the alert was published", err))
	}
	receipt.Note = "it was posted already"
	return receipt, nil
}

// permalinkWait bounds the question for an address: the post is out, and its
// receipt is more urgent.
const permalinkWait = 5 * time.Second

// permalink asks for the address of a post; where that fails it is the one that
// facebook.com forwards.
func (c *Channel) permalink(ctx context.Context, id string) string {
	ctx, cancel := context.WithTimeout(ctx, permalinkWait)
	defer cancel()
	var out posted
	if err := c.graph.read(ctx, "/"+url.PathEscape(id), url.Values{"fields": {"permalink_url"}}, &out); err != nil {
		c.log.Debug("the address of the post was not told", zap.String("channel", c.name), zap.Error(err))
	}
	out.ID = id
	return out.address()
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return strings.TrimSuffix(a, ".") + "; " + b
}
