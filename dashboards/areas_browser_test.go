package dashboards

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"martinella/alerts/areas"
	"martinella/dashboards/signin"
)

// Somebody tries a file out, reads what it changes, saves it, and tries one that
// is wrong.
func TestAreasInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g := openSettings(t)
	b.as(g.member("elena", signin.EveryRole()))
	script := axe(t)
	look := func(name string) {
		t.Helper()
		for scheme, width := range map[string]int{"light": 320, "dark": 1280} {
			b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
			b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 1000}, nil)
			b.eval(`for (const d of document.querySelectorAll('details')) d.open = true; 1`)
			if over := b.eval(fmt.Sprintf(`document.documentElement.scrollWidth - %d`, width)).(float64); over > 0 {
				t.Errorf("%s scrolls sideways by %v px at %d px", name, over, width)
			}
			b.picture("areas-" + name + "-" + scheme)
			if script == "" {
				continue
			}
			b.eval(script + "; 1")
			if found := b.eval(`axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')).join('\n'))`); found != "" {
				t.Errorf("%s at %d px, %s: %v", name, width, scheme, found)
			}
		}
	}
	try := func(file string) {
		t.Helper()
		text, _ := json.Marshal(file) // a string
		b.eval(`{ const d = new DataTransfer(); d.items.add(new File([` + string(text) + `], "zone.geojson")); document.getElementById("file").files = d.files;
			for (const [k, v] of Object.entries({name: "zone", source: "Comune di Valdemo", licence: "CC BY 4.0", date: "maggio 2026"})) document.getElementById(k).value = v;
			document.querySelector("button[value=check]").click(); } 1`)
	}
	zones := string(areas.Valdemo().GeoJSON())
	b.open(g.site + areasPath)
	look("form")
	try(zones)
	b.arrives(`document.querySelector("#report svg.map")`)
	look("report")
	b.eval(`document.querySelector("button[value=store]").click(); 1`)
	b.arrives(`document.querySelector("#set-zone")`)
	look("stored")
	b.quiet() // a browser complains of the answer 422 that follows
	try(strings.ReplaceAll(zones, `"Polygon"`, `"Point"`)[:len(zones)/2])
	b.arrives(`document.querySelector("#mistakes")`)
	look("mistakes")
}
