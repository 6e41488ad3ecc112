package cap

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"martinella/alerts"
)

func TestTheJSONFormIsTheSameAlert(t *testing.T) {
	a := valdemo(t)
	form, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := ParseJSON(form, Submit)
	if err != nil {
		t.Fatal(err)
	}
	if !doc.Strict() || doc.Version != "1.2" {
		t.Error(doc.Problems, doc.Schema)
	}
	if got, want := string(write(t, doc.Alert)), string(write(t, a)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for name, c := range map[string]struct{ old, new string }{
		"line ends of Windows in a text": {`metri.\nAttesa`, `metri.\r\nAttesa`},
		"padding of a text":              {`"Comune di Valdemo"`, `" Comune di Valdemo "`},
		"a byte order mark":              {"{\n \"identifier\"", "\xef\xbb\xbf{\n \"identifier\""},
		"numbers for altitude":           {`"250.5"`, `250.5`},
		"null for what is absent":        {`"source"`, `"restriction": null, "source"`},
		"CAP's own form of a list":       {"[\n  \"Piena del Demo\",\n  \"2026-7\"\n ]", `"\"Piena del Demo\" 2026-7"`},
		"escaped characters":             {"garage", `\u0067arage`},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(string(form), c.old, c.new, 1)
			if changed == string(form) {
				t.Fatalf("%q is not in\n%s", c.old, form)
			}
			doc, err := ParseJSON([]byte(changed), Submit)
			if err != nil || len(doc.Problems) > 0 {
				t.Fatal(err, doc)
			}
			if Digest(doc.Alert) != Digest(a) {
				t.Error("another digest")
			}
		})
	}
}

const smallJSON = `{"identifier":"valdemo-1","sender":"protezione.civile@valdemo.example","sent":"2026-11-21T18:30:00+01:00","status":"Test","msgType":"Alert","scope":"Public",
"info":[{"language":"it-IT","category":["Met"],"event":"Prova","urgency":"Unknown","severity":"Minor","certainty":"Unknown","expires":"2026-11-22T06:00:00+01:00",
"area":[{"areaDesc":"Valdemo","polygon":["1,2 3,4 5,7 1,2"],"geocode":[{"valueName":"ISTAT","value":"099999"}]}]}]}`

func TestProblemsOfJSON(t *testing.T) {
	const e, w = alerts.LevelError, alerts.LevelWarning
	for name, c := range map[string]struct {
		old, new     string
		field, words string
		level        alerts.Level
	}{
		"an unknown key":                 {`"status"`, `"severità":"alta","status"`, "severità", "not a key", w},
		"a key in capitals":              {`"scope"`, `"Scope"`, "Scope", "not a key", w},
		"an unknown key with an object":  {`"event"`, `"x":{"y":[1,{"z":null}]},"event"`, "info[0].x", "not a key", w},
		"a key twice":                    {`"status"`, `"status":"Actual","status"`, "status", "more than once", e},
		"a key twice, nested":            {`"valueName":"ISTAT"`, `"valueName":"ISTAT","valueName":"EMMA_ID"`, "info[0].area[0].geocode[0].valueName", "more than once", e},
		"a list twice":                   {`"category"`, `"category":["Geo"],"category"`, "info[0].category", "more than once", e},
		"a number for a text":            {`"valdemo-1"`, `1`, "identifier", "not a text", e},
		"a truth for a text":             {`"Prova"`, `true`, "info[0].event", "not a text", e},
		"an object for a text":           {`"Prova"`, `{"it":"Prova"}`, "info[0].event", "not a text", e},
		"a list for a text":              {`"Prova"`, `["Prova"]`, "info[0].event", "not a text", e},
		"a text for a list":              {`["Met"]`, `"Met"`, "info[0].category", "not a list", e},
		"an object for a list":           {`"info":[`, `"info":{"a":[`, "info", "not a list", e},
		"a text for an object":           {`[{"valueName":"ISTAT","value":"099999"}]`, `["099999"]`, "info[0].area[0].geocode[0]", "not an object", e},
		"a number in a list of texts":    {`["1,2 3,4 5,7 1,2"]`, `[7,"1,2 3,4 5,7"]`, "info[0].area[0].polygon[0]", "not a text", e},
		"the index counts what is wrong": {`["1,2 3,4 5,7 1,2"]`, `[7,"1,2 3,4 5,7"]`, "info[0].area[0].polygon[1]", "not closed", w},
		"a reference that is a number":   {`"scope"`, `"references":[7],"scope"`, "references[0]", "not a text", e},
		"a reference of two parts":       {`"scope"`, `"references":["a,b"],"scope"`, "references", "not sender,identifier,sent", w},
		"null for what is required":      {`"Test"`, `null`, "status", "is missing", e},
		"null in a list":                 {`["Met"]`, `[null]`, "info[0].category[0]", "not a text", e},
		"a date with Z":                  {`06:00:00+01:00`, `06:00:00Z`, "info[0].expires", "Z", w},
		"a control character":            {`"Prova"`, `"Pro\u0007va"`, "info[0].event", "control character", e},
		"an open polygon":                {` 1,2"]`, `"]`, "info[0].area[0].polygon[0]", "not closed", w},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(smallJSON, c.old, c.new, 1)
			if changed == smallJSON {
				t.Fatalf("%q is not in the message", c.old)
			}
			if strings.Contains(c.new, `{"a":[`) {
				changed += "}"
			}
			doc, err := ParseJSON([]byte(changed), Submit)
			if err != nil {
				t.Fatal(err)
			}
			p := find(doc.Problems, c.field, c.words)
			if p == nil {
				t.Fatalf("%s %q is not among\n%s", c.field, c.words, doc.Problems)
			}
			if p.Level != c.level || p.Hint == "" || doc.Valid() != (c.level == w) && len(doc.Problems) == 1 {
				t.Errorf("got %+v, want %s", p, c.level)
			}
			n := 0
			for _, q := range doc.Problems {
				if q.Field == c.field {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s is named %d times:\n%s", c.field, n, doc.Problems)
			}
		})
	}
}

func TestJSONThatIsNotRead(t *testing.T) {
	for name, c := range map[string]struct {
		json string
		want error
	}{
		"nothing":           {"", ErrMalformed},
		"a list":            {"[]", ErrMalformed},
		"a text":            {`"a"`, ErrMalformed},
		"XML":               {smallAlert, ErrMalformed},
		"the end missing":   {`{"info":[{`, ErrMalformed},
		"more behind":       {smallJSON + "{}", ErrMalformed},
		"a brace behind":    {smallJSON + "}", ErrMalformed},
		"a comma at end":    {`{"a":"b",}`, ErrMalformed},
		"not UTF-8":         {"{\"event\":\"\xff\"}", ErrMalformed},
		"deep nesting":      {`{"x":` + strings.Repeat("[", 100_000), ErrUnsafe},
		"many values":       {`{"code":[` + strings.Repeat(`"",`, 5000) + `""]}`, ErrUnsafe},
		"too large":         {`{"note":"` + strings.Repeat("a", Submit.Bytes) + `"}`, ErrTooLarge},
		"deep below a text": {`{"note":"\\\"` + `","x":` + strings.Repeat(`{"a":`, 20), ErrUnsafe},
	} {
		t.Run(name, func(t *testing.T) {
			if doc, err := ParseJSON([]byte(c.json), Submit); !errors.Is(err, c.want) {
				t.Errorf("got %v %+v, want %v", err, doc, c.want)
			}
		})
	}
}

// TestRealJSONIsRead: MeteoAlarm's feed carries alerts with CAP's names.
func TestRealJSONIsRead(t *testing.T) {
	var feed struct {
		Warnings []struct{ Alert json.RawMessage }
	}
	if err := json.Unmarshal(exampleBytes(t, "json/henemm-feed_austria_sample.json"), &feed); err != nil {
		t.Fatal(err)
	}
	if len(feed.Warnings) < 3 {
		t.Fatalf("only %d alerts", len(feed.Warnings))
	}
	for _, w := range feed.Warnings {
		doc, err := ParseJSON(w.Alert, Submit)
		if err != nil || !doc.Strict() || !doc.Alert.HasArea() {
			t.Errorf("%v %+v", err, doc)
			continue
		}
		roundTrip(t, doc)
	}
}
