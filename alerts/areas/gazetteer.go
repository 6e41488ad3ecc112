package areas

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"martinella/alerts"
)

// Area is a named area: a municipality, a warning zone, a region.
type Area struct {
	Code   alerts.Value // as a geocode names it: {ISTAT 047014}
	Name   string
	Parent string // the code of the area that it belongs to, where the file says so

	// Exposure orders areas that the same alert concerns, the higher first: 0
	// where nothing is said. An area without one of its own has the highest of
	// those that it lies in.
	Exposure float64

	rated   bool // the exposure is its own
	parts   []*region
	samples []orb.Point // evenly over the area: what share of it lies in another
	inner   []*Area     // what lies within it, by code
}

// Gazetteer knows areas by code. It never changes and may be used from many
// goroutines. A nil one knows no area.
type Gazetteer struct {
	areas    []*Area // by code
	byCode   map[string]*Area
	children map[string][]*Area // by the parent's code, which need not be an area
	parts    []*Area            // of each box in the tree
	tree     tree
	digest   alerts.Digest
	exposed  bool // some area has an exposure
}

// The shares of an area that decide where outlines overlap: files are
// simplified differently, so that neighbours share slivers and a municipality
// sticks out of its own region a little.
const (
	mostly = 0.8 // so much of it in the other: it lies within
	sliver = 0.1 // less than that of the smaller one in common: neighbours
)

// newGazetteer takes areas with different codes.
func newGazetteer(list []*Area) *Gazetteer {
	g := &Gazetteer{areas: list, byCode: map[string]*Area{}, children: map[string][]*Area{}}
	slices.SortFunc(g.areas, byCode)
	var boxes []orb.Bound
	sum := sha256.New()
	write := func(s string) { _, _ = sum.Write(append([]byte(s), 0)) }
	for _, a := range g.areas {
		g.byCode[a.Code.Value] = a
		if a.Parent != "" {
			g.children[a.Parent] = append(g.children[a.Parent], a)
		}
		write(a.Code.Name)
		write(a.Code.Value)
		write(a.Parent)
		if a.rated {
			write("exposure " + strconv.FormatFloat(a.Exposure, 'g', -1, 64))
		}
		for _, r := range a.parts {
			boxes, g.parts = append(boxes, r.bound), append(g.parts, a)
			b := binary.LittleEndian.AppendUint64(nil, uint64(len(r.ends)))
			for _, p := range r.points {
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p[0]))
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p[1]))
			}
			_, _ = sum.Write(b)
		}
	}
	g.tree = newTree(boxes)
	for _, a := range g.areas {
		found := map[*Area]bool{}
		g.below(a.Code.Value, found)
		for _, r := range a.parts {
			g.near(r.bound, func(b *Area) { found[b] = found[b] || a.share(b) >= mostly })
		}
		delete(found, a)
		a.inner = sorted(found)
	}
	g.expose()
	g.digest = alerts.Digest(hex.EncodeToString(sum.Sum(nil)))
	return g
}

// expose gives the exposure of areas to what lies in them and has none.
func (g *Gazetteer) expose() {
	for _, a := range g.areas {
		if !a.rated {
			continue
		}
		for _, in := range a.inner {
			if !in.rated {
				in.Exposure = max(in.Exposure, a.Exposure)
			}
		}
		g.exposed = g.exposed || a.Exposure > 0
	}
}

// Exposure is that of the area with this code, 0 where there is none.
func (g *Gazetteer) Exposure(code string) float64 {
	if a := g.get(code); a != nil {
		return a.Exposure
	}
	return 0
}

// ExposureAt is the highest of the smallest areas that the point is in.
func (g *Gazetteer) ExposureAt(p alerts.Point) float64 {
	highest := 0.0
	if g == nil || !g.exposed {
		return highest
	}
	touched := g.touching(Draw(nil, []alerts.Circle{{Centre: p}}))
	for _, a := range touched {
		if !aroundOthers(a, touched) {
			highest = max(highest, a.Exposure)
		}
	}
	return highest
}

// Len is how many areas there are.
func (g *Gazetteer) Len() int {
	if g == nil {
		return 0
	}
	return len(g.areas)
}

// Digest changes with every code, outline and exposure; "" of none.
func (g *Gazetteer) Digest() alerts.Digest {
	if g == nil {
		return ""
	}
	return g.digest
}

// Area gives the area with this code. The system is not compared: senders write
// it in many ways, and a code is in the gazetteer once.
func (g *Gazetteer) Area(code string) (Area, bool) {
	if a := g.get(code); a != nil {
		return *a, true
	}
	return Area{}, false
}

func (g *Gazetteer) get(code string) *Area {
	if g == nil {
		return nil
	}
	return g.byCode[code]
}

// known reports whether the code is an area, or one that areas belong to.
func (g *Gazetteer) known(code string) bool {
	return g.get(code) != nil || g != nil && len(g.children[code]) > 0
}

// At gives the codes of the areas that the point is in, edges included.
func (g *Gazetteer) At(p alerts.Point) []alerts.Value {
	return g.Touching(Draw(nil, []alerts.Circle{{Centre: p}}))
}

// Touching gives the codes of the areas that have a point in common with the
// shape, by code.
func (g *Gazetteer) Touching(s Shape) []alerts.Value { return values(g.touching(s)) }

func (g *Gazetteer) touching(s Shape) []*Area {
	found := map[*Area]bool{}
	if g == nil {
		return nil
	}
	for _, r := range s.regions {
		one := Shape{regions: []*region{r}}
		g.near(r.bound, func(a *Area) { found[a] = found[a] || one.meets(a.parts) })
	}
	for _, d := range s.discs {
		one := Shape{discs: []disc{d}}
		g.near(d.bound, func(a *Area) { found[a] = found[a] || one.meets(a.parts) })
	}
	return sorted(found)
}

// near calls do once for each area whose box overlaps b.
func (g *Gazetteer) near(b orb.Bound, do func(*Area)) {
	seen := map[*Area]bool{}
	g.tree.find(b, func(n int) {
		if a := g.parts[n]; !seen[a] {
			seen[a] = true
			do(a)
		}
	})
}

// Within gives the codes of the areas that lie in the one with this code: those
// that name it as their parent, and those that are mostly in its outline. The
// area itself is not among them.
func (g *Gazetteer) Within(code string) []alerts.Value {
	if a := g.get(code); a != nil {
		return values(a.inner)
	}
	found := map[*Area]bool{}
	if g != nil {
		g.below(code, found)
	}
	return values(sorted(found))
}

// Overlapping gives the codes of the areas that share more than a sliver with
// the one that has this code, whichever is the larger, and of those that it
// belongs to or that belong to it. The area itself is not among them.
func (g *Gazetteer) Overlapping(code string) []alerts.Value {
	found := map[*Area]bool{}
	if g == nil {
		return nil
	}
	g.below(code, found)
	if a := g.byCode[code]; a != nil {
		for _, r := range a.parts {
			g.near(r.bound, func(b *Area) { found[b] = found[b] || overlap(a, b) })
		}
		g.above(a, func(parent *Area) bool { found[parent] = true; return true })
		delete(found, a)
	}
	return values(sorted(found))
}

func overlap(a, b *Area) bool { return a.share(b) >= sliver || b.share(a) >= sliver }

// above calls do for the areas that a belongs to by its file, until it says no.
func (g *Gazetteer) above(a *Area, do func(*Area) bool) {
	for range g.areas { // files may go in circles
		if a = g.byCode[a.Parent]; a == nil || !do(a) {
			return
		}
	}
}

// below adds what names the code as its parent, and what names those.
func (g *Gazetteer) below(code string, found map[*Area]bool) {
	for _, child := range g.children[code] {
		if !found[child] {
			found[child] = true
			g.below(child.Code.Value, found)
		}
	}
}

// Contains reports whether the area inner lies in the area outer; each does in
// itself.
func (g *Gazetteer) Contains(outer, inner string) bool {
	o, i := g.get(outer), g.get(inner)
	if o == nil || i == nil {
		return i != nil && slices.Contains(g.Within(outer), i.Code)
	}
	return o == i || o.holds(i)
}

// holds reports whether the other one lies within it.
func (a *Area) holds(b *Area) bool {
	_, found := slices.BinarySearchFunc(a.inner, b, byCode)
	return found
}

// Intersects reports whether two areas share more than a sliver, or one belongs
// to the other.
func (g *Gazetteer) Intersects(a, b string) bool {
	one, other := g.get(a), g.get(b)
	return one != nil && other != nil && overlap(one, other) || g.Contains(a, b) || g.Contains(b, a)
}

// Outline is the shape of the areas with these codes; unknown ones are left out.
func (g *Gazetteer) Outline(codes ...string) Shape {
	var s Shape
	found := map[*Area]bool{}
	if g == nil {
		return s
	}
	for _, c := range codes {
		if a := g.byCode[c]; a != nil {
			found[a] = true
		} else {
			g.below(c, found)
		}
	}
	for _, a := range sorted(found) {
		s.regions = append(s.regions, a.parts...)
	}
	return s
}

func sorted(found map[*Area]bool) []*Area {
	var list []*Area
	for a, yes := range found {
		if yes {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, byCode)
	return list
}

func byCode(a, b *Area) int { return strings.Compare(a.Code.Value, b.Code.Value) }

func values(list []*Area) []alerts.Value {
	var out []alerts.Value
	for _, a := range list {
		out = append(out, a.Code)
	}
	return out
}

// share is how much of b lies in a, 0 to 1.
func (a *Area) share(b *Area) float64 {
	n := 0
	for _, p := range b.samples {
		if slices.ContainsFunc(a.parts, func(r *region) bool { return r.contains(p) }) {
			n++
		}
	}
	return float64(n) / float64(max(len(b.samples), 1))
}

// Points of an area by which shares are measured.
const (
	sampleRows = 16
	samples    = 64
)

// sample lays points evenly over the area: along rows of equal distance, as
// many to a length wherever the row is inside. It gives the rows' length inside,
// in degrees: 0 for an area without a surface.
func (a *Area) sample() float64 {
	type piece struct{ lat, from, to float64 }
	var pieces []piece
	total := 0.0
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range a.parts {
		low, high = min(low, r.bound.Min[1]), max(high, r.bound.Max[1])
	}
	for row := range sampleRows {
		lat := low + (high-low)*(float64(row)+0.5)/sampleRows
		for _, r := range a.parts {
			cuts := r.cuts(lat)
			for i := 0; i+1 < len(cuts); i += 2 {
				if wide := cuts[i+1] - cuts[i]; wide > 0 {
					pieces = append(pieces, piece{lat, cuts[i], cuts[i+1]})
					total += wide
				}
			}
		}
	}
	a.samples = nil
	passed, next := 0.0, 0
	for _, p := range pieces {
		for wide := p.to - p.from; next < samples; next++ {
			at := total*(float64(next)+0.5)/samples - passed
			if at > wide {
				break
			}
			a.samples = append(a.samples, orb.Point{p.from + at, p.lat})
		}
		passed += p.to - p.from
	}
	return total
}

// cuts are the longitudes at which the sides cross a latitude, from west to east.
func (r *region) cuts(lat float64) []float64 {
	if lat < r.bound.Min[1] || lat > r.bound.Max[1] {
		return nil
	}
	var at []float64
	for _, i := range r.bands[r.band(lat)] {
		a, b := r.points[i], r.points[i+1]
		if (a[1] <= lat) != (b[1] <= lat) {
			at = append(at, a[0]+(lat-a[1])/(b[1]-a[1])*(b[0]-a[0]))
		}
	}
	slices.SortFunc(at, cmp.Compare)
	return at
}
