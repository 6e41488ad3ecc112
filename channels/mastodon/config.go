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
	TokenFile  string `yaml:"token_file"` // of an application with the scopes read, write:statuses and write:media
	Language   string `yaml:"language"`   // the account's only language; "" posts every language of an alert
	Visibility string `yaml:"visibility"` // public (default), unlisted, private
	MaxChars   int    `yaml:"max_chars"`  // of a post; default 500, as Mastodon; the check compares it with the server
	LinkChars  int    `yaml:"link_chars"` // what a link counts; default 23, as Mastodon
	NoImage    bool   `yaml:"no_image"`   // words alone: the server takes no PNG

	// PerSecond is the pace; default 0.5. Mastodon allows 300 requests in five
	// minutes for an account (docs.joinmastodon.org/api/rate-limits), and a post
	// with a picture takes two or three.
	PerSecond float64 `yaml:"per_second"`
	// PerHour is how many posts an hour; default 60. Mastodon takes 30 pictures
	// and 30 deletions in half an hour (ibid.).
	PerHour int `yaml:"per_hour"`
}

// leastChars has room for a mark, a few words of what to do and a link.
const leastChars = 100

// What Mastodon is delivered with (docs.joinmastodon.org/entities/Instance).
const (
	usualChars     = 500
	usualLinkChars = 23
)

// scopes are what the token is for (docs.joinmastodon.org/api/oauth-scopes).
const scopes = "read write:statuses write:media"

// visibilities are those that somebody beside the account sees.
var visibilities = []string{"public", "unlisted", "private"}

// check fills in the defaults and names every mistake at once.
func (c *Config) check(name string) (token string, err error) {
	c.URL = strings.TrimRight(c.URL, "/")
	if c.Visibility == "" {
		c.Visibility = "public"
	}
	if c.MaxChars == 0 {
		c.MaxChars = usualChars
	}
	if c.LinkChars == 0 {
		c.LinkChars = usualLinkChars
	}
	if c.PerSecond == 0 {
		c.PerSecond = 0.5
	}
	if c.PerHour == 0 {
		c.PerHour = 60
	}
	errs := []error{channels.CheckName(name), channels.CheckURL("url", c.URL)}
	if !slices.Contains(visibilities, c.Visibility) {
		errs = append(errs, fmt.Errorf("visibility %q: use public, unlisted or private", c.Visibility))
	}
	if c.MaxChars < leastChars {
		errs = append(errs, fmt.Errorf("max_chars is %d, less than %d leaves no room for an alert", c.MaxChars, leastChars))
	}
	if c.LinkChars < 0 || c.PerSecond < 0 || c.PerHour < 0 {
		errs = append(errs, errors.New("link_chars, per_second and per_hour must not be negative"))
	}
	token, err = channels.ReadSecret("token_file", c.TokenFile)
	if err := errors.Join(append(errs, err)...); err != nil {
		return "", fmt.Errorf("mastodon %s: %w", name, err)
	}
	return token, nil
}
