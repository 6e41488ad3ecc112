package dashboards

import (
	"net/http"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/broadcast"
)

// advicePath is where everybody reads what to do.
const advicePath = "/what-to-do"

// advicePage is a list of guides, one of them, or what a household prepares.
// Its sentences are in one language: the reader's, or Lang.
type advicePage struct {
	Name     string // of the danger
	Lang     string // of the texts, where it is not the page's
	Language string // the same in words
	Guides   []adviceLink
	lexicon.Guide
	Kit, Keep, Plan []string
}

// adviceLink leads to a guide.
type adviceLink struct {
	URL  string
	Name words
}

// advice gives the texts for a reader: in the page's language, else in the
// authority's, which who lives here reads, else in English.
func (s *Server) advice(l *locale) (a *lexicon.Advice, lang string) {
	a = lexicon.AdviceFor(l.Tag, s.Authority.Language)
	if a.Language != l.Tag {
		lang = a.Language
	}
	return a, lang
}

// adviceFor leads to the guide of the danger that an event is about; nil where
// nothing tells which one it is.
func (s *Server) adviceFor(l *locale, r *alerts.Record) *adviceLink {
	hazard := hazardOf(&alerts.Alert{Infos: r.Infos()})
	a, lang := s.advice(l)
	if _, known := a.Guide(hazard); !known {
		return nil
	}
	return &adviceLink{advicePath + "/" + hazard, words{capital(lexicon.HazardName(hazard, a.Language)), lang}}
}

// whatToDo serves the list at /what-to-do, and below it the guide of a danger or,
// as "kit", what a household prepares.
func (p *pages) whatToDo(w http.ResponseWriter, r *http.Request) {
	hazard := strings.ToLower(r.PathValue("hazard"))
	if _, known := lexicon.AdviceFor().Guide(hazard); !known && hazard != "" && hazard != "kit" {
		p.missing(w, r)
		return
	}
	if hazard != r.PathValue("hazard") {
		p.lead(w, r, advicePath+"/"+hazard)
		return
	}
	p.serve(w, r, leaf{name: "advice", id: hazard, make: func(l *locale, _ *broadcast.View, _ time.Time) (view, error) {
		a, lang := p.s.advice(l)
		page := advicePage{Lang: lang}
		if lang != "" {
			page.Language = l.language(lang)
		}
		out := view{name: "advice_one", title: l.must("guides_title")}
		switch hazard {
		case "":
			out.name = "advice"
			for _, g := range a.Guides {
				page.Guides = append(page.Guides, adviceLink{advicePath + "/" + g.Hazard, words{capital(lexicon.HazardName(g.Hazard, a.Language)), lang}})
			}
		case "kit":
			out.name, out.title = "advice_kit", l.must("guides_kit_title")
			page.Kit, page.Keep, page.Plan = a.Kit, a.Keep, a.Plan
		default:
			page.Guide, _ = a.Guide(hazard)
			page.Name = capital(lexicon.HazardName(hazard, a.Language))
			out.title += ": " + page.Name
		}
		out.content = page
		return out, nil
	}})
}

// lead sends a reader to another path of ours, with what they asked for.
func (p *pages) lead(w http.ResponseWriter, r *http.Request, path string) {
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	w.Header()["Cache-Control"] = shortly
	http.Redirect(w, r, path, http.StatusFound) //nolint:gosec // the path is made of our own codes, and begins with one of our paths
}
