package areas

import (
	"slices"

	"martinella/alerts"
)

// Resolution is what the area of an alert means in codes.
type Resolution struct {
	// Codes are the area as it is approved and stored: the alert's own codes as
	// written, what lies within them, and the smallest known areas that its
	// polygons and circles touch. A region is not among them because one of its
	// municipalities is.
	Codes []alerts.Value

	// Concerned are the values of all codes whose area intersects: Codes, and
	// the larger areas around them. A subscriber of any of them is meant.
	Concerned []string

	// Unknown are the alert's own codes that the gazetteer does not have.
	Unknown []alerts.Value

	// Touched is how many areas the polygons and circles touch.
	Touched int

	// Shape is the drawn area and the outlines of the alert's own codes.
	Shape Shape

	// Resolved reports whether there was a gazetteer: without one Codes are the
	// alert's own.
	Resolved bool
}

// Resolve finds the codes that polygons, circles and codes of an alert mean. A
// nil gazetteer knows exact codes only.
func (g *Gazetteer) Resolve(codes []alerts.Value, polygons []alerts.Polygon, circles []alerts.Circle) Resolution {
	drawn := Draw(polygons, circles)
	r := Resolution{Resolved: g.Len() > 0, Shape: drawn}
	seen, have, concerned := map[alerts.Value]bool{}, map[string]bool{}, map[string]bool{}
	add := func(list ...alerts.Value) {
		for _, v := range list {
			if !seen[v] {
				seen[v] = true
				r.Codes = append(r.Codes, v)
			}
			have[v.Value], concerned[v.Value] = true, true
		}
	}
	add(codes...)
	named := make([]string, 0, len(codes))
	for _, v := range slices.Clone(r.Codes) {
		named = append(named, v.Value)
		if r.Resolved && !g.known(v.Value) {
			r.Unknown = append(r.Unknown, v)
			continue
		}
		for _, in := range g.Within(v.Value) {
			if !have[in.Value] { // not again under another spelling of its system
				add(in)
			}
		}
		for _, o := range g.Overlapping(v.Value) {
			concerned[o.Value] = true
		}
	}
	r.Shape = r.Shape.With(g.Outline(named...))
	touched := g.touching(drawn)
	r.Touched = len(touched)
	for _, a := range touched {
		concerned[a.Code.Value] = true
		if !have[a.Code.Value] && !aroundOthers(a, touched) {
			add(a.Code)
		}
	}
	for v := range concerned {
		r.Concerned = append(r.Concerned, v)
	}
	slices.Sort(r.Concerned)
	return r
}

// aroundOthers reports whether something of the list, which is sorted, lies in
// a. Of two areas that lie in each other the first stays.
func aroundOthers(a *Area, list []*Area) bool {
	return slices.ContainsFunc(a.inner, func(b *Area) bool {
		_, found := slices.BinarySearchFunc(list, b, byCode)
		return found && (!b.holds(a) || byCode(b, a) < 0)
	})
}
