package dashboards

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/dashboards/signin"
)

// authenticator puts a virtual one into the browser.
func (b *browser) authenticator() string {
	b.t.Helper()
	b.call("WebAuthn.enable", nil, nil)
	var made struct{ AuthenticatorID string }
	b.call("WebAuthn.addVirtualAuthenticator", map[string]any{"options": map[string]any{
		"protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true,
	}}, &made)
	return made.AuthenticatorID
}

// fill types into fields by their ids.
func (b *browser) fill(values map[string]string) {
	b.t.Helper()
	for id, value := range values {
		b.eval(fmt.Sprintf(`document.getElementById(%q).value = %q; 1`, id, value))
	}
}

// arrives waits while the browser goes from page to page.
func (b *browser) arrives(condition string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if b.eval(`(() => { try { return document.readyState === 'complete' && !!(`+condition+`) } catch { return false } })()`) == true {
			return
		}
		b.eval(`new Promise(done => setTimeout(done, 10))`)
	}
	b.t.Fatalf("never came true: %s\n%v %v", condition, b.eval("location.href"), b.eval("document.body.innerText"))
}

func TestPasskeysInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g := openConsole(t)
	b.authenticator()
	token, err := g.office.FirstInvitation(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.open(g.site + "/console/invite/" + token)
	b.fill(map[string]string{"name": "Anna Rossi", "login": "anna"})
	b.eval(`document.querySelector('[data-passkey]').click(); 1`)
	b.arrives(`location.pathname === '/console' && document.querySelector('.desk')`)
	b.eval(`document.querySelector('.desk form button').click(); 1`)
	b.arrives(`location.pathname === '/console/sign-in' && document.querySelector('.said')`)
	b.eval(`document.querySelector('[data-passkey]').click(); 1`)
	b.arrives(`location.pathname === '/console' && document.querySelector('.desk')`)

	// The same key is not made twice; one on another authenticator is.
	b.open(g.site + "/console/account")
	b.eval(`document.querySelector('[data-passkey]').click(); 1`)
	b.arrives(`!document.querySelector('[data-wrong]').hidden`)
	b.call("WebAuthn.disable", nil, nil)
	b.authenticator()
	b.eval(`document.querySelector('[data-passkey]').click(); 1`)
	b.arrives(`document.querySelectorAll('#h-passkeys ~ ul li').length === 2`)

	// What the browser sent once counts once: the server's own answer to a replay.
	b.eval(`document.querySelector('.desk form button').click(); 1`)
	b.arrives(`location.pathname === '/console/sign-in'`)
	b.eval(`window.sent = []; { const f = window.fetch; window.fetch = (to, o) => { window.sent.push([to, o.body]); localStorage.sent = JSON.stringify(window.sent); return f(to, o); }; } document.querySelector('[data-passkey]').click(); 1`)
	b.arrives(`location.pathname === '/console'`)
	got := b.eval(`(async () => { const [to, body] = JSON.parse(localStorage.sent)[1]; localStorage.clear(); return (await fetch(to, {method: 'POST', headers: {'Content-Type': 'application/json'}, body})).status; })()`)
	if got != float64(http.StatusUnauthorized) {
		t.Errorf("a replayed assertion: %v", got)
	}

	// The same key at another address counts for nothing.
	other, err := signin.New(g.store, "Valdemo", "http://localhost:1")
	if err != nil {
		t.Fatal(err)
	}
	b.eval(`document.querySelector('.desk form button').click(); 1`)
	b.arrives(`location.pathname === '/console/sign-in'`)
	g.server.console.office = other
	b.eval(`document.querySelector('[data-passkey]').click(); 1`)
	b.arrives(`!document.querySelector('[data-wrong]').hidden && location.pathname === '/console/sign-in'`)
	g.server.console.office = g.office

	// A link that was used is over.
	if r := g.get("/console/invite/" + token); r.StatusCode != http.StatusGone {
		t.Errorf("the used link: %d", r.StatusCode)
	}
}

// axe is the checker's own script, where its packages are installed.
func axe(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("e2e", "node_modules", "axe-core", "axe.min.js"))
	if err != nil && os.Getenv("TEST_E2E") != "" {
		t.Fatalf("axe-core is not installed, accessibility was not checked: %v", err)
	}
	if err != nil {
		t.Log("SKIP: axe-core is not installed: accessibility was not checked")
		return ""
	}
	return string(text)
}

func TestConsoleInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	troubles := []broadcast.Trouble{{Channel: "mastodon-comune", Since: time.Now().Add(-time.Hour), Refused: true, Reason: "401 the access token was revoked", Renewal: "Make a new token and put it into token_file."}}
	g := openConsole(t, func(c *Config) { c.Troubles = func() []broadcast.Trouble { return troubles } })
	script := axe(t)
	long := strings.Repeat("Donaudampfschifffahrtsgesellschaft", 4)
	g.issue(message("shown", "severity", "Extreme", "headline", long))
	g.issue(message("drill", "severity", "Severe", "status", "Exercise"))
	if r := g.post(author, "/api/v1/alerts", message("waits", "severity", "Severe")); r.StatusCode != 202 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	token, err := g.office.FirstInvitation(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	invite := "/console/invite/" + token
	views := func(pages map[string]string) {
		for _, scheme := range []string{"light", "dark"} {
			b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
			for _, width := range []int{320, 390, 1280} {
				b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 1000}, nil)
				for name, path := range pages {
					b.open(g.site + path)
					b.eval(`for (const d of document.querySelectorAll('details')) d.open = true; 1`)
					if over := b.eval(`document.documentElement.scrollWidth - innerWidth`).(float64); over > 0 {
						t.Errorf("%s scrolls sideways by %v px at %d px", path, over, width)
					}
					small := b.eval(`[...document.querySelectorAll('nav a,button,summary,input,select,footer a')].filter(e => e.getClientRects().length && e.type !== 'hidden' && e.getBoundingClientRect().height < 24).map(e => e.textContent + e.id).join()`)
					if small != "" {
						t.Errorf("%s at %d px has targets under 24 px: %v", path, width, small)
					}
					b.picture(fmt.Sprintf("console-%s-%d-%s", name, width, scheme))
					if script == "" {
						continue
					}
					b.eval(script + "; 1")
					found := b.eval(`axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')).join('\n'))`)
					if found != "" {
						t.Errorf("%s at %d px, %s: %v", path, width, scheme, found)
					}
				}
			}
		}
	}
	views(map[string]string{"sign-in": "/console/sign-in", "invite": invite})
	b.quiet()
	views(map[string]string{"gone": "/console/invite/x"})
	b.mu.Lock()
	b.said = nil // that there is no such page
	b.mu.Unlock()

	// Without a script: password and codes all the way.
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	p := g.person()
	p.join(token, "anna", "Anna Rossi")
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
	b.call("Network.setCookie", map[string]any{"name": "martinella", "value": p.cookieOf("martinella"), "url": g.site, "httpOnly": true, "sameSite": "Strict"}, nil)
	if _, err := g.office.NewInvitation(t.Context(), invitationOf("bruno", "Bruno "+long[:60]), time.Now()); err != nil {
		t.Fatal(err)
	}
	views(map[string]string{"overview": "/console", "account": "/console/account", "staff": "/console/staff", "staff-en": "/console/staff?lang=en", "ledger": "/console/ledger", "ledger-en": "/console/ledger?lang=en&verb=approved"})
	for _, path := range []string{"/console", "/console/account", "/console/staff", "/console/sign-in", "/console/ledger"} {
		r := p.get(path)
		if n := len(zip([]byte(r.body))) + len(zip(g.asset(t, "app.css"))) + len(zip(g.asset(t, "passkey.js"))); n > 40<<10 {
			t.Errorf("%s takes %d bytes", path, n)
		}
	}
	b.quiet()
}

// asset reads a file of the pages.
func (g *consoleGateway) asset(t *testing.T, name string) []byte {
	t.Helper()
	at, err := g.server.pages.assets.url(name)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(g.get(at).body)
}

func invitationOf(login, name string) signin.Invitation {
	return signin.Invitation{Login: login, Name: name, Grant: grantOf(map[string][]string{"role": {"approver", "viewer"}, "areas": {"099*, 052032"}, "severity-max": {"Severe"}}), By: alerts.By{ID: "staff:x", Name: "Anna"}}
}
