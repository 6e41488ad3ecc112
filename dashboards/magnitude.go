package dashboards

import (
	"math"
	"strconv"
)

// magnitude is the order of magnitude of a number of people.
type magnitude struct {
	Value string // in forms
	From  int    // the least number of it
}

// magnitudes are all of them, the smallest first.
var magnitudes = []magnitude{
	{"none", 0}, {"units", 1}, {"tens", 10}, {"hundreds", 100}, {"thousands", 1_000}, {"tens-of-thousands", 10_000}, {"hundreds-of-thousands", 100_000}, {"millions", 1_000_000},
}

// magnitudeOf is the order of magnitude of n.
func magnitudeOf(n int) string {
	found := magnitudes[0]
	for _, m := range magnitudes {
		if n >= m.From {
			found = m
		}
	}
	return found.Value
}

// about says a number as people speak of it: "340", "1 800", "18 mila", "1,2
// milioni"; exact reports whether nothing was rounded.
func about(l *locale, n int) (words string, exact bool) {
	rounded := n
	if n >= 100 {
		step := int(math.Pow10(int(math.Log10(float64(n))) - 1)) // two figures count
		rounded = (n + step/2) / step * step
	}
	switch {
	case rounded >= 1_000_000:
		return l.must("approve_millions", "N", decimal(l, float64(rounded)/1e6)), rounded == n
	case rounded >= 10_000:
		return l.must("approve_thousands", "N", itoa(rounded/1000)), rounded == n
	case rounded >= 1000:
		return itoa(rounded/1000) + "\u202f" + itoa(rounded)[len(itoa(rounded))-3:], rounded == n
	}
	return itoa(rounded), rounded == n
}

// decimal writes a number with at most one figure behind the sign that the
// language has.
func decimal(l *locale, f float64) string {
	text := strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64)
	if i := len(text) - 2; i > 0 && text[i] == '.' {
		return text[:i] + l.must("approve_decimal") + text[i+1:]
	}
	return text
}

// crowd says how many of something there are: "circa 18 mila telefoni". kind is
// that of an address, or "person".
func crowd(l *locale, n int, kind string) string {
	words, exact := about(l, n)
	if !exact {
		words = l.must("approve_about", "N", words)
	}
	none, one, many := crowdWords(l, kind, words)
	switch n {
	case 0:
		return none
	case 1:
		return one
	}
	return many
}
