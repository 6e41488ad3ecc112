package mastodon

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"martinella/channels"
)

// account is whom the token belongs to.
type account struct {
	ID     string `json:"id"`
	Locked bool   `json:"locked"`
}

// instance is what a server says of itself: /api/v1/instance, which GoToSocial
// has too.
type instance struct {
	MaxTootChars  int `json:"max_toot_chars"` // older servers and GoToSocial
	Configuration struct {
		Statuses struct {
			MaxCharacters      int `json:"max_characters"`
			CharactersReserved int `json:"characters_reserved_per_url"`
		} `json:"statuses"`
	} `json:"configuration"`
}

// Check proves the token and compares the configured length with the server's.
// It posts nothing.
func (c *Channel) Check(ctx context.Context) error {
	if _, err := c.account(ctx); err != nil {
		return err
	}
	var in instance
	if err := c.read(ctx, "/api/v1/instance", &in); err != nil {
		return err
	}
	most := max(in.Configuration.Statuses.MaxCharacters, in.MaxTootChars)
	if most > 0 && most < c.config.MaxChars {
		return channels.Permanent(fmt.Errorf("mastodon %s: the server takes posts of %d characters, max_chars is %d: set it to %d", c.name, most, c.config.MaxChars, most))
	}
	if each := in.Configuration.Statuses.CharactersReserved; each > c.config.LinkChars {
		return channels.Permanent(fmt.Errorf("mastodon %s: a link counts %d characters, link_chars is %d: set it to %d", c.name, each, c.config.LinkChars, each))
	}
	return nil
}

// clockSkew is how far the server's clock may lag behind ours.
const clockSkew = time.Minute

// Find looks for m among the account's latest posts: the same text, or one that
// begins alike and has the alert's link, and not older than the alert's
// publication. All revisions of an event have the same link, so the link alone
// proves nothing, and the post that m hangs on is never m.
func (c *Channel) Find(ctx context.Context, m channels.Message) (channels.Receipt, bool, error) {
	who, err := c.account(ctx)
	if err != nil {
		return channels.Receipt{}, false, err
	}
	var posts []posted
	if err := c.read(ctx, "/api/v1/accounts/"+url.PathEscape(who.ID)+"/statuses?limit=40&exclude_reblogs=true", &posts); err != nil {
		return channels.Receipt{}, false, err
	}
	want := packed(m.Text)
	first, _, _ := strings.Cut(m.Text, "\n")
	var near *posted
	for i, p := range posts {
		if p.ID == "" || p.ID == m.Previous || !m.Sent.IsZero() && !p.CreatedAt.IsZero() && p.CreatedAt.Before(m.Sent.Add(-clockSkew)) {
			continue
		}
		have := packed(plain(p.Content))
		if have == want {
			return p.receipt(), true, nil
		}
		if near == nil && m.URL != "" && strings.Contains(have, packed(m.URL)) && strings.HasPrefix(have, packed(first)) && len(have) > len(want)/2 {
			near = &posts[i]
		}
	}
	if near != nil && !m.Sent.IsZero() {
		return near.receipt(), true, nil
	}
	return channels.Receipt{}, false, nil
}

func (c *Channel) account(ctx context.Context) (account, error) {
	var who account
	err := c.read(ctx, "/api/v1/accounts/verify_credentials", &who)
	if err == nil && who.ID == "" {
		err = errors.New("mastodon names no account for the token")
	}
	return who, err
}

// read gets JSON. A read changes nothing, so its errors are never uncertain.
func (c *Channel) read(ctx context.Context, path string, into any) error {
	answer, err := c.call.Do(ctx, http.MethodGet, c.config.URL+path, c.header, nil)
	if err != nil {
		return err
	}
	err = c.call.Verdict(answer, time.Now())
	if err == nil {
		err = answer.Decode(platform, into)
	}
	if v, _ := channels.VerdictOf(err); v == channels.VerdictUncertain {
		return errors.New(err.Error())
	}
	return err
}

var (
	lineBreak = regexp.MustCompile(`(?i)<br\s*/?>|</p>`)
	tag       = regexp.MustCompile(`<[^>]*>`)
)

// plain gives the text of a post's HTML. The server wraps the parts of a link
// in elements that hide some of them; without the elements it is whole.
func plain(content string) string {
	return html.UnescapeString(tag.ReplaceAllString(lineBreak.ReplaceAllString(content, "\n"), ""))
}

// packed is a text without its space, which servers change.
func packed(text string) string { return strings.Join(strings.Fields(text), "") }
