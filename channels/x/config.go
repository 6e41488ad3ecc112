package x

import (
	"errors"
	"fmt"
	"strings"

	"martinella/channels"
)

// Config is an account's entry in the configuration. It signs in in one of two
// ways: with the four files of OAuth 1.0a, or with the three fields of OAuth 2.0.
type Config struct {
	// OAuth 1.0a: the application's key and secret, and the access token of the
	// account that posts. They hold until somebody takes them back, and any
	// number of gateways may share them.
	ConsumerKeyFile    string `yaml:"consumer_key_file"`
	ConsumerSecretFile string `yaml:"consumer_secret_file"`
	TokenFile          string `yaml:"token_file"`
	TokenSecretFile    string `yaml:"token_secret_file"`

	// OAuth 2.0: the file of the refresh token is rewritten whenever X gives a
	// new one, so one gateway alone may use it.
	ClientID         string `yaml:"client_id"`
	ClientSecretFile string `yaml:"client_secret_file"` // of a confidential client; "": a public one
	RefreshTokenFile string `yaml:"refresh_token_file"`

	Language    string `yaml:"language"`     // the account's only language; "" posts every language of an alert
	MaxWeighted int    `yaml:"max_weighted"` // of a post, as X weighs it; default 280, more with X Premium only
	NoImage     bool   `yaml:"no_image"`     // words alone

	// PerSecond is the pace; default 0.1. X takes 100 posts in 15 minutes from a
	// user (docs.x.com/x-api/fundamentals/rate-limits).
	PerSecond float64 `yaml:"per_second"`
	// PerDay is how many posts a day may cost; default 100. Severe, Extreme and
	// what closes an event are counted and never held back.
	PerDay int `yaml:"per_day"`

	URL string `yaml:"url"` // of the API; default https://api.x.com
}

const (
	apiURL = "https://api.x.com"

	usualWeight = 280   // of everybody's posts
	mostWeight  = 25000 // of X Premium: docs.x.com/changelog, 2024-08-20
	leastWeight = 100   // has room for a mark, a few words of what to do and a link

	// quotaReserve is the part of a day's posts that is kept for corrections.
	quotaReserve = 0.2
)

// check fills in the defaults, names every mistake at once and gives the
// credential.
func (c *Config) check(name string) (*signIn, error) {
	c.URL = strings.TrimRight(c.URL, "/")
	if c.URL == "" {
		c.URL = apiURL
	}
	if c.MaxWeighted == 0 {
		c.MaxWeighted = usualWeight
	}
	if c.PerSecond == 0 {
		c.PerSecond = 0.1
	}
	if c.PerDay == 0 {
		c.PerDay = 100
	}
	errs := []error{channels.CheckName(name), channels.CheckURL("url", c.URL)}
	if c.MaxWeighted < leastWeight || c.MaxWeighted > mostWeight {
		errs = append(errs, fmt.Errorf("max_weighted is %d: use 280, or up to %d with X Premium; less than %d leaves no room for an alert", c.MaxWeighted, mostWeight, leastWeight))
	}
	if c.PerSecond < 0 || c.PerDay < 0 {
		errs = append(errs, errors.New("per_second and per_day must not be negative"))
	}
	in, err := c.signIn()
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("x %s: %w", name, err)
	}
	return in, nil
}

// signIn is what the files hold, in one of the two ways.
type signIn struct {
	user  *userToken    // OAuth 1.0a
	fresh *refreshToken // OAuth 2.0
}

func (c *Config) signIn() (*signIn, error) {
	first := c.ConsumerKeyFile+c.ConsumerSecretFile+c.TokenFile+c.TokenSecretFile != ""
	second := c.ClientID+c.ClientSecretFile+c.RefreshTokenFile != ""
	switch {
	case first && second:
		return nil, errors.New("consumer_key_file and its like (OAuth 1.0a) and client_id and its like (OAuth 2.0) are two ways to sign in: keep one, best OAuth 1.0a")
	case !first && !second:
		return nil, errors.New("nothing says how to sign in: give consumer_key_file, consumer_secret_file, token_file and token_secret_file (OAuth 1.0a), or client_id and refresh_token_file (OAuth 2.0)")
	case first:
		return c.oauth1()
	}
	return c.oauth2()
}

func (c *Config) oauth1() (*signIn, error) {
	var u userToken
	var errs []error
	for _, f := range []struct {
		field, path string
		to          *string
	}{
		{"consumer_key_file", c.ConsumerKeyFile, &u.consumerKey}, {"consumer_secret_file", c.ConsumerSecretFile, &u.consumerSecret},
		{"token_file", c.TokenFile, &u.token}, {"token_secret_file", c.TokenSecretFile, &u.tokenSecret},
	} {
		var err error
		*f.to, err = channels.ReadSecret(f.field, f.path)
		errs = append(errs, err)
	}
	return &signIn{user: &u}, errors.Join(errs...)
}

func (c *Config) oauth2() (*signIn, error) {
	r := refreshToken{clientID: c.ClientID, path: c.RefreshTokenFile}
	var errs []error
	if r.clientID == "" {
		errs = append(errs, errors.New("client_id is missing: it is the OAuth 2.0 client ID of the application"))
	}
	if c.ClientSecretFile != "" {
		var err error
		r.clientSecret, err = channels.ReadSecret("client_secret_file", c.ClientSecretFile)
		errs = append(errs, err)
	}
	_, err := channels.ReadSecret("refresh_token_file", c.RefreshTokenFile)
	return &signIn{fresh: &r}, errors.Join(append(errs, err)...)
}
