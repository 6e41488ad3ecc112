package dashboards

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/areas"
)

// inValdemo is a gateway that knows the areas of Valdemo.
func inValdemo(c *Config) { c.Areas = areas.Valdemo() }

// inside gives a point that lies in this zone and in no other one.
func inside(t *testing.T, code string) alerts.Point {
	t.Helper()
	g := areas.Valdemo()
	a, _ := g.Area(code)
	low, high := boxOf(a.Rings())
	for i := range 400 {
		p := alerts.Point{Lat: low.Lat + (high.Lat-low.Lat)*float64(i/20+1)/22, Lon: low.Lon + (high.Lon-low.Lon)*float64(i%20+1)/22}
		const around = 0.0012
		at := g.Touching(areas.Draw([]alerts.Polygon{square(p, around)}, nil))
		if slices.ContainsFunc(g.At(p), func(v alerts.Value) bool { return v.Value == code }) && len(at) == 2 {
			return p
		}
	}
	t.Fatalf("no point of %s found", code)
	return alerts.Point{}
}

func square(p alerts.Point, d float64) alerts.Polygon {
	return alerts.Polygon{{Lat: p.Lat - d, Lon: p.Lon - d}, {Lat: p.Lat - d, Lon: p.Lon + d}, {Lat: p.Lat + d, Lon: p.Lon + d}, {Lat: p.Lat + d, Lon: p.Lon - d}, {Lat: p.Lat - d, Lon: p.Lon - d}}
}

// where writes the area of a message.
func where(name, system, code string, ring alerts.Polygon) []string {
	inner := "<areaDesc>" + name + "</areaDesc>"
	if ring != nil {
		inner += "<polygon>" + ring.String() + "</polygon>"
	}
	if code != "" {
		inner += "<geocode><valueName>" + system + "</valueName><value>" + code + "</value></geocode>"
	}
	return []string{"area", inner}
}

func TestAnAreaShowsWhatConcernsIt(t *testing.T) {
	const whole, zone, other, region = areas.ValdemoISTAT, "VD-8", "VD-1", "IT-XX"
	for name, one := range map[string]struct {
		area []string
		in   map[string]bool
	}{
		"its own code":          {where("Borgo Basso", "VALDEMO", zone, nil), map[string]bool{zone: true, whole: true, other: false}},
		"what it is a part of":  {where("Valdemo", "ISTAT", whole, nil), map[string]bool{zone: true, whole: true, other: true}},
		"a polygon alone":       {where("Via del Ponte", "", "", square(inside(t, zone), 0.0002)), map[string]bool{zone: true, whole: true, other: false}},
		"a polygon elsewhere":   {where("Lontano", "", "", square(alerts.Point{Lat: 40, Lon: 15}, 0.1)), map[string]bool{zone: false, whole: false, other: false}},
		"a code of elsewhere":   {where("Regione", "EMMA_ID", region, nil), map[string]bool{zone: true, whole: true, other: true}},
		"code and polygon":      {where("Borgo Basso", "VALDEMO", zone, square(inside(t, other), 0.0002)), map[string]bool{zone: true, whole: true, other: true}},
		"unknown, with a shape": {where("Altrove", "ISTAT", "001001", square(inside(t, zone), 0.0002)), map[string]bool{zone: true, whole: true, other: false}},
	} {
		t.Run(name, func(t *testing.T) {
			g := open(t, inValdemo)
			g.issue(message("area-1", append(one.area, "headline", "Restate in casa")...))
			for code, want := range one.in {
				p := g.page(areaPath + "/" + code + "?lang=it")
				if got := len(p.all("#cards li.card")) == 1; got != want {
					t.Errorf("%s shows it: %v, want %v", code, got, want)
				}
				if want {
					p.says("#count", "Allerte in corso (1)")
					p.says("title", "(1) Allerte in corso")
				} else {
					p.says("#count", "nessuna allerta per ")
					p.never("#count", "adesso")
				}
				if part := g.get(areaPath + "/" + code + "?lang=it&part=live"); strings.Contains(part.body, "Restate in casa") != want || !strings.Contains(part.body, `id="part"`) {
					t.Errorf("the live part of %s: %.300s", code, part.body)
				}
			}
		})
	}
}

// An area is coloured whole, and says so; the border that an alert draws itself
// stands on top, where it reaches into the picture.
func TestTheMapOfAnAreaTellsPartsFromTheWhole(t *testing.T) {
	for name, c := range map[string]struct {
		change []string
		own    int
		line   bool
	}{
		"a drawn part":      {where("Via del Ponte", "", "", square(inside(t, "VD-8"), 0.0005)), 1, true},
		"a code":            {where("Borgo Basso", "VALDEMO", "VD-8", nil), 0, false},
		"a drawn elsewhere": {where("Borgo Basso", "VALDEMO", "VD-8", square(alerts.Point{Lat: 40, Lon: 15}, 0.1)), 0, false},
		"an exercise":       {append(where("Via del Ponte", "", "", square(inside(t, "VD-8"), 0.0005)), "status", "Exercise"), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := open(t, inValdemo)
			g.issue(message("whole-1", c.change...))
			body := g.get("/area/VD-8?lang=it").body
			if n := strings.Count(body, `<path class="own" d="M`); n != c.own {
				t.Errorf("%d borders, want %d", n, c.own)
			}
			if strings.Contains(body, "Il tratteggio è") != c.line {
				t.Errorf("the legend of the border: want %v", c.line)
			}
			if real := name != "an exercise"; strings.Contains(body, "colorata per intero") != real {
				t.Errorf("that zones are coloured whole is said: want %v", real)
			}
		})
	}
}

// A Cancel without words and areas of its own is where its event was.
func TestAnAreaShowsTheEnd(t *testing.T) {
	g := open(t, inValdemo)
	v := g.issue(message("end-1", where("Borgo Basso", "VALDEMO", "VD-8", nil)...))
	if r := g.act(issuer, v["id"].(string), "cancel", `{"digest":"`+v["digest"].(string)+`","reason":"errore"}`); r.StatusCode != 201 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	g.settle()
	g.page("/area/VD-8").says("li.card .kicker", "Annullata")
	if n := g.page("/area/VD-1").all("li.card"); len(n) != 0 {
		t.Error("the end of an event elsewhere is shown")
	}
	g.page("/area/VD-8/past").says(".past", "Annullata")
	if n := g.page("/area/VD-1/past").all(".past li"); len(n) != 0 {
		t.Error("the archive of an area holds an event of elsewhere")
	}
}

func TestWhatLiesAboutAnArea(t *testing.T) {
	g := open(t, inValdemo)
	p := g.page("/area/VD-8?lang=it")
	p.says("h1", "Borgo Basso")
	links := map[string]bool{}
	for _, n := range p.all("main a") { // each keeps the chosen language
		at, kept := strings.CutSuffix(attr(n, "href"), "lang=it")
		links[strings.TrimRight(at, "?&")] = kept || strings.HasPrefix(at, "/feed")
	}
	for _, want := range []string{"/area/099999", "/subscribe?area=VD-8", "/feed.atom?area=VD-8", "/feed.rss?area=VD-8", "/feed.json?area=VD-8", "/area/VD-8/past", "/areas"} {
		if !links[want] {
			t.Errorf("no link to %s", want)
		}
	}
	feeds := 0
	for _, n := range p.all("link") {
		if strings.HasSuffix(attr(n, "href"), "?area=VD-8") && strings.HasSuffix(attr(n, "title"), " – Borgo Basso") {
			feeds++
		}
	}
	if feeds != 4 {
		t.Errorf("%d feeds of the area can be discovered, want 4", feeds)
	}
	for _, at := range []string{"/feed.atom", "/feed.rss", "/feed.json", "/cap.atom"} {
		if r := g.get(at + "?area=VD-8&lang=it"); !strings.Contains(r.body, "https://allerta.valdemo.example/area/VD-8?lang=it") {
			t.Errorf("%s of the area does not lead to its page", at)
		}
		if r := g.get(at + "?lang=it"); strings.Contains(r.body, "/area/") || !strings.Contains(r.body, "https://allerta.valdemo.example/?lang=it") {
			t.Errorf("%s of everything does not lead to the first page", at)
		}
	}
	beside := 0
	gaz := areas.Valdemo()
	for _, a := range gaz.All() {
		if a.Code.Value == "VD-8" { // reading itself again
			continue
		}
		touch := slices.Contains(gaz.Touching(gaz.Outline("VD-8")), a.Code)
		if want := touch && a.Code.Name == areas.ValdemoSystem; links["/area/"+a.Code.Value] != (want || a.Code.Value == areas.ValdemoISTAT) {
			t.Errorf("a link to %s: %v, want %v", a.Code.Value, !want, want)
		} else if want {
			beside++
		}
	}
	if beside == 0 {
		t.Error("no neighbours")
	}
	whole := g.page("/area/099999?lang=it")
	if n := len(whole.all("svg.map path.z")); n != 9 {
		t.Errorf("%d of the nine zones are drawn", n)
	}
	whole.says("main h2", "Comprende")
	g.issue(message("drawn", append(where("Borgo Basso", "VALDEMO", "VD-8", nil), "severity", "Severe")...))
	whole = g.page("/area/099999?lang=it")
	if n := len(whole.all("svg.map path.org")); n != 2 { // the area and its pattern
		t.Errorf("%d shapes of the level", n)
	}
	whole.says("desc", "Borgo Basso: Avviso - pericolo grave")
}

func TestAnAreaIsFoundByItsName(t *testing.T) {
	g := open(t, inValdemo)
	c := *g.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for path, want := range map[string]string{
		"/area/vd-8":                  "/area/VD-8",
		"/area/borgo-basso":           "/area/VD-8",
		"/area/Borgo%20Basso?lang=en": "/area/VD-8?lang=en",
		"/area/BORGO_BASSO":           "/area/VD-8",
		"/area/valdemo":               "/area/099999",
		"/area/vd-8/past":             "/area/VD-8/past",
		"/area/vd-8/past/2026-01":     "/area/VD-8/past/2026-01",
		"/past?area=vd-8&lang=en":     "/area/VD-8/past?lang=en",
	} {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", g.URL+path, nil)
		r, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if got := r.Header.Get("Location"); r.StatusCode != http.StatusFound || got != want {
			t.Errorf("%s: %d %q, want %q", path, r.StatusCode, got, want)
		}
	}
	for _, path := range []string{"/area/nowhere", "/area/%3Cscript%3E", "/area/" + strings.Repeat("x", 5000), "/area/nowhere/past", "/past?area=nowhere", "/area/%E2%80%AEx", "/area/%2e%2e%2f"} {
		r := g.get(path)
		if r.StatusCode != 404 || !strings.Contains(r.body, "Questa zona non esiste qui") || !strings.Contains(r.body, `href="/area/VD-8"`) || strings.Contains(r.body, "<script>") {
			t.Errorf("%.40s: %d %.200s", path, r.StatusCode, r.body)
		}
	}
	if n := len(g.server.pages.shelf.pages); n != 0 {
		t.Errorf("strangers left %d pages in the memory", n)
	}
	for _, path := range []string{"/area/VD-8", "/areas", "/areas.geojson"} {
		if r := open(t).get(path); r.StatusCode != 404 {
			t.Errorf("%s without areas: %d", path, r.StatusCode)
		}
	}
}

func TestTheListOfAreas(t *testing.T) {
	g := open(t, inValdemo)
	all := g.page("/areas?lang=it")
	var names []string
	for _, n := range all.all("main ul.areas a") {
		names = append(names, text(n))
	}
	if len(names) != 10 || !slices.IsSorted(names) {
		t.Errorf("%q", names)
	}
	for asked, want := range map[string]string{"borgo": "Borgo Basso", "RIVO": "Valle del Rivo", "vd-3": "Mulino", "dùomo": "", "rre": "La Torre"} {
		p := g.page("/areas?lang=it&q=" + url.QueryEscape(asked))
		var got []string
		for _, n := range p.all("main ul.areas a") {
			got = append(got, text(n))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s finds %q, want %q", asked, got, want)
		}
		if want == "" {
			p.says("main", "Nessuna zona si chiama «"+asked+"»")
		}
	}
	if got := g.get("/areas").Header.Get("Permissions-Policy"); !strings.Contains(got, "geolocation=(self)") {
		t.Errorf("the list may not ask for the position: %s", got)
	}
	for _, path := range []string{"/", "/area/VD-8", "/past", "/what-to-do"} {
		if got := g.get(path).Header.Get("Permissions-Policy"); !strings.Contains(got, "geolocation=()") {
			t.Errorf("%s may ask for the position: %s", path, got)
		}
	}
	shapes := g.get("/areas.geojson")
	features, _ := shapes.json(t)["features"].([]any)
	if len(features) != 10 || shapes.Header.Get("Content-Type") != mediaGeo {
		t.Errorf("%d outlines, %s", len(features), shapes.Header.Get("Content-Type"))
	}
	if last := features[9].(map[string]any)["properties"].(map[string]any)["code"]; last != areas.ValdemoISTAT {
		t.Errorf("the largest is %v", last)
	}
	if r := g.get("/areas.geojson", "If-None-Match", shapes.Header.Get("ETag")); r.StatusCode != 304 {
		t.Errorf("unchanged: %d", r.StatusCode)
	}
}

// Many areas are listed by their first letter, and no outlines are sent.
func TestManyAreas(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"type":"FeatureCollection","features":[`)
	for i := range 600 {
		x, y := float64(i%30)*0.1, float64(i/30)*0.1
		fmt.Fprintf(&b, `%s{"type":"Feature","properties":{"code":"%06d","name":"%c Comune %03d"},"geometry":{"type":"Polygon","coordinates":[[[%[5]f,%[6]f],[%[7]f,%[6]f],[%[7]f,%[8]f],[%[5]f,%[8]f],[%[5]f,%[6]f]]]}}`,
			map[bool]string{true: ","}[i > 0], i, 'A'+i%20, i, 10+x, 40+y, 10.1+x, 40.1+y)
	}
	b.WriteString("]}")
	gazetteer, err := areas.Read(strings.NewReader(b.String()), areas.Source{File: "many", System: "ISTAT"})
	if err != nil {
		t.Fatal(err)
	}
	g := open(t, func(c *Config) { c.Areas = gazetteer })
	p := g.page("/areas")
	if l, a := len(p.all("ul.letters a")), len(p.all("ul.areas a")); l != 20 || a != 0 {
		t.Errorf("%d letters, %d areas", l, a)
	}
	if n := len(g.page("/areas?letter=b").all("ul.areas a")); n != 30 {
		t.Errorf("%d areas with B", n)
	}
	found := g.page("/areas?q=comune")
	if n := len(found.all("ul.areas a")); n != areasFound {
		t.Errorf("%d areas are found", n)
	}
	found.says("main", "Ce ne sono altre")
	for path, want := range map[string]int{"/areas?letter=z": 404, "/areas?letter=%00": 404, "/areas.geojson": 404, "/area/000031": 200} {
		if r := g.get(path); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
	}
	if n := len(g.page("/area/000031").all("ul.areas a")); n != 8 {
		t.Errorf("%d neighbours in a grid", n)
	}
}

// What strangers write as an area or a search never breaks a page, and finds
// nothing but areas.
func FuzzAreas(f *testing.F) {
	for _, s := range []string{"VD-8", "borgo basso", "../", "%", "\u202e", "<b>", "\x00", strings.Repeat("è", 300)} {
		f.Add(s)
	}
	g := open(f, inValdemo)
	f.Fuzz(func(t *testing.T, s string) {
		for _, path := range []string{"/areas?q=" + url.QueryEscape(s), "/areas?letter=" + url.QueryEscape(s), "/past?area=" + url.QueryEscape(s), "/past/" + url.PathEscape(s), "/past?page=" + url.QueryEscape(s), "/area/" + url.PathEscape(s)} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			req, err := http.NewRequestWithContext(ctx, "GET", g.URL+path, nil)
			if err != nil {
				cancel()
				continue
			}
			r, err := g.Client().Do(req)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
			if r.StatusCode >= 500 {
				t.Errorf("%s: %d", path, r.StatusCode)
			}
		}
	})
}
