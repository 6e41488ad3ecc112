package dashboards

import (
	"net/http"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/alerts/lexicon"
)

// Every guide can be read in every language of the pages; one that has no texts
// of its own shows those of one language, whole and marked.
func TestEveryGuideInEveryLanguage(t *testing.T) {
	g := open(t)
	for _, tag := range pageLanguages {
		a := lexicon.AdviceFor(tag, "it")
		marked := map[bool]string{true: "[lang]", false: ""}[a.Language != tag]
		list := g.page("/what-to-do?lang=" + tag)
		if n := len(list.all(".areas a")); n != len(lexicon.Hazards) {
			t.Errorf("%s lists %d guides of %d", tag, n, len(lexicon.Hazards))
		}
		for _, guide := range a.Guides {
			p := g.page("/what-to-do/" + guide.Hazard + "?lang=" + tag)
			p.says("h1", capital(lexicon.HazardName(guide.Hazard, a.Language)))
			p.says(".sos", "112")
			lists := p.all("ul.acts" + marked)
			if len(lists) != 3 {
				t.Fatalf("%s %s has %d lists in one language, want 3", tag, guide.Hazard, len(lists))
			}
			for i, lines := range [][]string{guide.During, guide.After, guide.Before} {
				if got := text(lists[i]); got != strings.Join(lines, " ") {
					t.Errorf("%s %s: %q", tag, guide.Hazard, got)
				}
				if marked != "" && attr(lists[i], "lang") != a.Language {
					t.Errorf("%s %s: lang %q", tag, guide.Hazard, attr(lists[i], "lang"))
				}
			}
			if marked != "" {
				p.says(".meta", map[string]string{"de": "Italienisch", "sl": "italijan", "fr": "italien"}[tag])
			}
		}
		kit := g.page("/what-to-do/kit?lang=" + tag)
		if n := len(kit.all("ul.acts" + marked + " li")); n != len(a.Kit)+len(a.Keep)+len(a.Plan) {
			t.Errorf("%s: %d lines of the kit and the plan", tag, n)
		}
	}
}

func TestAGuideIsFound(t *testing.T) {
	g := open(t)
	for path, want := range map[string]string{"/what-to-do/FLOOD?lang=en": "/what-to-do/flood?lang=en", "/what-to-do/Kit": "/what-to-do/kit"} {
		c := *g.Client()
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
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
	for _, path := range []string{"/what-to-do/dragon", "/what-to-do/FLOODS", "/what-to-do/%0d%0aX:y", "/what-to-do/flood/x"} {
		if r := g.get(path); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

// The page of an event leads to the guide of its danger, where it has one.
func TestAnEventLeadsToItsGuide(t *testing.T) {
	g := open(t)
	for event, want := range map[string]string{"Piena del torrente Rivo": "flood", "Temporale forte": "storm", "terremoto": "earthquake", "Riunione": ""} {
		id := g.issue(message("advice-"+strings.ReplaceAll(event, " ", "-"), "event", event))["event"].(string)
		p := g.page("/a/" + id)
		var links []string
		for _, n := range p.all("article a") {
			if href := attr(n, "href"); strings.HasPrefix(href, advicePath) {
				links = append(links, strings.TrimPrefix(href, advicePath+"/"))
			}
		}
		if got := strings.Join(links, " "); got != want {
			t.Errorf("%s leads to %q, want %q", event, got, want)
		}
	}
	g.page("/").says("footer", "Cosa fare")
}

// The danger of each template's own words is the template's.
func TestTheWordsOfTemplatesLeadToTheirGuides(t *testing.T) {
	s := open(t).server
	for hazard := range lexicon.Hazards {
		for _, lang := range lexicon.AdviceLanguages {
			r := &alerts.Record{Alert: &alerts.Alert{Infos: []alerts.Info{{Language: lang, Event: capital(lexicon.HazardName(hazard, lang))}}}}
			got := s.adviceFor(s.pages.locales.all[lang], r)
			if got == nil || got.URL != advicePath+"/"+hazard {
				t.Errorf("%s of %s leads to %v", lang, hazard, got)
			}
		}
	}
}
