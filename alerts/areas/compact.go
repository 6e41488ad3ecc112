package areas

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
)

// digits rounds a degree to 5 decimals: about a metre.
const digits = 1e5

// GeoJSON writes the areas as a FeatureCollection that [Read] takes with a
// [Source] of nothing but a name: the properties are code, system, name, parent
// and exposure, and positions have 5 decimals, which is about a metre. Positions
// that fall together are written once. An area smaller than that has no surface
// any more, and Read says so.
func (g *Gazetteer) GeoJSON() []byte {
	type geometry struct {
		Type        string           `json:"type"`
		Coordinates [][][][2]float64 `json:"coordinates"`
	}
	type feature struct {
		Type       string         `json:"type"`
		Properties map[string]any `json:"properties"`
		Geometry   geometry       `json:"geometry"`
	}
	list := []feature{}
	for _, a := range g.All() {
		p := map[string]any{"code": a.Code.Value, "system": a.Code.Name, "name": a.Name}
		if a.Parent != "" {
			p["parent"] = a.Parent
		}
		if a.rated {
			p["exposure"] = a.Exposure
		}
		shape := geometry{Type: "MultiPolygon"}
		for _, r := range a.parts {
			shape.Coordinates = append(shape.Coordinates, r.rounded())
		}
		list = append(list, feature{"Feature", p, shape})
	}
	b, _ := json.Marshal(map[string]any{"type": "FeatureCollection", "features": list}) // plain data, every number finite
	return b
}

// rounded gives the rings with fewer decimals; a ring keeps its positions where
// fewer than four would stay.
func (r *region) rounded() (rings [][][2]float64) {
	start := int32(0)
	for _, end := range r.ends {
		all := make([][2]float64, 0, end-start)
		for _, p := range r.points[start:end] {
			all = append(all, [2]float64{math.Round(p[0]*digits) / digits, math.Round(p[1]*digits) / digits})
		}
		if fewer := slices.Compact(slices.Clone(all)); len(fewer) >= 4 {
			all = fewer
		}
		rings, start = append(rings, all), end
	}
	return rings
}

// Join makes one gazetteer of several; nil ones are left out. A code that is in
// several means the area of the first that has it; twice are those codes, sorted.
// It is nil where there is no area.
func Join(several ...*Gazetteer) (g *Gazetteer, twice []string) {
	var list []*Area
	seen, again := map[string]bool{}, map[string]bool{}
	for _, one := range several {
		if one == nil {
			continue
		}
		for _, a := range one.areas {
			if seen[a.Code.Value] {
				again[a.Code.Value] = true
				continue
			}
			seen[a.Code.Value] = true
			own := &Area{Code: a.Code, Name: a.Name, Parent: a.Parent, rated: a.rated, parts: a.parts, samples: a.samples}
			if a.rated { // else it comes from what the area lies in now
				own.Exposure = a.Exposure
			}
			list = append(list, own)
		}
	}
	if len(list) > 0 {
		g = newGazetteer(list)
	}
	return g, slices.Sorted(maps.Keys(again))
}
