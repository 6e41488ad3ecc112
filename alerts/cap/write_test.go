package cap

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// parse reads a message that must be readable.
func parse(t testing.TB, b []byte) *Document {
	t.Helper()
	doc, err := Parse(b, Submit)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// valdemo is an alert that uses every field.
func valdemo(t testing.TB) *alerts.Alert {
	t.Helper()
	doc := parse(t, fixture(t, "valdemo.xml"))
	if !doc.Strict() {
		t.Fatal(doc.Problems, doc.Schema)
	}
	return doc.Alert
}

func write(t testing.TB, a *alerts.Alert) []byte {
	t.Helper()
	b, err := Write(a)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheCanonicalFormIsTheFixture(t *testing.T) {
	want := strings.ReplaceAll(string(fixture(t, "valdemo.xml")), "&apos;", "'")
	if got := string(write(t, valdemo(t))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestTheFixtureUsesEveryField keeps the fixture complete when the model grows.
func TestTheFixtureUsesEveryField(t *testing.T) {
	var look func(v reflect.Value, at string)
	look = func(v reflect.Value, at string) {
		if v.IsZero() && at != "Restriction" {
			t.Errorf("%s is not in testdata/valdemo.xml", at)
			return
		}
		if v.Kind() == reflect.Slice && v.Len() > 0 {
			v = v.Index(0)
		}
		if v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]() && v.Type() != reflect.TypeFor[alerts.Point]() {
			for i := range v.NumField() {
				look(v.Field(i), strings.TrimPrefix(at+"."+v.Type().Field(i).Name, "."))
			}
		}
	}
	look(reflect.ValueOf(*valdemo(t)), "")
}

func TestWritingIsStrict(t *testing.T) {
	for name, c := range map[string]struct {
		change     func(a *alerts.Alert)
		want, none string
	}{
		"UTC is written as -00:00, never Z": {func(a *alerts.Alert) { a.Sent = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC) },
			"<sent>2026-01-02T03:04:05-00:00</sent>", "05Z"},
		"an absent language is written as en-US": {func(a *alerts.Alert) { a.Infos[0].Language = "" }, "<language>en-US</language>", "it-IT"},
		"an open ring is closed": {func(a *alerts.Alert) {
			a.Infos[0].Areas[0].Polygons = []alerts.Polygon{{{Lat: 1, Lon: 2}, {Lat: 3, Lon: 4}, {Lat: 5, Lon: 7}}}
		}, "<polygon>1,2 3,4 5,7 1,2</polygon>", ""},
		"values with spaces are quoted": {func(a *alerts.Alert) { a.Incidents = []string{"a b", "", `c"d`, `e "f`} },
			`<incidents>"a b" c"d "e 'f"</incidents>`, ""},
		"several references are separated by spaces": {func(a *alerts.Alert) { a.References = append(a.References, a.References[0]) },
			"17:00:00+01:00 protezione", ""},
		"markup in a text is escaped":            {func(a *alerts.Alert) { a.Infos[0].Headline = "]]><b>" }, "]]&gt;&lt;b&gt;", "<b>"},
		"line ends are those of XML":             {func(a *alerts.Alert) { a.Note = " a\r\nb\rc\n" }, "<note>a\nb\nc</note>", "\r"},
		"a response type that CAP lacks is left": {func(a *alerts.Alert) { a.Infos[0].ResponseTypes[0] = "Run" }, "Monitor", "Run"},
	} {
		t.Run(name, func(t *testing.T) {
			a := valdemo(t)
			c.change(a)
			got := string(write(t, a))
			if !strings.Contains(got, c.want) {
				t.Errorf("%q is not in\n%s", c.want, got)
			}
			if c.none != "" && strings.Contains(got, c.none) {
				t.Errorf("%q is in\n%s", c.none, got)
			}
		})
	}
}

func TestWritingRefusesWhatNoReaderWouldTake(t *testing.T) {
	a := valdemo(t)
	a.Status = ""
	if _, err := Write(a); err == nil || !strings.Contains(err.Error(), "status") {
		t.Errorf("no status: got %v", err)
	}
	a = valdemo(t)
	a.Infos[0].Headline = "bell \a"
	if _, err := Write(a); err == nil {
		t.Error("a control character was written")
	}
}

func TestTheSourcesLanguageIsWritten(t *testing.T) {
	a := valdemo(t)
	a.Infos[0].Language = ""
	b, err := Writer{DefaultLanguage: "it-IT"}.Write(a)
	if err != nil {
		t.Fatal(err)
	}
	if doc := parse(t, b); doc.Alert.Infos[0].Language != "it-IT" {
		t.Errorf("got %q", doc.Alert.Infos[0].Language)
	}
}

func TestTheDigestIsOfTheContent(t *testing.T) {
	a := valdemo(t)
	digest := Digest(a)
	if len(digest) != 64 {
		t.Fatalf("got %q", digest)
	}
	form, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := ParseJSON(form, Submit)
	if err != nil || len(doc.Problems) > 0 {
		t.Fatal(err, doc.Problems)
	}
	if got := Digest(doc.Alert); got != digest {
		t.Errorf("JSON has another digest than XML")
	}
	later := a.Clone()
	later.Sent = later.Sent.Add(time.Hour)
	if Digest(later) == digest {
		t.Error("sent is not in the digest")
	}
	if DigestOwn(later) != DigestOwn(a) || DigestOwn(a) == digest {
		t.Error("sent is in the digest of our own")
	}
	if a.Sent.IsZero() {
		t.Error("the digest changed the alert")
	}
	other := a.Clone()
	other.Infos[1].Areas[0].Geocodes[0].Value = "099998"
	if Digest(other) == digest {
		t.Error("another area has the same digest")
	}
}

// asWritten is what reading gives of an alert after it was written: the default
// language is there, rings are closed, dateless references are gone.
func asWritten(a *alerts.Alert) *alerts.Alert {
	c := a.Clone()
	c.References = keep(c.References, func(_ int, r alerts.Reference) bool { return !r.Sent.IsZero() })
	for i := range c.Infos {
		if c.Infos[i].Language == "" {
			c.Infos[i].Language = "en-US"
		}
		for j := range c.Infos[i].Areas {
			for k, ring := range c.Infos[i].Areas[j].Polygons {
				c.Infos[i].Areas[j].Polygons[k] = closed(ring)
			}
		}
	}
	return c
}

// storable checks that the alert is the same after it was stored and loaded: a
// stored one that cannot be loaded would stand in the way of all others.
func storable(t *testing.T, a *alerts.Alert) {
	t.Helper()
	form, err := json.Marshal(a)
	if err != nil {
		t.Fatalf("cannot be stored: %v", err)
	}
	loaded := new(alerts.Alert)
	if err := json.Unmarshal(form, loaded); err != nil {
		t.Fatalf("is stored and never loaded again: %v\n%s", err, form)
	}
	if got, err := json.Marshal(loaded); err != nil || !bytes.Equal(got, form) {
		t.Errorf("loaded otherwise than stored (%v):\n%s\n%s", err, got, form)
	}
	same := func(x, y alerts.Reference) bool {
		return x.Sender == y.Sender && x.Identifier == y.Identifier && x.Sent.Equal(y.Sent)
	}
	if !slices.EqualFunc(loaded.References, a.References, same) {
		t.Errorf("the references are %q, want %q", loaded.References, a.References)
	}
}

// roundTrip checks that what was read can be stored, and that what was read
// without errors is written and read as the same alert, in XML and in JSON.
func roundTrip(t *testing.T, doc *Document) {
	t.Helper()
	storable(t, doc.Alert)
	if !doc.Valid() {
		return
	}
	b := write(t, doc.Alert)
	wide := National // escapes may make it longer than it was
	again, err := Parse(b, wide)
	if err != nil || !again.Valid() {
		t.Fatalf("what was written is not read: %v\n%v\n%s", err, again, b)
	}
	if len(doc.Problems) == 0 && len(again.Problems) > 0 && again.Version == doc.Version {
		t.Errorf("writing made problems: %v\n%s", again.Problems, b)
	}
	if len(again.Schema) > 0 {
		t.Errorf("written out of order: %v", again.Schema)
	}
	got, _ := json.Marshal(again.Alert)
	want, _ := json.Marshal(asWritten(doc.Alert))
	if !bytes.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if b2 := write(t, again.Alert); !bytes.Equal(b, b2) {
		t.Errorf("the canonical form is not stable:\n%s\n%s", b, b2)
	}
	form, err := json.Marshal(doc.Alert)
	if err != nil {
		t.Fatal(err)
	}
	fromJSON, err := ParseJSON(form, wide)
	if err != nil || !fromJSON.Valid() {
		t.Fatalf("the JSON form is not read: %v\n%v\n%s", err, fromJSON, form)
	}
	if Digest(fromJSON.Alert) != Digest(doc.Alert) {
		t.Errorf("JSON has another digest:\n%s\n%s", write(t, fromJSON.Alert), b)
	}
}

func TestEveryExampleIsWrittenAndReadTheSame(t *testing.T) {
	for file := range examples(t, "valid", "invalid") {
		t.Run(file, func(t *testing.T) {
			if doc, err := Parse(exampleBytes(t, file), Submit); err == nil {
				roundTrip(t, doc)
			}
		})
	}
}

func TestWhatIsWrittenObeysTheSchema(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skip("xmllint (Debian: libxml2-utils) is not installed")
	}
	schema := filepath.Join(shared(t, "cap"), "schema", "CAP-v1.2.xsd")
	dir := t.TempDir()
	args := []string{"--noout", "--nonet", "--schema", schema}
	add := func(name string, a *alerts.Alert) {
		path := filepath.Join(dir, strings.ReplaceAll(name, "/", "_")+".xml")
		if err := os.WriteFile(path, write(t, a), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	add("valdemo", valdemo(t))
	for file := range examples(t, "valid", "invalid") {
		if doc, err := Parse(exampleBytes(t, file), Submit); err == nil && doc.Valid() {
			add(file, doc.Alert)
		}
	}
	if len(args) < 50 {
		t.Fatalf("only %d files", len(args))
	}
	if out, err := exec.CommandContext(t.Context(), "xmllint", args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
