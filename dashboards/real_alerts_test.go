package dashboards

import (
	"encoding/json"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/broadcast"
)

// example is an alert and where it comes from.
type example struct {
	name  string
	alert *alerts.Alert
}

// realAlerts are the messages that authorities have sent, alone and out of feeds,
// as XML and as JSON: the examples beside the checkout that their manifest calls
// real.
func realAlerts(t *testing.T) (all []example) {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "testdata", "cap")
	list, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Skip("SKIP: the real messages are not beside the checkout")
	}
	var rows []struct{ File, Nature string }
	if err := json.Unmarshal(list, &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Nature != "real" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, row.File))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(row.File, "json/") {
			doc, err := cap.ParseJSON(b, cap.National)
			if err != nil {
				t.Fatalf("%s: %v", row.File, err)
			}
			all = append(all, example{row.File, doc.Alert})
			continue
		}
		f, err := cap.ReadContainer(b, cap.Container)
		if err != nil {
			t.Fatalf("%s: %v", row.File, err)
		}
		for _, it := range f.Items {
			for _, e := range it.Alerts {
				if e.Err != nil {
					t.Fatalf("%s: %v", row.File, e.Err)
				}
				all = append(all, example{row.File, e.Document.Alert})
			}
		}
	}
	return all
}

// awkwardAlerts are our own that strain a page the most.
func awkwardAlerts(t testing.TB) (all []example) {
	t.Helper()
	add := func(name string, change func(in *alerts.Info), pairs ...string) {
		doc, err := cap.Parse([]byte(message("awkward-"+name, pairs...)), cap.National)
		if err != nil || !doc.Valid() {
			t.Fatalf("%s: %v %v", name, err, doc)
		}
		if change != nil {
			change(&doc.Alert.Infos[0])
		}
		all = append(all, example{name, doc.Alert})
	}
	endless := strings.Repeat("Donaudampfschifffahrtsgesellschaft", 6)
	add("endless words", nil, "areaDesc", endless, "headline", endless, "event", endless, "senderName", endless, "description", endless, "instruction", endless)
	add("a web address", func(in *alerts.Info) {
		in.Contact, in.Web = "https://"+endless+".example/", "https://example.org/"+endless
	}, "description", "https://example.org/"+endless+"?"+endless)
	add("Arabic", nil, arabic()...)
	add("Hebrew", nil, "language", "he", "headline", "שיטפון: עלו לקומות העליונות", "areaDesc", "שכונת הנהר", "severity", "Severe")
	add("Thai without spaces", nil, "language", "th", "headline", strings.Repeat("น้ำท่วมฉับพลันรุนแรงมาก", 8), "areaDesc", strings.Repeat("กรุงเทพมหานคร", 6))
	add("many areas", func(in *alerts.Info) {
		for i := range 200 {
			p := alerts.Point{Lat: 40 + float64(i%20)/10, Lon: 10 + float64(i/20)/10}
			in.Areas = append(in.Areas, alerts.Area{Description: "Frazione " + itoa(i), Polygons: []alerts.Polygon{{p, {Lat: p.Lat, Lon: p.Lon + .09}, {Lat: p.Lat + .09, Lon: p.Lon}, p}}})
		}
	})
	add("a huge polygon", func(in *alerts.Info) {
		ring := make(alerts.Polygon, 0, 20001)
		for i := range 20000 {
			ring = append(ring, alerts.Point{Lat: 44 + float64(i%7)/50, Lon: 11 + float64(i)/20000})
		}
		in.Areas[0].Polygons = []alerts.Polygon{append(ring, ring[0])}
	}, "severity", "Extreme")
	return all
}

// arabic are the elements of a warning in Arabic, with the marks of direction
// that could turn a line around.
func arabic() []string {
	return []string{"language", "ar", "severity", "Extreme", "event", "فيضان", "headline", "فيضان \u202eقادم\u202c: اصعدوا إلى الطوابق العليا \u2067فوراً\u2069",
		"description", "يتجاوز نهر Rivo ضفتيه بين 18:30 و 20:00.", "instruction", "1. اصعدوا إلى الطوابق العليا.\n2. لا تستخدموا السيارة.", "areaDesc", "بورغو باسو (Borgo Basso)", "senderName", "الحماية المدنية"}
}

// put lays alerts into the store as issued, past every check of who may send,
// and gives their pages.
func (g *gateway) put(all []example) (paths []string) {
	g.t.Helper()
	g.memory.mu.Lock()
	defer g.memory.mu.Unlock()
	for _, one := range all {
		a := one.alert
		if ok, _ := alerts.MayLeave(a.Status, a.Scope, broadcast.PublicDoor); !ok { // it is about the page, not about who may see it
			a.Status, a.Scope = alerts.StatusActual, alerts.ScopePublic
		}
		id := alerts.ID(ulid.Make().String())
		r := &alerts.Record{V: 1, ID: id, Event: id, Revision: 1, State: alerts.StateIssued, Change: alerts.ChangeIssued, Alert: a, Via: "feed", Received: time.Now(), Published: time.Now()}
		if a.MsgType == alerts.MsgCancel {
			r.Change = alerts.ChangeCancelled
		}
		g.memory.records = append(g.memory.records, r)
		paths = append(paths, "/a/"+string(id))
	}
	return paths
}

var tags = regexp.MustCompile(`<[^>]*>`)

// Every message gives a page that tells where, in words and as a drawing.
func TestEveryRealAlertHasItsPage(t *testing.T) {
	g := open(t)
	all := append(realAlerts(t), awkwardAlerts(t)...)
	if len(all) < 50 {
		t.Errorf("only %d messages", len(all))
	}
	drawn, most := 0, 0
	for i, path := range g.put(all) {
		a := all[i].alert
		r := g.get(path + "?lang=it")
		if r.StatusCode != 200 || !strings.HasSuffix(strings.TrimSpace(r.body), "</html>") {
			t.Errorf("%s: %d", all[i].name, r.StatusCode)
			continue
		}
		text := tidy(html.UnescapeString(tags.ReplaceAllString(r.body, "")))
		infos, _ := g.server.wording(&alerts.Record{Alert: a}, "it")
		usable := false
		for _, in := range infos {
			most = max(most, len(in.Areas))
			if where := places(in.Areas); !strings.Contains(text, where) {
				t.Errorf("%s does not say where: %s", all[i].name, where)
			}
			for _, name := range placeNames(in.Areas) {
				if !strings.Contains(text, name) {
					t.Errorf("%s does not name %s", all[i].name, name)
				}
			}
			for j := range in.Areas {
				usable = usable || slices.ContainsFunc(rings(&in.Areas[j]), func(p alerts.Polygon) bool {
					return !slices.ContainsFunc(p, func(at alerts.Point) bool { return !at.Valid() })
				})
			}
		}
		svg := mapOf(t, r.body)
		switch {
		case usable && a.MsgType != alerts.MsgCancel && !strings.Contains(svg, `<path class="z `):
			t.Errorf("%s: its shapes are not drawn: %s", all[i].name, svg)
		case svg != "":
			drawn++
		}
	}
	t.Logf("%d messages, %d with a drawing, one with %d areas", len(all), drawn, most)
}

// narrow says how the pages of alerts overflow a small phone's 320 px.
func (b *browser) narrow(g *gateway, all []example) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": true}, nil)
	for i, path := range g.put(all) {
		b.open(g.URL + path + "?lang=it")
		if got := b.eval(`document.documentElement.scrollWidth`).(float64); got > 320 {
			b.t.Errorf("%s is %v px wide: %v", all[i].name, got, b.eval(`[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 321).slice(0, 3).map(e => e.outerHTML.slice(0, 120)).join('\n')`))
		}
		if b.eval(`!!document.querySelector('article.card h1')?.getBoundingClientRect().height`) != true {
			b.t.Errorf("%s: no heading is seen", all[i].name)
		}
	}
}

func TestEveryRealAlertFitsASmallPhoneInABrowser(t *testing.T) {
	onlyInE2E(t)
	all, b := realAlerts(t), openBrowser(t)
	began := time.Now()
	b.narrow(open(t), all)
	t.Logf("%d pages in %v", len(all), time.Since(began))
	b.quiet()
}

func TestAwkwardAlertsFitASmallPhone(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	b.narrow(open(t), awkwardAlerts(t))
	b.quiet()
}

// What is written from right to left stays so among our own words, and its marks
// cannot turn ours around.
func TestTextFromRightToLeft(t *testing.T) {
	g := open(t)
	id := g.issue(message("arabic", arabic()...))["id"].(string)
	for _, path := range []string{"/", "/a/" + id, "/a/" + id + "/sheet", "/feed.atom", "/feed.json"} {
		body := g.get(path + "?lang=it").body
		if strings.ContainsAny(body, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
			t.Errorf("%s keeps marks of direction", path)
		}
		if !strings.Contains(body, "اصعدوا") {
			t.Errorf("%s does not hold the text", path)
		}
		if strings.HasPrefix(path, "/feed") {
			continue
		}
		if !strings.Contains(body, `<span lang="ar" dir="auto">فيضان`) || strings.Contains(body, `<span lang="ar">`) {
			t.Errorf("%s leaves the direction open", path)
		}
		for _, want := range []string{`<h%s dir="rtl">`, `<p dir="rtl"><span lang="ar" dir="auto">`, `<ol class="acts" dir="rtl">`} {
			if n := map[bool]string{true: "2", false: "1"}[path == "/"]; !strings.Contains(body, strings.Replace(want, "%s", n, 1)) {
				t.Errorf("%s has no %s", path, want)
			}
		}
		if !strings.Contains(mapOf(t, body), `lang="ar" direction="rtl">`) {
			t.Errorf("%s turns the name on the map around", path)
		}
		if strings.Contains(body, `<html lang="it" dir`) || !strings.Contains(body, `<p class="h3">Cosa fare`) {
			t.Errorf("%s turns our own words around", path)
		}
	}
	if body := g.get("/embed?lang=it").body; !strings.Contains(body, `</b> <i dir="rtl"><span lang="ar"`) {
		t.Errorf("the strip leaves the text on the left: %s", body)
	}
}

// A long list of places stands whole on the page and on paper, and short where
// there are many alerts.
func TestEveryAreaIsNamed(t *testing.T) {
	g := open(t)
	where := ""
	for n := range 30 {
		where += "<area><areaDesc>Frazione " + itoa(n+1) + "</areaDesc></area>"
	}
	id := g.issue(message("many-areas", "severity", "Extreme", "</info>", where+"</info>"))["id"].(string)
	p := g.page("/a/" + id)
	p.says("article summary", "Tutte le zone (31)")
	if n := len(p.all("article details li")); n != 31 {
		t.Errorf("%d areas in the list", n)
	}
	p.says("article dd", "Frazione 11, +19")
	g.page("/a/"+id+"/sheet").says("dd", "Frazione 29, Frazione 30")
	home := g.page("/")
	home.says("dd", "+19")
	home.never("main", "Frazione 12")
	few := g.issue(message("few-areas"))["id"].(string)
	g.page("/a/"+few).never("article", "Tutte le zone")
}

func TestArabicInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g := open(t, valdemo)
	id := g.issue(message("arabic", arabic()...))["id"].(string)
	b.looks(g.URL, map[string]string{"arabic-alert": "/a/" + id + "?lang=it", "arabic-home": "/?lang=it"})
	b.open(g.URL + "/a/" + id + "?lang=it")
	if got := b.eval(`getComputedStyle(document.querySelector('h1 [lang=ar]')).unicodeBidi + ' ' + document.querySelector('h1 [lang=ar]').matches(':dir(rtl)')`); got != "isolate true" {
		t.Errorf("the heading is %v", got)
	}
	for path, blocks := range map[string]string{
		"/?lang=it": "#cards h2,#cards .acts", "/a/" + id + "?lang=it": "article h1,article .acts", "/a/" + id + "/sheet?lang=it": "article h1,article .acts", "/embed?lang=it": "a i",
	} {
		b.open(g.URL + path)
		if got := b.eval(`[...document.querySelectorAll('` + blocks + `')].map(e => {
			const text = document.createRange(), box = e.getBoundingClientRect(); text.selectNodeContents(e.querySelector('[lang=ar]'));
			const lines = text.getBoundingClientRect(), s = getComputedStyle(e);
			return s.direction + ' ' + (Math.abs(box.right - parseFloat(s.paddingRight) - lines.right) < 8 || box.right - lines.right);
		}).join(', ')`); got != strings.Repeat(", rtl true", strings.Count(blocks, ",")+1)[2:] {
			t.Errorf("%s: %v", path, got)
		}
	}
	b.quiet()
}

// Why an alert was taken back stands on its page: in our own words for the public,
// or in the note of somebody else's Cancel, which often brings nothing more.
func TestACancelledAlertTellsWhy(t *testing.T) {
	g := open(t)
	issued := g.issue(message("why-own"))
	id := issued["id"].(string)
	if r := g.act(issuer, id, "cancel", `{"digest":"`+issued["digest"].(string)+`","reason":"errore","text":"Sirene suonate durante una prova tecnica."}`); r.StatusCode != 201 {
		t.Fatalf("cancel: %d %s", r.StatusCode, r.body)
	}
	g.settle()
	g.page("/").says("li.mut", "Sirene suonate durante una prova tecnica.")
	g.page("/a/"+id).says("article", "Sirene suonate durante una prova tecnica.")

	first := g.issue(message("why-other"))["id"].(string)
	was := g.memory.records[len(g.memory.records)-1].Alert
	cancel := message("why-other-2", "msgType", "Cancel", "<scope>Public</scope>",
		"<scope>Public</scope><note>Il livello era misurato male.</note><references>"+was.Sender+","+was.Identifier+","+alerts.FormatTime(was.Sent)+"</references>")
	from, to := strings.Index(cancel, "<info>"), strings.Index(cancel, "</alert>")
	g.issue(cancel[:from] + cancel[to:])
	p := g.page("/a/" + first)
	p.says("article", "Il livello era misurato male.")
	p.says("article .kicker", "Annullata")
	p.never("article", "Salite ai piani alti.")
}
