package compose

import (
	"fmt"
	"slices"
	"strings"

	"martinella/alerts"
)

// area is all codes and shapes, without words.
func (m *maker) area() alerts.Area {
	var ar alerts.Area
	for i, v := range m.f.Codes {
		v.Name, v.Value = line(v.Name), line(v.Value)
		field := fmt.Sprintf("codes[%d]", i)
		switch {
		case v.Name == "" || v.Value == "":
			m.refuse(field, halfCode, halfCodeFix)
			continue
		case slices.Contains(ar.Geocodes, v):
			continue
		}
		if m.c.Areas != nil {
			if _, known := m.c.Areas.Place(v.Value); !known {
				m.say(field, strangeCode, strangeCodeFix, alerts.LevelWarning)
			}
		}
		ar.Geocodes = append(ar.Geocodes, v)
	}
	for i, s := range m.f.Shapes {
		switch ring := slices.Clone(s.Polygon); {
		case (len(ring) > 0) == (s.Circle != nil):
			m.refuse(fmt.Sprintf("shapes[%d]", i), noShape, noShapeFix)
		case s.Circle != nil:
			ar.Circles = append(ar.Circles, *s.Circle)
		default:
			if ring[0] != ring[len(ring)-1] {
				ring = append(ring, ring[0])
			}
			ar.Polygons = append(ar.Polygons, ring)
		}
	}
	if len(m.f.Codes)+len(m.f.Shapes) == 0 {
		m.refuse("codes", noArea, noAreaFix)
	}
	return ar
}

// named are the names of the codes, "" where one has none: then the place must be
// said in words.
func (c *Context) named(codes []alerts.Value) string {
	var names []string
	for _, v := range codes {
		if line(v.Value) == "" {
			continue
		}
		if c.Areas == nil {
			return ""
		}
		p, known := c.Areas.Place(line(v.Value))
		if !known || p.Name == "" {
			return ""
		}
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return strings.Join(names, ", ")
}
