package mastodon

import (
	"bytes"
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

// status is a post as we write it.
type status struct {
	Status      string   `json:"status"`
	Visibility  string   `json:"visibility,omitempty"` // cannot be edited
	Language    string   `json:"language,omitempty"`
	InReplyToID string   `json:"in_reply_to_id,omitempty"`
	MediaIDs    []string `json:"media_ids,omitempty"`
}

// posted is a post as the server gives it.
type posted struct {
	ID        string       `json:"id"`
	URL       string       `json:"url"`
	URI       string       `json:"uri"`
	Content   string       `json:"content"` // HTML
	CreatedAt time.Time    `json:"created_at"`
	EditedAt  *time.Time   `json:"edited_at"`
	Media     []attachment `json:"media_attachments"`
}

func (p posted) receipt() channels.Receipt {
	if p.URL == "" {
		p.URL = p.URI
	}
	return channels.Receipt{ID: p.ID, URL: p.URL}
}

// Send posts m with its picture, in the thread of m.Previous where there is
// one. What the server refuses before it does anything is left out, so that the
// alert goes out: an earlier post that is gone, a picture that it does not take.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	in := status{Status: m.Text, Visibility: c.config.Visibility, Language: alerts.PrimaryLanguage(m.Language), InReplyToID: m.Previous}
	media, note, err := c.picture(ctx, m)
	if err != nil {
		return channels.Receipt{}, err
	}
	if media != "" {
		in.MediaIDs = []string{media}
	}
	key := idempotencyKey(m)
	for {
		answer, err := c.write(ctx, http.MethodPost, "/api/v1/statuses", in, key)
		if err != nil {
			return channels.Receipt{}, err
		}
		verdict, _ := channels.VerdictOf(c.call.Verdict(answer, time.Now()))
		switch refused := verdict == channels.VerdictPermanent; {
		case refused && in.InReplyToID != "" && noSuchThread(answer):
			in.InReplyToID = ""
			key += "-alone"
		case refused && len(in.MediaIDs) > 0:
			in.MediaIDs, note = nil, "posted without the picture: the server refused the post with it"
			key += "-words"
		default:
			receipt, err := c.taken(answer)
			if err == nil {
				receipt.Note = note
			}
			return receipt, err
		}
	}
}

// noSuchThread reports whether the post to be answered is not there: Mastodon
// says 404, GoToSocial 400 with words about the reply.
func noSuchThread(a *channels.Answer) bool {
	return a.Status == http.StatusNotFound || a.JSON && bytes.Contains(bytes.ToLower(a.Body), []byte("repl"))
}

// Edit changes a post in place; the server keeps its history, and readers see
// that it was changed. A new picture takes the place of the old one; a message
// without a picture leaves the old one, one whose picture cannot be had takes it
// away, since it may show what is being corrected.
func (c *Channel) Edit(ctx context.Context, id string, m channels.Message) (channels.Receipt, error) {
	in := status{Status: m.Text, Language: alerts.PrimaryLanguage(m.Language)}
	note := ""
	if m.Image == nil {
		// The server takes what is not named for removed.
		var now posted
		err := c.read(ctx, "/api/v1/statuses/"+url.PathEscape(id), &now)
		if errors.Is(err, errNotThere) {
			return channels.Receipt{}, channels.PostGone(err)
		}
		if err != nil {
			return channels.Receipt{}, err
		}
		for _, a := range now.Media {
			in.MediaIDs = append(in.MediaIDs, a.ID)
		}
	} else {
		media, why, err := c.picture(ctx, m)
		if err != nil {
			return channels.Receipt{}, err
		}
		if media != "" {
			in.MediaIDs = []string{media}
		}
		note = why
	}
	answer, err := c.write(ctx, http.MethodPut, "/api/v1/statuses/"+url.PathEscape(id), in, "")
	if err != nil {
		return channels.Receipt{}, err
	}
	if gone(answer) {
		return channels.Receipt{}, channels.PostGone(c.call.Verdict(answer, time.Now()))
	}
	receipt, err := c.taken(answer)
	if err == nil {
		receipt.Note = note
	}
	return receipt, err
}

func gone(a *channels.Answer) bool {
	return a.Status == http.StatusNotFound || a.Status == http.StatusGone
}

// Withdraw deletes a post. One that is gone is no error.
func (c *Channel) Withdraw(ctx context.Context, id string) error {
	answer, err := c.call.Do(ctx, http.MethodDelete, c.config.URL+"/api/v1/statuses/"+url.PathEscape(id), c.header, nil)
	if err != nil {
		return err
	}
	if gone(answer) {
		return nil
	}
	return c.call.Verdict(answer, time.Now())
}

// Rehearse posts to nobody: a private mention that mentions no one is shown to
// its author alone. It is taken away again.
func (c *Channel) Rehearse(ctx context.Context, text string) (string, error) {
	answer, err := c.write(ctx, http.MethodPost, "/api/v1/statuses", status{Status: unmentioned(text), Visibility: "direct"}, "")
	if err != nil {
		return "", err
	}
	receipt, err := c.taken(answer)
	if err != nil {
		return "", err
	}
	end := "it was taken away again at once"
	if err := c.Withdraw(ctx, receipt.ID); err != nil {
		c.log.Warn("a test post could not be taken away", zap.String("channel", c.name), zap.Error(err))
		end = "it could not be taken away again and still stands there"
	}
	return "to the account itself, as a private mention of nobody; " + end, nil
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
