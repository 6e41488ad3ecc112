package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/channels"
)

// Channel posts to one receiver. It may be used from many goroutines.
type Channel struct {
	name     string
	config   Config
	settings channels.Settings
	keys     [][]byte
	call     *channels.Caller
	log      *zap.Logger
}

var (
	_ channels.Channel = (*Channel)(nil)
	_ channels.Finder  = (*Channel)(nil)
	_ channels.Checker = (*Channel)(nil)
	_ channels.Limiter = (*Channel)(nil)
	_ channels.Machine = (*Channel)(nil)
)

// New makes a channel. The error names every mistake of the configuration.
func New(name string, c Config, s channels.Settings, log *zap.Logger) (*Channel, error) {
	keys, secrets, err := c.check(name)
	if err != nil {
		return nil, err
	}
	// The address of a receiver often has a credential in its path.
	return &Channel{name: name, config: c, settings: s, keys: keys, call: channels.NewCaller("webhook", append(secrets, c.URL)...), log: log}, nil
}

// Name is the configured name.
func (c *Channel) Name() string { return c.name }

// Machine is true: programs read it.
func (c *Channel) Machine() bool { return true }

// Find answers at once that m may be sent again: a receiver knows a repetition
// by its webhook-id and drops it, as Standard Webhooks asks of receivers.
func (c *Channel) Find(context.Context, channels.Message) (channels.Receipt, bool, error) {
	return channels.Receipt{}, false, nil
}

// Limit is the configured pace.
func (c *Channel) Limit() channels.Limit {
	return channels.Limit{PerSecond: c.config.PerSecond, Burst: max(1, int(c.config.PerSecond)), Window: 4}
}

// Data is what a receiver gets of an alert.
type Data struct {
	ID         alerts.ID       `json:"id"`    // of this revision
	Event      alerts.ID       `json:"event"` // the same over all revisions
	Revision   int             `json:"revision"`
	Supersedes alerts.ID       `json:"supersedes,omitempty"`
	Exercise   bool            `json:"exercise"` // nobody is in danger
	Severity   alerts.Severity `json:"severity"`
	URL        string          `json:"url,omitempty"` // the event's page
	Title      string          `json:"title"`
	Text       string          `json:"text"`
	Areas      []alerts.Value  `json:"areas,omitempty"` // codes that the area was resolved to
	Alert      json.RawMessage `json:"alert"`           // CAP 1.2 with its element names
}

// envelope is the body: Standard Webhooks 1.0, "Payload structure".
type envelope struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      Data      `json:"data"`
}

// Render makes one message that holds all languages.
func (c *Channel) Render(r *alerts.Record) ([]channels.Message, error) {
	composed := channels.Compose(r, channels.Languages(r, c.settings)[0], c.settings)
	m := composed.Message(c.name, "public", r)
	var err error
	if m.Text, err = composed.Fit(0, channels.UnitChars.Count); err != nil {
		return nil, fmt.Errorf("webhook %s: %w", c.name, err)
	}
	alert := *r.Alert
	if r.Own {
		alert.Sent = time.Time{} // publishing sets it; Send fills it in
	}
	whole, err := json.Marshal(alert)
	if err != nil {
		return nil, fmt.Errorf("webhook %s: %w", c.name, err)
	}
	payload, err := json.Marshal(Data{ID: r.ID, Event: r.Event, Revision: r.Revision, Supersedes: r.Supersedes, Exercise: m.Exercise,
		Severity: m.Severity, URL: m.URL, Title: m.Title, Text: m.Text, Areas: r.Areas, Alert: whole})
	if err != nil {
		return nil, fmt.Errorf("webhook %s: %w", c.name, err)
	}
	m.Payload = guarded(payload)
	return []channels.Message{m}, nil
}

// guarded hides from the dispatcher what a sender wrote like a placeholder: in
// JSON an escaped brace is the same text.
func guarded(payload []byte) []byte {
	for _, p := range channels.Placeholders {
		payload = bytes.ReplaceAll(payload, []byte(p), []byte(`\u007b`+p[1:]))
	}
	return payload
}

// body is the same over all attempts: its only time is that of publication.
func body(m channels.Message) ([]byte, error) {
	e := envelope{Type: "alert." + string(m.Change), Timestamp: m.Sent.UTC().Truncate(time.Second)}
	if err := json.Unmarshal(m.Payload, &e.Data); err != nil {
		return nil, err
	}
	var alert map[string]json.RawMessage
	if err := json.Unmarshal(e.Data.Alert, &alert); err != nil {
		return nil, err
	}
	if _, ok := alert["sent"]; !ok && !m.Sent.IsZero() {
		alert["sent"], _ = json.Marshal(alerts.FormatTime(m.Sent.Truncate(time.Second)))
		var err error
		if e.Data.Alert, err = json.Marshal(alert); err != nil {
			return nil, err
		}
	}
	return json.Marshal(e)
}

// Send posts once. The status alone is the answer: 2xx accepted; 410 permanent,
// the receiver wants no more; 429 and 503 retry; everything else uncertain, and
// safe to repeat.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	payload, err := body(m)
	if err != nil {
		return channels.Receipt{}, channels.Permanent(fmt.Errorf("webhook %s: the stored message cannot be read: %w", c.name, err))
	}
	id := messageID(m)
	now := time.Now()
	answer, err := c.call.Do(ctx, http.MethodPost, c.config.URL, http.Header{
		"Content-Type":      {"application/json"},
		"Webhook-Id":        {id},
		"Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)},
		"Webhook-Signature": {c.sign(id, now, payload)},
	}, payload)
	if err != nil {
		return channels.Receipt{}, err
	}
	// The answer's words may repeat what we sent: only its status is told.
	refused := channels.Refused("webhook", strconv.Itoa(answer.Status), http.StatusText(answer.Status))
	switch {
	case answer.Status >= 200 && answer.Status < 300:
		return channels.Receipt{ID: id}, nil
	case answer.Status == http.StatusGone:
		return channels.Receipt{}, channels.Permanent(fmt.Errorf("%w: the receiver wants no more messages; take it out of the configuration", refused))
	case answer.Status == http.StatusTooManyRequests, answer.Status == http.StatusServiceUnavailable:
		return channels.Receipt{}, channels.RetryAfter(refused, channels.WaitOf(answer.Status, answer.Header, answer.Body, now))
	}
	return channels.Receipt{}, channels.Uncertain(refused)
}

// messageID is the webhook-id: unique to what is sent, not to the attempt.
func messageID(m channels.Message) string {
	sum := sha256.Sum256([]byte(m.Key + "\x00" + m.Language))
	return "msg_" + hex.EncodeToString(sum[:16])
}

// sign gives one signature for each secret, separated by spaces (Standard
// Webhooks 1.0, "Signature scheme").
func (c *Channel) sign(id string, at time.Time, payload []byte) string {
	var out []byte
	for i, key := range c.keys {
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
		mac.Write(payload)
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, "v1,"...)
		out = base64.StdEncoding.AppendEncode(out, mac.Sum(nil))
	}
	return string(out)
}

// Check asks the receiver for a HEAD: whoever answers is there. Its view of our
// signature shows with the first message only.
func (c *Channel) Check(ctx context.Context) error {
	answer, err := c.call.Do(ctx, http.MethodHead, c.config.URL, nil, nil)
	if err != nil {
		return err
	}
	if answer.Status == http.StatusGone || answer.Status >= 500 {
		return channels.Refused("webhook", strconv.Itoa(answer.Status), http.StatusText(answer.Status))
	}
	return nil
}
