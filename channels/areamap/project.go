package areamap

import (
	"math"

	"martinella/alerts"
)

// unit is one pixel: positions are whole 1/256 of it, so that every machine
// draws the same.
const unit = 256

// point is a position on the picture, in units.
type point struct{ x, y int }

// flatArea is an area on the picture.
type flatArea struct {
	index    int // in what was given
	rings    [][]point
	severity alerts.Severity
	middle   point // within it, for its number; in pixels
}

// frame is how large a picture may be, in pixels, and what it may hold.
type frame struct {
	width, least, most int
	zoom               int
	areas, rings       int
}

// small is the picture of [Draw].
var small = frame{Width, minHeight, maxHeight, 1, MaxAreas, maxRings}

// large is the frame of a part of a picture, which has no numbers: it holds the
// municipalities of a region.
func large(width, height int) frame { return frame{width, height, height, 2, 400, 500} }

// shaped is an area that can be drawn.
type shaped struct {
	index    int
	severity alerts.Severity
	rings    []alerts.Polygon
}

// choose takes what lies on the earth, as far as the frame holds it; whole is
// false where that is not all.
func choose(areas []Area, size frame) (all []shaped, whole bool) {
	rings := 0
	whole = true
	for i := range areas {
		s := shaped{index: i, severity: areas[i].Severity}
		take := func(ring func() alerts.Polygon) {
			if rings == size.rings || len(all) == size.areas {
				whole = false
				return
			}
			s.rings = append(s.rings, ring())
			rings++
		}
		for _, p := range areas[i].Polygons {
			if sound(p) {
				take(func() alerts.Polygon { return p })
			}
		}
		for _, c := range areas[i].Circles {
			if c.Centre.Valid() && c.Radius >= 0 && c.Radius <= 20_000 {
				take(func() alerts.Polygon { return round(c) })
			}
		}
		if len(s.rings) > 0 {
			all = append(all, s)
		}
		if !whole {
			break
		}
	}
	return all, whole
}

// view is a plain map: degrees of longitude are shortened by the cosine of the
// middle latitude.
type view struct {
	width, height int
	left, top     float64 // pixels
	low, high     alerts.Point
	squeeze       float64
	scale         float64 // pixels per degree of latitude
	metres        float64 // of one pixel
}

// metresPerDegree of latitude (WGS 84, mean).
const metresPerDegree = 111_195

// project lays the areas out so that all of them are seen, and leaves out what
// does not lie on the earth.
func project(areas []Area, size frame) ([]flatArea, view) {
	all, _ := choose(areas, size)
	if len(all) == 0 {
		return nil, view{}
	}
	rings := 0
	v := view{low: alerts.Point{Lat: 90, Lon: 180}, high: alerts.Point{Lat: -90, Lon: -180}}
	for _, s := range all {
		rings += len(s.rings)
		for _, ring := range s.rings {
			for _, p := range ring {
				v.low.Lat, v.low.Lon = min(v.low.Lat, p.Lat), min(v.low.Lon, p.Lon)
				v.high.Lat, v.high.Lon = max(v.high.Lat, p.Lat), max(v.high.Lon, p.Lon)
			}
		}
	}
	v.fit(size)
	most := min(maxCorners, allCorners/rings)
	out := make([]flatArea, len(all))
	for i, s := range all {
		out[i] = flatArea{index: s.index, severity: s.severity}
		for _, ring := range s.rings {
			out[i].rings = append(out[i].rings, thin(v.ring(ring), most))
		}
	}
	return out, v
}

// fit chooses the scale; a point is drawn as if it were 500 metres wide.
func (v *view) fit(size frame) {
	const least = 500.0 / metresPerDegree
	v.squeeze = math.Max(math.Cos((v.low.Lat+v.high.Lat)/2*math.Pi/180), 0.01)
	wide, tall := math.Max((v.high.Lon-v.low.Lon)*v.squeeze, least), math.Max(v.high.Lat-v.low.Lat, least)
	v.scale = math.Min(float64(size.width-2*margin)/wide, float64(size.most-2*margin)/tall)
	v.width = size.width
	v.height = min(max(int(tall*v.scale)+2*margin, size.least), size.most)
	v.left = (float64(size.width) - (v.high.Lon-v.low.Lon)*v.squeeze*v.scale) / 2
	v.top = (float64(v.height) - (v.high.Lat-v.low.Lat)*v.scale) / 2
	v.metres = metresPerDegree / v.scale
}

// ring projects an outline; what is far outside stays within what can be
// reckoned with.
func (v *view) ring(p alerts.Polygon) []point {
	const far = 1 << 20
	to := func(pixels float64) int { return int(math.Round(min(max(pixels, -far), far) * unit)) }
	out := make([]point, len(p))
	for i, at := range p {
		out[i] = point{to(v.left + (at.Lon-v.low.Lon)*v.squeeze*v.scale), to(v.top + (v.high.Lat-at.Lat)*v.scale)}
	}
	return out
}

// sound reports whether the outline can be drawn.
func sound(p alerts.Polygon) bool {
	if len(p) < 3 {
		return false
	}
	for _, at := range p {
		if !at.Valid() || math.IsNaN(at.Lat) || math.IsNaN(at.Lon) {
			return false
		}
	}
	return true
}

// round is a circle as an outline; a point becomes a circle of 100 metres.
func round(c alerts.Circle) alerts.Polygon {
	const corners = 72
	radius := math.Max(c.Radius, 0.1) * 1000 / metresPerDegree
	squeeze := math.Max(math.Cos(c.Centre.Lat*math.Pi/180), 0.01)
	out := make(alerts.Polygon, corners)
	for i := range out {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / corners)
		out[i] = alerts.Point{Lat: min(max(c.Centre.Lat+radius*sin, -90), 90), Lon: min(max(c.Centre.Lon+radius*cos/squeeze, -180), 180)}
	}
	return out
}

// thin leaves out corners that nobody can see, and ever more of them while
// there are too many.
func thin(ring []point, most int) []point {
	most = max(most, 12)
	for step := unit; ; step += step / 2 {
		out := make([]point, 0, min(len(ring), most))
		for _, p := range ring {
			if n := len(out); n == 0 || abs(p.x-out[n-1].x)+abs(p.y-out[n-1].y) >= step {
				out = append(out, p)
			}
		}
		if len(out) <= most {
			return out
		}
	}
}

func abs(n int) int { return max(n, -n) }
