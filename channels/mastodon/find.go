package mastodon

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"martinella/channels"
)

// clockSkew is how far the server's clock may lag behind ours.
const clockSkew = 5 * time.Minute

// How far back Find looks: pages of the largest size that Mastodon gives. An
// account of an authority has far fewer posts since an alert was published.
const (
	pageSize  = 40
	mostPages = 5
)

// Find looks for m among the account's posts since the alert's publication: the
// same text, or the same letters and figures, where the server changed signs. A
// post that somebody edited meanwhile is known by what it read before. All
// revisions of an event have the same link and nearly the same words, so nothing
// less proves anything: one word is the difference between grave and extreme.
// The posts that are known of the event are never m.
func (c *Channel) Find(ctx context.Context, m channels.Message) (channels.Receipt, bool, error) {
	who, err := c.account(ctx)
	if err != nil {
		return channels.Receipt{}, false, err
	}
	var near *posted
	before, ended := "", false
	for range mostPages {
		var page []posted
		query := url.Values{"limit": {"40"}, "exclude_reblogs": {"true"}}
		if before != "" {
			query.Set("max_id", before)
		}
		if err := c.read(ctx, "/api/v1/accounts/"+url.PathEscape(who.ID)+"/statuses?"+query.Encode(), &page); err != nil {
			return channels.Receipt{}, false, err
		}
		older := false
		for i, p := range page {
			if !m.Sent.IsZero() && !p.CreatedAt.IsZero() && p.CreatedAt.Before(m.Sent.Add(-clockSkew)) {
				older = true
				continue
			}
			if p.ID == "" || p.ID == m.Previous || slices.Contains(m.Standing, p.ID) {
				continue
			}
			same, alike, err := c.is(ctx, p, m)
			if err != nil {
				return channels.Receipt{}, false, err
			}
			if same {
				return p.receipt(), true, nil
			}
			if alike && near == nil {
				near = &page[i]
			}
		}
		if ended = older || m.Sent.IsZero() || len(page) < pageSize; ended {
			break
		}
		before = page[len(page)-1].ID
	}
	if near != nil && !m.Sent.IsZero() {
		return near.receipt(), true, nil
	}
	if !ended {
		return channels.Receipt{}, false, fmt.Errorf("mastodon: the account has more than %d posts since the alert: it cannot be told whether one is this", mostPages*pageSize)
	}
	return channels.Receipt{}, false, nil
}

// is compares a post, and where it was edited what it read before, with m.
func (c *Channel) is(ctx context.Context, p posted, m channels.Message) (same, alike bool, err error) {
	versions := []posted{p}
	if p.EditedAt != nil {
		var history []posted
		if err := c.read(ctx, "/api/v1/statuses/"+url.PathEscape(p.ID)+"/history", &history); err != nil && !errors.Is(err, errNotThere) {
			return false, false, err
		}
		versions = append(versions, history...)
	}
	for _, v := range versions {
		have := plain(v.Content)
		if packed(have) == packed(m.Text) {
			return true, false, nil
		}
		alike = alike || bare(have) == bare(m.Text)
	}
	return false, alike, nil
}

var (
	lineBreak = regexp.MustCompile(`(?i)<br\s*/?>|</p>`)
	tag       = regexp.MustCompile(`<[^>]*>`)
	mention   = regexp.MustCompile(`(^|[^=/\pL\pN_])@([\pL\pN_])`)
)

// plain gives the text of a post's HTML. The server wraps the parts of a link
// in elements that hide some of them; without the elements it is whole.
func plain(content string) string {
	return html.UnescapeString(tag.ReplaceAllString(lineBreak.ReplaceAllString(content, "\n"), ""))
}

// packed is a text without its space, which servers change.
func packed(text string) string { return strings.Join(strings.Fields(text), "") }

// bare is a text of which only letters and figures are left.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// unmentioned is a text that mentions nobody.
func unmentioned(text string) string { return mention.ReplaceAllString(text, "$1@ $2") }
