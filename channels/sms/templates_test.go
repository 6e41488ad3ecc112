package sms

import (
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/templates"
	"martinella/channels"
)

// The text message of every shipped template, with a place of usual length, is
// two parts of GSM-7 in Italian and English, whole: nothing is cut.
func TestShippedTemplatesFitTwoParts(t *testing.T) {
	now := time.Date(2026, 11, 21, 17, 40, 0, 0, time.FixedZone("", 3600))
	settings := channels.Settings{Authority: "Comune di Valdemo", PublicURL: "https://allerta.valdemo.example", Language: "it-IT"}
	for _, one := range templates.Shipped() {
		for _, lang := range []string{"it-IT", "en"} {
			for _, severity := range one.Severities {
				info, err := one.Fill(templates.Filling{Language: lang, Now: now, Severity: severity, Source: "Comune di Valdemo", Values: map[string]string{
					"place": "Borgo San Rocco e Cefalù", "street": "via del Ponte Vecchio", "shelter": "palestra comunale", "phone": "0573 555 0100", "what": "Ada Rossi, 78 anni, giacca rossa"}})
				if err != nil {
					t.Fatal(err)
				}
				a := &alerts.Alert{Status: alerts.StatusExercise, MsgType: alerts.MsgAlert, Scope: alerts.ScopePublic, Infos: []alerts.Info{info}}
				r := &alerts.Record{ID: "01KAJ3ZC9S4W5T7Q8R2M6N1PXY", Event: "01KAJ3ZC9S4W5T7Q8R2M6N1PXY", Revision: 1, Change: alerts.ChangeIssued, Alert: a}
				whole, err := Text{MaxParts: 9}.Render("sms", AudienceSubscribers, r, settings)
				if err != nil {
					t.Fatal(err)
				}
				encoding, parts := channels.Segments(whole[0].Text)
				if encoding != channels.GSM7 || len(parts) > 2 {
					t.Errorf("%s in %s: %d parts of %s: %q", one.ID, lang, len(parts), encoding, whole[0].Text)
				}
			}
		}
	}
}
