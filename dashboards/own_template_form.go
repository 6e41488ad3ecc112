package dashboards

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/alerts/templates"
)

// templateForm is a template as fields.
type templateForm struct {
	TemplateID                                  string
	Hazards                                     []severityLine
	Categories, Responses, Severities, Severity []severityLine
	Urgency, Certainty, Required                []severityLine
	Valid                                       int
	Texts                                       []textForm
}

// textForm is the words of one language.
type textForm struct {
	Lang, Language string
	Fields         []ownField
	Some           bool // there are words in it
}

type ownField struct {
	ID, Title, Hint, Text string
	Rows                  int // 0: one line
}

// textFields are the fields of a language, by their names in templates.Text.
var textFields = []struct {
	name string
	rows int
	hint bool
}{{"name", 0, false}, {"event", 0, true}, {"headline", 0, false}, {"hazard", 3, false}, {"do", 5, true}, {"avoid", 3, true}, {"sms", 3, true}, {"all_clear.headline", 0, false}, {"all_clear.text", 3, false}, {"cancel", 2, false}}

func choices[T ~string](all []T, words func(T) string, has ...T) []severityLine {
	var lines []severityLine
	for _, one := range all {
		lines = append(lines, severityLine{string(one), words(one), slices.Contains(has, one)})
	}
	return lines
}

func itself[T ~string](s T) string { return string(s) }

// formOf gives a template as fields, in every language that messages have and
// in those of its own.
func formOf(l *locale, t *templates.Template) templateForm {
	hazards := append([]string{""}, slices.SortedFunc(maps.Keys(lexicon.Hazards), func(a, b string) int {
		return strings.Compare(lexicon.HazardName(a, l.Tag), lexicon.HazardName(b, l.Tag))
	})...)
	f := templateForm{
		TemplateID: t.ID, Valid: t.ValidMinutes,
		Hazards: choices(hazards, func(h string) string {
			if h == "" {
				return l.must("otemplates_no_hazard")
			}
			return cmp.Or(lexicon.HazardName(h, l.Tag), h)
		}, t.Hazard),
		Categories: choices(alerts.Categories, itself[alerts.Category], t.Categories...),
		Responses: choices(slices.DeleteFunc(slices.Clone(alerts.ResponseTypes), func(r alerts.ResponseType) bool { return r == alerts.ResponseAllClear }),
			itself[alerts.ResponseType], t.Responses...),
		Severities: choices(alerts.Severities, l.lex.Level, t.Severities...), Severity: choices(alerts.Severities, l.lex.Level, t.Severity),
		Urgency: choices(alerts.Urgencies, itself[alerts.Urgency], t.Urgency), Certainty: choices(alerts.Certainties, itself[alerts.Certainty], t.Certainty),
		Required: choices([]string{"place", "street", "shelter", "phone", "what"}, func(name string) string { return "{" + name + "}" }, t.Required...),
	}
	langs := slices.Clone(lexicon.Languages)
	for _, lang := range t.Languages() {
		if !slices.Contains(langs, lang) {
			langs = append(langs, lang)
		}
	}
	for _, lang := range langs {
		x, some := t.Texts[lang]
		one := textForm{Lang: lang, Language: l.language(lang), Some: some || len(t.Texts) == 0 && lang == l.Tag}
		for _, field := range textFields {
			key := strings.ReplaceAll(field.name, ".", "_")
			line := ownField{ID: lang + "." + field.name, Title: l.must("otemplates_f_" + key), Text: textOf(&x, field.name), Rows: field.rows}
			if field.hint {
				line.Hint = l.must("otemplates_f_" + key + "_hint")
			}
			one.Fields = append(one.Fields, line)
		}
		f.Texts = append(f.Texts, one)
	}
	return f
}

// textOf gives a field of the words; steps stand on lines of their own.
func textOf(x *templates.Text, name string) string {
	switch name {
	case "do":
		return strings.Join(x.Do, "\n")
	case "avoid":
		return strings.Join(x.Avoid, "\n")
	}
	if at := plainField(x, name); at != nil {
		return *at
	}
	return ""
}

// plainField is the place of a field that is one text; nil for the others.
func plainField(x *templates.Text, name string) *string {
	return map[string]*string{"name": &x.Name, "event": &x.Event, "headline": &x.Headline, "hazard": &x.Hazard, "sms": &x.SMS,
		"all_clear.headline": &x.AllClear.Headline, "all_clear.text": &x.AllClear.Text, "cancel": &x.Cancel}[name]
}

// templateOf reads a template from a form. A language without a word is left
// out. What is wrong with it, templates.Template.Problems says.
func templateOf(form url.Values) templates.Template {
	t := templates.Template{
		V: templates.Version, ID: strings.TrimSpace(form.Get("id")), Hazard: form.Get("hazard"),
		Categories: valuesOf[alerts.Category](form["category"]), Responses: valuesOf[alerts.ResponseType](form["response"]), Severities: valuesOf[alerts.Severity](form["severities"]),
		Severity: alerts.Severity(form.Get("severity")), Urgency: alerts.Urgency(form.Get("urgency")), Certainty: alerts.Certainty(form.Get("certainty")),
		Required: form["required"], Texts: map[string]templates.Text{},
	}
	if _, known := lexicon.Hazards[t.Hazard]; !known {
		t.Hazard = ""
	}
	t.ValidMinutes, _ = strconv.Atoi(strings.TrimSpace(form.Get("valid_minutes"))) // 0 is out of bounds, and said to be
	for _, lang := range form["lang"] {
		var x templates.Text
		some := false
		for _, field := range textFields {
			text := strings.TrimSpace(strings.ReplaceAll(form.Get(lang+"."+field.name), "\r\n", "\n"))
			some = some || text != ""
			switch field.name {
			case "do":
				x.Do = stepsOf(text)
			case "avoid":
				x.Avoid = stepsOf(text)
			default:
				*plainField(&x, field.name) = strings.Join(strings.Fields(text), " ")
			}
		}
		if some {
			t.Texts[lang] = x
		}
	}
	return t
}

func valuesOf[T ~string](words []string) (all []T) {
	for _, w := range words {
		all = append(all, T(w))
	}
	return all
}

func stepsOf(text string) (steps []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			steps = append(steps, line)
		}
	}
	return steps
}
