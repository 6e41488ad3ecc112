package dashboards

import (
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"martinella/alerts"
)

// picture is the map of the shapes of some events: drawn by Go, coloured by
// the style sheet, with the same facts as words beside it.
type picture struct {
	Width, Height int
	Shapes        []drawn
	Desc          string // what a screen reader says
}

// drawn is one outline.
type drawn struct {
	Path  template.HTMLAttr // d="..." of whole numbers: ours, never a stranger's text
	Tone  string
	Shape string
	X, Y  int
	Label words
}

// The drawing's size in its own units, and how much a line may be simplified.
const (
	mapWidth   = 720
	mapMost    = 480
	mapMargin  = 40
	mapSlack   = 1.5
	mapShapes  = 24  // more are left out of the picture, never out of the list
	mapCorners = 120 // of one outline
)

type outline struct {
	ring  alerts.Polygon
	tone  string
	shape string
	label words
	rank  int
}

// draw makes the map of the events; nil when there is nothing to draw.
func (s *Server) draw(l *locale, cards []card, hs []happening) *picture {
	var all []outline
	seen := map[string]bool{}
	for i, h := range hs {
		if cards[i].Over() {
			continue
		}
		infos, tag := s.wording(h.Record, l.Tag)
		foreign := ""
		if cards[i].Foreign != "" {
			foreign = tag
		}
		for _, in := range infos {
			for j := range in.Areas {
				for _, ring := range rings(&in.Areas[j]) {
					if key := ring.String(); seen[key] || len(all) == mapShapes || slices.ContainsFunc(ring, func(p alerts.Point) bool { return !p.Valid() }) {
						continue
					} else {
						seen[key] = true
					}
					tn, shape := tone(in.Severity)
					all = append(all, outline{ring, tn, shape, words{short(tidy(in.Areas[j].Description)), foreign}, in.Severity.Rank()})
				}
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b outline) int { return a.rank - b.rank }) // the gravest on top
	return project(all)
}

// project lays the outlines out: a plain map whose degrees of longitude are
// shortened by the cosine of the middle latitude.
func project(all []outline) *picture {
	low, high := alerts.Point{Lat: 90, Lon: 180}, alerts.Point{Lat: -90, Lon: -180}
	for _, o := range all {
		for _, p := range o.ring {
			low.Lat, low.Lon = min(low.Lat, p.Lat), min(low.Lon, p.Lon)
			high.Lat, high.Lon = max(high.Lat, p.Lat), max(high.Lon, p.Lon)
		}
	}
	squeeze := math.Max(math.Cos((low.Lat+high.Lat)/2*math.Pi/180), 0.01)
	wide, tall := math.Max((high.Lon-low.Lon)*squeeze, 1e-6), math.Max(high.Lat-low.Lat, 1e-6)
	scale := min((mapWidth-2*mapMargin)/wide, (mapMost-2*mapMargin)/tall)
	height := int(math.Max(tall*scale, 80)) + 2*mapMargin
	left := (mapWidth - wide*scale) / 2
	top := (float64(height) - tall*scale) / 2
	p := &picture{Width: mapWidth, Height: height}
	var names []string
	for _, o := range all {
		points := make([][2]float64, len(o.ring))
		for i, at := range o.ring {
			points[i] = [2]float64{left + (at.Lon-low.Lon)*squeeze*scale, top + (high.Lat-at.Lat)*scale}
		}
		for slack := mapSlack; ; slack *= 1.5 {
			if points = simplify(points, slack); len(points) <= mapCorners {
				break
			}
		}
		d := drawn{Path: pathOf(points), Tone: o.tone, Shape: o.shape, Label: o.label}
		d.X, d.Y = middle(points)
		p.Shapes = append(p.Shapes, d)
		if o.label.Text != "" && !slices.Contains(names, o.label.Text) {
			names = append(names, o.label.Text)
		}
	}
	p.Desc = strings.Join(names, ", ")
	return p
}

// pathOf writes a ring as an SVG path of whole steps.
func pathOf(points [][2]float64) template.HTMLAttr {
	var b strings.Builder
	b.WriteString(`d="M`)
	x, y := 0, 0
	for i, p := range points {
		px, py := int(math.Round(p[0])), int(math.Round(p[1]))
		if i == 1 {
			b.WriteByte('l')
		} else if i > 1 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(px-x) + " " + strconv.Itoa(py-y))
		x, y = px, py
	}
	b.WriteString(`z"`)
	return template.HTMLAttr(b.String()) //nolint:gosec // numbers only
}

// middle is the point where the label stands: the centre of the corners' box.
func middle(points [][2]float64) (int, int) {
	lx, ly, hx, hy := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range points {
		lx, hx = min(lx, p[0]), max(hx, p[0])
		ly, hy = min(ly, p[1]), max(hy, p[1])
	}
	return int((lx + hx) / 2), int((ly + hy) / 2)
}

// simplify is Douglas and Peucker's line simplification, with an explicit
// stack; a very long line is thinned out first, so that strangers' shapes stay
// cheap.
func simplify(points [][2]float64, slack float64) [][2]float64 {
	const most = 2000
	if len(points) > most {
		step := len(points)/most + 1
		var thin [][2]float64
		for i := 0; i < len(points); i += step {
			thin = append(thin, points[i])
		}
		points = slices.Concat(thin, points[len(points)-1:])
	}
	if len(points) < 4 {
		return points
	}
	keep := make([]bool, len(points))
	keep[0], keep[len(points)-1], keep[len(points)/2] = true, true, true
	stack := [][2]int{{0, len(points) / 2}, {len(points) / 2, len(points) - 1}}
	for len(stack) > 0 {
		from, to := stack[len(stack)-1][0], stack[len(stack)-1][1]
		stack = stack[:len(stack)-1]
		far, at := slack, -1
		for i := from + 1; i < to; i++ {
			if d := distance(points[i], points[from], points[to]); d > far {
				far, at = d, i
			}
		}
		if at >= 0 {
			keep[at] = true
			stack = append(stack, [2]int{from, at}, [2]int{at, to})
		}
	}
	out := points[:0:0]
	for i, p := range points {
		if keep[i] {
			out = append(out, p)
		}
	}
	return out
}

// distance of p from the line through a and b.
func distance(p, a, b [2]float64) float64 {
	dx, dy := b[0]-a[0], b[1]-a[1]
	length := math.Hypot(dx, dy)
	if length == 0 {
		return math.Hypot(p[0]-a[0], p[1]-a[1])
	}
	return math.Abs(dy*(p[0]-a[0])-dx*(p[1]-a[1])) / length
}

// short cuts a label to what fits on a map.
func short(s string) string {
	if r := []rune(s); len(r) > 28 {
		return strings.TrimSpace(string(r[:27])) + "…"
	}
	return s
}
