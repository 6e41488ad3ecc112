package x

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"martinella/channels"
)

// account is whom the token belongs to: docs.x.com/x-api/users/get-my-user.
type account struct {
	ID           string `json:"id"`
	Username     string `json:"username"`
	Subscription string `json:"subscription_type"` // None, Basic, Premium, PremiumPlus
}

// whoAmI asks X for the account. The error is [channels.Unauthorized] where it
// may only read: X says so of OAuth 1.0a in a header.
func (a *api) whoAmI(ctx context.Context) (account, error) {
	var in struct {
		Data account `json:"data"`
	}
	got, err := a.get(ctx, "/2/users/me?user.fields=subscription_type", &in)
	switch {
	case err != nil:
		return account{}, err
	case !postID.MatchString(in.Data.ID):
		return account{}, errors.New("x names no account for the token")
	case got.Header.Get("X-Access-Level") == "read":
		return in.Data, channels.Unauthorized(errors.New("x: the access token may only read: allow the application to read and write at console.x.com, then make the access token and its secret anew: the old ones keep what they had"))
	}
	return in.Data, nil
}

// Check proves the credential and compares the configured length with what the
// account may post. It posts nothing. X tells of no token when it ends.
func (c *Channel) Check(ctx context.Context) error {
	who, err := c.api.whoAmI(ctx)
	if err != nil {
		return err
	}
	c.remember(who.ID)
	if c.config.MaxWeighted > usualWeight && who.Subscription == "None" {
		return channels.Permanent(fmt.Errorf("x %s: max_weighted is %d, and the account has no X Premium: set it to %d", c.name, c.config.MaxWeighted, usualWeight))
	}
	return c.api.as.trouble()
}

func (c *Channel) remember(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.me = id
}

// self is the account's id, which X is asked for once.
func (c *Channel) self(ctx context.Context) (string, error) {
	c.mu.Lock()
	id := c.me
	c.mu.Unlock()
	if id != "" {
		return id, nil
	}
	who, err := c.api.whoAmI(ctx)
	if who.ID == "" {
		return "", err
	}
	c.remember(who.ID)
	return who.ID, nil
}

// posted is a post as X gives it.
type posted struct {
	ID       string    `json:"id"`
	Text     string    `json:"text"` // with &amp; and its like, and every link as https://t.co/...
	Created  time.Time `json:"created_at"`
	Entities entities  `json:"entities"`
	Long     *struct { // a post of more than 280, whole
		Text     string   `json:"text"`
		Entities entities `json:"entities"`
	} `json:"note_tweet"`
}

type entities struct {
	URLs []struct {
		URL      string `json:"url"`
		Expanded string `json:"expanded_url"`
		MediaKey string `json:"media_key"` // of the link that a picture gets
	} `json:"urls"`
}

// page is one page of the account's posts, the newest first.
type page struct {
	Data []posted `json:"data"`
	Meta *struct {
		Next string `json:"next_token"`
	} `json:"meta"`
}

const (
	// clockSkew is how far X's clock may lag behind ours.
	clockSkew = 5 * time.Minute

	// Every post that is read is paid for, so pages are small; and no account
	// has more posts since an alert than this many pages hold.
	pageSize = 25
	mostPage = 8
)

// sighting is what the account's posts show of a message.
type sighting struct {
	found  string // the id of the post that is the message
	before bool   // the post that the message hangs on has the same words
	older  string // the id of another one, from before, with the same words
}

// Find looks for m among the account's latest posts: the same words, and not
// older than the alert's publication. All revisions of an event have the same
// link, so the link alone proves nothing; the posts that m hangs on, or takes
// the place of, are never m.
func (c *Channel) Find(ctx context.Context, m channels.Message) (channels.Receipt, bool, error) {
	seen, err := c.search(ctx, m)
	if err != nil || seen.found == "" {
		return channels.Receipt{}, false, err
	}
	return receipt(seen.found, nil), true, nil
}

func (c *Channel) search(ctx context.Context, m channels.Message) (sighting, error) {
	me, err := c.self(ctx)
	if err != nil {
		return sighting{}, err
	}
	var seen sighting
	want := words(m.Text)
	query := url.Values{"max_results": {strconv.Itoa(pageSize)}, "exclude": {"retweets"}, "tweet.fields": {"created_at,entities,note_tweet"}}
	for range mostPage {
		var in page
		if _, err := c.api.get(ctx, "/2/users/"+me+"/tweets?"+query.Encode(), &in); err != nil {
			return sighting{}, err
		}
		if in.Meta == nil {
			return sighting{}, errors.New("x gave no list of posts")
		}
		past := false
		for _, p := range in.Data {
			old := !m.Sent.IsZero() && !p.Created.IsZero() && p.Created.Before(m.Sent.Add(-clockSkew))
			past = past || old
			switch same := words(p.whole()) == want; {
			case !same || p.ID == "":
			case p.ID == m.Previous:
				seen.before = true
			case old || slices.Contains(m.Standing, p.ID):
				seen.older = p.ID
			default:
				seen.found = p.ID
				return seen, nil
			}
		}
		if past || in.Meta.Next == "" {
			return seen, nil
		}
		query.Set("pagination_token", in.Meta.Next)
	}
	return sighting{}, fmt.Errorf("x: the account has more than %d posts since the alert: it cannot be told whether one is this", mostPage*pageSize)
}

var shortLink = regexp.MustCompile(`https?://t\.co/[A-Za-z0-9]+`)

// whole is the text as it was written: with the links that X has shortened, and
// without the one that it adds for a picture.
func (p posted) whole() string {
	text, of := p.Text, p.Entities
	if p.Long != nil {
		text, of = p.Long.Text, p.Long.Entities
	}
	text = shortLink.ReplaceAllStringFunc(text, func(short string) string {
		for _, u := range slices.Concat(of.URLs, p.Entities.URLs) {
			switch {
			case u.URL != short:
			case u.MediaKey != "" || strings.Contains(u.Expanded, "/photo/"):
				return ""
			default:
				return u.Expanded
			}
		}
		return short
	})
	return html.UnescapeString(text)
}

var scheme = regexp.MustCompile(`https?://`)

// words is a text reduced to what X leaves as it is: letters and digits. X
// composes accents, changes space, and gives a bare domain a scheme.
func words(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			return r
		}
		return -1
	}, norm.NFC.String(scheme.ReplaceAllString(text, "")))
}
