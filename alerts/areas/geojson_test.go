package areas

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"martinella/alerts"
)

// file is a collection of features.
func file(features ...string) string {
	return `{"type":"FeatureCollection","features":[` + strings.Join(features, ",") + `]}`
}

func feature(properties, geometry string) string {
	return `{"type":"Feature","properties":` + properties + `,"geometry":` + geometry + `}`
}

const square = `{"type":"Polygon","coordinates":[[[10,44],[10.1,44],[10.1,44.1],[10,44]]]}`

func TestEveryMistakeOfAFileIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"not JSON":                {`{"type":`, []string{"x.geojson: is not GeoJSON"}},
		"a list":                  {`[]`, []string{"it is no object"}},
		"one feature alone":       {feature(`{"code":"A"}`, square), []string{`its type is "Feature"`}},
		"TopoJSON":                {`{"type":"Topology","arcs":[]}`, []string{`its type is "Topology" (export a FeatureCollection)`}},
		"nothing in it":           {file(), []string{"has no features"}},
		"cut short":               {file(feature(`{"com_istat_code":"1"}`, square))[:120], []string{"is not GeoJSON"}},
		"more behind it":          {file(feature(`{"com_istat_code":"1"}`, square)) + "{}", []string{"something follows its end"}},
		"metres instead":          {`{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::32632"}},"features":[` + feature(`{"com_istat_code":"1"}`, square) + `]}`, []string{`EPSG::32632" (project it to WGS 84`}},
		"no code":                 {file(feature(`{"istat":"1","name":"Agliana"}`, square)), []string{`x.geojson, feature 1 (Agliana): has no code (name the property with the code in the configuration; here are "istat", "name")`}},
		"no system":               {file(feature(`{"code":"1"}`, square)), []string{"feature 1 (1): belongs to no system"}},
		"a code twice":            {file(feature(`{"com_istat_code":"1"}`, square), feature(`{"com_istat_code":"1"}`, square)), []string{"feature 2 (1): has a code that is there already: x.geojson, feature 1"}},
		"the code of all":         {file(feature(`{"com_istat_code":"*"}`, square)), []string{"means the whole territory"}},
		"no geometry":             {file(feature(`{"com_istat_code":"1"}`, "null")), []string{"feature 1 (1): has no geometry"}},
		"a point":                 {file(feature(`{"com_istat_code":"1"}`, `{"type":"Point","coordinates":[1,2]}`)), []string{`is a "Point"`}},
		"not closed":              {file(feature(`{"com_istat_code":"1"}`, strings.Replace(square, "[10,44]]]", "[10,44.05]]]", 1))), []string{"feature 1 (1): polygon 1, ring 1 is not closed"}},
		"three positions":         {file(feature(`{"com_istat_code":"1"}`, strings.Replace(square, "[10.1,44.1],", "", 1))), []string{"fewer than four positions"}},
		"metres without a crs":    {file(feature(`{"com_istat_code":"1"}`, strings.ReplaceAll(square, "44", "4800000"))), []string{"a position that is not on the earth (the 1.) (write [longitude, latitude]"}},
		"null in a position":      {file(feature(`{"com_istat_code":"1"}`, strings.Replace(square, "10.1", "null", 1))), []string{"coordinates that cannot be read"}},
		"a ring too deep":         {file(feature(`{"com_istat_code":"1"}`, strings.Replace(square, "Polygon", "MultiPolygon", 1))), []string{"coordinates that cannot be read"}},
		"no surface":              {file(feature(`{"com_istat_code":"1"}`, `{"type":"Polygon","coordinates":[[[10,44],[11,44],[10,44],[10,44]]]}`)), []string{"has no surface"}},
		"an empty polygon":        {file(feature(`{"com_istat_code":"1"}`, `{"type":"MultiPolygon","coordinates":[[]]}`)), []string{"has an empty polygon"}},
		"no polygon at all":       {file(feature(`{"com_istat_code":"1"}`, `{"type":"MultiPolygon","coordinates":[]}`)), []string{"has no surface"}},
		"a feature of other form": {file(`{"type":"Feature","properties":[1]}`, feature(`{"com_istat_code":"1"}`, "null")), []string{"feature 1: is not a feature", "feature 2 (1): has no geometry"}},
		"an exposure in words":    {file(feature(`{"com_istat_code":"1","exposure":"high"}`, square)), []string{"feature 1 (1): has an exposure that is no number from 0 on (the more exposed"}},
		"an exposure below 0":     {file(feature(`{"com_istat_code":"1","exposure":-1}`, square)), []string{"has an exposure that is no number"}},
		"an exposure in a list":   {file(feature(`{"com_istat_code":"1","exposure":[1]}`, square)), []string{"has an exposure that is no number"}},
		"an exposure of no end":   {file(feature(`{"com_istat_code":"1","exposure":"Inf"}`, square)), []string{"has an exposure that is no number"}},
		"several at once":         {file(feature(`{}`, square), feature(`{"com_istat_code":"2"}`, "null"), feature(`{"com_istat_code":"3"}`, square), feature(`{"com_istat_code":"3"}`, square)), []string{"feature 1: has no code", "feature 2 (2): has no", "feature 4 (3): has a code"}},
		"a thousand":              {file(strings.TrimSuffix(strings.Repeat(feature(`{}`, square)+",", 1000), ",")), []string{"feature 50: has no code", "x.geojson: 950 more mistakes"}},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := Read(strings.NewReader(c.text), Source{File: "x.geojson"})
			if err == nil || g != nil {
				t.Fatalf("it was read: %d areas", g.Len())
			}
			if _, ok := errors.AsType[Mistake](err); !ok {
				t.Errorf("%v is no Mistake", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in\n%v", want, err)
				}
			}
		})
	}
	if _, err := Load(Source{File: filepath.Join(t.TempDir(), "none.geojson")}); err == nil || !strings.Contains(err.Error(), "none.geojson: cannot be read: no such file") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestPropertiesAreFoundOrConfigured(t *testing.T) {
	for name, c := range map[string]struct {
		properties string
		source     Source
		want       Area
	}{
		"openpolis":         {`{"com_istat_code":"047002","name":"Agliana","com_istat_code_num":47002}`, Source{}, Area{Code: alerts.Value{Name: "ISTAT", Value: "047002"}, Name: "Agliana"}},
		"ISTAT":             {`{"PRO_COM":47002,"PRO_COM_T":"047002","COMUNE":"Agliana"}`, Source{}, Area{Code: alerts.Value{Name: "ISTAT", Value: "047002"}, Name: "Agliana"}},
		"MeteoAlarm":        {`{"code":"IT020","type":"EMMA_ID","EMMA_ID":"IT020","name":"Veneto"}`, Source{}, Area{Code: alerts.Value{Name: "EMMA_ID", Value: "IT020"}, Name: "Veneto"}},
		"ours":              {`{"code":"V1","system":"Valdemo","name":"Nord","parent":"V"}`, Source{}, Area{Code: alerts.Value{Name: "Valdemo", Value: "V1"}, Name: "Nord", Parent: "V"}},
		"a configured one":  {`{"id":7,"label":"Nord","of":"V","code":"no"}`, Source{System: "Valdemo", Code: "id", Name: "label", Parent: "of"}, Area{Code: alerts.Value{Name: "Valdemo", Value: "7"}, Name: "Nord", Parent: "V"}},
		"system configured": {`{"com_istat_code":"047002"}`, Source{System: "comuni"}, Area{Code: alerts.Value{Name: "comuni", Value: "047002"}}},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := Read(strings.NewReader(file(feature(c.properties, square))), c.source)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := g.Area(c.want.Code.Value)
			if !ok || got.Code != c.want.Code || got.Name != c.want.Name || got.Parent != c.want.Parent {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
	if _, err := Read(strings.NewReader(file(feature(`{"com_istat_code":"1"}`, square))), Source{Code: "istat"}); err == nil || !strings.Contains(err.Error(), `its property "istat" is empty or missing`) {
		t.Errorf("got %v", err)
	}
}

// Real outlines: three provinces, twenty regions.
func TestRealBoundaries(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "testdata", "italy")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the Italian boundaries are not there: %v", err)
	}
	g, err := Load(Source{File: filepath.Join(dir, "boundaries", "comuni-pistoia.geojson")}, Source{File: filepath.Join(dir, "boundaries", "comuni-prato.geojson")},
		Source{File: filepath.Join(dir, "boundaries", "comuni-trieste.geojson")}, Source{File: filepath.Join(dir, "zones", "meteoalarm-emma-it.geojson")})
	if err != nil {
		t.Fatal(err)
	}
	regions := map[string]string{}
	for _, a := range g.areas {
		if a.Code.Name == "EMMA_ID" {
			regions[a.Name] = a.Code.Value
		}
	}
	in := map[string]int{}
	for name, code := range regions {
		for _, v := range g.Within(code) {
			in[name+" "+v.Value[:3]]++
		}
	}
	if got, want := fmt.Sprint(in), fmt.Sprint(map[string]int{"Toscana 047": 20, "Toscana 100": 7, "Friuli Venezia Giulia 032": 6}); got != want {
		t.Errorf("by region and province: %v, want %v; regions %v", got, want, regions)
	}
	square := alerts.Point{Lat: 43.9336, Lon: 10.9173} // Pistoia, piazza del Duomo
	if got := codesOf(g.At(square)); !strings.HasPrefix(got, "047014 IT") {
		t.Errorf("the cathedral stands in %s", got)
	}
	if got := codesOf(g.Overlapping("047014")); len(strings.Fields(got)) != 1 {
		t.Errorf("Pistoia overlaps with %s, want its region alone", got)
	}
}

func FuzzGeoJSON(f *testing.F) {
	for _, name := range []string{"valdemo.geojson", "zones.geojson"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add(file(feature(`{"com_istat_code":"1"}`, square), feature(`{"code":"1","system":"x","parent":"1"}`, square)))
	f.Add(file(feature(`{"com_istat_code":"1","parent":"2"}`, square), feature(`{"com_istat_code":"2","parent":"1"}`, `{"type":"MultiPolygon","coordinates":[[[[-180,-90],[180,-90],[180,90],[-180,90],[-180,-90]]]]}`)))
	f.Fuzz(func(t *testing.T, text string) {
		g, err := Read(strings.NewReader(text), Source{File: "f"})
		if err != nil {
			if len(err.Error()) > (maxMistakes+1)*3000 {
				t.Errorf("a message of %d bytes", len(err.Error()))
			}
			return
		}
		if g.Len() == 0 {
			t.Fatal("no areas and no mistake")
		}
		for _, a := range g.areas {
			for _, p := range a.samples[:1] {
				at := alerts.Point{Lat: p[1], Lon: p[0]}
				g.At(at)
			}
			if r := g.Resolve([]alerts.Value{a.Code}, nil, []alerts.Circle{{Centre: alerts.Point{Lat: a.samples[0][1], Lon: a.samples[0][0]}, Radius: 5}}); len(r.Codes) == 0 || !r.Resolved || len(r.Unknown) > 0 {
				t.Errorf("%v resolves to %+v", a.Code, r)
			}
		}
	})
}
