package facebook

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"martinella/channels"
)

// profile is whom a token belongs to.
type profile struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// needed are the permissions of a page's token: to post, and to see and change
// what was posted (developers.facebook.com/docs/pages-api/posts).
var needed = []string{"pages_manage_posts", "pages_read_engagement"}

// endsSoon is when the check begins to complain.
const endsSoon = 14 * 24 * time.Hour

// inspection is what the platform tells of a token
// (developers.facebook.com/docs/graph-api/reference/debug_token).
type inspection struct {
	AppID          string   `json:"app_id"`
	Type           string   `json:"type"` // USER, PAGE
	Valid          bool     `json:"is_valid"`
	Expires        int64    `json:"expires_at"`             // Unix seconds; 0: never
	DataAccessEnds int64    `json:"data_access_expires_at"` // likewise
	ProfileID      string   `json:"profile_id"`             // of a page's token
	Scopes         []string `json:"scopes"`
	GranularScopes []grant  `json:"granular_scopes"`
	Trouble        *struct {
		Subcode int `json:"subcode"`
	} `json:"error"`
}

// grant is a permission; without targets it holds for every page of the person.
type grant struct {
	Scope   string   `json:"scope"`
	Targets []string `json:"target_ids"`
}

// inspect asks what the platform knows of a token. Only an app, and a person
// who works on it, may ask.
func (g *graph) inspect(ctx context.Context, token string) (inspection, error) {
	var out struct {
		Data *inspection `json:"data"`
	}
	if err := g.read(ctx, "/debug_token", url.Values{"input_token": {token}}, &out); err != nil {
		return inspection{}, err
	}
	if out.Data == nil {
		return inspection{}, errors.New("facebook tells nothing of the token")
	}
	return *out.Data, nil
}

// lacks lists the permissions that a token does not have for a page; none where
// the platform lists no permissions at all.
func (i inspection) lacks(page string) []string {
	var out []string
	for _, scope := range needed {
		if len(i.Scopes) > 0 && !slices.Contains(i.Scopes, scope) || !i.covers(scope, page) {
			out = append(out, scope)
		}
	}
	return out
}

func (i inspection) covers(scope, page string) bool {
	for _, g := range i.GranularScopes {
		if g.Scope == scope && len(g.Targets) > 0 && !slices.Contains(g.Targets, page) {
			return false
		}
	}
	return true
}

// ends is when the token stops to work, zero for never, and what ends then.
func (i inspection) ends() (time.Time, string) {
	token, data := i.Expires, i.DataAccessEnds
	switch {
	case token > 0 && (data <= 0 || token <= data):
		return time.Unix(token, 0), "the token"
	case data > 0:
		return time.Unix(data, 0), "the app's access to the data of the person who connected the page"
	}
	return time.Time{}, ""
}

// Check proves that the token is the page's, and, where Facebook tells us, that
// it has the permissions and does not end within 14 days; that last complaint
// is [channels.Permanent], since posting still works. It posts nothing.
func (c *Channel) Check(ctx context.Context) error {
	var who profile
	if err := c.graph.read(ctx, "/me", url.Values{"fields": {"id,name"}}, &who); err != nil {
		return err
	}
	if who.ID != c.config.Page {
		return channels.Unauthorized(fmt.Errorf("facebook %s: token_file holds the token of %q (%s), which is not the page %s", c.name, short(who.Name), short(who.ID), c.config.Page))
	}
	seen, err := c.inspector.inspect(ctx, c.graph.token)
	if err != nil {
		return c.notInspected(err)
	}
	c.end.Store(0)
	if at, _ := seen.ends(); !at.IsZero() {
		c.end.Store(at.Unix())
	}
	return c.judgeToken(seen, time.Now())
}

// Ends implements [channels.Ender].
func (c *Channel) Ends() (time.Time, bool) {
	at := c.end.Load()
	return time.Unix(at, 0), at != 0
}

// notInspected judges why the platform tells nothing of a token that works.
func (c *Channel) notInspected(err error) error {
	if _, refused := errors.AsType[*refusal](err); !refused {
		return err
	}
	switch v, _ := channels.VerdictOf(err); {
	case v == channels.VerdictRetry:
		return err
	case c.config.AppID != "":
		return channels.Permanent(fmt.Errorf("facebook %s: app_id or app_secret_file is wrong, so nobody can tell when the token ends: %s", c.name, err.Error()))
	}
	return nil // the token may not look at itself: then it is only known to work
}

func (c *Channel) judgeToken(i inspection, now time.Time) error {
	switch {
	case !i.Valid:
		why := &refusal{Code: 190}
		if i.Trouble != nil {
			why.Subcode = i.Trouble.Subcode
		}
		return channels.Unauthorized(fmt.Errorf("facebook %s: %s", c.name, why.advice()))
	case i.Type != "" && i.Type != "PAGE":
		return channels.Unauthorized(fmt.Errorf("facebook %s: token_file holds the token of a person, not of a page", c.name))
	}
	if lacks := i.lacks(c.config.Page); len(lacks) > 0 {
		return channels.Unauthorized(fmt.Errorf("facebook %s: the token lacks %s for this page", c.name, strings.Join(lacks, " and ")))
	}
	if at, what := i.ends(); !at.IsZero() && at.Sub(now) < endsSoon {
		return channels.Permanent(fmt.Errorf("facebook %s: %s ends on %s: %s", c.name, what, c.posts.Settings.Local(at).Format("2 January 2006 at 15:04"), c.Renewal()))
	}
	return nil
}

// Renewal says how to make a new token.
func (c *Channel) Renewal() string {
	return fmt.Sprintf("Let somebody who may post at the page run \"martinella channels renew %s\" with a new token from developers.facebook.com/tools/explorer, which writes the page's new token into %s; then start the gateway again.", c.name, c.config.TokenFile)
}

// Rehearse makes an unpublished post, which the page's staff alone could see,
// and deletes it.
func (c *Channel) Rehearse(ctx context.Context, text string) (string, error) {
	id, err := c.post(ctx, text, url.Values{"published": {"false"}})
	if err != nil {
		return "", err
	}
	where := "to the unpublished posts of the page, which only its staff can see"
	if err := c.Withdraw(ctx, id); err != nil {
		return where + "; it could not be deleted and is still there: " + err.Error(), nil //nolint:nilerr // it was posted, which is what was asked
	}
	return where + "; it is deleted again", nil
}

// short cuts a name that the platform gives.
func short(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, name)
	if r := []rune(name); len(r) > 60 {
		return string(r[:60]) + "..."
	}
	return name
}
