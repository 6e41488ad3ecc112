package dashboards

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"martinella/alerts"
	"martinella/alerts/areas"
)

// snowAndSlide is one alert with a lesser danger in one zone and a graver one in
// another.
func snowAndSlide(identifier, snowIn, slideIn string) string {
	m := message(identifier, append(where("Zona della neve", "VALDEMO", snowIn, nil),
		"event", "Neve", "severity", "Moderate", "headline", "SNOWHEAD", "description", "SNOWDESC", "instruction", "1. SNOWSTEP\n2. SNOWTWO")...)
	from, to := strings.Index(m, "<info>"), strings.Index(m, "</info>")+len("</info>")
	slide := m[from:to]
	for _, change := range [][2]string{{"Neve", "Frana"}, {"Moderate", "Severe"}, {"SNOW", "SLIDE"}, {"Zona della neve", "Zona della frana"}, {">" + snowIn + "<", ">" + slideIn + "<"}} {
		slide = strings.ReplaceAll(slide, change[0], change[1])
	}
	return m[:to] + slide + m[to:]
}

func TestEveryPartOfAnAlertStandsWhole(t *testing.T) {
	g := open(t, inValdemo)
	g.issue(message("other", "severity", "Extreme", "headline", "Un altro avviso")) // it stands open, on top
	id := g.issue(snowAndSlide("parts", "VD-8", "VD-1"))["id"].(string)
	all := []string{"SNOWHEAD", "SNOWDESC", "SNOWSTEP", "SNOWTWO", "SLIDEHEAD", "SLIDEDESC", "SLIDESTEP", "SLIDETWO"}
	for path, within := range map[string]string{"/?lang=it": "#cards", "/a/" + id + "?lang=it": "article", "/a/" + id + "/sheet?lang=it": ".paper", "/area/VD-1?lang=it": "#cards", "/area/VD-8?lang=it": "#cards"} {
		p := g.page(path)
		for _, want := range all {
			p.says(within, want)
			p.never(within+" details", want)
		}
	}
	for _, form := range feedForms() {
		for _, query := range []string{"?lang=it", "?lang=it&area=VD-8"} {
			body := strings.ReplaceAll(g.get(form.path+query).body, "\r\n ", "")
			for _, want := range all {
				if !strings.Contains(body, want) {
					t.Errorf("%s%s has no %s", form.path, query, want)
				}
			}
		}
	}
	g.page("/a/"+id+"?lang=it").says("article h1", "SLIDEHEAD")
}

func TestAnAreaIsShownItsOwnPartFirst(t *testing.T) {
	g := open(t, inValdemo)
	g.issue(snowAndSlide("parts", "VD-8", "VD-1"))
	for code, want := range map[string]struct{ level, tone, headline, item, never string }{
		"VD-8":             {"pericolo moderato", "yel", "SNOWHEAD", "moderate", "SLIDEHEAD"},
		"VD-1":             {"pericolo grave", "org", "SLIDEHEAD", "severe", "SNOWHEAD"},
		areas.ValdemoISTAT: {"pericolo grave", "org", "SLIDEHEAD", "severe", "SNOWHEAD"},
	} {
		p := g.page("/area/" + code + "?lang=it")
		p.says("#cards li."+want.tone+" h2", want.headline)
		p.says("#cards .kicker", want.level)
		strip := g.page("/embed?lang=it&area=" + code)
		strip.says("a."+want.tone, want.headline)
		strip.never("a", want.never)
		if body := g.get("/feed.json?lang=it&area=" + code).body; !strings.Contains(body, `"_alert":{"severity":"`+want.item) || !strings.Contains(body, want.level+": "+want.headline+`"`) {
			t.Errorf("the feed of %s: %s", code, body)
		}
		if body := g.get("/cap.atom?lang=it&area=" + code).body; !strings.Contains(strings.ToLower(body), "<cap:severity>"+want.item+"<") {
			t.Errorf("the index of %s: %s", code, body)
		}
		if code == "VD-8" && strings.Contains(attrs(p.all("#map .z")), "org") {
			t.Error("the map of VD-8 has the colour of what is elsewhere")
		}
	}
	g.page("/embed?lang=it").says("a.org", "SLIDEHEAD")
}

// attrs are the classes of elements in a line.
func attrs(nodes []*html.Node) string {
	var all []string
	for _, n := range nodes {
		all = append(all, attr(n, "class"))
	}
	return strings.Join(all, " ")
}

func TestCardsOfAnAreaComeByWhatIsThere(t *testing.T) {
	g := open(t, inValdemo)
	g.issue(snowAndSlide("parts", "VD-8", "VD-1"))
	other := message("between", append(where("Qui", "VALDEMO", "VD-8", nil), "severity", "Severe", "headline", "Piena qui")...)
	g.issue(other)
	g.issue(snowAndSlide("parts-2", "VD-8", "VD-1"))
	cards := g.page("/area/VD-8?lang=it").all("#cards li.card")
	if len(cards) != 3 || !strings.Contains(attr(cards[0], "class"), "org") || !strings.Contains(attr(cards[2], "class"), "yel") {
		t.Errorf("the cards come as %q", attrs(cards))
	}
}

func TestWhatIsOverCallsNobodyInAnyPart(t *testing.T) {
	g := open(t, inValdemo)
	issued := g.issue(snowAndSlide("parts", "VD-8", "VD-1"))
	id := issued["id"].(string)
	if r := g.act(issuer, id, "cancel", `{"digest":"`+issued["digest"].(string)+`","reason":"errore"}`); r.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	g.settle()
	for path, within := range map[string]string{"/?lang=it": "body", "/a/" + id + "?lang=it": "article", "/a/" + id + "/sheet?lang=it": ".paper"} {
		for _, never := range []string{"SNOWSTEP", "SLIDESTEP", "SNOWDESC"} {
			g.page(path).never(within, never)
		}
	}
	for _, form := range feedForms() {
		if body := g.get(form.path + "?lang=it").body; strings.Contains(body, "SNOWSTEP") || strings.Contains(body, "SNOWHEAD") {
			t.Errorf("%s still calls: %s", form.path, body)
		}
	}
}

func TestTitleAndHeadingCountTheSame(t *testing.T) {
	m := open(t, inValdemo)
	m.issue(message("old", append(where("Qui", "VALDEMO", "VD-8", nil), "severity", "Severe")...))
	m.issue(message("new", append(where("Qui", "VALDEMO", "VD-8", nil), "severity", "Severe", "headline", "Nuova")...))
	m.expire("old", time.Hour)
	g := reopen(t, m)
	for path, at := range map[string]string{"/?lang=it": "h1", "/?lang=en": "h1", "/area/VD-8?lang=it": "#count"} {
		p := g.page(path)
		p.says(at, "(2)")
		p.says("title", "(2)")
	}
}

func TestEveryTitleSaysThatAnAlertLapsed(t *testing.T) {
	m := open(t)
	id := m.issue(message("lapsed", "severity", "Severe", "headline", "Restate in casa"))["id"].(string)
	m.issue(message("holds", "severity", "Severe", "headline", "Ancora valida"))
	m.expire("lapsed", time.Hour)
	g := again(t, m)
	lapsed, holds := "pericolo grave (scaduta, non ancora revocata): Restate in casa", "pericolo grave: Ancora valida"
	for path, want := range map[string][2]string{
		"/feed.atom":    {"<title>Avviso - " + lapsed + "</title>", "<title>Avviso - " + holds + "</title>"},
		"/feed.rss":     {"<title>Avviso - " + lapsed + "</title>", "<title>Avviso - " + holds + "</title>"},
		"/feed.json":    {`"title":"Avviso - ` + lapsed + `"`, `"title":"Avviso - ` + holds + `"`},
		"/cap.atom":     {"<title>Avviso - " + lapsed + "</title>", "<title>Avviso - " + holds + "</title>"},
		"/cap.rss":      {"<title>Avviso - " + lapsed + "</title>", "<title>Avviso - " + holds + "</title>"},
		"/calendar.ics": {"SUMMARY:Avviso - " + strings.ReplaceAll(lapsed, ",", `\,`), "SUMMARY:Avviso - " + holds},
	} {
		body := strings.ReplaceAll(g.get(path+"?lang=it").body, "\r\n ", "")
		for _, one := range want {
			if !strings.Contains(body, one) {
				t.Errorf("%s has no %q:\n%s", path, one, body)
			}
		}
		if path == "/calendar.ics" && (strings.Count(body, "STATUS:TENTATIVE") != 1 || strings.Count(body, "STATUS:CONFIRMED") != 1) {
			t.Errorf("how the events stand in the calendar:\n%s", body)
		}
	}
	g.page("/a/"+id+"?lang=it").says("title", lapsed)
}

func TestAPartThatCannotBePlacedIsForEverybody(t *testing.T) {
	s := open(t, inValdemo).server
	near := s.pages.atlas.near(s.pages.atlas.surroundings(s.pages.atlas.find("VD-8")))
	for name, c := range map[string]struct {
		area alerts.Area
		want bool
	}{
		"its own code":    {alerts.Area{Geocodes: []alerts.Value{{Name: "VALDEMO", Value: "VD-8"}}}, true},
		"a code apart":    {alerts.Area{Geocodes: []alerts.Value{{Name: "VALDEMO", Value: "VD-1"}}}, false},
		"an unknown code": {alerts.Area{Geocodes: []alerts.Value{{Name: "X", Value: "nowhere"}}}, true},
		"a drawing":       {alerts.Area{Polygons: []alerts.Polygon{square(inside(t, "VD-8"), 0.0002)}}, true},
		"a drawing apart": {alerts.Area{Polygons: []alerts.Polygon{square(inside(t, "VD-1"), 0.0002)}}, false},
	} {
		if got := near(&alerts.Info{Areas: []alerts.Area{c.area}}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
