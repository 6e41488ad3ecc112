package bluesky

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"martinella/channels"
)

// Connect walks a person through connecting an account. It signs in, and out
// again, and posts nothing.
func Connect(ctx context.Context, p channels.Prompt) (channels.Connected, error) {
	return connector{resolver: bskySocial, directory: "https://plc.directory"}.connect(ctx, p)
}

var _ channels.Connect = Connect

// connector finds an account by its handle.
type connector struct {
	resolver  string // the server that is asked first whom a handle leads to
	directory string // of the accounts did:plc (web.plc.directory)
	insecure  bool   // tests: did:web without TLS
}

// triesOfPassword is how often a password is asked for: a server refuses the
// thirty-first in five minutes.
const triesOfPassword = 5

func (w connector) connect(ctx context.Context, p channels.Prompt) (channels.Connected, error) {
	handle, at, err := w.find(ctx, p)
	if err != nil {
		return channels.Connected{}, err
	}
	p.Tell("The account is kept at " + at + ".")
	p.Tell("An app password lets the gateway post and can be revoked alone. Make one: in Bluesky, Settings, Privacy and security, App passwords. It looks like abcd-2345-efgh-6723.")
	for range triesOfPassword {
		password, err := askPassword(p)
		if err != nil {
			return channels.Connected{}, err
		}
		if password == "" {
			continue
		}
		wrong, err := signIn(ctx, at, handle, password)
		if err != nil {
			return channels.Connected{}, err
		}
		if wrong != "" {
			p.Tell(wrong)
			continue
		}
		language, err := p.Ask(channels.Question{Text: "Language of the account (it, en, de-AT); empty: a post in each language of an alert", Check: checkLanguage})
		if err != nil {
			return channels.Connected{}, err
		}
		out := channels.Connected{
			Fields:  []channels.Field{{Key: "pds", Value: at}, {Key: "handle", Value: handle}},
			Secrets: []channels.Field{{Key: "password_file", Value: password}},
			Note:    "An app password does not end by itself. It is revoked in the same place where it was made.",
		}
		if language = strings.TrimSpace(language); language != "" {
			out.Fields = append(out.Fields, channels.Field{Key: "language", Value: language})
		}
		return out, nil
	}
	return channels.Connected{}, errors.New("bluesky: no password was taken; nothing was connected")
}

// find asks for the handle until the server of an account is known.
func (w connector) find(ctx context.Context, p channels.Prompt) (handle, at string, err error) {
	resolver := w.resolver
	for {
		answer, err := p.Ask(channels.Question{Text: "Handle of the account, like comune.example.bsky.social", Default: handle,
			Check: func(s string) error { return checkHandle(plainHandle(s)) }})
		if err != nil {
			return "", "", err
		}
		handle = plainHandle(answer)
		did := handle
		if !strings.HasPrefix(did, "did:") {
			did, err = newServer(resolver).resolve(ctx, handle)
		}
		if err == nil {
			if at, err = w.home(ctx, p, did, handle); err == nil {
				return handle, at, nil
			}
		}
		if ctx.Err() != nil {
			return "", "", err
		}
		p.Tell("The account was not found: " + err.Error())
		answer, err = p.Ask(channels.Question{Text: "Address of the server to ask", Default: resolver,
			Check: func(s string) error { return channels.CheckURL("the address", strings.TrimSpace(s)) }})
		if err != nil {
			return "", "", err
		}
		resolver = strings.TrimRight(strings.TrimSpace(answer), "/")
	}
}

// didDocument is what is published of an account (atproto.com/specs/did).
type didDocument struct {
	ID      string   `json:"id"`
	Names   []string `json:"alsoKnownAs"`
	Service []struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		Endpoint string `json:"serviceEndpoint"`
	} `json:"service"`
}

// home gives the server that keeps an account.
func (w connector) home(ctx context.Context, p channels.Prompt, did, handle string) (string, error) {
	where, err := w.document(did)
	if err != nil {
		return "", err
	}
	caller := channels.NewCaller(platform)
	answer, err := caller.Do(ctx, http.MethodGet, where, http.Header{"Accept": {"application/json"}}, nil)
	if err != nil {
		return "", err
	}
	if err := caller.Verdict(answer, time.Now()); err != nil {
		return "", fmt.Errorf("the document of %s: %w", did, err)
	}
	var doc didDocument
	if err := answer.Decode(platform, &doc); err != nil {
		return "", err
	}
	if doc.ID != did {
		return "", fmt.Errorf("the document of %s is of somebody else", did)
	}
	if handle != did && !slices.Contains(doc.Names, "at://"+handle) {
		p.Tell("The account itself does not name " + handle + ": readers see it as handle.invalid until that is mended.")
	}
	for _, s := range doc.Service {
		if (s.ID == "#atproto_pds" || s.ID == did+"#atproto_pds") && s.Type == "AtprotoPersonalDataServer" {
			at := strings.TrimRight(s.Endpoint, "/")
			return at, channels.CheckURL("the server of the account", at)
		}
	}
	return "", fmt.Errorf("the document of %s names no server", did)
}

// document gives the address of a DID's document.
func (w connector) document(did string) (string, error) {
	if !didPattern.MatchString(did) {
		return "", fmt.Errorf("%.60q is no account", did)
	}
	host, web := strings.CutPrefix(did, "did:web:")
	if !web {
		return w.directory + "/" + did, nil
	}
	host, err := url.PathUnescape(host)
	if err != nil {
		return "", fmt.Errorf("%.60q is no account", did)
	}
	if w.insecure {
		return "http://" + host + "/.well-known/did.json", nil
	}
	return "https://" + host + "/.well-known/did.json", nil
}

// appPassword is how servers write app passwords; others may write them
// otherwise.
var appPassword = regexp.MustCompile(`^[a-z2-7]{4}(-[a-z2-7]{4}){3}$`)

// askPassword asks for an app password; "" where the person thinks again.
func askPassword(p channels.Prompt) (string, error) {
	answer, err := p.Ask(channels.Question{Text: "App password", Secret: true, Check: func(s string) error {
		if strings.TrimSpace(s) == "" {
			return errors.New("there is no password")
		}
		return nil
	}})
	answer = strings.TrimSpace(answer)
	if err != nil || appPassword.MatchString(answer) {
		return answer, err
	}
	p.Tell("That does not look like an app password, and the account's own password must not be here: who has it can take the account away.")
	sure, err := p.Ask(channels.Question{Text: "Is it an app password of a server that writes them otherwise?", Choices: []string{"no", "yes"}, Default: "no"})
	if err != nil || sure != "yes" {
		return "", err
	}
	return answer, nil
}

// signIn tries a password, and ends the session again. wrong is what the person
// can mend; the error is that of a server that is away.
func signIn(ctx context.Context, at, handle, password string) (wrong string, err error) {
	server := newServer(at, password)
	var in struct {
		AccessJWT  string `json:"accessJwt"`
		RefreshJWT string `json:"refreshJwt"`
		Active     *bool  `json:"active"`
		Status     string `json:"status"`
	}
	res, err := server.do(ctx, request{method: "com.atproto.server.createSession", input: map[string]string{"identifier": handle, "password": password}})
	if err != nil {
		return "", harmless(err)
	}
	if res.refusal() == "AuthFactorTokenRequired" {
		return "The server wants a second factor, which it does only for the account's own password. Make an app password.", nil
	}
	err = res.verdict()
	if err == nil {
		err = res.Decode(platform, &in)
	}
	switch v, _ := channels.VerdictOf(err); {
	case v == channels.VerdictUnauthorized || v == channels.VerdictPermanent:
		return "The server did not take it: " + err.Error(), nil
	case err != nil:
		return "", harmless(err)
	case in.AccessJWT == "":
		return "", errors.New("bluesky answered a sign-in without tokens")
	}
	// Best effort: a session that is left ends by itself.
	_, _ = server.do(ctx, request{method: "com.atproto.server.deleteSession", token: in.RefreshJWT})
	if own(in.AccessJWT) {
		return "That is the account's own password. Make an app password, which can be revoked alone.", nil
	}
	if in.Active != nil && !*in.Active {
		return "The account is not active (" + cmp.Or(in.Status, "no reason is given") + "): mend that in Bluesky first.", nil
	}
	return "", nil
}

func checkLanguage(s string) error {
	if s = strings.TrimSpace(s); s != "" && !tagPattern.MatchString(s) {
		return errors.New("write a language like en or de-AT")
	}
	return nil
}
