package channels

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"
)

// linkWeight is what X counts for a link, however long it is.
const linkWeight = 23

// Weighted counts as X does (twitter-text 3.1.0, configuration v3): 280 is its
// limit; U+0000-10FF, 2000-200D, 2010-201F and 2032-2037 weigh one, the rest
// two, an emoji of whatever make two, a link or a bare domain 23. A link counts
// so only where its domain ends in one that exists: the address of a machine
// without a name in public counts letter by letter. Where twitter-text does not
// know an emoji, or takes it apart in another way, this count is never smaller.
func Weighted(text string) int {
	text = norm.NFC.String(text)
	n, at := 0, 0
	for _, l := range linksOn(text) {
		n += weightOf(text[at:l.from]) + linkWeight
		at = l.to
	}
	return n + weightOf(text[at:])
}

// weightOf counts a text without links.
func weightOf(text string) int {
	n, state := 0, -1
	for text != "" {
		var cluster string
		cluster, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
		n += clusterWeight(cluster)
	}
	return n
}

func weight(r rune) int {
	if r <= 0x10FF || (r >= 0x2000 && r <= 0x200D) || (r >= 0x2010 && r <= 0x201F) || (r >= 0x2032 && r <= 0x2037) {
		return 1
	}
	return 2
}

// span is a part of a text, in bytes.
type span struct{ from, to int }

// linksOn finds what X makes links of: addresses with a scheme, and domains
// without one where they are of Latin letters.
func linksOn(text string) []span {
	var out []span
	for at := 0; at < len(text); {
		before, size := utf8.DecodeRuneInString(text[at:])
		from := at + size
		end, found := 0, []span(nil)
		if mayPrecede(before) {
			end, found = linkAt(text, from, before)
		}
		if end == 0 && at == 0 {
			end, found = linkAt(text, 0, ' ')
		}
		if out = append(out, found...); end == 0 {
			end = from
		}
		at = end
	}
	return out
}

// mayPrecede reports whether a link may follow the character.
func mayPrecede(r rune) bool {
	return !(r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("@＠$#＃\ufffe\ufeff\uffff", r))
}

// What a path may hold, and what it may end with: a comma behind it is none of
// it, and braces come in pairs, at most two deep.
const (
	latinLetters = `\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{24F}\x{253}\x{254}\x{256}\x{257}\x{259}\x{25B}\x{263}\x{268}\x{26F}\x{272}\x{289}\x{28B}\x{2BB}\x{300}-\x{36F}\x{1E00}-\x{1EFF}`
	inPath       = `[a-zA-Z0-9\x{400}-\x{4FF}!*';:=+,.$/%#\[\]\-\x{2013}_~@|&` + latinLetters + `]`
	braced       = `\((?:` + inPath + `+|` + inPath + `*\(` + inPath + `+\)` + inPath + `*)\)`
	endsPath     = `[+\-a-zA-Z0-9\x{400}-\x{4FF}=_#/` + latinLetters + `]`
)

var (
	schemeForm = regexp.MustCompile(`^(?i:https?://)`)
	portForm   = regexp.MustCompile(`^:[0-9]+`)
	pathForm   = regexp.MustCompile(`^/(?:(?:` + inPath + `*(?:` + braced + inPath + `*)*` + endsPath + `)|` + braced + `|(?:@` + inPath + `+/))*`)
	queryForm  = regexp.MustCompile(`^\?[a-zA-Z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-zA-Z0-9\-_&=#/]`)
)

// linkAt matches a link that begins at from and gives its end; 0 for none. What
// counts as a link of it may be less, or several.
func linkAt(text string, from int, before rune) (end int, found []span) {
	scheme := len(schemeForm.FindString(text[from:]))
	host := from + scheme
	dots := domainAt(text[host:], false)
	if dots == 0 {
		return 0, nil
	}
	end = host + dots
	end += len(portForm.FindString(text[end:]))
	path := len(pathForm.FindString(text[end:]))
	end += path
	end += len(queryForm.FindString(text[end:]))
	if !resolvable(text[host : host+dots]) {
		return end, nil
	}
	if scheme > 0 {
		return end, []span{{from, end}}
	}
	if strings.ContainsRune("-_./", before) {
		return end, nil
	}
	for at := host; at < host+dots; {
		if n := domainAt(text[at:host+dots], true); n > 0 {
			found = append(found, span{at, at + n})
			at += n
			continue
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	if len(found) > 0 && path > 0 {
		found[len(found)-1].to = end
	}
	return end, found
}

// domainAt is the length of the domain that text begins with: labels, and one
// that exists as the last. plain: of Latin letters, as X wants them where nobody
// wrote https://.
func domainAt(text string, plain bool) int {
	best, label := 0, 0 // label is where the present one begins
	for i, r := range text {
		if r != '.' {
			if !inDomain(r) && r != '-' && (plain || r != '_') || plain && !latin(r) && r != '-' {
				break
			}
			continue
		}
		name := text[label:i]
		if name == "" || !plain && !wholeLabel(name) {
			break
		}
		if n := topLevelAt(text[i+1:]); n > 0 && !strings.Contains(name, "_") {
			best = i + 1 + n
		}
		label = i + 1
	}
	return best
}

// resolvable reports whether no label of a domain is too long (RFC 1035: 63
// octets, as machines write it).
func resolvable(domain string) bool {
	for label := range strings.SplitSeq(domain, ".") {
		if ascii, err := idna.ToASCII(label); err == nil && len(ascii) > 63 {
			return false
		}
	}
	return true
}

func wholeLabel(name string) bool {
	return !strings.HasPrefix(name, "-") && !strings.HasPrefix(name, "_") && !strings.HasSuffix(name, "-") && !strings.HasSuffix(name, "_")
}

// punycode is a domain outside Latin letters as machines write it.
var punycode = regexp.MustCompile(`^(?i:xn--[-0-9a-z]+)`)

// longestTopLevel bounds what is looked up.
const longestTopLevel = 64

// topLevelAt is the length of the top-level domain that text begins with. One
// of Latin letters ends with the word; behind another one anything may stand
// but a Latin letter.
func topLevelAt(text string) int {
	if n := len(punycode.FindString(text)); n > 0 {
		return n
	}
	var ends []int
	for i, r := range text {
		if i > longestTopLevel || !unicode.IsLetter(r) && !unicode.IsMark(r) || r < utf8.RuneSelf != (text[0] < utf8.RuneSelf) {
			break
		}
		ends = append(ends, i+utf8.RuneLen(r))
	}
	for _, end := range slices.Backward(ends) {
		next, _ := utf8.DecodeRuneInString(text[end:])
		goesOn := end < len(text) && next < utf8.RuneSelf && (unicode.IsLetter(next) || unicode.IsDigit(next) || strings.ContainsRune("@+-", next))
		if !goesOn && topLevel(strings.ToLower(text[:end])) {
			return end
		}
		if text[0] < utf8.RuneSelf {
			return 0
		}
	}
	return 0
}

// topLevel reports whether there is a top-level domain of the name, by the
// list of public suffixes.
func topLevel(name string) bool {
	ascii, err := idna.ToASCII(name)
	if err != nil {
		return false
	}
	suffix, listed := publicsuffix.PublicSuffix("x." + ascii)
	return listed && (suffix == ascii || suffix == "x."+ascii)
}

// inDomain reports whether X takes a character for part of a name: whatever is
// no sign, no space and no mark of direction.
func inDomain(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '"' || r == '`' || r < ' ' && !unicode.IsSpace(r)
	case unicode.IsSpace(r), r == 0x180E, r == '\ufffe', r == '\ufeff', r == '\uffff':
		return false
	}
	return !(r >= 0x202A && r <= 0x202E || r == 0x061C || r == 0x200E || r == 0x200F || r >= 0x2066 && r <= 0x2069)
}

// latin reports whether a character is a figure or a Latin letter.
func latin(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return unicode.IsLetter(r) || unicode.IsDigit(r)
	case r == 0xD7, r == 0xF7:
		return false
	}
	return r >= 0xC0 && r <= 0x24F || r >= 0x253 && r <= 0x257 || r == 0x259 || r == 0x25B || r == 0x263 || r == 0x268 || r == 0x26F || r == 0x272 || r == 0x289 || r == 0x28B || r == 0x2BB ||
		r >= 0x300 && r <= 0x36F || r >= 0x1E00 && r <= 0x1EFF
}
