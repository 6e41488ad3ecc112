package lint

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// topDomains are those for which a bare "name.tld" in a text is taken for an
// address; after "://" or "www." everything is one.
var topDomains = set([]string{"it", "com", "org", "net", "eu", "info", "gov", "edu", "io", "me", "ly", "gl", "co", "app", "link", "site", "online", "click", "top", "xyz", "biz", "ch", "at", "de", "fr", "si", "uk", "ru", "cn", "us", "tv", "example", "test", "alert", "page", "shop", "live", "zip", "sm", "va", "tk"})

// downloads are ends of addresses that install something.
var downloads = []string{".apk", ".exe", ".msi", ".dmg", ".zip", ".ipa", ".jar", ".scr"}

// links finds addresses that lead away from the authority, are not protected,
// or download something.
func (r *reader) links(text string) {
	if strings.IndexByte(text, '.') < 0 && !strings.Contains(text, "://") {
		return
	}
	for i := 0; i < len(text) && !r.full(); {
		c, size := utf8.DecodeRuneInString(text[i:])
		if unicode.IsSpace(c) || strings.ContainsRune(`<>"()[]«»“”`, c) {
			i += size
			continue
		}
		end := i
		for end < len(text) {
			c, size := utf8.DecodeRuneInString(text[end:])
			if unicode.IsSpace(c) || strings.ContainsRune(`<>"()[]«»“”`, c) {
				break
			}
			end += size
		}
		start, stop := i, i+len(strings.TrimRight(text[i:end], ".,;:!?'’…"))
		i = end
		if start < stop {
			r.link(text, start, stop)
		}
	}
}

// link judges one run of characters without a space.
func (r *reader) link(text string, start, end int) {
	one := text[start:end]
	scheme := strings.Index(one, "://")
	if scheme > 0 { // "pagina:https://..." has words before it
		for n := scheme - 1; n >= 0 && (one[n] >= 'a' && one[n] <= 'z' || one[n] >= 'A' && one[n] <= 'Z'); n-- {
			scheme = n
		}
		start += scheme
		one = text[start:end]
	}
	if at := strings.IndexByte(one, '@'); scheme < 0 && at > 0 {
		if host := one[at+1:]; looksLikeHost(host) && !r.c.knowsHost(host) {
			r.at(ForeignLink, text, start, end, "")
		}
		return
	}
	u, ok := address(one)
	if !ok {
		return
	}
	low := strings.ToLower(u.Path)
	for _, ending := range downloads {
		if strings.HasSuffix(low, ending) {
			r.at(AsksDownload, text, start, end, "")
			return
		}
	}
	known := r.c.knowsHost(u.Hostname()) && u.User == nil
	switch {
	case !known && !r.c.knowsLink(u):
		r.at(ForeignLink, text, start, end, "")
	case u.Scheme == "http":
		r.at(InsecureLink, text, start, end, "https"+one[len("http"):])
	}
}

// address reads what people would follow as a link. What has the form of one
// and cannot be read is one without a host, which nobody knows.
func address(one string) (u *url.URL, ok bool) {
	if strings.Contains(one, "://") {
		if u, err := url.Parse(one); err == nil && !strings.Contains(one, `\`) {
			u.Scheme = strings.ToLower(u.Scheme)
			return u, true
		}
		return &url.URL{}, true
	}
	host, rest, path := strings.Cut(one, "/")
	low := strings.ToLower(host)
	if !strings.HasPrefix(low, "www.") && !looksLikeHost(low) {
		return nil, false
	}
	u = &url.URL{Scheme: "https", Host: low}
	if path {
		u.Path = "/" + rest
	}
	return u, true
}

// looksLikeHost reports whether a text is a host name with a known end.
func looksLikeHost(s string) bool {
	dot := strings.LastIndexByte(s, '.')
	if dot < 1 || !topDomains[strings.ToLower(s[dot+1:])] {
		return false
	}
	letters := 0
	for _, c := range s[:dot] {
		switch {
		case unicode.IsLetter(c):
			letters++
		case unicode.IsDigit(c), c == '-', c == '.':
		default:
			return false
		}
	}
	return letters > 1 && !strings.Contains(s, "..")
}
