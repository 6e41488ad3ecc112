package dashboards

import (
	"net/url"
	"strings"
	"testing"
)

// The browser warns two minutes before the session ends, keeps it when asked
// to, and says when it is over; what was typed stays.
func TestTheEndOfASessionInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g := openConsole(t)
	p, _ := g.first()
	b.call("Network.setCookie", map[string]any{"name": "martinella", "value": p.cookieOf("martinella"), "url": g.site, "httpOnly": true, "sameSite": "Strict"}, nil)
	script := axe(t)
	shown := func(name string) string {
		return `!document.querySelector('[data-session-warning]').hidden && !document.querySelector('[data-say=` + name + `]').hidden`
	}
	for _, width := range []int{320, 1280} {
		b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 1000}, nil)
		b.open(g.site + "/console/staff?lang=en")
		b.fill(map[string]string{"name": "Bruno Verdi"})
		b.eval(`window.late = 0; { const now = Date.now; Date.now = () => now() + window.late; } window.late = 12 * 60e3; 1`)
		b.eval(`dispatchEvent(new Event('pageshow')); 1`)
		if b.eval(`document.querySelector('[data-session-warning]').hidden`) != true {
			t.Error("it warns three minutes before")
		}
		b.eval(`window.late = 13.5 * 60e3; 1`)
		b.arrives(shown("soon"))
		b.picture("console-session-soon-" + itoa(width))
		if over := b.eval(`document.documentElement.scrollWidth - innerWidth`).(float64); over > 0 {
			t.Errorf("it scrolls sideways by %v px at %d px", over, width)
		}
		if script != "" {
			b.eval(script + "; 1")
			if found := b.eval(`axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')).join('\n'))`); found != "" {
				t.Errorf("%d px: %v", width, found)
			}
		}
		b.eval(`document.querySelector('[data-session-warning] button').click(); 1`)
		b.arrives(`document.querySelector('[data-session-warning]').hidden`)
		b.eval(`window.late += 16 * 60e3; 1`)
		b.arrives(shown("over") + ` && document.querySelector('[data-session-warning] button').hidden`)
		if got := b.eval(`document.getElementById('name').value`); got != "Bruno Verdi" {
			t.Errorf("what was typed: %v", got)
		}
	}
	b.quiet()

	// The form that comes too late is kept, and goes through when sent again.
	p.do("POST", "/console/sign-out", url.Values{})
	b.eval(`for (const e of document.querySelectorAll('[required]')) e.required = false; document.getElementById('name').form.submit(); 1`)
	b.arrives(`document.querySelector('.held') && location.pathname === '/console/staff'`)
	for _, width := range []int{320, 1280} {
		b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 1000}, nil)
		b.picture("console-held-" + itoa(width))
		if script == "" {
			continue
		}
		b.eval(script + "; 1")
		if found := b.eval(`axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')).join('\n'))`); found != "" {
			t.Errorf("what was kept, %d px: %v", width, found)
		}
	}
	if text := b.eval(`document.body.innerText`).(string); !strings.Contains(text, "Bruno Verdi") {
		t.Errorf("what was typed is lost: %s", text)
	}
}
