package webpush

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

// read gives the first payload of a record, as the worker reads it.
func read(t *testing.T, c *Channel, r *alerts.Record) Payload {
	t.Helper()
	messages, err := c.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	var p Payload
	if err := json.Unmarshal(messages[0].Payload, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestThePayloadSaysWhatTheWorkerMustDo(t *testing.T) {
	c := channel(t, config(t), "")
	for kind, want := range map[channeltest.Kind]struct{ renotify, close, exercise bool }{
		channeltest.Actual: {true, false, false}, channeltest.Exercise: {true, false, true}, channeltest.Update: {false, false, false},
		channeltest.Cancel: {true, true, false}, channeltest.AllClear: {true, true, false}, channeltest.Bare: {true, true, false},
	} {
		r := channeltest.Sample(kind)
		p := read(t, c, r)
		if p.Renotify != want.renotify || p.Close != want.close || p.Exercise != want.exercise || p.Tag != r.Event || p.ID != r.ID || p.Revision != r.Revision || p.Sent != "{sent}" {
			t.Errorf("%s: %+v", kind, p)
		}
	}
}

// What the worker compares with the notification before: only what makes an
// update more than a correction changes the tokens.
func TestWhatAnUpdateIsComparedBy(t *testing.T) {
	c := channel(t, config(t), "")
	before := read(t, c, channeltest.Sample(channeltest.Update, "it"))
	for name, x := range map[string]struct {
		edit                func(*alerts.Record)
		action, wider, more bool
	}{
		"nothing":             {func(*alerts.Record) {}, false, false, false},
		"another description": {func(r *alerts.Record) { r.Alert.Infos[0].Description = "L'acqua cala." }, false, false, false},
		"space and capitals": {func(r *alerts.Record) {
			r.Alert.Infos[0].Instruction = strings.ToUpper(r.Alert.Infos[0].Instruction) + " "
		}, false, false, false},
		"another instruction":      {func(r *alerts.Record) { r.Alert.Infos[0].Instruction = "Lasciate le case." }, true, false, false},
		"another kind of response": {func(r *alerts.Record) { r.Alert.Infos[0].ResponseTypes = []alerts.ResponseType{"Evacuate"} }, true, false, false},
		"one more municipality": {func(r *alerts.Record) {
			a := &r.Alert.Infos[0].Areas[1]
			a.Geocodes = append(a.Geocodes, alerts.Value{Name: "istat", Value: "047014"})
		}, false, true, false},
		"another outline":                           {func(r *alerts.Record) { r.Alert.Infos[0].Areas[0].Polygons[0][1].Lat += 0.1 }, false, true, false},
		"a municipality less":                       {func(r *alerts.Record) { r.Alert.Infos[0].Areas = r.Alert.Infos[0].Areas[:1] }, false, false, false},
		"the same code in another system's letters": {func(r *alerts.Record) { r.Alert.Infos[0].Areas[1].Geocodes[0].Name = "istat" }, false, false, false},
		"codes that the area was resolved to":       {func(r *alerts.Record) { r.Areas = []alerts.Value{{Name: "ISTAT", Value: "047002"}} }, false, true, false},
		"more areas than can be named": {func(r *alerts.Record) {
			for i := range 300 {
				r.Areas = append(r.Areas, alerts.Value{Name: "ISTAT", Value: fmt.Sprintf("%06d", i)})
			}
		}, false, true, true},
	} {
		r := channeltest.Sample(channeltest.Update, "it").Clone() // the samples share their areas
		x.edit(r)
		after := read(t, c, r)
		wider := slices.ContainsFunc(after.Areas, func(a string) bool { return !slices.Contains(before.Areas, a) })
		if (after.Action != before.Action) != x.action || wider != x.wider || x.more && len(after.Areas) != 1 {
			t.Errorf("%s: action %v, wider %v, areas %v", name, after.Action != before.Action, wider, after.Areas)
		}
	}
}

func TestTheLongestPayloadFitsIntoOneRecord(t *testing.T) {
	c := channel(t, config(t), "")
	for name, text := range map[string]string{"letters": "Il fiume sale, perché piove. ", "emoji": "🔥🌊 ", "what JSON escapes": "\"\\\" <&> ", "Arabic": "ارتفع منسوب النهر. "} {
		r := channeltest.Sample(channeltest.Actual, "it").Clone()
		in := &r.Alert.Infos[0]
		in.Event, in.Headline, in.Description, in.Instruction, in.SenderName = strings.Repeat(text, 200), strings.Repeat(text, 300), strings.Repeat(text, 3000), strings.Repeat(text, 1000), strings.Repeat(text, 50)
		for i := range 500 {
			r.Areas = append(r.Areas, alerts.Value{Name: "ISTAT", Value: fmt.Sprintf("%06d", i)})
		}
		messages, err := c.Render(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n := len(messages[0].Payload); n > maxPayload || n < maxBody {
			t.Errorf("%s: %d bytes", name, n)
		}
		m := messages[0].For(map[string]string{"{sent}": "2026-11-21T11:00:00+01:00"})
		if !json.Valid(m.Payload) || c.Measure(m.Text).Used > c.Measure("").Max {
			t.Errorf("%s: %q", name, m.Payload)
		}
	}
}

func TestSendersWordsAreNoPlaceholders(t *testing.T) {
	c := channel(t, config(t), "")
	r := channeltest.Sample(channeltest.Actual, "it").Clone()
	r.Alert.Infos[0].Instruction = `Il codice {code} e "{sent}"`
	messages, err := c.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	var p Payload
	m := messages[0].For(map[string]string{"{code}": "SECRET", "{sent}": "2026-11-21T11:00:00+01:00"})
	if err := json.Unmarshal(m.Payload, &p); err != nil || strings.Contains(p.Body, "SECRET") || strings.Contains(p.Body, "2026-11-21T11") || p.Sent != "2026-11-21T11:00:00+01:00" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestDirection(t *testing.T) {
	for language, want := range map[string]string{"it": "ltr", "de-AT": "ltr", "ar": "rtl", "ar-EG": "rtl", "fa": "rtl", "he-IL": "rtl", "ckb": "rtl", "": "ltr", "arn": "ltr"} {
		if got := direction(language); got != want {
			t.Errorf("%q: %s", language, got)
		}
	}
}

func FuzzRender(f *testing.F) {
	for _, seed := range [][2]string{{"Alluvione", "Salite ai piani alti."}, {"\u202e{sent}", "\x00\xff"}, {"", ""}, {"🔥", strings.Repeat("è", 5000)}} {
		f.Add(seed[0], seed[1])
	}
	c := channel(f, config(f), "")
	f.Fuzz(func(t *testing.T, event, words string) {
		r := channeltest.Sample(channeltest.Actual, "it").Clone()
		r.Alert.Infos[0].Event, r.Alert.Infos[0].Instruction, r.Alert.Infos[0].Description = event, words, words
		messages, err := c.Render(r)
		if err != nil {
			if strings.Contains(err.Error(), channels.ErrNoRoom.Error()) {
				return
			}
			t.Fatal(err)
		}
		if len(messages[0].Payload) > maxPayload || !json.Valid(messages[0].Payload) {
			t.Fatalf("%d bytes: %q", len(messages[0].Payload), messages[0].Payload)
		}
	})
}
