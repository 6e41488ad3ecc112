package main

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// FeedConfig is a source of official warnings of others.
type FeedConfig struct {
	Name        string        `yaml:"name"`
	URL         string        `yaml:"url"`         // Atom, RSS, EDXL-DE or one CAP message
	Every       time.Duration `yaml:"every"`       // between two readings; default 1m
	Language    string        `yaml:"language"`    // of messages that name none; default the authority's
	Areas       []string      `yaml:"areas"`       // codes that concern us, as in keys; none: the outlines decide
	Hazards     []string      `yaml:"hazards"`     // CAP categories; none: all
	Severity    string        `yaml:"severity"`    // the least; default Moderate
	Exercises   bool          `yaml:"exercises"`   // take Exercise too
	Hosts       []string      `yaml:"hosts"`       // beside its own, to which its links may lead
	Certificate string        `yaml:"certificate"` // PEM file, pinned: what it did not sign is left out
}

const (
	feedEvery   = time.Minute
	feedFastest = 15 * time.Second
	feedSlowest = 24 * time.Hour
)

// feedRules checks the feeds.
func (c *Config) feedRules(say sayFunc) {
	names, addresses := map[string]bool{}, map[string]bool{}
	for i := range c.Feeds {
		f := &c.Feeds[i]
		at := fmt.Sprintf("feeds[%d]", i)
		switch {
		case !slugForm.MatchString(f.Name):
			say(at+".name", "is "+quoted(f.Name), "2 to 32 of a-z, 0-9 and -, like dpc; it stands in metrics")
		case names[f.Name]:
			say(at+".name", "is "+quoted(f.Name)+", which another feed has", "give every feed its own name")
		}
		names[f.Name] = true
		u, err := url.Parse(f.URL)
		switch {
		case f.URL == "":
			say(at+".url", "is missing", "give the address of the feed, like https://dpc.example/cap/feed.atom")
		case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
			say(at+".url", "is no address that can be read", "write it like https://dpc.example/cap/feed.atom")
		case u.User != nil:
			say(at+".url", "holds a name and a password", "feeds are public: take them out")
		case addresses[f.URL]:
			say(at+".url", "is that of another feed", "name every feed once")
		}
		addresses[f.URL] = true
		f.rules(say, at)
	}
	for path, d := range map[string]time.Duration{"policy.warning_again": c.Policy.WarningAgain, "policy.warning_escalate": c.Policy.WarningEscalate} {
		if d < 0 {
			say(path, "is negative", "a time like 5m; leave it out for the usual one")
		}
	}
	again, everyone := c.Policy.WarningAgain, c.Policy.WarningEscalate
	if again == 0 {
		again = broadcast.WarningAgain
	}
	if everyone == 0 {
		everyone = broadcast.WarningEscalate
	}
	if again >= everyone {
		say("policy.warning_again", "is not before warning_escalate", "duty is rung once more first, then everyone: like 5m and 15m")
	}
}

// rules checks what a feed says beside its name and address.
func (f *FeedConfig) rules(say sayFunc, at string) {
	if f.Every != 0 && (f.Every < feedFastest || f.Every > feedSlowest) {
		say(at+".every", "is "+f.Every.String(), "between "+feedFastest.String()+" and "+feedSlowest.String()+"; leave it out for "+feedEvery.String())
	}
	if f.Language != "" && !langForm.MatchString(f.Language) {
		say(at+".language", "is "+quoted(f.Language), "write it like it-IT, or leave it out for the authority's")
	}
	if f.Severity != "" && !slices.Contains(alerts.Severities, alerts.Severity(f.Severity)) {
		say(at+".severity", "is "+quoted(f.Severity), "one of Extreme, Severe, Moderate, Minor, Unknown")
	}
	for j, h := range f.Hazards {
		if !slices.Contains(alerts.Categories, alerts.Category(h)) {
			say(fmt.Sprintf("%s.hazards[%d]", at, j), "is "+quoted(h), "a CAP category, like Met, Geo or Fire")
		}
	}
	for j, a := range f.Areas {
		if strings.TrimSpace(a) == "" || strings.ContainsAny(a, " ,;") {
			say(fmt.Sprintf("%s.areas[%d]", at, j), "is "+quoted(a), "a code, a beginning with *, or NAME=code, like EMMA_ID=IT009")
		}
	}
	for j, h := range f.Hosts {
		if h == "" || strings.ContainsAny(h, "/@ ") {
			say(fmt.Sprintf("%s.hosts[%d]", at, j), "is "+quoted(h), "a host alone, like cap.dpc.example")
		}
	}
	if f.Certificate != "" {
		if _, err := readCertificate(f.Certificate); err != nil {
			say(at+".certificate", err.Error(), "name a PEM file with the certificate of who signs")
		}
	}
}

// feeds are those that the gateway reads; the rules have proved that
// certificates can be read.
func (c *Config) feeds() ([]broadcast.Feed, error) {
	var all []broadcast.Feed
	for _, f := range c.Feeds {
		out := broadcast.Feed{Name: f.Name, URL: f.URL, Every: f.Every, Language: f.Language, Areas: f.Areas, Hazards: f.Hazards, Severity: alerts.Severity(f.Severity), Exercises: f.Exercises, Hosts: f.Hosts}
		if out.Every == 0 {
			out.Every = feedEvery
		}
		if out.Severity == "" {
			out.Severity = alerts.SeverityModerate
		}
		if f.Certificate != "" {
			var err error
			var cert *x509.Certificate
			if cert, err = readCertificate(f.Certificate); err != nil {
				return nil, err
			}
			out.Certificate = cert
		}
		all = append(all, out)
	}
	return all, nil
}

// feedNotes tells of feeds that would bring what concerns nobody here.
func (c *Config) feedNotes() []string {
	var out []string
	for _, f := range c.Feeds {
		if len(f.Areas) == 0 && c.gazetteer == nil {
			out = append(out, "feed "+f.Name+": without areas, there or in the configuration, every warning of it rings: write the codes that concern you under its areas")
		}
		if strings.HasPrefix(f.URL, "http:") && f.Certificate == "" {
			out = append(out, "feed "+f.Name+": http without a certificate proves nothing: whoever is on the way can invent warnings")
		}
	}
	return out
}
