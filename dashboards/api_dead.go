package dashboards

import (
	"context"
	"net/http"
	"slices"

	"martinella/alerts"
	"martinella/broadcast"
)

// maxDead bounds a list of dead letters.
const maxDead = 1000

type deadList struct {
	DeadLetters []broadcast.DeadLetter `json:"dead_letters"`
	More        bool                   `json:"more"`
}

// alertDead lists what was given up of one alert.
func (s *Server) alertDead(w http.ResponseWriter, r *http.Request) {
	record, err := s.readable(r, alerts.Published)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := deadList{DeadLetters: []broadcast.DeadLetter{}}
	if record.State.Published() {
		found, err := s.Outcomes.DeadLetters(r.Context(), record.ID, "", maxDead+1)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		out = cutDead(found)
	}
	writeJSON(w, http.StatusOK, out)
}

func cutDead(found []broadcast.DeadLetter) deadList {
	n := min(len(found), maxDead)
	return deadList{append([]broadcast.DeadLetter{}, found[:n]...), len(found) > n}
}

// dead lists what was given up of all alerts that the caller may read, of one
// channel or of all.
func (s *Server) dead(w http.ResponseWriter, r *http.Request) {
	channel := ""
	for name, values := range r.URL.Query() {
		if name != "channel" || len(values) != 1 || values[0] == "" {
			s.fail(w, r, refuse(errBadRequest, name, "is not a filter", "the filter is channel, once"))
			return
		}
		channel = values[0]
	}
	found, err := s.Outcomes.DeadLetters(r.Context(), "", channel, maxDead+1)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := cutDead(found)
	seen := map[alerts.ID]bool{}
	out.DeadLetters = slices.DeleteFunc(out.DeadLetters, func(d broadcast.DeadLetter) bool {
		may, known := seen[d.Alert]
		if !known {
			may = s.mayReadOf(r.Context(), callerOf(r).Person, d.Alert)
			seen[d.Alert] = may
		}
		return !may
	})
	writeJSON(w, http.StatusOK, out)
}

// mayReadOf is [mayRead] for an id. What cannot be read any more is shown to
// who may read everything.
func (s *Server) mayReadOf(ctx context.Context, by alerts.Person, id alerts.ID) bool {
	record, err := s.Desk.Store.Get(ctx, id, alerts.Exactly)
	if err != nil {
		record = &alerts.Record{Alert: &alerts.Alert{}}
	}
	return mayRead(by, record)
}
