package dashboards

import (
	"strings"
	"testing"

	"martinella/alerts/areas"
)

// levelsOf tells every level apart without its colour: what the page holds of
// shape, words and pattern for each tone, on the cards and on the map.
const levelsOf = `(() => {
	const out = {};
	for (const tone of ['red', 'org', 'yel']) {
		const card = document.querySelector('#cards .card.' + tone), on = document.querySelector('.map .mark.' + tone + ' use');
		const fill = getComputedStyle(document.querySelector('.map .p.' + tone)).fill, pattern = document.querySelector(fill.match(/#[\w-]+/)[0]);
		const shape = id => document.querySelector(id + ' .f').getAttribute('d');
		out[tone] = [shape(card.querySelector('.mark use').getAttribute('href')), shape(on.getAttribute('href')), card.querySelector('.kicker span').textContent.split('·')[0].trim(), pattern.innerHTML];
	}
	return out;
})()`

// three issues an alert of each of the three levels that have a colour, in three
// zones of Valdemo.
func (g *gateway) three() (gravest string) {
	var zones []areas.Area
	for _, a := range areas.Valdemo().All() {
		if len(areas.Valdemo().Within(a.Code.Value)) == 0 {
			zones = append(zones, a)
		}
	}
	for i, one := range [][2]string{{"Moderate", "Strada chiusa per neve"}, {"Severe", "Temporali forti: restate in casa"}, {"Extreme", "Piena in arrivo: salite ai piani alti subito"}} {
		z := zones[i]
		gravest = g.issue(message("level-"+itoa(i), "severity", one[0], "headline", one[1], "areaDesc", z.Name,
			`<polygon>44.01,11.01 44.01,11.06 44.04,11.06 44.04,11.01 44.01,11.01</polygon>
      <geocode><valueName>ISTAT</valueName><value>099001</value></geocode>`, "<geocode><valueName>"+z.Code.Name+"</valueName><value>"+z.Code.Value+"</value></geocode>"))["id"].(string)
	}
	return gravest
}

func TestLevelsDifferWithoutColour(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g := open(t, valdemo)
	id := g.three()
	b.open(g.URL + "/?lang=it")
	levels := b.eval(levelsOf).(map[string]any)
	for i, what := range []string{"shape on its card", "shape on the map", "word", "pattern"} {
		seen := map[string]string{}
		for tone, v := range levels {
			is := v.([]any)[i].(string)
			if other := seen[is]; other != "" || strings.TrimSpace(is) == "" {
				t.Errorf("%s and %q have the same %s: %s", tone, other, what, is)
			}
			seen[is] = tone
		}
		if len(seen) != 3 {
			t.Errorf("%d kinds of %s", len(seen), what)
		}
	}
	for tone, v := range levels {
		if is := v.([]any); is[0] != is[1] {
			t.Errorf("%s has one shape on its card and another on the map", tone)
		}
	}

	// For people to look at: without colours, and with the reader's own.
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true}, nil)
	for name, path := range map[string]string{"home": "/?lang=it", "alert": "/a/" + id + "?lang=it"} {
		b.open(g.URL + path)
		b.call("Emulation.setEmulatedVisionDeficiency", map[string]any{"type": "achromatopsia"}, nil)
		b.picture("grey-" + name)
		b.call("Emulation.setEmulatedVisionDeficiency", map[string]any{"type": "none"}, nil)
		b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "forced-colors", "value": "active"}}}, nil)
		if b.eval(`matchMedia('(forced-colors: active)').matches`) != true {
			t.Fatal("the colours are not the reader's")
		}
		b.picture("forced-" + name)
		b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{}}, nil)
	}
	b.quiet()
}

// No two names of the map lie over each other, on a phone and on a desk.
func TestNamesOnTheMapDoNotCollide(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	b.call("Network.setCacheDisabled", map[string]any{"cacheDisabled": true}, nil)
	g := open(t, valdemo)
	look := func(when string) {
		for _, width := range []int{390, 1280} {
			b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 1000}, nil)
			b.open(g.URL + "/?lang=it")
			if got := b.eval(`(() => { const all = [...document.querySelectorAll('.map text')].map(e => [e.textContent, e.getBoundingClientRect()]), out = all.length ? [] : ['no name'];
				const map = document.querySelector('.map').getBoundingClientRect();
				all.forEach(([a, r], i) => { if (r.left < map.left - 1 || r.right > map.right + 1) out.push(a + ' is cut off');
					all.slice(i + 1).forEach(([b, q]) => { const w = Math.min(r.right, q.right) - Math.max(r.left, q.left), h = Math.min(r.bottom, q.bottom) - Math.max(r.top, q.top);
						if (w > 1 && h > r.height / 4) out.push(a + ' over ' + b); }); });
				return out.join(); })()`); got != "" {
				t.Errorf("%s at %d px: %v", when, width, got)
			}
			b.picture("names-" + when + "-" + itoa(width))
		}
	}
	look("quiet")
	g.three()
	look("alerts")
	if got := b.eval(`document.querySelectorAll('.map .mark').length`); got != 3.0 {
		t.Errorf("%v alerts on the map", got)
	}
	b.quiet()
}
