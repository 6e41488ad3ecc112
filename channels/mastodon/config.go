package mastodon

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"martinella/channels"
)

// Config is an account's entry in the configuration.
type Config struct {
	URL        string `yaml:"url"`        // of the server: https://mastodon.example
	TokenFile  string `yaml:"token_file"` // of an application with the scopes read and write:statuses
	Language   string `yaml:"language"`   // the account's only language; "" posts every language of an alert
	Visibility string `yaml:"visibility"` // public (default), unlisted, private
	MaxChars   int    `yaml:"max_chars"`  // of a post; default 500, as Mastodon; the check compares it with the server
	LinkChars  int    `yaml:"link_chars"` // what a link counts; default 23, as Mastodon

	// PerSecond is the pace; default 0.5. Mastodon allows 300 requests in five
	// minutes for an account (docs.joinmastodon.org/api/rate-limits); half of it
	// stays for edits, probes and checks.
	PerSecond float64 `yaml:"per_second"`
}

// leastChars has room for a mark, a few words of what to do and a link.
const leastChars = 100

// check fills in the defaults and names every mistake at once.
func (c *Config) check(name string) (token string, err error) {
	c.URL = strings.TrimRight(c.URL, "/")
	if c.Visibility == "" {
		c.Visibility = "public"
	}
	if c.MaxChars == 0 {
		c.MaxChars = 500
	}
	if c.LinkChars == 0 {
		c.LinkChars = 23
	}
	if c.PerSecond == 0 {
		c.PerSecond = 0.5
	}
	errs := []error{channels.CheckName(name), channels.CheckURL("url", c.URL)}
	if !slices.Contains([]string{"public", "unlisted", "private"}, c.Visibility) {
		errs = append(errs, fmt.Errorf("visibility %q: use public, unlisted or private", c.Visibility))
	}
	if c.MaxChars < leastChars {
		errs = append(errs, fmt.Errorf("max_chars is %d, less than %d leaves no room for an alert", c.MaxChars, leastChars))
	}
	if c.LinkChars < 0 || c.PerSecond < 0 {
		errs = append(errs, errors.New("link_chars and per_second must not be negative"))
	}
	token, err = channels.ReadSecret("token_file", c.TokenFile)
	if err := errors.Join(append(errs, err)...); err != nil {
		return "", fmt.Errorf("mastodon %s: %w", name, err)
	}
	return token, nil
}
