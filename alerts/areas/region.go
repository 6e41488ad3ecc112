package areas

import (
	"math"

	"github.com/paulmach/orb"
)

// region is one polygon: an outer ring and its holes. X is the longitude.
type region struct {
	points []orb.Point // all rings one after the other, each closed
	ends   []int32     // of each ring, exclusive, within points
	bound  orb.Bound
	bands  [][]int32 // sides by latitude; a side has the number of its first point
}

// perBand is how many sides a band of latitude aims at.
const (
	perBand  = 8
	maxBands = 4096
)

// newRegion takes rings of at least one point; an open one is closed.
func newRegion(rings ...orb.Ring) *region {
	r := &region{bound: rings[0].Bound()}
	for _, ring := range rings {
		r.points = append(r.points, ring...)
		if ring[0] != ring[len(ring)-1] {
			r.points = append(r.points, ring[0])
		}
		r.ends = append(r.ends, int32(len(r.points)))
	}
	r.bands = make([][]int32, min(len(r.points)/perBand+1, maxBands))
	r.sides(func(i int32) bool {
		a, b := r.points[i][1], r.points[i+1][1]
		for k := r.band(min(a, b)); k <= r.band(max(a, b)); k++ {
			r.bands[k] = append(r.bands[k], i)
		}
		return true
	})
	return r
}

// sides calls do for each side until it says no.
func (r *region) sides(do func(i int32) bool) {
	start := int32(0)
	for _, end := range r.ends {
		for i := start; i+1 < end; i++ {
			if !do(i) {
				return
			}
		}
		start = end
	}
}

func (r *region) band(lat float64) int {
	low, high := r.bound.Min[1], r.bound.Max[1]
	if high <= low {
		return 0
	}
	n := len(r.bands)
	return min(max(int(float64(n)*((lat-low)/(high-low))), 0), n-1)
}

// contains reports whether p is in the region or on its edge. A part that a
// ring goes round twice is inside: who draws across his own line means both.
func (r *region) contains(p orb.Point) bool {
	if !r.bound.Contains(p) {
		return false
	}
	ring, winding := 0, 0
	inside := false
	leave := func() { // what is known of the ring that ends
		if ring == 0 {
			inside = winding != 0
		} else if winding != 0 {
			inside = false
		}
	}
	for _, i := range r.bands[r.band(p[1])] {
		for i >= r.ends[ring] {
			leave()
			ring, winding = ring+1, 0
		}
		a, b := r.points[i], r.points[i+1]
		s := side(a, b, p)
		if s == 0 && within(p[0], a[0], b[0]) && within(p[1], a[1], b[1]) {
			return true
		}
		switch {
		case a[1] <= p[1] && b[1] > p[1] && s > 0:
			winding++
		case a[1] > p[1] && b[1] <= p[1] && s < 0:
			winding--
		}
	}
	leave()
	return inside
}

// touches reports whether two regions have a point in common.
func (r *region) touches(o *region) bool {
	if !r.bound.Intersects(o.bound) {
		return false
	}
	if len(r.points) > len(o.points) {
		r, o = o, r
	}
	for _, pair := range [2][2]*region{{r, o}, {o, r}} {
		start := int32(0)
		for _, end := range pair[0].ends {
			if pair[1].contains(pair[0].points[start]) {
				return true
			}
			start = end
		}
	}
	found := false
	r.sides(func(i int32) bool {
		found = o.crossedBy(r.points[i], r.points[i+1])
		return !found
	})
	return found
}

// crossedBy reports whether the line from a to b meets a side.
func (r *region) crossedBy(a, b orb.Point) bool {
	low, high := min(a[1], b[1]), max(a[1], b[1])
	if high < r.bound.Min[1] || low > r.bound.Max[1] || max(a[0], b[0]) < r.bound.Min[0] || min(a[0], b[0]) > r.bound.Max[0] {
		return false
	}
	for k := r.band(low); k <= r.band(high); k++ {
		for _, i := range r.bands[k] {
			if meet(a, b, r.points[i], r.points[i+1]) {
				return true
			}
		}
	}
	return false
}

// meet reports whether two closed lines have a point in common.
func meet(a, b, c, d orb.Point) bool {
	if max(a[0], b[0]) < min(c[0], d[0]) || max(c[0], d[0]) < min(a[0], b[0]) ||
		max(a[1], b[1]) < min(c[1], d[1]) || max(c[1], d[1]) < min(a[1], b[1]) {
		return false
	}
	return !sameSide(side(c, d, a), side(c, d, b)) && !sameSide(side(a, b, c), side(a, b, d))
}

func sameSide(x, y float64) bool { return x > 0 && y > 0 || x < 0 && y < 0 }

// side is above 0 where p lies left of the line from a to b. The conversions
// forbid fused arithmetic: a shared point gives exactly 0 on every machine.
func side(a, b, p orb.Point) float64 {
	return float64((b[0]-a[0])*(p[1]-a[1])) - float64((b[1]-a[1])*(p[0]-a[0]))
}

func within(v, a, b float64) bool { return v >= math.Min(a, b) && v <= math.Max(a, b) }
