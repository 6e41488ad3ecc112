package cap

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"martinella/alerts"
)

// find gives the problem of a field that holds the words.
func find(ps alerts.Problems, field, words string) *alerts.Problem {
	for i, p := range ps {
		if p.Field == field && strings.Contains(p.Problem, words) {
			return &ps[i]
		}
	}
	return nil
}

func TestProblemsAreNamedWithTheirPath(t *testing.T) {
	const e, w = alerts.LevelError, alerts.LevelWarning
	for name, c := range map[string]struct {
		old, new     string
		field, words string
		level        alerts.Level
	}{
		"no namespace":                    {` xmlns="` + namespace12 + `"`, "", "alert", "has no namespace", w},
		"unknown namespace":               {namespace12, "urn:example:cap", "alert", "unknown namespace", e},
		"another root":                    {"alert", "allarme", "alert", "is missing", e},
		"an element of another namespace": {"<source>", `<e:identifier xmlns:e="urn:evil">x</e:identifier><source>`, "identifier", "not an element of this CAP version", w},
		"only a foreign sender":           {"<sender>protezione.civile@valdemo.example</sender>", `<e:sender xmlns:e="urn:evil">x</e:sender>`, "sender", "is missing", e},
		"a 1.1 element in a 1.2 alert":    {"<note>", `<note xmlns="` + namespace11 + `">`, "note", "namespace", w},
		"an unknown element":              {"<note>Esercitazione: nessun pericolo reale</note>", "<notes>x</notes>", "notes", "not an element", w},
		"an element in the wrong place":   {"<area>", "<polygon>1,2 3,4 5,7 1,2</polygon><area>", "info[0].polygon", "not an element", w},
		"password outside CAP 1.0":        {"<source>", "<password>x</password><source>", "password", "not an element", w},
		"a sender twice":                  {"<status>", "<sender>a@valdemo.example</sender><status>", "sender", "more than once", e},
		"an event twice":                  {"<urgency>", "<event>b</event><urgency>", "info[0].event", "more than once", e},
		"an areaDesc twice":               {"<polygon>", "<areaDesc>b</areaDesc><polygon>", "info[0].area[0].areaDesc", "more than once", e},
		"a value twice":                   {"<value>3,10 m</value>", "<value>3</value><value>4</value>", "info[0].parameter[0].value", "more than once", e},
		"stray text in the alert":         {"<source>", "x<source>", "alert", "stray text", w},
		"stray text in an area":           {"<areaDesc>Valdemo</areaDesc>", "x<areaDesc>Valdemo</areaDesc>", "info[1].area[0]", "stray text", w},
		"a padded identifier":             {"valdemo-2026-0042", " valdemo-2026-0042", "identifier", "padded", w},
		"a padded enumeration":            {">Severe<", ">Severe\n<", "info[0].severity", "padded", w},
		"a padded date":                   {">2026-11-21T18:30:00+01:00</sent>", "> 2026-11-21T18:30:00+01:00</sent>", "sent", "padded", w},
		"elements in a text":              {"<headline>Lasciate", "<headline><b>Subito</b> lasciate", "info[0].headline", "holds elements", w},
		"sent is no date":                 {"2026-11-21T18:30:00+01:00</sent>", "oggi</sent>", "sent", "is not a date", e},
		"sent is empty":                   {"2026-11-21T18:30:00+01:00</sent>", "</sent>", "sent", "is not a date", e},
		"sent in a month 13":              {"2026-11-21T18:30:00+01:00</sent>", "2026-13-21T18:30:00+01:00</sent>", "sent", "is not a date", e},
		"sent with an offset of a day":    {"2026-11-21T18:30:00+01:00</sent>", "2026-11-21T18:30:00+24:00</sent>", "sent", "is not a date", e},
		"sent with Z":                     {"2026-11-21T18:30:00+01:00</sent>", "2026-11-21T18:30:00Z</sent>", "sent", "Z", w},
		"expires is no date":              {"2026-11-22T06:00:00+01:00", "domani", "info[0].expires", "is not a date", w},
		"onset without offset":            {"19:00:00+01:00", "19:00:00", "info[0].onset", "no offset", w},
		"effective with a fraction":       {"<effective>2026-11-21T18:30:00+01:00", "<effective>2026-11-21T18:30:00.5+01:00", "info[0].effective", "fraction", w},
		"an unknown status":               {"Exercise", "Esercitazione", "status", `is "Esercitazione"`, e},
		"a status in small letters":       {"Exercise", "exercise", "status", `is "exercise"`, e},
		"an empty status":                 {"Exercise", "", "status", "is missing", e},
		"an unknown category":             {">Safety<", ">Acqua<", "info[0].category[1]", `is "Acqua"`, e},
		"an unknown response type":        {">Monitor<", ">Run<", "info[0].responseType[1]", `is "Run"`, w},
		"very likely":                     {">Observed<", ">Very Likely<", "info[0].certainty", "Very Likely", w},
		"a space in the identifier":       {"valdemo-2026-0042", "valdemo 42", "identifier", "space", w},
		"scope Restricted":                {">Private<", ">Restricted<", "restriction", "missing", w},
		"a quote that is open":            {`"Piena del Demo"`, `"Piena`, "incidents", "quote", w},
		"empty references":                {"protezione.civile@valdemo.example,valdemo-2026-0041,2026-11-21T17:00:00+01:00", "", "references", "is empty", w},
		"a reference of two parts":        {"valdemo-2026-0041,", "", "references", "not sender,identifier,sent", w},
		"a reference with a wrong date":   {"2026-11-21T17:00:00+01:00<", "ieri<", "references", "not sender,identifier,sent", w},
		"a reference with Z":              {"2026-11-21T17:00:00+01:00<", "2026-11-21T16:00:00Z<", "references", "Z", w},
		"commas between references":       {"17:00:00+01:00</ref", "17:00:00+01:00, a,b,2026-11-21T17:00:00+01:00</ref", "references", "commas", w},
		"commas between all references":   {"17:00:00+01:00</ref", "17:00:00+01:00,a,b,2026-11-21T17:00:00+01:00</ref", "references", "commas", w},
		"a language by its name":          {"it-IT", "italiano (Italia)", "info[0].language", "not a language tag", w},
		"an empty language":               {"it-IT", "", "info[0].language", "is empty", w},
		"no mime type":                    {"<mimeType>image/png</mimeType>", "", "info[0].resource[0].mimeType", "is missing", w},
		"a size in words":                 {"20480", "20 kB", "info[0].resource[0].size", "not a number", w},
		"a relative web page":             {"https://valdemo.example/allerte/42<", "allerte/42<", "info[0].web", "not a full address", w},
		"a parameter without a name":      {"<valueName>livello</valueName>", "", "info[0].parameter[0].valueName", "is missing", w},
		"a geocode as in CAP 1.0":         {"<valueName>ISTAT</valueName>", "ISTAT=", "info[0].area[0].geocode[0]", "stray text", w},
		"an altitude in words":            {">100<", ">alto<", "info[0].area[0].altitude", "not a number", w},
		"an altitude without bounds":      {">100<", ">1e300<", "info[0].area[0].altitude", "not a number", w},
		"a ceiling without altitude":      {"<altitude>100</altitude>", "", "info[0].area[0].ceiling", "without an altitude", w},
		"a polygon with parentheses":      {"44.5,10.9 44.5,10.95", "(44.5,10.9) 44.5,10.95", "info[0].area[0].polygon[0]", "cannot be read", w},
		"a polygon with NaN":              {"44.5,10.9 44.5,10.95", "NaN,10.9 44.5,10.95", "info[0].area[0].polygon[0]", "cannot be read", w},
		"a polygon in hexadecimal":        {"44.5,10.9 44.5,10.95", "0x10,10.9 44.5,10.95", "info[0].area[0].polygon[0]", "cannot be read", w},
		"an empty polygon":                {"44.5,10.9 44.5,10.95 44.55,10.95 44.5,10.9", "", "info[0].area[0].polygon[0]", "is empty", w},
		"an open polygon":                 {" 44.55,10.95 44.5,10.9", " 44.55,10.95", "info[0].area[0].polygon[0]", "not closed", w},
		"latitude and longitude swapped":  {"44.5,10.9 44.5,10.95", "44.5,10.9 144.5,10.95", "info[0].area[0].polygon[0]", "not on the earth", w},
		"a self-crossing polygon":         {"44.5,10.9 44.5,10.95 44.55,10.95 44.5,10.9", "0,0 1,1 1,0 0,1 0,0", "info[0].area[0].polygon[0]", "crosses itself", w},
		"a circle without radius":         {"44.52,10.92 1.5", "44.52,10.92", "info[0].area[0].circle[0]", "cannot be read", w},
	} {
		t.Run(name, func(t *testing.T) {
			xml := string(fixture(t, "valdemo.xml"))
			times := 1
			if c.old == "alert" {
				times = -1 // the end too
			}
			changed := strings.Replace(xml, c.old, c.new, times)
			if changed == xml {
				t.Fatalf("%q is not in the fixture", c.old)
			}
			doc := parse(t, []byte(changed))
			p := find(doc.Problems, c.field, c.words)
			if p == nil {
				t.Fatalf("%s %q is not among\n%s", c.field, c.words, doc.Problems)
			}
			if p.Level != c.level || p.Hint == "" {
				t.Errorf("got %+v, want %s", p, c.level)
			}
			if c.level == w && !doc.Valid() {
				t.Errorf("a flag became an error: %v", doc.Problems.Errors())
			}
			if doc.Strict() {
				t.Error("strict nevertheless")
			}
			roundTrip(t, doc)
		})
	}
}

func TestNothingIsInventedAndNothingUnreadableIsKept(t *testing.T) {
	xml := strings.NewReplacer(
		"<polygon>44.5,10.9", "<polygon>rotto</polygon><polygon/><polygon>44.5,10.9",
		"<circle>", "<circle>rotto</circle><circle>",
		"it-IT", "",
		"Monitor", "Run",
		"<size>20480</size>", "<size>-1</size><derefUri>bm9uIG1lbW9yaXp6YXJl</derefUri>",
	).Replace(string(fixture(t, "valdemo.xml")))
	doc := parse(t, []byte(xml))
	for _, field := range []string{"info[0].area[0].polygon[0]", "info[0].area[0].polygon[1]", "info[0].area[0].circle[0]", "info[0].language", "info[0].responseType[1]", "info[0].resource[0].size"} {
		if n := strings.Count(doc.Problems.String(), field); n != 1 {
			t.Errorf("%s is named %d times in\n%s", field, n, doc.Problems)
		}
	}
	in := doc.Alert.Infos[0]
	if len(in.Areas[0].Polygons) != 1 || len(in.Areas[0].Circles) != 1 || in.Areas[0].Circles[0].Radius != 1.5 {
		t.Errorf("shapes: %+v", in.Areas[0])
	}
	if in.Language != "" || len(in.ResponseTypes) != 1 || in.Resources[0].Size != 0 {
		t.Errorf("got %+v", in)
	}
	form, err := json.Marshal(doc.Alert)
	if err != nil || strings.Contains(string(form), "bm9u") {
		t.Errorf("an embedded file is in the alert: %v", err)
	}
}

func TestAnAreaWhoseShapesAreUnreadableIsNoArea(t *testing.T) {
	xml := strings.Replace(smallAlert, "<geocode><valueName>ISTAT</valueName><value>099999</value></geocode>", "<polygon>(1,2)</polygon><circle>x</circle>", 1)
	doc := parse(t, []byte(xml))
	if !doc.Valid() || doc.Alert.HasArea() {
		t.Errorf("got an area from %+v (%v)", doc.Alert.Infos[0].Areas, doc.Problems)
	}
}

func TestTheFirstOfARepeatedElementIsKept(t *testing.T) {
	xml := strings.Replace(smallAlert, "<status>Test</status>", "<status>Test</status><status>Actual</status>", 1)
	if doc := parse(t, []byte(xml)); doc.Valid() || doc.Alert.Status != alerts.StatusTest {
		t.Errorf("got %s, valid %v", doc.Alert.Status, doc.Valid())
	}
}

func TestCAP10(t *testing.T) {
	xml := `<alert xmlns="` + namespace10 + `"><identifier>valdemo-1</identifier><sender>pc@valdemo.example</sender><sent>2003-04-02T14:39:01-05:00</sent>` +
		`<status>Actual</status><msgType>Update</msgType><password>segreto</password><references>valdemo-0/pc@valdemo.example</references>` +
		`<info><event>Piena</event><urgency>Expected</urgency><severity>Minor</severity><certainty>Very Likely</certainty><eventCode>rischio=idraulico</eventCode>` +
		`<area><areaDesc>Valdemo</areaDesc><geocode>ISTAT=099999</geocode></area></info></alert>`
	doc := parse(t, []byte(xml))
	if !doc.Strict() || doc.Version != "1.0" {
		t.Fatal(doc.Version, doc.Problems, doc.Schema)
	}
	a := doc.Alert
	if a.Scope != alerts.ScopePublic || len(a.Infos[0].Categories) != 1 || a.Infos[0].Categories[0] != "Other" || a.Infos[0].Certainty != "Likely" {
		t.Errorf("got %+v", a)
	}
	if v := (alerts.Value{Name: "ISTAT", Value: "099999"}); a.Infos[0].Areas[0].Geocodes[0] != v {
		t.Errorf("got %+v", a.Infos[0].Areas[0].Geocodes)
	}
	if len(a.References) != 1 || a.References[0].Identifier != "valdemo-0" || a.References[0].Sender != "pc@valdemo.example" {
		t.Errorf("got %+v", a.References)
	}
	if ps := a.Problems(); len(ps) > 0 {
		t.Errorf("as CAP 1.2 it has problems: %v", ps)
	}
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	back := new(alerts.Alert)
	if err := json.Unmarshal(b, back); err != nil || back.References[0] != a.References[0] {
		t.Errorf("stored and loaded: %v %+v", err, back.References)
	}
	if strings.Contains(string(b), "segreto") {
		t.Error("the password of CAP 1.0 is kept")
	}
}

// earlier10 is a CAP 1.0 alert with these references.
func earlier10(references string) string {
	return `<alert xmlns="` + namespace10 + `"><identifier>valdemo-1</identifier><sender>pc@valdemo.example</sender><sent>2003-04-02T14:39:01-05:00</sent>` +
		`<status>Test</status><msgType>Alert</msgType><scope>Public</scope><references>` + references + `</references><info><event>Piena</event>` +
		`<urgency>Expected</urgency><severity>Minor</severity><certainty>Likely</certainty><area><areaDesc>Valdemo</areaDesc></area></info></alert>`
}

func TestAReferenceOfCAP10WithACommaIsFlaggedAndLeftOut(t *testing.T) {
	for references, want := range map[string][]alerts.Reference{
		"id/s":            {{Sender: "s", Identifier: "id"}},
		"id/s/t":          {{Sender: "s/t", Identifier: "id"}},
		"id/,s":           nil,
		"id/s,":           nil,
		"i,d/s":           nil,
		",id/s":           nil,
		"i,d/s,t":         nil,
		"id/,s other/one": {{Sender: "one", Identifier: "other"}},
	} {
		doc := parse(t, []byte(earlier10(references)))
		if !slices.Equal(doc.Alert.References, want) {
			t.Errorf("%s: got %q, want %q", references, doc.Alert.References, want)
		}
		if flagged := find(doc.Problems, "references", "not sender,identifier,sent") != nil; flagged != strings.Contains(references, ",") || !doc.Valid() {
			t.Errorf("%s: flagged %v, problems %v", references, flagged, doc.Problems)
		}
		storable(t, doc.Alert)
	}
}

func TestElementOrderIsOnlyAMatterOfTheSchema(t *testing.T) {
	xml := strings.Replace(smallAlert, "<sender>protezione.civile@valdemo.example</sender>", "", 1)
	xml = strings.Replace(xml, "<info>", "<sender>protezione.civile@valdemo.example</sender><info>", 1)
	doc := parse(t, []byte(xml))
	if len(doc.Problems) > 0 || doc.Strict() || find(doc.Schema, "sender", "comes after scope") == nil {
		t.Error(doc.Problems, doc.Schema)
	}
}

func TestDates(t *testing.T) {
	for in, want := range map[string]string{
		"2026-11-21T18:30:00+01:00":     "2026-11-21T18:30:00+01:00",
		"2026-11-21T18:30:00-00:00":     "2026-11-21T18:30:00-00:00",
		"2026-11-21T18:30:00+00:00":     "2026-11-21T18:30:00-00:00",
		"2026-11-21T18:30:00Z":          "2026-11-21T18:30:00-00:00",
		"2026-11-21T18:30:00":           "2026-11-21T18:30:00-00:00",
		"2026-11-21T18:30:00.99+02:00":  "2026-11-21T18:30:00+02:00",
		"2026-11-21T24:00:00+01:00":     "2026-11-22T00:00:00+01:00",
		"2026-12-31T24:00:00Z":          "2027-01-01T00:00:00-00:00",
		"2026-11-21T18:30:00+0100":      "2026-11-21T18:30:00+01:00",
		"2026-11-21T18:30+01:00":        "2026-11-21T18:30:00+01:00",
		"2026-11-21 18:30:00+01:00":     "2026-11-21T18:30:00+01:00",
		"2026-11-21T18:30:00+14:00":     "2026-11-21T18:30:00+14:00",
		"2026-11-21T18:30:00+14:01":     "",
		"2026-11-21":                    "",
		"2026-02-30T18:30:00+01:00":     "",
		"0000-01-01T00:00:00+01:00":     "",
		"0001-01-01T00:00:00Z":          "",
		"21/11/2026 18:30":              "",
		"2026-11-21T18:30:00 +01:00":    "",
		"2026-11-21T18:30:00+01:00 ora": "",
		"":                              "",
	} {
		got, complaint, ok := parseDate(in)
		if ok != (want != "") || ok && alerts.FormatTime(got) != want {
			t.Errorf("%q: got %s %v, want %s", in, alerts.FormatTime(got), ok, want)
		}
		if _, err := alerts.ParseTime(in); ok && (complaint == "") != (err == nil) {
			t.Errorf("%q: complaint %q although ParseTime says %v", in, complaint, err)
		}
	}
}

func TestLists(t *testing.T) {
	for in, want := range map[string][]string{
		``:                       nil,
		`a  b`:                   {"a", "b"},
		`"a b" c`:                {"a b", "c"},
		`"a b"c`:                 {"a b", "c"},
		`""  " "`:                nil,
		`a"b`:                    {`a"b`},
		"\"Centro operativo\"\n": {"Centro operativo"},
	} {
		got, closed := splitList(in)
		if !closed || strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
		again, _ := splitList(joinList(got))
		if strings.Join(again, "|") != strings.Join(want, "|") {
			t.Errorf("%q: joined and split: got %q, want %q", in, again, want)
		}
	}
}

func TestTheListOfProblemsIsBounded(t *testing.T) {
	xml := strings.Replace(smallAlert, "<status>Test</status>", strings.Repeat("<x/>", 3000), 1)
	doc := parse(t, []byte(xml))
	if len(doc.Problems) != maxProblems+1 || doc.Valid() || find(doc.Problems, "status", "is missing") == nil {
		t.Errorf("got %d problems, valid %v", len(doc.Problems), doc.Valid())
	}
}
