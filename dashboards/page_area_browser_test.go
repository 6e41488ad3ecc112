package dashboards

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"martinella/alerts"
	"martinella/alerts/areas"
)

// The list names the zone in which the device is, and nothing of where that is
// leaves the device.
func TestMyOwnPositionStaysInABrowserThatNamesTheZone(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g := open(t, inValdemo)
	var mu sync.Mutex
	var asked []string
	public := g.server.Public()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.Method+" "+r.RequestURI+" "+fmt.Sprint(r.ContentLength, r.Header))
		mu.Unlock()
		public.ServeHTTP(w, r)
	}))
	t.Cleanup(site.Close)
	b.call("Browser.grantPermissions", map[string]any{"origin": site.URL, "permissions": []string{"geolocation"}}, nil)
	for _, code := range []string{"VD-1", "VD-5", "VD-8", ""} {
		at := alerts.Point{Lat: 45.4642, Lon: 9.19}
		want := ""
		if code != "" {
			at = inside(t, code)
			zone, _ := areas.Valdemo().Area(code)
			want = zone.Name + ", Valdemo" // the smallest first
		}
		b.call("Emulation.setGeolocationOverride", map[string]any{"latitude": at.Lat, "longitude": at.Lon, "accuracy": 12}, nil)
		b.open(site.URL + "/areas?lang=it&zone=" + code)
		b.until(`!document.getElementById('near').hidden`)
		mu.Lock()
		asked = nil
		mu.Unlock()
		b.eval(`document.getElementById('near-go').click(); 1`)
		b.until(`/circa 12 m/.test(document.getElementById('near-said').textContent)`)
		if got := b.eval(`[...document.querySelectorAll('#near-list a')].map(a => a.textContent).join(', ')`); got != want {
			t.Errorf("in %q the page names %q, want %q", code, got, want)
		}
		if code != "" {
			if got := b.eval(`document.querySelector('#near-list a').pathname`); got != "/area/"+code {
				t.Errorf("the link leads to %v", got)
			}
			b.picture("near-" + code)
		}
		mu.Lock()
		for _, request := range asked {
			if !strings.HasPrefix(request, "GET "+shapesPath+" 0 ") && !strings.HasPrefix(request, "GET /static/") {
				t.Errorf("a request left: %s", request)
			}
			for _, secret := range []string{fmt.Sprintf("%.2f", at.Lat), fmt.Sprintf("%.2f", at.Lon)} {
				if strings.Contains(request, secret) {
					t.Errorf("a request holds %s: %s", secret, request)
				}
			}
		}
		mu.Unlock()
		others := b.eval(`performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith(location.origin + '/static/') && n !== location.origin + '/areas.geojson').join()`)
		if others != "" {
			t.Errorf("the page also fetched %v", others)
		}
	}
	b.quiet()

	// Without a permission the page says what else can be done.
	b.call("Browser.resetPermissions", nil, nil)
	b.call("Emulation.clearGeolocationOverride", nil, nil)
	b.call("Browser.setPermission", map[string]any{"origin": site.URL, "permission": map[string]string{"name": "geolocation"}, "setting": "denied"}, nil)
	b.open(site.URL + "/areas?lang=it")
	b.until(`!document.getElementById('near').hidden`)
	b.eval(`document.getElementById('near-go').click(); 1`)
	b.until(`document.getElementById('near-said').textContent.includes('per nome')`)
}

// What citizens look up is readable on every screen, also with long names.
func TestAreasAndAdviceInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	long := strings.Repeat("Donaudampfschifffahrtsgesellschaft", 2)
	file := strings.Replace(string(areas.Valdemo().GeoJSON()), "Le Fornaci", long, 1)
	gazetteer, err := areas.Read(strings.NewReader(file), areas.Source{File: "long"})
	if err != nil {
		t.Fatal(err)
	}
	g := open(t, func(c *Config) { c.Areas = gazetteer })
	id := g.issue(message("look-1", append(where(long, "VALDEMO", "VD-9", nil), "severity", "Extreme")...))["id"].(string)
	g.issue(message("look-2", append(where("Borgo Basso", "VALDEMO", "VD-8", nil), "severity", "Moderate", "headline", "Strada chiusa")...))
	g.issue(message("look-3", append(where("Borgo Basso", "VALDEMO", "VD-8", nil), "status", "Exercise", "severity", "Severe")...))
	one := g.memory.records[0]
	g.keep(one, mustTime("2026-10-03T10:00:00Z"), ended)
	g.keep(one, mustTime("2025-12-31T23:30:00Z"), ended)
	b.looks(g.URL, map[string]string{
		"what-to-do": "/what-to-do", "flood": "/what-to-do/flood", "flood-de": "/what-to-do/flood?lang=de", "kit": "/what-to-do/kit?lang=en",
		"area": "/area/VD-8", "area-long": "/area/VD-9?lang=de", "area-quiet": "/area/VD-1", "municipality": "/area/099999", "areas": "/areas", "search": "/areas?q=x" + long,
		"past": "/past", "past-area": "/area/VD-9/past/2026-10", "alert": "/a/" + id,
	})
	b.quiet()
	b.looks(g.URL, map[string]string{"no-area": "/area/" + url.PathEscape(long+long)})
}

// An area's page follows the feed, it is whole without a script, and what
// happens elsewhere does not show.
func TestAnAreaIsLiveInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g, cut := openLive(t, inValdemo)
	defer cut()
	b.open(g.URL + "/area/VD-8?lang=it")
	b.until(`document.getElementById('state').textContent === 'La pagina si aggiorna da sola'`)
	b.until(`/^Alle \d\d:\d\d nessuna allerta per Borgo Basso\.$/.test(document.getElementById('count').textContent)`)
	b.eval(`window.shown = []; new MutationObserver(() => shown.push(document.getElementById('alerts').textContent)).observe(document.querySelector('main'), {subtree: true, childList: true}); 1`)
	g.issue(message("elsewhere", append(where("Poggio Alto", "VALDEMO", "VD-1", nil), "headline", "Restate lontani")...))
	g.issue(message("here", append(where("Borgo Basso", "VALDEMO", "VD-8", nil), "severity", "Severe", "headline", "Salite ai piani alti")...))
	b.until(`document.querySelector('#cards .card.org h2')?.textContent === 'Salite ai piani alti'`)
	b.until(`document.getElementById('count').textContent === 'Allerte in corso (1)'`)
	b.until(`document.querySelector('#map path.org')`)
	b.until(`document.getElementById('live').textContent.includes('Salite ai piani alti')`)
	if b.eval(`shown.join().includes('Restate lontani')`) == true {
		t.Error("an alert of elsewhere was shown for a moment")
	}
	b.quiet()

	if r := g.get("/area/VD-8?lang=it"); !strings.Contains(r.body, "Salite ai piani alti") || !strings.Contains(r.body, "Ricarica la pagina") {
		t.Errorf("without a script: %.500s", r.body)
	}
}
