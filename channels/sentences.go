package channels

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sentences splits a text after each full stop, question or exclamation mark
// and line break. A stop after an abbreviation ("S. Marco", "n. 5") or within a
// number is none. The sentences joined are the text without the space around
// it.
func Sentences(text string) []string {
	text = strings.TrimSpace(text)
	var out []string
	start := 0
	for i, r := range text {
		if i <= start {
			continue
		}
		full, _ := utf8.DecodeLastRuneInString(text[start:i]) // of scripts without spaces
		if !strings.ContainsRune("。！？", full) || strings.ContainsRune("。！？」』”）", r) {
			if !unicode.IsSpace(r) || r != '\n' && !sentenceEnds(text[start:i], text[i:]) {
				continue
			}
		}
		end := i
		for end < len(text) { // the space belongs to the sentence before
			s, size := utf8.DecodeRuneInString(text[end:])
			if !unicode.IsSpace(s) {
				break
			}
			end += size
		}
		if aloneAt(text, end) {
			out = append(out, text[start:end])
			start = end
		}
	}
	if start < len(text) || len(out) == 0 {
		out = append(out, text[start:])
	}
	return out
}

// sentenceEnds looks at the space between two texts.
func sentenceEnds(before, after string) bool {
	bare := strings.TrimRight(before, `"'»”’)]`)
	last, size := utf8.DecodeLastRuneInString(bare)
	switch last {
	case '!', '?', '…', '؟', '۔', '।': // the last three: Arabic, Urdu, Hindi
		return true
	case '.':
	default:
		return false
	}
	next, _ := utf8.DecodeRuneInString(strings.TrimSpace(after))
	if unicode.IsLower(next) {
		return false
	}
	word := bare[:len(bare)-size]
	if i := strings.LastIndexFunc(word, func(r rune) bool { return unicode.IsSpace(r) || r == '(' || r == '\'' || r == '’' }); i >= 0 {
		_, size := utf8.DecodeRuneInString(word[i:])
		word = word[i+size:]
	}
	return !abbreviation(word)
}

// abbreviation: one or two letters ("S", "n", "ca"), or dotted ("p.zza", "z.B").
func abbreviation(word string) bool {
	letters := utf8.RuneCountInString(word)
	if strings.Contains(word, ".") {
		return !strings.Contains(word, "/")
	}
	for _, r := range word {
		if !unicode.IsLetter(r) {
			return false
		}
	}
	return letters <= 2
}
