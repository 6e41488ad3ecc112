package templates

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/alerts/lexicon"
)

// Filling is what a template does not know.
type Filling struct {
	Language string            // a tag; its primary language must be one of the template's
	Values   map[string]string // of the placeholders but {until}; "place" is the place in words
	Severity alerts.Severity   // "": as the template says
	Source   string            // who warns; "": the authority, which channels add
	Areas    []alerts.Area     // shapes and codes; the first one without words takes "place"
	Now      time.Time         // of the issue
	Expires  time.Time         // zero: as long after Now as the template says
	Zone     *time.Location    // of the times in words; nil: that of Expires
}

// Fill gives the wording of an alert. The error is alerts.Problems with
// everything that is missing or too long.
func (t *Template) Fill(f Filling) (alerts.Info, error) {
	lang := alerts.PrimaryLanguage(f.Language)
	x, values, err := t.open(&f, lang)
	if err != nil {
		return alerts.Info{}, err
	}
	in := t.info(f, lang)
	in.ResponseTypes = slices.Clone(t.Responses)
	in.Headline = values.sentences(x.Headline)
	in.Description = values.sentences(x.Hazard)
	in.Instruction = strings.Join(append(values.steps(x.Do), values.steps(x.Avoid)...), "\n")
	in.Parameters = []alerts.Value{{Name: alerts.WordingParameter + "sms", Value: values.brief().sentences(x.SMS)}}
	return in, nil
}

// AllClear gives the wording of the Update that says that the danger is over.
func (t *Template) AllClear(f Filling) (alerts.Info, error) {
	lang := alerts.PrimaryLanguage(f.Language)
	x, values, err := t.open(&f, lang)
	if err != nil {
		return alerts.Info{}, err
	}
	in := t.info(f, lang)
	in.ResponseTypes, in.Urgency = []alerts.ResponseType{alerts.ResponseAllClear}, alerts.UrgencyPast
	in.Headline, in.Description = values.sentences(x.AllClear.Headline), values.sentences(x.AllClear.Text)
	return in, nil
}

// Cancel gives the wording of the Cancel of what was sent by mistake.
func (t *Template) Cancel(f Filling) (alerts.Info, error) {
	lang := alerts.PrimaryLanguage(f.Language)
	x, values, err := t.open(&f, lang)
	if err != nil {
		return alerts.Info{}, err
	}
	in := t.info(f, lang)
	in.ResponseTypes, in.Urgency = nil, alerts.UrgencyPast
	in.Description = values.sentences(x.Cancel)
	return in, nil
}

// info is what all three have in common.
func (t *Template) info(f Filling, lang string) alerts.Info {
	areas := slices.Clone(f.Areas)
	if place := clean(f.Values["place"]); place != "" {
		if len(areas) == 0 {
			areas = []alerts.Area{{}}
		}
		if areas[0].Description == "" {
			areas[0].Description = place
		}
	}
	return alerts.Info{
		Language: f.Language, Categories: slices.Clone(t.Categories), Event: t.event(lang),
		Urgency: t.Urgency, Severity: f.Severity, Certainty: t.Certainty, Expires: f.Expires, SenderName: f.Source, Areas: areas,
	}
}

// open checks what is filled in and completes it.
func (t *Template) open(f *Filling, lang string) (Text, values, error) {
	var ps alerts.Problems
	say := func(field, problem, hint string) {
		ps = append(ps, alerts.Problem{Field: field, Problem: problem, Hint: hint, Level: alerts.LevelError})
	}
	x, known := t.Texts[lang]
	if !known {
		say("language", "has no text in this template", "choose from "+strings.Join(t.Languages(), ", "))
	}
	if f.Severity == "" {
		f.Severity = t.Severity
	}
	if !slices.Contains(t.Severities, f.Severity) {
		say("severity", "is not what the words of this template are true for", "choose another one, or another template")
	}
	if f.Expires.IsZero() && !f.Now.IsZero() {
		f.Expires = f.Now.Add(time.Duration(t.ValidMinutes) * time.Minute)
	}
	v := values{}
	for name, value := range f.Values {
		limit, known := Placeholders[name]
		switch value = clean(value); {
		case !known || name == "until":
			say(name, "is no placeholder that people fill", "choose from place, street, shelter, phone, what")
		case utf8.RuneCountInString(value) > limit:
			say(name, fmt.Sprintf("is longer than %d characters", limit), "use a shorter name")
		case strings.ContainsAny(value, "{}"):
			say(name, "holds curly brackets", "write plain words")
		default:
			v[name] = value
		}
	}
	for _, name := range t.Required {
		if v[name] == "" && clean(f.Values[name]) == "" {
			say(name, "is missing", "this template needs it")
		}
	}
	if len(ps) > 0 {
		return x, nil, ps.Err()
	}
	if !f.Expires.IsZero() {
		until := f.Expires
		if f.Zone != nil {
			until = until.In(f.Zone)
		}
		v["until"] = lexicon.For(lang).UntilShort(until)
	}
	return x, v, nil
}

// clean takes out line breaks and double spaces.
func clean(s string) string { return strings.Join(strings.Fields(s), " ") }

type values map[string]string

// briefPlace is how much of a place a text message says, in characters; the page
// behind its link has the rest.
const briefPlace = 45

// brief is for text messages: a long place is cut at a word.
func (v values) brief() values {
	short := values{}
	maps.Copy(short, v)
	if utf8.RuneCountInString(v["place"]) > briefPlace {
		runes := []rune(v["place"])[:briefPlace-3]
		cut := string(runes)
		if at := strings.LastIndexAny(cut, " ,"); at > 0 {
			cut = strings.TrimRight(cut[:at], " ,;")
		}
		short["place"] = cut + "..."
	}
	return short
}

// steps fills each step, and leaves out those that lack a value.
func (v values) steps(all []string) []string {
	var out []string
	for _, one := range all {
		if s := v.sentences(one); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// sentences fills a text sentence by sentence, and leaves out those that lack a
// value. Words that people filled in are never filled again.
func (v values) sentences(text string) string {
	var kept []string
	for text != "" {
		one := text
		if at := strings.Index(text, ". "); at >= 0 {
			one, text = text[:at+1], text[at+2:]
		} else {
			text = ""
		}
		if s, ok := v.fill(one); ok {
			kept = append(kept, s)
		}
	}
	return strings.Join(kept, " ")
}

func (v values) fill(sentence string) (string, bool) {
	whole := true
	s := placeholderForm.ReplaceAllStringFunc(sentence, func(m string) string {
		value := v[m[1:len(m)-1]]
		whole = whole && value != ""
		return value
	})
	return strings.ReplaceAll(strings.ReplaceAll(s, "....", "..."), "... .", "..."), whole
}
