package areas

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	before := Valdemo()
	b := before.GeoJSON()
	after, err := Read(bytes.NewReader(b), Source{File: "stored"})
	if err != nil {
		t.Fatal(err)
	}
	if after.Len() != before.Len() || !bytes.Equal(after.GeoJSON(), b) {
		t.Errorf("%d areas became %d, or the writing differs", before.Len(), after.Len())
	}
	a, _ := before.Area("VD-1")
	if z, there := after.Area("VD-1"); !there || z.Name != a.Name || z.Code != a.Code || z.Parent != a.Parent || !after.Contains(ValdemoISTAT, "VD-1") {
		t.Errorf("%+v became %+v", a.Code, z.Code)
	}
	fine := `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"A","system":"S","exposure":2},"geometry":{"type":"Polygon","coordinates":[[[11.1234567,43],[11.1234568,43],[11.2,43],[11.2,43.1],[11.1234567,43]]]}}]}`
	g, err := Read(strings.NewReader(fine), Source{})
	if err != nil {
		t.Fatal(err)
	}
	if s := string(g.GeoJSON()); !strings.Contains(s, `[[11.12346,43],[11.2,43],[11.2,43.1],[11.12346,43]]`) || !strings.Contains(s, `"exposure":2`) {
		t.Error(s)
	}
}

func TestTheFirstOfJoinedGazetteersWins(t *testing.T) {
	other, err := Read(strings.NewReader(strings.NewReplacer("Poggio Alto", "Another").Replace(string(valdemoZones))), Source{System: "OTHER"})
	if err != nil {
		t.Fatal(err)
	}
	town, err := Read(bytes.NewReader(valdemoOutline), Source{})
	if err != nil {
		t.Fatal(err)
	}
	g, twice := Join(nil, Valdemo(), other)
	if a, _ := g.Area("VD-1"); a.Name != "Poggio Alto" || g.Len() != Valdemo().Len() || len(twice) != other.Len() || !slices.Contains(twice, "VD-1") || g.Digest() != Valdemo().Digest() {
		t.Errorf("%+v, twice %v", a.Code, twice)
	}
	if g, twice = Join(town, other); len(twice) > 0 || !g.Contains(ValdemoISTAT, "VD-1") || len(town.Within(ValdemoISTAT)) > 0 {
		t.Errorf("twice %v, within %v, before %v", twice, g.Within(ValdemoISTAT), town.Within(ValdemoISTAT))
	}
	if g, _ := Join(nil, nil); g != nil {
		t.Error("nothing became something")
	}
}
