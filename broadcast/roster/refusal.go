package roster

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Refusal says why a row is not taken. Its texts never hold a whole contact.
type Refusal struct {
	Line   int    `json:"line"` // where the row begins; the heading is line 1
	Field  string `json:"field"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy"`
}

func (r Refusal) String() string {
	return fmt.Sprintf("line %d, %s: %s (%s)", r.Line, r.Field, r.Reason, r.Remedy)
}

// Mask leaves the first three and the last two characters of a contact, and
// nothing of a short one.
func Mask(s string) string {
	r := []rune(s)
	if len(r) < 8 {
		return "..."
	}
	return string(r[:3]) + strings.Repeat("*", min(len(r)-5, 8)) + string(r[len(r)-2:])
}

// shown quotes a value that is not a contact, short and in one line. What looks
// like one in the wrong column is masked.
func shown(s string) string {
	digits := 0
	for _, r := range s {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	if digits > 8 || strings.Contains(s, "@") {
		return `"` + strings.Map(plain, Mask(s)) + `"`
	}
	if utf8.RuneCountInString(s) > 30 {
		s = string([]rune(s)[:30]) + "..."
	}
	return fmt.Sprintf("%q", s)
}

func plain(r rune) rune {
	if r < ' ' || r == 0x7f || r == utf8.RuneError {
		return '?'
	}
	return r
}
