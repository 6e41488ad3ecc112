package dashboards

import (
	"net/http"
	"net/url"
	"time"

	"martinella/broadcast"
)

// areaPath is where the pages of areas are, and areasPage their list.
const (
	areaPath  = "/area"
	areasList = "/areas"
)

// areaPage is the first page for one area: what is going on there.
type areaPage struct {
	homePage
	Area    *namedArea
	Around  *surroundings
	Drawing *areaDrawing
	Query   string // "?area=CODE", for feeds and subscriptions
}

// area serves the page of an area. Another spelling of its code and its name
// lead there; a name that several have leads to the list of them.
func (p *pages) area(w http.ResponseWriter, r *http.Request) {
	one := p.areaOf(w, r, "")
	if one == nil {
		return
	}
	p.serve(w, r, leaf{name: "area", id: one.Code.Value, make: func(l *locale, v *broadcast.View, now time.Time) (view, error) {
		page := areaPage{Area: one, Around: p.atlas.surroundings(one), Query: "?" + url.Values{"area": {one.Code.Value}}.Encode()}
		var here []happening
		for _, h := range happenings(v, now) {
			if page.Around.concerns(p.atlas.reach(h.Record)) {
				here = append(here, h)
			}
		}
		page.homePage = p.homeOf(l, here, now)
		page.Drawing = p.drawArea(l, one, page.Around, here)
		out := view{name: "area", title: one.Name, live: true, accounts: true, content: page, exercise: len(page.Practice) > 0}
		if n := page.Number(); n > 0 {
			out.title = "(" + itoa(n) + ") " + page.Heading + " – " + one.Name
		}
		return out, nil
	}})
}

// areaOf gives the area that a path names. nil: the answer is given, which leads
// to the right path or says that there is no such area.
func (p *pages) areaOf(w http.ResponseWriter, r *http.Request, rest string) *namedArea {
	code := r.PathValue("code")
	one := p.atlas.find(code)
	if one != nil && one.Code.Value == code {
		return one
	}
	if one == nil {
		switch called := p.atlas.bySlug[slugOf(code)]; len(called) {
		case 0:
			p.noArea(w, r)
			return nil
		case 1:
			one = called[0]
		default:
			p.lead(w, r, areasList+"?"+url.Values{"q": {called[0].Name}}.Encode())
			return nil
		}
	}
	p.lead(w, r, one.URL()+rest)
	return nil
}
