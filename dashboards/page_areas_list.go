package dashboards

import (
	"cmp"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"martinella/alerts/areas"
	"martinella/broadcast"
)

const (
	// areasAtOnce is up to how many areas one page lists; more are listed by
	// their first letter.
	areasAtOnce = 400
	// areasFound is how many areas a search shows.
	areasFound = 100
	// areasNear is up to how many outlines are sent to a reader who compares them
	// with the own position: some 150 kB compressed.
	areasNear = 400
	// maxSought bounds what is searched for, in bytes.
	maxSought = 100
)

// areasListPage is the list of areas.
type areasListPage struct {
	Sought  string
	Missing bool // the address named an area that is not known
	Letters []areaLetter
	Areas   []*namedArea
	More    bool // than are shown
	Shapes  string
}

type areaLetter struct {
	URL, Name string
	Here      bool
}

// areas lists all areas, or those that a text finds. A search is not kept among
// the pages, so that strangers cannot fill them.
func (p *pages) areas(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	w.Header()["Permissions-Policy"] = hereAllowed
	if sought := strings.TrimSpace(q.Get("q")); sought != "" {
		p.sought(w, r, sought, false)
		return
	}
	letter := q.Get("letter")
	if letter != "" && !slices.ContainsFunc(p.atlas.all, func(a namedArea) bool { return a.letter() == letter }) {
		p.missing(w, r)
		return
	}
	p.serve(w, r, leaf{name: "area_list", id: letter, make: func(l *locale, _ *broadcast.View, _ time.Time) (view, error) {
		page := areasListPage{Shapes: p.shapesURL()}
		if len(p.atlas.all) > areasAtOnce {
			page.Letters = p.letters(letter)
		}
		page.Areas = slices.DeleteFunc(p.atlas.list(), func(a *namedArea) bool { return page.Letters != nil && a.letter() != letter })
		return view{name: "area_list", title: l.must("area_list_title"), content: page}, nil
	}})
}

// hereAllowed lets the page ask the browser where it is; no other page may.
var hereAllowed = []string{"camera=(), geolocation=(self), microphone=(), payment=(), usb=()"}

// sought shows what a text finds. missing: it stood in an address, as an area
// that is not known.
func (p *pages) sought(w http.ResponseWriter, r *http.Request, sought string, missing bool) {
	l := p.locales.of(r, askedOf(r).lang)
	sought = tidy(cut(sought, maxSought))
	page := areasListPage{Sought: sought, Missing: missing, Areas: p.atlas.search(sought, areasFound+1)}
	if page.More = len(page.Areas) > areasFound; page.More {
		page.Areas = page.Areas[:areasFound]
	}
	code := http.StatusOK
	if missing {
		code = http.StatusNotFound
		if len(page.Areas) == 0 && len(p.atlas.all) <= areasAtOnce {
			page.Sought, page.Areas = "", p.atlas.list()
		}
	} else {
		page.Shapes = p.shapesURL()
	}
	v := view{name: "area_list", title: l.must("area_list_title"), content: page}
	made, err := p.render(l, v, p.frame(r, l, areasList, v, "", time.Now()), false)
	if err != nil {
		p.s.internal(w, r, err, nil)
		return
	}
	w.Header()["Cache-Control"] = never
	made.write(w, r, code, l)
}

func cut(s string, most int) string {
	for len(s) > most {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return strings.ToValidUTF8(s, "")
}

// slugOf is the slug of a text that a stranger wrote.
func slugOf(text string) string { return areas.Slug(cut(text, maxSought)) }

// letter is under which the area is listed.
func (a *namedArea) letter() string {
	_, n := utf8.DecodeRuneInString(a.Slug)
	return a.Slug[:n]
}

// letters are those with which names begin.
func (p *pages) letters(here string) []areaLetter {
	var all []areaLetter
	for i := range p.atlas.all {
		name := p.atlas.all[i].letter()
		if n := len(all); n == 0 || all[n-1].Name != strings.ToUpper(name) {
			all = append(all, areaLetter{areasList + "?" + url.Values{"letter": {name}}.Encode(), strings.ToUpper(name), name == here})
		}
	}
	return all
}

// search gives at most so many areas whose code is the text, whose name begins
// with it, or holds it, in this order.
func (p *atlas) search(text string, most int) []*namedArea {
	want := slugOf(text)
	if want == "" {
		return nil
	}
	var ranks [3][]*namedArea
	for i := range p.all {
		a := &p.all[i]
		switch {
		case strings.EqualFold(a.Code.Value, text) || a.Slug == want:
			ranks[0] = append(ranks[0], a)
		case strings.HasPrefix(a.Slug, want) || strings.Contains(a.Slug, "-"+want):
			ranks[1] = append(ranks[1], a)
		case strings.Contains(a.Slug, want):
			ranks[2] = append(ranks[2], a)
		}
	}
	found := slices.Concat(ranks[:]...)
	return found[:min(most, len(found))]
}

// list gives all of them, by name.
func (p *atlas) list() []*namedArea {
	all := make([]*namedArea, len(p.all))
	for i := range p.all {
		all[i] = &p.all[i]
	}
	return all
}

// shapesPath is where the outlines are that a reader's browser compares with its
// own position.
const shapesPath = "/areas.geojson"

// shapesURL is "" where there are too many areas.
func (p *pages) shapesURL() string {
	if n := len(p.atlas.all); n == 0 || n > areasNear {
		return ""
	}
	return shapesPath
}

// shapes serves the outlines, to everybody.
func (p *pages) shapes(w http.ResponseWriter, r *http.Request) {
	if p.shapesURL() == "" {
		p.missing(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mediaGeo)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "max-age=3600")
	h["Vary"] = byEncoding
	made := p.atlas.shapes()
	etag := etagOf(made.plain)
	h.Set("ETag", etag)
	if matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	made.write(w, r, http.StatusOK)
}

// The outlines' slack, in degrees: some 30 m; and the corners of one.
const (
	shapeSlack   = 0.0003
	shapeCorners = 150
)

// outlines writes every area with its outer rings, the smallest first, as RFC
// 7946 has it.
func (p *atlas) outlines() body {
	type geometry struct {
		Type        string           `json:"type"`
		Coordinates [][][][2]float64 `json:"coordinates"`
	}
	type feature struct {
		Type       string            `json:"type"`
		Properties map[string]string `json:"properties"`
		Geometry   geometry          `json:"geometry"`
	}
	type sized struct {
		feature
		size float64
	}
	var all []sized
	for i := range p.all {
		a := &p.all[i]
		one := sized{feature: feature{"Feature", map[string]string{"code": a.Code.Value, "name": a.Name}, geometry{Type: "MultiPolygon"}}}
		rings := a.Rings()
		low, high := boxOf(rings)
		one.size = (high.Lat - low.Lat) * (high.Lon - low.Lon)
		squeeze := max(math.Cos((low.Lat+high.Lat)/2*math.Pi/180), 0.01)
		for _, ring := range rings {
			thin := simplerRing(ring, squeeze, shapeSlack)
			for slack := shapeSlack * 1.5; len(thin) > shapeCorners; slack *= 1.5 {
				thin = simplerRing(ring, squeeze, slack)
			}
			if len(thin) < 4 {
				thin = simplerRing(ring, squeeze, 0) // a small one
			}
			one.Geometry.Coordinates = append(one.Geometry.Coordinates, [][][2]float64{positions(thin)})
		}
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b sized) int { return cmp.Compare(a.size, b.size) })
	features := make([]feature, len(all))
	for i, one := range all {
		features[i] = one.feature
	}
	b, err := json.Marshal(map[string]any{"type": "FeatureCollection", "features": features})
	if err != nil {
		panic("dashboards: outlines always marshal: " + err.Error())
	}
	return newBody(b, brotliPage)
}
