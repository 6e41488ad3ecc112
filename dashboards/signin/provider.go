package signin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// ProviderConfig is an OpenID provider through which members of staff sign in.
type ProviderConfig struct {
	Name     string // on the button: "Regione", "Entra ID", "SPID/CIE"
	Issuer   string // exactly as the provider writes it; see [PlainIssuer]
	ClientID string
	// Secret gives the client's secret; it is asked each time, so that a new one
	// counts at once.
	Secret func() (string, error)
	// Scopes beside "openid"; none are needed.
	Scopes []string
	// ACR are the levels of which the provider must confirm one (OpenID Connect
	// Core section 2), AMR the methods it must all name (RFC 8176). None: any.
	ACR, AMR []string
	// Logout: who signs out here is led to sign out there too.
	Logout bool
	// Transport replaces the network in tests; nil: the usual one.
	Transport http.RoundTripper
}

// The limits of talking to a provider. A browser waits meanwhile, so they are
// short: two attempts at discovery, and then the answer is that it is away.
const (
	providerTimeout  = 5 * time.Second // of one request
	providerAttempts = 2
	providerBody     = 1 << 20        // bytes of an answer
	discoveryLasts   = 12 * time.Hour // afterwards it is read again; an old one serves while the provider is away
)

// Provider is an OpenID provider. Nothing is asked of it before the first person
// wants to sign in through it. Its methods may be called by many goroutines.
type Provider struct {
	ProviderConfig
	client *http.Client

	reading chan struct{} // holds a token while discovery is under way
	mu      sync.Mutex
	known   *discovered
}

// discovered is what the provider said of itself.
type discovered struct {
	provider *oidc.Provider
	endpoint oauth2.Endpoint
	logout   string // end_session_endpoint; "": it has none
	named    bool   // it names itself in what browsers bring back (RFC 9207)
	read     time.Time
}

// PlainIssuer says what is wrong with the address of a provider or of one of its
// services; "" where nothing is. Only https proves who answers; http is for a
// provider on this machine.
func PlainIssuer(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return "is no address that can be read"
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "holds more than a host and a path"
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "is not https"
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// NewProvider prepares a provider; it does not ask it anything.
func NewProvider(c ProviderConfig) (*Provider, error) {
	if wrong := PlainIssuer(c.Issuer); wrong != "" {
		return nil, errors.New("sign-in: the issuer " + wrong)
	}
	if c.Name == "" || c.ClientID == "" || c.Secret == nil {
		return nil, errors.New("sign-in: a provider needs a name, a client id and a secret")
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	p := &Provider{ProviderConfig: c, reading: make(chan struct{}, 1)}
	p.client = &http.Client{
		Transport: bounded{c.Transport}, Timeout: providerTimeout,
		// A provider's services are where its own document says: nothing leads
		// elsewhere, least of all with a secret.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p, nil
}

// bounded reads no more of an answer than anybody needs, and asks no address
// that proves nothing.
type bounded struct{ http.RoundTripper }

var errLong = errors.New("the answer is too long")

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !loopback(r.URL.Hostname()) {
		return nil, errors.New("the address is not https")
	}
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = &boundedBody{res.Body, providerBody}
	}
	return res, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLong
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// AwayError says that the provider does not answer, or says nothing that can be
// used: other ways of signing in are not touched.
type AwayError struct{ reason string }

func (e *AwayError) Error() string { return "the sign-in provider does not answer: " + e.reason }

// brief is a foreign error for a log: one line, and not what a stranger sent at
// length.
func brief(err error) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(err.Error(), "?")), " ")
	if r := []rune(text); len(r) > 160 {
		text = string(r[:160]) + "..."
	}
	return text
}

// discover gives what the provider says of itself; an [*AwayError]. One
// goroutine asks, the others wait for it.
func (p *Provider) discover(ctx context.Context, now time.Time) (*discovered, error) {
	if d := p.fresh(now); d != nil {
		return d, nil
	}
	select {
	case p.reading <- struct{}{}:
		defer func() { <-p.reading }()
	case <-ctx.Done():
		return nil, &AwayError{"others wait for it"}
	}
	if d := p.fresh(now); d != nil {
		return d, nil
	}
	var d *discovered
	var err error
	for range providerAttempts {
		if d, err = p.read(ctx, now); err == nil || ctx.Err() != nil {
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		p.known = d
	case p.known == nil:
		return nil, &AwayError{brief(err)}
	}
	return p.known, nil
}

func (p *Provider) fresh(now time.Time) *discovered {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || now.Sub(p.known.read) > discoveryLasts {
		return nil
	}
	return p.known
}

// read asks the provider for its document (OpenID Connect Discovery section 4).
func (p *Provider) read(ctx context.Context, now time.Time) (*discovered, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.client), providerTimeout)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		return nil, err
	}
	var more struct {
		Keys   string   `json:"jwks_uri"`
		Logout string   `json:"end_session_endpoint"`
		Auth   []string `json:"token_endpoint_auth_methods_supported"`
		Named  bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, err
	}
	d := &discovered{provider: provider, endpoint: provider.Endpoint(), logout: more.Logout, named: more.Named, read: now}
	for what, address := range map[string]string{"authorization_endpoint": d.endpoint.AuthURL, "token_endpoint": d.endpoint.TokenURL, "jwks_uri": more.Keys} {
		// A question mark may stand in these (RFC 6749 section 3.1).
		if wrong := PlainIssuer(strings.SplitN(address, "?", 2)[0]); wrong != "" {
			return nil, fmt.Errorf("its %s %s", what, wrong)
		}
	}
	if PlainIssuer(strings.SplitN(d.logout, "?", 2)[0]) != "" {
		d.logout = ""
	}
	// Where nothing is said it is client_secret_basic (Discovery section 3).
	d.endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if len(more.Auth) > 0 && !slices.Contains(more.Auth, "client_secret_basic") {
		d.endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return d, nil
}

// oauth is the client as the provider knows it.
func (p *Provider) oauth(d *discovered, secret, back string) *oauth2.Config {
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: secret, Endpoint: d.endpoint, RedirectURL: back, Scopes: append([]string{oidc.ScopeOpenID}, p.Scopes...)}
}

// signedBy are the algorithms that count: neither none nor a secret that both
// sides know.
var signedBy = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// skew is how far the provider's clock may be ahead of ours.
const skew = time.Minute

// claims is what an ID token says beside what go-oidc checks.
type claims struct {
	Subject  string   `json:"sub"`
	Party    string   `json:"azp"`
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
	AuthTime int64    `json:"auth_time"`
}

// exchange takes the code to the provider and verifies the ID token that it
// gives. An [*AwayError], or an [*AnswerError] that tells why, without tokens.
func (p *Provider) exchange(ctx context.Context, back, code string, j *journey, now time.Time) (*claims, error) {
	d, err := p.discover(ctx, now)
	if err != nil {
		return nil, err
	}
	secret, err := p.Secret()
	if err != nil {
		return nil, &AwayError{"the client's secret cannot be read"}
	}
	ctx = oidc.ClientContext(ctx, p.client)
	tokens, err := p.oauth(d, secret, back).Exchange(ctx, code, oauth2.VerifierOption(j.Verifier))
	var told *oauth2.RetrieveError
	switch {
	case errors.As(err, &told) && told.Response != nil && told.Response.StatusCode >= 500:
		return nil, &AwayError{told.Response.Status}
	case errors.As(err, &told):
		return nil, &AnswerError{"the provider refused the code: " + brief(errors.New(told.ErrorCode))}
	case err != nil: // its text may hold what was sent
		return nil, &AwayError{"the code could not be exchanged"}
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return nil, &AnswerError{"it holds no ID token"}
	}
	token, err := d.provider.Verifier(&oidc.Config{ClientID: p.ClientID, SupportedSigningAlgs: signedBy, Now: func() time.Time { return now }}).Verify(ctx, raw)
	if err != nil {
		return nil, &AnswerError{brief(err)}
	}
	c := &claims{}
	if err := token.Claims(c); err != nil {
		return nil, &AnswerError{"its claims cannot be read"}
	}
	if wrong := p.wrong(token, c, j, now); wrong != "" {
		return nil, &AnswerError{wrong}
	}
	return c, nil
}

// longestSubject is what a subject may have at most (OpenID Connect Core
// section 2).
const longestSubject = 255

// wrong says why a token that is genuine does not count (OpenID Connect Core
// section 3.1.3.7).
func (p *Provider) wrong(token *oidc.IDToken, c *claims, j *journey, now time.Time) string {
	switch {
	case token.Issuer != p.Issuer:
		return "it is another issuer's"
	case token.Nonce == "" || token.Nonce != j.Nonce:
		return "its nonce is not ours"
	case c.Subject == "" || len(c.Subject) > longestSubject:
		return "its subject cannot be used"
	case len(token.Audience) > 1 && c.Party == "", c.Party != "" && c.Party != p.ClientID:
		return "it was made for another client"
	case token.IssuedAt.After(now.Add(skew)):
		return "it is not valid yet"
	case len(p.ACR) > 0 && !slices.Contains(p.ACR, c.ACR):
		return "its level (acr) is not one that is asked for"
	}
	for _, method := range p.AMR {
		if !slices.Contains(c.AMR, method) {
			return "the method (amr) " + method + " was not used"
		}
	}
	if j.Purpose == toEnter {
		return ""
	}
	// Everything but signing in asks for the person, not for a session there.
	at := time.Unix(c.AuthTime, 0)
	switch {
	case c.AuthTime == 0:
		return "it does not say when the person was there (auth_time)"
	case now.Sub(at) > freshest || at.After(now.Add(skew)):
		return "the person was not there just now (auth_time)"
	}
	return ""
}

// freshest is how long ago the provider may have seen the person for a proof.
const freshest = time.Minute
