package mastodon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

const platform = "mastodon"

// Channel posts to one account. It may be used from many goroutines.
type Channel struct {
	name     string
	config   Config
	settings channels.Settings
	count    func(string) int
	header   http.Header
	call     *channels.Caller
	log      *zap.Logger
}

var (
	_ channels.Channel    = (*Channel)(nil)
	_ channels.Finder     = (*Channel)(nil)
	_ channels.Editor     = (*Channel)(nil)
	_ channels.Withdrawer = (*Channel)(nil)
	_ channels.Checker    = (*Channel)(nil)
	_ channels.Limiter    = (*Channel)(nil)
	_ channels.Measurer   = (*Channel)(nil)
)

// New makes a channel. The error names every mistake of the configuration.
func New(name string, c Config, s channels.Settings, log *zap.Logger) (*Channel, error) {
	token, err := c.check(name)
	if err != nil {
		return nil, err
	}
	return &Channel{
		name: name, config: c, settings: s, log: log,
		count:  channels.CountLinks(channels.UnitChars.Count, c.LinkChars),
		header: http.Header{"Authorization": {"Bearer " + token}, "Accept": {"application/json"}},
		call:   channels.NewCaller(platform, token),
	}, nil
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// Limit is the configured pace; one post at a time keeps a thread in order.
func (c *Channel) Limit() channels.Limit {
	return channels.Limit{PerSecond: c.config.PerSecond, Burst: 10, Window: 1}
}

// Measure counts as the server does: every link alike.
func (c *Channel) Measure(text string) channels.Measure {
	return channels.Measure{Unit: string(channels.UnitChars), Used: c.count(text), Max: c.config.MaxChars, Part: 1}
}

// Render makes one post a language, or one in the account's language.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) {
	languages := channels.Languages(r, c.settings)
	if c.config.Language != "" {
		languages = []string{channels.Closest(languages, c.config.Language)}
	}
	messages := make([]channels.Message, 0, len(languages))
	for _, lang := range languages {
		composed := channels.Compose(r, lang, c.settings)
		m := composed.Message(c.name, "public", r)
		var err error
		if m.Text, err = composed.Fit(c.config.MaxChars, c.count); err != nil {
			return nil, fmt.Errorf("mastodon %s: %w", c.name, err)
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// status is a post as we write it.
type status struct {
	Status      string `json:"status"`
	Visibility  string `json:"visibility,omitempty"` // cannot be edited
	Language    string `json:"language,omitempty"`
	InReplyToID string `json:"in_reply_to_id,omitempty"`
}

// posted is a post as the server gives it.
type posted struct {
	ID        string    `json:"id"`
	URL       string    `json:"url"`
	URI       string    `json:"uri"`
	Content   string    `json:"content"` // HTML
	CreatedAt time.Time `json:"created_at"`
}

func (p posted) receipt() channels.Receipt {
	if p.URL == "" {
		p.URL = p.URI
	}
	return channels.Receipt{ID: p.ID, URL: p.URL}
}

// Send posts m, in the thread of m.Previous where there is one. If the earlier
// post is gone, which the server says before it does anything, the alert goes
// out on its own.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	in := status{Status: m.Text, Visibility: c.config.Visibility, Language: alerts.PrimaryLanguage(m.Language), InReplyToID: m.Previous}
	answer, err := c.write(ctx, http.MethodPost, "/api/v1/statuses", in, idempotencyKey(m))
	if err == nil && answer.Status == http.StatusNotFound && in.InReplyToID != "" {
		in.InReplyToID = ""
		answer, err = c.write(ctx, http.MethodPost, "/api/v1/statuses", in, idempotencyKey(m)+"-alone")
	}
	if err != nil {
		return channels.Receipt{}, err
	}
	return c.taken(answer)
}

// Edit changes the text of a post; the server keeps its history.
func (c *Channel) Edit(ctx context.Context, id string, m channels.Message) (channels.Receipt, error) {
	answer, err := c.write(ctx, http.MethodPut, "/api/v1/statuses/"+url.PathEscape(id), status{Status: m.Text, Language: alerts.PrimaryLanguage(m.Language)}, "")
	if err != nil {
		return channels.Receipt{}, err
	}
	return c.taken(answer)
}

// Withdraw deletes a post. One that is gone is no error.
func (c *Channel) Withdraw(ctx context.Context, id string) error {
	answer, err := c.call.Do(ctx, http.MethodDelete, c.config.URL+"/api/v1/statuses/"+url.PathEscape(id), c.header, nil)
	if err != nil {
		return err
	}
	if answer.Status == http.StatusNotFound || answer.Status == http.StatusGone {
		return nil
	}
	return c.call.Verdict(answer, time.Now())
}

// write sends a status. It is the only place that posts.
func (c *Channel) write(ctx context.Context, method, path string, in status, key string) (*channels.Answer, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, channels.Permanent(fmt.Errorf("mastodon: the post cannot be written as JSON: %w", err))
	}
	header := c.header.Clone()
	header.Set("Content-Type", "application/json")
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	return c.call.Do(ctx, method, c.config.URL+path, header, body)
}

// taken reads the answer to a write.
func (c *Channel) taken(answer *channels.Answer) (channels.Receipt, error) {
	if err := c.call.Verdict(answer, time.Now()); err != nil {
		return channels.Receipt{}, err
	}
	var p posted
	if err := answer.Decode(platform, &p); err != nil {
		return channels.Receipt{}, err
	}
	if p.ID == "" {
		return channels.Receipt{}, channels.Uncertain(errors.New("mastodon took the post and gave no id"))
	}
	return p.receipt(), nil
}

// idempotencyKey is the same over all attempts and differs between languages.
func idempotencyKey(m channels.Message) string {
	sum := sha256.Sum256([]byte(m.Key + "\x00" + m.Language))
	return hex.EncodeToString(sum[:])
}
