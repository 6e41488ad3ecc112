package dashboards

import (
	"context"
	"net/http"
	"time"

	"martinella/alerts"
)

// longer is the body of a request to let an alert hold longer.
type longer struct {
	Digest  alerts.Digest `json:"digest"`           // of the alert, as read
	Expires string        `json:"expires"`          // until when, with an offset
	Reason  string        `json:"reason,omitempty"` // for the record
}

func (s *Server) extend(w http.ResponseWriter, r *http.Request) {
	var want longer
	if err := s.decode(w, r, &want); err != nil {
		s.fail(w, r, err)
		return
	}
	until, err := alerts.ParseTime(want.Expires)
	if err != nil {
		s.fail(w, r, refuse(alerts.ErrInvalid, "expires", "is not a time", "write it like 2026-11-21T18:30:00+01:00"))
		return
	}
	with := alerts.Decision{Digest: want.Digest, Reason: want.Reason}
	s.decide(w, r, "extend", with, func(ctx context.Context, by alerts.Person, id alerts.ID, with alerts.Decision, now time.Time) (*alerts.Record, alerts.Outcome, error) {
		return s.Desk.Extend(ctx, by, id, with, until, now)
	})
}
