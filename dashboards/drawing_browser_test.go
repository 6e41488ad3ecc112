package dashboards

import (
	"fmt"
	"strings"
	"testing"

	"martinella/alerts"
)

// needsMap skips a test where the map for drawing was not bundled.
func needsMap(t *testing.T, g *desktop) {
	t.Helper()
	if !g.server.pages.assets.editor() {
		t.Skip("SKIP: the map for drawing areas is not built: run `make editor`, which needs npm")
	}
}

// mouse moves the pointer to a place of the map, in shares of its box, and
// presses the button there.
func (b *browser) mouse(x, y float64, kinds ...string) {
	b.t.Helper()
	at := b.eval(fmt.Sprintf(`(() => { const e = document.getElementById('drawing-map'); e.scrollIntoView({block: 'center', behavior: 'instant'}); const r = e.getBoundingClientRect(); return [r.x + r.width * %g, r.y + r.height * %g]; })()`, x, y)).([]any)
	for _, kind := range kinds {
		m := map[string]any{"type": kind, "x": at[0], "y": at[1], "button": "none", "pointerType": "mouse"}
		if kind != "mouseMoved" {
			m["button"], m["clickCount"] = "left", 1
		}
		if kind == "mousePressed" {
			m["buttons"] = 1
		}
		b.call("Input.dispatchMouseEvent", m, nil)
	}
}

func (b *browser) clickMap(x, y float64) {
	b.t.Helper()
	b.mouse(x, y, "mouseMoved", "mousePressed", "mouseReleased")
}

// dragMap moves what is under the first place to the second.
func (b *browser) dragMap(x, y, toX, toY float64) {
	b.t.Helper()
	b.mouse(x, y, "mouseMoved", "mousePressed")
	for i := 1.0; i <= 5; i++ {
		at := b.eval(fmt.Sprintf(`(() => { const r = document.getElementById('drawing-map').getBoundingClientRect(); return [r.x + r.width * %g, r.y + r.height * %g]; })()`, x+(toX-x)*i/5, y+(toY-y)*i/5)).([]any)
		b.call("Input.dispatchMouseEvent", map[string]any{"type": "mouseMoved", "x": at[0], "y": at[1], "button": "left", "buttons": 1}, nil)
	}
	b.mouse(toX, toY, "mouseReleased")
}

// tool presses a button over the map.
func (b *browser) tool(selector string) {
	b.t.Helper()
	b.eval(fmt.Sprintf(`document.querySelector('#drawing [%s]').click(); 1`, selector))
}

func (b *browser) lines() []string {
	b.t.Helper()
	return strings.Fields(strings.ReplaceAll(strings.TrimSpace(b.eval(`document.getElementById('shapes').value.trim().replaceAll(' ', '_')`).(string)), "\n", " "))
}

// openMap opens the page of a draft and its map, and counts who is asked for
// what.
func (b *browser) openMap(g *desktop, path string) {
	b.t.Helper()
	b.open(g.site + path + "?lang=it")
	if b.eval(`performance.getEntriesByType('resource').some(e => e.name.includes('/static/editor') || e.name.includes('areas.json'))`) != false {
		b.t.Error("the map is fetched before anybody opens it")
	}
	b.eval(`document.querySelector('#drawing summary').click(); document.getElementById('drawing').scrollIntoView(); 1`)
	b.until(`'ready' in document.getElementById('drawing').dataset`)
	b.eval(`document.getElementById('drawing-map').scrollIntoView({block: 'center'}); 1`)
}

func TestDrawingInABrowser(t *testing.T) {
	onlyInE2E(t)
	g := openDesktop(t)
	needsMap(t, g)
	b := openBrowser(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, _ := p.written(alerts.StatusExercise)
	b.as(p)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1280, "height": 1000, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.openMap(g, path)
	b.until(`document.querySelectorAll('#drawing-map path.zone').length >= 3 && document.querySelector('#drawing-map path.zone.chosen')`)
	b.picture("drawing-open")

	// The areas: the map ticks the list, and the list paints the map.
	chosen := func() any { return b.eval(`document.querySelectorAll('#drawing-map path.zone.chosen').length`) }
	b.eval(`document.getElementById('a-ISTAT=999001').click(); 1`)
	if chosen() != 0.0 {
		t.Errorf("%v chosen on the map after the tick was taken away", chosen())
	}
	at := b.eval(`(() => { const r = document.getElementById('drawing-map').getBoundingClientRect(), n = [...document.querySelectorAll('.zone-name')].find(e => e.textContent === 'Valdemo').getBoundingClientRect(); return [(n.x + n.width / 2 - r.x) / r.width, (n.y + n.height / 2 - r.y) / r.height]; })()`).([]any)
	b.clickMap(at[0].(float64), at[1].(float64)+0.06)
	b.until(`document.getElementById('a-ISTAT=999001').checked && document.querySelector('#drawing-map path.zone.chosen')`)

	// A polygon by mouse is in the form.
	b.tool("data-mode=polygon")
	for _, corner := range [][2]float64{{.3, .3}, {.6, .3}, {.6, .6}, {.3, .6}} {
		b.clickMap(corner[0], corner[1])
	}
	b.clickMap(.45, .1) // one corner too many, over a side
	b.tool("data-do=finish")
	b.until(`document.getElementById('drawing-said').textContent.includes('incrociare')`)
	if got := b.lines(); len(got) != 0 {
		t.Errorf("a shape whose sides cross is in the form: %q", got)
	}
	b.tool("data-do=undo")
	b.tool("data-do=finish")
	b.until(`document.getElementById('shapes').value.trim() !== ''`)
	drawn := b.lines()
	if len(drawn) != 1 || strings.Count(drawn[0], "_") != 4 {
		t.Fatalf("the polygon: %q, %v", drawn, b.eval(`document.getElementById('drawing-said').textContent`))
	}

	// A circle.
	b.tool("data-mode=circle")
	b.clickMap(.75, .3)
	b.clickMap(.8, .3)
	b.until(`document.getElementById('shapes').value.trim().split('\n').length === 2`)
	if got := b.lines(); got[0] != drawn[0] || strings.Count(got[1], "_") != 1 || strings.Count(got[1], ",") != 1 {
		t.Errorf("the circle: %q", got)
	}
	b.picture("drawing-drawn")

	// Moving, undoing, deleting.
	b.tool("data-mode=select")
	b.clickMap(.45, .45)
	b.until(`!document.querySelector('#drawing [data-do=delete]').disabled`)
	b.dragMap(.45, .45, .5, .5)
	b.until(`!document.getElementById('shapes').value.startsWith(` + fmt.Sprintf("%q", strings.ReplaceAll(drawn[0], "_", " ")) + `)`)
	b.picture("drawing-moved")
	b.tool("data-do=undo")
	if got := b.lines(); len(got) != 2 || got[0] != drawn[0] {
		t.Errorf("after undo: %q, before %q", got, drawn)
	}
	b.clickMap(.45, .45)
	b.until(`!document.querySelector('#drawing [data-do=delete]').disabled`)
	b.tool("data-do=delete")
	if got := b.lines(); len(got) != 1 || strings.Count(got[0], "_") != 1 {
		t.Errorf("after deleting: %q", got)
	}
	b.tool("data-do=undo")
	if got := b.lines(); len(got) != 2 {
		t.Errorf("after taking the deletion back: %q", got)
	}

	// What is typed is on the map; what is no shape stays as it was typed.
	shown := `document.querySelectorAll('#drawing-map path:not(.zone)').length`
	before := b.eval(shown).(float64)
	b.types("shapes", b.eval(`document.getElementById('shapes').value`).(string)+"44.01,10.01 44.02,10.01 44.02,10.02\nnessuna forma\n")
	b.until(fmt.Sprintf(`%s === %g && document.getElementById('drawing-said').textContent.includes('1')`, shown, before+1))
	b.tool("data-mode=circle")
	b.clickMap(.2, .8)
	b.clickMap(.22, .8)
	b.until(`document.getElementById('shapes').value.trim().split('\n').length === 5`)
	if got := b.lines(); got[3] != "nessuna_forma" {
		t.Errorf("the typed lines: %q", got)
	}
	b.tool("data-do=undo")
	b.types("shapes", strings.ReplaceAll(b.eval(`document.getElementById('shapes').value`).(string), "nessuna forma\n", ""))

	// All of it is stored.
	want := b.eval(`document.getElementById('shapes').value`).(string)
	b.until(`document.getElementById('saved').textContent.includes('Bozza salvata alle')`)
	b.taps("save")
	b.sees(`location.search.includes('said=saved') && document.querySelector('.said')`)
	kept := writingOf(t, p.get(path).body, "writing")
	if kept.Get("shapes") != want || !strings.HasPrefix(want, strings.ReplaceAll(drawn[0], "_", " ")) {
		t.Errorf("stored %q, drawn %q", kept.Get("shapes"), want)
	}
	shapes, bad := readShapes(kept.Get("shapes"))
	if len(shapes) != 3 || len(bad) != 0 || len(shapes[0].Polygon) != 5 || shapes[1].Circle == nil {
		t.Errorf("read back: %+v, not read %q", shapes, bad)
	}
	b.openMap(g, path)
	b.until(shown + ` === 3`)
	if got := b.eval(`document.getElementById('shapes').value`); got != want {
		t.Errorf("opening the map changed the form: %q", got)
	}
	if other := b.eval(`performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith(location.origin)).join()`); other != "" {
		t.Errorf("others were asked: %v", other)
	}
	b.quiet() // no error and no violation of the policy

	// Which the browser would tell of.
	b.eval(`document.head.append(Object.assign(document.createElement('style'), {textContent: 'a{color:red}'})); fetch('https://tiles.example/1.png').catch(() => 1)`)
	b.until(`true`)
	b.mu.Lock()
	defer b.mu.Unlock()
	if told := strings.Join(b.said, "\n"); !strings.Contains(told, "style-src") || !strings.Contains(told, "connect-src") {
		t.Errorf("violations of the policy are not told: %q", told)
	}
}

// Every corner counts wherever it is set: over an area, over its name, between
// areas, and after the map has got another size.
func TestCornersOverAreasInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	g := openDesktop(t)
	needsMap(t, g)
	b := openBrowser(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, _ := p.written(alerts.StatusExercise)
	b.as(p)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1280, "height": 1000, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.openMap(g, path)
	for _, height := range []string{"18rem", "28rem", "32rem"} {
		b.eval(fmt.Sprintf(`document.getElementById('drawing-map').style.height = %q; new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))`, height))
		b.types("shapes", "")
		b.tool("data-mode=polygon")
		name := b.eval(`(() => { const r = document.getElementById('drawing-map').getBoundingClientRect(), n = [...document.querySelectorAll('.zone-name')].find(e => e.textContent.includes('Valdemo')).getBoundingClientRect(); return [(n.x + n.width / 2 - r.x) / r.width, (n.y + n.height / 2 - r.y) / r.height]; })()`).([]any)
		over := 0
		for _, corner := range [][2]float64{{name[0].(float64), name[1].(float64)}, {.35, .15}, {.9, .35}, {.8, .9}, {.3, .9}} {
			if b.eval(fmt.Sprintf(`(() => { const e = document.getElementById('drawing-map'), r = e.getBoundingClientRect(), x = r.x + r.width * %g, y = r.y + r.height * %g; return [...document.querySelectorAll('#drawing-map path.zone')].some(z => z.isPointInFill(new DOMPoint(x, y).matrixTransform(z.getScreenCTM().inverse()))); })()`, corner[0], corner[1])) == true {
				over++
			}
			b.clickMap(corner[0], corner[1])
		}
		b.tool("data-do=finish")
		b.until(`document.getElementById('shapes').value.trim() !== ''`)
		if got := b.lines(); len(got) != 1 || strings.Count(got[0], "_") != 5 {
			t.Errorf("%s high: %q, want a polygon of five corners", height, got)
		}
		if over == 0 {
			t.Errorf("%s high: no corner was set over an area", height)
		}
	}
	b.quiet()
}

func TestTheMapForDrawingInABrowser(t *testing.T) {
	onlyInE2E(t)
	g := openDesktop(t)
	needsMap(t, g)
	size := 0
	for _, name := range editorFiles[:2] {
		size += len(zip(g.asset(t, name)))
	}
	if size > 90<<10 {
		t.Errorf("the map takes %d bytes", size)
	}
	for _, owner := range []string{"Agafonkin", "James Milner", "BSD-2-Clause", "Permission is hereby granted"} {
		if !strings.Contains(string(g.asset(t, "licences.txt")), owner) {
			t.Errorf("the licences lack %q", owner)
		}
	}
	b := openBrowser(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, form := p.written(alerts.StatusExercise)
	form.Set("shapes", "44.03,10.03 44.07,10.03 44.07,10.07\n44.05,10.15 2")
	if r := p.do("POST", path, withDo(form, "save")); r.StatusCode != 200 {
		t.Fatalf("%d", r.StatusCode)
	}
	b.as(p)
	script := axe(t)
	for _, scheme := range []string{"light", "dark"} {
		b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		for _, width := range []int{320, 390, 1280} {
			b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 1000}, nil)
			b.openMap(g, path)
			b.tool("data-mode=select")
			if over := b.eval(`document.documentElement.scrollWidth`).(float64) - float64(width); over > 0 {
				t.Errorf("it scrolls sideways by %v px at %d px", over, width)
			}
			if small := b.eval(`[...document.querySelectorAll('#drawing button,#drawing .leaflet-bar a,#drawing summary')].filter(e => e.getBoundingClientRect().height < 24).map(e => e.textContent).join()`); small != "" {
				t.Errorf("at %d px targets under 24 px: %v", width, small)
			}
			b.picture(fmt.Sprintf("drawing-%d-%s", width, scheme))
			if script == "" {
				continue
			}
			b.eval(script + "; 1")
			if found := b.eval(`axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')).join('\n'))`); found != "" {
				t.Errorf("at %d px, %s: %v", width, scheme, found)
			}
		}
	}
	b.quiet()
}
