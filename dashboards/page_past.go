package dashboards

import (
	"context"
	"net/http"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// pastPage is the archive: what is no longer on the first page, by month.
type pastPage struct{ Months []month }

type month struct {
	Name  string
	Cards []card
}

// pastTimeout is how long reading the archive may take.
const pastTimeout = 3 * time.Second

// maxPast bounds the page; older events keep their own pages.
const maxPast = 200

func (p *pages) past(w http.ResponseWriter, r *http.Request) {
	p.serve(w, r, leaf{name: "past", make: func(l *locale, _ *broadcast.View, now time.Time) (view, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), pastTimeout)
		defer cancel()
		var page pastPage
		n := 0
		closed := []alerts.State{alerts.StateIssued, alerts.StateCancelled, alerts.StateLapsed, alerts.StateEnded}
		seen := map[alerts.ID]bool{}
		for r, err := range p.s.Desk.Store.All(ctx, alerts.Filter{States: closed}) {
			if err != nil {
				return view{}, err
			}
			if seen[r.Event] {
				continue
			}
			seen[r.Event] = true // newest first: this is its newest revision
			h := happening{r, standing(r, now)}
			if !broadcast.Public(r) || h.Standing == broadcast.StandingActive || (h.Standing == broadcast.StandingLapsed && h.shown(now)) {
				continue
			}
			name := l.month(r.Published)
			if k := len(page.Months); k == 0 || page.Months[k-1].Name != name {
				page.Months = append(page.Months, month{Name: name})
			}
			last := &page.Months[len(page.Months)-1]
			last.Cards = append(last.Cards, p.s.card(l, h, now))
			if n++; n == maxPast {
				break
			}
		}
		return view{name: "past", title: l.must("past_title"), content: page}, nil
	}})
}
