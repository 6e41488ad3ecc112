package mastodon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"martinella/channels"
)

// outOfBand is the address by which a server shows its code to the person
// instead of leading the browser elsewhere (docs.joinmastodon.org/methods/oauth).
const outOfBand = "urn:ietf:wg:oauth:2.0:oob"

// connecting is the walk through connecting one account.
type connecting struct {
	prompt channels.Prompt
	call   *channels.Caller
	server string // its address
	in     instance
	app    application
}

// application is what a server keeps of a program that acts for people.
type application struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// grant is what a person's consent gives.
type grant struct {
	Token   string `json:"access_token"`
	Scope   string `json:"scope"`
	Created int64  `json:"created_at"` // Unix seconds
	Expires int64  `json:"expires_in"` // seconds; Mastodon's do not end, Akkoma's do
}

// Connect registers this program at the person's server, lets them allow it to
// post, and gives the token. It posts nothing. The error is that of the prompt
// or of ctx; everything else is said and asked again.
func Connect(ctx context.Context, p channels.Prompt) (channels.Connected, error) {
	w := &connecting{prompt: p}
	if err := w.find(ctx); err != nil {
		return channels.Connected{}, fmt.Errorf("mastodon: connect: %w", err)
	}
	got, who, err := w.consent(ctx)
	if err != nil {
		return channels.Connected{}, fmt.Errorf("mastodon: connect: %w", err)
	}
	p.Tell("The account is " + who.Acct + " at " + w.server + ".")
	out, err := w.entry(who)
	if err != nil {
		return channels.Connected{}, fmt.Errorf("mastodon: connect: %w", err)
	}
	out.Secrets = []channels.Field{{Key: "token_file", Value: got.Token}}
	out.Note = "The token holds until somebody revokes it in the account's preferences, under Account, Authorized apps."
	if got.Expires > 0 {
		end := time.Unix(got.Created, 0)
		if got.Created == 0 {
			end = time.Now()
		}
		out.Note = "The token ends on " + end.Add(time.Duration(got.Expires)*time.Second).Format(time.DateOnly) + ": connect the account again before that."
	}
	return out, nil
}

// find asks for the server until one answers and takes us.
func (w *connecting) find(ctx context.Context) error {
	for {
		answer, err := w.prompt.Ask(channels.Question{Text: "Address of the account's server, like https://social.example", Check: func(answer string) error {
			_, err := serverAddress(answer)
			return err
		}})
		if err != nil {
			return err
		}
		if w.server, err = serverAddress(answer); err == nil {
			w.call = channels.NewCaller(platform)
			if w.in, err = readInstance(ctx, w.call, w.server, http.Header{"Accept": {"application/json"}}); err == nil {
				err = w.post(ctx, "/api/v1/apps", url.Values{"client_name": {"Martinella"}, "redirect_uris": {outOfBand}, "scopes": {scopes}}, &w.app)
			}
			if err == nil && (w.app.ID == "" || w.app.Secret == "") {
				err = errors.New("it registered the program and gave no credentials")
			}
			if err == nil {
				w.call.Secrets = []string{w.app.Secret}
				return nil
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.prompt.Tell("The server cannot be used: " + err.Error())
	}
}

// serverAddress reads the address of a server, also from that of an account
// ("@comune@social.example", "https://social.example/@comune"). Without https
// only this machine is taken: the token would be readable on its way.
func serverAddress(answer string) (string, error) {
	answer = strings.TrimSpace(answer)
	if !strings.Contains(answer, "://") {
		answer = "https://" + answer[strings.LastIndex(answer, "@")+1:]
	}
	u, err := url.Parse(answer)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.ContainsAny(u.Host, " \t") {
		return "", errors.New("that is no address: write it like https://social.example")
	}
	ip, _ := netip.ParseAddr(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || !ip.IsLoopback()) {
		return "", errors.New("the address must begin with https://")
	}
	host := strings.ToLower(u.Host)
	if u.Port() == "443" {
		host, _, _ = net.SplitHostPort(host)
	}
	return u.Scheme + "://" + host, nil
}

// consent lets the person allow the access, until a token works.
func (w *connecting) consent(ctx context.Context) (grant, account, error) {
	page := w.server + "/oauth/authorize?" + url.Values{"response_type": {"code"}, "client_id": {w.app.ID}, "redirect_uri": {outOfBand}, "scope": {scopes}}.Encode()
	for {
		w.prompt.Tell("Sign in to the account in a browser, open this page, allow the access and copy the code that is shown:\n" + page)
		code, err := w.prompt.Ask(channels.Question{Text: "The code", Secret: true, Check: func(answer string) error {
			if strings.TrimSpace(answer) == "" {
				return errors.New("the code is what the page shows after you allowed the access")
			}
			return nil
		}})
		if err != nil {
			return grant{}, account{}, err
		}
		got, who, err := w.token(ctx, strings.TrimSpace(code))
		if err == nil {
			return got, who, nil
		}
		if ctx.Err() != nil {
			return grant{}, account{}, ctx.Err()
		}
		w.prompt.Tell("That did not work, a code is good for once and for a few minutes: " + err.Error())
	}
}

// token trades a code for a token and shows whose it is.
func (w *connecting) token(ctx context.Context, code string) (grant, account, error) {
	w.call.Secrets = []string{w.app.Secret, code}
	var got grant
	err := w.post(ctx, "/oauth/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "client_id": {w.app.ID}, "client_secret": {w.app.Secret},
		"redirect_uri": {outOfBand}, "scope": {scopes}}, &got)
	if err != nil {
		return grant{}, account{}, err
	}
	if got.Token == "" {
		return grant{}, account{}, errors.New("the server gave no token")
	}
	if given := strings.Fields(got.Scope); len(given) > 0 && !slices.Contains(given, "write") && !slices.Contains(given, "write:statuses") {
		return grant{}, account{}, errors.New("the access that was allowed does not include posting")
	}
	w.call.Secrets = append(w.call.Secrets, got.Token)
	var who account
	err = read(ctx, w.call, w.server+"/api/v1/accounts/verify_credentials", http.Header{"Authorization": {"Bearer " + got.Token}, "Accept": {"application/json"}}, &who)
	if err == nil && who.ID == "" {
		err = errors.New("the server names no account for the token")
	}
	return got, who, err
}

var languageTag = regexp.MustCompile(`^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$`)

// entry makes the account's entry of the configuration. What the server does as
// Mastodon does is left out.
func (w *connecting) entry(who account) (channels.Connected, error) {
	out := channels.Connected{Fields: []channels.Field{{Key: "url", Value: w.server}}}
	add := func(key, value string) { out.Fields = append(out.Fields, channels.Field{Key: key, Value: value}) }
	language, err := w.prompt.Ask(channels.Question{Text: "Language of the account, like it (empty: every language of an alert is a post of its own)", Check: func(answer string) error {
		if answer != "" && !languageTag.MatchString(answer) {
			return errors.New("write the code of a language: it, en, de")
		}
		return nil
	}})
	if err != nil {
		return out, err
	}
	if languageTag.MatchString(language) {
		add("language", language)
	}
	if own := who.Source.Privacy; own != "" && own != visibilities[0] {
		w.prompt.Tell("The account posts " + own + " where nothing is said.")
		chosen, err := w.prompt.Ask(channels.Question{Text: "Who sees the alerts", Default: visibilities[0], Choices: visibilities})
		if err != nil {
			return out, err
		}
		if chosen != visibilities[0] && slices.Contains(visibilities, chosen) {
			add("visibility", chosen)
		}
	}
	if most := w.in.maxChars(); most >= leastChars && most != usualChars {
		add("max_chars", strconv.Itoa(most))
	}
	if each := w.in.Configuration.Statuses.CharactersReserved; each > 0 && each != usualLinkChars {
		add("link_chars", strconv.Itoa(each))
	}
	if why := w.in.refusesImage(); why != "" {
		w.prompt.Tell("The server " + why + ": alerts go there without one.")
		add("no_image", "true")
	}
	return out, nil
}

// post sends a form and reads JSON.
func (w *connecting) post(ctx context.Context, path string, form url.Values, into any) error {
	answer, err := w.call.Do(ctx, http.MethodPost, w.server+path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}, []byte(form.Encode()))
	if err != nil {
		return certain(err)
	}
	if err := w.call.Verdict(answer, time.Now()); err != nil {
		return err
	}
	return answer.Decode(platform, into)
}
