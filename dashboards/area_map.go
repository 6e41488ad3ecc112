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
	Desc          string
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
	d := &areaDrawing{Width: mapWidth, Height: lay.height}
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
	for _, a := range parts {
		var base part
		if worst := p.worst(a, here); worst != nil {
			base.Tone, base.Shape = tone(worst.Severity())
			base.rank = worst.Severity().Rank() + 1
			said = append(said, a.Name+": "+l.lex.Level(worst.Severity()))
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

// worst is the gravest real event that goes on in an area; nil without one.
func (p *pages) worst(a *namedArea, here []localEvent) *localEvent {
	around := p.atlas.surroundings(a)
	var worst *localEvent
	for i := range here {
		h := &here[i]
		if h.over() || h.Alert.Practice() || worst != nil && worst.Severity().Rank() >= h.Severity().Rank() {
			continue
		}
		if around.concerns(h.reach) {
			worst = h
		}
	}
	return worst
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
