package lexicon

import (
	"encoding/json"
	"fmt"
	"strings"

	"martinella/alerts"
)

// signUps are the words that go to a contact that somebody signed up, by
// language.
var signUps = loadSignUps()

func loadSignUps() map[string]map[string]string {
	var all map[string]map[string]string
	b, err := files.ReadFile("signups.json")
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		panic(fmt.Sprintf("lexicon: the embedded file of sign-ups cannot be read: %v", err))
	}
	return all
}

// SignUpLanguages are the languages in which people who sign up are asked, the
// first stands in for others.
var SignUpLanguages = []string{"it", "en", "de", "sl", "fr"}

// SignUp asks a contact whether it was meant, with a link and, by telephone,
// the digits to type. kind is "phone" or "email"; again: it is subscribed
// already, and the link leads to the person's own page. The words are filled in
// once each, so that no value can bring in another.
func SignUp(tag, kind string, again bool, authority, link, code string) (subject, text string) {
	words, known := signUps[alerts.PrimaryLanguage(tag)]
	if !known {
		words = signUps[SignUpLanguages[0]]
	}
	suffix := ""
	if again {
		suffix = "-again"
	}
	fill := strings.NewReplacer("{authority}", authority, "{link}", link, "{code}", code)
	return fill.Replace(words["subject"+suffix]), fill.Replace(words[kind+suffix])
}
