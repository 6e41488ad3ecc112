package areas

import "martinella/alerts"

// All gives every area, by code. The slice is the caller's; what its elements
// point to is not to be changed.
func (g *Gazetteer) All() []Area {
	if g == nil {
		return nil
	}
	all := make([]Area, len(g.areas))
	for i, a := range g.areas {
		all[i] = *a
	}
	return all
}

// Rings gives the outer rings of the area, closed: for drawing it.
func (a Area) Rings() []alerts.Polygon {
	rings := make([]alerts.Polygon, 0, len(a.parts))
	for _, r := range a.parts {
		ring := make(alerts.Polygon, 0, r.ends[0])
		for _, p := range r.points[:r.ends[0]] {
			ring = append(ring, alerts.Point{Lat: p[1], Lon: p[0]})
		}
		rings = append(rings, ring)
	}
	return rings
}
