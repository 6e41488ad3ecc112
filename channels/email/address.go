package email

import (
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// The limits of RFC 5321 section 4.5.3.1.
const (
	maxLocal   = 64
	maxAddress = 254
)

var errAddress = errors.New("this is no mail address that can be written to")

// route is an address in the form in which the server gets it.
type route struct {
	address string
	utf8    bool // it needs SMTPUTF8 (RFC 6531)
}

// routeOf judges an address and writes a domain outside ASCII as DNS has it.
// Only a local part outside ASCII needs a server that can do SMTPUTF8.
func routeOf(address string) (route, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || len(address) > maxAddress || !utf8.ValidString(address) {
		return route{}, errAddress
	}
	local, domain := address[:at], address[at+1:]
	if len(local) > maxLocal || strings.ContainsFunc(address, forbidden) {
		return route{}, errAddress
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !isDomain(ascii) {
		return route{}, errAddress
	}
	r := route{address: local + "@" + ascii, utf8: !isASCII(local)}
	parsed, err := mail.ParseAddress("<" + r.address + ">")
	if err != nil || parsed.Address != r.address || len(r.address) > maxAddress {
		return route{}, errAddress
	}
	return r, nil
}

// forbidden are the characters that are never part of an address that we write
// to: those that could end a command or a header, and quoting.
func forbidden(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`<>()[],;:"\`, r) ||
		r == utf8.RuneError || r == '\ufeff' || unicode.Is(unicode.Cf, r)
}

func isPlainAddress(address string) bool {
	_, err := routeOf(address)
	return err == nil
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

var domainName = regexp.MustCompile(`^(?i:[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)(?:\.(?i:[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?))*$`)

func isDomain(s string) bool { return len(s) <= 253 && domainName.MatchString(s) }

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// addressLike finds what could be an address in a server's words.
var addressLike = regexp.MustCompile(`[^\s<>()\[\],;:"']+@[^\s<>()\[\],;:"']+`)

// veil takes addresses and the texts given out of what a server said.
func veil(text string, hidden ...string) string {
	for _, h := range hidden {
		if h != "" {
			text = strings.ReplaceAll(text, h, "***")
		}
	}
	return addressLike.ReplaceAllString(text, "(address)")
}

// refused is the error for an answer of a server.
func refused(what string, code int, detail string, hidden ...string) error {
	detail = strings.Join(strings.Fields(veil(detail, hidden...)), " ")
	if len(detail) > 200 {
		detail = strings.ToValidUTF8(detail[:200], "") + "..."
	}
	return fmt.Errorf("the mail server answered %s with %d: %q", what, code, detail)
}
