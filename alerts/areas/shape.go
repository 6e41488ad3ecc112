package areas

import (
	"math"
	"slices"

	"github.com/paulmach/orb"

	"martinella/alerts"
)

// Shape is what was drawn, or the outline of named areas, ready to be compared.
// The zero value is nowhere. It never changes and may be used from many
// goroutines.
type Shape struct {
	regions []*region
	discs   []disc
}

// Draw makes a shape of polygons and circles as CAP has them. What cannot lie
// on the earth is left out: a position beyond the poles, a negative radius, a
// ring without a point. A ring that is not closed is closed.
func Draw(polygons []alerts.Polygon, circles []alerts.Circle) Shape {
	var s Shape
	for _, p := range polygons {
		if len(p) == 0 || slices.ContainsFunc(p, func(at alerts.Point) bool { return !onEarth(at) }) {
			continue
		}
		ring := make(orb.Ring, len(p))
		for i, at := range p {
			ring[i] = orb.Point{at.Lon, at.Lat}
		}
		s.regions = append(s.regions, newRegion(ring))
	}
	for _, c := range circles {
		if onEarth(c.Centre) && c.Radius >= 0 && !math.IsInf(c.Radius, 0) {
			s.discs = append(s.discs, newDisc(c))
		}
	}
	return s
}

func onEarth(p alerts.Point) bool { return p.Valid() && !math.IsNaN(p.Lat) && !math.IsNaN(p.Lon) }

// Empty reports whether the shape is nowhere.
func (s Shape) Empty() bool { return len(s.regions)+len(s.discs) == 0 }

// With is both shapes together.
func (s Shape) With(o Shape) Shape {
	return Shape{slices.Concat(s.regions, o.regions), slices.Concat(s.discs, o.discs)}
}

// Contains reports whether the point is in the shape or on its edge.
func (s Shape) Contains(p alerts.Point) bool {
	at := orb.Point{p.Lon, p.Lat}
	return slices.ContainsFunc(s.regions, func(r *region) bool { return r.contains(at) }) ||
		slices.ContainsFunc(s.discs, func(d disc) bool { return d.contains(at) })
}

// Touches reports whether the circle and the shape have a point in common. A
// circle that cannot lie on the earth touches nothing.
func (s Shape) Touches(c alerts.Circle) bool {
	if !onEarth(c.Centre) || !(c.Radius >= 0) || math.IsInf(c.Radius, 0) {
		return false
	}
	d := newDisc(c)
	return slices.ContainsFunc(s.regions, d.touches) ||
		slices.ContainsFunc(s.discs, func(o disc) bool { return distance(d.middle, o.middle) <= d.radius+o.radius })
}

// meets reports whether the shape and one of the regions have a point in common.
func (s Shape) meets(parts []*region) bool {
	for _, r := range parts {
		if slices.ContainsFunc(s.regions, r.touches) || slices.ContainsFunc(s.discs, func(d disc) bool { return d.touches(r) }) {
			return true
		}
	}
	return false
}
