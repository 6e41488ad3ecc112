package dashboards

import (
	"encoding/xml"
	"regexp"
	"slices"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/alerts/areas"
)

func valdemo(c *Config) { c.Areas = areas.Valdemo() }

// mapOf is the drawing of a page, which must be well-formed.
func mapOf(t *testing.T, body string) string {
	t.Helper()
	svg := regexp.MustCompile(`(?s)<svg class="map".*?</svg>\s*(<details|</div>)`).FindString(body)
	if svg == "" {
		return ""
	}
	svg = svg[:strings.LastIndex(svg, "</svg>")+6]
	if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
		t.Fatalf("the drawing is not well-formed: %v\n%s", err, svg)
	}
	return svg
}

func TestTheMapShowsTheAreasOfTheGateway(t *testing.T) {
	g := open(t, valdemo)
	quiet := mapOf(t, g.get("/?lang=it").body)
	n := strings.Count(quiet, `class="z q"`)
	if n < 5 || strings.Contains(quiet, "pattern") || !strings.Contains(quiet, "Altre zone") {
		t.Fatalf("%d quiet areas: %s", n, quiet)
	}
	list := areas.Valdemo().All()
	code := ""
	for _, a := range list {
		if len(areas.Valdemo().Within(a.Code.Value)) == 0 {
			code = a.Code.Value
			if !strings.Contains(quiet, a.Name) {
				t.Errorf("%s is not named", a.Name)
			}
		}
	}
	at := areas.Valdemo()
	zone, _ := at.Area(code)
	where := `<polygon>44.01,11.01 44.01,11.06 44.04,11.06 44.04,11.01 44.01,11.01</polygon>
      <geocode><valueName>ISTAT</valueName><value>099001</value></geocode>`
	id := g.issue(message("by-code", "severity", "Extreme", where, `<geocode><valueName>`+zone.Code.Name+`</valueName><value>`+code+`</value></geocode>`))["id"].(string)
	for _, path := range []string{"/?lang=it", "/a/" + id + "?lang=it"} {
		svg := mapOf(t, g.get(path).body)
		if strings.Count(svg, `class="z q"`) != n-1 || strings.Count(svg, `class="z red"`) != 1 || strings.Count(svg, `class="p red"`) != 1 || !strings.Contains(svg, `href="#s-red"`) || !strings.Contains(svg, zone.Name) {
			t.Errorf("%s: what is given by a code alone is not drawn: %s", path, svg)
		}
		if !strings.Contains(svg, `<desc id="md">Avviso - pericolo estremo: `+zone.Name) {
			t.Errorf("%s: not told in words: %s", path, svg)
		}
	}
}

// An area that has a polygon and a code that is known here means both: neither
// leaves a hole in the map.
func TestTheMapShowsThePolygonAndTheZoneOfAnArea(t *testing.T) {
	g := open(t, valdemo)
	quiet := strings.Count(mapOf(t, g.get("/?lang=it").body), `class="z q"`)
	var zone areas.Area
	for _, a := range areas.Valdemo().All() {
		if len(areas.Valdemo().Within(a.Code.Value)) == 0 {
			zone = a
		}
	}
	id := g.issue(message("both", "severity", "Extreme", "<geocode><valueName>ISTAT</valueName><value>099001</value></geocode>",
		`<geocode><valueName>`+zone.Code.Name+`</valueName><value>`+zone.Code.Value+`</value></geocode>`))["id"].(string)
	svg := mapOf(t, g.get("/a/"+id+"?lang=it").body)
	if strings.Count(svg, `class="z red"`) != 2 || strings.Count(svg, `class="z q"`) != quiet-1 || !strings.Contains(svg, ">Borgo Basso e Le Fornaci<") || !strings.Contains(svg, ">"+zone.Name+"<") {
		t.Errorf("not both are drawn: %s", svg)
	}
}

// What the licences of the outlines want said stands below every map that shows
// them, and below none that does not.
func TestTheSourceOfOutlinesStandsBelowTheMap(t *testing.T) {
	g := open(t, valdemo, func(c *Config) { c.StartedAreas.Credits = []string{"ISTAT, CC BY 4.0", "© OpenStreetMap <ODbL>"} })
	at := areas.Valdemo().All()[0].Code.Value
	want := "Confini delle zone: ISTAT, CC BY 4.0; © OpenStreetMap <ODbL>."
	g.page("/").says("#map", want)
	g.page("/area/"+at).says("#map", want)
	near := g.issue(message("near", "<geocode><valueName>ISTAT</valueName><value>099001</value></geocode>", "<geocode><valueName>ISTAT</valueName><value>"+at+"</value></geocode>"))["id"].(string)
	far := g.issue(message("far", "<polygon>44.01,11.01 44.01,11.06 44.04,11.06 44.04,11.01 44.01,11.01</polygon>", "<polygon>10,100 10,101 11,101 11,100 10,100</polygon>"))["id"].(string)
	g.page("/a/"+near).says("#map", want)
	g.page("/a/"+near+"/sheet").says("#map", want)
	g.page("/a/"+far).never("main", "ISTAT, CC BY")
	open(t, valdemo).page("/").never("#map", "Confini")
}

func TestTheMapStaysSane(t *testing.T) {
	g := open(t, valdemo)
	where := "<polygon>44.01,11.01 44.01,11.06 44.04,11.06 44.04,11.01 44.01,11.01</polygon>"
	for name, c := range map[string]struct {
		shape string
		quiet bool
		wide  float64 // at least so much of the picture is taken
	}{
		"across the antimeridian":  {"<polygon>-17,178 -17,-179 -19,-179 -19,178 -17,178</polygon>", false, 200},
		"a circle":                 {"<circle>44.02,11.02 3</circle>", false, 200},
		"half of the world":        {"<polygon>-60,-120 -60,120 80,120 80,-120 -60,-120</polygon>", true, 0},
		"the poles and everything": {"<polygon>-90,-180 -90,180 90,180 90,-180 -90,-180</polygon>", true, 0},
		"an island far from us":    {"<polygon>10,100 10,101 11,101 11,100 10,100</polygon>", false, 200},
		"a circle round the pole":  {"<circle>89.9,10 500</circle>", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			id := g.issue(message(strings.ReplaceAll(name, " ", "-"), where, c.shape))["id"].(string)
			svg := mapOf(t, g.get("/a/"+id+"?lang=it").body)
			if !strings.Contains(svg, `class="z yel"`) {
				t.Fatalf("it is not drawn: %s", svg)
			}
			if c.quiet != strings.Contains(svg, `class="z q"`) && name != "a circle" {
				t.Errorf("our own areas, want %v: %s", c.quiet, svg)
			}
			for _, n := range regexp.MustCompile(`-?\d{6,}`).FindAllString(svg, -1) {
				t.Errorf("the picture reaches to %s", n)
			}
		})
	}
}

// Neighbours are simplified along the same line: what one has of it the other
// has too.
func TestNoGapOpensBetweenNeighbours(t *testing.T) {
	var shared []corner
	for y := range 200 {
		shared = append(shared, corner{100 + []int{0, 3, 1, 7, 2, -4, 5}[y%7], y * 2})
	}
	left := slices.Concat(shared, []corner{{0, 398}, {0, 0}})
	back := slices.Clone(shared)
	slices.Reverse(back)
	right := slices.Concat([]corner{{300, 0}, {300, 398}}, back) // begun elsewhere, and the other way round
	out := simplified([][]corner{left, right})
	line := func(ring []corner) (on []corner) {
		for _, c := range ring {
			if c.x > 50 && c.x < 200 && !slices.Contains(on, c) {
				on = append(on, c)
			}
		}
		slices.SortFunc(on, func(a, b corner) int { return a.y - b.y })
		return on
	}
	if a, b := line(out[0]), line(out[1]); !slices.Equal(a, b) || len(a) >= len(shared) || len(a) < 20 {
		t.Errorf("one has %d corners, the other %d, of %d", len(a), len(b), len(shared))
	}
}

func FuzzMap(f *testing.F) {
	f.Add(44.0, 11.0, 45.0, 12.0, 43.0, 10.0, 5.0)
	f.Add(-17.0, 178.0, -18.0, -179.0, 90.0, 180.0, 20000.0)
	s := &Server{}
	s.zones = func() *zones { return newZones(areas.Valdemo()) }
	f.Fuzz(func(t *testing.T, a, b, c, d, e, g, radius float64) {
		ring := alerts.Polygon{{Lat: a, Lon: b}, {Lat: c, Lon: d}, {Lat: e, Lon: g}, {Lat: a, Lon: b}}
		area := alerts.Area{Description: "x", Polygons: []alerts.Polygon{ring}, Circles: []alerts.Circle{{Centre: ring[0], Radius: radius}}}
		all := s.outlinesOf(&area, "", map[string]bool{})
		if len(all) == 0 {
			return
		}
		p := project(slices.Concat(s.zones().around(all, nil), all))
		if p.Width < mapLeast || p.Width > mapWidth || p.Height < 80 || p.Height > mapMost+2*mapMargin {
			t.Errorf("%d by %d", p.Width, p.Height)
		}
		for _, d := range p.Shapes {
			if d.X < 0 || d.X > p.Width || d.Y < 0 || d.Y > p.Height || strings.Contains(string(d.Path), "NaN") {
				t.Errorf("%+v", d)
			}
		}
	})
}
