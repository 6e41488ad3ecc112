package dashboards

import (
	"encoding/json"
	"errors"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/alerts/areas"
)

// painted draws the words that it was asked for.
type painted struct{ fail error }

func (d painted) Card(r *alerts.Record, language string) ([]byte, error) {
	return []byte("\x89PNG " + string(r.ID) + " " + language), d.fail
}

func announced(t *testing.T, body string) map[string]any {
	t.Helper()
	found := regexp.MustCompile(`(?s)<script type="application/ld\+json">(.*?)</script>`).FindStringSubmatch(body)
	if found == nil {
		t.Fatal("no announcement")
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(found[1]), &v); err != nil {
		t.Fatalf("%v: %s", err, found[1])
	}
	return v
}

func TestAnAlertCanBePassedOnCheckedAndPrinted(t *testing.T) {
	g := open(t, valdemo, func(c *Config) { c.Cards = painted{} })
	id := alerts.ID(g.issue(message("passed", "severity", "Extreme", "headline", `Acqua &amp; fango: "su"`))["id"].(string))
	page := g.get("/a/" + string(id) + "?lang=it").body
	at := "https://allerta.valdemo.example/a/" + string(id)
	for _, want := range []string{
		`href="sms:?body=` + strings.ReplaceAll(url.PathEscape(`Avviso - pericolo estremo: Acqua & fango: "su" `+at), "&", "&amp;") + `"`,
		`<strong class="code">` + alerts.CodeOf(id) + `</strong>`, `href="/verify?code=` + alerts.CodeOf(id) + `&amp;lang=it"`,
		`property="og:image" content="` + at + `/card.png?lang=it"`, `property="og:url" content="` + at + `"`, `property="og:locale" content="it"`,
		`property="og:title" content="Avviso - pericolo estremo: Acqua &amp; fango: &#34;su&#34;"`, `name="twitter:card"`,
		`href="/a/` + string(id) + `/sheet?lang=it"`, `href="/a/` + string(id) + `/card.png?lang=it"`, `aria-label="Codice QR`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Error("a link was taken away")
	}
	if v := announced(t, page); v["@type"] != "SpecialAnnouncement" || v["url"] != at || v["inLanguage"] != "it" || v["name"] != `Avviso - pericolo estremo: Acqua & fango: "su"` {
		t.Errorf("announced %v", v)
	}
	sheet := html.UnescapeString(g.get("/a/" + string(id) + "/sheet?lang=it").body)
	for _, want := range []string{`Acqua & fango: "su"`, "Salite ai piani alti", "Sindaca di Valdemo", "Copia del ", at, `aria-label="Codice QR`, `class="map"`, alerts.CodeOf(id)} {
		if !strings.Contains(sheet, want) {
			t.Errorf("the sheet has no %s", want)
		}
	}
}

func TestThePictureOfAnAlert(t *testing.T) {
	g := open(t, func(c *Config) { c.Cards = painted{} })
	id := g.issue(message("pictured"))["id"].(string)
	secret := strings.Replace(message("hidden"), "<scope>Public</scope>", "<scope>Restricted</scope><restriction>personale</restriction>", 1)
	hidden := g.issue(secret)["id"].(string)
	r := g.get("/a/" + id + "/card.png?lang=sl")
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != "image/png" || !strings.HasPrefix(r.body, "\x89PNG "+id+" it") {
		t.Fatalf("%d %s %q", r.StatusCode, r.Header.Get("Content-Type"), r.body)
	}
	if again := g.get("/a/"+id+"/card.png", "If-None-Match", r.Header.Get("ETag")); again.StatusCode != 304 || again.body != "" {
		t.Errorf("again: %d %q", again.StatusCode, again.body)
	}
	for _, path := range []string{"/a/" + hidden + "/card.png", "/a/" + hidden + "/sheet", "/a/nothing/card.png", "/a/nothing/sheet", "/a/01ARZ3NDEKTSV4RRFFQ69G5FAV/card.png"} {
		if r := g.get(path); r.StatusCode != 404 {
			t.Errorf("%s: %d, want 404", path, r.StatusCode)
		}
	}
	none := open(t)
	id = none.issue(message("unpictured"))["id"].(string)
	if r := none.get("/a/" + id + "/card.png"); r.StatusCode != 404 {
		t.Errorf("without a painter: %d", r.StatusCode)
	}
	if body := none.get("/a/" + id).body; strings.Contains(body, "og:image") || strings.Contains(body, "card.png") {
		t.Error("the page leads to a picture that is not there")
	}
	broken := open(t, func(c *Config) { c.Cards = painted{errors.New("no letters")} })
	id = broken.issue(message("broken"))["id"].(string)
	if r := broken.get("/a/" + id + "/card.png"); r.StatusCode != 500 || strings.Contains(r.body, "no letters") {
		t.Errorf("a drawing that fails: %d %q", r.StatusCode, r.body)
	}
}

func FuzzAnnouncement(f *testing.F) {
	for _, s := range []string{"</script><script>alert(1)</script>", "<!--<script>", "]]>\u2028\x00", `"'\`} {
		f.Add(s)
	}
	g := open(f)
	l := g.server.pages.locales.all["it"]
	f.Fuzz(func(t *testing.T, text string) {
		made, err := g.server.pages.render(l, view{name: "text", graph: &graph{Title: text, Description: text, Announcement: announcement{Name: text}}, content: textPage{}}, frame{Lang: "it", Graph: &graph{Title: text, Description: text, Announcement: announcement{Name: text}}, Content: textPage{}}, false)
		if err != nil {
			t.Fatal(err)
		}
		body := string(made.body.plain)
		if n := strings.Count(body, "<script"); n != 1 {
			t.Errorf("%d scripts: %s", n, body)
		}
		announced(t, body)
	})
}

func TestTheSheetInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g := open(t, valdemo, func(c *Config) { c.Cards = painted{} })
	id := g.issue(message("sheet", "severity", "Extreme"))["id"].(string)
	b.open(g.URL + "/")
	b.looks(g.URL, map[string]string{"home": "/?lang=it", "alert": "/a/" + id + "?lang=it", "sheet": "/a/" + id + "/sheet?lang=it"})
	b.quiet()
	b.open(g.URL + "/a/" + id + "/sheet?lang=it")
	b.printed("sheet")
	b.onPaper("sheet-grey", true)

	where := ""
	for _, a := range areas.Valdemo().All() {
		where += "<area><areaDesc>" + a.Name + "</areaDesc><geocode><valueName>" + a.Code.Name + "</valueName><value>" + a.Code.Value + "</value></geocode></area>"
	}
	xml := message("many", append(arabic(), "</info>", where+"</info>")...)
	from, to := strings.Index(xml, "<info>"), strings.Index(xml, "</info>")+7
	for _, tag := range []string{"it-IT", "en", "de", "sl", "fr"} {
		own := message("many", "severity", "Extreme", "language", tag, "</info>", where+"</info>")
		xml = xml[:to] + own[strings.Index(own, "<info>"):strings.Index(own, "</info>")+7] + xml[to:]
	}
	arabicAlone := xml[:from] + xml[from:to] + "</alert>"
	many := g.issue(xml)["id"].(string)
	alone := g.issue(strings.Replace(arabicAlone, ">many<", ">arabic<", 1))["id"].(string)
	for _, lang := range pageLanguages {
		b.open(g.URL + "/a/" + many + "/sheet?lang=" + lang)
		b.printed("sheet-many-" + lang)
	}
	b.onPaper("sheet-many", false)
	b.open(g.URL + "/a/" + alone + "/sheet?lang=it")
	b.printed("sheet-arabic")
	b.onPaper("sheet-arabic", true)
}
