package verify

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"martinella/alerts"
)

// mostHints bounds how many codes, and how many ids, of one text are looked up.
const mostHints = 20

var (
	idInText   = regexp.MustCompile(`(?i)\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b`) // a ULID (github.com/ulid/spec)
	codeInLink = regexp.MustCompile(`(?i)\bcode=([0-9A-Z]{5})\b`)
)

// Hints finds what in a text may name one of our messages: codes, as they are
// written in messages, and ids, which stand in the address of a page. Words
// that only look like a code are among them; whoever looks them up finds
// nothing.
func Hints(text string) (codes []string, ids []alerts.ID) {
	addCode := func(code string) {
		if len(codes) < mostHints && !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	if code, ok := alerts.ReadCode(text); ok { // nothing else was pasted
		addCode(code)
	}
	for _, m := range codeInLink.FindAllStringSubmatch(text, mostHints) {
		if code, ok := alerts.ReadCode(m[1]); ok {
			addCode(code)
		}
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(word) != alerts.CodeLength {
			continue
		}
		// "SALTE" is a word and could be a code; "salte" is a word alone.
		if code, ok := alerts.ReadCode(word); ok && (code == word || strings.ContainsAny(word, "0123456789") && strings.ToUpper(word) == code) {
			addCode(code)
		}
	}
	for _, id := range idInText.FindAllString(text, mostHints) {
		ids = append(ids, alerts.ID(strings.ToUpper(id)))
	}
	return codes, ids
}
