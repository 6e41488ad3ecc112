package broadcast

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
)

func sitrepEntry() Entry {
	e := briefEntry()
	e.Sitrep = &alerts.Sitrep{V: 1, ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Event: e.Record.Event, Status: alerts.StatusExercise, Language: "it", Text: "L'acqua è a 20 cm dal ponte", Place: "Ponte di via Roma",
		Source: "Vigili del Fuoco", Observed: time.Date(2026, 11, 21, 17, 30, 0, 0, time.UTC), Posted: time.Date(2026, 11, 21, 17, 32, 0, 0, time.UTC), Author: alerts.By{ID: "staff:1", Name: "Anna Rossi"},
		Photo: &alerts.Photo{Digest: "abcd", Width: 4, Height: 3, Alt: "Il ponte"}}
	return e
}

func TestBriefOfASitrep(t *testing.T) {
	e := sitrepEntry()
	read := func(b []byte) (m map[string]any) {
		t.Helper()
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := read(Brief(e, "https://a.example", "it", 150*time.Millisecond))
	for field, want := range map[string]any{"type": "sitrep", "cursor": string(e.Cursor), "id": string(e.Sitrep.ID), "event": string(e.Record.Event), "status": "Exercise", "withdrawn": false, "place": "Ponte di via Roma",
		"text": "L'acqua è a 20 cm dal ponte", "observed": "2026-11-21T17:30:00-00:00", "url": "https://a.example/a/" + string(e.Record.Event), "spread_ms": 150.0} {
		if m[field] != want {
			t.Errorf("%s: %v, want %v", field, m[field], want)
		}
	}
	full := string(Full(e, "https://a.example", "it", 0))
	if !strings.Contains(full, `"url":"https://a.example/photo/abcd.jpg"`) || strings.Contains(full, "Anna Rossi") {
		t.Errorf("full: %s", full)
	}
	e.Sitrep.Text, e.Sitrep.Place = strings.Repeat("piena «è» ", 60), strings.Repeat("\"ponte\" ", 30)
	for _, site := range []string{"", "https://a.example", "https://" + strings.Repeat("a", 300) + ".example"} {
		b := Brief(e, site, "it", time.Second)
		if len(b) > BriefLimit {
			t.Errorf("%d bytes: %s", len(b), b)
		}
		if m := read(b); m["text"] == "" || m["place"] == "" {
			t.Errorf("nothing is left: %s", b)
		}
	}
	e.Sitrep.Withdrawn = &alerts.Withdrawal{By: alerts.By{Name: "Anna Rossi"}, Reason: "luogo sbagliato"}
	for _, b := range [][]byte{Brief(e, "https://a.example", "it", 0), Full(e, "https://a.example", "it", 0)} {
		if m := read(b); m["withdrawn"] != true || strings.Contains(string(b), "piena") || strings.Contains(string(b), "abcd") || strings.Contains(string(b), "Anna Rossi") {
			t.Errorf("withdrawn: %s", b)
		}
	}
}

func TestTheViewHoldsWhatWasSeen(t *testing.T) {
	e := sitrepEntry()
	e.Record.Published = time.Now()
	before := (&View{}).with("0a-1-0", time.Now(), e.Record)
	v := before.reported("0a-2-0", e.Sitrep)
	if got := v.Sitreps(e.Record.Event); len(got) != 1 || v.Cursor != "0a-2-0" || before.Sitreps(e.Record.Event) != nil {
		t.Fatalf("%+v", got)
	}
	if again := v.reported("0a-2-0", e.Sitrep); len(again.Sitreps(e.Record.Event)) != 1 {
		t.Error("what came twice stands twice")
	}
	second := *e.Sitrep
	second.ID, second.Replaces = "01ARZ3NDEKTSV4RRFFQ69G5FAW", e.Sitrep.ID
	next := v.reported("0a-3-0", &second)
	got := next.Sitreps(e.Record.Event)
	if len(got) != 2 || got[0].Withdrawn == nil || got[0].Withdrawn.Replaced != second.ID || v.Sitreps(e.Record.Event)[0].Withdrawn != nil {
		t.Errorf("corrected: %+v", got)
	}
	stranger := *e.Sitrep
	stranger.Event = "none"
	if other := v.reported("0a-4-0", &stranger); other.Sitreps("none") != nil || other.Cursor != "0a-4-0" {
		t.Error("of an event that is not shown")
	}
	// An update keeps it; a pruned event takes it along.
	update := *e.Record
	update.ID, update.Revision = "01ARZ3NDEKTSV4RRFFQ69G5FAX", 2
	if kept := next.with("0a-5-0", time.Now(), &update); len(kept.Sitreps(e.Record.Event)) != 2 {
		t.Error("an update loses what was seen")
	}
	ended := update
	ended.Revision, ended.Change = 3, alerts.ChangeEnded
	late := next.with("0a-5-0", time.Now(), &ended).with("0a-6-0", time.Now().Add(2*Shown))
	if len(late.seen) != 0 {
		t.Errorf("of events that are forgotten: %v", late.seen)
	}
}
