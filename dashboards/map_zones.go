package dashboards

import (
	"slices"

	"martinella/alerts/areas"
)

// zone is an area that the gateway knows, ready to be drawn.
type zone struct {
	code     string
	outlines []outline
	box      box
	inner    bool // it lies in another one
}

// zones are the areas of the gateway: the smallest ones, by code, and those
// around them. They never change.
type zones struct {
	known *areas.Gazetteer
	least []zone
	large []zone
	all   map[string]zone
	box   box
}

// zonesDrawn is how many areas are drawn; of more only those at an alert, and the
// others as what lies around them.
const zonesDrawn = 40

func newZones(g *areas.Gazetteer) *zones {
	z := &zones{known: g, all: map[string]zone{}, box: nowhere}
	within := map[string]bool{}
	list := g.All()
	for _, a := range list {
		for _, in := range g.Within(a.Code.Value) {
			within[in.Value] = true
		}
	}
	for _, a := range list {
		one := zone{code: a.Code.Value, box: nowhere, inner: within[a.Code.Value]}
		for i, ring := range a.Rings() {
			o := outline{ring: ring}
			if i == 0 {
				o.label = words{Text: short(tidy(a.Name))}
			}
			one.outlines = append(one.outlines, o)
			for _, p := range ring {
				one.box = one.box.with(p.Lat, p.Lon)
			}
		}
		if len(one.outlines) == 0 {
			continue
		}
		z.all[one.code] = one
		z.box = z.box.with(one.box.south, one.box.west).with(one.box.north, one.box.east)
		if len(g.Within(one.code)) == 0 {
			z.least = append(z.least, one)
		} else if !one.inner {
			z.large = append(z.large, one)
		}
	}
	return z
}

// of gives the areas that a code names: one, or those that belong to it.
func (z *zones) of(code string) (out []zone) {
	if one, known := z.all[code]; known {
		return []zone{one}
	}
	for _, in := range z.known.Within(code) {
		if one, known := z.all[in.Value]; known && len(z.known.Within(in.Value)) == 0 {
			out = append(out, one)
		}
	}
	return out
}

// around gives the areas without an alert that are drawn with those that have
// one: none where the alerts are far away. Those that an alert names by code are
// left out, because they are drawn with it.
func (z *zones) around(alerted []outline, coded map[string]bool) (out []outline) {
	spot := nowhere
	for _, o := range alerted {
		for _, p := range o.ring {
			spot = spot.with(p.Lat, p.Lon)
		}
	}
	if len(z.all) == 0 || len(alerted) > 0 && !spot.meets(z.box) {
		return nil
	}
	add := func(one zone, named bool) {
		for _, o := range one.outlines {
			if o.quiet = true; !named {
				o.label = words{}
			}
			out = append(out, o)
		}
	}
	few := z.least
	if len(few) > zonesDrawn {
		if len(z.large) <= zonesDrawn {
			for _, one := range z.large {
				add(one, len(alerted) == 0)
			}
		}
		near := spot.grown()
		few = slices.DeleteFunc(slices.Clone(few), func(one zone) bool { return len(alerted) == 0 || !one.box.meets(near) })
		few = few[:min(len(few), zonesDrawn)]
	}
	for _, one := range few {
		if !coded[one.code] {
			add(one, true)
		}
	}
	return out
}

// grown is the box with its neighbourhood.
func (b box) grown() box {
	dx, dy := b.wide()/4, b.tall()/4
	return box{b.south - dy, b.west - dx, b.north + dy, b.east + dx}
}
