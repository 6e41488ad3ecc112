package pressroom

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"martinella/channels"
)

// Config is a press room's entry in the configuration.
type Config struct {
	Shape    string `yaml:"shape"`    // slack, mattermost, discord or template
	URLFile  string `yaml:"url_file"` // holds the address of the incoming webhook, which is a secret
	Template string `yaml:"template"` // of the body, for the shape template: Go's text/template over [Data], giving JSON
	Username string `yaml:"username"` // who the posts are from, for discord and mattermost; "" is the hook's own name
	Language string `yaml:"language"` // the only language of the room; "" posts every language of an alert
	NoImage  bool   `yaml:"no_image"` // words alone, for discord

	// Max is how many characters a post may have; default 2000 for discord,
	// which takes no more, 4000 for the others: Slack asks for no more
	// (docs.slack.dev, chat.postMessage) and older Mattermost take no more.
	Max int `yaml:"max"`
	// PerSecond is the pace; default 1, as Slack allows a hook
	// (docs.slack.dev/apis/web-api/rate-limits), for discord 0.5: its limits are
	// not documented, and thirty a minute are reported.
	PerSecond float64 `yaml:"per_second"`
}

// The shapes.
const (
	shapeSlack      = "slack"
	shapeMattermost = "mattermost"
	shapeDiscord    = "discord"
	shapeTemplate   = "template"
)

var shapes = []string{shapeSlack, shapeMattermost, shapeDiscord, shapeTemplate}

// What a post may have of characters.
const (
	discordMost = 2000 // discord.com/developers/docs/resources/webhook, "Execute Webhook"
	usualMost   = 4000
	leastChars  = 200 // room for a mark, a few words of what to do and a link
)

// usernameMost is the longest name of a Discord webhook (ibid., "Create Webhook").
const usernameMost = 80

// check fills in the defaults, names every mistake at once and gives the address
// of the hook.
func (c *Config) check(name string) (*url.URL, error) {
	discord := c.Shape == shapeDiscord
	if c.Max == 0 {
		c.Max = usualMost
		if discord {
			c.Max = discordMost
		}
	}
	if c.PerSecond == 0 {
		c.PerSecond = 1
		if discord {
			c.PerSecond = 0.5
		}
	}
	errs := []error{channels.CheckName(name)}
	say := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	say(!slices.Contains(shapes, c.Shape), "shape %q: use %s", c.Shape, strings.Join(shapes, ", "))
	say(c.Shape == shapeTemplate && c.Template == "", "template is missing: the body of a post, like {\"text\": {{json .Text}}}")
	say(c.Shape != shapeTemplate && c.Template != "", "template is for the shape template")
	say(c.Max < leastChars, "max is %d, less than %d leaves no room for an alert", c.Max, leastChars)
	say(discord && c.Max > discordMost, "max is %d, discord takes %d", c.Max, discordMost)
	say(c.PerSecond < 0, "per_second is negative")
	say(c.NoImage && !discord, "no_image is for discord: the others get no pictures")
	if c.Username != "" {
		lower := strings.ToLower(c.Username)
		say(!discord && c.Shape != shapeMattermost, "username is for discord and mattermost")
		say(utf8.RuneCountInString(c.Username) > usernameMost, "username has more than %d characters", usernameMost)
		say(discord && (strings.Contains(lower, "discord") || strings.Contains(lower, "clyde")), "username: discord takes none with \"discord\" or \"clyde\" in it")
	}
	hook, err := c.hook()
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("pressroom %s: %w", name, err)
	}
	return hook, nil
}

// hook reads the address of the hook. Its error never repeats it.
func (c *Config) hook() (*url.URL, error) {
	text, err := channels.ReadSecret("url_file", c.URLFile)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("url_file does not hold an address like https://hooks.slack.com/services/T0/B0/abc")
	}
	ip, _ := netip.ParseAddr(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || !ip.IsLoopback()) {
		return nil, errors.New("url_file: the address must begin with https://, or everybody on the way could read it")
	}
	if c.Shape == shapeDiscord && !discordPath.MatchString(u.Path) {
		return nil, errors.New("url_file does not hold the address of a discord webhook, like https://discord.com/api/webhooks/123/abc")
	}
	return u, nil
}

// secrets are what no error may hold: the address, and what is secret in it.
func secrets(hook *url.URL) []string {
	out := []string{hook.String(), hook.RequestURI(), hook.Path}
	for part := range strings.SplitSeq(hook.Path, "/") {
		if len(part) >= 8 && part != "webhooks" && part != "services" {
			out = append(out, part)
		}
	}
	for _, values := range hook.Query() {
		for _, v := range values {
			if len(v) >= 8 {
				out = append(out, v)
			}
		}
	}
	return out
}
