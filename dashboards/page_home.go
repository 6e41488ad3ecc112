package dashboards

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
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
	Ways           string // by which the warnings come, in words
	Written        bool   // text messages and mails can both be had, which the button names
}

func (p *pages) home(w http.ResponseWriter, r *http.Request) {
	p.serve(w, r, leaf{name: "home", make: func(l *locale, v *broadcast.View, now time.Time) (view, error) {
		h := p.homeOf(l, happenings(v, now), now, nil)
		out := view{name: "home", live: true, accounts: true, content: h, exercise: len(h.Practice) > 0}
		switch {
		case h.Number() > 0:
			out.title = "(" + itoa(h.Number()) + ") " + h.Heading
		case len(h.Practice) > 0:
			out.title = l.lex.Exercise
		default:
			out.title = h.Heading
		}
		return out, nil
	}})
}

// homeOf shows events to readers everywhere, or to those near.
func (p *pages) homeOf(l *locale, hs []happening, now time.Time, near touching) homePage {
	h := homePage{Now: l.At(now, now), Authority: p.s.Authority.Name, Copy: l.later}
	h.Ways, h.Written = p.s.ways(l)
	var over, practiceOver []card
	var shown []happening
	for _, one := range hs {
		c := p.s.cardNear(l, one, now, near)
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
	if near != nil { // the events came in the order of their gravest parts
		sortCards(h.Real)
		sortCards(h.Practice)
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
	case h.Copy:
		h.Heading = l.must("mirror_none", "Clock", h.Now.Clock, "Date", h.Now.Date)
	default:
		h.Heading = l.must("h1_none")
	}
	return h
}

// ways names how the warnings can be had here, feeds last: what is not
// configured is not promised. written: text messages and
// mails can both be had.
func (s *Server) ways(l *locale) (names string, written bool) {
	var all []string
	if door := s.SignUps; door != nil {
		kinds := door.Questions.Kinds()
		for _, one := range []struct{ kind, key string }{{"phone", "way_phone"}, {"email", "way_email"}} {
			if slices.Contains(kinds, one.kind) {
				all = append(all, l.must(one.key))
			}
		}
		written = len(all) == 2
		if door.Push != nil {
			all = append(all, l.must("way_push"))
		}
	}
	if slices.ContainsFunc(s.accountLines(), func(a accountLine) bool { return a.Platform == "telegram" && !a.Stopped }) {
		all = append(all, "Telegram")
	}
	return strings.Join(append(all, l.must("way_feed")), ", "), written
}

// sortCards sorts cards of events that are not over: the active before the
// lapsed, each by severity.
func sortCards(cards []card) {
	lapsed := func(c card) int {
		if c.Lapsed() {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(cards, func(a, b card) int {
		return cmp.Or(cmp.Compare(lapsed(a), lapsed(b)), cmp.Compare(b.Severity.Rank(), a.Severity.Rank()))
	})
}

// Number is what stands in brackets after the heading, and before the title.
func (h homePage) Number() int { return h.Active + h.Lapsed }
