package dashboards

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/alerts/lint"
	"martinella/broadcast"
	"martinella/channels"
)

// foreignWords are words that no sentence of the other language has.
var foreignWords = map[string]*regexp.Regexp{
	"it": regexp.MustCompile(`(?i)\b(the|is|and|not|of|are|cannot|this|which|with|was|has)\b`),
	"en": regexp.MustCompile(`(?i)(^|[\s(«])(della|dello|degli|non|è|per|che|sono|alla|nella|questo|questa)([\s,.:;)»]|$)`),
}

// alertWords are the texts of the alerts, names and what the tests typed: they are
// in their own language wherever they stand.
var alertWords = []string{"Piena del torrente Rivo", "Piena in arrivo", "Il torrente Rivo", "Salite ai piani alti", "Non usate", "Aiutate chi", "Borgo Basso", "Protezione Civile di Valdemo", "Frana sulla strada", "ha detto che non regge"}

// foreignText is a text that is not in the language of its page.
type foreignText struct{ path, text string }

// listen reads a page and gives the texts that are in the other language, and
// what is marked as English outside of what platforms said.
func listen(path, lang, body string) (foreign, marked []foreignText) {
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return []foreignText{{path, err.Error()}}, nil
	}
	words := foreignWords[lang]
	hear := func(text, at string, raw bool) {
		text = strings.Join(strings.Fields(text), " ")
		if text == "" || slices.ContainsFunc(alertWords, func(w string) bool { return strings.Contains(text, w) }) {
			return
		}
		if at != lang {
			if !raw && at == "en" && strings.Contains(text, " ") {
				marked = append(marked, foreignText{path, text})
			}
			return
		}
		if words.MatchString(text) {
			foreign = append(foreign, foreignText{path, text})
		}
	}
	var walk func(n *html.Node, at string, raw bool)
	walk = func(n *html.Node, at string, raw bool) {
		switch n.Type {
		case html.TextNode:
			hear(n.Data, at, raw)
		case html.ElementNode:
			if slices.Contains([]string{"script", "style", "code", "pre", "kbd"}, n.Data) {
				return
			}
			raw = raw || n.Data == "details" || n.Data == "textarea" || n.Data == "q" || n.Data == "blockquote"
			for _, a := range n.Attr {
				if a.Key == "lang" {
					at = alerts.PrimaryLanguage(a.Val)
				}
			}
			for _, a := range n.Attr {
				if slices.Contains([]string{"aria-label", "title", "alt", "placeholder"}, a.Key) {
					hear(a.Val, at, raw)
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, at, raw)
		}
	}
	walk(doc, lang, false)
	return foreign, marked
}

// crawl reads every page of the console that a person finds by its links, each
// kind of address a few times.
func (p *person) crawl(lang string, also ...string) map[string]string {
	p.t.Helper()
	read := map[string]string{}
	kinds := map[string]int{}
	digits := regexp.MustCompile(`[0-9A-HJKMNP-TV-Z]{26}|[0-9]+`)
	queue := append([]string{"/console"}, also...)
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		u, err := url.Parse(path)
		if err != nil || !strings.HasPrefix(u.Path, "/console") || strings.Contains(u.Path, "sign-out") {
			continue
		}
		q := u.Query()
		q.Set("lang", lang)
		u.RawQuery, u.Fragment = q.Encode(), ""
		kind := digits.ReplaceAllString(u.Path, "#")
		if _, seen := read[u.String()]; seen || kinds[kind] >= 6 {
			continue
		}
		kinds[kind]++
		r := p.get(u.String())
		read[u.String()] = ""
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
			continue
		}
		read[u.String()] = r.body
		for _, m := range linkOut.FindAllStringSubmatch(r.body, -1) {
			queue = append(queue, html.UnescapeString(m[1]))
		}
	}
	return read
}

var linkOut = regexp.MustCompile(`<a [^>]*href="(/console[^"]*)"`)

// openSpoken is a console on which everything has happened: an alert that waits,
// one that runs with channels that failed, one that lapsed, one that was taken
// back, a draft, a channel whose credentials are refused.
func openSpoken(t *testing.T) (g *settingsConsole, admin, author *person, also []string) {
	t.Helper()
	f, err := os.Open("../alerts/areas/testdata/valdemo.geojson")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gazetteer, err := areas.Read(f, areas.Source{File: f.Name()})
	if err != nil {
		t.Fatal(err)
	}
	problems := alerts.Problems{
		{Field: "channels[x-comune]", Problem: "cannot carry this alert: " + channels.ErrNoRoom.Error(), Hint: "the other channels are not affected; change the text or the channel's settings", Level: alerts.LevelWarning},
		{Field: "areas", Problem: "the drawn area touches none of the configured areas", Hint: "is it latitude first, then longitude, and in the right place?", Level: alerts.LevelWarning},
		{Field: "channels[sms-comune].it-IT", Problem: `holds "ê": a part has room for 67 characters instead of 153`, Hint: "leave them out if the text allows it", Level: alerts.LevelWarning},
	}
	preview := func(ctx context.Context, r *alerts.Record) ([]broadcast.Preview, error) {
		all, err := rendered(ctx, r)
		r.Warnings = append(r.Warnings, problems...)
		return append(all, broadcast.Preview{Channel: "x-comune", Failure: channels.ErrNoRoom.Error()}), err
	}
	g = openSettings(t, func(c *Config) {
		c.Areas, c.Preview = gazetteer, preview
		c.Words = lint.Context{Authority: c.Authority.Name, Languages: []string{"it-IT"}}
		c.Troubles = func() []broadcast.Trouble {
			return []broadcast.Trouble{{Channel: "mastodon-comune", Since: time.Now().Add(-time.Hour), Refused: true, Reason: "mastodon answered 401: the access token was revoked",
				Renewal: "In Telegram, write /token to @BotFather (or /revoke, if somebody else may know the present one), choose the bot, put what it answers into /etc/t and start the gateway again. If the token is good, the bot was removed: make it an administrator of the channel again, who may post and edit messages."}}
		}
	})
	admin, _ = g.first()
	author, _ = g.colleague("bruno", "Bruno Bianchi", "author")

	by := func(p *person, xml string) alerts.ID {
		r := g.do("POST", "/api/v1/alerts", xml, "Cookie", "martinella="+p.cookieOf("martinella"), "Content-Type", "application/cap+xml")
		if r.StatusCode != http.StatusAccepted && r.StatusCode != http.StatusCreated {
			t.Fatalf("submit: %d %s", r.StatusCode, r.body)
		}
		return alerts.ID(r.json(t)["id"].(string))
	}
	waiting := by(author, message("spoken-waiting", "severity", "Severe"))
	running := g.issue(message("spoken-running", "severity", "Severe"))["id"].(string)
	lapsed := g.issue(message("spoken-lapsed", "severity", "Severe", "headline", "Frana sulla strada"))["id"].(string)
	g.expire("spoken-lapsed", time.Hour)
	cancelled := g.issue(message("spoken-cancelled", "severity", "Severe"))["id"].(string)
	digest := g.get("/api/v1/alerts/"+cancelled, "Authorization", "Bearer "+approver).json(t)["digest"].(string)
	if r := g.act(issuer, cancelled, "cancel", `{"digest":"`+digest+`","reason":"errore"}`); r.StatusCode >= 300 {
		t.Fatalf("cancel: %d %s", r.StatusCode, r.body)
	}
	g.settle()
	soon := time.Now().Add(20 * time.Second)
	g.stand(running,
		broadcast.Delivery{Channel: "sms", State: "sending", Total: 18420, Accepted: 10116, Delivered: 9870, Failed: 41},
		broadcast.Delivery{Channel: "facebook", State: "retrying", Total: 1, Error: "429 too many requests", NextAttempt: &soon},
		broadcast.Delivery{Channel: "bluesky", State: "uncertain", Total: 1, Uncertain: 1, Error: "the answer was lost"},
		broadcast.Delivery{Channel: "mastodon-comune", State: "failed", Total: 1, Failed: 1, Error: "401 the token was revoked"},
		broadcast.Delivery{Channel: "email", State: "partly_failed", Total: 10, Accepted: 9, Failed: 1, Error: "550 <mailbox> unavailable"},
	)
	for _, id := range []string{string(waiting), running, lapsed, cancelled} {
		for _, end := range []string{"", "/change", "/cancel", "/all-clear", "/extend", "/resume", "/review", "/scene", "/kits/mastodon", "/failures/mastodon", "/issue"} {
			also = append(also, "/console/a/"+id+end)
		}
	}
	return g, admin, author, also
}

// mistakes are the answers to what a tired person does wrong: everything without a
// reason, with an old digest, in the wrong state, with an empty form.
func (p *person) mistakes(lang string, alertPaths []string, draft string, form url.Values) map[string]string {
	p.t.Helper()
	said := map[string]string{}
	post := func(path string, form url.Values) {
		r := p.do("POST", path+"?lang="+lang, form)
		said["POST "+path+" "+form.Get("do")+form.Get("digest")+form.Get("until")] = r.body
	}
	for _, at := range alertPaths {
		if strings.Count(at, "/") != 3 {
			continue
		}
		for _, act := range []string{"approve", "reject", "return", "recall", "issue-alone", "cancel", "all-clear", "extend", "resume", "review", "open"} {
			for _, digest := range []string{"", "0000"} {
				post(at+"/"+act, url.Values{"digest": {digest}, "reason": {"prova"}, "why": {"wrong"}, "text": {"prova"}})
			}
			post(at+"/"+act, url.Values{})
		}
		post(at+"/failures/mastodon-comune", url.Values{"digest": {"0000"}})
		post(at+"/kits/mastodon-comune", url.Values{"digest": {"0000"}})
	}
	for _, path := range []string{"/console/account/calls", "/console/duty", "/console/staff", "/console/settings/keys", "/console/settings/identity", "/console/settings/registers", "/console/settings/templates/new", "/console/settings/channels"} {
		post(path, url.Values{"do": {"save"}})
	}
	for change, value := range map[string]string{"until": "mai", "from": "boh", "severity": "Extreme", "shapes": "qui", "places": "Atlantide", "t0-headline": "", "t0-instruction": "", "channels": "x-comune"} {
		one := withDo(form, "ask")
		one.Set(change, value)
		r := p.do("POST", draft+"?lang="+lang, one)
		said["POST "+draft+" "+change] = r.body
	}
	return said
}

// TestTheConsoleSpeaksOneLanguage reads every page as the administrator and as an
// author, in both languages: nothing is in the other one but what a platform said.
func TestTheConsoleSpeaksOneLanguage(t *testing.T) {
	_, admin, author, also := openSpoken(t)
	path, form := author.written(alerts.StatusActual)
	for _, lang := range []string{"it", "en"} {
		for who, p := range map[string]*person{"administrator": admin, "author": author} {
			pages := p.crawl(lang, also...)
			if len(pages) < 25 {
				t.Errorf("%s: only %d pages were found", who, len(pages))
			}
			maps.Copy(pages, p.mistakes(lang, also, path, form))
			said := map[string]bool{}
			for path, body := range pages {
				foreign, marked := listen(path, lang, body)
				for _, f := range foreign {
					if !said[f.text] {
						said[f.text] = true
						t.Errorf("%s, %s: %q is in another language", who, f.path, f.text)
					}
				}
				for _, f := range marked {
					if strings.Contains(path, "/settings/templates/") || strings.Contains(path, "/settings/lexicon") {
						continue // the words of English alerts, to be read
					}
					if lang == "it" && !said[f.text] {
						said[f.text] = true
						t.Errorf("%s, %s: %q is English, and no platform said it", who, f.path, f.text)
					}
				}
			}
		}
	}
}
