package channels

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Unit is what a platform counts. The values are part of the interface.
type Unit string

// The values of [Unit].
const (
	UnitChars     Unit = "chars"     // code points
	UnitGraphemes Unit = "graphemes" // what a reader calls a character
	UnitWeighted  Unit = "weighted"  // X: see [Weighted]
	UnitSeptets   Unit = "septets"   // GSM-7; a text outside it counts UTF-16 units
	UnitUTF16     Unit = "utf16"
	UnitBytes     Unit = "bytes" // of UTF-8
)

// Count measures a text.
func (u Unit) Count(text string) int {
	switch u {
	case UnitGraphemes:
		return uniseg.GraphemeClusterCount(text)
	case UnitWeighted:
		return Weighted(text)
	case UnitSeptets:
		if n, ok := Septets(text); ok {
			return n
		}
		return Units16(text)
	case UnitUTF16:
		return Units16(text)
	case UnitBytes:
		return len(text)
	}
	return utf8.RuneCountInString(text)
}

// CountLinks wraps a count for platforms that count every link alike, however
// long it is (Mastodon: 23).
func CountLinks(count func(string) int, each int) func(string) int {
	return func(text string) int {
		n := 0
		rest := linkPattern.ReplaceAllStringFunc(text, func(string) string {
			n += each
			return ""
		})
		return n + count(rest)
	}
}

var linkPattern = regexp.MustCompile(`https?://[^\s<>"]+`)

// bareDomain finds what X makes a link of although nobody wrote https://.
var bareDomain = regexp.MustCompile(`(?i)\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:[a-z]{2}|com|org|net|gov|edu|int|info|app)\b(?:/[^\s<>"]*)?`)

// Weighted counts as X does (twitter-text, configuration v3): 280 is its limit;
// U+0000-10FF, 2000-200D, 2010-201F and 2032-2037 weigh one, the rest two, an
// emoji of whatever make two, a link or a bare domain 23.
func Weighted(text string) int {
	n := 0
	link := func(string) string { n += 23; return "" }
	text = linkPattern.ReplaceAllStringFunc(text, link)
	text = bareDomain.ReplaceAllStringFunc(text, link)
	state := -1
	for text != "" {
		var cluster string
		cluster, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
		if emoji(cluster) {
			n += 2
			continue
		}
		for _, r := range cluster {
			n += weight(r)
		}
	}
	return n
}

func weight(r rune) int {
	if r <= 0x10FF || (r >= 0x2000 && r <= 0x200D) || (r >= 0x2010 && r <= 0x201F) || (r >= 0x2032 && r <= 0x2037) {
		return 1
	}
	return 2
}

// emoji reports whether the cluster is shown as one: it has a character of the
// pictograph planes, the emoji selector or the keycap.
func emoji(cluster string) bool {
	return strings.ContainsFunc(cluster, func(r rune) bool {
		return (r >= 0x1F000 && r <= 0x1FAFF) || r == 0xFE0F || r == 0x20E3
	})
}
