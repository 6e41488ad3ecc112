package dashboards

import (
	"fmt"
	"math"
	"net/http"
	"time"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/broadcast"
	"martinella/channels"
)

// previewed is what an alert would be, for who still writes it.
type previewed struct {
	Sendable  bool               `json:"sendable"`
	Obstacles alerts.Problems    `json:"obstacles"` // what keeps this key from sending it
	Warnings  alerts.Problems    `json:"warnings"`
	Reach     int                `json:"reach"`
	Channels  []previewedChannel `json:"channels"`
}

type previewedChannel struct {
	Channel  string             `json:"channel"`
	Failure  string             `json:"failure,omitempty"` // why it cannot carry the alert
	Messages []previewedMessage `json:"messages"`
}

type previewedMessage struct {
	Language string            `json:"language"`
	Audience string            `json:"audience"`
	Title    string            `json:"title,omitempty"`
	Text     string            `json:"text"`
	Reach    int               `json:"reach"`           // recipients; 1 for a public post
	Used     int               `json:"used,omitempty"`  // of the limit, in the unit
	Limit    int               `json:"limit,omitempty"` // of all parts together; absent: none
	Unit     channels.Unit     `json:"unit,omitempty"`
	Encoding channels.Encoding `json:"encoding,omitempty"`     // of a text message
	Parts    int               `json:"parts,omitempty"`        // that each recipient is sent, copies included
	Cost     string            `json:"cost,omitempty"`         // euro for all recipients; absent where no price is configured
	Last     int64             `json:"last_seconds,omitempty"` // from the first to the last recipient at contract speed
}

// preview tells what each channel would say of an alert, to whom and at what
// cost, and stores nothing.
func (s *Server) preview(w http.ResponseWriter, r *http.Request) {
	if s.Preview == nil {
		s.fail(w, r, fmt.Errorf("preview: %w", alerts.ErrUnavailable))
		return
	}
	by := callerOf(r)
	_, message, isJSON, err := s.alertBody(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	parse := cap.Parse
	if isJSON {
		parse = cap.ParseJSON
	}
	doc, err := parse(message, s.limitsOf(by.ID))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if wrong := doc.Problems.Errors(); len(wrong) > 0 {
		s.fail(w, r, &alerts.Refusal{Kind: alerts.ErrInvalid, Problems: doc.Problems})
		return
	}
	record, obstacles, err := s.Desk.Sketch(r.Context(), by.Person, alerts.Submission{Alert: doc.Alert, Problems: doc.Problems, Via: viaAPI}, time.Now())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := previewed{Obstacles: append(append(alerts.Problems{}, obstacles...), s.forgetful(r.Context(), doc.Alert)...)}
	all, err := s.Preview(r.Context(), record)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out.Sendable, out.Warnings, out.Reach = len(out.Obstacles) == 0, append(alerts.Problems{}, record.Warnings...), record.Reach
	out.Channels = make([]previewedChannel, len(all))
	for i := range all {
		out.Channels[i] = previewedOn(&all[i])
	}
	writeJSON(w, http.StatusOK, out)
}

func previewedOn(p *broadcast.Preview) previewedChannel {
	c := previewedChannel{Channel: p.Channel, Failure: p.Failure, Messages: make([]previewedMessage, len(p.Messages))}
	for i, m := range p.Messages {
		one := previewedMessage{Language: m.Language, Audience: m.Audience, Title: m.Title, Text: m.Text, Reach: p.Reach[i]}
		if i < len(p.Counts) {
			n := p.Counts[i]
			one.Used, one.Limit, one.Unit, one.Parts = n.Used, n.Limit, n.Unit, n.Parts
		}
		if i < len(p.Estimates) {
			e := p.Estimates[i]
			one.Encoding, one.Parts = e.Encoding, e.Parts*(1+e.Copies)
			if cost, known := e.Cost(one.Reach); known {
				one.Cost = cost.String()
			}
			one.Last = int64(math.Ceil(e.Last(one.Reach).Seconds()))
		}
		c.Messages[i] = one
	}
	return c
}
