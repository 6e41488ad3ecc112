package bluesky

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"martinella/channels"
)

// maxPicture is how large a picture of a post may be. The lexicon
// app.bsky.embed.images says 2,000,000 bytes since 2026 and said 1,000,000
// before, which older servers still hold to.
const maxPicture = 1_000_000

// images is the picture of a post (lexicon app.bsky.embed.images).
type images struct {
	Type   string    `json:"$type"`
	Images []picture `json:"images"`
}

type picture struct {
	Alt         string          `json:"alt"`
	Image       json.RawMessage `json:"image"` // the blob, as the server named it
	AspectRatio *ratio          `json:"aspectRatio,omitempty"`
}

type ratio struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// external is the card of a page (lexicon app.bsky.embed.external).
type external struct {
	Type     string `json:"$type"`
	External card   `json:"external"`
}

type card struct {
	URI         string `json:"uri"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// embed gives what goes with the words: the picture, or where there is none,
// or the server will never take it, the card of the alert's page. The error is
// a reason to try again: nothing was posted.
func (c *Channel) embed(ctx context.Context, m channels.Message) (embed any, note string, err error) {
	if m.Image != nil && len(m.Image.Bytes) > 0 {
		blob, err := c.upload(ctx, m.Image)
		if err == nil {
			c.uploads.Worked(m)
			one := picture{Alt: m.Image.Alt, Image: blob}
			if m.Image.Width > 0 && m.Image.Height > 0 {
				one.AspectRatio = &ratio{m.Image.Width, m.Image.Height}
			}
			return images{"app.bsky.embed.images", []picture{one}}, "", nil
		}
		if ctx.Err() != nil || !c.uploads.GivesUp(m, err) {
			return nil, "", err
		}
		note = "without the picture: " + err.Error()
	}
	if m.URL == "" {
		return nil, note, nil
	}
	return external{"app.bsky.embed.external", card{URI: m.URL, Title: m.Title, Description: c.posts.Settings.Authority}}, note, nil
}

// upload gives the server the picture. The server throws away what no post
// names, so it may be repeated; the same bytes are the same blob.
func (c *Channel) upload(ctx context.Context, in *channels.Image) (json.RawMessage, error) {
	if len(in.Bytes) > maxPicture {
		return nil, channels.Permanent(fmt.Errorf("bluesky: the picture has %d bytes, more than %d", len(in.Bytes), maxPicture))
	}
	ctx, cancel := context.WithTimeout(ctx, c.uploadTime)
	defer cancel()
	res, err := c.session.signed(ctx, request{method: "com.atproto.repo.uploadBlob", media: in.Type, body: in.Bytes})
	if err == nil {
		err = res.verdict()
	}
	var got struct {
		Blob json.RawMessage `json:"blob"`
	}
	if err == nil {
		err = res.Decode(platform, &got)
	}
	if err == nil && (len(got.Blob) == 0 || got.Blob[0] != '{') {
		err = errors.New("bluesky took the picture and gave no blob")
	}
	return got.Blob, harmless(err)
}
