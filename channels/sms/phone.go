package sms

import (
	"fmt"
	"strings"

	"martinella/channels"
)

// IsE164 reports whether to is a number as recipients have it: a plus, then 6
// to 15 digits (E.164 section 6).
func IsE164(to string) bool {
	digits, plus := strings.CutPrefix(to, "+")
	return plus && len(digits) >= 6 && len(digits) <= 15 && AllDigits(digits)
}

// IsNumber reports whether a sender is a number, written with or without its
// plus, or a short code; else it is an alias.
func IsNumber(s string) bool {
	digits := strings.TrimPrefix(s, "+")
	return len(digits) >= 3 && len(digits) <= 15 && AllDigits(digits)
}

// AllDigits reports whether there is nothing but 0 to 9.
func AllDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// SourceProblem says what is wrong with a sender; "" for nothing. An alias has
// at most 11 characters and not only digits (AGCOM delibera 12/23/CIR, which in
// Italy also wants it registered through the provider).
func SourceProblem(s string) string {
	switch {
	case s == "":
		return "is missing"
	case IsNumber(s):
		return ""
	case len(s) > 11:
		return fmt.Sprintf("has %d characters", len(s))
	case AllDigits(s):
		return "has only digits and is too short for a number"
	}
	for _, r := range s {
		if _, ok := channels.Septets(string(r)); !ok || r > 0x7E || r < ' ' {
			return "has a character that an alias cannot have"
		}
	}
	return ""
}

// SourceHint goes with a [SourceProblem].
const SourceHint = "an alias has at most 11 characters and not only digits; a number is written like +390577000000"

// Mask hides the middle of a number, for logs and errors: "+39 333 ***4567".
// At least three digits are hidden; what is too short is hidden whole.
func Mask(number string) string {
	digits, plus := strings.CutPrefix(number, "+")
	country := 0
	if plus {
		country = countryLength(digits)
	}
	if !AllDigits(digits) || len(digits)-country < 6 {
		return "***"
	}
	rest := digits[country:]
	last := min(4, len(rest)*2/5)
	first := max(0, min(3, len(rest)-last-3))
	var b strings.Builder
	if plus {
		b.WriteString("+" + digits[:country] + " ")
	}
	if first > 0 {
		b.WriteString(rest[:first] + " ")
	}
	return b.String() + "***" + rest[len(rest)-last:]
}

// countryLength is how many digits the country code has (ITU-T E.164, list of
// assigned codes): 1 and 7 have one; these zones' others have two or three.
func countryLength(digits string) int {
	const two = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "
	switch {
	case len(digits) < 3:
		return len(digits)
	case digits[0] == '1' || digits[0] == '7':
		return 1
	case strings.Contains(two, " "+digits[:2]+" "):
		return 2
	}
	return 3
}
