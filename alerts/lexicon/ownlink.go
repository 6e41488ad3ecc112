package lexicon

import (
	"strings"

	"martinella/alerts"
)

// ownLinks are the words that bring volunteers the link to their own page, by
// language.
var ownLinks = read[map[string]map[string]string]("ownlinks.json")

// OwnLink brings a volunteer the link to the own page. kind is that of the
// contact; all but "email" are short messages. The words are filled in once each,
// so that no value can bring in another.
func OwnLink(tag, kind, authority, link string) (subject, text string) {
	words, known := ownLinks[alerts.PrimaryLanguage(tag)]
	if !known {
		words = ownLinks[SignUpLanguages[0]]
	}
	if kind != "email" {
		kind = "phone"
	}
	fill := strings.NewReplacer("{authority}", authority, "{link}", link)
	return fill.Replace(words["subject"]), fill.Replace(words[kind])
}
