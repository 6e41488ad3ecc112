package dashboards

import (
	"net/url"
	"strings"
	"testing"
)

func TestShortcutsAreTurnedOffByEachMember(t *testing.T) {
	g := openConsole(t)
	p, _ := g.first()
	other, _ := g.colleague("carla", "Carla Bianchi", "author")
	if r := p.get("/console"); !strings.Contains(r.body, `id="keys"`) || !strings.Contains(r.body, "/static/keys.") {
		t.Error("the shortcuts are not there from the beginning")
	}
	if r := g.person().get("/console/sign-in"); strings.Contains(r.body, "/static/keys.") {
		t.Error("there are shortcuts before signing in")
	}
	r := p.do("POST", "/console/account?lang=it", url.Values{"do": {"shortcuts"}, "on": {""}})
	if r.StatusCode != 200 || !strings.Contains(r.body, "Per te sono spente.") || !strings.Contains(r.body, "Accendi le scorciatoie") {
		t.Errorf("turned off: %d %s", r.StatusCode, r.body)
	}
	for _, path := range []string{"/console", "/console/account", "/console/new"} {
		if r := p.get(path); strings.Contains(r.body, "/static/keys.") || strings.Contains(r.body, "<dialog") {
			t.Errorf("%s: the shortcuts are still there", path)
		}
	}
	if r := other.get("/console"); !strings.Contains(r.body, "/static/keys.") {
		t.Error("they are off for somebody else too")
	}
	if r := p.do("POST", "/console/account", url.Values{"do": {"shortcuts"}, "on": {"1"}}); !strings.Contains(r.body, "/static/keys.") {
		t.Error("they do not come back")
	}
}

// presses a key as a keyboard does; text is what it types, "" for keys that
// type nothing.
func (b *browser) presses(key, code, text string, number, modifiers int) {
	b.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		m := map[string]any{"type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers}
		if kind == "keyDown" && text != "" {
			m["text"] = text
		}
		b.call("Input.dispatchKeyEvent", m, nil)
	}
}

// letter presses a key that types its own letter.
func (b *browser) letter(key string) { b.t.Helper(); b.presses(key, "", key, 0, 0) }

func TestShortcutsInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g := openConsole(t)
	p, _ := g.colleague("carla", "Carla Bianchi", "author", "approver")
	b.as(p)
	b.open(g.site + "/console/ledger?lang=it")
	b.letter("?")
	b.until(`document.getElementById('keys').open && document.activeElement.matches('#keys button')`)
	b.picture("shortcuts")
	b.letter("n") // the list is open: nothing else is done
	if got := b.eval(`location.pathname`); got != "/console/ledger" {
		t.Errorf("a key went to %v while the list was open", got)
	}
	b.presses("Escape", "Escape", "", 27, 0)
	b.until(`!document.getElementById('keys').open`)

	// Search stays on a page that has it; what is typed there is text.
	b.letter("/")
	b.until(`document.activeElement.id === 'f-person'`)
	for _, key := range []string{"n", "/", "?", "g", "a"} {
		b.letter(key)
	}
	if got := b.eval(`document.activeElement.value + ' ' + location.pathname + document.getElementById('keys').open`); got != "n/?ga /console/ledgerfalse" {
		t.Errorf("typed into the field: %v", got)
	}
	b.eval(`document.activeElement.blur(); 1`)
	b.presses("n", "KeyN", "", 78, 4) // with Meta it is the browser's
	b.letter("a")                     // without g it is nothing
	if got := b.eval(`location.pathname`); got != "/console/ledger" {
		t.Errorf("went to %v", got)
	}
	b.letter("g")
	b.letter("a")
	b.arrives(`location.pathname === '/console' && location.hash === '#h-active' && new URLSearchParams(location.search).get('lang') === 'it'`)
	b.letter("n")
	b.arrives(`location.pathname === '/console/new'`)
	b.letter("/")
	b.until(`document.activeElement.id === 'q'`)
	b.open(g.site + "/console/drafts")
	b.letter("/")
	b.arrives(`location.pathname === '/console/ledger' && document.activeElement.id === 'f-person'`)
	b.quiet()

	p.do("POST", "/console/account", url.Values{"do": {"shortcuts"}, "on": {""}})
	b.open(g.site + "/console")
	b.letter("n")
	b.letter("?")
	if got := b.eval(`location.pathname + !!document.getElementById('keys')`); got != "/consolefalse" {
		t.Errorf("turned off, a key did %v", got)
	}
	b.quiet()
}
