package dashboards

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"flag"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
	"github.com/mmcdole/gofeed"
	"github.com/oklog/ulid/v2"
	"golang.org/x/net/html"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/alerts/cap"
	"martinella/broadcast"
)

var renewFeeds = flag.Bool("renew-feeds", false, "write the golden files of the feeds anew")

// fixedFeed is a feed of invented events at a fixed time.
func fixedFeed(t testing.TB, s *Server, path string, change ...func(*alerts.Alert)) *feed {
	t.Helper()
	now := time.Date(2026, 11, 21, 16, 42, 0, 0, time.UTC)
	records := []*alerts.Record{}
	for n, m := range []struct {
		severity alerts.Severity
		status   alerts.Status
		change   alerts.Change
		revision int
		headline string
		onset    time.Duration
	}{
		{alerts.SeverityExtreme, alerts.StatusActual, alerts.ChangeIssued, 1, "Salite ai piani alti subito", 0},
		{alerts.SeverityMinor, alerts.StatusActual, alerts.ChangeUpdated, 2, "Lavori all'acquedotto; acqua torbida, bollitela", 40 * time.Hour},
		{alerts.SeveritySevere, alerts.StatusExercise, alerts.ChangeIssued, 1, "Prova di evacuazione della scuola", 20 * time.Hour},
		{alerts.SeverityModerate, alerts.StatusActual, alerts.ChangeCancelled, 2, "Strada chiusa", 0},
		{alerts.SeveritySevere, alerts.StatusActual, alerts.ChangeEnded, 3, "Incendio: chiudete le finestre", 0},
	} {
		at := now.Add(-time.Duration(n+1) * time.Hour)
		a := &alerts.Alert{Identifier: "oro-" + itoa(n), Sender: "protezione.civile@comune.valdemo.example", Sent: at, Status: m.status, MsgType: "Alert", Scope: "Public",
			Infos: []alerts.Info{{Language: "it-IT", Categories: []alerts.Category{"Met"}, Event: "Evento " + itoa(n), Urgency: "Immediate", Severity: m.severity, Certainty: "Likely",
				Expires: now.Add(m.onset + 6*time.Hour), SenderName: "Sindaca di Valdemo", Headline: m.headline, Description: "Prima riga, con virgola.\nSeconda riga: <b>più</b> acqua & fango.", Instruction: "1. Salite.\n2. Aspettate.",
				Areas: []alerts.Area{{Description: "Borgo Basso", Geocodes: []alerts.Value{{Name: "ISTAT", Value: "099001"}}}}}}}
		if m.onset > 0 {
			a.Infos[0].Onset = now.Add(m.onset)
		}
		for _, f := range change {
			f(a)
		}
		id := alerts.ID(ulid.MustNew(ulid.Timestamp(at), strings.NewReader(strings.Repeat("0", 10))).String())
		records = append(records, &alerts.Record{ID: id, Event: id, Revision: m.revision, State: alerts.StateIssued, Change: m.change, Alert: a, Published: at, Own: true})
	}
	l := s.pages.locales.all["it"]
	f := &feed{l: l, now: now, path: path, title: s.Authority.Name}
	for _, r := range records {
		f.items = append(f.items, s.feedItem(l, happening{r, standing(r, now)}, now, nil))
	}
	sortNewest(f.items)
	f.updated = f.items[0].Updated
	return f
}

func TestFeedsAreAsTheyWere(t *testing.T) {
	g := open(t)
	for _, form := range feedForms() {
		got := form.print(g.server, fixedFeed(t, g.server, form.path))
		if sheet, err := g.server.pages.assets.url("feeds.css"); err == nil {
			got = []byte(strings.ReplaceAll(string(got), sheet, "/static/feeds.css"))
		}
		file := filepath.Join("testdata", "feeds", strings.TrimPrefix(form.path, "/"))
		if *renewFeeds {
			if err := os.WriteFile(file, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not as %s has it (go test -run TestFeedsAreAsTheyWere -renew-feeds, then look at what changed):\n%s", form.path, file, got)
		}
	}
}

func TestCalendarIsReadByAForeignReader(t *testing.T) {
	g := open(t)
	f := fixedFeed(t, g.server, "/calendar.ics")
	cal, err := ics.ParseCalendar(strings.NewReader(string(g.server.printCalendar(f))))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ sequence, status, from, to, title string }{
		{"0", "CONFIRMED", "20261121T154200Z", "20261121T224200Z", "Avviso - pericolo estremo: Salite ai piani alti subito"},
		{"1", "CONFIRMED", "20261123T084200Z", "20261123T144200Z", "Avviso - pericolo lieve: Lavori all'acquedotto; acqua torbida, bollitela"},
		{"0", "CONFIRMED", "20261122T124200Z", "20261122T184200Z", "ESERCITAZIONE - Avviso - pericolo grave: Prova di evacuazione della scuola"},
		{"1", "CANCELLED", "20261121T124200Z", "20261121T224200Z", "Annullata (inviata per errore): Evento 3"},
		{"2", "CONFIRMED", "20261121T114200Z", "", "Cessato allarme: Evento 4"}, // over in the moment in which it began
	}
	if len(cal.Events()) != len(want) {
		t.Fatalf("%d events", len(cal.Events()))
	}
	for n, e := range cal.Events() {
		value := func(p ics.ComponentProperty) string {
			if got := e.GetProperty(p); got != nil {
				return got.Value
			}
			return ""
		}
		w := want[n]
		if id := string(f.items[n].Record.Event) + "@allerta.valdemo.example"; e.Id() != id {
			t.Errorf("UID %s, want %s", e.Id(), id)
		}
		for property, want := range map[ics.ComponentProperty]string{ics.ComponentPropertySequence: w.sequence, ics.ComponentPropertyStatus: w.status,
			ics.ComponentPropertyDtStart: w.from, ics.ComponentPropertyDtEnd: w.to, ics.ComponentPropertySummary: w.title} {
			if got := value(property); got != want {
				t.Errorf("%s of event %d is %q, want %q", property, n, got, want)
			}
		}
	}
}

func TestAFeedOfAnArea(t *testing.T) {
	g := open(t, func(c *Config) { c.Areas = areas.Valdemo() })
	var here, far areas.Area
	for _, a := range g.server.Areas.All() {
		for _, b := range g.server.Areas.All() {
			if a.Code != b.Code && len(a.Rings()) > 0 && len(b.Rings()) > 0 && !g.server.Areas.Intersects(a.Code.Value, b.Code.Value) {
				here, far = a, b
			}
		}
	}
	if here.Name == "" {
		t.Fatal("Valdemo has no two areas apart")
	}
	area := func(a areas.Area) string {
		return "<area><areaDesc>" + a.Name + "</areaDesc><geocode><valueName>" + a.Code.Name + "</valueName><value>" + a.Code.Value + "</value></geocode></area>"
	}
	put := func(identifier, inside string, pairs ...string) map[string]any {
		m := message(identifier, pairs...)
		from, to := strings.Index(m, "<area>"), strings.Index(m, "</area>")+len("</area>")
		return g.issue(m[:from] + inside + m[to:])
	}
	put("here", area(here), "headline", "Qui", "severity", "Severe")
	put("far", area(far), "headline", "Altrove", "severity", "Severe")
	ring := here.Rings()[0]
	put("drawn", "<area><areaDesc>disegnata</areaDesc><polygon>"+ring.String()+"</polygon></area>", "headline", "Disegnata")
	put("nowhere", "<area><areaDesc>ignota</areaDesc><geocode><valueName>X</valueName><value>no-such-zone</value></geocode></area>", "headline", "Ignota")
	g.settle()
	for _, form := range feedForms() {
		r := g.get(form.path + "?lang=it&area=" + here.Code.Value)
		if r.StatusCode != 200 || !strings.Contains(r.body, "Qui") || !strings.Contains(r.body, "Disegnata") || strings.Contains(r.body, "Altrove") {
			t.Errorf("%s of an area: %d %s", form.path, r.StatusCode, r.body)
		}
		if !strings.Contains(r.body, "Ignota") {
			t.Errorf("%s: what cannot be placed must be for everybody", form.path)
		}
		if form.path != "/calendar.ics" && !strings.Contains(r.body, "Protezione Civile di Valdemo – "+here.Name) {
			t.Errorf("%s does not name its area", form.path)
		}
		r = g.get(form.path + "?lang=it&level=severe&area=" + here.Code.Value)
		if !strings.Contains(r.body, "Qui") || strings.Contains(r.body, "Disegnata") {
			t.Errorf("%s of a level: %s", form.path, r.body)
		}
		r = g.get(form.path + "?area=no-such-place")
		if r.StatusCode != 404 || r.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(r.body, "known here, like area=") || r.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s of no area: %d %s", form.path, r.StatusCode, r.body)
		}
		if r := g.get(form.path + "?level=terrible"); r.StatusCode != 400 || !strings.Contains(r.body, "one of extreme") {
			t.Errorf("%s of no level: %d %s", form.path, r.StatusCode, r.body)
		}
	}
	g.server.filtered.mu.Lock()
	defer g.server.filtered.mu.Unlock()
	for at := range g.server.filtered.by {
		if strings.HasPrefix(at.id, "no-such-place") {
			t.Errorf("the shelf keeps %v", at)
		}
	}
}

func TestWhoWasWarnedReadsTheEnd(t *testing.T) {
	g := open(t)
	v := g.issue(message("went-down", "severity", "Severe"))
	g.issue(message("went-down-2", "severity", "Minor", "headline", "Il livello scende", "<scope>Public</scope>", "<scope>Public</scope><references>protezione.civile@comune.valdemo.example,went-down,"+sentIn(t, g, v)+"</references>", "<msgType>Alert</msgType>", "<msgType>Update</msgType>"))
	g.issue(message("small", "severity", "Minor", "headline", "Poca cosa"))
	r := g.get("/feed.json?level=severe&lang=it")
	if !strings.Contains(r.body, "Il livello scende") || strings.Contains(r.body, "Poca cosa") {
		t.Errorf("the feed of severe ones: %s", r.body)
	}
}

// sentIn is when an alert says that it was sent.
func sentIn(t *testing.T, g *gateway, v map[string]any) string {
	t.Helper()
	r := g.get("/cap/" + v["id"].(string) + ".xml")
	_, rest, _ := strings.Cut(r.body, "<sent>")
	sent, _, found := strings.Cut(rest, "</sent>")
	if !found {
		t.Fatalf("no sent in %s", r.body)
	}
	return sent
}

func TestAFeedThatDidNotChange(t *testing.T) {
	g := open(t)
	g.issue(message("same"))
	for _, form := range feedForms() {
		r := g.get(form.path, "Accept-Encoding", "gzip")
		if r.Header.Get("Content-Encoding") != "gzip" || r.Header.Get("Cache-Control") != "max-age=5, stale-while-revalidate=30" || r.Header.Get("Last-Modified") == "" {
			t.Errorf("%s: headers %v", form.path, r.Header)
		}
		for _, has := range [][]string{
			{"If-None-Match", r.Header.Get("ETag")}, {"If-Modified-Since", r.Header.Get("Last-Modified")},
			{"If-None-Match", r.Header.Get("ETag"), "If-Modified-Since", "Mon, 01 Jan 2001 00:00:00 GMT"},
		} {
			if got := g.get(form.path, has...); got.StatusCode != 304 || got.body != "" || got.Header.Get("ETag") == "" || got.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s with %v: %d", form.path, has, got.StatusCode)
			}
		}
		if got := g.get(form.path, "If-None-Match", `"other"`, "If-Modified-Since", r.Header.Get("Last-Modified")); got.StatusCode != 200 {
			t.Errorf("%s with another tag: %d", form.path, got.StatusCode)
		}
		if got := g.do("HEAD", form.path, ""); got.StatusCode != 200 || got.body != "" || got.Header.Get("Content-Length") == "0" {
			t.Errorf("HEAD %s: %d %v", form.path, got.StatusCode, got.Header)
		}
	}
	for accept, want := range map[string]string{
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": "application/xml; charset=utf-8", "*/*": "application/atom+xml; charset=utf-8", "": "application/atom+xml; charset=utf-8",
	} {
		if got := g.get("/feed.atom", "Accept", accept).Header.Get("Content-Type"); got != want {
			t.Errorf("Accept %q: %s, want %s", accept, got, want)
		}
	}
}

func TestTheIndexHoldsWhatAHubMayPassOn(t *testing.T) {
	g := open(t)
	v := g.issue(message("hub-1", "severity", "Severe"))
	g.issue(message("hub-2", "status", "Exercise", "headline", "Solo una prova"))
	id := v["id"].(string)
	for _, path := range []string{"/cap.atom", "/cap.rss"} {
		r := g.get(path, "Accept-Language", "it")
		parsed, err := gofeed.NewParser().ParseString(r.body)
		if err != nil || len(parsed.Items) != 1 {
			t.Fatalf("%s: %v, %v", path, err, parsed)
		}
		i := parsed.Items[0]
		if i.Link != "https://allerta.valdemo.example/cap/"+id+".xml" || i.GUID != "urn:ulid:"+id {
			t.Errorf("%s: link %s, id %s", path, i.Link, i.GUID)
		}
		if got := i.Extensions["cap"]["identifier"]; len(got) != 1 || got[0].Value != "hub-1" {
			t.Errorf("%s: identifier %v", path, got)
		}
		if strings.Contains(r.body, "Solo una prova") {
			t.Errorf("%s passes on an exercise", path)
		}
	}
	if r := g.get("/cap.atom"); !strings.Contains(r.body, `<link rel="alternate" type="application/cap+xml" href="https://allerta.valdemo.example/cap/`+id+`.xml"`) {
		t.Error("the entry's link is not the message")
	}
}

// everyCAPFile gives all that the gateway serves at /cap/, by file name.
func everyCAPFile(t *testing.T, change ...func(*Config)) map[string]string {
	t.Helper()
	g := open(t, change...)
	first := g.issue(message("cap-1"))
	g.act(alone, first["id"].(string), "all-clear", `{"digest":"`+first["digest"].(string)+`","text":"Si può uscire."}`)
	mistake := g.issue(message("cap-2", "severity", "Severe", "headline", `Prova &lt;b&gt; &amp; "virgolette" ]]&gt;`))
	g.act(alone, mistake["id"].(string), "cancel", `{"digest":"`+mistake["digest"].(string)+`","reason":"sent by mistake","text":"Inviata per errore."}`)
	g.issue(message("cap-3", "status", "Exercise"))
	v := g.issue(message("cap-4"))
	g.issue(message("cap-5", "<msgType>Alert</msgType>", "<msgType>Update</msgType>", "<scope>Public</scope>", "<scope>Public</scope><references>protezione.civile@comune.valdemo.example,cap-4,"+sentIn(t, g, v)+"</references>"))
	g.settle()
	files := map[string]string{}
	for _, r := range g.memory.records {
		if !broadcast.Public(r) || !r.State.Published() {
			continue
		}
		path := "/cap/" + string(r.ID) + ".xml"
		got := g.get(path)
		if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/cap+xml; charset=utf-8" || got.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Fatalf("%s: %d %v", path, got.StatusCode, got.Header)
		}
		files[r.Alert.Identifier+".xml"] = got.body
	}
	if len(files) < 7 {
		t.Fatalf("only %d files", len(files))
	}
	return files
}

func TestCAPFilesFollowTheSchema(t *testing.T) {
	for name, change := range map[string][]func(*Config){"plain": nil, "signed": {func(c *Config) { c.Signing = selfSigned(t) }}} {
		t.Run(name, func(t *testing.T) { followsTheSchema(t, everyCAPFile(t, change...)) })
	}
}

// selfSigned makes a key and a certificate.
func selfSigned(t *testing.T) *Signing {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Valdemo"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	b, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(b)
	if err != nil {
		t.Fatal(err)
	}
	return &Signing{key, certificate}
}

func TestCAPFilesCarryASignature(t *testing.T) {
	signing := selfSigned(t)
	files := everyCAPFile(t, func(c *Config) { c.Signing = signing })
	dir := t.TempDir()
	certificate := filepath.Join(dir, "certificate.pem")
	if err := os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signing.Certificate.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	tool, err := exec.LookPath("xmlsec1")
	if err != nil {
		t.Skip("SKIP: xmlsec1 (Debian: xmlsec1) is not installed: no foreign program looked at the signatures")
	}
	verify := func(text string) ([]byte, error) {
		file := filepath.Join(dir, "alert.xml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return exec.CommandContext(t.Context(), tool, "--verify", "--pubkey-cert-pem", certificate, file).CombinedOutput()
	}
	for name, text := range files {
		if out, err := verify(text); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if out, err := verify(strings.Replace(text, "<scope>Public", "<scope>Private", 1)); err == nil {
			t.Errorf("%s: a changed message verifies\n%s", name, out)
		}
	}
	c := open(t).server.Config
	c.Signing = &Signing{signing.Key, selfSigned(t).Certificate}
	if _, err := New(c); err == nil {
		t.Error("New took a key of another certificate")
	}
}

func followsTheSchema(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if d, err := cap.Parse([]byte(text), cap.Submit); err != nil || !d.Strict() {
			t.Errorf("%s: %v %v\n%s", name, err, d, text)
		}
	}
	schema := shared(t, "testdata/cap/schema")
	lint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("SKIP: xmllint (Debian: libxml2-utils) is not installed: the CAP files are not held against the schema")
	}
	names, _ := filepath.Glob(filepath.Join(schema, "*1.2*.xsd"))
	if len(names) == 0 {
		t.Skipf("SKIP: no schema of CAP 1.2 in %s", schema)
	}
	n := 0
	for name, text := range files {
		n++
		file := filepath.Join(t.TempDir(), itoa(n)+".xml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), lint, "--nonet", "--noout", "--schema", names[0], file).CombinedOutput(); err != nil {
			t.Errorf("%s: xmllint: %v\n%s", name, err, out)
		}
	}
}

// sameText reports whether a form kept the words of an item: what XML and HTML
// cannot hold may be replaced.
func sameText(got, want string) bool {
	clean := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF || r < ' ' {
				return -1
			}
			return r
		}, strings.Join(strings.Fields(s), " "))
	}
	return strings.Join(strings.Fields(clean(got)), " ") == strings.Join(strings.Fields(clean(want)), " ")
}

func FuzzFeeds(f *testing.F) {
	for _, s := range []string{`<&"'`, `]]>`, "a\x00\x07\x1bb", "\u202etxt.exe\u202c", "\u2066x\u2069\u200f", "<script>alert(1)</script>", "{{.}}", "à€𝄞" + strings.Repeat("è", 90), "\r\nDTSTART:19700101T000000Z", `\n;,\\`, "\xff\xfe", "\u2028\u2029\u0085", "&#0;&amp;", "BEGIN:VEVENT"} {
		f.Add(s, s, s)
	}
	g := open(f)
	l := g.server.pages.locales.all["it"]
	f.Fuzz(func(t *testing.T, headline, description, place string) {
		fd := fixedFeed(t, g.server, "/feed.atom", func(a *alerts.Alert) {
			in := &a.Infos[0]
			in.Headline, in.Description, in.Areas[0].Description, in.SenderName, in.Event, a.Sender = headline, description, place, place, headline, "s"
		})
		for _, form := range feedForms() {
			fd.path = form.path
			b := string(form.print(g.server, fd))
			if !utf8.ValidString(b) || strings.ContainsFunc(b, func(r rune) bool {
				return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r < ' ' && r != '\n' && r != '\r' && r != '\t'
			}) {
				t.Fatalf("%s holds what hides or turns around: %q", form.path, b)
			}
			want := fd.items
			if strings.HasPrefix(form.path, "/cap.") {
				want = fd.messages()
			}
			if form.media == mediaCalendar {
				readCalendar(t, b, fd.items)
				continue
			}
			if strings.HasSuffix(form.media, "xml") {
				for d := xml.NewDecoder(strings.NewReader(b)); ; {
					if _, err := d.Token(); err == io.EOF {
						break
					} else if err != nil {
						t.Fatalf("%s: %v in %q", form.path, err, b)
					}
				}
			} else if !json.Valid([]byte(b)) {
				t.Fatalf("%s: %q", form.path, b)
			}
			parsed, err := gofeed.NewParser().ParseString(b)
			if err != nil || len(parsed.Items) != len(want) {
				t.Fatalf("%s: %v, %d items, want %d: %q", form.path, err, len(parsed.Items), len(want), b)
			}
			for n, i := range want {
				if got := parsed.Items[n].Title; !strings.Contains(got, "<") && !strings.Contains(got, "&") && !sameText(got, i.Title) && !strings.ContainsAny(i.Title, "<&") {
					t.Errorf("%s: title %q, want %q", form.path, got, i.Title)
				}
				for _, s := range []string{parsed.Items[n].Description, parsed.Items[n].Content} {
					if tag := foreignTag(s, form.media == mediaRSS || s == parsed.Items[n].Content); tag != "" && form.media != mediaFeedJSON {
						t.Errorf("%s: the text brought <%s>: %q", form.path, tag, s)
					}
				}
			}
		}
		e, err := g.server.pages.execute(l, "embed", "embed.html", g.server.pages.embedOf(fd, true))
		if err != nil {
			t.Fatal(err)
		}
		for z := html.NewTokenizer(strings.NewReader(string(e.body.plain))); ; {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			if name, _ := z.TagName(); kind == html.StartTagToken && !strings.Contains(" html head meta title link script body main h1 a svg path span b p ", " "+string(name)+" ") {
				t.Errorf("the strip brought <%s>: %q", name, e.body.plain)
			}
		}
	})
}

// foreignTag finds an element that we do not write ourselves.
func foreignTag(s string, isHTML bool) string {
	if !isHTML {
		return ""
	}
	for z := html.NewTokenizer(strings.NewReader(s)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return ""
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		name, _ := z.TagName()
		if !strings.Contains(" div p b span a ", " "+string(name)+" ") {
			return string(name)
		}
	}
}

// readCalendar reads a calendar by hand: its lines fold between characters, its
// structure is ours, and its texts are those of the items.
func readCalendar(t *testing.T, b string, items []feedItem) {
	t.Helper()
	if !strings.HasSuffix(b, "\r\n") || strings.Contains(strings.ReplaceAll(b, "\r\n", ""), "\n") || strings.Contains(strings.ReplaceAll(b, "\r\n", ""), "\r") {
		t.Fatalf("line ends: %q", b)
	}
	for line := range strings.SplitSeq(b, "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) {
			t.Fatalf("a line of %d octets: %q", len(line), line)
		}
	}
	unfolded := strings.Split(strings.ReplaceAll(b, "\r\n ", ""), "\r\n")
	events, titles := 0, []string{}
	for _, line := range unfolded {
		name, value, _ := strings.Cut(line, ":")
		switch {
		case line == "BEGIN:VEVENT":
			events++
		case name == "SUMMARY":
			titles = append(titles, strings.NewReplacer(`\\`, `\`, `\;`, ";", `\,`, ",", `\n`, "\n").Replace(value))
		}
	}
	if events != len(items) || len(titles) != len(items) {
		t.Fatalf("%d events with %d titles, want %d: %q", events, len(titles), len(items), b)
	}
	for n, i := range items {
		if !sameText(titles[n], i.Title) {
			t.Errorf("title %q, want %q", titles[n], i.Title)
		}
	}
	cal, err := ics.ParseCalendar(strings.NewReader(b))
	if err != nil || len(cal.Events()) != len(items) {
		t.Fatalf("a foreign reader: %v: %q", err, b)
	}
}
