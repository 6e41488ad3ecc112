package alerts

import (
	"math"
	"strings"
	"testing"
)

// circle is a ring of n different points around Valdemo.
func circle(n int) Polygon {
	var ring Polygon
	for i := range n {
		a := 2 * math.Pi * float64(i) / float64(n)
		ring = append(ring, Point{44.5 + math.Sin(a)/10, 10.9 + math.Cos(a)/10})
	}
	return append(ring, ring[0])
}

func TestRings(t *testing.T) {
	knot := circle(2000)
	knot[500], knot[1500] = knot[1500], knot[500]
	for name, c := range map[string]struct {
		ring Polygon
		want string // "" for a good ring
	}{
		"a triangle":                 {Polygon{{1, 2}, {3, 4}, {5, 7}, {1, 2}}, ""},
		"a circle of 40,000 points":  {circle(40_000), ""},
		"an eight":                   {Polygon{{0, 0}, {1, 1}, {1, 0}, {0, 1}, {0, 0}}, "crosses itself"},
		"a knot among 2,000 points":  {knot, "crosses itself"},
		"a comb that only touches":   {Polygon{{0, 0}, {0, 2}, {1, 2}, {0, 1}, {1, 0}, {0, 0}}, ""},
		"two points":                 {Polygon{{1, 2}, {3, 4}, {1, 2}}, "fewer than three"},
		"open":                       {Polygon{{1, 2}, {3, 4}, {5, 7}}, "not closed"},
		"not on the earth":           {Polygon{{1, 2}, {3, 181}, {5, 7}, {1, 2}}, "not on the earth"},
		"not on the earth, and open": {Polygon{{1, 2}, {3, 181}, {5, 7}}, "not closed"},
		"nothing":                    {nil, "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			var ps Problems
			budget := maxCrossChecks
			c.ring.problems(&ps, "polygon[0]", &budget)
			if got := ps.String(); c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestCheckingRingsIsBounded: sides that all overlap are the worst case.
func TestCheckingRingsIsBounded(t *testing.T) {
	var flat Polygon
	for i := range 20_000 {
		flat = append(flat, Point{0, float64(i % 10)})
	}
	budget := maxCrossChecks
	if flat.selfCrossing(&budget); budget != -1 {
		t.Errorf("got a budget of %d, want it spent", budget)
	}
}

func TestNumbersInShapes(t *testing.T) {
	for in, want := range map[string]string{
		"1,2":                    "1,2",
		"-0,+0.0":                "0,0",
		"44.50,10.9":             "44.5,10.9",
		"9.0E-5,1":               "0.00009,1",
		"1e-300,1":               "0,1",
		"1e300,1":                "",
		"NaN,1":                  "",
		"Inf,1":                  "",
		"0x1p4,1":                "",
		"1_000,1":                "",
		"1":                      "",
		"1,2,3":                  "",
		",":                      "",
		strings.Repeat("9", 400): "",
	} {
		var p Polygon
		err := p.UnmarshalText([]byte(in))
		if (err == nil) != (want != "") || err == nil && p.String() != want {
			t.Errorf("%q: got %q %v, want %q", in, p, err, want)
		}
	}
}
