package dashboards

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"martinella/alerts"
)

// as lets the browser be the member who signed in.
func (b *browser) as(g *consoleGateway, p *person) {
	b.t.Helper()
	b.call("Network.setCookie", map[string]any{"name": "martinella", "value": p.cookieOf("martinella"), "url": g.site, "httpOnly": true, "sameSite": "Strict"}, nil)
}

// looks opens pages at three widths, light and dark, and has axe read them.
func (b *browser) looks(script, site, prefix string, pages map[string]string) {
	t := b.t
	t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		for _, width := range []int{320, 390, 1280} {
			b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 1000}, nil)
			for name, path := range pages {
				b.open(site + path)
				b.picture(fmt.Sprintf("%s-%s-%d-%s", prefix, name, width, scheme))
				b.eval(`for (const d of document.querySelectorAll('details')) d.open = true; 1`)
				if over := b.eval(`document.documentElement.scrollWidth - innerWidth`).(float64); over > 0 {
					t.Errorf("%s scrolls sideways by %v px at %d px", path, over, width)
				}
				small := b.eval(`[...document.querySelectorAll('a.button,button,summary,textarea,select,.pick,.checks a')].filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 24).map(e => e.textContent + e.id).join()`)
				if small != "" {
					t.Errorf("%s at %d px has targets under 24 px: %v", path, width, small)
				}
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

func TestComposePagesLookWell(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, form := p.written(alerts.StatusExercise)
	form.Set("severity", "Extreme")
	form.Set("t0-instruction", "Salite ai piani alti subito.\nNon usate l'auto e non passate nei sottopassi.")
	form.Set("t1-headline", strings.Repeat("Donaudampfschifffahrtsgesellschaft", 4))
	p.do("POST", path, withDo(form, "save"))
	form = formOf(t, p.get(path).body, "writing")
	form.Set("t0-headline", "Piena in arrivo: salite ai piani alti subito")
	p.do("POST", path, withDo(form, "save"))
	p.begin(url.Values{"status": {"Actual"}, "template": {"smoke"}})
	id := g.issue(message("before"))["id"].(string)
	b.as(g.consoleGateway, p)
	b.looks(axe(t), g.site, "compose", map[string]string{
		"new": "/console/new", "update": "/console/new?changes=" + id, "draft": path, "draft-en": path + "?lang=en", "drafts": "/console/drafts",
		"versions": path + "/versions", "delete": path + "/delete",
	})
	b.quiet()
	r := p.get(path)
	if n := len(zip([]byte(r.body))) + len(zip(g.asset(t, "app.css"))) + len(zip(g.asset(t, "console.css"))) + len(zip(g.asset(t, "compose.js"))); n > 40<<10 {
		t.Errorf("the page takes %d bytes", n)
	}
}
