package main

import (
	"fmt"
	"net/url"
	"strings"

	"martinella/alerts/lint"
	"martinella/channels"
	"martinella/dashboards/settings"
)

// WordsConfig is the register of what the authority's texts may name: the linter
// flags everything else.
type WordsConfig struct {
	Domains []string `yaml:"domains"` // its own, beside those of public_url and pages.site
	Links   []string `yaml:"links"`   // approved pages of others
	Phones  []string `yaml:"phones"`  // approved numbers, as people write them
}

// wordRules checks the register of words.
func (c *Config) wordRules(say sayFunc) {
	for i, d := range c.Words.Domains {
		if u, err := url.Parse("https://" + d); err != nil || u.Host != d || d == "" || strings.ContainsAny(d, "*:@ ") {
			say(fmt.Sprintf("words.domains[%d]", i), "is "+quoted(d), "write the name alone, like comune.example; what is below it is meant too")
		}
	}
	for i, l := range c.Words.Links {
		if !settings.CheckLink(l) {
			say(fmt.Sprintf("words.links[%d]", i), "is "+quoted(l), "write it like https://www.regione.example/meteo")
		}
	}
	for i, p := range c.Words.Phones {
		if !settings.CheckPhone(p) {
			say(fmt.Sprintf("words.phones[%d]", i), "is "+quoted(p), "write it as people dial it, like 0573 555 0100")
		}
	}
}

// words is what the linter knows of the authority.
func (c *Config) words() lint.Context {
	known := lint.Context{Authority: c.Authority.Name, Links: append([]string{}, c.Words.Links...), Phones: c.Words.Phones, Languages: []string{c.Authority.Language}, Plain: plainly}
	for _, site := range []string{c.PublicURL, c.Pages.Site} {
		if u, err := url.Parse(site); err == nil && u.Hostname() != "" {
			known.Domains = append(known.Domains, u.Hostname())
		}
	}
	known.Domains = append(known.Domains, c.Words.Domains...)
	for _, a := range c.Accounts {
		known.Links = append(known.Links, a.URL)
	}
	return known
}

// plainly gives a text in the alphabet of text messages.
func plainly(text string) (string, bool) {
	if _, ok := channels.Septets(text); ok {
		return text, true
	}
	plain, _ := channels.Transliterate(text)
	return plain, false
}
