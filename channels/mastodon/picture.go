package mastodon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"sync"
	"time"

	"martinella/channels"
)

// attachment is a picture on the server.
type attachment struct {
	ID  string  `json:"id"`
	URL *string `json:"url"` // null while the server still works on it
}

// altMost is how long a description may be (Mastodon's
// MediaAttachment::MAX_DESCRIPTION_LENGTH; GoToSocial's default is the same).
const altMost = 1500

// The waits for a picture that the server still works on: images usually are
// ready with the first answer (since Mastodon 4.0).
var pictureWaits = []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second}

// longestWait is how long the words wait for a limit that concerns the picture
// alone.
const longestWait = 10 * time.Second

// picture uploads the picture of m and gives its id, once it can be attached.
// "" with a note: the post goes without. An error: nothing was posted, and the
// whole may be tried again; it is never uncertain.
func (c *Channel) picture(ctx context.Context, m channels.Message) (id, note string, err error) {
	if m.Image == nil || len(m.Image.Bytes) == 0 {
		return "", "", nil
	}
	a, err := c.upload(ctx, m.Image)
	if err == nil && a.URL == nil {
		err = c.ready(ctx, a.ID)
	}
	key := idempotencyKey(m)
	if err == nil {
		c.missed.forget(key)
		return a.ID, "", nil
	}
	verdict, wait := channels.VerdictOf(err)
	switch {
	case errors.Is(err, errUnfinished), verdict == channels.VerdictPermanent, verdict == channels.VerdictRetry && wait > longestWait:
		return "", "posted without the picture: " + err.Error(), nil
	case verdict == channels.VerdictUnauthorized, ctx.Err() != nil:
		return "", "", err
	case c.missed.another(key) >= mostMisses:
		return "", "posted without the picture, which the server would not take: " + err.Error(), nil
	}
	return "", "", err
}

// upload sends the picture (POST /api/v2/media).
func (c *Channel) upload(ctx context.Context, image *channels.Image) (attachment, error) {
	body, contentType, err := form(image)
	if err != nil {
		return attachment{}, channels.Permanent(fmt.Errorf("mastodon: the picture cannot be written: %w", err))
	}
	header := c.header.Clone()
	header.Set("Content-Type", contentType)
	answer, err := c.call.Do(ctx, http.MethodPost, c.config.URL+"/api/v2/media", header, body)
	if err != nil {
		return attachment{}, certain(err)
	}
	if err := c.call.Verdict(answer, time.Now()); err != nil {
		// 403: the token was made before there were pictures, without
		// write:media. 500 is documented of pictures that cannot be worked on.
		if answer.Status == http.StatusForbidden || answer.Status == http.StatusInternalServerError && answer.JSON {
			return attachment{}, channels.Permanent(errors.New(err.Error()))
		}
		return attachment{}, certain(err)
	}
	var a attachment
	if err := answer.Decode(platform, &a); err != nil {
		return attachment{}, certain(err)
	}
	if a.ID == "" {
		return attachment{}, errors.New("mastodon took the picture and gave no id")
	}
	return a, nil
}

// form is the body of an upload. The focus is the middle: the card is cropped
// evenly in previews.
func form(image *channels.Image) (body []byte, contentType string, err error) {
	alt, err := channels.Fit([]channels.Piece{{Kind: channels.PieceAction, Text: image.Alt}}, altMost, channels.UnitChars.Count)
	if err != nil {
		alt = ""
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="alert.png"`}, "Content-Type": {image.Type}})
	if err == nil {
		_, err = part.Write(image.Bytes)
	}
	err = errors.Join(err, w.WriteField("description", alt), w.WriteField("focus", "0.0,0.0"), w.Close())
	return b.Bytes(), w.FormDataContentType(), err
}

// errUnfinished says that the server still works on a picture.
var errUnfinished = errors.New("mastodon still works on the picture")

// ready waits until a picture can be attached: 206 means that the server still
// works on it.
func (c *Channel) ready(ctx context.Context, id string) error {
	for _, wait := range c.waits {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		answer, err := c.call.Do(ctx, http.MethodGet, c.config.URL+"/api/v1/media/"+url.PathEscape(id), c.header, nil)
		if err != nil {
			return err
		}
		if answer.Status == http.StatusPartialContent {
			continue
		}
		return certain(c.call.Verdict(answer, time.Now()))
	}
	return errUnfinished
}

// certain turns an uncertain error into a plain one: before the post nothing is
// there that could be doubled.
func certain(err error) error {
	if v, _ := channels.VerdictOf(err); v != channels.VerdictUncertain {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("mastodon: the call broke: %w", context.DeadlineExceeded)
	}
	return errors.New(err.Error())
}

// mostMisses is how many failed uploads a post waits for: a server whose store
// of pictures is down still takes words.
const mostMisses = 3

// misses counts the failed uploads of each post.
type misses struct {
	mu    sync.Mutex
	count map[string]int
}

func (m *misses) another(key string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.count == nil || len(m.count) > 1000 {
		m.count = map[string]int{}
	}
	m.count[key]++
	return m.count[key]
}

func (m *misses) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.count, key)
}
