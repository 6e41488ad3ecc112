package pressroom

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// secret is the part of the hooks' addresses that lets anybody post.
const secret = "Xk3y1nP4thOfTheH00k"

// paths are those of the vendors' own examples.
var paths = map[string]string{
	shapeSlack:      "/services/T00000000/B00000000/" + secret,
	shapeMattermost: "/hooks/" + secret,
	shapeDiscord:    "/api/webhooks/223704706495545344/" + secret,
	shapeTemplate:   "/in/" + secret + "?key=" + secret,
}

const bodyTemplate = `{"message": {{json .Text}}, "level": {{json .Severity}}, "drill": {{.Exercise}}}`

func file(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, shape, baseURL string, change func(*Config)) channels.Channel {
	t.Helper()
	config := Config{Shape: shape, URLFile: file(t, baseURL+paths[shape])}
	if shape == shapeTemplate {
		config.Template = bodyTemplate
	}
	if change != nil {
		change(&config)
	}
	c, err := New("redazione", config, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestGolden(t *testing.T) {
	c := open(t, shapeDiscord, "https://discord.example", nil)
	channeltest.Golden(t, c)
	channeltest.GoldenPosts(t, c)
}

// Only what a shape can do is there to be found.
func TestAbilities(t *testing.T) {
	for _, shape := range shapes {
		c := open(t, shape, "https://chat.example", nil)
		_, amends := c.(channels.Amender)
		_, edits := c.(channels.Editor)
		_, withdraws := c.(channels.Withdrawer)
		_, checks := c.(channels.Checker)
		for name, can := range map[string]bool{"amend": amends, "edit": edits, "withdraw": withdraws, "check": checks} {
			if can != (shape == shapeDiscord) {
				t.Errorf("%s: can %s: %v", shape, name, can)
			}
		}
		if _, finds := c.(channels.Finder); finds {
			t.Errorf("%s can find", shape)
		}
		if _, err := c.(channels.Rehearser).Rehearse(t.Context(), "Prova"); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s rehearses: %v", shape, err)
		}
		words := c.(channels.Renewer).Renewal()
		if !strings.Contains(words, "/hook") || strings.Contains(words, secret) {
			t.Errorf("%s: %q", shape, words)
		}
		if m, err := c.Render(channeltest.Sample(channeltest.Actual)); err != nil || (m[0].Image != nil) != (shape == shapeDiscord) {
			t.Errorf("%s: picture %+v, %v", shape, m[0].Image, err)
		}
	}
}

func TestLimits(t *testing.T) {
	for shape, want := range map[string]struct {
		pace float64
		max  int
	}{shapeSlack: {1, 4000}, shapeMattermost: {1, 4000}, shapeTemplate: {1, 4000}, shapeDiscord: {0.5, 2000}} {
		c := open(t, shape, "https://chat.example", nil)
		limit, measure := c.(channels.Limiter).Limit(), c.(channels.Measurer).Measure("è")
		if limit.PerSecond != want.pace || limit.Window != 1 || measure.Max != want.max || measure.Used != 1 || measure.Unit != "chars" {
			t.Errorf("%s: %+v, %+v", shape, limit, measure)
		}
	}
	c := open(t, shapeSlack, "https://chat.example", func(c *Config) { c.Max, c.PerSecond = 300, 3 })
	if got := c.(channels.Limiter).Limit().PerSecond; got != 3 {
		t.Errorf("%v a second", got)
	}
	if m := c.(channels.Measurer).Measure("a & b"); m.Max != 300 || m.Used != len("a &amp; b") {
		t.Errorf("%+v: what is sent is counted", m)
	}
}

// A sender's characters that take more room when they are made harmless do not
// make a post too long.
func TestEscapedTextsFit(t *testing.T) {
	for _, shape := range shapes {
		c := open(t, shape, "https://chat.example", func(c *Config) { c.Max = 300 })
		r := channeltest.Sample(channeltest.Actual)
		for i := range r.Alert.Infos {
			r.Alert.Infos[i].Description = strings.Repeat("<*_&_*> ", 100)
			r.Alert.Infos[i].Instruction = strings.Repeat("Salite & restate <lì>. ", 30)
		}
		messages, err := c.Render(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			if n := channels.UnitChars.Count(escapes[shape](m.Text)); n > 300 || n < 200 || !strings.Contains(m.Text, m.URL) {
				t.Errorf("%s: %d characters: %q", shape, n, m.Text)
			}
		}
	}
}

func TestRoomOfOneLanguage(t *testing.T) {
	c := open(t, shapeSlack, "https://chat.example", func(c *Config) { c.Language = "en" })
	messages, err := c.Render(channeltest.Sample(channeltest.Actual))
	if err != nil || len(messages) != 1 || messages[0].Language != "en" {
		t.Errorf("got %+v, %v", messages, err)
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	good := "https://hooks.slack.com" + paths[shapeSlack]
	for name, c := range map[string]struct {
		name   string
		config Config
		hook   string
		want   []string
	}{
		"nothing given":           {"", Config{}, "", []string{"name", `shape ""`, "url_file"}},
		"all of it wrong":         {"Press!", Config{Shape: "teams", Max: 10, PerSecond: -1, NoImage: true, Username: strings.Repeat("x", 81)}, "hooks.slack.com/" + secret, []string{"name", "shape", "max is 10", "per_second", "no_image", "username is for", "more than 80", "url_file does not hold"}},
		"not encrypted":           {"press", Config{Shape: shapeSlack}, "http://hooks.example" + paths[shapeSlack], []string{"must begin with https"}},
		"a password in it":        {"press", Config{Shape: shapeSlack}, "https://user:" + secret + "@hooks.example/x", []string{"url_file does not hold"}},
		"another one's address":   {"press", Config{Shape: shapeDiscord}, good, []string{"discord webhook"}},
		"discord's other forms":   {"press", Config{Shape: shapeDiscord}, "https://discord.com" + paths[shapeDiscord] + "/slack", []string{"discord webhook"}},
		"longer than discord":     {"press", Config{Shape: shapeDiscord, Max: 2001}, "https://discord.com" + paths[shapeDiscord], []string{"discord takes 2000"}},
		"discord's names":         {"press", Config{Shape: shapeDiscord, Username: "Discord-Allerta"}, "https://discord.com" + paths[shapeDiscord], []string{"takes none with"}},
		"no template":             {"press", Config{Shape: shapeTemplate}, good, []string{"template is missing"}},
		"a template for slack":    {"press", Config{Shape: shapeSlack, Template: "{}"}, good, []string{"template is for"}},
		"a template that is none": {"press", Config{Shape: shapeTemplate, Template: "{{"}, good, []string{"template:"}},
		"a field that is none":    {"press", Config{Shape: shapeTemplate, Template: `{"a": {{json .Nope}}}`}, good, []string{"template:", "Nope"}},
		"quotes of its own":       {"press", Config{Shape: shapeTemplate, Template: `{"a": "{{.Text}}"}`}, good, []string{"not JSON"}},
		"JSON only sometimes":     {"press", Config{Shape: shapeTemplate, Template: `{"a": {{.Sent}}}`}, good, []string{"not JSON"}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.hook != "" {
				c.config.URLFile = file(t, c.hook)
			}
			_, err := New(c.name, c.config, channeltest.Settings(), zap.NewNop())
			if err == nil {
				t.Fatal("taken")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), secret) {
				t.Error("the error holds the secret")
			}
		})
	}
}

func TestSecretsAreThePartsOfTheAddress(t *testing.T) {
	for _, shape := range shapes {
		c := Config{Shape: shape, URLFile: file(t, "https://chat.example"+paths[shape])}
		hook, err := c.hook()
		if err != nil {
			t.Fatal(err)
		}
		got := secrets(hook)
		if !slices.Contains(got, secret) || !slices.Contains(got, hook.String()) || slices.Contains(got, "webhooks") {
			t.Errorf("%s: %v", shape, got)
		}
	}
}
