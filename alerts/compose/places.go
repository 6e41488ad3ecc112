package compose

import (
	"strings"

	"martinella/alerts"
	"martinella/alerts/areas"
)

// Named is a [Gazetteer] over alerts/areas; g may be nil.
func Named(g *areas.Gazetteer) Gazetteer { return named{g} }

type named struct{ g *areas.Gazetteer }

func (n named) Place(code string) (Place, bool) {
	a, known := n.g.Area(code)
	if !known {
		return Place{}, false
	}
	return n.place(a), true
}

func (n named) Search(text string, most int) []Place {
	var out []Place
	for _, a := range n.g.Search(text, most) {
		out = append(out, n.place(a))
	}
	return out
}

func (n named) place(a areas.Area) Place {
	p := Place{Code: a.Code, Name: a.Name}
	if parent, known := n.g.Area(a.Parent); known {
		p.Parent = parent.Name
	}
	return p
}

// mostAsked bounds the places that [Find] reads: every municipality of Italy is
// some 7,900.
const mostAsked = 10_000

// Find reads a list of places as people write it: names or codes, one a line or
// with commas or semicolons between them, or "NAME=CODE" for a code of a system
// that no area has. Each code is there once. unknown is what no area is called,
// or more than one. A nil g knows no area.
func Find(g Gazetteer, text string) (codes []alerts.Value, unknown []string) {
	seen := map[alerts.Value]bool{}
	add := func(v alerts.Value) {
		if !seen[v] {
			seen[v] = true
			codes = append(codes, v)
		}
	}
	asked := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == '\n' || r == '\r' })
	for i, one := range asked {
		if one = strings.Join(strings.Fields(one), " "); one == "" {
			continue
		}
		if i >= mostAsked {
			unknown = append(unknown, one)
			break
		}
		if name, code, both := strings.Cut(one, "="); both && strings.TrimSpace(name) != "" && strings.TrimSpace(code) != "" {
			add(alerts.Value{Name: strings.TrimSpace(name), Value: strings.TrimSpace(code)})
			continue
		}
		if v, found := meant(g, one); found {
			add(v)
		} else {
			unknown = append(unknown, one)
		}
	}
	return codes, unknown
}

// meant gives the one area that has this code or this very name.
func meant(g Gazetteer, text string) (alerts.Value, bool) {
	if g == nil {
		return alerts.Value{}, false
	}
	if p, known := g.Place(text); known {
		return p.Code, true
	}
	const enough = 50 // of the same beginning; very names come first
	var same []Place
	for _, p := range g.Search(text, enough) {
		if folded(p.Name) == folded(text) {
			same = append(same, p)
		}
	}
	if len(same) != 1 {
		return alerts.Value{}, false
	}
	return same[0].Code, true
}
