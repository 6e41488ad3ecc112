package broadcast

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"martinella/alerts"
)

func briefEntry() Entry {
	r := (&house{}).record(alerts.SeverityExtreme, time.Hour)
	r.State = alerts.StateIssued
	return Entry{Cursor: "4f2a91c0-1795302000123-0", Record: r}
}

func TestBriefSaysTheFacts(t *testing.T) {
	e := briefEntry()
	var got map[string]any
	if err := json.Unmarshal(Brief(e, "https://allerte.valdemo.example", "it", 150*time.Millisecond), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"type": "alert", "cursor": string(e.Cursor), "change": "issued", "id": string(e.Record.ID), "event": string(e.Record.Event), "revision": 1.0,
		"status": "Actual", "level": "extreme", "headline": "Il torrente esonda", "area": "Valdemo", "expires": alerts.FormatTime(e.Record.Alert.Expires()),
		"url": "https://allerte.valdemo.example/a/" + string(e.Record.Event), "spread_ms": 150.0,
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: got %v, want %v", k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d fields, want %d: %v", len(got), len(want), got)
	}
}

func TestBriefMarksWhatMustBeSeenFirst(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(r *alerts.Record)
		lang     string
		headline string
		level    string
	}{
		"English":     {func(*alerts.Record) {}, "en", "The river floods", "extreme"},
		"an exercise": {func(r *alerts.Record) { r.Alert.Status = alerts.StatusExercise }, "it", "ESERCITAZIONE: Il torrente esonda", "extreme"},
		"no headline": {func(r *alerts.Record) { r.Alert.Infos[0].Headline = "" }, "it", "Piena", "extreme"},
		"a Cancel":    {func(r *alerts.Record) { r.Change = alerts.ChangeCancelled }, "it", "", "none"},
		"all-clear":   {func(r *alerts.Record) { r.Change = alerts.ChangeEnded }, "it", "", "none"},
		"no severity": {func(r *alerts.Record) { r.Alert.Infos[0].Severity, r.Alert.Infos[1].Severity = "x", "" }, "it", "Il torrente esonda", "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			e := briefEntry()
			c.change(e.Record)
			var got brief
			if err := json.Unmarshal(Brief(e, "", c.lang, 0), &got); err != nil {
				t.Fatal(err)
			}
			if got.Level != c.level || (c.headline != "" && got.Headline != c.headline) {
				t.Errorf("level %q, headline %q, want %q, %q", got.Level, got.Headline, c.level, c.headline)
			}
			if c.headline == "" && (!strings.HasSuffix(got.Headline, ": Il torrente esonda")) {
				t.Errorf("headline %q is not marked", got.Headline)
			}
		})
	}
}

func TestFullKeepsItsReadersToItself(t *testing.T) {
	e := briefEntry()
	e.Record.Alert.Addresses, e.Record.Alert.Restriction = []string{"somebody"}, "staff"
	e.Record.Alert.Infos[0].Description = strings.Repeat("lungo ", 500)
	b := Full(e, "", "it", 0)
	var got struct {
		brief
		Alert struct {
			Identifier string `json:"identifier"`
			Info       []struct {
				Description string `json:"description"`
			} `json:"info"`
		} `json:"alert"`
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Alert.Identifier != e.Record.Alert.Identifier || len(got.Alert.Info[0].Description) != 3000 {
		t.Errorf("the alert is not whole: %s", b[:300])
	}
	if strings.Contains(string(b), "somebody") || strings.Contains(string(b), "staff") {
		t.Error("the readers are told to everybody")
	}
}

func FuzzBrief(f *testing.F) {
	f.Add("e-1-0", "Allerta piena", "Valdemo, Prato", "https://allerte.example", "it", "Actual", int64(150))
	f.Add(strings.Repeat("c", 100), strings.Repeat("è", 400), strings.Repeat("日本", 300), "https://"+strings.Repeat("h", 250), "xx", strings.Repeat("S", 90), int64(-1))
	f.Add("", "<>&\u2028\"\\\x00\x01", "\xff\xfe", "\"", "", "", int64(1)<<62)
	f.Add("e-1-0", strings.Repeat("\x01", 500), strings.Repeat("\"", 500), "", "en", "Exercise", int64(0))
	f.Fuzz(func(t *testing.T, cursor, headline, area, url, lang, status string, spread int64) {
		e := briefEntry()
		e.Cursor = Cursor(cursor)
		e.Record.Alert.Status = alerts.Status(status)
		for i := range e.Record.Alert.Infos {
			e.Record.Alert.Infos[i].Headline, e.Record.Alert.Infos[i].Areas[0].Description = headline, area
		}
		b := Brief(e, url, lang, time.Duration(spread))
		if len(b) > BriefLimit || !utf8.Valid(b) {
			t.Fatalf("%d bytes: %q", len(b), b)
		}
		var got brief
		if err := json.Unmarshal(b, &got); err != nil || got.Type != "alert" {
			t.Fatalf("%v: %s", err, b)
		}
	})
}
