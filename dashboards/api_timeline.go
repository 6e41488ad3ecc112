package dashboards

import (
	"net/http"

	"martinella/alerts"
)

// moment is one act in the timeline of an event.
type moment struct {
	Seq    int64         `json:"seq"`
	At     string        `json:"at"`
	By     alerts.By     `json:"by"`
	Verb   string        `json:"verb"`
	Alert  alerts.ID     `json:"alert"`
	Digest alerts.Digest `json:"digest"`
	Reason string        `json:"reason,omitempty"`
	Via    string        `json:"via,omitempty"`
}

// timeline answers with who did what when to the event, oldest first.
func (s *Server) timeline(w http.ResponseWriter, r *http.Request) {
	record, err := s.readable(r, alerts.Newest)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	acts, err := s.Desk.Store.Acts(r.Context(), record.Event)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	moments := make([]moment, len(acts))
	for i, a := range acts {
		moments[i] = moment{a.Seq, stamp(a.At), a.By, a.Verb, a.Alert, a.Digest, a.Reason, a.Via}
	}
	writeJSON(w, http.StatusOK, struct {
		Event    alerts.ID `json:"event"`
		Timeline []moment  `json:"timeline"`
	}{record.Event, moments})
}
