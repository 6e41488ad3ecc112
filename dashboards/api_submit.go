package dashboards

import (
	"net/http"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/broadcast"
)

// submitted is the answer to a submit and to every act of the desk.
type submitted struct {
	ID       alerts.ID       `json:"id"`
	Event    alerts.ID       `json:"event"`
	Revision int             `json:"revision"`
	State    alerts.State    `json:"state"`
	Cursor   string          `json:"cursor"`
	URL      string          `json:"url"`
	Warnings alerts.Problems `json:"warnings"`
	Digest   alerts.Digest   `json:"digest"`
	Durable  bool            `json:"durable"`
	// Replicated says whether as many replicas had it in time as the
	// configuration wants; absent where none was waited for.
	Replicated *bool `json:"replicated,omitempty"`
}

func (s *Server) submit(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	by := callerOf(r)
	raw, message, isJSON, err := s.alertBody(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	parse := cap.Parse
	if isJSON {
		parse = cap.ParseJSON
	}
	doc := by.Verified
	if doc == nil {
		doc, err = parse(message, s.limitsOf(by.ID))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := actContext(r)
	defer cancel()
	record, outcome, err := s.Desk.Submit(ctx, by.Person, alerts.Submission{
		Alert: doc.Alert, Raw: raw, Problems: doc.Problems, Via: viaAPI, SentWithin: by.SentWithin,
	}, began)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if outcome != alerts.OutcomeKnown {
		s.metrics.acceptedOne(record, time.Since(began))
		s.Logger.Info("alert taken", zap.String("alert", string(record.ID)), zap.String("event", string(record.Event)),
			zap.String("state", string(record.State)), zap.String("by", by.ID))
	}
	s.acted(w, r, record, outcome)
}

// acted answers an act: 201 issued, 202 waiting for a second person, 200 known
// before.
func (s *Server) acted(w http.ResponseWriter, r *http.Request, record *alerts.Record, outcome alerts.Outcome) {
	status := http.StatusOK
	switch outcome {
	case alerts.OutcomeIssued:
		status = http.StatusCreated
	case alerts.OutcomeWaiting:
		status = http.StatusAccepted
	}
	w.Header().Set("Location", "/api/v1/alerts/"+string(record.ID))
	writeJSON(w, status, submitted{
		ID: record.ID, Event: record.Event, Revision: record.Revision, State: record.State, Cursor: record.Cursor,
		URL: s.pageURL(record), Warnings: append(alerts.Problems{}, record.Warnings...), Digest: record.Approved,
		Durable: s.status.durable(r.Context()), Replicated: record.Replicated,
	})
}

// pageURL is the address of the event's page, "" for an alert that is not for
// it.
func (s *Server) pageURL(r *alerts.Record) string {
	if !broadcast.ForPage(r) {
		return ""
	}
	return s.PublicURL + "/a/" + string(r.Event)
}
