package dashboards

import (
	"regexp"
	"strings"
	"testing"
)

// inTwo is an alert in Italian and English.
func inTwo(identifier string) string {
	s := message(identifier)
	from, to := strings.Index(s, "  <info>"), strings.Index(s, "</alert>")
	english := strings.NewReplacer("it-IT", "en-GB", "Piena del torrente Rivo", "Flood of the Rivo", "Piena in arrivo: salite ai piani alti subito", "Flood: go upstairs now",
		"Il torrente Rivo supera gli argini fra le 18:30 e le 20:00. L'acqua entra in cantine e piani terra.", "The Rivo floods cellars.",
		"1. Salite ai piani alti.\n2. Non usate l'auto.\n3. Aiutate chi non può muoversi da solo.", "Go upstairs.").Replace(s[from:to])
	return s[:to] + english + s[to:]
}

func TestAPageSaysInWhichLanguagesATextExists(t *testing.T) {
	g := open(t)
	both, one := "/a/"+g.issue(inTwo("two"))["event"].(string), "/a/"+g.issue(message("one"))["event"].(string)
	for name, tt := range map[string]struct {
		path, wish  string
		says, never []string
	}{
		"a German page of two texts names both and leads to both": {both, "de,en;q=0.8", []string{
			`<h1><span lang="it-IT" dir="auto">Piena in arrivo`, "Den Text dieser Warnung gibt es in diesen Sprachen: ", `<a href="` + both + `?lang=it" hreflang="it">Italienisch</a>, <a href="` + both + `?lang=en" hreflang="en">Englisch</a>.`}, []string{"nur in dieser Sprache", "go upstairs"}},
		"a French page that was asked for, too":    {both + "?lang=fr", "en", []string{"existe dans ces langues : ", `?lang=en" hreflang="en">anglais</a>`}, []string{"que dans cette langue"}},
		"one text is said to be the only one":      {one, "de,en;q=0.8", []string{"Den Text dieser Warnung gibt es nur in dieser Sprache: Italienisch."}, []string{"in diesen Sprachen"}},
		"who reads one of the two is told nothing": {both, "en", []string{"<h1>Flood: go upstairs now</h1>"}, []string{"in these languages", "in this language only"}},
		"the front page says it as well":           {"/", "sl", []string{"v teh jezikih: ", `?lang=en" hreflang="en">`}, nil},
	} {
		body := g.get(tt.path, "Accept-Language", tt.wish).body
		for _, want := range tt.says {
			if !strings.Contains(body, want) {
				t.Errorf("%s: %q is missing", name, want)
			}
		}
		for _, not := range tt.never {
			if strings.Contains(body, not) {
				t.Errorf("%s: %q is there", name, not)
			}
		}
	}
}

var ownLinks = regexp.MustCompile(` (?:href|action)="(/[^"]*)"`)

func TestAChosenLanguageStaysWithTheReader(t *testing.T) {
	g := open(t)
	event := "/a/" + g.issue(inTwo("two"))["event"].(string)
	for _, path := range []string{"/", event, event + "/sheet", "/past", "/what-to-do", "/what-to-do/flood", "/verify", "/areas", "/subscribe", "/accounts", "/status", "/nowhere"} {
		for _, part := range []string{"", "part=live&"} {
			if part != "" && path != "/" && path != event {
				continue
			}
			chosen := g.get(path+"?"+part+"lang=it", "Accept-Language", "de")
			links := 0
			for _, m := range ownLinks.FindAllStringSubmatch(chosen.body, -1) {
				file := strings.Contains(strings.SplitN(m[1], "?", 2)[0], ".")
				if has := strings.Contains(m[1], "lang="); !has && !file || has && strings.Count(m[1], "lang=") > 1 || has && file && !strings.Contains(m[1], "card.png") {
					t.Errorf("%s of who chose Italian leads to %s", path, m[1])
				}
				links++
			}
			if least := 3; part == "" && links < least || links == 0 {
				t.Errorf("%s?%s: %d links: %d", path, part, links, chosen.StatusCode)
			}
			bare := g.get(path, "Accept-Language", "de").body
			if part != "" {
				bare = g.get(path+"?part=live&bare=1&lang=de", "Accept-Language", "en").body
			}
			for _, want := range []string{` href="/what-to-do"`, ` href="/"`} {
				if part == "" && !strings.Contains(bare, want) {
					t.Errorf("%s without a choice has no bare link%s", path, want)
				}
			}
			if path == "/" && !strings.Contains(bare, `<a href="`+event+`">`) {
				t.Errorf("%s without a choice: the card's link is not bare (part %q)", path, part)
			}
		}
	}
	if body := g.get(event + "?lang=en").body; !strings.Contains(body, `rel="canonical" href="https://allerta.valdemo.example`+event+`"`) {
		t.Error("the canonical address of a page is not bare")
	}
}

func TestALanguageIsPutIntoAddressesOfPages(t *testing.T) {
	for address, want := range map[string]string{
		"/":                   "/?lang=de",
		"/past?month=2026-11": "/past?month=2026-11&amp;lang=de",
		"/areas#list":         "/areas?lang=de#list",
		"/a/X?lang=it":        "/a/X?lang=it",
		"/p?a=b&amp;lang=it":  "/p?a=b&amp;lang=it",
		"/feed.atom":          "/feed.atom",
		"/static/app.abc.css": "/static/app.abc.css",
		"//evil.example/x":    "//evil.example/x",
		"/console/a/X":        "/console/a/X",
		"/past?":              "/past?lang=de",
	} {
		if got := string(keepLanguage([]byte(`<a href="`+address+`">href="/x</a>`), "de")); got != `<a href="`+want+`">href="/x</a>` {
			t.Errorf("%s: %s", address, got)
		}
	}
	if got := string(keepLanguage([]byte(`<form action="/x"><a href="/y`), "de")); got != `<form action="/x?lang=de"><a href="/y` {
		t.Errorf("an open end: %s", got)
	}
}

func TestAnAllClearSpeaksEachLanguage(t *testing.T) {
	g := open(t)
	v := g.issue(inTwo("two"))
	id := v["id"].(string)
	r := g.act(alone, id, "all-clear", `{"digest":"`+v["digest"].(string)+`","text":"Il torrente scende."}`)
	if r.StatusCode != 200 && r.StatusCode != 201 && r.StatusCode != 202 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	if after := r.json(t); r.StatusCode == 202 {
		if a := g.act(approver, after["id"].(string), "approve", `{"digest":"`+after["digest"].(string)+`"}`); a.StatusCode != 200 {
			t.Fatalf("approve: %d %s", a.StatusCode, a.body)
		}
	}
	g.settle()
	event := "/a/" + v["event"].(string)
	for lang, want := range map[string][]string{
		"it": {"<h1>Il torrente scende.</h1>", "Riguardava: Piena del torrente Rivo"},
		"en": {"<h1>The danger is over.</h1>", "It was about: Flood of the Rivo"},
		"de": {`<h1><span lang="it-IT" dir="auto">Il torrente scende.</span></h1>`, "in diesen Sprachen"},
	} {
		body := g.get(event + "?lang=" + lang).body
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("%s: %q is missing in\n%s", lang, w, body[strings.Index(body, "<main"):])
			}
		}
	}
	newest := r.json(t)["id"].(string)
	cap := g.get("/cap/" + newest + ".xml").body
	for _, w := range []string{"<headline>Cessato allarme: Piena del torrente Rivo</headline>", "<headline>All clear: Flood of the Rivo</headline>", "<description>The danger is over.</description>"} {
		if !strings.Contains(cap, w) {
			t.Errorf("CAP has no %s:\n%s", w, cap)
		}
	}
	if strings.Count(cap, "Il torrente scende.") != 1 || strings.Contains(cap, "upstairs") {
		t.Errorf("CAP mixes languages, or calls to act:\n%s", cap)
	}
}
