package main

import (
	"path/filepath"
	"strings"
	"testing"
)

const twoAreas = `{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"com_istat_code":"999001","name":"Valdemo"},"geometry":{"type":"Polygon","coordinates":[[[10,44],[10.1,44],[10.1,44.1],[10,44]]]}},
{"type":"Feature","properties":{"com_istat_code":"999002","name":"Pontelungo"},"geometry":{"type":"Polygon","coordinates":[[[11,44],[11.1,44],[11.1,44.1],[11,44]]]}}]}`

func TestAreasAreReadBesideTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "comuni.geojson"), twoAreas)
	file := write(t, filepath.Join(dir, "m.yaml"), valdemo+"areas:\n  - file: comuni.geojson\n")
	c, err := loadConfigOf(surroundings(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, ok := c.gazetteer.Area("999002"); !ok || a.Name != "Pontelungo" || a.Code.Name != "ISTAT" {
		t.Errorf("got %+v of %d", a, c.gazetteer.Len())
	}
	if _, out, _ := command(t, "config", "check", "--config", file); !strings.Contains(out, "2 areas") {
		t.Errorf("config check: %s", out)
	}
	if _, out, _ := command(t, "config", "print", "--config", file); !strings.Contains(out, "areas:\n  - file: comuni.geojson") {
		t.Errorf("config print: %s", out)
	}
}

func TestMistakesOfAreasHaveTheirLine(t *testing.T) {
	for name, c := range map[string]struct {
		yaml, geojson string
		want          []string
	}{
		"no file named":     {"areas:\n  - {system: ISTAT}\n", "", []string{"m.yaml:4: areas[0].file is missing"}},
		"a file not there":  {"areas:\n  - {file: comuni.geojson}\n  - {file: zone.geojson}\n", twoAreas, []string{"m.yaml:5: areas[1].file zone.geojson: cannot be read: no such file"}},
		"named twice":       {"areas:\n  - {file: comuni.geojson}\n  - {file: ./comuni.geojson}\n", twoAreas, []string{"m.yaml:5: areas[1].file is \"./comuni.geojson\", which stands here already"}},
		"an unknown key":    {"areas:\n  - {file: comuni.geojson, sistem: ISTAT}\n", twoAreas, []string{"m.yaml:4: unknown key areas[0].sistem (did you mean system?)"}},
		"another property":  {"areas:\n  - {file: comuni.geojson, code: istat}\n", twoAreas, []string{"m.yaml:4: areas[0].file comuni.geojson: feature 1 (Valdemo): has no code", "feature 2 (Pontelungo): has no code", `"com_istat_code"`}},
		"a source of lines": {"areas:\n  - {file: comuni.geojson, source: \"ISTAT\\nCC BY\"}\n", twoAreas, []string{"m.yaml:4: areas[0].source is no line of at most 200 bytes"}},
		"a ring not closed": {"areas:\n  - {file: comuni.geojson}\n", strings.Replace(twoAreas, "[11,44]]]", "[11,44.05]]]", 1), []string{"m.yaml:4: areas[0].file comuni.geojson: feature 2 (999002): polygon 1, ring 1 is not closed (repeat the first position"}},
		"no GeoJSON":        {"areas:\n  - {file: comuni.geojson}\n", "PK", []string{"m.yaml:4: areas[0].file comuni.geojson: is not GeoJSON"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.geojson != "" {
				write(t, filepath.Join(dir, "comuni.geojson"), c.geojson)
			}
			code, out, errOut := command(t, "config", "check", "--config", write(t, filepath.Join(dir, "m.yaml"), valdemo+c.yaml))
			if code != exitRefused {
				t.Errorf("exit %d: %s", code, out)
			}
			for _, want := range c.want {
				if !strings.Contains(errOut, want) {
					t.Errorf("%q is not named in\n%s", want, errOut)
				}
			}
		})
	}
}
