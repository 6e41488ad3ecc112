package facebook

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"martinella/channels"
)

// done is the answer to a change of a post.
type done struct {
	Success bool `json:"success"`
}

// verdict makes an error of an answer that does not say that it worked.
func (d done) verdict() error {
	if d.Success {
		return nil
	}
	return channels.Uncertain(errors.New("facebook answered without saying that it worked"))
}

// Edit changes the words of a post; readers see that it was edited. An app can
// change only what was posted by it
// (developers.facebook.com/docs/pages-api/posts), and the picture stays.
func (c *Channel) Edit(ctx context.Context, id string, m channels.Message) (channels.Receipt, error) {
	var out done
	err := c.graph.write(ctx, "/"+url.PathEscape(id), url.Values{"message": {m.Text}}, &out)
	if err == nil {
		err = out.verdict()
	}
	if r, refused := errors.AsType[*refusal](err); refused && r.gone() {
		if err = c.missing(ctx, id, err); err == nil {
			return channels.Receipt{}, channels.PostGone(r)
		}
	}
	if err != nil {
		return channels.Receipt{}, err
	}
	receipt := posted{ID: id}.receipt()
	if m.Image != nil {
		receipt.Note = "Facebook cannot change the picture of a post: if it has one, that stays as it was"
	}
	return receipt, nil
}

// Withdraw deletes a post. One that is gone is no error.
func (c *Channel) Withdraw(ctx context.Context, id string) error {
	var out done
	err := c.graph.remove(ctx, "/"+url.PathEscape(id), &out)
	if err == nil {
		err = out.verdict()
	}
	if r, refused := errors.AsType[*refusal](err); refused && r.gone() {
		return c.missing(ctx, id, err)
	}
	return err
}

// missing makes sure that a post is gone. Facebook answers in the same words
// when it hides something from us: a post of another app, or everything, where
// the token lost the page. nil: the page is there and the post is not. refused
// is the answer that is in doubt.
func (c *Channel) missing(ctx context.Context, id string, refused error) error {
	var out posted
	err := c.graph.read(ctx, "/"+url.PathEscape(id), url.Values{"fields": {"id"}}, &out)
	if err == nil {
		return channels.Permanent(fmt.Errorf("%w: the post is there and cannot be changed: it was made with another app, or by hand", refused))
	}
	if r, known := errors.AsType[*refusal](err); !known || !r.gone() {
		return err
	}
	err = c.graph.read(ctx, "/"+c.config.Page, url.Values{"fields": {"id"}}, &out)
	if r, known := errors.AsType[*refusal](err); known && r.gone() {
		return channels.Unauthorized(fmt.Errorf("%w: neither the post nor the page is shown to us", refused))
	}
	return err
}
