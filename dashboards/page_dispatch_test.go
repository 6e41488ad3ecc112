package dashboards

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// tap presses a button of Marta's page and stays at the answer.
func (g *gateway) tap(name, value string, headers ...string) reply {
	g.t.Helper()
	g.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return g.do("POST", dispatchPath+martasToken, url.Values{name: {value}}.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

// buttons are the values that a page offers, in its order.
func (p page) buttons() (all []string) {
	for _, b := range p.all("form button") {
		all = append(all, attr(b, "value"))
	}
	return all
}

func TestTheStatesOfAVolunteersPage(t *testing.T) {
	soonAll := []string{"coming-10", "coming-20", "coming-40", "maybe-60", "cannot"}
	with := func(first ...string) []string { return append(first, soonAll...) }
	answered := func(kind volunteers.AnswerKind, minutes int) func(*fakeCallouts) {
		return func(f *fakeCallouts) {
			f.own.Answer = &volunteers.Answer{Kind: kind, Minutes: minutes, At: time.Now(), Via: "sms", Note: `al lavoro <script>alert(1)</script>`}
			f.own.Fills = kind == volunteers.Coming
		}
	}
	there := func(f *fakeCallouts) {
		answered(volunteers.Coming, 20)(f)
		f.own.Presence.Arrived = time.Now()
	}
	over := func(s volunteers.State, before func(*fakeCallouts)) func(*fakeCallouts) {
		return func(f *fakeCallouts) {
			before(f)
			f.own.Call.State, f.own.Call.Ended, f.own.Call.Words = s, time.Now(), "la squadra B <b>basta</b>"
		}
	}
	nothing := func(*fakeCallouts) {}
	for name, c := range map[string]struct {
		set     func(*fakeCallouts)
		title   string
		says    string // in main
		never   string
		buttons []string
	}{
		"open, and nobody answered yet":         {nothing, "Ciao Marta, puoi venire? – Sacchi", "5 di 8 confermati", "la tua risposta", soonAll},
		"coming":                                {answered(volunteers.Coming, 20), "✓ Vengo. Ti aspettiamo: ", "la tua risposta", "Posti completi", with("arrived")},
		"maybe":                                 {answered(volunteers.Maybe, 60), "? Forse. Se vieni", "al lavoro <script>alert(1)</script>", "Posti completi", with("arrived")},
		"cannot":                                {answered(volunteers.Cannot, 0), "✕ Non puoi venire.", "Cambia risposta", "Sono arrivato", soonAll},
		"enough come":                           {func(f *fakeCallouts) { f.own.Full = true }, "Ciao Marta", "Posti completi", "", soonAll},
		"enough come, and this one too":         {func(f *fakeCallouts) { answered(volunteers.Coming, 10)(f); f.own.Full = true }, "✓ Vengo", "✓ Vengo", "Posti completi", with("arrived")},
		"one more than needed":                  {func(f *fakeCallouts) { answered(volunteers.Coming, 10)(f); f.own.Spare = true }, "✓ Vengo", "sei di riserva", "", with("arrived")},
		"there":                                 {there, "✓ Sei sul posto.", "Arrivo: ", "puoi venire", []string{"safe", "left", "undo-arrived"}},
		"there and well":                        {func(f *fakeCallouts) { there(f); f.own.Presence.Safe = time.Now() }, "✓ Sei sul posto.", "Hai detto che stai bene: ", "", []string{"safe", "left", "undo-safe"}},
		"left":                                  {func(f *fakeCallouts) { there(f); f.own.Presence.Left = time.Now() }, "✓ Hai lasciato il posto", "Grazie", "", []string{"undo-left"}},
		"closed":                                {over(volunteers.StateClosed, answered(volunteers.Coming, 10)), "Chiamata conclusa – Sacchi", "la squadra B <b>basta</b>", "puoi venire", nil},
		"closed while there":                    {over(volunteers.StateClosed, there), "Chiamata conclusa", "Sei sul posto", "", []string{"safe", "left", "undo-arrived"}},
		"cancelled":                             {over(volunteers.StateCancelled, answered(volunteers.Coming, 10)), "ANNULLATA: non partire – Sacchi", "torna indietro", "", nil},
		"expired":                               {over(volunteers.StateExpired, nothing), "Tempo scaduto: non partire", "Se sei già sul posto", "", nil},
		"its time is over, and nobody wrote it": {func(f *fakeCallouts) { f.own.Call.Until = time.Now().Add(-time.Second) }, "Tempo scaduto: non partire", "Se sei già sul posto", "", nil},
		"the day before": {func(f *fakeCallouts) {
			f.own.Call.Meet = time.Now().Add(20 * time.Hour)
			f.own.Call.Until = f.own.Call.Meet.Add(time.Hour)
		}, "Ciao Marta", "circa 1 h", "10\u00a0min", []string{"coming", "maybe", "cannot"}},
		"an exercise": {func(f *fakeCallouts) { f.own.Call.Exercise = true }, "ESERCITAZIONE – Ciao Marta", "ESERCITAZIONE: non è un'emergenza", "", soonAll},
		"no place on the map and nobody to ring": {func(f *fakeCallouts) {
			f.own.Call.Point, f.own.Call.Referent = nil, volunteers.Referent{}
			f.own.Call.Bring = ""
		},
			"Ciao Marta", "Magazzino comunale", "Referente", soonAll},
	} {
		t.Run(name, func(t *testing.T) {
			g, f := openCall(t)
			f.set(c.set)
			p := g.page(dispatchPath + martasToken)
			p.says("title", c.title)
			p.says("main", c.says)
			if c.never != "" {
				p.never("main", c.never)
			}
			if got := p.buttons(); !slices.Equal(got, c.buttons) {
				t.Errorf("the buttons are %q, want %q", got, c.buttons)
			}
			for _, bad := range []string{"Ada Rossi", "Segreta", "+3934", martasToken} {
				if r := g.get(dispatchPath + martasToken); strings.Contains(r.body, bad) {
					t.Errorf("the page holds %q", bad)
				}
			}
			if n := len(p.all("h1")) + len(p.all("script")); n != 1 {
				t.Errorf("%d headings of the page and scripts, want one heading", n)
			}
		})
	}
}

func TestAVolunteersPageInTheirLanguage(t *testing.T) {
	g, f := openCall(t)
	for _, row := range []struct{ own, query, accept, want string }{
		{"it-IT", "", "en", "Ciao Marta, puoi venire?"},
		{"sl", "", "it", "Živijo Marta, lahko prideš?"},
		{"de", "?lang=fr", "it", "Bonjour Marta, peux-tu venir ?"},
		{"fr", "?lang=en", "it", "Hello Marta, can you come?"},
		{"", "", "de", "Hallo Marta, kannst du kommen?"},
	} {
		f.set(func(f *fakeCallouts) { f.own.Language = row.own })
		g.page(dispatchPath+martasToken+row.query, "Accept-Language", row.accept).says("h2", row.want)
	}
	if r := g.tap("answer", "cannot"); r.StatusCode != 303 || r.Header.Get("Location") != dispatchPath+martasToken+"#said" {
		t.Errorf("%d, leads to %s", r.StatusCode, r.Header.Get("Location"))
	}
	if r := g.do("POST", dispatchPath+martasToken+"?lang=fr", "answer=cannot", "Content-Type", "application/x-www-form-urlencoded"); r.Header.Get("Location") != dispatchPath+martasToken+"?lang=fr#said" {
		t.Errorf("leads to %s", r.Header.Get("Location"))
	}
}

func TestAnswersAreTakenOnce(t *testing.T) {
	g, f := openCall(t)
	for _, tap := range [][2]string{{"answer", "coming-20"}, {"answer", "coming-20"}, {"answer", "maybe-60"}, {"answer", "coming-10"}, {"mark", "arrived"}, {"mark", "arrived"},
		{"mark", "safe"}, {"mark", "undo-safe"}, {"mark", "undo-safe"}, {"mark", "left"}, {"mark", "left"}, {"mark", "safe"}, {"mark", "undo-left"}, {"mark", "undo-left"}} {
		if r := g.tap(tap[0], tap[1]); r.StatusCode != 303 || r.body != "" {
			t.Errorf("%v: %d %s", tap, r.StatusCode, r.body)
		}
	}
	if got := strings.Join(f.did(), ","); got != "coming 20,maybe 60,coming 10,arrived,safe,undo-safe,left,undo-left" {
		t.Errorf("did %s", got)
	}
	for _, tap := range [][2]string{{"answer", "coming-99"}, {"answer", ""}, {"mark", "undo"}, {"mark", "<script>"}, {"other", "cannot"}} {
		if r := g.tap(tap[0], tap[1]); r.StatusCode != 422 || !strings.Contains(r.body, "NON registrata") {
			t.Errorf("%v: %d", tap, r.StatusCode)
		}
	}
	f.set(func(f *fakeCallouts) {
		f.own.Presence, f.own.Call.State = volunteers.Presence{}, volunteers.StateClosed
	})
	before := len(f.did())
	r := g.tap("answer", "cannot")
	if r.StatusCode != http.StatusConflict || !strings.Contains(r.body, "Risposta NON registrata: la chiamata è finita.") || len(f.did()) != before {
		t.Errorf("after the end: %d", r.StatusCode)
	}
	if strings.Contains(r.body, martasToken) {
		t.Error("the page holds its own address")
	}
}

func TestAPostOfAnotherSiteAnswersNoCall(t *testing.T) {
	g, f := openCall(t)
	for name, c := range map[string]struct {
		headers []string
		taken   bool
	}{
		"another site":                       {[]string{"Sec-Fetch-Site", "cross-site"}, false},
		"an older browser on another site":   {[]string{"Origin", "https://evil.example"}, false},
		"our page":                           {[]string{"Sec-Fetch-Site", "same-origin", "Origin", "https://allerta.valdemo.example"}, true},
		"an older browser on our page":       {[]string{"Origin", "https://allerta.valdemo.example"}, true},
		"a browser that says nothing of it":  {nil, true},
		"the link was opened from a message": {[]string{"Sec-Fetch-Site", "none"}, true},
	} {
		f.set(func(f *fakeCallouts) { f.own.Answer, f.acts = nil, nil })
		r := g.tap("answer", "coming-10", c.headers...)
		if taken := len(f.did()) == 1; taken != c.taken || (r.StatusCode == 403) == c.taken {
			t.Errorf("%s: %d, taken %v", name, r.StatusCode, taken)
		}
		if !c.taken && !strings.Contains(r.body, "NON registrata") {
			t.Errorf("%s: does not say that nothing was taken", name)
		}
	}
}

func TestLinksOfCallsThatOpenNothing(t *testing.T) {
	g, f := openCall(t, func(c *Config) { c.Direct = true })
	guarded := func(r reply) {
		t.Helper()
		h := r.Header
		if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "strict-origin" || !strings.Contains(h.Get("X-Robots-Tag"), "noindex") || h.Get("Set-Cookie") != "" || h.Get("Content-Security-Policy") != policy {
			t.Errorf("%s %s: %v", r.Request.Method, r.Request.URL.Path, h)
		}
	}
	for _, path := range []string{dispatchPath + martasToken, wallPath + wallsToken} {
		r := g.get(path)
		guarded(r)
		if r.StatusCode != 200 || r.Header.Get("ETag") != "" {
			t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
		}
	}
	guarded(g.tap("answer", "cannot"))
	f.set(func(f *fakeCallouts) { f.fail = alerts.ErrUnavailable })
	r := g.tap("answer", "coming-10", "Accept-Language", "it")
	guarded(r)
	if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || !strings.Contains(r.body, "<h1>Risposta NON registrata</h1>") {
		t.Errorf("without a store: %d %s", r.StatusCode, r.body)
	}
	f.set(func(f *fakeCallouts) { f.fail = errors.New("something broke") })
	if r := g.get(wallPath + wallsToken); r.StatusCode != 503 || strings.Contains(r.body, "something broke") {
		t.Errorf("a defect: %d", r.StatusCode)
	}
	f.set(func(f *fakeCallouts) { f.fail = nil })

	// Wrong ones are answered less and less often; right ones always are.
	wrong := []string{dispatchPath + wallsToken, wallPath + martasToken, dispatchPath + "x", wallPath + "%2e%2e%2fd", dispatchPath + strings.Repeat("A", 5000)}
	codes := map[int]int{}
	for i := range 40 {
		r := g.get(wrong[i%len(wrong)], "Accept-Language", "it")
		guarded(r)
		codes[r.StatusCode]++
		if r.StatusCode == 404 && (!strings.Contains(r.body, "Questo collegamento non vale") || !strings.Contains(r.body, "112")) || r.StatusCode == 429 && r.Header.Get("Retry-After") == "" {
			t.Errorf("%d: %s", r.StatusCode, r.body)
		}
	}
	if codes[404] < 20 || codes[404] > 25 || codes[429] == 0 || codes[404]+codes[429] != 40 {
		t.Errorf("answers of wrong links: %v", codes)
	}
	for _, path := range []string{dispatchPath + martasToken, wallPath + wallsToken} {
		if r := g.get(path); r.StatusCode != 200 {
			t.Errorf("after wrong ones a right one gets %d", r.StatusCode)
		}
	}
	for _, e := range g.logs.All() {
		line, _ := e.ContextMap()["route"].(string)
		if text := e.Message + " " + line; strings.Contains(text, martasToken) || strings.Contains(text, wallsToken) {
			t.Errorf("the log holds a link: %s", text)
		}
	}
	metrics, err := g.server.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range metrics {
		if s := m.String(); strings.Contains(s, martasToken) || strings.Contains(s, wallsToken) {
			t.Errorf("a metric holds a link: %s", m.GetName())
		}
	}
	if none := open(t); none.get(dispatchPath+martasToken).StatusCode != 404 || none.get(wallPath+wallsToken).StatusCode != 404 {
		t.Error("a gateway that calls nobody out has the pages")
	}
	if body := g.get("/robots.txt").body; !strings.Contains(body, "Disallow: /d/\n") || !strings.Contains(body, "Disallow: /board/\n") {
		t.Errorf("robots.txt: %s", body)
	}
}

// A volunteer's page is for a telephone in a valley: small, in two style sheets
// and no script.
func TestAVolunteersPageIsSmall(t *testing.T) {
	g, f := openCall(t)
	for name, set := range map[string]func(*fakeCallouts){
		"open": func(f *fakeCallouts) { f.own.Answer, f.own.Spare, f.own.Call.Exercise = nil, false, false },
		"answered": func(f *fakeCallouts) {
			f.own.Answer = &volunteers.Answer{Kind: volunteers.Coming, Minutes: 20, At: time.Now(), Note: "arrivo con il furgone"}
			f.own.Spare, f.own.Call.Exercise = true, true
		},
	} {
		f.set(set)
		path := dispatchPath + martasToken
		page := len(g.get(path, "Accept-Encoding", "gzip").body)
		total, files := page, regexp.MustCompile(`/static/[^"]+`).FindAllString(g.get(path, "Accept-Encoding", "identity").body, -1)
		for _, file := range files {
			total += len(g.get(file, "Accept-Encoding", "gzip").body)
		}
		if most := map[string]int{"open": 1229, "answered": 1400}[name]; page > most || total > 6<<10 || len(files) != 3 {
			t.Errorf("%s: %d bytes, at most %d; with %d files %d, at most 6144", name, page, most, len(files), total)
		}
		t.Logf("%s: %d bytes, with style sheets and icon %d", name, page, total)
	}
	path, total := wallPath+wallsToken, 0
	for _, file := range regexp.MustCompile(`/static/[^"]+`).FindAllString(g.get(path, "Accept-Encoding", "identity").body, -1) {
		total += len(g.get(file, "Accept-Encoding", "gzip").body)
	}
	if total += len(g.get(path, "Accept-Encoding", "gzip").body); total > 14<<10 {
		t.Errorf("the board takes %d bytes", total)
	}
	t.Logf("board: %d bytes", total)
}

// The link of a call opens nothing but the call: whoever was forwarded it sees no
// contacts. The volunteer asks for the link to the own page, and it goes to one
// of their contacts.
func TestAVolunteersPageOfACallGivesNothingElseAway(t *testing.T) {
	now := time.Now()
	f := &fakeCallouts{own: callout.OwnCall{Call: sandbags(now), Number: 1, Name: "Anna", Language: "it-IT", Needed: 8, Coming: 5}}
	g := openRoster(t, func(c *Config) { c.Callouts = f })
	path := dispatchPath + martasToken
	for lang, want := range map[string]string{"it": "Mandami il link", "en": "Send me the link", "de": "Link zu meiner Seite", "sl": "Pošlji mi povezavo", "fr": "Envoyez-moi le lien"} {
		r := g.get(path+"?lang="+lang, "Accept-Encoding", "identity")
		if !strings.Contains(r.body, want) || strings.Contains(r.body, `"/v/`) || strings.Contains(r.body, annasPhone[4:]) {
			t.Errorf("%s: no %q, or a way to the own page: %s", lang, want, r.body)
		}
	}
	page := len(g.get(path, "Accept-Encoding", "gzip").body)
	total := page
	for _, file := range regexp.MustCompile(`/static/[^"]+`).FindAllString(g.get(path, "Accept-Encoding", "identity").body, -1) {
		total += len(g.get(file, "Accept-Encoding", "gzip").body)
	}
	if page > 1500 || total > 6<<10 {
		t.Errorf("with the button the page takes %d bytes, %d with its files", page, total)
	}
	t.Logf("with the button: %d bytes, with style sheets and icon %d", page, total)
	for i := range 5 {
		r := g.tap("own", "send")
		if to := r.Header.Get("Location"); r.StatusCode != 303 || to != path+"?own=sent#own" {
			t.Fatalf("%d: %d to %q", i, r.StatusCode, to)
		}
		message := <-g.said
		_, link, found := strings.Cut(strings.Join(message[:], " "), "/v/")
		if !found || message[0] != "anna@example.org" {
			t.Fatalf("sent was %q", message)
		}
		if own := g.get("/v/" + strings.Fields(link)[0]); own.StatusCode != 200 || !strings.Contains(own.body, "Anna Prato") {
			t.Errorf("the link that was sent opens %d", own.StatusCode)
		}
	}
	if r := g.get(path+"?own=sent&lang=en", "Accept-Encoding", "identity"); !strings.Contains(r.body, `role="status"`) || !strings.Contains(r.body, "was sent to one of your contacts") {
		t.Errorf("nothing says that it was sent: %s", r.body)
	}
	if to := g.tap("own", "send").Header.Get("Location"); to != path+"?own=often#own" || len(g.said) != 0 {
		t.Errorf("the sixth of a day leads to %q, and %d were sent", to, len(g.said))
	}
	f.set(func(f *fakeCallouts) { f.own.Number = 99 }) // erased meanwhile
	if to := g.tap("own", "send").Header.Get("Location"); to != path+"?own=none#own" || len(g.said) != 0 {
		t.Errorf("of somebody without a page: %q", to)
	}
	if r := g.get(path + "?own=%3Cb%3E"); r.StatusCode != 200 {
		t.Errorf("what nobody says: %d", r.StatusCode)
	}
	if r := g.tap("own", "send", "Sec-Fetch-Site", "cross-site"); r.StatusCode != 403 {
		t.Errorf("from another site: %d", r.StatusCode)
	}
	g.server.Volunteers = nil
	if r := g.get(path, "Accept-Encoding", "identity"); r.StatusCode != 200 || strings.Contains(r.body, `name="own"`) {
		t.Errorf("without own pages there is a button: %d", r.StatusCode)
	}
	if r := g.tap("own", "send"); r.StatusCode != 422 {
		t.Errorf("asked all the same: %d", r.StatusCode)
	}
}

// What coordinators and volunteers write is text, wherever it stands.
func TestHostileWordsInACall(t *testing.T) {
	g, f := openCall(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.Name}}javascript:`
	f.set(func(f *fakeCallouts) {
		c := f.own.Call
		c.What, c.Where, c.Bring, c.Words, c.Needs[1].Skill, c.Referent.Name, c.Referent.Phone = evil, evil, evil, evil, evil, evil, evil
		f.own.Name, f.own.Answer = evil, &volunteers.Answer{Kind: volunteers.Coming, At: time.Now(), Note: evil}
		f.view.Needs[0].Skill = evil
		for i := range f.view.People {
			f.view.People[i].Name, f.view.People[i].Skill = evil, evil
		}
	})
	for _, path := range []string{dispatchPath + martasToken, wallPath + wallsToken, wallPath + wallsToken + "?part=live"} {
		root, err := html.Parse(strings.NewReader(g.get(path).body))
		if err != nil {
			t.Fatal(err)
		}
		p := page{t, root}
		for _, n := range append(p.all("script"), p.all("img")...) {
			if !strings.HasPrefix(attr(n, "src"), "/static/wall.") {
				t.Errorf("%s: an element came out of words: %v", path, n.Attr)
			}
		}
		p.says("h1", evil)
		for _, a := range p.all("a") {
			if strings.HasPrefix(attr(a, "href"), "javascript:") {
				t.Errorf("%s: %v", path, a.Attr)
			}
		}
	}
}
