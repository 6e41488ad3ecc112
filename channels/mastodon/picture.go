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
	"time"

	"martinella/channels"
	"martinella/channels/social"
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

// picture uploads the picture of m and gives its id, once it can be attached.
// "" with a note: the post goes without. An error: nothing was posted, and the
// whole may be tried again; it is never uncertain.
func (c *Channel) picture(ctx context.Context, m channels.Message) (id, note string, err error) {
	if m.Image == nil || len(m.Image.Bytes) == 0 {
		return "", "", nil
	}
	limited, cancel := context.WithTimeout(ctx, social.UploadTime)
	defer cancel()
	a, err := c.upload(limited, m.Image)
	if err == nil && a.URL == nil {
		err = c.ready(limited, a.ID)
	}
	if err == nil {
		c.uploads.Worked(m)
		return a.ID, "", nil
	}
	if ctx.Err() == nil && (errors.Is(err, errUnfinished) || c.uploads.GivesUp(m, err)) {
		return "", "posted without the picture: " + err.Error(), nil
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
