package alerts

import "crypto/sha256"

// CodeLength is how many characters a code of [CodeOf] has (LOOK section 7).
const CodeLength = 5

// crockford is Crockford's base 32 alphabet: no I, L, O and U, which are misread
// (https://www.crockford.com/base32.html).
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// CodeOf is the short code of a revision, "K7Q2P", that stands in its messages
// for readers who want to check it. It is made of the id alone, so every node
// and every channel gives the same one. 25 bits: two revisions of an authority
// may have the same, and a code proves nothing by itself: it leads to our text
// and time, to be compared (DECISIONS 9).
func CodeOf(id ID) string {
	sum := sha256.Sum256([]byte("code " + string(id)))
	bits := uint32(sum[0])<<24 | uint32(sum[1])<<16 | uint32(sum[2])<<8 | uint32(sum[3])
	var code [CodeLength]byte
	for i := range code {
		code[i] = crockford[bits>>27]
		bits <<= 5
	}
	return string(code[:])
}

// ReadCode gives a code as [CodeOf] writes it, from what a person typed: in any
// case, with spaces or dashes, and with the letters that Crockford's alphabet
// reads as digits. False for what is no code.
func ReadCode(typed string) (string, bool) {
	var code []byte
	for _, r := range typed {
		switch {
		case r == ' ' || r == '-' || r == '\t' || r == '\u00a0':
			continue
		case r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		}
		switch r {
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		known := false
		for i := range len(crockford) {
			known = known || rune(crockford[i]) == r
		}
		if !known || len(code) == CodeLength {
			return "", false
		}
		code = append(code, byte(r))
	}
	return string(code), len(code) == CodeLength
}
