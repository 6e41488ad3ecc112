package dashboards

import (
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// riverbank is a picture to look at: sky, water, a bridge.
func riverbank() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 1200, 900))
	for y := range 900 {
		for x := range 1200 {
			c := color.RGBA{170, 190, 205, 255}
			if y > 420 && y < 500 || (y >= 500 && y < 620 && x%300 < 60) {
				c = color.RGBA{110, 95, 85, 255}
			} else if y >= 560 {
				c = color.RGBA{120, uint8(100 + (x+y)%20), 60, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// TestTheSceneInABrowser publishes from a phone, with and without a script, while a
// citizen has the page open.
func TestTheSceneInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	script := axe(t)
	g := openConsole(t)
	event := g.issue(message("vella", "severity", "Severe"))["event"].(string)
	drill := g.issue(message("drill", "severity", "Severe", "status", "Exercise"))["event"].(string)
	p, _ := g.first()
	picture := filepath.Join(t.TempDir(), "IMG_0042.jpg")
	if err := os.WriteFile(picture, jpegOf(t, riverbank()), 0o600); err != nil {
		t.Fatal(err)
	}
	b.call("Network.setCookie", map[string]any{"name": "martinella", "value": p.cookieOf("martinella"), "url": g.site, "httpOnly": true, "sameSite": "Strict"}, nil)
	phone := func(width int) {
		b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 1000}, nil)
	}
	look := func(name string) {
		t.Helper()
		for _, scheme := range []string{"light", "dark"} {
			b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
			for _, width := range []int{320, 390, 1280} {
				phone(width)
				b.eval(`for (const d of document.querySelectorAll('details')) d.open = true; 1`)
				if over := b.eval(`document.documentElement.scrollWidth - innerWidth`).(float64); over > 0 {
					t.Errorf("%s scrolls sideways by %v px at %d px", name, over, width)
				}
				b.picture(fmt.Sprintf("scene-%s-%d-%s", name, width, scheme))
				if script == "" {
					continue
				}
				b.eval(script + "; 1")
				if found := b.eval(`axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')).join('\n'))`); found != "" {
					t.Errorf("%s at %d px, %s: %v", name, width, scheme, found)
				}
			}
		}
		phone(390)
	}
	choose := func() {
		t.Helper()
		var doc struct{ Root struct{ NodeID int } }
		b.call("DOM.getDocument", nil, &doc)
		var node struct{ NodeID int }
		b.call("DOM.querySelector", map[string]any{"nodeId": doc.Root.NodeID, "selector": "#photo"}, &node)
		b.call("DOM.setFileInputFiles", map[string]any{"nodeId": node.NodeID, "files": []string{picture}}, nil)
	}
	write := func() {
		t.Helper()
		choose()
		b.fill(map[string]string{"alt": "Il ponte di via Roma visto dalla riva, con l'acqua poco sotto l'arco", "text": "L'acqua è a 20 cm dal ponte.", "place": "Ponte di via Roma"})
	}
	path := g.site + "/console/a/" + event + "/scene"
	phone(390)
	b.open(path)
	look("form")
	b.eval(`document.querySelector('form.scene').noValidate = true; document.querySelector('form.scene button').click(); 1`)
	b.arrives(`document.querySelector('[role=alert] a[href="#place"]') && document.getElementById('place').getAttribute('aria-invalid') === 'true'`)
	look("wrong")
	b.mu.Lock()
	b.said = nil // that the form was refused
	b.mu.Unlock()
	b.open(path)
	write()
	b.arrives(`!document.querySelector('[data-preview]').hidden`)
	b.eval(`document.querySelector('form.scene button').click(); 1`)
	b.arrives(`location.search.includes('done=') && document.querySelector('section.said img')?.complete`)
	g.settle()
	look("done")
	b.open(g.site + "/a/" + event)
	b.arrives(`document.querySelector('#thread [data-seen]')`)
	b.eval(`document.querySelector('#thread img').scrollIntoView(); 1`)
	b.arrives(`document.querySelector('#thread img').naturalWidth > 0`)
	look("public")
	b.open(g.site + "/console/a/" + event + "/scene")
	look("again")

	// Without a script, in English, on an exercise.
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	form := p.typed("/console/a/" + drill + "/scene")
	if r := p.send("/console/a/"+drill+"/scene?lang=en", form, jpegOf(t, riverbank())); r.StatusCode != 200 || !strings.Contains(r.body, "This is what the public sees now") || !strings.Contains(r.body, "EXERCISE") {
		t.Errorf("without a script: %d %s", r.StatusCode, r.body)
	}
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
	g.settle()
	b.open(g.site + "/a/" + drill + "?lang=en")
	look("drill")
	b.quiet()
}

// An open page of the event shows it without being loaded again, and says it to who
// cannot see; the first page stays as it is.
func TestAnOpenPageShowsTheScene(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g, _ := openLive(t)
	event := g.issue(message("vella", "severity", "Severe"))["event"].(string)
	b.open(g.URL + "/a/" + event)
	b.arrives(`document.getElementById('state').textContent !== ''`)
	b.eval(`window.here = true; 1`)
	r := g.act(author, event, "updates", `{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","text":"L'acqua è a 20 cm dal ponte.","place":"Ponte di via Roma","source":"Vigili del Fuoco","observed":"`+time.Now().Format(time.RFC3339)+`"}`)
	if r.StatusCode != 201 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	b.arrives(`window.here && document.querySelector('#thread [data-seen]') && document.getElementById('live').textContent.includes('20 cm')`)
	if r = g.act(author, event, "updates/01ARZ3NDEKTSV4RRFFQ69G5FAV/withdraw", `{"reason":"Non era vero"}`); r.StatusCode != 200 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	b.arrives(`window.here && !document.querySelector('#thread [data-seen]') && document.getElementById('thread').textContent.includes('Non era vero')`)
	b.quiet()
}
