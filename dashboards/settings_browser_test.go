package dashboards

import (
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/channels"
	"martinella/dashboards/settings"
)

func TestSettingsInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g := openSettings(t)
	p, _ := g.first()
	by := alerts.By{ID: "staff:x", Name: "Anna Rossi"}
	if err := g.book.PutPhones(t.Context(), 0, []settings.Phone{{Number: "0573 555 0199", Note: "Centralino"}}, by, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := g.book.PutLinks(t.Context(), 0, []settings.Link{{URL: "https://127.0.0.1:1/a/very/long/address/that/goes/on/and/on/for/no/good/reason/at/all", Note: "Fiumi"}}, by, time.Now()); err != nil {
		t.Fatal(err)
	}
	p.do("POST", "/console/settings/channels", url.Values{"do": {"check"}, "channel": {"sms-comune"}})
	g.post.wrong = channels.Unauthorized(errors.New("401 the access token was revoked"))
	p.do("POST", "/console/settings/channels", url.Values{"do": {"check"}, "channel": {"mastodon-comune"}})
	b.call("Network.setCookie", map[string]any{"name": "martinella", "value": p.cookieOf("martinella"), "url": g.site, "httpOnly": true, "sameSite": "Strict"}, nil)
	script := axe(t)
	pages := map[string]string{"index": "", "channels": "/channels", "keys": "/keys", "templates": "/templates", "template": "/templates/flood", "template-new": "/templates/new", "registers": "/registers", "identity": "/identity", "areas": "/areas", "lexicon": "/lexicon"}
	for _, scheme := range []string{"light", "dark"} {
		b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		for _, width := range []int{320, 1280} {
			b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 1000}, nil)
			for name, path := range pages {
				b.open(g.site + "/console/settings" + path)
				b.eval(`for (const d of document.querySelectorAll('details')) d.open = true; 1`)
				if over := b.eval(fmt.Sprintf(`document.documentElement.scrollWidth - %d`, width)).(float64); over > 0 {
					t.Errorf("%s scrolls sideways by %v px at %d px", name, over, width)
				}
				small := b.eval(`[...document.querySelectorAll('nav a,button,summary,input,select,textarea,footer a')].filter(e => e.getClientRects().length && e.type !== 'hidden' && e.getBoundingClientRect().height < 24).map(e => e.textContent + e.id).join()`)
				if small != "" {
					t.Errorf("%s at %d px has targets under 24 px: %v", name, width, small)
				}
				b.picture(fmt.Sprintf("settings-%s-%d-%s", name, width, scheme))
				if script == "" {
					continue
				}
				b.eval(script + "; 1")
				found := b.eval(`axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')).join('\n'))`)
				if found != "" {
					t.Errorf("%s at %d px, %s: %v", name, width, scheme, found)
				}
			}
		}
	}
	// The contrast follows what is typed.
	b.open(g.site + "/console/settings/identity?lang=en")
	b.eval(`const f = document.getElementById('i-brand'); f.value = '#0066cc'; f.dispatchEvent(new Event('input')); 1`)
	b.arrives(`document.getElementById('colour').textContent.includes('reserved to central bodies')`)
	for _, path := range pages {
		r := p.get("/console/settings" + path)
		if n := len(zip([]byte(r.body))) + len(zip(g.asset(t, "app.css"))) + len(zip(g.asset(t, "console.css"))) + len(zip(g.asset(t, "passkey.js"))); n > 40<<10 {
			t.Errorf("%s takes %d bytes", path, n)
		}
	}
	b.quiet()
}
