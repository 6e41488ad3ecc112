package dashboards

import (
	"fmt"
	"os"
)

// looks opens pages of the console: nothing scrolls sideways, no target is too
// small, axe finds nothing. make e2e takes every width light and dark; else a
// phone's is light and a desk's dark.
func (b *browser) looks(site string, pages map[string]string) {
	t := b.t
	t.Helper()
	script := axe(t)
	for _, scheme := range []string{"light", "dark"} {
		b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		for _, width := range []int{320, 390, 1280} {
			if os.Getenv("TEST_E2E") == "" && (width == 390 || (width == 320) == (scheme == "dark")) {
				continue
			}
			b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 1000}, nil)
			for name, path := range pages {
				b.open(site + path)
				b.eval(`for (const d of document.querySelectorAll('details')) d.open = true; 1`)
				if over := b.eval(`document.documentElement.scrollWidth`).(float64) - float64(width); over > 0 {
					t.Errorf("%s scrolls sideways by %v px at %d px", path, over, width)
				}
				small := b.eval(`[...document.querySelectorAll('nav a,button,summary,input,select,textarea,footer a,.do a,a.button,.pick,.checks a')].filter(e => e.getClientRects().length && e.type !== 'hidden' && (e.closest('.pick,.checks label,label.pick') || e).getBoundingClientRect().height < 24).map(e => e.textContent + e.id).join()`)
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
	b.call("Emulation.clearDeviceMetricsOverride", nil, nil)
}
