package areas

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geo"
	"github.com/paulmach/orb/planar"

	"martinella/alerts"
)

// The oracle is naive and not ours: orb decides what is inside, every side is
// compared with every side, circles are measured at many points.

func oracleTouches(a, b orb.Polygon) bool {
	for _, pair := range [2][2]orb.Polygon{{a, b}, {b, a}} {
		for _, ring := range pair[0] {
			for _, p := range ring {
				if planar.PolygonContains(pair[1], p) {
					return true
				}
			}
		}
	}
	for _, r := range a {
		for i := range len(r) - 1 {
			for _, s := range b {
				for j := range len(s) - 1 {
					if oracleCross(r[i], r[i+1], s[j], s[j+1]) {
						return true
					}
				}
			}
		}
	}
	return false
}

// oracleCross solves for the point that both lines have.
func oracleCross(a, b, c, d orb.Point) bool {
	det := (b[0]-a[0])*(d[1]-c[1]) - (b[1]-a[1])*(d[0]-c[0])
	if det == 0 {
		return false // parallel: an end of one would be in the other polygon
	}
	t := ((c[0]-a[0])*(d[1]-c[1]) - (c[1]-a[1])*(d[0]-c[0])) / det
	u := ((c[0]-a[0])*(b[1]-a[1]) - (c[1]-a[1])*(b[0]-a[0])) / det
	return t >= 0 && t <= 1 && u >= 0 && u <= 1
}

// star is a ring of n corners that does not cross itself.
func star(r *rand.Rand, lon, lat, size float64, n int) orb.Ring {
	return coast(r, lon, lat, size, 0.6, n)
}

// coast is a ring that is so rough: 0 is a circle.
func coast(r *rand.Rand, lon, lat, size, rough float64, n int) orb.Ring {
	var ring orb.Ring
	for i := range n {
		at, far := 2*math.Pi*float64(i)/float64(n), size*(1-rough+rough*r.Float64())
		ring = append(ring, orb.Point{lon + far*math.Cos(at), lat + far*math.Sin(at)})
	}
	return append(ring, ring[0])
}

func ringed(r *rand.Rand) orb.Polygon {
	lon, lat, size := 10+2*r.Float64(), 43+2*r.Float64(), 0.05+0.6*r.Float64()
	p := orb.Polygon{star(r, lon, lat, size, 3+r.IntN(40))}
	if r.IntN(2) == 0 {
		p = append(p, star(r, lon, lat, size*0.15, 3+r.IntN(10))) // a hole well inside for most
	}
	return p
}

func capRing(r orb.Ring) alerts.Polygon {
	var p alerts.Polygon
	for _, at := range r {
		p = append(p, alerts.Point{Lat: at[1], Lon: at[0]})
	}
	return p
}

func synthetic(polygons []orb.Polygon) *Gazetteer {
	var list []*Area
	for i, p := range polygons {
		a := &Area{Code: alerts.Value{Name: "X", Value: fmt.Sprintf("%05d", i)}, parts: []*region{newRegion(p...)}}
		a.sample()
		list = append(list, a)
	}
	return newGazetteer(list)
}

func TestPolygonsAgreeWithBruteForce(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		var polygons []orb.Polygon
		for range 60 {
			polygons = append(polygons, ringed(r))
		}
		g := synthetic(polygons)
		for range 20 {
			ring := star(r, 10+2*r.Float64(), 43+2*r.Float64(), 0.01+0.5*r.Float64(), 3+r.IntN(60))
			want := map[string]bool{}
			for i, p := range polygons {
				if oracleTouches(p, orb.Polygon{ring}) {
					want[fmt.Sprintf("%05d", i)] = true
				}
			}
			got := g.Touching(Draw([]alerts.Polygon{capRing(ring)}, nil))
			for _, v := range got {
				if !want[v.Value] {
					t.Errorf("seed %d: %s is found, brute force says no", seed, v.Value)
				}
				delete(want, v.Value)
			}
			if len(want) > 0 {
				t.Errorf("seed %d: brute force finds %v as well", seed, want)
			}
			at := orb.Point{10 + 2*r.Float64(), 43 + 2*r.Float64()}
			for i, p := range polygons {
				if got, want := g.areas[i].parts[0].contains(at), planar.PolygonContains(p, at); got != want {
					t.Errorf("seed %d: %v in %d: %v, want %v", seed, at, i, got, want)
				}
			}
		}
	}
}

func TestCirclesAgreeWithBruteForce(t *testing.T) {
	touched := 0
	for seed := range uint64(250) {
		r := rand.New(rand.NewPCG(seed, 2))
		p := ringed(r)
		if seed%4 == 0 { // long sides, far north
			p = orb.Polygon{star(r, 20, 60, 8, 3+r.IntN(3))}
		}
		b := p.Bound()
		middle := orb.Point{b.Min[0] + (b.Max[0]-b.Min[0])*(2*r.Float64()-0.5), b.Min[1] + (b.Max[1]-b.Min[1])*(2*r.Float64()-0.5)}
		near := math.Inf(1)
		if planar.PolygonContains(p, middle) {
			near = 0
		}
		for _, ring := range p {
			for i := range len(ring) - 1 {
				pieces := 1 + int(math.Hypot(ring[i+1][0]-ring[i][0], ring[i+1][1]-ring[i][1])/0.0003) // 30 m
				for k := range pieces + 1 {
					f := float64(k) / float64(pieces)
					at := orb.Point{ring[i][0] + f*(ring[i+1][0]-ring[i][0]), ring[i][1] + f*(ring[i+1][1]-ring[i][1])}
					near = min(near, geo.DistanceHaversine(middle, at)/1000*earthRadius*1000/orb.EarthRadius)
				}
			}
		}
		reg := newRegion(p...)
		for _, c := range []struct {
			radius float64
			want   bool
		}{{near*1.001 + 0.02, true}, {near*0.999 - 0.02, false}} {
			if c.radius < 0 {
				continue
			}
			touched++
			if got := newDisc(alerts.Circle{Centre: alerts.Point{Lat: middle[1], Lon: middle[0]}, Radius: c.radius}).touches(reg); got != c.want {
				t.Errorf("seed %d: %.3f km to the outline, radius %.3f: %v", seed, near, c.radius, got)
			}
		}
	}
	if touched < 250 {
		t.Errorf("only %d comparisons", touched)
	}
}

// A circle reaches over the antimeridian and over a pole.
func TestCirclesReachAroundTheEarth(t *testing.T) {
	fiji := newRegion(orb.Ring{{-179.9, -17}, {-179.8, -17}, {-179.8, -16}, {-179.9, -16}, {-179.9, -17}})
	arctic := newRegion(orb.Ring{{-10, 89}, {10, 89}, {10, 89.5}, {-10, 89.5}, {-10, 89}})
	for name, c := range map[string]struct {
		circle alerts.Circle
		region *region
		want   bool
	}{
		"25 km to the east, over the line": {alerts.Circle{Centre: alerts.Point{Lat: -16.5, Lon: 179.9}, Radius: 25}, fiji, true},
		"not that far":                     {alerts.Circle{Centre: alerts.Point{Lat: -16.5, Lon: 179.9}, Radius: 15}, fiji, false},
		"over the pole":                    {alerts.Circle{Centre: alerts.Point{Lat: 89.5, Lon: 180}, Radius: 120}, arctic, true},
		"not over the pole":                {alerts.Circle{Centre: alerts.Point{Lat: 89.5, Lon: 180}, Radius: 50}, arctic, false},
		"around the whole earth":           {alerts.Circle{Centre: alerts.Point{Lat: 45, Lon: 10}, Radius: 30000}, arctic, true},
	} {
		if got := newDisc(c.circle).touches(c.region); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTheTreeFindsWhatALoopFinds(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 17, 300, 3000} {
		r := rand.New(rand.NewPCG(uint64(n), 3))
		box := func(size float64) orb.Bound {
			x, y := r.Float64()*100, r.Float64()*60
			return orb.Bound{Min: orb.Point{x, y}, Max: orb.Point{x + r.Float64()*size, y + r.Float64()*size}}
		}
		var boxes []orb.Bound
		for range n {
			boxes = append(boxes, box(3))
		}
		tr := newTree(boxes)
		for range 50 {
			ask := box(20)
			var got, want []int
			tr.find(ask, func(i int) { got = append(got, i) })
			for i, b := range boxes {
				if b.Intersects(ask) {
					want = append(want, i)
				}
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Fatalf("of %d: %v, want %v", n, got, want)
			}
		}
	}
}

// Italy of squares: 8,000 municipalities of 100 corners each.
func country() *Gazetteer {
	var polygons []orb.Polygon
	r := rand.New(rand.NewPCG(1, 1))
	for y := range 100 {
		for x := range 80 {
			lon, lat := 7+float64(x)*0.12, 37+float64(y)*0.09
			var ring orb.Ring
			for i := range 100 {
				at := 2 * math.Pi * float64(i) / 100
				ring = append(ring, orb.Point{lon + 0.065*math.Cos(at)*(0.95+0.05*r.Float64()), lat + 0.05*math.Sin(at)*(0.95+0.05*r.Float64())})
			}
			polygons = append(polygons, orb.Polygon{append(ring, ring[0])})
		}
	}
	return synthetic(polygons)
}

func BenchmarkResolve(b *testing.B) {
	g := country()
	r := rand.New(rand.NewPCG(1, 2))
	for name, ring := range map[string]orb.Ring{
		"50 corners, 30 km":       star(r, 11, 43.5, 0.3, 50),
		"1,000 corners, 100 km":   coast(r, 11, 43.5, 1, 0.1, 1000),
		"41,009 corners, country": coast(r, 11.5, 41.5, 5, 0.01, 41_009),
	} {
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				n = len(g.Resolve(nil, []alerts.Polygon{capRing(ring)}, nil).Codes)
			}
			b.ReportMetric(float64(n), "areas")
		})
	}
	b.Run("1,352 codes", func(b *testing.B) {
		var codes []alerts.Value
		for i := range 1352 {
			codes = append(codes, alerts.Value{Name: "X", Value: fmt.Sprintf("%05d", i*5)})
		}
		for b.Loop() {
			g.Resolve(codes, nil, nil)
		}
	})
	b.Run("circle of 30 km", func(b *testing.B) {
		for b.Loop() {
			g.Resolve(nil, nil, []alerts.Circle{{Centre: alerts.Point{Lat: 43.5, Lon: 11}, Radius: 30}})
		}
	})
}

// BenchmarkLoad reads 8,000 municipalities of 100 corners.
func BenchmarkLoad(b *testing.B) {
	var text strings.Builder
	text.WriteString(`{"type":"FeatureCollection","features":[`)
	for i, a := range country().areas {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"type":"Feature","properties":{"com_istat_code":%q},"geometry":{"type":"Polygon","coordinates":[[`, a.Code.Value)
		for k, p := range a.parts[0].points {
			if k > 0 {
				text.WriteByte(',')
			}
			fmt.Fprintf(&text, "[%v,%v]", p[0], p[1])
		}
		text.WriteString("]]}}")
	}
	text.WriteString("]}")
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if _, err := Read(strings.NewReader(text.String()), Source{}); err != nil {
			b.Fatal(err)
		}
	}
}
