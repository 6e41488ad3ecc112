package compose

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// saying is the description with what changed before it.
func saying(changed, description string) string {
	changed, description = stopped(tidy(changed)), tidy(description)
	if changed == "" || description == "" {
		return changed + description
	}
	return changed + "\n" + description
}

// stopped ends a sentence.
func stopped(s string) string {
	if last, _ := utf8.DecodeLastRuneInString(s); s == "" || strings.ContainsRune(".!?…:;", last) {
		return s
	}
	return s + "."
}

// tidy takes out what neither XML nor a reader can take: control characters, and
// the space around the text.
func tidy(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\r' {
			return '\n'
		}
		if r != '\n' && r != '\t' && unicode.IsControl(r) || r == '\ufffe' || r == '\uffff' {
			return -1
		}
		return r
	}, s))
}

// line is tidy on one line.
func line(s string) string { return strings.Join(strings.Fields(tidy(s)), " ") }
