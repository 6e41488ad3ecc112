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

	// Named are, for each of the alert's own codes, whom it concerns; those that
	// stand there twice count once.
	Named []Concern

	// Drawn are whom the polygons and circles concern.
	Drawn Concern

	// Touched is how many areas the polygons and circles touch.
	Touched int

	// Shape is the drawn area and the outlines of the alert's own codes.
	Shape Shape

	// Resolved reports whether there was a gazetteer: without one Codes are the
	// alert's own.
	Resolved bool
}

// Concern are the values of codes that a part of an alert's area concerns.
type Concern struct {
	In     []string // as written, within it, or the smallest that it touches
	Around []string // the larger ones around
}

// Concern gives whom a drawn shape concerns.
func (g *Gazetteer) Concern(s Shape) Concern { return concern(g.touching(s)) }

func concern(touched []*Area) (c Concern) {
	for _, a := range touched {
		if aroundOthers(a, touched) {
			c.Around = append(c.Around, a.Code.Value)
		} else {
			c.In = append(c.In, a.Code.Value)
		}
	}
	return c
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
		r.Named = append(r.Named, Concern{In: []string{v.Value}})
		if r.Resolved && !g.known(v.Value) {
			r.Unknown = append(r.Unknown, v)
			continue
		}
		this := &r.Named[len(r.Named)-1]
		for _, in := range g.Within(v.Value) {
			if !have[in.Value] { // not again under another spelling of its system
				add(in)
			}
			this.In = append(this.In, in.Value)
		}
		for _, o := range g.Overlapping(v.Value) {
			concerned[o.Value] = true
			if _, inside := slices.BinarySearch(this.In[1:], o.Value); !inside {
				this.Around = append(this.Around, o.Value)
			}
		}
	}
	r.Shape = r.Shape.With(g.Outline(named...))
	touched := g.touching(drawn)
	r.Touched, r.Drawn = len(touched), concern(touched)
	for _, a := range touched {
		concerned[a.Code.Value] = true
		if _, in := slices.BinarySearch(r.Drawn.In, a.Code.Value); in && !have[a.Code.Value] {
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
