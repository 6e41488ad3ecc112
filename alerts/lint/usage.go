package lint

import (
	"strings"

	"martinella/alerts"
	"martinella/alerts/lexicon"
)

// usage is the lexicon's words of a language, ready to be looked up.
type usage struct {
	*lexicon.Usage
	language  string
	verbs     map[string]bool
	notVerbs  map[string]bool
	notSecond map[string]bool
	before    map[string]bool
	joins     map[string]bool
	units     map[string]bool
	levels    map[string]bool
	capitals  map[string]bool
	calls     map[string]bool

	clockBefore, clockAfter, clockAlone map[string]bool

	conditions, alsoFine, relative, colours, green        phrases
	jargon, abbreviations, accents                        phrases
	ask, data, download, downloadThings, observed, change phrases

	reportVerbs, reportAfter                 map[string]bool
	reportOrders, reportLimits, reportLevels phrases

	hazards map[string]string // another name, with the right one
	names   map[string]bool   // the right ones
}

var usages = prepare()

func prepare() map[string]*usage {
	all := map[string]*usage{}
	for lang, u := range lexicon.Usages {
		p := &usage{
			Usage: u, language: lang,
			verbs: set(u.Verbs), notVerbs: set(u.NotVerbs), notSecond: set(u.NotSecond), before: set(u.BeforeVerb), joins: set(u.TwoActions),
			units: set(u.Units), levels: set(u.Levels), capitals: set(u.Capitals), calls: set(u.CallWords),
			clockBefore: set(u.Clock.Before), clockAfter: set(u.Clock.After), clockAlone: set(u.Clock.Alone),
			conditions: phrasesOf(u.Conditions), alsoFine: phrasesOf(u.AlsoFine), relative: phrasesOf(u.Relative), colours: phrasesOf(u.Colours), green: phrasesOf(u.Green),
			jargon: replacementsOf(u.Jargon), abbreviations: replacementsOf(u.Abbreviations), accents: replacementsOf(u.Accents),
			ask: phrasesOf(u.AskVerbs), data: phrasesOf(u.Data), download: phrasesOf(u.DownloadVerbs), downloadThings: phrasesOf(u.DownloadThings),
			observed: phrasesOf(u.Observed), change: phrasesOf(u.Change),
			reportVerbs: set(u.Report.Verbs), reportAfter: set(u.Report.After),
			reportOrders: phrasesOf(u.Report.Orders), reportLimits: phrasesOf(u.Report.Limits), reportLevels: phrasesOf(u.Report.Levels),
			hazards: map[string]string{}, names: map[string]bool{},
		}
		for _, h := range lexicon.Hazards {
			p.names[h[lang].Name] = true
			for _, other := range h[lang].Also {
				p.hazards[other] = h[lang].Name
			}
		}
		all[lang] = p
	}
	return all
}

func set(words []string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// usageOf gives the usage of a language, nil where the lexicon has none: then
// only what holds in every language is looked at.
func usageOf(tag string) *usage { return usages[alerts.PrimaryLanguage(tag)] }

// verb reports whether a word is an imperative.
func (u *usage) verb(w *word) bool {
	low := w.bare()
	if u.verbs[low] || u.verbs[w.low] {
		return true
	}
	if u.notVerbs[low] || w.digits {
		return false
	}
	for _, ending := range u.VerbEndings {
		if len(low) > len(ending)+1 && strings.HasSuffix(low, ending) {
			return true
		}
	}
	return false
}
