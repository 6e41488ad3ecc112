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
	Quiet         bool   // of areas without an alert alone
	Credits       string // of the areas that it shows; "": it shows none, or nobody is named
}

// drawn is one outline.
type drawn struct {
	Path  template.HTMLAttr // d="..." of whole numbers: ours, never a stranger's text
	Tone  string
	Shape string
	X, Y  int
	Label words
	Quiet bool // without an alert
}

// The drawing's size in its own units, and how much a line may be simplified.
const (
	mapWidth   = 720
	mapMost    = 480
	mapLeast   = 440 // of its width
	mapMargin  = 40
	mapShapes  = 24 // of alerts; more are left out of the picture, never out of the list
	mapAround  = 1  // how much of what is around our areas is seen, in their own size
	letterHalf = 5  // half of what a letter of a label takes
)

type outline struct {
	ring  alerts.Polygon
	tone  string
	shape string
	label words
	rank  int
	quiet bool
}

// levelNames are the names of what is drawn by level, in the order in which the
// levels came.
type levelNames struct {
	levels []string
	names  map[string][]string
}

func (n *levelNames) add(level, name string) {
	if n.names == nil {
		n.names = map[string][]string{}
	}
	if !slices.Contains(n.levels, level) {
		n.levels = append(n.levels, level)
	}
	if name != "" && !slices.Contains(n.names[level], name) {
		n.names[level] = append(n.names[level], name)
	}
}

// draw makes the map of the events among the areas that the gateway knows; nil
// when there is nothing to draw.
func (s *Server) draw(l *locale, cards []card, hs []happening) *picture {
	var all []outline
	seen, coded := map[string]bool{}, map[string]bool{}
	var said levelNames
	active := false
	for i, h := range hs {
		if cards[i].Over() {
			continue
		}
		active = true
		infos, tag := s.wording(h.Record, l.Tag)
		foreign := ""
		if cards[i].Foreign != "" {
			foreign = tag
		}
		for _, in := range infos {
			tn, shape := tone(in.Severity)
			level := l.lex.Level(in.Severity)
			for j := range in.Areas {
				for _, o := range s.outlinesOf(&in.Areas[j], foreign, coded) {
					if len(all) == mapShapes { // before key, which is long: an alert may name thousands of areas
						continue
					}
					key := o.ring.String()
					if seen[key] {
						continue
					}
					seen[key] = true
					o.tone, o.shape, o.rank = tn, shape, in.Severity.Rank()
					all = append(all, o)
					said.add(level, o.label.Text)
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b outline) int { return a.rank - b.rank }) // the gravest on top
	quiet := s.zones().around(all, coded)
	if len(all)+len(quiet) == 0 || active && len(all) == 0 {
		return nil // a map without the alert would say that there is none
	}
	p := project(slices.Concat(quiet, all))
	p.unclutter()
	p.Quiet = len(all) == 0
	if len(quiet)+len(coded) > 0 {
		p.Credits = s.credits(l)
	}
	p.Desc = ""
	for _, level := range said.levels {
		p.Desc += strings.TrimSuffix(level+": "+strings.Join(said.names[level], ", "), ": ") + ". "
	}
	if names := labels(quiet); names != "" {
		p.Desc += l.must("sheet_map_others") + ": " + names + "."
	}
	p.Desc = strings.TrimSpace(p.Desc)
	return p
}

// credits says whom the outlines of the known areas are from, as their licences
// want it; "" where nobody is named.
func (s *Server) credits(l *locale) string {
	if len(s.StartedAreas.Credits) == 0 {
		return ""
	}
	return l.must("map_credits", "Names", strings.Join(s.StartedAreas.Credits, "; "))
}

// outlinesOf gives what an area of an alert draws: its own shapes, and those of
// its codes that are known here, which it notes: in CAP an area is all of them
// together.
func (s *Server) outlinesOf(ar *alerts.Area, foreign string, coded map[string]bool) (out []outline) {
	name := words{short(tidy(ar.Description)), foreign}
	for _, ring := range slices.Concat(rings(&alerts.Area{Polygons: ar.Polygons}), turned(rings(&alerts.Area{Circles: ar.Circles}))) {
		if !slices.ContainsFunc(ring, func(p alerts.Point) bool { return !p.Valid() }) {
			out = append(out, outline{ring: ring, label: name})
		}
	}
	known := s.zones()
	for _, code := range ar.Geocodes {
		for _, z := range known.of(code.Value) {
			coded[z.code] = true
			out = append(out, z.outlines...)
		}
	}
	return out
}

// turned brings the corners of circles, which may reach across a pole or the
// antimeridian, back onto the map.
func turned(circles []alerts.Polygon) []alerts.Polygon {
	for _, ring := range circles { // made here, not the alert's own
		for i, at := range ring {
			ring[i] = alerts.Point{Lat: min(max(at.Lat, -90), 90), Lon: math.Remainder(at.Lon, 360)}
		}
	}
	return circles
}

// labels names outlines, each once.
func labels(all []outline) string {
	var names []string
	for _, o := range all {
		if o.label.Text != "" && !slices.Contains(names, o.label.Text) {
			names = append(names, o.label.Text)
		}
	}
	return strings.Join(names, ", ")
}

// project lays the outlines out: a plain map whose degrees of longitude are
// shortened by the cosine of the middle latitude. What is around the areas that
// the gateway knows is cut off where it would make them too small to see.
func project(all []outline) *picture {
	east := eastOf(all)
	view, own := nowhere, nowhere
	for _, o := range all {
		for _, p := range o.ring {
			view = view.with(p.Lat, east(p.Lon))
			if o.quiet {
				own = own.with(p.Lat, east(p.Lon))
			}
		}
	}
	if own.wide() > 0 && own.tall() > 0 {
		view = view.within(own, mapAround)
	}
	squeeze := math.Max(math.Cos((view.south+view.north)/2*math.Pi/180), 0.01)
	wide, tall := math.Max(view.wide()*squeeze, 1e-6), math.Max(view.tall(), 1e-6)
	scale := min((mapWidth-2*mapMargin)/wide, (mapMost-2*mapMargin)/tall)
	height := int(math.Max(tall*scale, 80)) + 2*mapMargin
	width := min(max(int(wide*scale)+2*mapMargin, mapLeast), mapWidth) // no wider than it must be: names stay legible on a phone
	left := (float64(width) - wide*scale) / 2
	top := (float64(height) - tall*scale) / 2
	p := &picture{Width: width, Height: height}
	lines := make([][]corner, len(all))
	for i, o := range all {
		lines[i] = make([]corner, 0, len(o.ring))
		for _, at := range thinned(o.ring) {
			x, y := left+(east(at.Lon)-view.west)*squeeze*scale, top+(view.north-at.Lat)*scale
			lines[i] = append(lines[i], corner{whole(x), whole(y)})
		}
	}
	for i, points := range simplified(lines) {
		o := all[i]
		d := drawn{Path: pathOf(points), Tone: o.tone, Shape: o.shape, Label: o.label, Quiet: o.quiet}
		d.X, d.Y = middle(points, p.Width, p.Height)
		if half := min(letterHalf*len([]rune(o.label.Text)), width/2); o.label.Text != "" {
			d.X = min(max(d.X, half), width-half)
		}
		p.Shapes = append(p.Shapes, d)
	}
	p.Desc = labels(all)
	return p
}

// pathOf writes a ring as an SVG path of whole steps.
func pathOf(points []corner) template.HTMLAttr {
	var b strings.Builder
	b.WriteString(`d="M`)
	at := corner{}
	for i, p := range points {
		if i == len(points)-1 && i > 0 && p == points[0] {
			break // z goes there
		}
		if i == 1 {
			b.WriteByte('l')
		} else if i > 1 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(p.x-at.x) + " " + strconv.Itoa(p.y-at.y))
		at = p
	}
	b.WriteString(`z"`)
	return template.HTMLAttr(b.String()) //nolint:gosec // numbers only
}

// middle is the point where the label stands: half way between the sides where
// the outline is widest at half of its height, as far as it is in the picture.
func middle(points []corner, width, height int) (int, int) {
	low, high := height, 0
	for _, p := range points {
		low, high = min(low, max(p.y, 0)), max(high, min(p.y, height))
	}
	y := (low + high) / 2
	var cuts []int
	for i := range points {
		a, b := points[i], points[(i+1)%len(points)]
		if (a.y <= y) != (b.y <= y) {
			cuts = append(cuts, min(max(a.x+(y-a.y)*(b.x-a.x)/(b.y-a.y), 0), width))
		}
	}
	slices.Sort(cuts)
	x, widest := width/2, -1
	for i := 0; i+1 < len(cuts); i += 2 {
		if wide := cuts[i+1] - cuts[i]; wide > widest {
			x, widest = (cuts[i]+cuts[i+1])/2, wide
		}
	}
	if widest < 0 && len(points) > 0 {
		x = min(max(points[0].x, 0), width)
	}
	return x, y
}

// short cuts a label to what fits on a map.
func short(s string) string {
	if r := []rune(s); len(r) > 28 {
		return strings.TrimSpace(string(r[:27])) + "…"
	}
	return s
}
