package volunteers

import "slices"

// Same reports whether two names of skills, groups or areas are one to a call:
// case and spaces do not count.
func Same(a, b string) bool { return fold(a) == fold(b) }

// Alike gives the name among known that somebody probably meant: the one from
// which the fewest letters differ, at most two, and at most a third of them; ""
// for none. Of several it gives the first in the order of letters.
func Alike(name string, known []string) string {
	word, best, least := []rune(fold(name)), "", 3
	for _, one := range slices.Sorted(slices.Values(known)) {
		other := []rune(fold(one))
		if d := lettersApart(word, other); d < least && 3*d <= max(len(word), len(other)) {
			best, least = one, d
		}
	}
	return best
}

// lettersApart is the number of letters to change, add or drop between two words.
func lettersApart(a, b []rune) int {
	if len(a) > len(b)+2 || len(b) > len(a)+2 {
		return 3 // it is more than anybody asks for
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		last := row[0]
		row[0] = i + 1
		for j := range b {
			cost := last
			if a[i] != b[j] {
				cost++
			}
			last = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
