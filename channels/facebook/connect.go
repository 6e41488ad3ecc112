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

// Connect walks a person through connecting a page: with the app and a token
// that the person made in the Graph API Explorer, it gets a token of the page
// that lasts. It posts nothing.
func Connect(ctx context.Context, p channels.Prompt) (channels.Connected, error) {
	return (&connector{address: defaultGraph, version: defaultVersion, prompt: p}).run(ctx)
}

var _ channels.Connect = Connect

// connector is one conversation.
type connector struct {
	address string // of the Graph API
	version string
	prompt  channels.Prompt

	appID, secret string
	app           *graph // calls in the app's own name
}

// page is one that the person may choose.
type page struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	AccessToken string `json:"access_token"`
}

func (p page) title() string { return short(p.Name) + " (" + p.ID + ")" }

// attempts is how often something may be typed wrong.
const attempts = 3

const introduction = `You need an app at developers.facebook.com/apps (its id and its secret stand there under "App settings", "Basic"), and a token of somebody who may post at the page.
Make the token at developers.facebook.com/tools/explorer: choose the app, then "Get User Access Token" with pages_show_list, pages_manage_posts and pages_read_engagement.`

func (c *connector) run(ctx context.Context) (channels.Connected, error) {
	c.prompt.Tell(introduction)
	token, seen, err := c.credentials(ctx)
	if err != nil {
		return channels.Connected{}, fmt.Errorf("connect facebook: %w", err)
	}
	chosen, err := c.page(ctx, token, seen)
	if err != nil {
		return channels.Connected{}, fmt.Errorf("connect facebook: %w", err)
	}
	note, err := c.proven(ctx, chosen)
	if err != nil {
		return channels.Connected{}, fmt.Errorf("connect facebook: %w", err)
	}
	return channels.Connected{
		Fields:  []channels.Field{{Key: "page", Value: chosen.ID}, {Key: "app_id", Value: c.appID}},
		Secrets: []channels.Field{{Key: "token_file", Value: chosen.AccessToken}, {Key: "app_secret_file", Value: c.secret}},
		Note:    note,
	}, nil
}

// credentials asks for the app and a token until Facebook takes them together.
func (c *connector) credentials(ctx context.Context) (string, inspection, error) {
	var last error
	for range attempts {
		token, err := c.ask()
		if err != nil {
			return "", inspection{}, err
		}
		seen, err := c.app.inspect(ctx, token)
		if err == nil {
			if err = c.usable(seen); err == nil {
				return token, seen, nil
			}
		} else if v, _ := channels.VerdictOf(err); v == channels.VerdictRetry {
			return "", inspection{}, err // the platform, not what was typed
		}
		last = err
		c.prompt.Tell("Facebook does not take this: " + err.Error() + ". Look at the app's id, its secret and the token again.")
	}
	return "", inspection{}, last
}

func (c *connector) ask() (string, error) {
	var (
		token string
		err   error
	)
	word := func(answer string) error {
		if answer = strings.TrimSpace(answer); answer == "" || strings.ContainsFunc(answer, isSpace) {
			return errors.New("paste one word without space in it")
		}
		return nil
	}
	for _, q := range []struct {
		into *string
		channels.Question
	}{
		{&c.appID, channels.Question{Text: "Id of the app", Default: c.appID, Check: func(answer string) error {
			if !numericID.MatchString(strings.TrimSpace(answer)) {
				return errors.New("the id of an app is a number")
			}
			return nil
		}}},
		{&c.secret, channels.Question{Text: "Secret of the app", Secret: true, Check: word}},
		{&token, channels.Question{Text: "Token from the Graph API Explorer", Secret: true, Check: word}},
	} {
		if *q.into, err = c.prompt.Ask(q.Question); err != nil {
			return "", err
		}
		*q.into = strings.TrimSpace(*q.into)
	}
	c.app = newGraph(c.address, c.version, appToken(c.appID, c.secret), c.secret)
	c.app = c.app.as(c.app.token, c.secret)
	c.app.call.Secrets = append(c.app.call.Secrets, token)
	return token, nil
}

// usable says what is wrong with the token that was pasted.
func (c *connector) usable(i inspection) error {
	switch {
	case !i.Valid:
		why := &refusal{Code: 190}
		if i.Trouble != nil {
			why.Subcode = i.Trouble.Subcode
		}
		return errors.New(why.advice())
	case i.AppID != "" && i.AppID != c.appID:
		return fmt.Errorf("the token was made with another app (%s)", short(i.AppID))
	}
	return nil
}

// page gives the page to post to, with its token.
func (c *connector) page(ctx context.Context, token string, seen inspection) (page, error) {
	if seen.Type == "PAGE" {
		own := page{AccessToken: token}
		err := c.app.as(token, c.secret).read(ctx, "/me", url.Values{"fields": {"id,name"}}, &own)
		own.AccessToken = token
		if err == nil && own.ID == "" {
			err = errors.New("facebook names no page for the token")
		}
		return own, err
	}
	person, err := c.lasting(ctx, token)
	if err != nil {
		return page{}, err
	}
	all, err := c.pages(ctx, person, seen)
	if err != nil {
		return page{}, err
	}
	if len(all) == 0 {
		return page{}, errors.New("the token shows no page: make it again, tick the page when Facebook asks, and give it pages_show_list; for a page of a business portfolio also business_management")
	}
	if len(all) == 1 {
		c.prompt.Tell("The page is " + all[0].title() + ".")
		return all[0], nil
	}
	var titles []string
	for _, one := range all {
		titles = append(titles, one.title())
	}
	answer, err := c.prompt.Ask(channels.Question{Text: "Page to post to", Choices: titles, Default: titles[0]})
	if err != nil {
		return page{}, err
	}
	i := slices.Index(titles, answer)
	if i < 0 {
		return page{}, fmt.Errorf("%q is none of the pages", short(answer))
	}
	return all[i], nil
}

// lasting exchanges a person's token of an hour for one of 60 days; a page's
// token made with it has no end
// (developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived).
func (c *connector) lasting(ctx context.Context, token string) (*graph, error) {
	var out struct {
		AccessToken string `json:"access_token"`
	}
	nobody := *c.app
	nobody.token, nobody.proof = "", ""
	err := nobody.read(ctx, "/oauth/access_token", url.Values{
		"grant_type": {"fb_exchange_token"}, "client_id": {c.appID}, "client_secret": {c.secret}, "fb_exchange_token": {token},
	}, &out)
	if err == nil && out.AccessToken == "" {
		err = errors.New("facebook gave no token for the one that was pasted")
	}
	if err != nil {
		return nil, err
	}
	return c.app.as(out.AccessToken, c.secret), nil
}

// pages lists those that the person may post to. Facebook leaves pages of a
// business portfolio out of its list although the token is good for them; they
// stand among what was granted.
func (c *connector) pages(ctx context.Context, person *graph, seen inspection) ([]page, error) {
	var list struct {
		Data []page `json:"data"`
	}
	if err := person.read(ctx, "/me/accounts", url.Values{"fields": {"id,name,access_token"}, "limit": {"100"}}, &list); err != nil {
		return nil, err
	}
	var all []page
	has := func(id string) bool { return slices.ContainsFunc(all, func(p page) bool { return p.ID == id }) }
	for _, one := range list.Data {
		if one.ID != "" && one.AccessToken != "" && !has(one.ID) {
			all = append(all, one)
		}
	}
	for _, g := range seen.GranularScopes {
		for _, id := range g.Targets {
			if g.Scope != needed[0] || !numericID.MatchString(id) || has(id) {
				continue
			}
			var one page
			if err := person.read(ctx, "/"+id, url.Values{"fields": {"id,name,access_token"}}, &one); err == nil && one.ID == id && one.AccessToken != "" {
				all = append(all, one)
			}
		}
	}
	return all, nil
}

// proven makes sure that the page's token is good to post with, and tells how
// long.
func (c *connector) proven(ctx context.Context, chosen page) (string, error) {
	c.app.call.Secrets = append(c.app.call.Secrets, chosen.AccessToken)
	seen, err := c.app.inspect(ctx, chosen.AccessToken)
	if err != nil {
		return "", err
	}
	if err := c.usable(seen); err != nil {
		return "", err
	}
	if lacks := seen.lacks(chosen.ID); len(lacks) > 0 {
		return "", fmt.Errorf("the token lacks %s for this page: make it again with all of %s", strings.Join(lacks, " and "), strings.Join(needed, ", "))
	}
	at, what := seen.ends()
	if at.IsZero() {
		return "The token has no end; it stops when the person changes the password, loses the role on the page or takes the app away.", nil
	}
	what = strings.ToUpper(what[:1]) + what[1:]
	if time.Until(at) < endsSoon {
		return fmt.Sprintf("%s ends already on %s: connect the page again with the token of a person, of which Facebook makes one that lasts.", what, at.UTC().Format(time.DateOnly)), nil
	}
	return fmt.Sprintf("%s ends on %s: make a new token before; the check reminds you 14 days ahead.", what, at.UTC().Format(time.DateOnly)), nil
}
