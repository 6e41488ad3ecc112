package compose

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/alerts/cap"
	"martinella/alerts/lexicon"
	"martinella/alerts/lint"
	"martinella/alerts/templates"
)

// desk is the authority of these tests at 18:30 of a Saturday.
func desk(t testing.TB) Context {
	t.Helper()
	g, err := areas.Load(areas.Source{File: "../areas/testdata/valdemo.geojson"})
	if err != nil {
		t.Fatal(err)
	}
	return Context{
		Authority: alerts.Authority{Slug: "valdemo", Name: "Comune di Valdemo", Sender: "protezione.civile@valdemo.example", Language: "it-IT"},
		Zone:      rome, Languages: []string{"it-IT", "en"}, Now: clockAt("2026-11-21 18:30:00"),
		NewID:     func(time.Time) alerts.ID { return "01KAKB0V6Q0000000000000001" },
		Templates: templates.Shipped(), Areas: Named(g),
		Words: lint.Context{Domains: []string{"valdemo.example"}, Phones: []string{"0573 5550100"}},
	}
}

func shipped(t testing.TB, id string) templates.Template {
	t.Helper()
	for _, one := range templates.Shipped() {
		if one.ID == id {
			return one
		}
	}
	t.Fatalf("no template %s", id)
	return templates.Template{}
}

// flood is a form that can be sent.
func flood(t testing.TB, c Context) Form {
	t.Helper()
	f := New(c)
	f.Codes = []alerts.Value{{Name: "ISTAT", Value: "999001"}}
	f.Values = map[string]string{"shelter": "la scuola Rodari", "phone": "0573 5550100"}
	return Fill(shipped(t, "flood"), f, c)
}

// made is the alert of a form that has no problem.
func made(t testing.TB, f Form, c Context) *alerts.Alert {
	t.Helper()
	a, ps := f.Alert(c)
	if len(ps) > 0 {
		t.Fatalf("problems:\n%v", ps)
	}
	return a
}

func TestTheFloodThatATemplateMakes(t *testing.T) {
	c := desk(t)
	got, err := json.MarshalIndent(made(t, flood(t, c), c), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/flood.json"
	if os.Getenv("MARTINELLA_GOLDEN") != "" {
		if err := os.WriteFile(file, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(append(got, '\n'), want) {
		t.Errorf("%v; got\n%s", err, got)
	}
}

func TestEveryTemplateMakesAnAlertThatTheLintLikes(t *testing.T) {
	c := desk(t)
	long := strings.Repeat("Frazione di Santa Maria alla Pieve, ", 9)[:300]
	values := map[string]string{"street": "via Roma", "shelter": "la scuola Rodari", "phone": "0573 5550100", "what": "un bambino di 8 anni"}
	for _, tpl := range c.Templates {
		for _, place := range []string{"", "Cefalù e Forlì", long} {
			f := New(c)
			f.Codes = []alerts.Value{{Name: "ISTAT", Value: "999001"}}
			f.Values = map[string]string{"place": place}
			maps.Copy(f.Values, values)
			f = Fill(tpl, f, c)
			a := made(t, f, c)
			if hits := Lint(f, a, c); len(hits) > 0 {
				t.Errorf("%s, %q: %+v", tpl.ID, place, hits[0])
			}
			if l := Check(f, a, c); !l.Complete() {
				t.Errorf("%s, %q: %v", tpl.ID, place, l)
			}
			if len(a.Infos) != 2 || a.Infos[0].Language != "it-IT" || a.Infos[1].Language != "en" {
				t.Errorf("%s: the languages are wrong", tpl.ID)
			}
			if again := Fill(tpl, f, c); !reflect.DeepEqual(again, f) {
				t.Errorf("%s: filled twice it is another one:\n%+v\n%+v", tpl.ID, f, again)
			}
			roundTrip(t, tpl.ID, f, a, c)
		}
	}
}

// roundTrip makes a record of the alert and composes it again.
func roundTrip(t *testing.T, name string, f Form, a *alerts.Alert, c Context) {
	t.Helper()
	r := &alerts.Record{V: 1, ID: "R1", Event: "R1", Revision: 1, State: alerts.StateReturned, Change: alerts.ChangeIssued, Alert: a, Own: true, Channels: f.Channels}
	if !Holds(r, c) {
		t.Errorf("%s: a form does not hold what it made", name)
	}
	c.Earlier = r
	back := Of(r, c)
	if back.Corrects != r.ID || back.Changes != "" {
		t.Errorf("%s: it belongs to %q and %q", name, back.Corrects, back.Changes)
	}
	if b := made(t, back, c); !reflect.DeepEqual(plainly(a), plainly(b)) {
		t.Errorf("%s: returned and sent again it differs:\n%s\n%s", name, said(a), said(b))
	}
	r.State, c.Earlier, c.Previous = alerts.StateIssued, nil, r
	next := Of(r, c)
	if next.Changes != r.ID || next.Corrects != "" {
		t.Errorf("%s: the update belongs to %q and %q", name, next.Changes, next.Corrects)
	}
	for i := range next.Texts {
		next.Texts[i].Changed = "Cambia la zona"
	}
	b := made(t, next, c)
	if b.MsgType != alerts.MsgUpdate || b.References[0].Identifier != a.Identifier {
		t.Errorf("%s: the update is %s of %v", name, b.MsgType, b.References)
	}
	r2 := r.Clone()
	r2.ID, r2.Alert, r2.Supersedes = "R2", b, r.ID
	third := Of(r2, c)
	for i := range third.Texts {
		if third.Texts[i].Changed != "" || tidy(third.Texts[i].Description) != tidy(back.Texts[i].Description) {
			t.Errorf("%s: the update of an update says %q and %q", name, third.Texts[i].Changed, third.Texts[i].Description)
		}
	}
	r2.State = alerts.StateReturned
	if again := Of(r2, c); again.Changes != r.ID || again.Corrects != r2.ID || again.Texts[0].Changed != "Cambia la zona." {
		t.Errorf("%s: the returned update is %q of %q and says %q", name, again.Corrects, again.Changes, again.Texts[0].Changed)
	}
}

// plainly is the content without what is new each time.
func plainly(a *alerts.Alert) *alerts.Alert {
	a = a.Clone()
	a.Identifier, a.Sender, a.MsgType, a.Sent, a.References = "", "", "", time.Time{}, nil
	for i := range a.Infos {
		in := &a.Infos[i]
		in.Effective, in.Onset, in.Expires = time.Time{}, in.Onset.UTC(), in.Expires.UTC()
		for _, text := range []*string{&in.Headline, &in.Event, &in.SenderName, &in.Web, &in.Contact} {
			*text = line(*text)
		}
		in.Description, in.Instruction = tidy(in.Description), tidy(in.Instruction)
		for k := range in.Resources {
			in.Resources[k].Description = line(in.Resources[k].Description)
		}
		var one alerts.Area
		var names []string
		for _, ar := range in.Areas {
			if name := line(ar.Description); !slices.Contains(names, name) {
				names = append(names, name)
			}
			one.Polygons, one.Circles = append(one.Polygons, ar.Polygons...), append(one.Circles, ar.Circles...)
			for _, g := range ar.Geocodes {
				if !slices.Contains(one.Geocodes, g) {
					one.Geocodes = append(one.Geocodes, g)
				}
			}
		}
		one.Description = strings.Join(names, ", ")
		in.Areas = []alerts.Area{one}
	}
	return a
}

func said(a *alerts.Alert) string {
	b, _ := json.Marshal(plainly(a)) // our own types always marshal
	return string(b)
}

// sendable is a message in good form that says something, else nil.
func sendable(b []byte) *alerts.Alert {
	doc, err := cap.Parse(b, cap.National)
	if err != nil || len(doc.Alert.Problems()) > 0 || doc.Alert.MsgType != alerts.MsgAlert && doc.Alert.MsgType != alerts.MsgUpdate || doc.Alert.AllClear() {
		return nil
	}
	return doc.Alert
}

// The real messages that a form holds come back as they were.
func TestRealMessagesComeBack(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "testdata", "cap")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the examples are not beside the checkout")
	}
	held, all := 0, 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".xml" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		a := sendable(b)
		if a == nil {
			return nil
		}
		all++
		c := desk(t)
		c.Areas, c.Languages, c.Now = nil, nil, a.Sent
		c.Authority.Language = or(a.Infos[0].Language, "en-US")
		if !a.Expires().After(a.Sent) || a.Expires().After(a.Sent.Add(MostAhead)) || len(a.Obstacles(a.Sent)) > 0 {
			return nil
		}
		r := &alerts.Record{V: 1, ID: "R1", Event: "R1", Revision: 1, State: alerts.StateRejected, Alert: a}
		if !Holds(r, c) || a.Status == alerts.StatusSystem {
			return nil
		}
		held++
		c.Earlier = r
		f := Of(r, c)
		got, ps := f.Alert(c)
		for i := range a.Infos {
			a.Infos[i].Language = or(a.Infos[i].Language, c.Authority.Language)
		}
		if len(ps.Errors()) > 0 || said(got) != said(a) {
			t.Errorf("%s: %v\n%s\n%s", filepath.Base(path), ps, said(a), said(got))
		}
		return nil
	})
	if err != nil || held < 10 {
		t.Errorf("%v; of %d real messages that could be sent a form holds %d", err, all, held)
	}
	t.Logf("of %d real messages a form holds %d", all, held)
}

func TestAllThatIsWrongAtOnce(t *testing.T) {
	c := desk(t)
	type row struct {
		change func(f *Form)
		want   string // field: problem, of level error
	}
	for name, r := range map[string]row{
		"an empty form": {func(f *Form) { *f = New(c) },
			"until: is missing|codes: are missing|category: is missing|texts[0].event: is missing|urgency: is missing|severity: is missing|certainty: is missing|texts[0].where: is missing"},
		"nothing at all":                   {func(f *Form) { *f = Form{} }, "until: is missing|codes: are missing|texts: is missing|status: is missing"},
		"an end that is past":              {func(f *Form) { f.Until = "21/11/2026 18:00" }, "until: is past"},
		"an end that nobody can read":      {func(f *Form) { f.Until = "stasera" }, "until: " + badTime},
		"a beginning that nobody can read": {func(f *Form) { f.From = "ieri" }, "from: " + badTime},
		"a beginning that is past":         {func(f *Form) { f.From = "21/11/2026 17:00" }, ""},
		"an end before the beginning":      {func(f *Form) { f.From, f.Until = "22/11 12:00", "22/11 06:00" }, "until: is not after the beginning"},
		"half a code":                      {func(f *Form) { f.Codes = append(f.Codes, alerts.Value{Name: "ISTAT"}) }, "codes[1]: is only half of a code"},
		"a code of no area":                {func(f *Form) { f.Codes[0].Value = "123456"; f.Texts[0].Where, f.Texts[1].Where = "Qui", "Here" }, ""},
		"no area":                          {func(f *Form) { f.Codes = nil }, "codes: are missing|texts[0].where: is missing|texts[1].where: is missing"},
		"a ring that crosses itself": {func(f *Form) {
			f.Shapes = []Shape{{Polygon: alerts.Polygon{{Lat: 0, Lon: 0}, {Lat: 1, Lon: 1}, {Lat: 0, Lon: 1}, {Lat: 1, Lon: 0}}}}
		}, "shapes[0]: crosses itself"},
		"a shape that is nothing":             {func(f *Form) { f.Shapes = []Shape{{}} }, "shapes[0]: is neither a polygon nor a circle"},
		"a circle with a negative radius":     {func(f *Form) { f.Shapes = []Shape{{Circle: &alerts.Circle{Radius: -1}}} }, "shapes[0]: has a negative radius"},
		"no channel":                          {func(f *Form) { f.Channels = []string{} }, "channels: has no channel"},
		"the all-clear":                       {func(f *Form) { f.Responses = []alerts.ResponseType{"AllClear"} }, "response: is AllClear"},
		"a level that is none":                {func(f *Form) { f.Severity = "Red" }, `severity: is "Red"`},
		"a status for machines":               {func(f *Form) { f.Status = alerts.StatusSystem }, "status: " + badStatus},
		"a language twice":                    {func(f *Form) { f.Texts[1].Language = "it-it" }, "texts[1].language: is there twice"},
		"a language that is none":             {func(f *Form) { f.Texts[1].Language = "italiano, credo" }, "texts[1].language: is not a language"},
		"a language in which nobody wrote":    {func(f *Form) { f.Texts[1] = Text{Language: "en"} }, ""},
		"a danger without a name":             {func(f *Form) { f.Texts[1].Event = " " }, "texts[1].event: is missing"},
		"a text without an end":               {func(f *Form) { f.Texts[0].Description = strings.Repeat("è", MostText+1) }, "texts[0].description: is too long"},
		"own words for what is no channel":    {func(f *Form) { f.Texts[0].Own["due parole"] = "ciao" }, "texts[0].own.due parole: is no name of a channel"},
		"a place of the template with braces": {func(f *Form) { f.Values["place"] = "{until}" }, "values.place: holds curly brackets"},
		"a value that is too long":            {func(f *Form) { f.Values["phone"] = strings.Repeat("1", 21) }, "values.phone: is too long"},
		"a value of no placeholder":           {func(f *Form) { f.Values["until"] = "sempre" }, "values.until: is no placeholder that people fill"},
		"a picture without words":             {func(f *Form) { f.Files = []File{{Type: "image/png"}} }, "texts[0].alts[0]: is missing|texts[1].alts[0]: is missing"},
		"an update of what nobody knows":      {func(f *Form) { f.Changes = "R9" }, "changes: " + notKnown + "|texts[0].changed: is missing|texts[1].changed: is missing"},
		"too many areas":                      {func(f *Form) { f.Codes = make([]alerts.Value, MostCodes+1) }, "codes: are too many"},
	} {
		t.Run(name, func(t *testing.T) {
			f := flood(t, c)
			r.change(&f)
			a, ps := f.Alert(c)
			if a == nil {
				t.Fatal("there is always an alert to look at")
			}
			var got []string
			for _, p := range ps.Errors() {
				if strings.HasPrefix(p.Field, "codes[") && name == "too many areas" || name == "too many areas" && strings.Contains(p.Field, "where") {
					continue
				}
				got = append(got, p.Field+": "+p.Problem)
				if p.Hint == "" {
					t.Errorf("%s has no remedy", p.Field)
				}
			}
			for _, p := range ps {
				if it := lexicon.Problem(p, "it-IT"); it.Problem == p.Problem || it.Hint == p.Hint && p.Hint != "" {
					t.Errorf("there is no Italian for %q and %q", p.Problem, p.Hint)
				}
			}
			if s := strings.Join(got, "|"); s != r.want {
				t.Errorf("got  %s\nwant %s", s, r.want)
			}
			if ps.Err() == nil && len(a.Problems().Errors())+len(a.Obstacles(c.Now)) > 0 {
				t.Errorf("the form is right and its alert is not: %v %v", a.Problems(), a.Obstacles(c.Now))
			}
		})
	}
}

func TestATemplateKeepsWhatThePersonWrote(t *testing.T) {
	c := desk(t)
	f := flood(t, c)
	f.Texts[0].Headline, f.Until, f.Severity = "Via dal fiume", "domani 06:00", alerts.SeverityExtreme
	f.Values["place"] = "Borgo San Rocco"
	f = Fill(shipped(t, "flood"), f, c)
	if got := f.Texts[0]; got.Headline != "Via dal fiume" || !strings.Contains(got.Own["sms"], "Borgo San Rocco") || got.Where != "Borgo San Rocco" || !strings.Contains(got.Own["sms"], "06:00") {
		t.Errorf("after a new place: %+v", got)
	}
	if f.Severity != alerts.SeverityExtreme || f.Until != "domani 06:00" {
		t.Errorf("level and end: %s, %s", f.Severity, f.Until)
	}
	f = Fill(shipped(t, "storm"), f, c)
	if got := f.Texts[0]; got.Headline != "Via dal fiume" || strings.Contains(got.Own["sms"], "alluvione") || got.Event == "Alluvione" || f.Until != "domani 06:00" {
		t.Errorf("after another template: %+v", f)
	}
	f.Values["place"] = ""
	if f = Fill(shipped(t, "storm"), f, c); f.Texts[0].Where != "" || !strings.Contains(f.Texts[0].Own["sms"], "Valdemo") {
		t.Errorf("without the place in words the codes name it: %+v", f.Texts[0])
	}
	f.Texts[1].Own["sms"] = "My words"
	if f = Fill(shipped(t, "heat"), f, c); f.Texts[1].Own["sms"] != "My words" {
		t.Errorf("own words for a channel: %q", f.Texts[1].Own["sms"])
	}
}

func TestWhatTheLintFindsIsSaidOfTheForm(t *testing.T) {
	c := desk(t)
	type row struct {
		change        func(f *Form)
		code          lint.Code
		field, quoted string
	}
	for name, r := range map[string]row{
		"a link in the description": {func(f *Form) { f.Texts[0].Description = "Leggete https://truffa.example/è qui." }, lint.ForeignLink, "texts[0].description", "https://truffa.example/è"},
		"behind what changed": {func(f *Form) {
			f.Texts[0].Changed, f.Texts[0].Description = "Più zone", "Leggete https://truffa.example/a qui."
		}, lint.ForeignLink, "texts[0].description", "https://truffa.example/a"},
		"in what changed":              {func(f *Form) { f.Texts[0].Changed = "Più zone: https://truffa.example/a" }, lint.ForeignLink, "texts[0].changed", "https://truffa.example/a"},
		"in own words":                 {func(f *Form) { f.Texts[1].Own["facebook"] = "Read https://truffa.example/a" }, lint.ForeignLink, "texts[1].own.facebook", "https://truffa.example/a"},
		"no instruction":               {func(f *Form) { f.Texts[1].Instruction = "" }, lint.MissingAction, "texts[1].instruction", ""},
		"no area":                      {func(f *Form) { f.Codes = nil }, lint.NoArea, "codes", ""},
		"no end":                       {func(f *Form) { f.Until = "" }, lint.NoExpiry, "until", ""},
		"a language that is not there": {func(f *Form) { f.Texts[1] = Text{Language: "en"} }, lint.LanguageMissing, "texts[1]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := flood(t, c)
			r.change(&f)
			a, _ := f.Alert(c)
			hits := Lint(f, a, c)
			i := slices.IndexFunc(hits, func(h Finding) bool { return h.Code == r.code })
			if i < 0 {
				t.Fatalf("not found among %+v", hits)
			}
			h := hits[i]
			if h.Field != r.field {
				t.Errorf("field %s, want %s", h.Field, r.field)
			}
			if r.quoted == "" {
				return
			}
			text := map[string]string{"texts[0].description": f.Texts[0].Description, "texts[0].changed": f.Texts[0].Changed, "texts[1].own.facebook": f.Texts[1].Own["facebook"]}[h.Field]
			if text[h.Start:h.End] != r.quoted || string([]rune(text)[h.RuneStart:h.RuneEnd]) != r.quoted {
				t.Errorf("at %q, want %q", text[h.Start:h.End], r.quoted)
			}
		})
	}
	f := flood(t, c)
	f.Texts[1].Own["sms"] = "words"
	a := made(t, f, c)
	hits := Lint(f, a, c, Failure{Channel: "sms", Reason: "161 of 160"}, Failure{Channel: "mastodon"})
	if n := len(hits); n < 2 || hits[n-2].Code != TooLong || hits[n-2].Field != "texts[0].own.sms" || hits[n-2].Effect != lint.EffectTick || hits[n-1].Field != "texts[0].description" {
		t.Errorf("channels that cannot carry it: %+v", hits)
	}
}

// What changed is said by the words that the lint, the pages and the channels read.
func TestAnUpdateSaysWhatChanged(t *testing.T) {
	c := desk(t)
	first := &alerts.Record{V: 1, ID: "R1", Event: "R1", Revision: 1, State: alerts.StateIssued, Change: alerts.ChangeIssued, Alert: made(t, flood(t, c), c)}
	c.Previous, c.Now = first, c.Now.Add(2*time.Hour)
	f := Of(first, c)
	_, ps := f.Alert(c)
	if !slices.ContainsFunc(ps.Errors(), func(p alerts.Problem) bool { return p.Field == "texts[0].changed" }) {
		t.Errorf("an update that does not say what changes: %v", ps)
	}
	f.Texts[0].Changed, f.Texts[1].Changed = "Più comuni", "Two villages join"
	a := made(t, f, c)
	if in := a.Info("it", ""); in.Changed() != "Più comuni." || !strings.HasPrefix(in.Description, "Più comuni.\nL'acqua") {
		t.Errorf("%q, %q", in.Changed(), in.Description)
	}
	for _, h := range Lint(f, a, c) {
		if h.Code == lint.NoChangeSaid {
			t.Error("the lint does not see what changed")
		}
	}
	f.Status = alerts.StatusActual
	if _, ps = f.Alert(c); !slices.ContainsFunc(ps.Errors(), func(p alerts.Problem) bool { return p.Field == "status" }) {
		t.Errorf("an exercise became real: %v", ps)
	}
}

func TestAnOfficialWarningIsReferenced(t *testing.T) {
	c := desk(t)
	c.Warning = &alerts.Alert{Sender: "dpc@example", Identifier: "W1", Sent: c.Now}
	f := flood(t, c)
	f.Warning = "dpc:W1"
	if refs := made(t, f, c).References; len(refs) != 1 || refs[0].Identifier != "W1" {
		t.Errorf("references %v", refs)
	}
}

func TestTheChecklist(t *testing.T) {
	c := desk(t)
	f := flood(t, c)
	f.Texts[1].Instruction, f.Codes, f.Until, c.Authority.Name = "", nil, "", ""
	a, _ := f.Alert(c)
	var got []string
	for _, i := range Check(f, a, c) {
		if !i.There {
			got = append(got, string(i.Element)+" "+i.Field)
		}
	}
	if s := strings.Join(got, "|"); s != "source texts[0].source|place codes|action texts[1].instruction|time until" {
		t.Errorf("missing: %s", s)
	}
	f = New(c)
	a, _ = f.Alert(c)
	if l := Check(f, a, c); len(l) != 5 || slices.ContainsFunc(l, func(i Item) bool { return i.There }) {
		t.Errorf("an empty form has %v", l)
	}
}

func TestDifferences(t *testing.T) {
	c := desk(t)
	before := flood(t, c)
	after := before.Clone()
	after.Severity, after.Until = alerts.SeverityExtreme, "domani 06:00"
	after.Texts[0].Headline = "Salite subito ai piani alti"
	after.Texts[0].Own["sms"] = "Salite"
	after.Texts = slices.Delete(after.Texts, 1, 2)
	changes := Diff(before, after)
	var fields []string
	for _, ch := range changes {
		fields = append(fields, ch.Field)
	}
	want := "severity until texts[0].headline texts[0].own.sms texts[1].event texts[1].headline texts[1].description texts[1].instruction texts[1].own.sms"
	if got := strings.Join(fields, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := changes[2].Words; !slices.Equal(got, []Piece{{Same, "Salite "}, {Added, "subito "}, {Same, "ai piani alti"}}) {
		t.Errorf("words %v", got)
	}
	if d := Diff(before, before.Clone()); len(d) > 0 {
		t.Errorf("nothing changed, and yet %v", d)
	}
	if before.Texts[0].Own["sms"] == "Salite" {
		t.Error("a copy shares the words of the channels")
	}
}

func FuzzWords(f *testing.F) {
	f.Add("Salite ai piani alti.", "Salite subito ai piani alti!")
	f.Add("", "è\xff")
	f.Add(strings.Repeat("a b ", 1500), strings.Repeat("b c ", 1500))
	f.Fuzz(func(t *testing.T, before, after string) {
		var was, is strings.Builder
		last := Kind("")
		for _, p := range Words(before, after) {
			if p.Text == "" || p.Kind == last {
				t.Fatalf("a piece that is none, or two that are one: %q", p)
			}
			last = p.Kind
			if p.Kind != Added {
				was.WriteString(p.Text)
			}
			if p.Kind != Removed {
				is.WriteString(p.Text)
			}
		}
		if was.String() != before || is.String() != after {
			t.Fatalf("%q and %q join to %q and %q", before, after, was.String(), is.String())
		}
	})
}

func TestPlacesAsPeopleWriteThem(t *testing.T) {
	c := desk(t)
	codes, unknown := Find(c.Areas, "valdemo, 999003\nVALDEMO; Zona=IT-45 , ponte, \n, Atlantide")
	if got := valuesOf(codes); got != "ISTAT=999001, ISTAT=999003, Zona=IT-45" {
		t.Errorf("codes %s", got)
	}
	if !slices.Equal(unknown, []string{"ponte", "Atlantide"}) {
		t.Errorf("unknown %q", unknown)
	}
	if got := c.Areas.Search("lung", 5); len(got) != 1 || got[0].Name != "Pontelungo" {
		t.Errorf("found %v", got)
	}
	if codes, unknown := Find(Named(nil), "Valdemo"); len(codes) > 0 || len(unknown) != 1 {
		t.Errorf("no gazetteer knows %v", codes)
	}
	if codes, unknown := Find(nil, "Valdemo"); len(codes) > 0 || len(unknown) != 1 {
		t.Errorf("no gazetteer knows %v", codes)
	}
}

func FuzzForm(f *testing.F) {
	c := desk(f)
	first := flood(f, c)
	first.Shapes = []Shape{{Circle: &alerts.Circle{Centre: alerts.Point{Lat: 44, Lon: 10}, Radius: 2}}, {Polygon: alerts.Polygon{{Lat: 44, Lon: 10}, {Lat: 44, Lon: 11}, {Lat: 45, Lon: 10}}}}
	b, err := json.Marshal(first)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"texts":[{"own":{"sms":"x"}},{}],"until":"+6 h","codes":[{}],"shapes":[{}],"template":"flood","values":{"place":"{x}"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var form Form
		if json.Unmarshal(b, &form) != nil {
			return
		}
		filled := Fill(shipped(t, "flood"), form, c)
		for _, one := range []Form{form, filled} {
			a, ps := one.Alert(c)
			if ps.Err() == nil && len(a.Problems())+len(a.Obstacles(c.Now)) > 0 {
				t.Fatalf("the form is right and its alert is not: %v %v", a.Problems(), a.Obstacles(c.Now))
			}
			for _, h := range Lint(one, a, c, Failure{Channel: "sms"}) {
				if strings.HasPrefix(h.Field, "info[") || strings.ContainsFunc(h.Field, unicode.IsControl) {
					t.Fatalf("a field of the alert, not of the form: %q", h.Field)
				}
			}
			Check(one, a, c)
			if ps.Err() == nil {
				r := &alerts.Record{V: 1, ID: "R1", State: alerts.StateReturned, Alert: a}
				c := c
				c.Earlier = r
				back := Of(r, c)
				if b, ps := back.Alert(c); ps.Err() != nil || said(a) != said(b) {
					t.Fatalf("%v\n%s\n%s", ps, said(a), said(b))
				}
			}
		}
		Diff(form, filled)
		again, err := json.Marshal(form)
		var back Form
		if err != nil || json.Unmarshal(again, &back) != nil {
			t.Fatalf("not written again: %v", err)
		}
	})
}
