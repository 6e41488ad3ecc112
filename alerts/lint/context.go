package lint

import (
	"net/url"
	"slices"
	"strings"

	"martinella/alerts"
)

// Context is what is known besides the alert. The zero value knows nothing:
// then no link and no telephone number is approved but the emergency ones.
type Context struct {
	Authority string   // speaks where an info names no sender
	Domains   []string // of the authority: "comune.example" stands for what is below it too
	Links     []string // approved addresses on other domains, up to what follows them
	Phones    []string // approved numbers, as people write them
	Languages []string // that a message should have; the first is the one of infos that name none

	// Previous is the revision before; nil for a first issue.
	Previous *alerts.Alert

	// Plain gives the text as a text message can carry it cheaply, and reports
	// whether it could already; nil leaves costly characters alone.
	Plain func(text string) (plain string, cheap bool)
}

// emergencyNumbers need no register: 112 everywhere in the European Union, the
// Italian ones, and those of the emergency services in English.
var emergencyNumbers = []string{"112", "113", "115", "117", "118", "114", "1515", "1530", "116000", "116117", "999"}

func (c *Context) language() string {
	if len(c.Languages) > 0 {
		return c.Languages[0]
	}
	return "it-IT"
}

// knowsPhone reports whether the number is approved, however it is spaced.
func (c *Context) knowsPhone(number string) bool {
	bare := bareNumber(number)
	if slices.Contains(emergencyNumbers, bare) {
		return true
	}
	return slices.ContainsFunc(c.Phones, func(p string) bool { return bareNumber(p) == bare })
}

// bareNumber leaves the digits, without the Italian country code.
func bareNumber(number string) string {
	b := make([]byte, 0, 16)
	for i := range len(number) {
		if d := number[i]; d >= '0' && d <= '9' {
			b = append(b, d)
		}
	}
	s := string(b)
	plus := strings.HasPrefix(strings.TrimSpace(number), "+")
	switch {
	case plus && strings.HasPrefix(s, "39"):
		return s[2:]
	case strings.HasPrefix(s, "0039"):
		return s[4:]
	case plus:
		return "+" + s
	case strings.HasPrefix(s, "00"):
		return "+" + s[2:]
	}
	return s
}

// knowsHost reports whether the host is one of the authority's, or below one.
func (c *Context) knowsHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host != "" && slices.ContainsFunc(c.Domains, func(d string) bool {
		d = strings.ToLower(d)
		return d != "" && (host == d || strings.HasSuffix(host, "."+d))
	})
}

// knowsLink reports whether an address on another domain is approved.
func (c *Context) knowsLink(u *url.URL) bool {
	return slices.ContainsFunc(c.Links, func(one string) bool {
		have, err := url.Parse(one)
		if err != nil || !strings.EqualFold(have.Host, u.Host) || have.Scheme != u.Scheme || u.User != nil || strings.Contains(u.Path, "..") {
			return false
		}
		path := strings.TrimSuffix(have.Path, "/")
		return u.Path == path || strings.HasPrefix(u.Path, path+"/")
	})
}
