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
	var area []alerts.Area
	for _, code := range []string{"VD-8", "VD-9"} {
		if zone, ok := c.gazetteer.Area(code); ok {
			area = append(area, alerts.Area{Description: zone.Name, Geocodes: []alerts.Value{zone.Code}, Polygons: zone.Rings()})
		}
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
			info("it-IT", "Piena del torrente Demo", "Piena del torrente Demo a Borgo Basso",
				"Il livello del torrente cresce e può superare gli argini tra Borgo Basso e Le Fornaci.",
				"Salite ai piani alti, non usate l'auto e non scendete in cantine e garage."),
			info("en-GB", "Flood of the Demo stream", "Demo stream in flood at Borgo Basso",
				"The stream is rising and may overflow between Borgo Basso and Le Fornaci.",
				"Go to the upper floors, do not drive, stay out of cellars and garages."),
		},
	}
	return cap.Write(a)
}
