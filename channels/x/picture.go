package x

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"time"

	"martinella/channels"
)

const (
	// pictureLimit is that of a tweet_image: docs.x.com/x-api/media/upload-media.
	pictureLimit = 5 << 20
	// altLimit is in characters: docs.x.com/x-api/media/create-media-metadata.
	altLimit = 1000

	// What a picture may take of the time of a Send, so that the words still go.
	uploadTimeout   = 8 * time.Second
	describeTimeout = 4 * time.Second
)

// picture uploads a picture with its description and gives its id. Nothing is
// to be seen of it until a post has it. A picture that cannot be described is
// not shown: who does not see it would not know what is there.
func (c *Channel) picture(ctx context.Context, img *channels.Image) (string, error) {
	if len(img.Bytes) > pictureLimit {
		return "", fmt.Errorf("x takes pictures of %d bytes at most, and it has %d", pictureLimit, len(img.Bytes))
	}
	contentType, body, err := form(img)
	if err != nil {
		return "", err
	}
	var in struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := c.prepare(ctx, uploadTimeout, request{http.MethodPost, "/2/media/upload", contentType, body}, &in); err != nil {
		return "", err
	}
	if in.Data.ID == "" {
		return "", errors.New("x took the picture and gave no id")
	}
	if img.Alt == "" {
		return in.Data.ID, nil
	}
	alt, err := channels.Fit([]channels.Piece{{Kind: channels.PieceAction, Text: img.Alt}}, altLimit, channels.UnitChars.Count)
	if err != nil {
		return "", err
	}
	described := map[string]any{"id": in.Data.ID, "metadata": map[string]any{"alt_text": map[string]string{"text": alt}}}
	if body, err = json.Marshal(described); err != nil {
		return "", err
	}
	return in.Data.ID, c.prepare(ctx, describeTimeout, request{http.MethodPost, "/2/media/metadata", "application/json", body}, nil)
}

// prepare makes a call that posts nothing. into is nil where the status says
// all.
func (c *Channel) prepare(ctx context.Context, timeout time.Duration, r request, into any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	got, err := c.api.do(ctx, r)
	if err == nil {
		err = got.verdict(time.Now())
	}
	if err == nil && into != nil {
		err = got.Decode(platform, into)
	}
	return err
}

// form is the picture as multipart/form-data (RFC 7578). OAuth 1.0a does not
// sign such a body.
func form(img *channels.Image) (contentType string, body []byte, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	err = errors.Join(w.WriteField("media_category", "tweet_image"), w.WriteField("media_type", img.Type))
	part, perr := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="media"; filename="card"`},
		"Content-Type":        {img.Type},
	})
	if err = errors.Join(err, perr); err != nil {
		return "", nil, err
	}
	if _, err = part.Write(img.Bytes); err != nil {
		return "", nil, err
	}
	err = w.Close() // writes the end of the form
	return w.FormDataContentType(), b.Bytes(), err
}
