package bluesky

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"martinella/channels"
)

// Config is an account's entry in the configuration.
type Config struct {
	PDS          string `yaml:"pds"`           // the server that keeps the account; default https://bsky.social
	Handle       string `yaml:"handle"`        // comune.example.bsky.social, or the account's DID
	PasswordFile string `yaml:"password_file"` // an app password: not the account's own
	Language     string `yaml:"language"`      // the account's only language; "" posts every language of an alert
	NoImage      bool   `yaml:"no_image"`      // posts go without the picture

	// PerSecond is the pace; default 1. A server takes 3,000 requests in five
	// minutes from one address (docs.bsky.app, rate limits); a post makes one to
	// three.
	PerSecond float64 `yaml:"per_second"`

	// PointsPerHour and PointsPerDay are what the account may write: 3 points a
	// post, 1 a deletion; default 5000 and 35000 (docs.bsky.app, rate limits).
	PointsPerHour int `yaml:"points_per_hour"`
	PointsPerDay  int `yaml:"points_per_day"`
}

const (
	bskySocial = "https://bsky.social"
	postPoints = 3
)

// handlePattern is a domain name of at least two labels (atproto.com/specs/handle).
var handlePattern = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// didPattern is an account's own identifier (atproto.com/specs/did).
var didPattern = regexp.MustCompile(`^did:(plc:[a-z2-7]{24}|web:[a-z0-9.-]+(%3[Aa][0-9]+)?)$`)

// plainHandle gives a handle as it is written in the configuration: people
// write @ before it.
func plainHandle(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "@")
	if strings.HasPrefix(s, "did:") {
		return s
	}
	return strings.ToLower(s)
}

func checkHandle(s string) error {
	if s == "" {
		return errors.New("handle is missing: write it like comune.example.bsky.social")
	}
	if len(s) > 253 || !handlePattern.MatchString(s) && !didPattern.MatchString(s) {
		return fmt.Errorf("handle %q: write it like comune.example.bsky.social, without @", s)
	}
	return nil
}

// check fills in the defaults and names every mistake at once.
func (c *Config) check(name string) (password string, err error) {
	c.PDS = strings.TrimRight(c.PDS, "/")
	if c.PDS == "" {
		c.PDS = bskySocial
	}
	c.Handle = plainHandle(c.Handle)
	if c.PerSecond == 0 {
		c.PerSecond = 1
	}
	if c.PointsPerHour == 0 {
		c.PointsPerHour = 5000
	}
	if c.PointsPerDay == 0 {
		c.PointsPerDay = 35000
	}
	errs := []error{channels.CheckName(name), channels.CheckURL("pds", c.PDS), checkHandle(c.Handle)}
	if c.PerSecond < 0 {
		errs = append(errs, errors.New("per_second must not be negative"))
	}
	if c.PointsPerHour < postPoints || c.PointsPerDay < postPoints {
		errs = append(errs, fmt.Errorf("points_per_hour and points_per_day must be at least %d, which is one post", postPoints))
	}
	password, err = channels.ReadSecret("password_file", c.PasswordFile)
	if err := errors.Join(append(errs, err)...); err != nil {
		return "", fmt.Errorf("bluesky %s: %w", name, err)
	}
	return password, nil
}
