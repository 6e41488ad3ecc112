package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/broadcast"
	"martinella/channels"
)

// OperatorConfig is somebody who runs the gateway, and is told of every alert
// that goes out: by mail, in a chat, or both.
type OperatorConfig struct {
	Name     string `yaml:"name"`
	Email    string `yaml:"email"`
	URLFile  string `yaml:"url_file"` // holds the address of a chat's incoming webhook, which is its own secret
	Language string `yaml:"language"` // it or en; "": the authority's
}

// operatorRules checks who is told.
func (c *Config) operatorRules(say sayFunc) {
	names := map[string]bool{}
	mails := slices.ContainsFunc(c.Channels, func(ch ChannelConfig) bool { return ch.Kind == "email" })
	for i := range c.Operators {
		o := &c.Operators[i]
		at := fmt.Sprintf("operators[%d]", i)
		switch {
		case strings.TrimSpace(o.Name) == "":
			say(at+".name", "is missing", "say who is told, like CED or on call; it stands in the console")
		case names[o.Name]:
			say(at+".name", "is "+quoted(o.Name)+", which another one has", "give each their own name")
		}
		names[o.Name] = true
		if o.Email == "" && o.URLFile == "" {
			say(at, "says no way to tell anybody", "give an email, a url_file, or both")
		}
		if a, err := mail.ParseAddress(o.Email); o.Email != "" && (err != nil || a.Address != o.Email) {
			say(at+".email", "is no mail address", "write it like ced@comune.example")
		}
		if o.Email != "" && !mails {
			say(at+".email", "cannot be reached: there is no channel of the kind email", "add one to channels, or use url_file")
		}
		if o.URLFile != "" {
			if _, err := o.address(); err != nil {
				say(at+".url_file", err.Error(), "write the address alone, https://..., into a file that only the gateway may read")
			}
		}
		if o.Language != "" && !slices.Contains(lexicon.RingLanguages, o.Language) {
			say(at+".language", "is "+quoted(o.Language), "one of "+strings.Join(lexicon.RingLanguages, ", ")+"; leave it out for the authority's")
		}
	}
}

// address reads the URL; the error does not hold it.
func (o *OperatorConfig) address() (string, error) {
	b, err := os.ReadFile(o.URLFile)
	if err != nil {
		return "", errors.New("cannot be read")
	}
	text := strings.TrimSpace(string(b))
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("holds no address")
	case u.Scheme == "http" && !onLoopback(text):
		return "", errors.New("holds an address that is not encrypted")
	}
	return text, nil
}

// operators are who is told; the rules have proved that they can be.
func (c *Config) operators() []broadcast.Operator {
	out := make([]broadcast.Operator, len(c.Operators))
	for i := range c.Operators {
		o := &c.Operators[i]
		out[i] = broadcast.Operator{Name: o.Name, Email: o.Email, Language: o.Language}
		if o.Language == "" {
			out[i].Language = alerts.PrimaryLanguage(c.Authority.Language)
		}
		if o.URLFile != "" {
			out[i].Hook = o.hook
		}
	}
	return out
}

// hookTime bounds one notice to a chat.
const hookTime = 15 * time.Second

// hook writes into a chat as Slack, Mattermost and others take it: JSON with
// the field text. No error holds the address, which is a secret.
func (o *OperatorConfig) hook(ctx context.Context, subject, text string) error {
	address, err := o.address() // read again: it may have been replaced
	if err != nil {
		return fmt.Errorf("url_file %w", err)
	}
	body, err := json.Marshal(map[string]string{"text": subject + "\n" + text})
	if err != nil {
		return channels.Permanent(err)
	}
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return channels.Permanent(errors.New("url_file holds no address"))
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if told, ok := errors.AsType[*url.Error](err); ok {
			err = told.Err
		}
		return fmt.Errorf("the webhook does not answer: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	switch s := resp.StatusCode; {
	case s < 300:
		return nil
	case s < 500 && s != http.StatusRequestTimeout && s != http.StatusTooManyRequests:
		return channels.Permanent(fmt.Errorf("the webhook answers %d", s))
	default:
		return fmt.Errorf("the webhook answers %d", s)
	}
}
