package dashboards

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"martinella/alerts"
)

// page is a parsed answer.
type page struct {
	t    testing.TB
	root *html.Node
}

func (g *gateway) page(path string, headers ...string) page {
	g.t.Helper()
	if len(headers) == 0 {
		headers = []string{"Accept-Language", "it"}
	}
	r := g.get(path, headers...)
	if r.StatusCode != 200 {
		g.t.Fatalf("%s: %d %s", path, r.StatusCode, r.body)
	}
	root, err := html.Parse(strings.NewReader(r.body))
	if err != nil {
		g.t.Fatal(err)
	}
	return page{g.t, root}
}

// all finds elements by a small selector: words with a name, #id, .class or
// [attribute], one inside the other.
func (p page) all(selector string) []*html.Node {
	found := []*html.Node{p.root}
	for step := range strings.FieldsSeq(selector) {
		var next []*html.Node
		for _, n := range found {
			for d := range n.Descendants() {
				if d.Type == html.ElementNode && fits(d, step) && !slices.Contains(next, d) {
					next = append(next, d)
				}
			}
		}
		found = next
	}
	return found
}

var selectorPart = regexp.MustCompile(`^[a-z0-9]+|#[\w-]+|\.[\w-]+|\[[\w-]+\]`)

func fits(n *html.Node, step string) bool {
	for _, part := range selectorPart.FindAllString(step, -1) {
		switch part[0] {
		case '#':
			if attr(n, "id") != part[1:] {
				return false
			}
		case '.':
			if !slices.Contains(strings.Fields(attr(n, "class")), part[1:]) {
				return false
			}
		case '[':
			if !slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == part[1:len(part)-1] }) {
				return false
			}
		default:
			if n.Data != part {
				return false
			}
		}
	}
	return true
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// says checks that the first element of the selector holds a text.
func (p page) says(selector, want string) {
	p.t.Helper()
	for _, n := range p.all(selector) {
		if strings.Contains(text(n), want) {
			return
		}
	}
	var got []string
	for _, n := range p.all(selector) {
		got = append(got, text(n))
	}
	p.t.Errorf("%s says %q, want %q", selector, got, want)
}

func (p page) never(selector, bad string) {
	p.t.Helper()
	for _, n := range p.all(selector) {
		if strings.Contains(text(n), bad) {
			p.t.Errorf("%s says %q in %q", selector, bad, text(n))
		}
	}
}

func TestNoAlert(t *testing.T) {
	g := open(t)
	p := g.page("/")
	p.says("h1", "Nessuna allerta in corso")
	p.says(".calm", "Controllato alle "+time.Now().In(rome).Format("15:"))
	p.says("title", "Nessuna allerta in corso – Protezione Civile di Valdemo")
	p.says("main .sos", "In pericolo? Chiama il 112")
	if first := p.all("main *")[0]; !strings.Contains(text(first), "112") {
		t.Errorf("the first thing is not 112 but %q", text(first))
	}
	for _, duty := range []string{"Dichiarazione di accessibilità", "Segnala un problema del sito", "Privacy", "Ultimo aggiornamento", "comune.valdemo.example"} {
		p.says("footer", duty)
	}
	if n := len(p.all("h1")); n != 1 {
		t.Errorf("%d h1", n)
	}
	g.page("/?lang=en").says("h1", "No current warnings")
	g.page("/", "Accept-Language", "de, en;q=0.5").says("h1", "Keine aktuellen Warnungen")
	g.page("/", "Accept-Language", "sl-SI").says("h1", "Ni veljavnih opozoril")
	g.page("/", "Accept-Language", "fr-CH, de;q=0.5").says("h1", "Aucune alerte en cours")
	g.page("/", "Accept-Language", "ja").says("h1", "Nessuna allerta in corso")
}

func TestAnAlertOnThePage(t *testing.T) {
	g := open(t)
	g.issue(message("low", "severity", "Moderate", "headline", "Strada chiusa"))
	issued := g.issue(message("high", "severity", "Extreme"))
	p := g.page("/")
	p.says("h1#count", "Allerte in corso (2)")
	p.says("title", "(2) Allerte in corso")
	cards := p.all("#cards li.card")
	if len(cards) != 2 || !strings.Contains(text(cards[0]), "Piena in arrivo") {
		t.Fatalf("%d cards, the gravest first", len(cards))
	}
	if got := attr(cards[0], "class"); got != "card red" {
		t.Errorf("stripe %q", got)
	}
	if got := attr(cards[0], "data-k"); got != issued["id"].(string)+".1" {
		t.Errorf("key %q", got)
	}
	p.says("li.card .kicker", "Avviso - pericolo estremo · Piena del torrente Rivo")
	p.says("li.card .acts li", "Salite ai piani alti.")
	p.says("li.card .facts", "Dove Borgo Basso e Le Fornaci")
	p.says("li.card .meta", "Sindaca di Valdemo")
	p.never("body", "Nessuna allerta")
	if len(p.all("li.red .mark")) == 0 || len(p.all("li.yel .mark")) == 0 {
		t.Error("a card has no shape")
	}
	if len(p.all("#map svg path[d]")) == 0 {
		t.Error("the map is not drawn")
	}
	p.says("#map details", "Borgo Basso e Le Fornaci: Avviso - pericolo estremo")
	for _, n := range p.all("time") {
		if _, err := time.Parse(time.RFC3339, attr(n, "datetime")); err != nil {
			t.Errorf("time: %v", err)
		}
	}
}

func TestAnExerciseSaysSoFirst(t *testing.T) {
	g := open(t)
	id := g.issue(message("drill", "status", "Exercise", "severity", "Extreme"))["id"].(string)
	for _, path := range []string{"/", "/a/" + id} {
		p := g.page(path)
		p.says(".drill", "ESERCITAZIONE")
		if k := text(p.all(".card .kicker .ex")[0]); k != "ESERCITAZIONE" {
			t.Errorf("%s: the card begins with %q", path, k)
		}
		if title := text(p.all("title")[0]); !strings.HasPrefix(title, "ESERCITAZIONE") {
			t.Errorf("%s: title %q", path, title)
		}
	}
	g.page("/").says("h1", "Nessuna allerta in corso") // nobody is in danger
	g.page("/a/"+id, "Accept-Language", "en").says(".kicker", "EXERCISE")
	if r := g.get("/feed.atom", "Accept-Language", "it"); !strings.Contains(r.body, "<title>ESERCITAZIONE - ") {
		t.Errorf("the feed does not say so: %s", r.body)
	}
}

// expire lets an alert's time run out a while ago.
func (g *gateway) expire(identifier string, ago time.Duration) {
	g.memory.mu.Lock()
	for _, r := range g.memory.records {
		if r.Alert.Identifier == identifier {
			r.Alert.Infos[0].Expires = time.Now().Add(-ago)
		}
	}
	g.memory.mu.Unlock()
}

func TestALapsedAlertIsNotOver(t *testing.T) {
	for severity, days := range map[string]int{"Severe": 30, "Moderate": 1} {
		t.Run(severity, func(t *testing.T) {
			m := open(t)
			m.post(alone, "/api/v1/alerts", message("lapsed", "severity", severity))
			m.expire("lapsed", time.Duration(days)*23*time.Hour)
			g := again(t, m)
			p := g.page("/")
			p.says("h1", "Allerte scadute, non ancora revocate (1)")
			p.says(".lapsed", "Scaduta alle ")
			p.says(".lapsed", "non ancora revocata")
			p.never("body", "Nessuna allerta")
		})
	}
	m := open(t)
	m.post(alone, "/api/v1/alerts", message("minor", "severity", "Minor"))
	m.expire("minor", 72*time.Hour)
	again(t, m).page("/").says("h1", "Nessuna allerta in corso")
	again(t, m).page("/past").says(".past", "non ancora revocata")
}

// again opens another gateway on what the first one stored.
func again(t *testing.T, before *gateway) *gateway {
	t.Helper()
	g := open(t, func(c *Config) {})
	before.memory.mu.Lock()
	g.memory.records = before.memory.records
	before.memory.mu.Unlock()
	// A new board loads the records, as after a restart.
	return reopen(t, g)
}

func TestTheEndOfAnAlert(t *testing.T) {
	g := open(t)
	for act, want := range map[string][]string{
		"cancel":    {"Annullata (inviata per errore)", "L'avviso precedente non vale", "mut", "Ritirata"},
		"all-clear": {"Cessato allarme", "L'allarme è cessato.", "grn", "Conclusa"},
	} {
		issued := g.issue(message("end-" + act))
		id := issued["id"].(string)
		if r := g.act(issuer, id, act, `{"digest":"`+issued["digest"].(string)+`","reason":"errore"}`); r.StatusCode != 201 {
			t.Fatalf("%s: %d %s", act, r.StatusCode, r.body)
		}
		g.settle()
		p := g.page("/")
		p.says("h1", "Nessuna allerta in corso")
		p.says("li."+want[2]+" .kicker", want[0])
		p.says("li."+want[2], want[1])
		p.says("li."+want[2]+" .meta", want[3])
		one := g.page("/a/" + id)
		one.says("article .kicker", want[0])
		one.says("article", want[1])
		one.says(".time", "Prima emissione")
		one.says(".time", want[0])
		one.never("article", "Cosa fare adesso")
		one.never("h1", "salite ai piani alti") // the old call must not stand over what is over
		p.never("li."+want[2]+" h2", "salite ai piani alti")
		p.says("li."+want[2]+" .meta", "Riguardava: Piena del torrente Rivo")
	}
	g.page("/past").says(".past", "Cessato allarme")
	g.page("/past").says("h2", alertsMonth())
}

func alertsMonth() string {
	now := time.Now().In(rome)
	return []string{"gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"}[now.Month()-1] + " " + itoa(now.Year())
}

func TestAnUpdateShowsWhatChanges(t *testing.T) {
	g := open(t)
	id := g.issue(message("up-1", "severity", "Severe", "headline", "Restate in casa"))["id"].(string)
	was := g.memory.records[0].Alert
	g.issue(message("up-2", "severity", "Extreme", "msgType", "Update", "<scope>Public</scope>",
		"<scope>Public</scope><note>Il livello sale.</note><references>"+was.Sender+","+was.Identifier+","+alerts.FormatTime(was.Sent)+"</references>"))
	p := g.page("/")
	if n := len(p.all("#cards li.card")); n != 1 {
		t.Errorf("%d cards for one event", n)
	}
	p.says("li.red .kicker", "aggiornamento 1")
	one := g.page("/a/" + id)
	one.says("article", "Che cosa cambia Il livello sale.")
	one.says(".time", "Aggiornamento 1 : Piena in arrivo")
	one.says(".time", "Prima emissione : Restate in casa")
}

func TestTextInAnotherLanguageIsMarked(t *testing.T) {
	g := open(t)
	g.issue(message("it-only"))
	p := g.page("/?lang=en")
	p.says("li.card span[lang]", "Piena in arrivo")
	if n := p.all("li.card h2 span[lang]"); len(n) != 1 || attr(n[0], "lang") != "it-IT" {
		t.Errorf("the headline's language is not said")
	}
	p.says("li.card", "in this language only: Italian.")
	if n := g.page("/?lang=it").all("li.card h2 span[lang]"); len(n) != 0 {
		t.Error("Italian is marked on an Italian page")
	}
	both := strings.Replace(message("both"), "</info>", `</info><info><language>en-GB</language><category>Met</category><event>Flood of the Rivo</event><urgency>Immediate</urgency><severity>Moderate</severity><certainty>Likely</certainty><expires>`+alerts.FormatTime(time.Now().Add(time.Hour))+`</expires><headline>Flood coming: go upstairs now</headline><area><areaDesc>Borgo Basso</areaDesc><geocode><valueName>ISTAT</valueName><value>099001</value></geocode></area></info>`, 1)
	g.issue(both)
	g.page("/?lang=en").says("li.card h2", "Flood coming")
}

func TestHostileWordsStayWords(t *testing.T) {
	g := open(t)
	evil := `&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;&quot;&apos;&#8238;gnp.exe{{.Authority}}`
	pairs := []string{}
	for _, name := range []string{"event", "headline", "description", "instruction", "areaDesc", "senderName"} {
		pairs = append(pairs, name, evil)
	}
	x := strings.Replace(message("evil", pairs...), "<area>", "<web>javascript:alert(3)</web><contact>"+evil+"</contact><area>", 1)
	r := g.post(alone, "/api/v1/alerts", x)
	if r.StatusCode >= 300 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	if r.StatusCode == 202 {
		v := r.json(t)
		if a := g.act(approver, v["id"].(string), "approve", `{"digest":"`+v["digest"].(string)+`"}`); a.StatusCode != 200 {
			t.Fatalf("approve: %d %s", a.StatusCode, a.body)
		}
	}
	g.settle()
	id := r.json(t)["event"].(string)
	for _, path := range []string{"/", "/a/" + id, "/?part=live", "/a/" + id + "?part=live", "/past"} {
		res := g.get(path)
		root, err := html.Parse(strings.NewReader(res.body))
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("%s: %d %v", path, res.StatusCode, err)
		}
		for n := range root.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if n.Data == "img" || (n.Data == "script" && attr(n, "src") == "" && !plainData(n)) || n.Data == "style" {
				t.Errorf("%s holds <%s>", path, n.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
					t.Errorf("%s holds %s=%q", path, a.Key, a.Val)
				}
			}
		}
		if strings.ContainsRune(res.body, '\u202e') {
			t.Errorf("%s holds a mark that turns the text around", path)
		}
		if strings.Contains(res.body, "exeProtezione") {
			t.Errorf("%s ran a template of a stranger", path)
		}
	}
}

func TestHeadersOfEveryPage(t *testing.T) {
	g := open(t)
	id := g.issue(message("headers"))["id"].(string)
	for _, path := range []string{"/", "/a/" + id, "/past", "/status", "/accounts", "/what-to-do", "/what-to-do/flood", "/accounts.json", "/accessibility", "/privacy", "/policy", "/feedback", "/guide", "/guide/api", "/feed.atom", "/feed.rss", "/feed.json", "/cap/" + id + ".xml", "/nothing", "/robots.txt", "/favicon.ico", "/sw.js", "/subscribe", "/verify"} {
		r := g.get(path)
		if want := map[bool]int{true: 404, false: 200}[path == "/nothing"]; r.StatusCode != want {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
		csp := r.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; script-src 'self';") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", path, r.Header)
		}
		if len(r.Cookies()) > 0 {
			t.Errorf("%s sets a cookie", path)
		}
	}
}

func TestCaching(t *testing.T) {
	g := open(t)
	first := g.get("/")
	etag := first.Header.Get("ETag")
	if cc := first.Header.Get("Cache-Control"); cc != "max-age=5, stale-while-revalidate=30" || etag == "" {
		t.Errorf("Cache-Control %q, ETag %q", cc, etag)
	}
	if r := g.get("/", "If-None-Match", etag); r.StatusCode != 304 && r.Header.Get("ETag") == etag {
		t.Errorf("unchanged: %d, want 304", r.StatusCode)
	}
	g.issue(message("caching"))
	if r := g.get("/", "If-None-Match", etag); r.StatusCode != 200 || r.Header.Get("ETag") == etag {
		t.Errorf("changed: %d, want 200 with another ETag", r.StatusCode)
	}
	if r := g.get("/?refresh=60"); r.Header.Get("Refresh") != "60" {
		t.Errorf("Refresh %q", r.Header.Get("Refresh"))
	}
	if r := g.get("/"); r.Header.Get("Refresh") != "" {
		t.Error("a page loads itself again that nobody asked to")
	}
	if !slices.Contains(first.Header.Values("Vary"), "Accept-Language") {
		t.Errorf("Vary %v", first.Header.Values("Vary"))
	}
	if h := g.do("HEAD", "/", ""); h.StatusCode != 200 || h.body != "" {
		t.Errorf("HEAD: %d %q", h.StatusCode, h.body)
	}
}

func TestTheFragment(t *testing.T) {
	g := open(t)
	issued := g.issue(message("part"))
	p := g.page("/?part=live&v=" + issued["cursor"].(string))
	for _, id := range []string{"part", "notices", "count", "alerts", "map", "when"} {
		if len(p.all("#"+id)) != 1 {
			t.Errorf("the fragment lacks #%s", id)
		}
	}
	if title := attr(p.all("#part")[0], "data-title"); !strings.HasPrefix(title, "(1) Allerte in corso") {
		t.Errorf("title %q", title)
	}
	if len(p.all("header")) != 0 {
		t.Error("the fragment is a whole page")
	}
	r := g.get("/?part=live&v=" + string(cursorOf(99)))
	if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("behind the cursor: %d, want 503", r.StatusCode)
	}
	// Who waits in vain gets 503: this one did not wait.
	if r := g.get("/?part=live&v=deadbeef-1-0"); r.StatusCode != 410 {
		t.Errorf("an epoch that is not known: %d, want 410", r.StatusCode)
	}
	if r := g.get("/?part=live&v=nonsense"); r.StatusCode != 200 {
		t.Errorf("a cursor that is none: %d", r.StatusCode)
	}
}

func TestAWeakStoreIsShownInRed(t *testing.T) {
	for want, set := range map[string]func(*memory){
		"Solo per prove":                func(m *memory) { m.durable.Memory, m.durable.Durable = true, false },
		"può perdere gli ultimi avvisi": func(m *memory) { m.durable.Durable = false },
		"L'archivio non risponde":       func(m *memory) { m.down = alerts.ErrUnavailable },
	} {
		g := open(t)
		set(g.memory)
		g.page("/").says(".weak", want)
		g.page("/status").says(".card", want)
	}
	if n := open(t).page("/").all(".weak"); len(n) != 0 {
		t.Error("a good store is shown in red")
	}
}

func TestPagesLiveWithoutTheStore(t *testing.T) {
	g := open(t)
	id := g.issue(message("alive"))["id"].(string)
	g.memory.fail(alerts.ErrUnavailable)
	g.page("/").says("li.card", "Piena in arrivo")
	g.page("/a/"+id).says("article", "Piena in arrivo")
	if r := g.get("/a/01JAAAAAAAAAAAAAAAAAAAAAAA"); r.StatusCode != 503 {
		t.Errorf("an alert that only the store knows: %d, want 503", r.StatusCode)
	}
}

func TestWhatIsNotForEverybodyIsNowhere(t *testing.T) {
	g := open(t)
	secret := strings.Replace(message("secret", "headline", "Solo per il personale"), "<scope>Public</scope>", "<scope>Restricted</scope><restriction>personale</restriction>", 1)
	id := g.issue(secret)["id"].(string)
	draft := g.post(author, "/api/v1/alerts", message("waiting", "headline", "Non ancora approvata")).json(t)["id"].(string)
	for _, path := range []string{"/", "/past", "/feed.atom", "/feed.rss", "/feed.json", "/a/" + id, "/a/" + draft, "/cap/" + id + ".xml", "/cap/" + draft + ".xml"} {
		r := g.get(path)
		if strings.Contains(r.body, "Solo per il personale") || strings.Contains(r.body, "Non ancora approvata") {
			t.Errorf("%s shows it", path)
		}
		if strings.Contains(path, id) || strings.Contains(path, draft) {
			if r.StatusCode != 404 {
				t.Errorf("%s: %d, want 404", path, r.StatusCode)
			}
		}
	}
}

func TestBudgets(t *testing.T) {
	g := open(t, func(c *Config) { c.Live = http.NotFoundHandler() })
	twoAlerts(g)
	r := g.get("/", "Accept-Encoding", "gzip")
	total, files := len(r.body), 1
	for _, m := range regexp.MustCompile(`/static/[^"]+`).FindAllString(g.get("/", "Accept-Encoding", "identity").body, -1) {
		a := g.get(m, "Accept-Encoding", "gzip")
		if a.StatusCode != 200 || a.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d %s", m, a.StatusCode, a.Header.Get("Cache-Control"))
		}
		total += len(a.body)
		files++
	}
	if files != 4 {
		t.Errorf("%d files, want page, style, script and icon", files)
	}
	if total > 14<<10 || files > 4 {
		t.Errorf("%d bytes in %d files, at most 14336 in 4", total, files)
	}
	t.Logf("/ with style and script: %d bytes in %d files", total, files)
}

// plainData reports whether an element is a block of JSON that no browser runs
// and that cannot end early.
func plainData(n *html.Node) bool {
	return attr(n, "type") == "application/ld+json" && n.FirstChild != nil && json.Valid([]byte(n.FirstChild.Data)) && !strings.Contains(n.FirstChild.Data, "<")
}

func TestTemplatesHoldNoWords(t *testing.T) {
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	action := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	own := map[string]bool{"Atom": true, "RSS": true, "JSON": true, "CAP": true, "ICS": true, "112": true}
	for _, f := range files {
		b, _ := templateFiles.ReadFile(f)
		z := html.NewTokenizer(strings.NewReader(action.ReplaceAllString(string(b), "")))
		for {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			if kind == html.TextToken {
				if word := strings.Trim(string(z.Text()), " \n·:–()←+.,;_▲●✔′"); word != "" && !own[word] {
					t.Errorf("%s holds the words %q", f, word)
				}
			}
		}
	}
}

var usedKey = regexp.MustCompile(`(?:\{\{-?\s*|\()T "([a-z0-9_]+)"|must\("([a-z0-9_]+)"[,)]|"((?:accessibility|privacy)_\d)"|"(refused_[a-z_]+)", http`)

// beginsKey finds keys that are put together from a value: their beginning.
var beginsKey = regexp.MustCompile(`must\("([a-z0-9_]+_)" *\+|T \(printf "([a-z0-9_]+_)%s`)

// quotedKey finds keys that stand in tables, or are handed on.
var quotedKey = regexp.MustCompile(`"([a-z0-9]+_[a-z0-9_]+)"`)

func TestEveryWordIsThereAndUsed(t *testing.T) {
	ls, err := loadLocales(rome)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"accessibility_title": true, "privacy_title": true, "date_time": true, "date_time_year": true}
	begins := []string{"scene_bad_", "areas_bad_"} // made of a field's name
	mentioned := map[string]bool{}
	sources, _ := fs.Glob(templateFiles, "templates/*.html")
	for _, f := range sources {
		b, _ := templateFiles.ReadFile(f)
		collect(used, string(b))
		begins = append(begins, beginnings(string(b))...)
	}
	for _, b := range goFiles(t) {
		collect(used, b)
		begins = append(begins, beginnings(b)...)
		for _, m := range quotedKey.FindAllStringSubmatch(b, -1) {
			mentioned[m[1]] = true
		}
	}
	placeholders := regexp.MustCompile(`\{\{?\.?\w+\}?\}`)
	texts := map[string]map[string]string{}
	for _, tag := range ls.tags {
		names, _ := fs.Glob(localeFiles, "locales/*"+tag+".toml")
		var b []byte
		for _, name := range names {
			file, _ := localeFiles.ReadFile(name)
			b = append(append(b, file...), '\n')
		}
		texts[tag] = map[string]string{}
		for line := range strings.Lines(string(b)) {
			if key, value, found := strings.Cut(line, " = "); found {
				if texts[tag][key] = strings.Trim(strings.TrimSpace(value), `"`); texts[tag][key] == "" {
					t.Errorf("%s: %s is empty", tag, key)
				}
			}
		}
	}
	for key := range used {
		if texts["it"][key] == "" {
			t.Errorf("%s is used and not in the catalogue", key)
		}
	}
	for key, italian := range texts["it"] {
		if !used[key] && !mentioned[key] && !strings.HasPrefix(key, "language_") && !slices.ContainsFunc(begins, func(b string) bool { return strings.HasPrefix(key, b) }) {
			t.Errorf("%s is in the catalogue and not used", key)
		}
		a, b := placeholders.FindAllString(italian, -1), placeholders.FindAllString(texts["en"][key], -1)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) && key != "date" && !strings.HasPrefix(key, "date_") {
			t.Errorf("%s has the placeholders %v and %v", key, a, b)
		}
	}
}

func beginnings(source string) (all []string) {
	for _, m := range beginsKey.FindAllStringSubmatch(source, -1) {
		all = append(all, m[1]+m[2])
	}
	return all
}

func collect(used map[string]bool, source string) {
	for _, m := range usedKey.FindAllStringSubmatch(source, -1) {
		for _, key := range m[1:] {
			if key != "" {
				used[key] = true
			}
		}
	}
}

func TestTimesAcrossTheEndOfSummerTime(t *testing.T) {
	ls, err := loadLocales(rome)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 25, 12, 0, 0, 0, time.UTC)
	for at, want := range map[string]string{
		"2026-10-25T00:30:00Z": "25/10 02:30",
		"2026-10-25T01:30:00Z": "25/10 02:30",
		"2026-10-25T02:30:00Z": "25/10 03:30",
		"2025-12-31T23:30:00Z": "1/1 00:30",
		"2025-06-30T10:00:00Z": "30/6/2025 12:00",
	} {
		moment, _ := time.Parse(time.RFC3339, at)
		if got := ls.all["it"].At(moment, now).Text; got != want {
			t.Errorf("%s is %q, want %q", at, got, want)
		}
	}
}

func TestAPageThatCannotBeMadeDoesNotKeepItsReadersWaiting(t *testing.T) {
	g := open(t)
	g.memory.fail(alerts.ErrUnavailable)
	for range 3 {
		r := g.get("/past")
		if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || !strings.Contains(r.body, "L'archivio non risponde") && !strings.Contains(r.body, "archivio non risponde") {
			t.Errorf("%d %.300s", r.StatusCode, r.body)
		}
	}
}

func TestTheGuideIsWhole(t *testing.T) {
	g := open(t)
	link := regexp.MustCompile(`\]\((/[^)]*)\)`)
	pages, _ := fs.Glob(guideFiles, "guide/*.md")
	for _, name := range pages {
		b, _ := guideFiles.ReadFile(name)
		path := "/" + strings.TrimSuffix(strings.Replace(name, "guide/index", "guide", 1), ".md")
		g.page(path).says("h1", strings.TrimSpace(strings.TrimPrefix(strings.SplitN(string(b), "\n", 2)[0], "#")))
		for _, m := range link.FindAllStringSubmatch(string(b), -1) {
			if r := g.get(m[1]); r.StatusCode != 200 {
				t.Errorf("%s links to %s: %d", name, m[1], r.StatusCode)
			}
		}
	}
	if r := g.get("/guide/..%2f..%2fgo.mod"); r.StatusCode != 404 {
		t.Errorf("a path out of the guide: %d", r.StatusCode)
	}
}
