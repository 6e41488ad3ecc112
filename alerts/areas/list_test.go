package areas

import (
	"os"
	"testing"
)

func TestAllAreasWithTheirRings(t *testing.T) {
	f, err := os.Open("testdata/valdemo.geojson")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g, err := Read(f, Source{File: f.Name()})
	if err != nil {
		t.Fatal(err)
	}
	all := g.All()
	if len(all) != g.Len() || all[0].Name != "Valdemo" {
		t.Fatalf("%d areas, the first %q", len(all), all[0].Name)
	}
	for _, a := range all {
		rings := a.Rings()
		if len(rings) == 0 {
			t.Errorf("%s has no ring", a.Name)
		}
		for _, r := range rings {
			if len(r) < 4 || r[0] != r[len(r)-1] {
				t.Errorf("%s: ring %v", a.Name, r)
			}
			if r[0].Lat < 40 || r[0].Lon > 20 {
				t.Errorf("%s: latitude and longitude are the wrong way round: %v", a.Name, r[0])
			}
		}
	}
	if got := all[1].Rings(); len(got) != 1 { // its hole is no outer ring
		t.Errorf("%s has %d outer rings", all[1].Name, len(got))
	}
	if (*Gazetteer)(nil).All() != nil {
		t.Error("no gazetteer has areas")
	}
}
