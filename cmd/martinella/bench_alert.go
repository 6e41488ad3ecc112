package main

import (
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"martinella/alerts"
	"martinella/alerts/cap"
)

// benchSentence fills the description of an exercise to its length.
const benchSentence = "Prova di carico: nessuno deve fare nulla. "

// benchAlert is an exercise of a load measure, new each time, whose description
// has so many bytes.
func benchAlert(now time.Time, description int) ([]byte, error) {
	now = now.Truncate(time.Second)
	text := strings.Repeat(benchSentence, description/len(benchSentence)+1)[:max(description, 1)]
	if strings.HasSuffix(text, " ") {
		text = text[:len(text)-1] + "." // a space at the end does not survive XML
	}
	return cap.Write(&alerts.Alert{
		Identifier: "bench-" + ulid.MustNew(ulid.Timestamp(time.Now()), ulid.DefaultEntropy()).String(),
		Sender:     "bench@martinella.example", Sent: now, Status: alerts.StatusExercise, MsgType: alerts.MsgAlert, Scope: alerts.ScopePublic,
		Infos: []alerts.Info{{
			Language: "it-IT", Categories: []alerts.Category{"Met"}, Event: "Prova di carico", Urgency: "Expected",
			Severity: alerts.SeverityModerate, Certainty: "Likely", Expires: now.Add(10 * time.Minute),
			Headline: "Prova di carico", Description: text,
			Areas: []alerts.Area{{Description: "Valdemo", Geocodes: []alerts.Value{{Name: "ISTAT", Value: "099999"}}}},
		}},
	})
}
