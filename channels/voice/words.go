package voice

import (
	"embed"
	"encoding/json"
	"fmt"

	"martinella/alerts"
)

// words is what a call says besides the alert, and how a language is spelled for
// the ear.
type words struct {
	Language string `json:"-"`
	Locale   string `json:"locale"` // of the voice: it-IT
	Again    string `json:"again"`  // before the second time
	Press    string `json:"press"`  // to say that it was heard
	Thanks   string `json:"thanks"` // after that
	Follow   string `json:"follow"` // what to do where the alert does not say: "this page" cannot be heard
	Time     string `json:"time"`   // {hour} {minute}
	And      string `json:"and"`
	Or       string `json:"or"`

	Digits        []string          `json:"digits"`        // numbers that are said figure by figure: 112
	Symbols       map[string]string `json:"symbols"`       // behind a figure, or between words
	Units         map[string]string `json:"units"`         // behind a figure
	Abbreviations map[string]string `json:"abbreviations"` // whole words
}

//go:embed words/*.json
var wordFiles embed.FS

// wordsLanguages are those that have words; the second stands in for others.
var wordsLanguages = []string{"it", "en", "de", "fr"}

var knownWords = func() map[string]*words {
	known := make(map[string]*words, len(wordsLanguages))
	for _, lang := range wordsLanguages {
		b, err := wordFiles.ReadFile("words/" + lang + ".json")
		w := &words{Language: lang}
		if err == nil {
			err = json.Unmarshal(b, w)
		}
		if err != nil {
			panic(fmt.Sprintf("voice: the embedded words of %q cannot be read: %v", lang, err))
		}
		known[lang] = w
	}
	return known
}()

// wordsFor gives the words of a language tag; own is false where they are those
// of another language.
func wordsFor(tag string) (w *words, own bool) {
	if w, ok := knownWords[alerts.PrimaryLanguage(tag)]; ok {
		return w, true
	}
	return knownWords["en"], false
}
