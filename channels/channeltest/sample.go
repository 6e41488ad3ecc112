package channeltest

import (
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// Kind names a sample record.
type Kind string

// The samples. All speak of one flood in Pistoia; what follows the first issue
// has the same event.
const (
	Actual   Kind = "actual"   // Extreme, first issue
	Moderate Kind = "moderate" // Moderate, first issue, no instruction
	Exercise Kind = "exercise"
	Test     Kind = "test"
	Update   Kind = "update"
	Cancel   Kind = "cancel" // sent by mistake
	AllClear Kind = "all-clear"
	Bare     Kind = "bare" // a Cancel without infos, which CAP allows
)

// Kinds lists the samples.
var Kinds = []Kind{Actual, Moderate, Exercise, Test, Update, Cancel, AllClear, Bare}

// Settings is what the samples are rendered with.
func Settings() channels.Settings {
	return channels.Settings{Authority: "Comune di Pistoia", PublicURL: "https://allerta.comune.pistoia.example", Zone: time.FixedZone("CET", 3600), Language: "it"}
}

var sampleWords = map[string]alerts.Info{
	"it": {Language: "it", Event: "Alluvione", Headline: "Salite subito ai piani alti", SenderName: "Comune di Pistoia",
		Description: "L'Ombrone supera gli argini fra via S. Marco e Pontelungo. L'acqua sale in fretta perché piove da ieri.",
		Instruction: "Salite subito ai piani alti. Non scendete in cantina né in garage. Non usate l'auto.", Areas: sampleAreas("Pistoia sud")},
	"en": {Language: "en", Event: "Flood", Headline: "Go upstairs now", SenderName: "Municipality of Pistoia",
		Description: "The river Ombrone is breaking its banks between via S. Marco and Pontelungo. The water is rising fast.",
		Instruction: "Go upstairs now. Stay out of cellars and garages. Do not drive.", Areas: sampleAreas("South Pistoia")},
	"de": {Language: "de", Event: "Überschwemmung", Headline: "Gehen Sie sofort nach oben", SenderName: "Gemeinde Pistoia",
		Description: "Der Ombrone tritt über die Ufer. Das Wasser steigt schnell.",
		Instruction: "Gehen Sie sofort in höhere Stockwerke. Meiden Sie Keller und Tiefgaragen.", Areas: sampleAreas("Pistoia Süd")},
}

func sampleAreas(name string) []alerts.Area {
	return []alerts.Area{
		{Description: name, Polygons: []alerts.Polygon{{{Lat: 43.90, Lon: 10.88}, {Lat: 43.92, Lon: 10.88}, {Lat: 43.92, Lon: 10.94}, {Lat: 43.90, Lon: 10.88}}}},
		{Description: "Quarrata", Geocodes: []alerts.Value{{Name: "ISTAT", Value: "047017"}}},
	}
}

// SampleSent is when the samples were published.
var SampleSent = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// SampleAreas is the approved area of the samples, in codes.
var SampleAreas = []alerts.Value{{Name: "ISTAT", Value: "047017"}}

// Sample builds a record in the languages named: it, en, de; none is Italian
// and English. Each call builds a new one.
func Sample(kind Kind, languages ...string) *alerts.Record {
	if len(languages) == 0 {
		languages = []string{"it", "en"}
	}
	a := &alerts.Alert{Identifier: "pistoia-2026-7", Sender: "allerta@comune.pistoia.example", Sent: SampleSent,
		Status: alerts.StatusActual, MsgType: alerts.MsgAlert, Scope: alerts.ScopePublic}
	severity := alerts.SeverityExtreme
	if kind == Moderate {
		severity = alerts.SeverityModerate
	}
	for _, lang := range languages {
		info := sampleWords[lang]
		info.Categories, info.Urgency, info.Severity, info.Certainty = []alerts.Category{"Met"}, "Immediate", severity, "Observed"
		info.Expires = SampleSent.Add(7*time.Hour + 30*time.Minute)
		if kind == Moderate {
			info.Instruction = ""
		}
		a.Infos = append(a.Infos, info)
	}
	r := &alerts.Record{V: alerts.RecordVersion, ID: "01KAK3Z8G0FLD1RST0000000A1", Event: "01KAK3Z8G0FLD1RST0000000A1", Revision: 1,
		State: alerts.StateIssued, Change: alerts.ChangeIssued, Alert: a, Own: true, Author: alerts.By{ID: "p1", Name: "Anna"}, Via: "api",
		Received: SampleSent.Add(-time.Minute), Published: SampleSent}
	later := func(change alerts.Change, msg alerts.MsgType) {
		r.ID, r.Supersedes, r.Revision, r.Change = "01KAK4Z8G0FLD1RST0000000A2", r.Event, 2, change
		a.MsgType = msg
		a.References = []alerts.Reference{{Sender: a.Sender, Identifier: a.Identifier, Sent: SampleSent}}
		a.Identifier, a.Sent = "pistoia-2026-8", SampleSent.Add(2*time.Hour)
	}
	switch kind {
	case Exercise:
		a.Status, a.Note = alerts.StatusExercise, "Prova di allertamento"
	case Test:
		a.Status = alerts.StatusTest
	case Update:
		later(alerts.ChangeUpdated, alerts.MsgUpdate)
	case Cancel, Bare:
		later(alerts.ChangeCancelled, alerts.MsgCancel)
		a.Note = "Inviata per errore durante una prova"
	case AllClear:
		later(alerts.ChangeEnded, alerts.MsgUpdate)
	}
	for i := range a.Infos {
		switch info := &a.Infos[i]; kind {
		case Cancel:
			info.Instruction, info.Description, info.Urgency = "", "", alerts.UrgencyPast
		case AllClear:
			info.Instruction, info.Description, info.Urgency = "", "", alerts.UrgencyPast
			info.ResponseTypes = []alerts.ResponseType{alerts.ResponseAllClear}
		}
	}
	if kind == Bare {
		a.Infos = nil
	}
	return r.Clone() // the words above are shared
}
