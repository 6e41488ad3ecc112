package lint

import "strings"

// A telephone number has at least this many digits, unless a word before it
// says that it is one; E.164 allows 15.
const (
	phoneLeast = 6
	phoneMost  = 15
)

// phones finds numbers that are not in the register.
func (r *reader) phones(p *prose, u *usage) {
	text := p.text
	for i := 0; i < len(text) && !r.full(); {
		c := text[i]
		if c != '+' && (c < '0' || c > '9') {
			i++
			continue
		}
		end, digits := scanNumber(text, i)
		if digits == 0 {
			i++
			continue
		}
		if !glued(text, i, end) && p.isPhone(u, text, i, end, digits) && !r.c.knowsPhone(text[i:end]) {
			r.at(PhoneUnregistered, text, i, end, "")
		}
		i = end
	}
}

// glued reports whether the number is part of a longer word or address.
func glued(text string, start, end int) bool {
	if start > 0 && (letterBefore(text, start) || strings.ContainsRune("/=_#@-.&?,", rune(text[start-1]))) {
		return true
	}
	return letterAt(text, end) || end < len(text) && strings.ContainsRune("@=_%°€", rune(text[end]))
}

func letterBefore(text string, i int) bool {
	c := text[i-1]
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// scanNumber reads digits with single separators between them.
func scanNumber(text string, i int) (end, digits int) {
	if text[i] == '+' {
		i++
	}
	end = i
	for i < len(text) && digits <= phoneMost+20 {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digits++
			i++
			end = i
		case (c == ' ' || c == '.' || c == '-' || c == '/') && digits > 0 && digitAt(text, i+1) && digitAt(text, i-1):
			i++
		default:
			return end, digits
		}
	}
	return end, digits
}

// isPhone tells a telephone number from dates, hours and quantities.
func (p *prose) isPhone(u *usage, text string, start, end, digits int) bool {
	one := text[start:end]
	if digits > phoneMost || isDate(one) || isHours(one) {
		return false
	}
	if one[0] == '+' {
		return digits >= phoneLeast
	}
	called := u != nil && digits >= 3 && p.called(u, start)
	if digits < phoneLeast {
		return called
	}
	if called {
		return true
	}
	for _, prefix := range []string{"0", "3", "80", "84", "89", "1"} {
		if strings.HasPrefix(one, prefix) {
			return !(prefix == "3" || prefix == "1") || digits >= 9
		}
	}
	return false
}

// called reports whether one of the two words before is "chiamate" or its like.
func (p *prose) called(u *usage, start int) bool {
	n := 0
	for i := p.before(start); i >= 0 && n < 2; i-- {
		if strings.ContainsAny(p.text[p.words[i].end:start], "\n;") {
			return false
		}
		if u.calls[p.words[i].bare()] {
			return true
		}
		if !p.elided(i) {
			n++
		}
	}
	return false
}

// before gives the last word that ends before a byte, -1 without one.
func (p *prose) before(at int) int {
	low, high := 0, len(p.words)
	for low < high {
		mid := (low + high) / 2
		if p.words[mid].end <= at {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low - 1
}

// isDate reports whether a number is written like 21/11/2026 or 21.11.
func isDate(s string) bool {
	parts := strings.FieldsFunc(s, func(c rune) bool { return c == '/' || c == '.' || c == '-' })
	if strings.Contains(s, " ") || len(parts) < 2 || len(parts) > 3 {
		return false
	}
	if len(parts[0]) == 4 && len(parts) == 3 && (parts[0][:2] == "20" || parts[0][:2] == "19") {
		return len(parts[1]) <= 2 && len(parts[2]) <= 2
	}
	if len(parts[0]) > 2 || len(parts[1]) > 2 || parts[0] > "31" && len(parts[0]) == 2 || parts[1] > "12" && len(parts[1]) == 2 {
		return false
	}
	return len(parts) == 2 || len(parts[2]) == 4 || len(parts[2]) == 2
}

// isHours reports whether a number is written like 08.00-18.30.
func isHours(s string) bool {
	from, to, ok := strings.Cut(s, "-")
	return ok && isClock(strings.TrimSpace(from)) && isClock(strings.TrimSpace(to))
}
