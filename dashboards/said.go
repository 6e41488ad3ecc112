package dashboards

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/alerts/lexicon"
)

// said is a sentence of the program in the words of a page. Lang is "en" where
// there are none but English ones: what a platform said.
type said struct{ Text, Lang string }

// said tells a person what the program found wrong: an [alerts.Problem], whose
// field it names in words, or a sentence. It is "P" in templates. The API says the
// same in English.
func (l *locale) said(of any) said {
	var out said
	var known bool
	switch of := of.(type) {
	case alerts.Problem:
		out.Text, known = lexicon.Sentence(of.Problem, l.Tag)
		hint, alsoKnown := lexicon.Sentence(of.Hint, l.Tag)
		known = known && alsoKnown
		if of.Field != "" {
			out.Text = lexicon.Field(of.Field, l.Tag) + ": " + out.Text
		}
		if hint != "" {
			out.Text += " (" + hint + ")"
		}
		out.Text = capital(out.Text)
	default:
		out.Text, known = lexicon.Sentence(fmt.Sprint(of), l.Tag)
	}
	if !known {
		out.Lang = "en"
	}
	return out
}

// capital makes the first letter a capital.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[min(n, len(s)):]
}

// foundLine is what was found wrong with a field of a form, which the line leads to.
type foundLine struct {
	Field string
	Said  said
}
