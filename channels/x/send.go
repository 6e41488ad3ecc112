package x

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"martinella/channels"
)

// post is a post as we write it: docs.x.com/x-api/posts/create-post.
type post struct {
	Text  string     `json:"text"`
	Reply *replyTo   `json:"reply,omitempty"`
	Media *mediaList `json:"media,omitempty"`
}

type replyTo struct {
	ID string `json:"in_reply_to_tweet_id"`
}

type mediaList struct {
	IDs []string `json:"media_ids"`
}

// postID is the form of an id; what has another cannot be answered or deleted.
var postID = regexp.MustCompile(`^[0-9]{1,19}$`)

// postURL leads to a post whatever the account is called.
func postURL(id string) string { return "https://x.com/i/web/status/" + id }

func receipt(id string, notes []string) channels.Receipt {
	return channels.Receipt{ID: id, URL: postURL(id), Note: strings.Join(notes, "; ")}
}

// Send posts m, in the thread of m.Previous where there is one, with its
// picture where X takes it. A picture, or a thread, that X refuses never costs
// the alert: it goes out without, and the receipt says so. Words that X has
// already are looked for.
func (c *Channel) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	in := post{Text: m.Text}
	var notes []string
	if postID.MatchString(m.Previous) {
		in.Reply = &replyTo{m.Previous}
	}
	if m.Image != nil && len(m.Image.Bytes) > 0 {
		id, err := c.picture(ctx, m.Image)
		if ctx.Err() != nil {
			return channels.Receipt{}, fmt.Errorf("x: there was no time left for the post: %w", ctx.Err())
		}
		if err != nil {
			notes = append(notes, withoutPicture(err))
		} else {
			in.Media = &mediaList{[]string{id}}
		}
	}
	for {
		body, err := json.Marshal(in)
		if err != nil {
			return channels.Receipt{}, channels.Permanent(fmt.Errorf("x: the post cannot be written as JSON: %w", err))
		}
		got, err := c.api.do(ctx, request{http.MethodPost, "/2/tweets", "application/json", body})
		if err != nil {
			return channels.Receipt{}, err
		}
		refused := got.verdict(time.Now())
		switch {
		case refused == nil:
			return taken(got, notes)
		case got.duplicate():
			return c.alreadyThere(ctx, m, refused)
		case in.Reply != nil && got.orphaned():
			in.Reply = nil
			notes = append(notes, "posted on its own: the earlier post is gone or takes no answers")
		case in.Media != nil && got.blind():
			in.Media = nil
			notes = append(notes, withoutPicture(refused))
		default:
			return channels.Receipt{}, refused
		}
	}
}

func withoutPicture(err error) string { return "posted without the picture: " + err.Error() }

// taken reads the answer to a post.
func taken(a answer, notes []string) (channels.Receipt, error) {
	var in struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := a.Decode(platform, &in); err != nil {
		return channels.Receipt{}, err
	}
	if in.Data.ID == "" {
		return channels.Receipt{}, channels.Uncertain(errors.New("x took the post and gave no id"))
	}
	return receipt(in.Data.ID, notes), nil
}

// alreadyThere finds out which post has the words that X refuses to post twice:
// this message, whose answer was lost; the last word of the thread, which then
// stays it (an update that changed another language); or an earlier one, which
// something else has been said after.
func (c *Channel) alreadyThere(ctx context.Context, m channels.Message, refused error) (channels.Receipt, error) {
	seen, err := c.search(ctx, m)
	switch {
	case err != nil:
		return channels.Receipt{}, channels.Uncertain(fmt.Errorf("%w; and its posts cannot be looked through: %s", refused, err.Error()))
	case seen.found != "":
		return receipt(seen.found, []string{"X had it already"}), nil
	case seen.before:
		return receipt(m.Previous, []string{"nothing new to post: the post before says the same"}), nil
	case seen.older != "":
		return channels.Receipt{}, channels.Permanent(fmt.Errorf("%w: the post %s has the same words, and X takes them once only", refused, postURL(seen.older)))
	}
	return channels.Receipt{}, channels.Uncertain(fmt.Errorf("%w: and the post with these words is not to be found", refused))
}

// Withdraw deletes a post. One that is gone is no error.
func (c *Channel) Withdraw(ctx context.Context, id string) error {
	if !postID.MatchString(id) {
		return nil // X never gave it: there is no such post
	}
	got, err := c.api.do(ctx, request{method: http.MethodDelete, path: "/2/tweets/" + id})
	if err != nil {
		return err
	}
	if got.gone() {
		return nil
	}
	if err := got.verdict(time.Now()); err != nil {
		return err
	}
	if got.Status == http.StatusNoContent {
		return nil
	}
	var in struct {
		Data struct {
			Deleted bool `json:"deleted"`
		} `json:"data"`
	}
	if err := got.Decode(platform, &in); err != nil {
		return err
	}
	if !in.Data.Deleted {
		return errors.New("x did not delete the post")
	}
	return nil
}
