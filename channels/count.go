package channels

import (
	"regexp"
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
