package templates

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/alerts/lexicon"
)

// Template is a warning written in advance. It is plain data.
type Template struct {
	V            int                   `json:"v"`
	ID           string                `json:"id"`               // a-z, 0-9 and -, at most 40
	Hazard       string                `json:"hazard"`           // key of lexicon.Hazards; "" where Text.Event names the danger
	Categories   []alerts.Category     `json:"category"`         // CAP 1.2 section 3.2.2, as the next ones
	Responses    []alerts.ResponseType `json:"response"`         // what people should do
	Severity     alerts.Severity       `json:"severity"`         // to begin with
	Severities   []alerts.Severity     `json:"severities"`       // that its words are true for
	Urgency      alerts.Urgency        `json:"urgency"`          // to begin with
	Certainty    alerts.Certainty      `json:"certainty"`        // to begin with
	ValidMinutes int                   `json:"valid_minutes"`    // from issue to expiry, to begin with
	Required     []string              `json:"required"`         // placeholders that must have a value
	Texts        map[string]Text       `json:"texts"`            // by primary language
	Shipped      bool                  `json:"shipped,omitzero"` // came with the program; set by [Shipped] alone
}

// Text is the words of a template in one language. A sentence or a step with a
// placeholder that has no value is left out.
type Text struct {
	Name     string   `json:"name"`            // what the template is called
	Event    string   `json:"event,omitempty"` // the danger, where the lexicon does not name it
	Headline string   `json:"headline"`        // the action
	Hazard   string   `json:"hazard"`          // what happens and what it does
	Do       []string `json:"do"`              // one step each, the verb first
	Avoid    []string `json:"avoid"`           // what not to do
	SMS      string   `json:"sms"`             // the words of a text message, beside source and link
	AllClear Closing  `json:"all_clear"`
	Cancel   string   `json:"cancel"` // after it was sent by mistake
}

// Closing is what is said when the danger is over.
type Closing struct {
	Headline string `json:"headline"`
	Text     string `json:"text"`
}

// Version is the form of a template that this program reads and writes.
const Version = 1

// Placeholders are what may stand in curly brackets, and how long its value may
// be, in characters. {until} is written by the program from the expiry.
var Placeholders = map[string]int{"place": 400, "street": 80, "shelter": 80, "phone": 20, "what": 80, "until": 0}

var (
	idForm          = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	languageForm    = regexp.MustCompile(`^[a-z]{2,3}$`)
	placeholderForm = regexp.MustCompile(`\{([a-z_]*)\}`)
)

//go:embed shipped/*.json
var shippedFiles embed.FS

var shipped = readShipped()

func readShipped() []Template {
	names, _ := fs.Glob(shippedFiles, "shipped/*.json") // the pattern is right
	var all []Template
	for _, name := range names {
		var t Template
		b, err := shippedFiles.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(b, &t)
		}
		if err != nil {
			panic(fmt.Sprintf("templates: the embedded file %s cannot be read: %v", name, err))
		}
		t.Shipped = true
		all = append(all, t)
	}
	return all
}

// Shipped gives the templates that came with the program, by id. The slice is
// the caller's; what its elements point to is not to be changed.
func Shipped() []Template { return slices.Clone(shipped) }

// Merge puts an authority's own templates over the shipped ones: one with the
// same id takes its place.
func Merge(own []Template) []Template {
	all := Shipped()
	for _, t := range own {
		if i := slices.IndexFunc(all, func(s Template) bool { return s.ID == t.ID }); i >= 0 {
			all[i] = t
		} else {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b Template) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// Languages lists the languages of a template, Italian and English first.
func (t *Template) Languages() []string {
	var langs []string
	for lang := range t.Texts {
		langs = append(langs, lang)
	}
	slices.SortFunc(langs, func(a, b string) int {
		if d := place(a) - place(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return langs
}

func place(lang string) int {
	if i := slices.Index(lexicon.Languages, lang); i >= 0 {
		return i
	}
	return len(lexicon.Languages)
}

// event is what the danger is called, with a capital.
func (t *Template) event(lang string) string {
	if e := t.Texts[lang].Event; e != "" {
		return e
	}
	name := lexicon.HazardName(t.Hazard, lang)
	if name == "" {
		return ""
	}
	_, size := utf8.DecodeRuneInString(name)
	return strings.ToUpper(name[:size]) + name[size:]
}

// Limits of a template of strangers.
const (
	maxText     = 2000 // bytes of one text
	maxSteps    = 12
	maxTexts    = 20           // languages
	maxValidity = 14 * 24 * 60 // minutes
	minValidity = 5            // minutes
)

// Problems lists everything that is wrong with the form of a template. How its
// words read is [Template.Lint]'s business.
func (t *Template) Problems() alerts.Problems {
	var ps alerts.Problems
	say := func(field, problem, hint string) {
		ps = append(ps, alerts.Problem{Field: field, Problem: problem, Hint: hint, Level: alerts.LevelError})
	}
	if t.V != Version {
		say("v", fmt.Sprintf("is %d", t.V), fmt.Sprintf("this program reads version %d", Version))
	}
	if !idForm.MatchString(t.ID) {
		say("id", "is not an id", "1 to 40 of a-z, 0-9 and -, like river-flood")
	}
	oneOf(say, "category", t.Categories, alerts.Categories)
	if len(t.Responses) > 0 {
		oneOf(say, "response", t.Responses, alerts.ResponseTypes)
	}
	if slices.Contains(t.Responses, alerts.ResponseAllClear) {
		say("response", "is AllClear", "what to say when the danger is over is all_clear of each language")
	}
	oneOf(say, "severities", t.Severities, alerts.Severities)
	oneOf(say, "urgency", []alerts.Urgency{t.Urgency}, alerts.Urgencies)
	oneOf(say, "certainty", []alerts.Certainty{t.Certainty}, alerts.Certainties)
	if !slices.Contains(t.Severities, t.Severity) {
		say("severity", "is not one of severities", "begin with one that the words are true for")
	}
	if t.ValidMinutes < minValidity || t.ValidMinutes > maxValidity {
		say("valid_minutes", "is out of bounds", fmt.Sprintf("%d to %d", minValidity, maxValidity))
	}
	for i, name := range t.Required {
		if _, known := Placeholders[name]; !known || name == "until" {
			say(fmt.Sprintf("required[%d]", i), "is no placeholder that people fill", "choose from place, street, shelter, phone, what")
		}
	}
	if len(t.Texts) == 0 || len(t.Texts) > maxTexts {
		say("texts", "are missing or too many", "write at least one language")
	}
	for _, lang := range t.Languages() {
		t.textProblems(lang, say)
	}
	return ps
}

func oneOf[T ~string](say func(field, problem, hint string), field string, have, allowed []T) {
	if len(have) == 0 || len(have) > len(allowed) {
		say(field, "is missing or too long", "choose from CAP's values")
		return
	}
	for _, v := range have {
		if !slices.Contains(allowed, v) {
			say(field, "holds a value that CAP does not know", "choose from CAP's values")
			return
		}
	}
}

func (t *Template) textProblems(lang string, say func(field, problem, hint string)) {
	at, x := "texts."+lang+".", t.Texts[lang]
	if !languageForm.MatchString(lang) {
		say("texts", "holds a name that is no language", "write it like it or en")
		return
	}
	for _, one := range []struct{ name, text string }{{"name", x.Name}, {"headline", x.Headline}, {"hazard", x.Hazard}, {"sms", x.SMS}, {"all_clear.headline", x.AllClear.Headline}, {"all_clear.text", x.AllClear.Text}, {"cancel", x.Cancel}} {
		if strings.TrimSpace(one.text) == "" {
			say(at+one.name, "is missing", "write it: it is needed when there is no time to write")
		}
	}
	if t.event(lang) == "" {
		say(at+"event", "is missing", "name the danger, or give a hazard that the lexicon knows")
	}
	if len(x.Do) == 0 || len(x.Do) > maxSteps || len(x.Avoid) > maxSteps {
		say(at+"do", "has no step or too many", fmt.Sprintf("1 to %d", maxSteps))
	}
	for _, text := range x.all() {
		switch {
		case len(text) > maxText || !utf8.ValidString(text):
			say(at+"do", "holds a text that is too long or no text", fmt.Sprintf("at most %d bytes each", maxText))
			return
		case strings.ContainsFunc(text, func(c rune) bool {
			return !unicode.IsGraphic(c) || c >= 0x202A && c <= 0x202E || c >= 0x2066 && c <= 0x2069
		}):
			say(at+"do", "holds a sign that is not seen", "write plain text, each step on its own")
			return
		}
		for _, m := range placeholderForm.FindAllStringSubmatch(text, -1) {
			if _, known := Placeholders[m[1]]; !known {
				say(at+"do", "holds {"+m[1]+"}", "placeholders are {place}, {street}, {shelter}, {phone}, {what} and {until}")
			}
		}
	}
	for _, name := range t.Required {
		if name != "place" && !strings.Contains(strings.Join(x.all(), "\n"), "{"+name+"}") {
			say(at+"do", "does not use {"+name+"}, which is required", "use it, or do not require it")
		}
	}
}

// all gives every text, the fields one by one.
func (x *Text) all() []string {
	return append(append([]string{x.Name, x.Event, x.Headline, x.Hazard, x.SMS, x.AllClear.Headline, x.AllClear.Text, x.Cancel}, x.Do...), x.Avoid...)
}
