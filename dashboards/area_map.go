package dashboards

import (
	"cmp"
	"html/template"
	"math"
	"slices"
	"strings"

	"martinella/alerts"
)

// areaDrawing is the map of one area: what lies in it, each coloured by the
// gravest warning that concerns it, and its neighbours' edges.
type areaDrawing struct {
	Width, Height int
	Beside        []template.HTMLAttr // of the neighbours: d="..." of whole numbers
	Shapes        []drawn
	Lines         []template.HTMLAttr // that the alerts themselves draw
	Desc          string
	Credits       string // of the outlines
}

// areaParts is up to how many parts of an area are drawn; one with more is drawn
// as a whole.
const areaParts = 40

// drawArea makes the map of an area with the events that concern it, which it
// also names for who does not see it; nil for an area without an outline.
func (p *pages) drawArea(l *locale, one *namedArea, around *surroundings, here []localEvent) *areaDrawing {
	own := one.Rings()
	if len(own) == 0 {
		return nil
	}
	lay := projectionOf(own)
	d := &areaDrawing{Width: mapWidth, Height: lay.height, Credits: p.s.credits(l), Lines: lay.drawnBy(here)}
	var lines [][]corner // of the neighbours, then of the parts
	for _, a := range around.Beside {
		for _, ring := range a.Rings() {
			lines = append(lines, lay.corners(ring))
		}
	}
	beside := len(lines)
	parts := []*namedArea{one}
	if n := len(around.Within); n > 0 && n <= areaParts {
		parts = around.Within
	}
	type part struct {
		drawn
		rank int
	}
	var all []part
	var said []string
	risks := p.risksOf(l, here)
	for _, a := range parts {
		var base part
		if worst, found := p.worst(a, risks); found {
			base.Tone, base.Shape = tone(worst)
			base.rank = worst.Rank() + 1
			said = append(said, a.Name+": "+l.lex.Level(worst))
		}
		for i, ring := range a.Rings() {
			points := lay.corners(ring)
			lines = append(lines, points)
			s := base
			if s.X, s.Y = middle(points, mapWidth, lay.height); i == 0 {
				s.Label.Text = fitted(tidy(a.Name), points)
			} else {
				s.Shape = "" // an island has no mark of its own
			}
			all = append(all, s)
		}
	}
	for i, line := range simplified(lines) {
		if i < beside {
			d.Beside = append(d.Beside, pathOf(line))
			continue
		}
		all[i-beside].Path = pathOf(line)
	}
	slices.SortStableFunc(all, func(a, b part) int { return cmp.Compare(a.rank, b.rank) }) // the gravest on top
	for _, s := range all {
		d.Shapes = append(d.Shapes, s.drawn)
	}
	if d.Desc = strings.Join(said, ", "); d.Desc == "" {
		d.Desc = one.Name
	}
	return d
}

// fitted cuts a name to about the width of what it stands on.
func fitted(name string, points []corner) string {
	const character, least = 9, 8 // units of the drawing, where a name may stand out a little
	low, high := mapWidth, 0
	for _, p := range points {
		low, high = min(low, p.x), max(high, p.x)
	}
	most := max((high-low)/character, least)
	if r := []rune(name); len(r) > most {
		return strings.TrimSpace(string(r[:most-1])) + "…"
	}
	return name
}

// risk is a real event that goes on, with its parts.
type risk struct {
	risky
	parts []risky // each for its own areas; none where it has one part
}

// risky is how grave something is, and where.
type risky struct {
	reach    reach
	severity alerts.Severity
}

// risksOf gives the real events that go on, as their readers are shown them.
func (p *pages) risksOf(l *locale, here []localEvent) (all []risk) {
	for i := range here {
		h := &here[i]
		if h.over() || h.Alert.Practice() {
			continue
		}
		one := risk{risky: risky{h.reach, h.Severity()}}
		if infos, _ := p.s.wording(h.Record, l.Tag); len(infos) > 1 {
			for k := range infos {
				one.parts = append(one.parts, risky{p.atlas.reach(onlyInfo(&infos[k])), infos[k].Severity})
			}
		}
		all = append(all, one)
	}
	return all
}

// worst is how grave the gravest of what goes on in an area is; found is false
// where nothing does. Of an event it takes the parts that are for the area, as
// the page of that area does.
func (p *pages) worst(a *namedArea, risks []risk) (worst alerts.Severity, found bool) {
	around := p.atlas.surroundings(a)
	take := func(s alerts.Severity) {
		if !found || s.Rank() > worst.Rank() {
			worst, found = s, true
		}
	}
	for i := range risks {
		if !around.concerns(risks[i].reach) {
			continue
		}
		own := false
		for _, part := range risks[i].parts {
			if around.concerns(part.reach) {
				take(part.severity)
				own = true
			}
		}
		if !own {
			take(risks[i].severity)
		}
	}
	return worst, found
}

// projection lays a box of degrees into the drawing: a plain map whose degrees
// of longitude are shortened by the cosine of the middle latitude.
type projection struct {
	low, high      alerts.Point
	squeeze, scale float64
	left, top      float64
	height         int
}

func projectionOf(rings []alerts.Polygon) projection {
	low, high := boxOf(rings)
	t := projection{low: low, high: high, squeeze: math.Max(math.Cos((low.Lat+high.Lat)/2*math.Pi/180), 0.01)}
	wide, tall := math.Max((high.Lon-low.Lon)*t.squeeze, 1e-6), math.Max(high.Lat-low.Lat, 1e-6)
	t.scale = min((mapWidth-2*mapMargin)/wide, (mapMost-2*mapMargin)/tall)
	t.height = int(math.Max(tall*t.scale, 80)) + 2*mapMargin
	t.left, t.top = (mapWidth-wide*t.scale)/2, (float64(t.height)-tall*t.scale)/2
	return t
}

// corners is where a ring lies in the drawing.
func (t projection) corners(ring alerts.Polygon) []corner {
	line := make([]corner, 0, len(ring))
	for _, at := range thinned(ring) {
		line = append(line, corner{whole(t.left + (at.Lon-t.low.Lon)*t.squeeze*t.scale), whole(t.top + (t.high.Lat-at.Lat)*t.scale)})
	}
	return line
}

// drawnBy gives the borders that the alerts in force draw themselves, as far as
// they reach into the drawing. Exercises draw none.
func (t projection) drawnBy(here []localEvent) (lines []template.HTMLAttr) {
	seen := map[template.HTMLAttr]bool{}
	for i := range here {
		if here[i].over() || here[i].Alert.Practice() {
			continue
		}
		for _, in := range here[i].Infos() {
			for j := range in.Areas {
				ar := &in.Areas[j]
				for _, ring := range slices.Concat(rings(&alerts.Area{Polygons: ar.Polygons}), turned(rings(&alerts.Area{Circles: ar.Circles}))) {
					if len(lines) == mapShapes || slices.ContainsFunc(ring, func(at alerts.Point) bool { return !at.Valid() }) {
						continue
					}
					low, high := boxOf([]alerts.Polygon{ring})
					if low.Lat > t.high.Lat || high.Lat < t.low.Lat || low.Lon > t.high.Lon || high.Lon < t.low.Lon {
						continue
					}
					line := pathOf(simplified([][]corner{t.corners(ring)})[0])
					if !seen[line] {
						seen[line] = true
						lines = append(lines, line)
					}
				}
			}
		}
	}
	return lines
}
