package dashboards

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"sync"

	"martinella/alerts"
	"martinella/alerts/areas"
)

// atlas is the known areas as readers look for them. It never changes while
// the program runs, and may be used from many goroutines.
type atlas struct {
	gazetteer *areas.Gazetteer
	all       []namedArea           // by name
	byCode    map[string]*namedArea // in lower case
	bySlug    map[string][]*namedArea

	mu     sync.Mutex
	around map[string]*surroundings // by code, found when somebody asks

	shapes func() body // for the reader's own position
}

// namedArea is an area with its name as it stands in addresses.
type namedArea struct {
	areas.Area
	Slug string
}

// URL is the address of the area's page.
func (a *namedArea) URL() string { return areaPath + "/" + url.PathEscape(a.Code.Value) }

// query names the area to feeds and to who subscribes.
func (a *namedArea) query() string { return "?" + url.Values{"area": {a.Code.Value}}.Encode() }

// surroundings are what lies about an area.
type surroundings struct {
	of                      map[string]bool // codes that concern it: its own, within it, and what it is a part of
	Belongs, Within, Beside []*namedArea
}

func newAtlas(g *areas.Gazetteer) *atlas {
	p := &atlas{gazetteer: g, byCode: map[string]*namedArea{}, bySlug: map[string][]*namedArea{}, around: map[string]*surroundings{}}
	for _, a := range g.All() {
		p.all = append(p.all, namedArea{a, areas.Slug(a.Name)})
	}
	slices.SortFunc(p.all, func(a, b namedArea) int {
		return cmp.Or(strings.Compare(a.Slug, b.Slug), strings.Compare(a.Code.Value, b.Code.Value))
	})
	for i := range p.all {
		a := &p.all[i]
		p.byCode[strings.ToLower(a.Code.Value)] = a
		p.bySlug[a.Slug] = append(p.bySlug[a.Slug], a)
	}
	p.shapes = sync.OnceValue(p.outlines)
	return p
}

// find gives the area with this code, in whatever case.
func (p *atlas) find(code string) *namedArea { return p.byCode[strings.ToLower(code)] }

// named gives the areas with these codes, by name.
func (p *atlas) named(codes []alerts.Value) []*namedArea {
	var list []*namedArea
	for _, v := range codes {
		if a := p.find(v.Value); a != nil {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b *namedArea) int {
		return cmp.Or(strings.Compare(a.Slug, b.Slug), strings.Compare(a.Code.Value, b.Code.Value))
	})
	return list
}

// surroundings of an area. Neighbours are of its own kind: a municipality's are
// municipalities.
func (p *atlas) surroundings(a *namedArea) *surroundings {
	code, g := a.Code.Value, p.gazetteer
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.around[code]; s != nil {
		return s
	}
	s := &surroundings{of: map[string]bool{code: true}}
	var belongs, within, beside []alerts.Value
	for _, v := range g.Within(code) {
		s.of[v.Value] = true
		within = append(within, v)
	}
	for _, v := range g.Overlapping(code) {
		s.of[v.Value] = true
		if g.Contains(v.Value, code) {
			belongs = append(belongs, v)
		}
	}
	for _, v := range g.Touching(g.Outline(code)) {
		if !s.of[v.Value] && v.Name == a.Code.Name {
			beside = append(beside, v)
		}
	}
	if a.Parent != "" {
		s.of[a.Parent] = true // it need not be an area
	}
	s.Belongs, s.Within, s.Beside = p.named(belongs), p.named(within), p.named(beside)
	p.around[code] = s
	return s
}

// reach is which areas a record is for.
type reach struct {
	everywhere bool // it does not say where in words that are known here: who may be meant is shown it
	codes      []string
}

// reach withholds a record only from areas that surely are elsewhere: a warning
// too many costs a glance, and one too few may cost more.
func (p *atlas) reach(r *alerts.Record) reach {
	var out reach
	own := map[string]bool{}
	add := func(code string) {
		if !own[code] {
			own[code] = true
			out.codes = append(out.codes, code)
		}
	}
	var polygons []alerts.Polygon
	var circles []alerts.Circle
	parts := 0
	for _, in := range r.Infos() {
		for i := range in.Areas {
			part := &in.Areas[i]
			parts++
			placed := len(part.Polygons)+len(part.Circles) > 0
			polygons, circles = append(polygons, part.Polygons...), append(circles, part.Circles...)
			for _, v := range part.Geocodes {
				add(v.Value)
				placed = placed || p.known(v.Value)
			}
			out.everywhere = out.everywhere || !placed
		}
	}
	told, resolved := parts > 0, false // resolved: the drawn shape was, when the alert was approved
	for _, v := range r.Areas {
		known := p.known(v.Value)
		resolved = resolved || known && !own[v.Value]
		add(v.Value)
		told = told || known
	}
	out.everywhere = out.everywhere || !told
	if len(polygons)+len(circles) > 0 && !resolved {
		for _, code := range p.gazetteer.Concern(areas.Draw(polygons, circles)).In {
			add(code)
		}
	}
	return out
}

// known reports whether the code is an area, or one that areas belong to.
func (p *atlas) known(code string) bool {
	_, is := p.gazetteer.Area(code)
	return is || len(p.gazetteer.Within(code)) > 0
}

// concerns reports whether a reach has a part in the surroundings' area.
func (s *surroundings) concerns(r reach) bool {
	return r.everywhere || slices.ContainsFunc(r.codes, func(code string) bool { return s.of[code] })
}
