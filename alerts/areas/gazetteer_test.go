package areas

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"martinella/alerts"
)

func valdemo(t testing.TB) *Gazetteer {
	t.Helper()
	g, err := Load(Source{File: "testdata/valdemo.geojson"}, Source{File: "testdata/zones.geojson"})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// box is a rectangle as CAP writes it.
func box(south, west, north, east float64) alerts.Polygon {
	return alerts.Polygon{{Lat: south, Lon: west}, {Lat: south, Lon: east}, {Lat: north, Lon: east}, {Lat: north, Lon: west}, {Lat: south, Lon: west}}
}

func codesOf(list []alerts.Value) string {
	var all []string
	for _, v := range list {
		all = append(all, v.Value)
	}
	return strings.Join(all, " ")
}

func TestAnAlertFindsTheAreasThatItTouches(t *testing.T) {
	g := valdemo(t)
	for name, c := range map[string]struct {
		polygon alerts.Polygon
		circle  *alerts.Circle
		want    string
	}{
		"within one":                     {box(44.02, 10.02, 44.03, 10.03), nil, "999001 XX020"},
		"across a border":                {box(44.02, 10.08, 44.03, 10.12), nil, "999001 999002 XX020"},
		"around all":                     {box(43, 9, 45, 11), nil, "999001 999002 999003 999004 XX020 XX021"},
		"only touching a side":           {box(43.9, 10.02, 44, 10.03), nil, "999001 XX020"},
		"only touching a corner":         {box(44.1, 10.2, 44.2, 10.25), nil, "999002 XX021"},
		"in the hole is not around it":   {box(44.045, 10.145, 44.055, 10.155), nil, "999003 XX020"},
		"the sea between two islands":    {box(44.01, 10.5, 44.02, 10.55), nil, "XX021"},
		"one of two islands":             {box(44.01, 10.61, 44.02, 10.62), nil, "999004 XX021"},
		"nowhere":                        {box(50, 10, 51, 11), nil, ""},
		"latitude and longitude swapped": {box(10.02, 44.02, 10.03, 44.03), nil, ""},
		"not closed":                     {box(44.02, 10.02, 44.03, 10.03)[:4], nil, "999001 XX020"},
		"two points are a line":          {alerts.Polygon{{Lat: 44.05, Lon: 9}, {Lat: 44.05, Lon: 10.02}}, nil, "999001 XX020"},
		"a position beyond the pole":     {alerts.Polygon{{Lat: 91, Lon: 10}, {Lat: 44, Lon: 10}, {Lat: 44, Lon: 11}, {Lat: 91, Lon: 10}}, nil, ""},
		"drawn across itself":            {alerts.Polygon{{Lat: 43.9, Lon: 10}, {Lat: 43.9, Lon: 10.05}, {Lat: 44.02, Lon: 10}, {Lat: 44.02, Lon: 10.05}, {Lat: 43.9, Lon: 10}}, nil, "999001 XX020"},
		"a point":                        {nil, &alerts.Circle{Centre: alerts.Point{Lat: 44.05, Lon: 10.15}}, "999003 XX020"},
		"a circle that does not reach":   {nil, &alerts.Circle{Centre: alerts.Point{Lat: 44.025, Lon: 10.32}, Radius: 6.2}, "XX021"},
		"a circle that just reaches":     {nil, &alerts.Circle{Centre: alerts.Point{Lat: 44.025, Lon: 10.32}, Radius: 6.5}, "999004 XX021"},
		"a circle around all":            {nil, &alerts.Circle{Centre: alerts.Point{Lat: 44, Lon: 10.3}, Radius: 200}, "999001 999002 999003 999004 XX020 XX021"},
		"a circle in the hole":           {nil, &alerts.Circle{Centre: alerts.Point{Lat: 44.05, Lon: 10.15}, Radius: 0.5}, "999003 XX020"},
		"a negative radius":              {nil, &alerts.Circle{Centre: alerts.Point{Lat: 44.05, Lon: 10.15}, Radius: -1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var s Shape
			if c.circle != nil {
				s = Draw(nil, []alerts.Circle{*c.circle})
			} else {
				s = Draw([]alerts.Polygon{c.polygon}, nil)
			}
			if got := codesOf(g.Touching(s)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestOutlinesThatAreSimplifiedDifferentlyStillBelongTogether(t *testing.T) {
	g := valdemo(t)
	if got, want := codesOf(g.Within("XX020")), "999001 999002 999003"; got != want {
		t.Errorf("in the valley: %s, want %s", got, want)
	}
	if got, want := codesOf(g.Within("XX")), "XX021"; got != want {
		t.Errorf("in what no file draws: %s, want %s", got, want)
	}
	if got, want := codesOf(g.Overlapping("999002")), "XX020"; got != want {
		t.Errorf("around Pontelungo: %s, want %s: neighbours and slivers do not count", got, want)
	}
	for _, c := range []struct {
		outer, inner string
		holds, meets bool
	}{
		{"XX020", "999001", true, true}, {"999001", "XX020", false, true}, {"999001", "999001", true, true}, {"999001", "999002", false, false},
		{"XX", "XX021", true, true}, {"XX021", "999002", false, false}, {"XX020", "nowhere", false, false}, {"nowhere", "999001", false, false},
	} {
		if got := g.Contains(c.outer, c.inner); got != c.holds {
			t.Errorf("%s contains %s: %v, want %v", c.outer, c.inner, got, c.holds)
		}
		if got := g.Intersects(c.outer, c.inner); got != c.meets {
			t.Errorf("%s intersects %s: %v, want %v", c.outer, c.inner, got, c.meets)
		}
	}
	if got, want := codesOf(g.At(alerts.Point{Lat: 44.05, Lon: 10.1})), "999001 999002 XX020"; got != want {
		t.Errorf("on the border: %s, want %s", got, want)
	}
	if a, ok := g.Area("999003"); !ok || a.Name != "Isola" || a.Code != (alerts.Value{Name: "ISTAT", Value: "999003"}) {
		t.Errorf("got %+v, %v", a, ok)
	}
}

func TestResolve(t *testing.T) {
	g := valdemo(t)
	istat := func(codes ...string) (list []alerts.Value) {
		for _, c := range codes {
			list = append(list, alerts.Value{Name: "ISTAT", Value: c})
		}
		return list
	}
	for name, c := range map[string]struct {
		g                         *Gazetteer
		codes                     []alerts.Value
		polygons                  []alerts.Polygon
		want, concerned, unknowns string
	}{
		"a municipality, and whoever watches its zone":    {g, istat("999001"), nil, "999001", "999001 XX020", ""},
		"a zone and what lies in it":                      {g, []alerts.Value{{Name: "EMMA_ID", Value: "XX020"}}, nil, "XX020 999001 999002 999003", "999001 999002 999003 XX020", ""},
		"a drawn area is as wide as the smallest areas":   {g, nil, []alerts.Polygon{box(44.02, 10.02, 44.03, 10.03)}, "999001", "999001 XX020", ""},
		"where only a zone is known, the zone":            {g, nil, []alerts.Polygon{box(44.01, 10.5, 44.02, 10.55)}, "XX021", "XX021", ""},
		"drawn and named together":                        {g, istat("999004"), []alerts.Polygon{box(44.02, 10.02, 44.03, 10.03)}, "999004 999001", "999001 999004 XX020 XX021", ""},
		"another spelling of the system is the same area": {g, []alerts.Value{{Name: "istat", Value: "999001"}}, []alerts.Polygon{box(44.02, 10.02, 44.03, 10.03)}, "999001", "999001 XX020", ""},
		"an unknown code is kept and told":                {g, istat("123456"), nil, "123456", "123456", "123456"},
		"twice is once":                                   {g, istat("999001", "999001"), nil, "999001", "999001 XX020", ""},
		"without a gazetteer exact codes only":            {nil, istat("999001"), []alerts.Polygon{box(43, 9, 45, 11)}, "999001", "999001", ""},
		"nothing":                                         {g, nil, nil, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.g.Resolve(c.codes, c.polygons, nil)
			if got := codesOf(r.Codes); got != c.want {
				t.Errorf("codes %s, want %s", got, c.want)
			}
			if got := strings.Join(r.Concerned, " "); got != c.concerned {
				t.Errorf("concerned %s, want %s", got, c.concerned)
			}
			if got := codesOf(r.Unknown); got != c.unknowns {
				t.Errorf("unknown %s, want %s", got, c.unknowns)
			}
			if r.Resolved != (c.g != nil) {
				t.Errorf("resolved %v", r.Resolved)
			}
			if again := c.g.Resolve(c.codes, c.polygons, nil); fmt.Sprint(again.Codes, again.Concerned) != fmt.Sprint(r.Codes, r.Concerned) {
				t.Error("resolved again it is another area")
			}
		})
	}
}

func TestTheShapeOfAnAlertHasItsCodesOutlines(t *testing.T) {
	g := valdemo(t)
	s := g.Resolve([]alerts.Value{{Name: "ISTAT", Value: "999004"}}, []alerts.Polygon{box(44.02, 10.02, 44.03, 10.03)}, nil).Shape
	for name, c := range map[string]struct {
		lat, lon, km float64
		want         bool
	}{
		"in the drawn part": {44.025, 10.025, 0, true}, "beside it": {44.05, 10.05, 1, false}, "beside it, reaching in": {44.05, 10.05, 3, true},
		"on the named island": {44.01, 10.41, 0, true}, "in the sea": {44.02, 10.5, 1, false}, "nowhere": {95, 10, 1000, false},
	} {
		if got := s.Touches(alerts.Circle{Centre: alerts.Point{Lat: c.lat, Lon: c.lon}, Radius: c.km}); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if (Shape{}).Touches(alerts.Circle{Radius: 30000}) || !(Shape{}).Empty() {
		t.Error("nowhere was touched")
	}
}

// Of a valley with exposure 2 one municipality says nothing, one 3, one 1; the
// island is outside.
func TestAnAreaWithoutAnExposureHasThatOfWhatItLiesIn(t *testing.T) {
	square := func(code, rest string, west float64) string {
		return fmt.Sprintf(`{"type":"Feature","properties":{"code":%q,"system":"X"%s},"geometry":{"type":"Polygon","coordinates":[[[%v,44],[%v,44],[%v,44.1],[%v,44.1],[%v,44]]]}}`,
			code, rest, west, west+0.1, west+0.1, west, west)
	}
	text := file(square("quiet", `,"exposure":null`, 10), square("river", `,"exposure":"3"`, 10.1), square("hill", `,"exposure":1`, 10.2), square("island", "", 11),
		square("islet", `,"exposure":0`, 11.2), square("child", `,"parent":"sea"`, 12), square("sea", `,"exposure":0.5`, 13),
		`{"type":"Feature","properties":{"code":"valley","system":"X","exposure":2},"geometry":{"type":"Polygon","coordinates":[[[10,44],[10.3,44],[10.3,44.1],[10,44.1],[10,44]]]}}`)
	g, err := Read(strings.NewReader(text), Source{})
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]float64{"quiet": 2, "river": 3, "hill": 1, "valley": 2, "island": 0, "islet": 0, "child": 0.5, "sea": 0.5, "unknown": 0} {
		if got := g.Exposure(code); got != want {
			t.Errorf("%s: %v, want %v", code, got, want)
		}
	}
	for name, c := range map[string]struct{ lon, want float64 }{"by the river": {10.15, 3}, "on the hill": {10.25, 1}, "nothing said of it": {10.05, 2}, "on the border of both": {10.2, 3}, "at sea": {15, 0}} {
		if got := g.ExposureAt(alerts.Point{Lat: 44.05, Lon: c.lon}); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	other, err := Read(strings.NewReader(strings.Replace(text, `"exposure":0.5`, `"exposure":0.6`, 1)), Source{})
	if err != nil || other.Digest() == g.Digest() {
		t.Errorf("another exposure leaves the digest alone: %v", err)
	}
	var none *Gazetteer
	if none.Exposure("river") != 0 || none.ExposureAt(alerts.Point{}) != 0 || len(none.Concern(Shape{}).In) != 0 {
		t.Error("a nil gazetteer knows something")
	}
}

func TestTheDigestFollowsEveryOutline(t *testing.T) {
	text := `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"A","system":"X"},"geometry":{"type":"Polygon","coordinates":[[[1,1],[2,1],[2,2],[1,1]]]}}]}`
	digest := func(s string) alerts.Digest {
		g, err := Read(strings.NewReader(s), Source{})
		if err != nil {
			t.Fatal(err)
		}
		return g.Digest()
	}
	seen := []alerts.Digest{digest(text), digest(strings.Replace(text, "[2,2]", "[2,2.1]", 1)), digest(strings.Replace(text, `"A"`, `"B"`, 1)), digest(strings.Replace(text, `"X"`, `"Y"`, 1))}
	if digest(strings.ReplaceAll(text, ",", " , ")) != seen[0] {
		t.Error("blanks change the digest")
	}
	if slices.Sort(seen); len(slices.Compact(seen)) != 4 {
		t.Errorf("equal digests: %v", seen)
	}
	var none *Gazetteer
	if none.Digest() != "" || none.Len() != 0 || none.Within("A") != nil || none.Overlapping("A") != nil || none.At(alerts.Point{}) != nil || none.Contains("A", "A") {
		t.Error("a nil gazetteer knows something")
	}
}

func TestWhomEachPartOfAnAreaConcerns(t *testing.T) {
	g := valdemo(t)
	r := g.Resolve([]alerts.Value{{Name: "ISTAT", Value: "999001"}, {Name: "EMMA_ID", Value: "XX020"}, {Name: "ISTAT", Value: "999001"}, {Name: "ISTAT", Value: "123456"}}, []alerts.Polygon{box(44.045, 10.145, 44.055, 10.155)}, nil)
	want := "[{[999001] [XX020]} {[XX020 999001 999002 999003] []} {[123456] []}] {[999003] [XX020]}"
	if got := fmt.Sprint(r.Named, r.Drawn); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := fmt.Sprint(g.Concern(Draw([]alerts.Polygon{box(44.045, 10.145, 44.055, 10.155)}, nil))); got != fmt.Sprint(r.Drawn) {
		t.Errorf("drawn alone: %s", got)
	}
}
