package dashboards

import (
	"cmp"
	"encoding/json"
	"math"
	"net/http"
	"slices"

	"martinella/alerts"
	"martinella/alerts/areas"
)

func (c *console) drawingRoutes() []consoleRoute {
	return []consoleRoute{{"GET", "/console/areas.json", forStaff, c.areasJSON}}
}

// areasJSON is the ground of the map on which staff draw: the outlines of the
// authority's areas as GeoJSON (RFC 7946), simplified. The areas are those of
// the start, so it is made once.
func (c *console) areasJSON(v *visit) {
	made := c.zones()
	h := v.w.Header()
	h["Cache-Control"] = revalidated
	h["Etag"] = made.etag
	h["Vary"] = byEncoding
	if has := v.r.Header.Get("If-None-Match"); has != "" && matches(has, made.etag[0]) {
		v.w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = []string{mediaGeo}
	made.body.write(v.w, v.r, http.StatusOK)
}

// revalidated keeps an answer in the browser of the person alone, who asks each
// time whether it still holds.
var revalidated = []string{"private, no-cache"}

// The bounds of the outlines: areas, and how far a line may be from the true
// one, as a share of the whole map's longer side.
const (
	mostZones = 500
	zoneSlack = 1.0 / 1500
)

type zoneCollection struct {
	Type     string        `json:"type"`
	Features []zoneFeature `json:"features"`
	Left     int           `json:"left,omitempty"` // areas that are not in it, for there are too many
}

type zoneFeature struct {
	Type       string      `json:"type"`
	Geometry   geoGeometry `json:"geometry"`
	Properties zoneFacts   `json:"properties"`
}

type zoneFacts struct {
	Code string `json:"code"` // as the form of a draft sends it
	Name string `json:"name"`
}

// outlines draws the areas that have a shape, the large ones first, so that the
// small ones within them can be clicked.
func outlines(g *areas.Gazetteer) *ready {
	made := zoneCollection{Type: "FeatureCollection", Features: []zoneFeature{}}
	all := g.All()
	low, high := alerts.Point{Lat: 90, Lon: 180}, alerts.Point{Lat: -90, Lon: -180}
	size := map[string]float64{} // of the box, by code
	for _, a := range all {
		from, to := boxOf(a.Rings())
		size[a.Code.Name+"="+a.Code.Value] = (to.Lat - from.Lat) * (to.Lon - from.Lon)
		low.Lat, low.Lon = min(low.Lat, from.Lat), min(low.Lon, from.Lon)
		high.Lat, high.Lon = max(high.Lat, to.Lat), max(high.Lon, to.Lon)
	}
	squeeze := math.Max(math.Cos((low.Lat+high.Lat)/2*math.Pi/180), 0.01)
	slack := zoneSlack * max(high.Lat-low.Lat, (high.Lon-low.Lon)*squeeze)
	for _, a := range all {
		var polygons [][][][2]float64
		for _, ring := range a.Rings() {
			if line := simplerRing(ring, squeeze, slack); len(line) >= 4 {
				polygons = append(polygons, [][][2]float64{positions(line)})
			}
		}
		switch {
		case polygons == nil:
		case len(made.Features) == mostZones:
			made.Left++
		default:
			made.Features = append(made.Features, zoneFeature{"Feature", geoGeometry{"MultiPolygon", polygons}, zoneFacts{a.Code.Name + "=" + a.Code.Value, a.Name}})
		}
	}
	slices.SortStableFunc(made.Features, func(a, b zoneFeature) int {
		return cmp.Compare(size[b.Properties.Code], size[a.Properties.Code])
	})
	b, err := json.Marshal(made)
	if err != nil {
		panic("dashboards: outlines always marshal: " + err.Error())
	}
	return newReady(append(b, '\n'))
}

// boxOf is the box around rings, in degrees.
func boxOf(rings []alerts.Polygon) (low, high alerts.Point) {
	low, high = alerts.Point{Lat: 90, Lon: 180}, alerts.Point{Lat: -90, Lon: -180}
	for _, ring := range rings {
		for _, p := range ring {
			low.Lat, low.Lon = min(low.Lat, p.Lat), min(low.Lon, p.Lon)
			high.Lat, high.Lon = max(high.Lat, p.Lat), max(high.Lon, p.Lon)
		}
	}
	return low, high
}

// simplerRing leaves out corners that are nearer to the line than slack, in
// degrees of latitude; squeeze is how much shorter one of longitude is.
func simplerRing(ring alerts.Polygon, squeeze, slack float64) alerts.Polygon {
	at := func(i int) [2]float64 { return [2]float64{ring[i].Lon * squeeze, ring[i].Lat} }
	var line alerts.Polygon
	for _, i := range kept(len(ring), slack, func(i, from, to int) float64 { return distance(at(i), at(from), at(to)) }) {
		line = append(line, alerts.Point{Lat: round5(ring[i].Lat), Lon: round5(ring[i].Lon)})
	}
	return line
}
