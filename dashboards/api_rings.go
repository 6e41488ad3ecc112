package dashboards

import (
	"net/http"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// calling is a call to staff in an answer.
type calling struct {
	Who     alerts.Call `json:"who"`
	Why     alerts.Why  `json:"why"`
	Alert   alerts.ID   `json:"alert"`
	At      string      `json:"at"`
	Done    bool        `json:"done"`
	Widened bool        `json:"widened"`
	Over    string      `json:"over,omitempty"`
	Calls   []called    `json:"calls"`
}

// called is one call to one person.
type called struct {
	Person   alerts.By          `json:"person"`
	Kind     string             `json:"kind,omitempty"`
	Channel  string             `json:"channel,omitempty"`
	State    broadcast.LegState `json:"state"`
	Attempts int                `json:"attempts"`
	At       string             `json:"at,omitempty"`
	Reason   string             `json:"reason,omitempty"`
}

// ringsOf answers with the calls to staff for an event, oldest first.
func (s *Server) ringsOf(w http.ResponseWriter, r *http.Request) {
	record, err := s.readable(r, alerts.Newest)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var rings []*broadcast.Ringing
	if s.Rung != nil {
		if rings, err = s.Rung.Rings(r.Context(), record.Event); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	all := make([]calling, len(rings))
	for i, ring := range rings {
		all[i] = calling{ring.Who, ring.Why, ring.Alert, stamp(ring.At), ring.Done, ring.Widened, ring.Over, []called{}}
		for _, leg := range ring.Legs {
			one := called{Person: leg.Person, Kind: leg.Kind, Channel: leg.Channel, State: leg.State, Attempts: leg.Attempts, Reason: leg.Reason}
			if leg.At != (time.Time{}) {
				one.At = stamp(leg.At)
			}
			all[i].Calls = append(all[i].Calls, one)
		}
	}
	writeJSON(w, http.StatusOK, struct {
		Event alerts.ID `json:"event"`
		Rings []calling `json:"rings"`
	}{record.Event, all})
}
