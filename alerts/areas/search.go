package areas

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Search gives at most so many areas whose name or code a person may mean: the
// text is the code, the name, begins it, begins one of its words, or stands
// within it, in this order; then by name and code. Case and accents count for
// nothing. A text without letters and figures finds nothing.
func (g *Gazetteer) Search(text string, most int) []Area {
	want := spelt(text)
	if g == nil || want == "" || most <= 0 {
		return nil
	}
	type hit struct {
		*Area
		rank int
		name string
	}
	var hits []hit
	for _, a := range g.areas {
		name := spelt(a.Name)
		rank := 0
		switch code := spelt(a.Code.Value); {
		case code == want:
		case name == want:
			rank = 1
		case strings.HasPrefix(name, want), strings.HasPrefix(code, want):
			rank = 2
		case strings.Contains(" "+name, " "+want):
			rank = 3
		case strings.Contains(name, want):
			rank = 4
		default:
			continue
		}
		hits = append(hits, hit{a, rank, name})
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(a.rank-b.rank, strings.Compare(a.name, b.name), strings.Compare(a.Code.Value, b.Code.Value))
	})
	var out []Area
	for _, h := range hits[:min(most, len(hits))] {
		out = append(out, *h.Area)
	}
	return out
}

// Slug is a name as it stands in an address: "Sant'Agata" is "sant-agata".
func Slug(name string) string { return strings.ReplaceAll(spelt(name), " ", "-") }

// spelt is a name as it is compared: letters and figures in lower case without
// accents, one space for all else.
func spelt(name string) string {
	words := strings.FieldsFunc(norm.NFKD.String(strings.ToLower(name)), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	return strings.Map(func(r rune) rune {
		if unicode.IsMark(r) {
			return -1
		}
		return r
	}, strings.Join(words, " "))
}
