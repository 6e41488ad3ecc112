package dashboards

import (
	"math"
	"slices"

	"martinella/alerts"
)

// corner is a corner on the map, in its own units.
type corner struct{ x, y int }

func (a corner) before(b corner) bool { return a.x < b.x || a.x == b.x && a.y < b.y }

// How much a line may be simplified at first, how many corners the whole map may
// have before it is simplified more, and how many of one ring are read at all.
const (
	mapSlack   = 1.5
	mapCorners = 1600
	mapRead    = 2000
)

// whole rounds; what is far outside of the picture stays within what can be
// reckoned with.
func whole(f float64) int { return int(math.Round(min(max(f, -20_000), 20_000))) }

// thinned leaves corners out of a very long ring, so that strangers' shapes stay
// cheap.
func thinned(ring alerts.Polygon) alerts.Polygon {
	if len(ring) <= mapRead {
		return ring
	}
	every := len(ring)/mapRead + 1
	var out alerts.Polygon
	for i := 0; i < len(ring); i += every {
		out = append(out, ring[i])
	}
	return append(out, ring[len(ring)-1])
}

// simplified takes corners out of rings. A line that two rings share stays the
// same for both, so that no gap opens between neighbours: rings are cut where
// more than two of them meet, and each piece is simplified in one direction.
func simplified(rings [][]corner) [][]corner {
	for i, ring := range rings {
		rings[i] = ringed(slices.Compact(ring))
	}
	for slack := mapSlack; ; slack *= 1.5 {
		knots := knotsOf(rings)
		out, total := make([][]corner, len(rings)), 0
		for i, ring := range rings {
			out[i] = reduced(ring, knots, slack)
			total += len(out[i])
		}
		if rings = out; total <= mapCorners || slack > mapWidth {
			return rings
		}
	}
}

func ringed(ring []corner) []corner {
	if len(ring) > 0 && ring[0] != ring[len(ring)-1] {
		return append(ring, ring[0])
	}
	return ring
}

// knotsOf finds the corners from which lines go to other than two corners.
func knotsOf(rings [][]corner) map[corner]bool {
	to := map[corner][2]corner{}
	knots := map[corner]bool{}
	link := func(a, b corner) {
		have, known := to[a]
		switch {
		case !known:
			to[a] = [2]corner{b, b}
		case have[0] == b || have[1] == b:
		case have[0] == have[1]:
			to[a] = [2]corner{have[0], b}
		default:
			knots[a] = true
		}
	}
	for _, ring := range rings {
		for i := range len(ring) - 1 {
			link(ring[i], ring[i+1])
			link(ring[i+1], ring[i])
		}
	}
	return knots
}

// reduced simplifies one closed ring between its knots.
func reduced(ring []corner, knots map[corner]bool, slack float64) []corner {
	if len(ring) < 5 {
		return ring
	}
	open := ring[:len(ring)-1]
	first := slices.IndexFunc(open, func(s corner) bool { return knots[s] })
	if first < 0 { // an island: it begins at its corner of the least x, wherever it was begun
		first = 0
		for i, s := range open {
			if s.before(open[first]) {
				first = i
			}
		}
	}
	turned := ringed(slices.Concat(open[first:], open[:first]))
	out := []corner{turned[0]}
	from := 0
	for i := 1; i < len(turned); i++ {
		if knots[turned[i]] || i == len(turned)-1 {
			out = append(out, stretch(turned[from:i+1], slack)[1:]...)
			from = i
		}
	}
	if len(out) < 4 {
		return turned // nothing would be left of a small one
	}
	return out
}

// stretch simplifies a line between two knots, the same from either end.
func stretch(line []corner, slack float64) []corner {
	a, b := line[0], line[len(line)-1]
	back := b.before(a) || a == b && len(line) > 2 && line[len(line)-2].before(line[1])
	if !back {
		return thinner(line, slack)
	}
	turned := slices.Clone(line)
	slices.Reverse(turned)
	turned = thinner(turned, slack)
	slices.Reverse(turned)
	return turned
}

// thinner leaves out corners that are nearer to the line than slack.
func thinner(line []corner, slack float64) []corner {
	var out []corner
	for _, i := range kept(len(line), slack, func(i, from, to int) float64 {
		at := func(i int) [2]float64 { return [2]float64{float64(line[i].x), float64(line[i].y)} }
		return distance(at(i), at(from), at(to))
	}) {
		out = append(out, line[i])
	}
	return out
}

// kept is Douglas and Peucker's line simplification, with an explicit stack: it
// gives which of n corners stay, the ends among them. off tells how far the
// corner i is from the line between two others.
func kept(n int, slack float64, off func(i, from, to int) float64) (out []int) {
	if n == 0 {
		return nil
	}
	keep := make([]bool, n)
	keep[0], keep[n-1] = true, true
	stack := [][2]int{{0, n - 1}}
	for len(stack) > 0 {
		from, to := stack[len(stack)-1][0], stack[len(stack)-1][1]
		stack = stack[:len(stack)-1]
		far, at := slack, -1
		for i := from + 1; i < to; i++ {
			if d := off(i, from, to); d > far {
				far, at = d, i
			}
		}
		if at >= 0 {
			keep[at] = true
			stack = append(stack, [2]int{from, at}, [2]int{at, to})
		}
	}
	for i, yes := range keep {
		if yes {
			out = append(out, i)
		}
	}
	return out
}

// distance of p from the line through a and b.
func distance(p, a, b [2]float64) float64 {
	dx, dy := b[0]-a[0], b[1]-a[1]
	length := math.Hypot(dx, dy)
	if length == 0 {
		return math.Hypot(p[0]-a[0], p[1]-a[1])
	}
	return math.Abs(dy*(p[0]-a[0])-dx*(p[1]-a[1])) / length
}

// box is a part of the plane of longitude and latitude.
type box struct{ south, west, north, east float64 }

// nowhere holds no point; any that is added is all of it.
var nowhere = box{90, 540, -90, -540}

func (b box) with(lat, lon float64) box {
	return box{min(b.south, lat), min(b.west, lon), max(b.north, lat), max(b.east, lon)}
}

func (b box) wide() float64 { return b.east - b.west }
func (b box) tall() float64 { return b.north - b.south }

func (b box) meets(o box) bool {
	return b.south <= o.north && o.south <= b.north && b.west <= o.east && o.west <= b.east
}

// within cuts off what is farther from the inner box than some of its sizes.
func (b box) within(inner box, sizes float64) box {
	dx, dy := inner.wide()*sizes, inner.tall()*sizes
	return box{max(b.south, inner.south-dy), max(b.west, inner.west-dx), min(b.north, inner.north+dy), min(b.east, inner.east+dx)}
}

// eastOf turns longitudes so that what lies across the antimeridian stays in one
// piece.
func eastOf(all []outline) func(float64) float64 {
	turned := func(lon float64) float64 {
		if lon < 0 {
			lon += 360
		}
		return lon
	}
	plain, far := nowhere, nowhere
	for _, o := range all {
		for _, p := range o.ring {
			plain, far = plain.with(p.Lat, p.Lon), far.with(p.Lat, turned(p.Lon))
		}
	}
	if plain.wide() > 180 && far.wide() < plain.wide() {
		return turned
	}
	return func(lon float64) float64 { return lon }
}
