package channels

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Replacement is a character that [Transliterate] changed.
type Replacement struct {
	From string `json:"from"`
	To   string `json:"to"`
	N    int    `json:"n"` // how often
}

// Transliterate writes with the GSM-7 alphabet what can be written with it, so
// that one capital È does not cost a message more than half of its room, and
// lists what it changed. A text that holds something without a substitute (an
// emoji, another script) travels as UCS-2 anyway: it is returned as it came.
func Transliterate(text string) (string, []Replacement) {
	if _, ok := Septets(text); ok {
		return text, nil
	}
	var b strings.Builder
	var changes []Replacement
	for _, r := range norm.NFC.String(text) {
		if septetsOf(r) > 0 {
			b.WriteRune(r)
			continue
		}
		to, ok := substitute(r)
		if !ok {
			return text, nil
		}
		b.WriteString(to)
		changes = count(changes, string(r), to)
	}
	return b.String(), changes
}

func count(changes []Replacement, from, to string) []Replacement {
	for i := range changes {
		if changes[i].From == from {
			changes[i].N++
			return changes
		}
	}
	return append(changes, Replacement{from, to, 1})
}

// gsmSubstitutes: capitals with a grave or acute accent get the apostrophe that
// Italian writes in their place.
var gsmSubstitutes = map[rune]string{
	'À': "A'", 'È': "E'", 'Ì': "I'", 'Ò': "O'", 'Ù': "U'",
	'Á': "A'", 'Í': "I'", 'Ó': "O'", 'Ú': "U'",
	'’': "'", '‘': "'", '‚': "'", '‛': "'", '′': "'", '`': "'", '´': "'",
	'“': `"`, '”': `"`, '„': `"`, '″': `"`, '«': `"`, '»': `"`, '‹': "'", '›': "'",
	'…': "...", '–': "-", '—': "-", '‐': "-", '‑': "-", '‒': "-", '−': "-",
	'•': "-", '·': ".", '×': "x", '÷': ":", '→': "->", '←': "<-", '⇒': "=>",
	'°': " gradi", 'º': "o", 'ª': "a", '²': "2", '³': "3", '½': "1/2", '¼': "1/4", '¾': "3/4",
	'©': "(c)", '®': "(r)", '™': "(tm)", '№': "n.", '≥': ">=", '≤': "<=", '±': "+/-", 'µ': "u",
	'\t': " ", '\u00a0': " ", '\u2009': " ", '\u202f': " ", '\u2007': " ", '\u2002': " ", '\u2003': " ", '\u2028': "\n", '\u2029': "\n",
	'\u00ad': "", '\u200b': "", '\u2060': "", '\ufeff': "",
	'ẞ': "SS", 'đ': "d", 'Đ': "D", 'ł': "l", 'Ł': "L", 'ı': "i", 'œ': "oe", 'Œ': "OE", 'þ': "th", 'Þ': "Th", 'ð': "d", 'Ð': "D",
}

// Foreign gives the characters of a text that GSM-7 can write in no way, not
// even by [Transliterate], each once, in the order of the text and at most
// most: they are what makes it UCS-2.
func Foreign(text string, most int) []string {
	var out []string
	for _, r := range norm.NFC.String(text) {
		if len(out) == most {
			break
		}
		if _, ok := substitute(r); !ok && septetsOf(r) == 0 && !slices.Contains(out, string(r)) {
			out = append(out, string(r))
		}
	}
	return out
}

// substitute gives what stands for r in GSM-7: from the table, else the letter
// without its marks (č -> c).
func substitute(r rune) (string, bool) {
	if s, ok := gsmSubstitutes[r]; ok {
		return s, true
	}
	base, size := utf8.DecodeRuneInString(norm.NFD.String(string(r)))
	if size > 0 && base != r && septetsOf(base) == 1 {
		return string(base), true
	}
	return "", false
}
