package facebook

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"martinella/channels"
)

// Config is a page's entry in the configuration.
type Config struct {
	Page          string `yaml:"page"`            // its numeric id
	TokenFile     string `yaml:"token_file"`      // a page access token with pages_manage_posts and pages_read_engagement
	AppID         string `yaml:"app_id"`          // of the app that the token was made with; lets the check see when the token ends
	AppSecretFile string `yaml:"app_secret_file"` // of the same app: every call then proves that it is ours
	Version       string `yaml:"version"`         // of the Graph API; default v25.0
	Graph         string `yaml:"graph"`           // its address; default https://graph.facebook.com
	Language      string `yaml:"language"`        // the page's only language; "" posts every language of an alert
	MaxChars      int    `yaml:"max_chars"`       // of a post; default 63206

	// PerSecond and PerHour are the pace; default 0.5 and 60. A page has 4,800
	// calls in 24 hours for each person who engaged with it, so 200 an hour for
	// the smallest (developers.facebook.com/docs/graph-api/overview/rate-limiting),
	// and a post takes up to three.
	PerSecond float64 `yaml:"per_second"`
	PerHour   int     `yaml:"per_hour"`
	Reserve   float64 `yaml:"reserve"` // part of PerHour that is kept for corrections; default 0.3
}

const (
	defaultGraph = "https://graph.facebook.com"

	// defaultVersion is usable for at least two years after the version that
	// followed it (developers.facebook.com/docs/apps/versions), which came in 2026.
	defaultVersion = "v25.0"

	// defaultChars is said of Facebook everywhere and documented nowhere. It is
	// counted in UTF-16 units, the strictest reading.
	defaultChars = 63206

	// leastChars has room for a mark, a few words of what to do and a link.
	leastChars = 100
)

var (
	numericID   = regexp.MustCompile(`^[0-9]{3,24}$`)
	versionForm = regexp.MustCompile(`^v[1-9][0-9]{0,2}\.[0-9]{1,2}$`)
)

// credentials are what the files hold.
type credentials struct {
	token  string
	secret string // of the app; "" where none is configured
}

// check fills in the defaults and names every mistake at once.
func (c *Config) check(name string) (credentials, error) {
	c.Graph = strings.TrimRight(c.Graph, "/")
	if c.Graph == "" {
		c.Graph = defaultGraph
	}
	if c.Version == "" {
		c.Version = defaultVersion
	}
	if c.MaxChars == 0 {
		c.MaxChars = defaultChars
	}
	if c.PerSecond == 0 {
		c.PerSecond = 0.5
	}
	if c.PerHour == 0 {
		c.PerHour = 60
	}
	if c.Reserve == 0 {
		c.Reserve = 0.3
	}
	errs := []error{channels.CheckName(name), channels.CheckURL("graph", c.Graph)}
	complain := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	complain(!numericID.MatchString(c.Page), "page %q: use the number of the page, not its name", c.Page)
	complain(c.AppID != "" && !numericID.MatchString(c.AppID), "app_id %q: use the number of the app", c.AppID)
	complain(c.AppID != "" && c.AppSecretFile == "", "app_id is given without app_secret_file: give both or neither")
	complain(!versionForm.MatchString(c.Version), "version %q: write it like %s", c.Version, defaultVersion)
	complain(c.MaxChars < leastChars || c.MaxChars > defaultChars, "max_chars is %d: use %d to %d", c.MaxChars, leastChars, defaultChars)
	complain(c.PerSecond < 0 || c.PerHour < 0, "per_second and per_hour must not be negative")
	complain(c.Reserve < 0 || c.Reserve > 0.9, "reserve is %v: a part of per_hour, up to 0.9", c.Reserve)
	var (
		out credentials
		err error
	)
	if out.token, err = channels.ReadSecret("token_file", c.TokenFile); err == nil && strings.ContainsFunc(out.token, isSpace) {
		err = errors.New("token_file: it holds more than one word, a token has no space in it")
	}
	errs = append(errs, err)
	if c.AppSecretFile != "" {
		out.secret, err = channels.ReadSecret("app_secret_file", c.AppSecretFile)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return credentials{}, fmt.Errorf("facebook %s: %w", name, err)
	}
	return out, nil
}

// isSpace also takes what a header must not hold.
func isSpace(r rune) bool { return r <= ' ' || r == 0x7f }
