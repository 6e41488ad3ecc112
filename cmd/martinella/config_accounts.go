package main

import (
	"fmt"
	"iter"
	"reflect"
	"regexp"
	"strings"

	"martinella/alerts"
	"martinella/channels"
	"martinella/dashboards"
	"martinella/dashboards/settings"
)

// AccountConfig is one official account in the register that the public sees.
type AccountConfig struct {
	Platform string `yaml:"platform"` // mastodon, bluesky, facebook, instagram, ...
	Name     string `yaml:"name"`     // as people know it there: "@comunepistoia"
	URL      string `yaml:"url"`      // of the profile
	Channel  string `yaml:"channel"`  // the configured one that posts there; "" where only people do
	Verified string `yaml:"verified"` // address of the platform's own proof, where there is one
	DID      string `yaml:"did"`      // of a Bluesky account whose handle is this gateway's domain
}

var (
	// didForm are the two methods that Bluesky takes (atproto.com/specs/did).
	didForm = regexp.MustCompile(`^did:(plc:[a-z2-7]{24}|web:[a-z0-9][a-z0-9.-]*[a-z0-9])$`)
)

// accountRules checks the register of official accounts.
func (c *Config) accountRules(say sayFunc) {
	known := map[string]bool{}
	for i := range c.Channels {
		known[c.Channels[i].Name] = true
	}
	seen, did := map[string]bool{}, ""
	for i, a := range c.Accounts {
		at := fmt.Sprintf("accounts[%d]", i)
		switch {
		case a.Platform == "":
			say(at+".platform", "is missing", "name it in lower case, like mastodon, bluesky, facebook, instagram")
		case !settings.PlatformForm.MatchString(a.Platform):
			say(at+".platform", "is "+quoted(a.Platform), "1 to 32 of a-z, 0-9 and -, like mastodon")
		}
		switch {
		case strings.TrimSpace(a.Name) == "":
			say(at+".name", "is missing", "write it as people know it there, like @comunevaldemo")
		case unprintable(a.Name):
			say(at+".name", "holds control characters", "write plain text: it is shown on pages")
		}
		switch {
		case a.URL == "":
			say(at+".url", "is missing", "give the address of the profile")
		case !settings.CheckAddress(a.URL):
			say(at+".url", "is "+quoted(a.URL), "write the address of the profile, like https://social.example/@comunevaldemo")
		case seen[a.URL]:
			say(at+".url", "is "+quoted(a.URL)+", which another account has", "name every account once")
		}
		seen[a.URL] = true
		if a.Channel != "" && !known[a.Channel] {
			say(at+".channel", "is "+quoted(a.Channel)+", which is no channel", "give the name of the channel that posts there, or leave it out")
		}
		if a.Verified != "" && !settings.CheckAddress(a.Verified) {
			say(at+".verified", "is "+quoted(a.Verified), "write the address where the platform says that the account is genuine")
		}
		switch {
		case a.DID == "":
			continue
		case !didForm.MatchString(a.DID):
			say(at+".did", "is "+quoted(a.DID), "copy it from the account's settings, like did:plc: and 24 characters")
		case a.Platform != "bluesky":
			say(at+".did", "is given for "+a.Platform, "only a Bluesky account has one")
		case did != "" && did != a.DID:
			say(at+".did", "is a second one", "one domain can be the handle of one account: keep the did of that one")
		}
		did = a.DID
	}
}

// hashtagRules checks the register of hashtags.
func (c *Config) hashtagRules(say sayFunc) {
	seen := map[string]bool{}
	for i, h := range c.Hashtags {
		at := fmt.Sprintf("hashtags[%d]", i)
		if unprintable(h.Event) {
			say(at+".event", "holds control characters", "write the event as alerts name it")
		}
		if h.Language != "" && !langForm.MatchString(h.Language) {
			say(at+".language", "is "+quoted(h.Language), "write it like it-IT, or leave it out for every language")
		}
		if len(h.Tags) == 0 {
			say(at+".tags", "is missing", "write them without the sign, like [allertameteoTOS]")
		}
		for j, tag := range h.Tags {
			if !channels.CheckHashtag(strings.TrimPrefix(strings.TrimSpace(tag), "#")) {
				say(fmt.Sprintf("%s.tags[%d]", at, j), "is "+quoted(tag), "letters, figures and _, not figures alone, at most 50 characters")
			}
		}
		key := strings.ToLower(strings.TrimSpace(h.Event)) + "\x00" + alerts.PrimaryLanguage(h.Language)
		if seen[key] {
			say(at+".event", "is "+quoted(h.Event)+", which stands here already", "put its hashtags into one entry")
		}
		seen[key] = true
	}
}

// accounts is the register as the pages show it.
func (c *Config) accounts() []dashboards.Account {
	posts := map[string]bool{}
	for i := range c.Channels {
		ch := &c.Channels[i]
		posts[ch.Name] = c.uses(ch) && !ch.kind.byHand
	}
	var all []dashboards.Account
	for _, a := range c.Accounts {
		all = append(all, dashboards.Account{Platform: a.Platform, Name: a.Name, URL: a.URL, Channel: a.Channel, Verified: a.Verified, DID: a.DID, AtOnce: posts[a.Channel]})
	}
	return all
}

// accountNotes tells of channels that post where the register names no account.
func (c *Config) accountNotes() []string {
	var out []string
	named := map[string]bool{}
	for _, a := range c.Accounts {
		named[a.Channel] = true
	}
	for i := range c.Channels {
		if ch := &c.Channels[i]; ch.kind.social && !ch.kind.byHand && !named[ch.Name] && c.uses(ch) {
			out = append(out, ch.Name+": its account is not in the register of official accounts: add it under accounts, with channel: "+ch.Name)
		}
		for j := range i {
			if one, other := &c.Channels[j], &c.Channels[i]; one.kind.social && one.Kind == other.Kind && reflect.DeepEqual(one.fields, other.fields) {
				out = append(out, other.Name+": it has the same account and settings as "+one.Name+", so everything is posted twice: take one of them away")
			}
		}
	}
	return out
}

// registers gives the lists of the register that hold anything, by key.
func (c *Config) registers() iter.Seq2[string, reflect.Value] {
	return func(yield func(string, reflect.Value) bool) {
		if len(c.Accounts) > 0 && !yield("accounts", reflect.ValueOf(c.Accounts)) {
			return
		}
		if len(c.Hashtags) > 0 {
			yield("hashtags", reflect.ValueOf(c.Hashtags))
		}
	}
}
