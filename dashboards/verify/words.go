package verify

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"martinella/channels"
)

// cut splits a text into words: runs of letters and digits, or an address as a
// whole. Each has the signs and the space that follow it, so that together they
// are the text again.
func cut(text string) []string {
	var out []string
	start := 0     // of the word in hand, with what came before the first one
	begun := false // it holds a letter or a digit
	flush := func(to int) {
		if begun {
			out = append(out, text[start:to])
			start, begun = to, false
		}
	}
	for at := 0; at < len(text); {
		end := at + len(text[at:]) // of the chunk without space
		if n := strings.IndexFunc(text[at:], unicode.IsSpace); n >= 0 {
			end = at + n
		}
		if chunk := text[at:end]; isAddress(chunk) {
			flush(at)
			begun = true
		} else {
			word := false // the character before belongs to a word
			for i, r := range chunk {
				is := isWord(r)
				if is && !word {
					flush(at + i)
					begun = true
				}
				word = is
			}
		}
		rest := strings.TrimLeftFunc(text[end:], unicode.IsSpace)
		at = len(text) - len(rest)
	}
	if begun {
		out = append(out, text[start:])
	} else if len(out) > 0 {
		out[len(out)-1] += text[start:]
	}
	return out
}

// isWord reports whether r belongs to a word; what cannot be seen, and only
// joins or hides letters, does.
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) || unicode.Is(unicode.Cf, r)
}

// bareHost is an address without a path: "comune.example". Its last part is in
// small letters, or it is the end of a sentence whose space was lost. Before a
// path it is in any.
var (
	bareHost = regexp.MustCompile(`^[\pL\pN-]+(\.[\pL\pN-]+)*\.[a-z]{2,}$`)
	hostPath = regexp.MustCompile(`^[\pL\pN-]+(\.[\pL\pN-]+)*\.[A-Za-z]{2,}(:\d+)?/`)
)

// bare is a chunk without the signs around it.
func bare(chunk string) string {
	return strings.TrimFunc(chunk, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}

// isAddress reports whether a chunk is an address of the web or of mail, which
// is compared as a whole.
func isAddress(chunk string) bool {
	if !strings.ContainsAny(chunk, ".:@") {
		return false
	}
	chunk = bare(chunk)
	return strings.Contains(chunk, "://") || strings.Contains(chunk, "@") || bareHost.MatchString(chunk) || hostPath.MatchString(chunk)
}

// key is what a word is compared by.
func key(word string) string {
	for chunk := range strings.FieldsSeq(word) {
		if isAddress(chunk) {
			chunk = strings.ToLower(bare(chunk))
			return strings.TrimPrefix(strings.TrimPrefix(chunk, "https://"), "http://")
		}
	}
	// What is hidden goes first, or it would keep the rest from being folded.
	word = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || !isWord(r) {
			return -1
		}
		return r
	}, word)
	word, _ = channels.Transliterate(word)
	return strings.Map(func(r rune) rune {
		if unicode.IsMark(r) || !isWord(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(word))
}
