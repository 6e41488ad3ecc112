package webpush

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// service is a push service as it is known here.
type service struct {
	name  string // for people; never that of one which only a stranger knows
	known bool
}

// knownServices are those of the browsers. Only their subscriptions are taken
// from strangers, see [Channel.Admit]; and what one of them answers is believed:
// of any other, which an operator's list may name, only what concerns the one
// recipient.
var knownServices = []string{
	// Chrome, Edge and most others on Android, Opera, Brave; the second one for
	// Chromium that is not Chrome: chromium.googlesource.com/chromium/src,
	// components/push_messaging/push_messaging_constants.cc.
	"fcm.googleapis.com", "jmt17.google.com",
	// Firefox: github.com/mozilla-services/autopush-rs, README ("the default Push
	// server url").
	".push.services.mozilla.com",
	// Edge on Windows: learn.microsoft.com, "Enterprise Firewall Configurations to
	// Support WNS Traffic".
	".notify.windows.com",
	// Safari: webkit.org/blog/12945/meet-web-push ("any subdomain of
	// push.apple.com").
	".push.apple.com",
}

// stranger is the name of every other one.
const stranger = "a push service that is not known here"

// listed finds the endpoint's host in the lists of known services.
func (c *Channel) listed(endpoint *url.URL) (name string, known bool) {
	host := strings.ToLower(endpoint.Hostname())
	for _, list := range [][]string{knownServices, c.config.Services} {
		for _, s := range list {
			if host == s || strings.HasPrefix(s, ".") && strings.HasSuffix(host, s) {
				return strings.TrimPrefix(s, "."), true
			}
		}
	}
	return "", false
}

// serviceOf finds the service of an endpoint.
func (c *Channel) serviceOf(endpoint *url.URL) service {
	if name, known := c.listed(endpoint); known {
		return service{name: name, known: true}
	}
	if c.config.AllowPrivate {
		return service{name: "the push service of this machine", known: true}
	}
	return service{name: stranger}
}

// admits judges the endpoint before anybody is asked where its name leads:
// https at its usual port, and a name of the public kind. The guard judges the
// address itself once it is known.
func (c *Channel) admits(endpoint *url.URL) bool {
	if c.config.AllowPrivate {
		return true
	}
	host := strings.ToLower(endpoint.Hostname())
	_, err := netip.ParseAddr(host)
	top := host[strings.LastIndexByte(host, '.')+1:]
	return endpoint.Scheme == "https" && (endpoint.Port() == "" || endpoint.Port() == "443") && err != nil &&
		strings.Contains(host, ".") && strings.ContainsAny(top, "abcdefghijklmnopqrstuvwxyz") && !slices.Contains([]string{"local", "localhost", "internal", "home", "lan", "intranet"}, top)
}
