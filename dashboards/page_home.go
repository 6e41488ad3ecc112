package dashboards

import (
	"net/http"
	"time"

	"martinella/broadcast"
)

// homePage is the first page: what is going on now, the gravest first.
type homePage struct {
	Active, Lapsed int // real ones
	Heading        string
	Real           []card // active, lapsed, then what is over but still shown
	Practice       []card
	Quiet          bool // nothing real is active or lapsed
	Copy           bool // it will be read later: it says at what time, never "now"
	Map            *picture
	Cards          []card // all that is shown on the map
	Last           *card
	Now            instant
	Authority      string
}

func (p *pages) home(w http.ResponseWriter, r *http.Request) {
	p.serve(w, r, leaf{name: "home", make: func(l *locale, v *broadcast.View, now time.Time) (view, error) {
		h := p.homeOf(l, happenings(v, now), now)
		if h.Copy = isCopy(r.Context()); h.Copy && h.Quiet && h.Lapsed == 0 {
			h.Heading = l.must("mirror_none", "Time", h.Now.Clock)
		}
		out := view{name: "home", live: true, accounts: true, content: h, exercise: len(h.Practice) > 0}
		switch {
		case h.Active > 0:
			out.title = "(" + itoa(h.Active) + ") " + l.must("h1_active")
		case h.Lapsed > 0:
			out.title = "(" + itoa(h.Lapsed) + ") " + l.must("h1_lapsed")
		case len(h.Practice) > 0:
			out.title = l.lex.Exercise
		default:
			out.title = h.Heading
		}
		return out, nil
	}})
}

func (p *pages) homeOf(l *locale, hs []happening, now time.Time) homePage {
	h := homePage{Now: l.At(now, now), Authority: p.s.Authority.Name}
	var over, practiceOver []card
	var shown []happening
	for _, one := range hs {
		c := p.s.card(l, one, now)
		if !one.shown(now) {
			if h.Last == nil && !c.Exercise {
				h.Last = &c
			}
			continue
		}
		h.Cards, shown = append(h.Cards, c), append(shown, one)
		switch {
		case c.Exercise && c.Over():
			practiceOver = append(practiceOver, c)
		case c.Exercise:
			h.Practice = append(h.Practice, c)
		case c.Over():
			over = append(over, c)
		default:
			if c.Lapsed() {
				h.Lapsed++
			} else {
				h.Active++
			}
			h.Real = append(h.Real, c)
		}
	}
	h.Real = append(h.Real, over...)
	h.Practice = append(h.Practice, practiceOver...)
	h.Quiet = h.Active+h.Lapsed == 0
	h.Map = p.s.draw(l, h.Cards, shown)
	switch {
	case h.Active > 0:
		h.Heading = l.must("h1_active")
	case h.Lapsed > 0:
		h.Heading = l.must("h1_lapsed")
	default:
		h.Heading = l.must("h1_none")
	}
	return h
}

// Number is what stands in brackets after the heading.
func (h homePage) Number() int { return h.Active + h.Lapsed }
