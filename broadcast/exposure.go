package broadcast

import (
	"cmp"
	"slices"

	"martinella/alerts"
	"martinella/alerts/areas"
)

// Zone is a part of an alert's area as its author named it: one code, or what
// is drawn in one area of it.
type Zone struct {
	Severity int // rank of the gravest info that holds there
	areas.Concern
	Shape areas.Shape // for who has a circle on the map
}

// Exposure says who is told first of those whom an alert concerns. It can be
// compared with == as well. The zero value is everybody's where nothing is known
// of zones.
type Exposure struct {
	nearness nearness
	severity int     // rank of the info that holds there
	rating   float64 // of the area, from the outlines
	zone     int     // its place in the alert
}

// nearness is what is known of a person's place.
type nearness uint8

const (
	within   nearness = iota // it is in the zone
	around                   // it is larger than the zone: a region, when a municipality is warned
	anywhere                 // no place is known: the whole territory
)

// Compare is below 0 where e is more exposed than o. In this order:
//
//   - whose place is known comes before who asked for the whole territory;
//   - the severity of the info that holds at the place, the gravest first;
//   - a place in the zone before a larger one around it;
//   - the exposure that the outlines give to the place, the highest first;
//   - the zone that the alert names first: authors begin with the worst.
func (e Exposure) Compare(o Exposure) int {
	return cmp.Or(
		cmp.Compare(e.nearness/anywhere, o.nearness/anywhere), // 1 where no place is known, else 0
		cmp.Compare(o.severity, e.severity),
		cmp.Compare(e.nearness, o.nearness),
		cmp.Compare(o.rating, e.rating),
		cmp.Compare(e.zone, o.zone),
	)
}

// exposures is how exposed the places are that an alert concerns.
type exposures struct {
	gazetteer *areas.Gazetteer
	codes     map[string]Exposure
	shapes    []exposedShape // the most exposed first
}

type exposedShape struct {
	Exposure
	areas.Shape
}

// exposuresOf compares the zones of an alert, in the order in which it names
// them. Of a place that lies in several the most exposed counts.
func exposuresOf(zones []Zone, g *areas.Gazetteer) *exposures {
	x := &exposures{gazetteer: g, codes: map[string]Exposure{}}
	for i, z := range zones {
		x.shapes = append(x.shapes, exposedShape{Exposure{severity: z.Severity, zone: i}, z.Shape})
		for near, codes := range [...][]string{within: z.In, around: z.Around} {
			for _, c := range codes {
				e := Exposure{nearness: nearness(near), severity: z.Severity, rating: g.Exposure(c), zone: i}
				if known, ok := x.codes[c]; !ok || e.Compare(known) < 0 {
					x.codes[c] = e
				}
			}
		}
	}
	slices.SortStableFunc(x.shapes, func(a, b exposedShape) int { return a.Compare(b.Exposure) })
	return x
}

// of gives the highest exposure of a person's places.
func (x *exposures) of(p Subscriber) Exposure {
	if len(x.shapes) == 0 {
		return Exposure{}
	}
	most := Exposure{nearness: anywhere}
	for _, code := range p.Areas {
		if e, ok := x.codes[code]; ok && e.Compare(most) < 0 {
			most = e
		}
	}
	if p.Circle == nil {
		return most
	}
	for i := range x.shapes {
		// Whom the only zone concerns by nothing else, it concerns by the circle.
		if s := &x.shapes[i]; len(x.shapes) == 1 && len(p.Areas) == 0 || s.Touches(*p.Circle) {
			e := s.Exposure
			e.rating = x.gazetteer.ExposureAt(p.Circle.Centre)
			if e.Compare(most) < 0 {
				most = e
			}
			break
		}
	}
	return most
}

// Exposure is how exposed somebody is whom the selection concerns.
func (s Selection) Exposure(p Subscriber) Exposure {
	if s.ready == nil {
		return exposuresOf(s.Zones, nil).of(p)
	}
	return s.ready.exposures.of(p)
}

// part is a zone before it is resolved.
type part struct {
	severity int
	named    int // which of the alert's codes; -1: what is drawn
	polygons []alerts.Polygon
	circles  []alerts.Circle
}

// zones resolves the parts of the area, in the order in which they are named.
func (p *Planner) zones(at place) []Zone {
	drawn := 0
	for _, one := range at.parts {
		if one.named < 0 {
			drawn++
		}
	}
	zones := make([]Zone, 0, len(at.parts))
	for _, one := range at.parts {
		z := Zone{Severity: one.severity}
		switch {
		case one.named >= 0:
			z.Concern, z.Shape = at.Named[one.named], p.Areas.Outline(at.named[one.named].Value)
		case drawn == 1:
			z.Concern, z.Shape = at.Drawn, areas.Draw(one.polygons, one.circles)
		default:
			z.Shape = areas.Draw(one.polygons, one.circles)
			z.Concern = p.Areas.Concern(z.Shape)
		}
		zones = append(zones, z)
	}
	return zones
}
