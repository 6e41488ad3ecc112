package dashboards

import (
	"net/http"

	"martinella/alerts"
	"martinella/broadcast"
)

// deliveries answers with the state of every channel for the event's published
// revision, or for the newest one while none is published.
func (s *Server) deliveries(w http.ResponseWriter, r *http.Request) {
	record, err := s.readable(r, alerts.Published)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	channels := []broadcast.Delivery{}
	if record.State.Published() {
		found, err := s.Work.Deliveries(r.Context(), record.ID)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		channels = append(channels, found...)
	}
	writeJSON(w, http.StatusOK, struct {
		ID       alerts.ID            `json:"id"`
		Event    alerts.ID            `json:"event"`
		Revision int                  `json:"revision"`
		State    alerts.State         `json:"state"`
		Channels []broadcast.Delivery `json:"channels"`
	}{record.ID, record.Event, record.Revision, record.State, channels})
}
