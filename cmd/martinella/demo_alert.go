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
	istat := []alerts.Value{{Name: "ISTAT", Value: "099999"}}
	area := []alerts.Area{
		{Description: "Rione Riva", Geocodes: istat, Polygons: []alerts.Polygon{{
			{Lat: 43.4718, Lon: 11.1398}, {Lat: 43.4741, Lon: 11.1452}, {Lat: 43.4729, Lon: 11.1513}, {Lat: 43.4695, Lon: 11.1534},
			{Lat: 43.4668, Lon: 11.1497}, {Lat: 43.4674, Lon: 11.1431}, {Lat: 43.4718, Lon: 11.1398},
		}}},
		{Description: "Via del Mulino", Geocodes: istat, Polygons: []alerts.Polygon{{
			{Lat: 43.4668, Lon: 11.1497}, {Lat: 43.4695, Lon: 11.1534}, {Lat: 43.4681, Lon: 11.1606}, {Lat: 43.4643, Lon: 11.1618},
			{Lat: 43.4622, Lon: 11.1561}, {Lat: 43.4637, Lon: 11.1508}, {Lat: 43.4668, Lon: 11.1497},
		}}},
	}
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
