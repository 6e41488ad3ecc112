package dashboards

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/alerts/areas"
)

// built puts a map for drawing among the assets, or takes it out, whether or not
// npm was there when the test was built.
func (g *desktop) built(there bool) {
	a := g.server.pages.assets
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, name := range editorFiles {
		delete(a.names, name)
		if there {
			a.put(name, []byte("/* "+name+" */"))
		}
	}
}

func TestWithoutTheMapThePageSaysSoAndWorks(t *testing.T) {
	g := openDesktop(t)
	g.built(false)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, form := p.written(alerts.StatusExercise)
	page := p.get(path + "?lang=en")
	if !strings.Contains(page.body, "missing in this installation") || strings.Contains(page.body, `id="drawing"`) || strings.Contains(page.body, "editor") {
		t.Errorf("%d: the page does not say that there is no map", page.StatusCode)
	}
	form.Set("shapes", "44.01,10.01 44.02,10.01 44.02,10.02\n44.05,10.05 1.5")
	p.do("POST", path, withDo(form, "save"))
	page = p.get(path + "?lang=en")
	if got := writingOf(t, page.body, "writing").Get("shapes"); !strings.Contains(got, "44.05,10.05 1.5") || !strings.Contains(page.body, `class="map"`) {
		t.Errorf("the typed shapes: %q", got)
	}

	g.built(true)
	page = p.get(path + "?lang=en")
	for _, name := range editorFiles {
		at, err := g.server.pages.assets.url(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(page.body, at) {
			t.Errorf("the page does not name %s", name)
		}
		if r := g.get(at); r.StatusCode != 200 || r.body != "/* "+name+" */" || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %q", at, r.StatusCode, r.body)
		}
	}
	if strings.Contains(page.body, "missing in this installation") || strings.Contains(page.body, "<script src=\"/static/editor") {
		t.Error("the page with the map")
	}
}

func TestTheGroundOfTheMapIsForStaff(t *testing.T) {
	g := openDesktop(t)
	if r := g.get("/console/areas.json"); strings.Contains(r.body, "Valdemo\"") || !strings.HasPrefix(r.Request.URL.Path, "/console/sign-in") && r.StatusCode != http.StatusSeeOther {
		t.Errorf("a stranger: %d %s", r.StatusCode, r.Request.URL)
	}
	p := g.staff("bruno", "Bruno Neri", writer(true))
	r := p.get("/console/areas.json")
	var got zoneCollection
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.StatusCode != 200 || r.Header.Get("Content-Type") != mediaGeo {
		t.Fatalf("%d %v %s", r.StatusCode, err, r.body)
	}
	var with []areas.Area
	for _, a := range g.server.Areas.All() {
		if len(a.Rings()) > 0 {
			with = append(with, a)
		}
	}
	if len(got.Features) != len(with) || got.Left != 0 || len(with) < 3 {
		t.Fatalf("%d areas, of %d", len(got.Features), len(with))
	}
	i := slices.IndexFunc(got.Features, func(f zoneFeature) bool { return f.Properties.Code == "ISTAT=999001" })
	if i < 0 || got.Features[i].Properties.Name != "Valdemo" || len(got.Features[i].Geometry.Coordinates[0][0]) != 5 || got.Features[i].Geometry.Coordinates[0][0][0] != [2]float64{10, 44} {
		t.Errorf("Valdemo: %+v", got.Features)
	}
	if cache := r.Header.Get("Cache-Control"); !strings.Contains(cache, "private") {
		t.Errorf("kept: %q", cache)
	}
	tag := r.Header.Get("ETag")
	if again := p.do("GET", "/console/areas.json", nil, "If-None-Match", tag); again.StatusCode != http.StatusNotModified || again.body != "" {
		t.Errorf("asked again with %s: %d %q", tag, again.StatusCode, again.body)
	}
}

func TestRingsAreMadeSimpler(t *testing.T) {
	var ring alerts.Polygon
	for i := range 1000 {
		angle := 2 * math.Pi * float64(i) / 1000
		ring = append(ring, alerts.Point{Lat: 44 + 0.1*math.Sin(angle), Lon: 10 + 0.14*math.Cos(angle)})
	}
	ring = append(ring, ring[0])
	const slack = 0.2 * zoneSlack
	line := simplerRing(ring, 0.72, slack)
	if len(line) < 20 || len(line) > 200 || line[0] != line[len(line)-1] {
		t.Fatalf("%d corners, from %v to %v", len(line), line[0], line[len(line)-1])
	}
	for _, p := range ring {
		near := math.Inf(1)
		for i := range len(line) - 1 {
			near = min(near, distance([2]float64{p.Lon * 0.72, p.Lat}, [2]float64{line[i].Lon * 0.72, line[i].Lat}, [2]float64{line[i+1].Lon * 0.72, line[i+1].Lat}))
		}
		if near > slack+1e-5 {
			t.Fatalf("%v is %g from the line", p, near)
		}
	}
	if made := outlines(nil); !strings.Contains(string(made.body.plain), `"features":[]`) {
		t.Errorf("no areas: %s", made.body.plain)
	}
}
