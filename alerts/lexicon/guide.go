package lexicon

import (
	"embed"
	"encoding/json"
	"fmt"

	"martinella/alerts"
)

// Guide is what to do about one danger, for everybody to read at leisure: one
// action a line, the verb first. Nobody changes it.
type Guide struct {
	Hazard string   `json:"hazard"` // key of [Hazards]
	Short  string   `json:"short"`  // what it is
	Before []string `json:"before"`
	During []string `json:"during"`
	After  []string `json:"after"`
}

// Advice is every guide in one language, in the order in which they are listed,
// and what a household prepares: Kit are things, Keep and Plan are actions. It
// may be read from many goroutines.
type Advice struct {
	Language string   `json:"-"`
	Guides   []Guide  `json:"hazards"`
	Kit      []string `json:"kit"`
	Keep     []string `json:"keep"`
	Plan     []string `json:"plan"`
}

// AdviceLanguages are those in which the advice is complete.
var AdviceLanguages = []string{"it", "en"}

//go:embed guides/*.json
var guideFiles embed.FS

var advice = readAdvice()

func readAdvice() map[string]*Advice {
	all := map[string]*Advice{}
	for _, lang := range AdviceLanguages {
		a := &Advice{Language: lang}
		b, err := guideFiles.ReadFile("guides/" + lang + ".json")
		if err == nil {
			err = json.Unmarshal(b, a)
		}
		if err != nil {
			panic(fmt.Sprintf("lexicon: the embedded guides of %q cannot be read: %v", lang, err))
		}
		all[lang] = a
	}
	return all
}

// AdviceFor gives the advice in the first of the language tags that has it, else
// in English.
func AdviceFor(tags ...string) *Advice {
	for _, tag := range tags {
		if a, known := advice[alerts.PrimaryLanguage(tag)]; known {
			return a
		}
	}
	return advice["en"]
}

// Guide gives what to do about a danger; false where there is no such danger.
func (a *Advice) Guide(hazard string) (Guide, bool) {
	for _, g := range a.Guides {
		if g.Hazard == hazard {
			return g, true
		}
	}
	return Guide{}, false
}
