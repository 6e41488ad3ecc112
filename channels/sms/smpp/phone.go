package smpp

import (
	"errors"
	"strings"
)

// Types of number and numbering plans (SMPP 3.4 sections 5.2.5 and 5.2.6).
const (
	tonInternational byte = 1
	tonAlphanumeric  byte = 5
	npiUnknown       byte = 0
	npiISDN          byte = 1 // E.163, E.164
)

var errNotANumber = errors.New("the recipient has no phone number in international form")

// recipient turns an E.164 number into an address.
func recipient(to string) (address, error) {
	digits, plus := strings.CutPrefix(to, "+")
	if !plus || len(digits) < 6 || len(digits) > 15 || !allDigits(digits) { // E.164 section 6
		return address{}, errNotANumber
	}
	return address{tonInternational, npiISDN, digits}, nil
}

// senderAddress is an alias, or a number written with or without its plus.
func senderAddress(s string) address {
	if isNumber(s) {
		return address{tonInternational, npiISDN, strings.TrimPrefix(s, "+")}
	}
	return address{tonAlphanumeric, npiUnknown, s}
}

// number writes an address as a person would; the reverse of recipient.
func (a address) number() string {
	if a.ton == tonInternational && allDigits(a.digits) && a.digits != "" {
		return "+" + a.digits
	}
	return a.digits
}

// isNumber: digits, with a plus or without.
func isNumber(s string) bool {
	digits := strings.TrimPrefix(s, "+")
	return len(digits) >= 3 && len(digits) <= 15 && allDigits(digits)
}

func allDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// mask hides the middle of a number, for logs and errors: "+39 333 ***4567".
// At least three digits are hidden; what is too short is hidden whole.
func mask(number string) string {
	digits, plus := strings.CutPrefix(number, "+")
	country := 0
	if plus {
		country = countryLength(digits)
	}
	if !allDigits(digits) || len(digits)-country < 6 {
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
