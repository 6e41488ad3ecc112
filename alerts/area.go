package alerts

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Area is CAP section 3.2.4: where the alert holds. The shapes and geocodes
// together are the area, not each of them a choice.
type Area struct {
	Description string    `json:"areaDesc"`
	Polygons    []Polygon `json:"polygon,omitempty"`
	Circles     []Circle  `json:"circle,omitempty"`
	Geocodes    []Value   `json:"geocode,omitempty"`  // ISTAT (6 digits), EMMA_ID, zones
	Altitude    string    `json:"altitude,omitempty"` // feet above mean sea level, as written
	Ceiling     string    `json:"ceiling,omitempty"`  // feet, only with Altitude
}

// Shaped reports whether the area names a place that a machine can find: a
// polygon, a circle or a geocode. A description alone is no area.
func (a *Area) Shaped() bool {
	return len(a.Polygons) > 0 || len(a.Circles) > 0 || len(a.Geocodes) > 0
}

// Point is a WGS 84 position in degrees.
type Point struct{ Lat, Lon float64 }

// Valid reports whether the point lies on the earth.
func (p Point) Valid() bool {
	return math.Abs(p.Lat) <= 90 && math.Abs(p.Lon) <= 180
}

// Polygon is a ring of points, the last equal to the first, at least four.
type Polygon []Point

// String writes the ring as CAP does: "lat,lon lat,lon ...".
func (p Polygon) String() string {
	var b strings.Builder
	for i, at := range p {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(at.String())
	}
	return b.String()
}

// String writes "lat,lon" with as many digits as the value has.
func (p Point) String() string {
	return strconv.FormatFloat(p.Lat, 'f', -1, 64) + "," + strconv.FormatFloat(p.Lon, 'f', -1, 64)
}

// MarshalText writes the ring as CAP does.
func (p Polygon) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a ring; the error is a [Problem] without a field. It
// checks that it can be read, not that it is closed: that is [Alert.Problems].
func (p *Polygon) UnmarshalText(b []byte) error {
	var ring Polygon
	for pair := range strings.FieldsSeq(string(b)) {
		at, ok := parsePoint(pair)
		if !ok {
			return Problem{Problem: "has a position that cannot be read: " + quoteShort(pair), Hint: "write latitude,longitude pairs in degrees, separated by spaces"}
		}
		ring = append(ring, at)
	}
	*p = ring
	return nil
}

// Circle is a centre and a radius in kilometres; a radius of 0 is a point.
type Circle struct {
	Centre Point
	Radius float64
}

// String writes the circle as CAP does: "lat,lon radius".
func (c Circle) String() string {
	return c.Centre.String() + " " + strconv.FormatFloat(c.Radius, 'f', -1, 64)
}

// MarshalText writes the circle as CAP does.
func (c Circle) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a circle; the error is a [Problem] without a field.
func (c *Circle) UnmarshalText(b []byte) error {
	fields := strings.Fields(string(b))
	if len(fields) == 2 {
		centre, ok := parsePoint(fields[0])
		radius, ok2 := parseDegrees(fields[1])
		if ok && ok2 {
			*c = Circle{Centre: centre, Radius: radius}
			return nil
		}
	}
	return Problem{Problem: "cannot be read: " + quoteShort(string(b)), Hint: "write latitude,longitude, a space, then the radius in kilometres"}
}

func parsePoint(s string) (Point, bool) {
	lat, lon, found := strings.Cut(s, ",")
	if !found {
		return Point{}, false
	}
	la, ok := parseDegrees(lat)
	lo, ok2 := parseDegrees(lon)
	return Point{la, lo}, ok && ok2
}

// parseDegrees reads a plain decimal number. strconv.ParseFloat alone would
// also take NaN, Inf, hexadecimal and underscores.
func parseDegrees(s string) (float64, bool) {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.Abs(f) > maxNumber {
		return 0, false
	}
	if math.Abs(f) < minNumber {
		return 0, true // also -0
	}
	return f, true
}

// Bounds of a number in a shape (degrees, kilometres, feet): beyond them
// "1e300" would be written out with 300 digits.
const (
	maxNumber = 1e9
	minNumber = 1e-12
)

// quoteShort quotes what a stranger wrote, cut so that it cannot flood a log.
func quoteShort(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "..."
	}
	return strconv.QuoteToGraphic(s)
}

// maxCrossChecks bounds the comparisons for one alert (about 10 ms): what
// strangers send must stay cheap. A ring of 1,000 points of a real area takes a
// few thousand.
const maxCrossChecks = 1_000_000

// selfCrossing reports whether two sides of the ring cross. It compares only
// sides whose latitudes overlap. It takes its comparisons from the budget and
// reports nothing when that is spent.
func (p Polygon) selfCrossing(budget *int) bool {
	n := len(p) - 1
	if n < 3 {
		return false
	}
	low := func(i int) float64 { return min(p[i].Lat, p[i+1].Lat) }
	high := func(i int) float64 { return max(p[i].Lat, p[i+1].Lat) }
	sides := make([]int, n)
	for i := range sides {
		sides[i] = i
	}
	slices.SortFunc(sides, func(a, b int) int { return cmp.Compare(low(a), low(b)) })
	for k, i := range sides {
		for _, j := range sides[k+1:] {
			if low(j) > high(i) {
				break
			}
			if *budget--; *budget < 0 {
				return false
			}
			if crosses(p[i], p[i+1], p[j], p[j+1]) { // never neighbours: they share a point
				return true
			}
		}
	}
	return false
}

func crosses(a, b, c, d Point) bool {
	side := func(p, q, r Point) float64 {
		// The conversions forbid fused arithmetic, so that a shared point gives
		// exactly 0 on every machine.
		return float64((q.Lon-p.Lon)*(r.Lat-p.Lat)) - float64((q.Lat-p.Lat)*(r.Lon-p.Lon))
	}
	d1, d2, d3, d4 := side(c, d, a), side(c, d, b), side(a, b, c), side(a, b, d)
	return d1*d2 < 0 && d3*d4 < 0
}
