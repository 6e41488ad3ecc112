package main

import (
	"time"

	"github.com/oklog/ulid/v2"

	"martinella/alerts"
	"martinella/alerts/cap"
)

// exerciseAlert is the demonstration's CAP message, new each time: a river that
// does not exist in a town that does not exist.
func exerciseAlert(c *Config, now time.Time) ([]byte, error) {
	now = now.In(c.zone()).Truncate(time.Second)
	until := now.Add(6 * time.Hour)
	area := []alerts.Area{{
		Description: "Valdemo, rione Riva e via del Mulino",
		Polygons:    []alerts.Polygon{{{Lat: 43.4712, Lon: 11.1403}, {Lat: 43.4712, Lon: 11.1552}, {Lat: 43.4631, Lon: 11.1552}, {Lat: 43.4631, Lon: 11.1403}, {Lat: 43.4712, Lon: 11.1403}}},
		Geocodes:    []alerts.Value{{Name: "ISTAT", Value: "099999"}},
	}}
	info := func(language, event, headline, description, instruction string) alerts.Info {
		return alerts.Info{
			Language: language, Categories: []alerts.Category{"Met"}, Event: event, ResponseTypes: []alerts.ResponseType{"Avoid"},
			Urgency: "Expected", Severity: alerts.SeveritySevere, Certainty: "Likely", Effective: now, Onset: now.Add(time.Hour), Expires: until,
			SenderName: c.Authority.Name, Headline: headline, Description: description, Instruction: instruction,
			Contact: c.Authority.Contact, Areas: area,
		}
	}
	a := &alerts.Alert{
		Identifier: "valdemo-demo-" + ulid.MustNew(ulid.Timestamp(now), ulid.DefaultEntropy()).String(),
		Sender:     c.Authority.Sender, Sent: now, Status: alerts.StatusExercise, MsgType: alerts.MsgAlert, Scope: alerts.ScopePublic,
		Note: "Demonstration of Martinella: nobody is in danger.",
		Infos: []alerts.Info{
			info("it-IT", "Piena del torrente Demo", "Piena del torrente Demo nel rione Riva",
				"Il livello del torrente cresce e può superare gli argini tra via del Mulino e il ponte vecchio.",
				"Salite ai piani alti, non usate l'auto e non scendete in cantine e garage."),
			info("en-GB", "Flood of the Demo stream", "Demo stream in flood in the Riva quarter",
				"The stream is rising and may overflow between via del Mulino and the old bridge.",
				"Go to the upper floors, do not drive, stay out of cellars and garages."),
		},
	}
	return cap.Write(a)
}
