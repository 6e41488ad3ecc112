package areas

import (
	"testing"

	"martinella/alerts"
)

func TestValdemoIsNineZonesWithoutGaps(t *testing.T) {
	g := Valdemo()
	zones := g.Within(ValdemoISTAT)
	if g.Len() != 10 || len(zones) != 9 {
		t.Fatalf("%d areas, %d zones: %v", g.Len(), len(zones), zones)
	}
	for _, z := range zones {
		if z.Name != ValdemoSystem {
			t.Errorf("%v", z)
		}
		if a, ok := g.Area(z.Value); !ok || a.Name == "" || a.Parent != ValdemoISTAT {
			t.Errorf("%s: %+v", z.Value, a)
		}
	}
	for _, a := range g.All() {
		for _, ring := range a.Rings() {
			if len(ring) < 4 || ring[0] != ring[len(ring)-1] {
				t.Errorf("%s: the outline %v is not closed", a.Code.Value, ring)
			}
		}
	}
	// Neighbours share their borders: every point within the municipality lies in
	// one zone, but for those on a border.
	const steps = 120
	inside, held := 0, 0
	for i := range steps {
		for j := range steps {
			p := alerts.Point{Lat: 43.42 + 0.08*float64(i)/steps, Lon: 11.08 + 0.12*float64(j)/steps}
			in, of := 0, false
			for _, code := range g.At(p) {
				if code.Name == "ISTAT" {
					of = true
				} else {
					in++
				}
			}
			if of {
				inside++
			}
			if in > 0 {
				held++
			}
			if of && in != 1 || !of && in > 0 {
				t.Errorf("%v: within the municipality %t, in %d zones", p, of, in)
			}
		}
	}
	if inside < steps*steps/3 || held != inside {
		t.Errorf("%d points of %d within, %d in zones", inside, steps*steps, held)
	}
}
