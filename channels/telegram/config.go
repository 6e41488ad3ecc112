package telegram

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"martinella/channels"
)

// server is where the Bot API is.
const server = "https://api.telegram.org"

// Config is a channel's entry in the configuration.
type Config struct {
	Chat      string `yaml:"chat"`       // -1001234567890, or @name of a public channel or group
	TokenFile string `yaml:"token_file"` // of the bot, from @BotFather
	TestChat  string `yaml:"test_chat"`  // of the office alone, for test posts; "" is none
	Language  string `yaml:"language"`   // the chat's only language; "" posts every language of an alert
	Image     *bool  `yaml:"image"`      // the picture goes along, and texts end at 1024; nil is yes
	Pin       *bool  `yaml:"pin"`        // the current alert of extreme danger is pinned; nil is yes
	URL       string `yaml:"url"`        // of a Bot API server; "" is Telegram's own
}

var (
	// tokenForm is what @BotFather gives: the bot's number and a key of at least
	// 24 characters (telegram-bot-api, Client.cpp).
	tokenForm = regexp.MustCompile(`^[0-9]{3,20}:[A-Za-z0-9_-]{24,100}$`)
	// chatForm is a number, or a public name: 4 to 32 characters, some old ones
	// are short.
	chatForm = regexp.MustCompile(`^(?:-?[1-9][0-9]{0,18}|@[A-Za-z][A-Za-z0-9_]{3,31})$`)
)

var errToken = errors.New("this is no token of a bot: it looks like 123456789:AAF... and comes from @BotFather")

// check fills in the defaults and names every mistake at once.
func (c *Config) check(name string) (token string, err error) {
	c.URL = strings.TrimRight(c.URL, "/")
	if c.URL == "" {
		c.URL = server
	}
	errs := []error{channels.CheckName(name), channels.CheckURL("url", c.URL)}
	switch {
	case c.Chat == "":
		errs = append(errs, errors.New("chat is missing: the number of the channel, -100..., or its @name"))
	case !chatForm.MatchString(c.Chat):
		errs = append(errs, errors.New("chat is neither a number like -1001234567890 nor a name like @comune"))
	}
	if c.TestChat != "" && !chatForm.MatchString(c.TestChat) {
		errs = append(errs, errors.New("test_chat is neither a number nor a name like @office"))
	}
	if c.TestChat != "" && strings.EqualFold(c.TestChat, c.Chat) {
		errs = append(errs, errors.New("test_chat is the chat itself: the public would see the test"))
	}
	token, err = channels.ReadSecret("token_file", c.TokenFile)
	if err == nil && !tokenForm.MatchString(token) {
		err = fmt.Errorf("token_file: %s: %w", c.TokenFile, errToken)
	}
	if err := errors.Join(append(errs, err)...); err != nil {
		return "", fmt.Errorf("telegram %s: %w", name, err)
	}
	return token, nil
}

func (c *Config) image() bool { return c.Image == nil || *c.Image }
func (c *Config) pin() bool   { return c.Pin == nil || *c.Pin }
