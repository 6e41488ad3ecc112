package dashboards

import (
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// pastCalls are the calls of volunteers, by number.
type pastCalls struct {
	Callouts // what this page may not ask for panics

	parts map[uint32][]callout.Part
	fail  error
}

func (p *pastCalls) Of(_ context.Context, number uint32) ([]callout.Part, error) {
	return p.parts[number], p.fail
}

// inRome is a clock on the wall; the offset tells the two hours of an autumn
// night apart.
func inRome(t *testing.T, at string) time.Time {
	t.Helper()
	got, err := time.Parse("2006-01-02 15:04 -07", at)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// annasPast is what calls have of Anna, and of Bruno, whom she must not see.
func annasPast(t *testing.T, anna, bruno uint32) *pastCalls {
	call := func(n uint32, what string) *volunteers.Call {
		return &volunteers.Call{V: 1, ID: alerts.ID(fmt.Sprintf("01JD0Q4W7N8R5T2V6X9ZABC%03d", n)), Number: n, What: what, Where: "Magazzino", Meet: inRome(t, "2026-03-01 08:00 +01"), State: volunteers.StateClosed,
			Ended: inRome(t, "2026-11-02 12:00 +01"), By: alerts.By{ID: "staff:1", Name: "Coordinatrice Segreta"}, Referent: volunteers.Referent{Phone: "+390400000000"}}
	}
	part := func(n uint32, what, from, to string) callout.Part {
		p := callout.Part{Call: call(n, what), Entry: callout.Entry{Number: anna}}
		p.Presence.Arrived = inRome(t, from)
		if to != "" {
			p.Presence.Left = inRome(t, to)
		}
		return p
	}
	exercise := part(6, "=Prova", "2027-03-27 22:00 +01", "2027-03-28 06:00 +02")
	exercise.Call.Exercise = true
	unsure := part(5, "Ricerca", "2026-11-02 10:00 +01", "")
	autumn := part(4, "Piena", "2026-10-24 22:00 +02", "2026-10-25 06:00 +01")
	autumn.Leg = &volunteers.Leg{Number: anna, Begun: inRome(t, "2026-10-24 21:00 +02"), Kinds: []string{"phone"}}
	autumn.Pages = []callout.Paged{{Record: "01JD0000000000000000000000", Channel: "sms", At: inRome(t, "2026-10-24 21:01 +02")}}
	autumn.Answer = &volunteers.Answer{Kind: volunteers.Coming, Minutes: 20, At: inRome(t, "2026-10-24 21:05 +02"), Via: "sms", Note: "sono in fonderia"}
	autumn.Messages = []callout.Message{{Number: anna, At: inRome(t, "2026-10-24 21:07 +02"), Via: "sms", Text: "vengo col furgone rosso"}}
	autumn.Presence.Corrections = []volunteers.Correction{{At: inRome(t, "2026-10-26 10:00 +01"), By: alerts.By{ID: "staff:7", Name: "Coordinatrice Segreta"}, From: volunteers.Stay{Arrived: autumn.Presence.Arrived}, To: autumn.Presence.Stay(), Reason: "uscita non segnata"}}
	asked := callout.Part{Call: call(3, "Prova dei contatti"), Entry: callout.Entry{Number: anna, Answer: &volunteers.Answer{Kind: volunteers.Coming, Via: "page", Contacts: "phone"}}}
	asked.Call.Test = true
	others := part(4, "Piena", "2026-10-24 22:00 +02", "2026-10-25 06:00 +01")
	others.Number, others.Messages = bruno, []callout.Message{{Number: bruno, Text: "parola di Bruno"}}
	return &pastCalls{parts: map[uint32][]callout.Part{anna: {exercise, unsure, autumn, asked}, bruno: {others}}}
}

// A volunteer reads the own hours, across midnight and the change of clocks, and
// has them as a file and, with all else that calls keep, as a copy.
func TestAVolunteerHasTheOwnHours(t *testing.T) {
	past := &pastCalls{}
	g := openRoster(t, func(c *Config) { c.Callouts = past })
	if r := g.do("GET", g.link(), "", "Accept-Language", "it"); r.StatusCode != 200 || !strings.Contains(r.body, "Non risulta ancora nessuna presenza") || strings.Contains(r.body, "hours.csv") {
		t.Errorf("without any call: %d", r.StatusCode)
	}
	*past = *annasPast(t, g.number, g.number+1)

	page := g.do("GET", g.link(), "", "Accept-Language", "it")
	for what, want := range map[string]string{
		"the spring night is an hour shorter":      "<strong>7:00</strong>",
		"the autumn night is an hour longer":       "<strong>9:00</strong>",
		"the end of a call stands in for who left": "<strong>2:00</strong>",
		"that is said":                                 "(uscita non annotata)",
		"2026 has its sum":                             "<h3>2026: 11:00 ore</h3>",
		"2027 has its sum":                             "<h3>2027: 7:00 ore</h3>",
		"an exercise is one":                           "ESERCITAZIONE · =Prova",
		"the end is on another day, and says so":       `<time datetime="2026-10-25T06:00:00&#43;01:00">25/10`,
		"the hours are to be had as a file":            `/hours.csv" download`,
		"hours that were corrected say why":            "Il coordinamento ha corretto queste ore: uscita non segnata",
		"what a call was and where is said, with code": "Piena, Magazzino (V-0004)",
	} {
		if !strings.Contains(strings.ReplaceAll(page.body, "+", "&#43;"), strings.ReplaceAll(want, "+", "&#43;")) {
			t.Errorf("%s: %q is not there", what, want)
		}
	}
	file, data := g.do("GET", g.link()+"/hours.csv", "", "Accept-Language", "it"), g.get(g.link()+"/data.json")
	for name, r := range map[string]reply{"page": page, "file": file, "copy": data} {
		for _, secret := range []string{"parola di Bruno", "Coordinatrice Segreta", "+390400000000"} {
			if strings.Contains(r.body, secret) {
				t.Errorf("the %s says %q", name, secret)
			}
		}
		if r.StatusCode != 200 || !strings.Contains(r.Header.Get("Cache-Control"), "no-store") || !strings.Contains(r.Header.Get("X-Robots-Tag"), "noindex") {
			t.Errorf("the %s: %d, %v", name, r.StatusCode, r.Header)
		}
	}
	if strings.Contains(page.body, "Prova dei contatti") {
		t.Error("a test of contacts is among the hours")
	}
	if !strings.HasPrefix(file.body, "\ufeff") {
		t.Error("a spreadsheet does not know that the file is UTF-8")
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.body, "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatalf("the file has %q, %v", rows, err)
	}
	for i, want := range [][]string{
		{"Nome", "Organizzazione", "Attività", "Luogo", "Chiamata", "Esercitazione", "Inizio", "Fine", "Ore", "Uscita annotata", "Correzioni"},
		{"Anna Prato", "Croce Verde", "'=Prova", "Magazzino", "V-0006", "sì", "2027-03-27 22:00", "2027-03-28 06:00", "7:00", "sì", ""},
		{"Anna Prato", "Croce Verde", "Ricerca", "Magazzino", "V-0005", "no", "2026-11-02 10:00", "2026-11-02 12:00", "2:00", "no", ""},
		{"Anna Prato", "Croce Verde", "Piena", "Magazzino", "V-0004", "no", "2026-10-24 22:00", "2026-10-25 06:00", "9:00", "sì", "2026-10-26 10:00: uscita non segnata"},
	} {
		if !slices.Equal(rows[i], want) {
			t.Errorf("row %d is %q, not %q", i, rows[i], want)
		}
	}
	calls, _ := data.json(t)["calls"].([]any)
	if len(calls) != 4 {
		t.Fatalf("the copy has %d calls: %s", len(calls), data.body)
	}
	for what, want := range map[string]string{
		"the note": "sono in fonderia", "the text": "vengo col furgone rosso", "the answer": `"minutes": 20`, "the page that was sent": `"channel": "sms"`, "when they came": `"arrived": "2026-10-24T2`,
		"the hours": `"hours": "9:00"`, "a confirmed contact": `"contacts": "phone"`, "that it was a test": `"contact_test": true`, "the roster's row": "Anna Prato", "their own number": annasPhone,
	} {
		if !strings.Contains(strings.ReplaceAll(data.body, `":`, `": `), want) && !strings.Contains(data.body, want) {
			t.Errorf("the copy does not have %s: %q", what, want)
		}
	}
	past.fail = alerts.ErrUnavailable
	for _, path := range []string{"", "/hours.csv", "/data.json"} {
		if r := g.get(g.link() + path); r.StatusCode != 503 {
			t.Errorf("%q while the store does not answer: %d", path, r.StatusCode)
		}
	}
	past.fail = nil
	at := g.link()
	if r := g.form(at, "do", "erase", "sure", "1"); r.StatusCode != 200 {
		t.Errorf("erasing: %d", r.StatusCode)
	}
	for _, path := range []string{"", "/hours.csv", "/data.json"} {
		if r := g.get(at + path); r.StatusCode != 404 || strings.Contains(r.body, "Piena") {
			t.Errorf("%q after erasing: %d", path, r.StatusCode)
		}
	}
}
