package dashboards

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/html"

	"martinella/channels"
)

// register fills in a small register; the channel named stopped is in trouble.
func register(stopped string) func(*Config) {
	return func(c *Config) {
		c.Accounts = []Account{
			{Platform: "mastodon", Name: "@valdemo", URL: "https://social.example/@Valdemo", Channel: "masto", Verified: "https://social.example/proof", AtOnce: true},
			{Platform: "bluesky", Name: "@allerta.valdemo.example", URL: "https://bsky.example/profile/allerta.valdemo.example", Channel: "sky", DID: "did:plc:abcdefghijklmnopqrstuvwx", AtOnce: true},
			{Platform: "instagram", Name: "@comune.valdemo", URL: "https://instagram.example/comune.valdemo"},
		}
		c.Hashtags = channels.Hashtags{{Tags: []string{"Valdemo"}}, {Event: "Piena del torrente Rivo", Language: "it", Tags: []string{"#rivoPiena"}}, {Event: "Neve", Tags: []string{"neveValdemo"}}}
		c.Licence = "CC BY 4.0"
		c.Stopped = func(channel string) bool { return channel == stopped }
	}
}

// linksBack reads a page as a Mastodon server does when somebody names it in a
// profile: every a and link whose rel holds the word me, without regard to case
// of the address.
func linksBack(p page, profile string) bool {
	for n := range p.root.Descendants() {
		if n.Type != html.ElementNode || (n.Data != "a" && n.Data != "link") || !slices.Contains(strings.Fields(attr(n, "rel")), "me") {
			continue
		}
		if strings.EqualFold(attr(n, "href"), profile) {
			return true
		}
	}
	return false
}

func TestEveryPublicPageLinksBackToTheAccounts(t *testing.T) {
	g := open(t, register(""))
	id := g.issue(message("back"))["id"].(string)
	for _, path := range []string{"/", "/a/" + id, "/past", "/status", "/accessibility", "/privacy", "/guide", "/accounts"} {
		p := g.page(path)
		for _, a := range g.server.Accounts {
			if !linksBack(p, a.URL) {
				t.Errorf("%s does not link to %s as its own", path, a.URL)
			}
		}
		if linksBack(p, "https://social.example/@somebody") || linksBack(p, "https://social.example/proof") {
			t.Errorf("%s claims what is not ours", path)
		}
		p.says(".foot", "Account ufficiali")
	}
}

func TestThePageOfAccounts(t *testing.T) {
	g := open(t, register(""))
	id := g.issue(message("tags", "status", "Actual"))["id"].(string)
	g.issue(message("drill", "status", "Exercise"))
	p := g.page("/accounts")
	p.says("h1", "Account ufficiali")
	p.says(".accounts", "Mastodon @valdemo Gli avvisi escono qui appena emessi. Conferma della piattaforma")
	p.says(".accounts", "Instagram @comune.valdemo Curato da persone")
	p.says("main", "Chi pubblica altrove a nostro nome non siamo noi.")
	p.says("main", "#Valdemo #rivoPiena")
	p.says("main", "ESERCITAZIONE")
	p.says(".tags", "Ogni avviso #Valdemo")
	p.says(".tags", "Piena del torrente Rivo (italiano) #rivoPiena")
	p.says(".tags", "Neve #neveValdemo")
	p.says("main", "Licenza di riuso: CC BY 4.0.")
	p.says("main", "sito@comune.valdemo.example")
	if len(p.all("#notices .away")) != 0 {
		t.Error("an account is said not to be updated")
	}
	english := g.page("/accounts?lang=en")
	english.says("h1", "Official accounts and hashtags")
	for _, n := range english.all(".tags span") {
		if text(n) == "Neve" && attr(n, "lang") != "it-IT" {
			t.Errorf("an Italian word on an English page has the language %q", attr(n, "lang"))
		}
	}
	press := g.get("/accounts.json")
	v := press.json(t)
	if press.Header.Get("Access-Control-Allow-Origin") != "*" || press.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", press.Header)
	}
	account := v["accounts"].([]any)[0].(map[string]any)
	if account["name"] != "@valdemo" || account["current"] != true || account["at_once"] != true {
		t.Errorf("account %v", account)
	}
	events := v["events"].([]any)
	if len(events) != 2 {
		t.Fatalf("events %v", events)
	}
	event := events[0].(map[string]any)
	if event["url"] != "https://allerta.valdemo.example/a/"+id || event["status"] != "Actual" || len(event["hashtags"].([]any)) != 2 {
		t.Errorf("event %v", event)
	}
	if v["feeds"].(map[string]any)["atom"] != "https://allerta.valdemo.example/feed.atom" || v["licence"] != "CC BY 4.0" || v["contact"] != "sito@comune.valdemo.example" {
		t.Errorf("got %v", v)
	}
	if etag := press.Header.Get("ETag"); g.get("/accounts.json", "If-None-Match", etag).StatusCode != http.StatusNotModified {
		t.Error("an unchanged list is sent again")
	}
}

func TestWithoutARegisterThePageSaysSo(t *testing.T) {
	p := open(t).page("/accounts")
	p.says("main", "Non abbiamo account")
	p.says("main", "Nessun hashtag.")
}

func TestAnAccountThatIsNotUpdatedIsNamedWithWhereToLook(t *testing.T) {
	g := open(t, register("masto"))
	for _, path := range []string{"/", "/accounts", "/?part=live"} {
		p := g.page(path)
		p.says("#notices .away", "Non sono aggiornati in questo momento: @valdemo (Mastodon). Gli avvisi sono su queste pagine. Anche qui: @allerta.valdemo.example (Bluesky) .")
	}
	g.page("/accounts").says(".accounts", "@valdemo Non è aggiornato in questo momento.")
	if len(g.page("/status").all(".away")) != 0 {
		t.Error("every page says it")
	}
	accounts := g.get("/accounts.json").json(t)["accounts"].([]any)
	if accounts[0].(map[string]any)["current"] != false || accounts[1].(map[string]any)["current"] != true {
		t.Errorf("accounts %v", accounts)
	}
}

func TestAPageFollowsAnAccountThatStopsAndGoesOn(t *testing.T) {
	var stopped atomic.Bool
	g := open(t, register(""), func(c *Config) { c.Stopped = func(channel string) bool { return channel == "masto" && stopped.Load() } })
	for _, want := range []bool{false, true, false} {
		stopped.Store(want)
		if got := len(g.page("/").all("#notices .away")) == 1; got != want {
			t.Errorf("the first page says it: %v, want %v", got, want)
		}
	}
}

func TestWellKnownPaths(t *testing.T) {
	g := open(t, register(""))
	r := g.get("/.well-known/atproto-did")
	if r.StatusCode != 200 || r.body != "did:plc:abcdefghijklmnopqrstuvwx" || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%d %q %v", r.StatusCode, r.body, r.Header)
	}
	for _, path := range []string{"/.well-known/webfinger?resource=acct:x@allerta.valdemo.example", "/.well-known/nothing"} {
		if r := g.get(path); r.StatusCode != 404 || !strings.Contains(r.body, "<h1") {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	if r := open(t).get("/.well-known/atproto-did"); r.StatusCode != 404 {
		t.Errorf("without a DID: %d", r.StatusCode)
	}
}
