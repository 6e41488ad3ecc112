package areas

import (
	"math"

	"github.com/paulmach/orb"

	"martinella/alerts"
)

// earthRadius is the mean radius R1 of the earth in kilometres (IUGG, GRS 80).
const earthRadius = 6371.0088

// pieceDegrees is how long a piece of a side may be that is taken for a straight
// line seen from the middle of a circle; the error is a few metres.
const pieceDegrees = 0.1

// disc is a circle on the sphere.
type disc struct {
	middle orb.Point
	radius float64 // kilometres
	bound  orb.Bound
}

func newDisc(c alerts.Circle) disc {
	d := disc{middle: orb.Point{c.Centre.Lon, c.Centre.Lat}, radius: c.Radius}
	angle := min(c.Radius/earthRadius, math.Pi)
	rise := degrees(angle) + 1e-9
	low, high := c.Centre.Lat-rise, c.Centre.Lat+rise
	left, right := -180.0, 180.0
	if low > -90 && high < 90 {
		wide := degrees(math.Asin(min(math.Sin(angle)/math.Cos(radians(c.Centre.Lat)), 1))) + 1e-9
		if c.Centre.Lon-wide >= -180 && c.Centre.Lon+wide <= 180 {
			left, right = c.Centre.Lon-wide, c.Centre.Lon+wide
		}
	}
	d.bound = orb.Bound{Min: orb.Point{left, max(low, -90)}, Max: orb.Point{right, min(high, 90)}}
	return d
}

func (d disc) contains(p orb.Point) bool { return distance(d.middle, p) <= d.radius }

// touches reports whether the circle and the region have a point in common.
func (d disc) touches(r *region) bool {
	if !r.bound.Intersects(d.bound) {
		return false
	}
	if r.contains(d.middle) {
		return true
	}
	for k := r.band(d.bound.Min[1]); k <= r.band(d.bound.Max[1]); k++ {
		for _, i := range r.bands[k] {
			if d.reaches(r.points[i], r.points[i+1]) {
				return true
			}
		}
	}
	return false
}

// reaches reports whether some point of the line from a to b is in the circle.
func (d disc) reaches(a, b orb.Point) bool {
	if max(a[0], b[0]) < d.bound.Min[0] || min(a[0], b[0]) > d.bound.Max[0] || max(a[1], b[1]) < d.bound.Min[1] || min(a[1], b[1]) > d.bound.Max[1] {
		return false
	}
	pieces := int(max(math.Abs(b[0]-a[0]), math.Abs(b[1]-a[1]))/pieceDegrees) + 1
	last := d.seen(a)
	for i := 1; i <= pieces; i++ {
		t := float64(i) / float64(pieces)
		next := d.seen(orb.Point{a[0] + float64(t*(b[0]-a[0])), a[1] + float64(t*(b[1]-a[1]))})
		if nearest(last, next) <= d.radius {
			return true
		}
		last = next
	}
	return false
}

// seen places p in kilometres round the middle: its distance and direction are
// true (azimuthal equidistant projection).
func (d disc) seen(p orb.Point) orb.Point {
	far := distance(d.middle, p)
	la, lb, dl := radians(d.middle[1]), radians(p[1]), radians(p[0]-d.middle[0])
	east := math.Sin(dl) * math.Cos(lb)
	north := float64(math.Cos(la)*math.Sin(lb)) - float64(math.Sin(la)*math.Cos(lb)*math.Cos(dl))
	if length := math.Hypot(east, north); length > 0 {
		return orb.Point{far * east / length, far * north / length}
	}
	return orb.Point{0, far}
}

// nearest is how near the line from a to b comes to the origin.
func nearest(a, b orb.Point) float64 {
	dx, dy := b[0]-a[0], b[1]-a[1]
	t := 0.0
	if square := float64(dx*dx) + float64(dy*dy); square > 0 {
		t = min(max(-(float64(a[0]*dx)+float64(a[1]*dy))/square, 0), 1)
	}
	return math.Hypot(a[0]+float64(t*dx), a[1]+float64(t*dy))
}

// distance is along the great circle, in kilometres (haversine formula).
func distance(a, b orb.Point) float64 {
	la, lb := radians(a[1]), radians(b[1])
	x, y := math.Sin((lb-la)/2), math.Sin(radians(b[0]-a[0])/2)
	h := float64(x*x) + float64(math.Cos(la)*math.Cos(lb)*y*y)
	return 2 * earthRadius * math.Asin(min(math.Sqrt(h), 1))
}

func radians(d float64) float64 { return d * math.Pi / 180 }
func degrees(r float64) float64 { return r * 180 / math.Pi }
