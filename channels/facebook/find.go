package facebook

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"martinella/channels"
)

// posted is a post as the platform gives it.
type posted struct {
	ID           string `json:"id"`
	Message      string `json:"message"`
	CreatedTime  string `json:"created_time"` // 2026-11-21T10:00:01+0000
	PermalinkURL string `json:"permalink_url"`
}

// created is when it was posted; zero where that cannot be read.
func (p posted) created() time.Time {
	at, err := time.Parse("2006-01-02T15:04:05-0700", p.CreatedTime)
	if err != nil {
		at, _ = time.Parse(time.RFC3339, p.CreatedTime)
	}
	return at
}

func (p posted) address() string {
	if strings.HasPrefix(p.PermalinkURL, "https://") {
		return p.PermalinkURL
	}
	return "https://www.facebook.com/" + url.PathEscape(p.ID)
}

func (p posted) receipt() channels.Receipt { return channels.Receipt{ID: p.ID, URL: p.address()} }

const (
	// clockSkew is how far the platform's clock may lag behind ours.
	clockSkew = 5 * time.Minute

	// findPosts is how many of the page's latest posts are looked at.
	findPosts = "50"
)

// Find looks for m among the page's latest posts: the same text, or the same
// letters and figures, and not older than the alert's publication. All revisions
// of an event have the same link and nearly the same words, so nothing less
// proves anything: one word is the difference between grave and extreme. No
// earlier post of the event is ever m. What visitors write
// at the page is not looked at: anybody can copy an alert.
func (c *Channel) Find(ctx context.Context, m channels.Message) (channels.Receipt, bool, error) {
	r, _, found, err := c.search(ctx, m)
	return r, found, err
}

// search gives the post that m is, and the earlier one of the event that has the
// same words.
func (c *Channel) search(ctx context.Context, m channels.Message) (r, before channels.Receipt, found bool, err error) {
	var list struct {
		Data []posted `json:"data"`
	}
	fields := url.Values{"fields": {"id,message,created_time,permalink_url"}, "limit": {findPosts}}
	if err := c.graph.read(ctx, "/"+c.config.Page+"/published_posts", fields, &list); err != nil {
		return r, before, false, err
	}
	want := strings.Fields(m.Text)
	var near *posted
	for i, p := range list.Data {
		at := p.created()
		if p.ID != "" && (p.ID == m.Previous || slices.Contains(m.Standing, p.ID)) {
			if slices.Equal(strings.Fields(p.Message), want) {
				before = p.receipt()
			}
			continue
		}
		if p.ID == "" || !m.Sent.IsZero() && !at.IsZero() && at.Before(m.Sent.Add(-clockSkew)) {
			continue
		}
		have := strings.Fields(p.Message)
		if slices.Equal(have, want) {
			return p.receipt(), before, true, nil
		}
		if near == nil && !m.Sent.IsZero() && !at.IsZero() && bare(p.Message) == bare(m.Text) {
			near = &list.Data[i]
		}
	}
	if near != nil {
		return near.receipt(), before, true, nil
	}
	return r, before, false, nil
}

// bare is a text of which only letters and figures are left.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}
