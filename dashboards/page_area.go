package dashboards

import (
	"net/http"
	"net/url"
	"strings"
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
	around := p.atlas.surroundings(one)
	var here []localEvent
	p.serve(w, r, leaf{name: "area", id: one.Code.Value, basis: func(v *broadcast.View, now time.Time) (string, error) {
		here = p.inArea(around, happenings(v, now))
		var basis strings.Builder
		for _, h := range here {
			basis.WriteString(string(h.ID) + " " + string(h.State) + " " + string(h.Standing) + " ")
		}
		return basis.String(), nil
	}, make: func(l *locale, _ *broadcast.View, now time.Time) (view, error) {
		page := areaPage{Area: one, Around: around, Query: one.query()}
		all := make([]happening, len(here))
		for i := range here {
			all[i] = here[i].happening
		}
		page.homePage = p.homeOf(l, all, now, p.atlas.near(around))
		page.Drawing = p.drawArea(l, one, around, here)
		out := view{name: "area", title: one.Name, live: true, accounts: true, area: one.Code.Value, place: one.Name, content: page, exercise: len(page.Practice) > 0}
		if n := page.Number(); n > 0 {
			out.title = "(" + itoa(n) + ") " + page.Heading + " – " + one.Name
		}
		return out, nil
	}})
}

// localEvent is an event with the areas that it is for.
type localEvent struct {
	happening
	reach reach
}

// inArea gives those of the events that concern an area.
func (p *pages) inArea(around *surroundings, all []happening) (here []localEvent) {
	for _, h := range all {
		if reach := p.atlas.reach(h.Record); around.concerns(reach) {
			here = append(here, localEvent{h, reach})
		}
	}
	return here
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
			p.sought(w, r, code, true)
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
