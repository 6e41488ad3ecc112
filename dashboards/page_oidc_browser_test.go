package dashboards

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// A real browser minds SameSite and the policy of forms: it goes to the provider
// and back, and is in, without a script of ours on the way.
func TestAProviderInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g, fake := openThrough(t)
	p, _ := g.bound()
	p.do("POST", "/console/sign-out", url.Values{})
	sent := g.issue(message("grave", "severity", "Severe"))
	script := axe(t)
	looks := func(name string) {
		t.Helper()
		for _, width := range []int{320, 390, 1280} {
			b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 1000}, nil)
			for _, scheme := range []string{"light", "dark"} {
				b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
				if over := b.eval(`document.documentElement.scrollWidth - innerWidth`).(float64); over > 0 {
					t.Errorf("%s scrolls sideways by %v px at %d px", name, over, width)
				}
				if width != 390 || scheme == "dark" {
					b.picture(fmt.Sprintf("console-oidc-%s-%d-%s", name, width, scheme))
				}
				if script == "" {
					continue
				}
				b.eval(script + "; 1")
				if found := b.eval(`axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')).join('\n'))`); found != "" {
					t.Errorf("%s, %d px, %s: %v", name, width, scheme, found)
				}
			}
		}
	}
	press := func(words string) {
		t.Helper()
		if b.eval(`(() => { const f = [...document.querySelectorAll('button')].find(x => x.innerText.includes(`+fmt.Sprintf("%q", words)+`)); if (f) f.click(); return !!f })()`) != true {
			t.Fatalf("no button %q: %v", words, b.eval(`document.body.innerText`))
		}
	}
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)

	b.open(g.site + "/console/sign-in?lang=it")
	looks("sign-in")
	press("Entra con SPID/CIE")
	b.arrives(`location.pathname === '/console' && document.querySelector('[data-session]')`)

	// Another person at the provider: it is said, with a way back.
	page := g.site + "/console/a/" + sent["id"].(string) + "/cancel?lang=it"
	b.open(page)
	looks("cancel")
	fake.Sits("somebody else")
	b.eval(`document.getElementById('reason').value = 'la diga tiene'; 1`)
	press("Conferma con SPID/CIE")
	b.arrives(`document.querySelector('main .wrong[role=alert]') && location.pathname.endsWith('/return')`)
	looks("other")
	b.eval(`document.querySelector('main a.button').click(); 1`)
	b.arrives(`location.pathname.endsWith('/cancel')`)

	fake.Sits("anna at the provider")
	b.eval(`document.getElementById('reason').value = 'la diga tiene'; 1`)
	press("Conferma con SPID/CIE")
	b.arrives(`location.pathname.endsWith('/cancel') && document.querySelector('.confirmed')`)
	looks("confirmed")
	if got := b.eval(`document.getElementById('reason').value`); got != "la diga tiene" {
		t.Errorf("what was typed: %v", got)
	}
	b.eval(`document.querySelector('input[name=why]').click(); 1`)
	press(b.eval(`document.querySelector('form .confirmed ~ p button').innerText`).(string))
	b.arrives(`!location.pathname.endsWith('/cancel') || document.querySelector('main .wrong[role=alert]')`)
	if at := b.eval(`location.pathname`).(string); strings.HasSuffix(at, "/cancel") {
		t.Errorf("it was not done: %v", b.eval(`document.querySelector('main').innerText`))
	}

	b.open(g.site + "/console/account?lang=it")
	looks("account")
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, said := range b.said {
		if !strings.Contains(said, "status of 403") { // the other person's
			t.Errorf("the browser complains: %s", said)
		}
	}
}
