package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast/live"
	"martinella/channels"
	"martinella/dashboards"
)

// weakModes are the durabilities that accept_weak_durability may name.
var weakModes = []string{"everysec", "no", "unknown", "memory"}

// rules checks what the form of the file cannot say. Every mistake is added.
func (c *Config) rules(r *nodeReader) {
	say := func(path, what, hint string) {
		where, line := c.place(r, path)
		r.mistakes = append(r.mistakes, mistake{where, line, path + " " + what, hint})
	}
	if c.Mode != modeLive && c.Mode != modePractice {
		say("mode", "is "+quoted(c.Mode), "live, or practice for a gateway that warns nobody yet")
	}
	c.authorityRules(say)
	for path, addr := range map[string]string{"listen": c.Listen, "admin_listen": c.AdminListen} {
		if _, err := net.ResolveTCPAddr("tcp", addr); err != nil {
			say(path, "is "+quoted(addr), "write host:port, like 127.0.0.1:8080")
		}
	}
	if c.PublicURL != "" && !plainSite(c.PublicURL) {
		say("public_url", "is "+quoted(c.PublicURL), "write it like https://allerta.comune.example, without a path")
	}
	for i, p := range c.TrustedProxies {
		if _, err := parsePrefix(p); err != nil {
			say(fmt.Sprintf("trusted_proxies[%d]", i), "is "+quoted(p), "write an address or a prefix, like 10.0.0.0/8")
		}
	}
	for i, o := range c.Origins {
		if !plainSite(o) {
			say(fmt.Sprintf("origins[%d]", i), "is "+quoted(o), "write scheme and host, like https://www.comune.example")
		}
	}
	for i, o := range c.Embed.Origins {
		if !dashboards.Origin(o) {
			say(fmt.Sprintf("embed.origins[%d]", i), "is "+quoted(o), "write scheme and host and nothing behind, like https://www.comune.example")
		}
	}
	if _, err := c.signing(); err != nil {
		say("signing", err.Error(), "name the PEM files of an RSA key and of its certificate, or leave signing out")
	}
	c.tlsRules(say)
	c.redisRules(r, say)
	if c.Policy.SecondPersonReach < 0 {
		say("policy.second_person_reach", "is negative", "0 asks for a second person for every Actual alert")
	}
	if c.Limits.LiveClients < 0 {
		say("limits.live_clients", "is negative", "leave it out for 50,000")
	}
	if d := c.Limits.LiveFarewell; d < 0 || d > maxFarewell || d == 0 && r.given("limits.live_farewell") {
		say("limits.live_farewell", "is "+d.String(), "a time above 0 and up to "+maxFarewell.String()+", 1ms is at once; leave it out for 5s")
	}
	if p := live.Path(c.Limits.LivePath); p != "" && p != live.PathEpoll && p != live.PathGoroutines {
		say("limits.live_path", "is "+quoted(c.Limits.LivePath), "epoll (Linux) or goroutines; leave it out for the best that the system has")
	}
	c.channelRules(say)
	c.limitRules(say)
	c.senderRules(r, say)
	c.areaRules(say)
	c.feedRules(say)
	c.mirrorRules(say)
	c.operatorRules(say)
	c.volunteerRules(say)
	c.backupRules(say)
	c.accountRules(say)
	c.hashtagRules(say)
	c.wordRules(say)
	c.signUpRules(say)
	c.oidcRules(say)
}

// maxFarewell keeps a shutdown within what service managers wait (systemd:
// TimeoutStopSec, 90 s).
const maxFarewell = time.Minute

// place finds where a key was set.
func (c *Config) place(r *nodeReader, path string) (string, int) {
	for at := path; at != ""; {
		if line, ok := r.lines[at]; ok {
			if line == 0 {
				return envName(at), 0
			}
			return fmt.Sprintf("%s:%d", r.file, line), line
		}
		cut := strings.LastIndexAny(at, ".[")
		if cut < 0 {
			break
		}
		at = at[:cut]
	}
	if r.file != "" {
		return r.file, 0
	}
	return "configuration", 0
}

type sayFunc func(path, what, hint string)

func (c *Config) authorityRules(say sayFunc) {
	a := c.Authority
	if c.nobody && c.Mode == modeLive {
		say("mode", "is live without an authority", "set authority.slug, authority.name and authority.sender, or mode: practice")
	}
	if !slugForm.MatchString(a.Slug) {
		say("authority.slug", "is "+quoted(a.Slug), "2 to 32 of a-z, 0-9 and -; it can never be changed later")
	}
	if a.Name == "" {
		say("authority.name", "is missing", "it is shown on every page")
	}
	if a.Sender == "" || strings.ContainsAny(a.Sender, " \t,<&") {
		say("authority.sender", "is "+quoted(a.Sender), "an address or domain without spaces, commas, < and &: CAP wants it")
	}
	if !langForm.MatchString(a.Language) {
		say("authority.language", "is "+quoted(a.Language), "write it like it-IT")
	}
	if _, err := time.LoadLocation(a.Zone); err != nil || a.Zone == "" || a.Zone == "Local" {
		say("authority.zone", "is "+quoted(a.Zone), "write it like Europe/Rome")
	}
}

func (c *Config) channelRules(say sayFunc) {
	names, built := map[string]bool{}, map[string]channels.Channel{}
	for i := range c.Channels {
		ch, at := &c.Channels[i], fmt.Sprintf("channels[%d]", i)
		if !slugForm.MatchString(ch.Name) {
			say(at+".name", "is "+quoted(ch.Name), "2 to 32 of a-z, 0-9 and -; queued work finds its channel by it")
		}
		if names[ch.Name] {
			say(at+".name", "is "+quoted(ch.Name)+", which another channel has", "give every channel its own name")
		}
		names[ch.Name] = true
		if ch.Readers != "" && !slices.Contains(alerts.AllReaders, ch.Readers) {
			say(at+".readers", "is "+quoted(string(ch.Readers)), "public, staff, addressees or machines")
		}
		if ch.kind.build == nil {
			continue // of an unknown kind, which has been said
		}
		tried := *ch
		if !slugForm.MatchString(tried.Name) {
			tried.Name = "unnamed" // the adapter need not say it again
		}
		one, err := tried.build(c.settings(), c.Data, zap.NewNop())
		if err != nil {
			for _, p := range problemsIn(err) {
				say(strings.TrimSuffix(at+"."+p.Field, "."), p.Problem, p.Hint)
			}
			continue
		}
		built[ch.Name] = one
	}
	c.fallbackRules(built, say)
}

// joinedErrors is what errors.Join gives, also below the name of the adapter.
type joinedErrors interface {
	error
	Unwrap() []error
}

// problemsIn takes an adapter's joined errors apart.
func problemsIn(err error) alerts.Problems {
	if list, ok := errors.AsType[joinedErrors](err); ok {
		var all alerts.Problems
		for _, e := range list.Unwrap() {
			all = append(all, problemsIn(e)...)
		}
		return all
	}
	if p, ok := errors.AsType[alerts.Problem](err); ok {
		return alerts.Problems{p}
	}
	return alerts.Problems{{Problem: err.Error()}}
}

func (c *Config) senderRules(r *nodeReader, say sayFunc) {
	for i := range c.Senders {
		s, at := &c.Senders[i], fmt.Sprintf("senders[%d]", i)
		if s.Name == "" {
			say(at+".name", "is missing", "the records name who sent an alert")
		}
		if unprintable(s.Name) {
			say(at+".name", "holds control characters", "write plain text: it is shown in terminals and on pages")
		}
		if s.Certificate == "" {
			say(at+".certificate", "is missing", "name the PEM file of the sender's certificate")
		} else {
			s.Certificate = beside(r.file, s.Certificate)
			if _, err := readCertificate(s.Certificate); err != nil {
				say(at+".certificate", err.Error(), "name a PEM file with one certificate")
			}
		}
		if _, ps := rightsOf(s.Can, s.Areas, s.Hazards, s.SeverityMax, s.Status, nil, false); len(ps) > 0 {
			for _, p := range ps {
				say(at+"."+p.Field, p.Problem, p.Hint)
			}
		}
	}
}

// rightsOf reads rights as flags and files write them.
func rightsOf(can, areas, hazards []string, severityMax string, status, channels []string, self bool) (alerts.Rights, alerts.Problems) {
	var ps alerts.Problems
	for _, list := range []*[]string{&can, &areas, &hazards, &status, &channels} {
		*list = trimmed(*list)
	}
	r := alerts.Rights{SelfApprove: self, Areas: areas, Hazards: hazards, Channels: channels}
	if len(can) == 0 {
		ps = append(ps, alerts.Problem{Field: "can", Problem: "is missing", Hint: "submit, approve, issue, call or read"})
	}
	for _, v := range can {
		if !slices.Contains(alerts.Verbs, alerts.Verb(v)) {
			ps = append(ps, alerts.Problem{Field: "can", Problem: "is " + quoted(v), Hint: "submit, approve, issue, call or read"})
		}
		r.Verbs = append(r.Verbs, alerts.Verb(v))
	}
	for _, h := range hazards {
		if !slices.Contains(alerts.Categories, alerts.Category(h)) {
			ps = append(ps, alerts.Problem{Field: "hazards", Problem: "is " + quoted(h), Hint: "the categories of CAP: " + joinAll(alerts.Categories)})
		}
	}
	if severityMax != "" && !slices.Contains(alerts.Severities, alerts.Severity(severityMax)) {
		ps = append(ps, alerts.Problem{Field: "severity_max", Problem: "is " + quoted(severityMax), Hint: joinAll(alerts.Severities)})
	}
	r.MaxSeverity = alerts.Severity(severityMax)
	for _, s := range status {
		if !slices.Contains(alerts.Statuses, alerts.Status(s)) {
			ps = append(ps, alerts.Problem{Field: "status", Problem: "is " + quoted(s), Hint: joinAll(alerts.Statuses)})
		}
		r.Statuses = append(r.Statuses, alerts.Status(s))
	}
	if self && !slices.Contains(r.Verbs, alerts.VerbIssue) {
		ps = append(ps, alerts.Problem{Field: "self_approve", Problem: "is given without issue", Hint: "add issue to can"})
	}
	return r, ps
}

// trimmed takes the space around values off: people write "a, b".
func trimmed(values []string) []string {
	var out []string
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

func joinAll[T ~string](values []T) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}

func plainSite(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.User == nil
}

// parsePrefix reads an address or a prefix.
func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}

// readCertificate reads the first certificate of a PEM file.
func readCertificate(file string) (*x509.Certificate, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.New("cannot be read: " + plainPathError(err))
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("holds no certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}
