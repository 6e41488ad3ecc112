package dashboards

import (
	"encoding/json"
	"math"
	"net/http"

	"martinella/alerts"
)

// The forms of RFC 7946; positions are longitude first there.
type geoCollection struct {
	Type     string       `json:"type"`
	Features []geoFeature `json:"features"`
	Cursor   string       `json:"cursor,omitempty"`
}

type geoFeature struct {
	Type       string       `json:"type"`
	ID         alerts.ID    `json:"id"`
	Geometry   *geoGeometry `json:"geometry"` // null where the alert has only codes
	Properties item         `json:"properties"`
}

type geoGeometry struct {
	Type        string           `json:"type"`
	Coordinates [][][][2]float64 `json:"coordinates"` // of a MultiPolygon
}

// feature gives the shapes of a record; circles become rings of 32 points.
func feature(i item, r *alerts.Record) geoFeature {
	f := geoFeature{Type: "Feature", ID: r.ID, Properties: i}
	var polygons [][][][2]float64
	seen := map[string]bool{}
	for _, in := range r.Infos() {
		for j := range in.Areas {
			for _, ring := range rings(&in.Areas[j]) {
				if key := ring.String(); !seen[key] { // the same area in every language
					seen[key] = true
					polygons = append(polygons, [][][2]float64{positions(ring)})
				}
			}
		}
	}
	if polygons != nil {
		f.Geometry = &geoGeometry{"MultiPolygon", polygons}
	}
	return f
}

// rings gives the outlines of an area that can be drawn: whole rings, and
// circles of more than a point as rings.
func rings(ar *alerts.Area) []alerts.Polygon {
	var out []alerts.Polygon
	for _, p := range ar.Polygons {
		if len(p) >= 4 {
			out = append(out, p)
		}
	}
	for _, c := range ar.Circles {
		if c.Radius > 0 && c.Centre.Valid() {
			out = append(out, circle(c))
		}
	}
	return out
}

// kmPerDegree is the length of a degree of latitude on a sphere of 6,371 km.
const kmPerDegree = 6371 * math.Pi / 180

func circle(c alerts.Circle) alerts.Polygon {
	const corners = 32
	ring := make(alerts.Polygon, 0, corners+1)
	stretch := max(math.Cos(c.Centre.Lat*math.Pi/180), 0.01)
	for i := range corners {
		angle := 2 * math.Pi * float64(i) / corners
		ring = append(ring, alerts.Point{
			Lat: round5(c.Centre.Lat + c.Radius/kmPerDegree*math.Sin(angle)),
			Lon: round5(c.Centre.Lon + c.Radius/kmPerDegree/stretch*math.Cos(angle)),
		})
	}
	return append(ring, ring[0])
}

// round5 keeps about a metre.
func round5(f float64) float64 { return math.Round(f*1e5) / 1e5 }

// positions turns a ring counter-clockwise, as RFC 7946 section 3.1.6 asks.
func positions(ring alerts.Polygon) [][2]float64 {
	out := make([][2]float64, len(ring))
	area := 0.0
	for i, p := range ring {
		out[i] = [2]float64{p.Lon, p.Lat}
		next := ring[(i+1)%len(ring)]
		area += p.Lon*next.Lat - next.Lon*p.Lat
	}
	if area < 0 {
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
	}
	return out
}

func writeGeo(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic("dashboards: an answer always marshals: " + err.Error())
	}
	writeBytes(w, mediaGeo, append(b, '\n'))
}
