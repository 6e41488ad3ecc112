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

// knownServices are those of the browsers: Chrome, Edge and most others on
// Android; Firefox; Edge on Windows; Safari (Apple, "Sending web push
// notifications in web apps and browsers"). What one of them answers is
// believed: of any other only what concerns the one recipient.
var knownServices = []string{"fcm.googleapis.com", ".push.services.mozilla.com", ".notify.windows.com", ".push.apple.com"}

// stranger is the name of every other one.
const stranger = "a push service that is not known here"

// serviceOf finds the service of an endpoint.
func (c *Channel) serviceOf(endpoint *url.URL) service {
	host := strings.ToLower(endpoint.Hostname())
	for _, list := range [][]string{knownServices, c.config.Services} {
		for _, s := range list {
			if host == s || strings.HasPrefix(s, ".") && strings.HasSuffix(host, s) {
				return service{name: strings.TrimPrefix(s, "."), known: true}
			}
		}
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
