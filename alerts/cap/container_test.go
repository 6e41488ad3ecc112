package cap

import (
	"errors"
	"strings"
	"testing"
)

func readContainer(t testing.TB, b []byte) *Feed {
	t.Helper()
	f, err := ReadContainer(b, Container)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestEveryExampleFeedGivesItsAlerts(t *testing.T) {
	kinds := map[string]Kind{"feed": KindAtom, "EDXLDistribution": KindEDXL, "rss": KindRSS}
	alerts := 0
	for file, want := range examples(t, "feeds") {
		t.Run(file, func(t *testing.T) {
			f := readContainer(t, exampleBytes(t, file))
			if f.Kind != kinds[want.Root] {
				t.Errorf("got kind %s, want %s", f.Kind, want.Root)
			}
			got := 0
			for i, it := range f.Items {
				got += len(it.Alerts)
				for _, e := range it.Alerts {
					if e.Err != nil {
						t.Errorf("item %d: %v", i, e.Err)
						continue
					}
					t.Log(file, e.Document.Alert.Identifier, e.Document.Problems)
					if want.Nature == "real" && !e.Document.Valid() {
						t.Errorf("item %d of a real feed: %v", i, e.Document.Problems)
					}
					roundTrip(t, e.Document)
				}
			}
			if got != want.Embedded {
				t.Errorf("got %d alerts, want %d", got, want.Embedded)
			}
			alerts += got
			t.Log(f.Kind, f.ID, f.Title, f.Updated, len(f.Items), f.Problems)
			if strings.Contains(file, "-no_") {
				if len(f.Problems) == 0 {
					t.Error("what is missing in the feed is not named")
				}
			}
		})
	}
	if alerts < 15 {
		t.Errorf("only %d alerts", alerts)
	}
}

func TestEveryExampleIsItsOwnContainer(t *testing.T) {
	for file := range examples(t, "valid") {
		b := exampleBytes(t, file)
		f := readContainer(t, b)
		if f.Kind != KindAlert || len(f.Items) != 1 || len(f.Items[0].Alerts) != 1 {
			t.Fatalf("%s: got %+v", file, f)
		}
		if got := f.Items[0].Alerts[0]; got.Err != nil || Digest(got.Document.Alert) != Digest(parse(t, b).Alert) {
			t.Errorf("%s: another alert came out (%v)", file, got.Err)
		}
	}
}

const small = `<identifier>valdemo-1</identifier><sender>protezione.civile@valdemo.example</sender>` +
	`<sent>2026-11-21T18:30:00+01:00</sent><status>Test</status><msgType>Alert</msgType><scope>Public</scope>` +
	`<info><language>it-IT</language><category>Met</category><event>Prova</event><urgency>Unknown</urgency>` +
	`<severity>Minor</severity><certainty>Unknown</certainty><expires>2026-11-22T06:00:00+01:00</expires>` +
	`<area><areaDesc>Valdemo</areaDesc><geocode><valueName>ISTAT</valueName><value>099999</value></geocode></area></info>`

// smallAlert is a faultless alert of about 1 kB.
const smallAlert = `<?xml version="1.0" encoding="UTF-8"?><alert xmlns="` + namespace12 + `">` + small + `</alert>`

// prefixed puts a prefix before every name.
func prefixed(prefix, s string) string {
	return strings.NewReplacer("</", "</"+prefix+":", "<", "<"+prefix+":").Replace(s)
}

func TestContainers(t *testing.T) {
	entry := `<id>urn:valdemo:1</id><title>Prova</title><updated>2026-11-21T18:30:00+01:00</updated>`
	atom := func(attr, entries string) string {
		return `<feed xmlns="` + namespaceAtom + `"` + attr + `><id>urn:valdemo</id><title>Comune di Valdemo</title><updated>2026-11-21T18:30:00+01:00</updated>` + entries + `</feed>`
	}
	for name, c := range map[string]struct {
		xml              string
		kind             Kind
		items, alerts    int
		links            int
		problems, inside int // in the shape, in the alerts
	}{
		"an entry links to its alert": {
			atom("", `<entry>`+entry+`<link rel="related" type="application/cap+xml" href="https://valdemo.example/1.xml"/></entry>`), KindAtom, 1, 0, 1, 0, 0},
		"an entry holds its alert": {
			atom("", `<entry>`+entry+`<content type="text/xml"><alert xmlns="`+namespace12+`">`+small+`</alert></content></entry>`), KindAtom, 1, 1, 0, 0, 0},
		"the alert's prefix is declared on the feed": {
			atom(` xmlns:c="`+namespace12+`"`, `<entry>`+entry+`<content>`+prefixed("c", "<alert>"+small+"</alert>")+`</content></entry>`), KindAtom, 1, 1, 0, 0, 0},
		"fields flattened into the entry are no alert": {
			atom(` xmlns:c="`+namespace12+`"`, `<entry>`+entry+`<c:event>Prova</c:event><c:severity>Severe</c:severity></entry>`), KindAtom, 1, 0, 0, 1, 0},
		"an entry without id, title, date and link": {atom("", `<entry/>`), KindAtom, 1, 0, 0, 4, 0},
		"RSS with link and enclosure": {
			`<rss version="2.0"><channel><title>Valdemo</title><item><title>Prova</title><guid>1</guid><link>https://valdemo.example/1</link><enclosure url="https://valdemo.example/1.xml" type="application/cap+xml"/></item></channel></rss>`,
			KindRSS, 1, 0, 2, 0, 0},
		"RSS with an alert": {
			`<rss version="2.0"><channel><title>Valdemo</title><item><title>Prova</title><alert xmlns="` + namespace12 + `">` + small + `</alert></item><item><title>Seconda</title><link>https://valdemo.example/2</link></item></channel></rss>`,
			KindRSS, 2, 1, 1, 0, 0},
		"EDXL-DE": {
			`<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0"><distributionID>1</distributionID><dateTimeSent>2026-11-21T18:30:00-00:00</dateTimeSent><contentObject><contentDescription>Prova</contentDescription><xmlContent><embeddedXMLContent><alert xmlns="` + namespace12 + `">` + small + `</alert></embeddedXMLContent></xmlContent></contentObject></EDXLDistribution>`,
			KindEDXL, 1, 1, 0, 0, 0},
		"an alert beside the entries": {
			atom("", `<alert xmlns="`+namespace12+`">`+small+`</alert>`), KindAtom, 1, 1, 0, 1, 0},
		"a broken alert is told of, the others are read": {
			atom("", `<entry>`+entry+`<content><alert xmlns="`+namespace12+`"/></content></entry><entry>`+entry+`<content><alert xmlns="`+namespace12+`">`+small+`</alert></content></entry>`), KindAtom, 2, 2, 0, 0, 6},
		"an alert alone": {smallAlert, KindAlert, 1, 1, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := readContainer(t, []byte(c.xml))
			alerts, links, inside := 0, 0, 0
			for _, it := range f.Items {
				links += len(it.Links)
				alerts += len(it.Alerts)
				for _, e := range it.Alerts {
					if e.Err != nil {
						t.Fatal(e.Err)
					}
					inside += len(e.Document.Problems.Errors())
				}
			}
			if f.Kind != c.kind || len(f.Items) != c.items || alerts != c.alerts || links != c.links || len(f.Problems) != c.problems || inside != c.inside {
				t.Errorf("got %s, %d items, %d alerts, %d links, %d problems, %d inside, want %+v\n%v", f.Kind, len(f.Items), alerts, links, len(f.Problems), inside, c, f.Problems)
			}
			for _, p := range f.Problems {
				if p.Level != "warning" {
					t.Errorf("the shape of a feed refuses nothing: %+v", p)
				}
			}
		})
	}
}

func TestContainersAreBounded(t *testing.T) {
	if _, err := ReadContainer([]byte(`<html/>`), Container); !errors.Is(err, ErrUnknownContainer) {
		t.Errorf("a page: got %v", err)
	}
	if _, err := ReadContainer([]byte(`<!DOCTYPE feed><feed/>`), Container); !errors.Is(err, ErrUnsafe) {
		t.Errorf("a DOCTYPE: got %v", err)
	}
	wide := `<feed xmlns="` + namespaceAtom + `" xmlns:c="` + strings.Repeat("x", 2*maxInherited) + `"><alert xmlns="` + namespace12 + `">` + small + `</alert></feed>`
	f := readContainer(t, []byte(wide))
	if e := f.Items[0].Alerts[0]; !errors.Is(e.Err, ErrUnsafe) {
		t.Errorf("8 kB of namespaces around an alert: got %v", e.Err)
	}
	deep := `<feed xmlns="` + namespaceAtom + `"><alert xmlns="` + namespace12 + `">` + strings.Repeat("<a>", 17) + strings.Repeat("</a>", 17) + `</alert></feed>`
	f = readContainer(t, []byte(deep))
	if e := f.Items[0].Alerts[0]; !errors.Is(e.Err, ErrUnsafe) {
		t.Errorf("a deep alert in a feed: got %v", e.Err)
	}
}
