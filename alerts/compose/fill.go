package compose

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/alerts/templates"
)

// languages are the tags that an alert should have, the authority's first.
func (c *Context) languages() []string {
	var tags []string
	for _, tag := range append([]string{c.Authority.Language}, c.Languages...) {
		if tag != "" && !slices.ContainsFunc(tags, func(have string) bool { return strings.EqualFold(have, tag) }) {
			tags = append(tags, tag)
		}
	}
	return tags
}

// New is an empty form in the authority's languages: an exercise, so that nobody
// warns a city by leaving something as it was.
func New(c Context) Form {
	f := Form{V: Version, Status: alerts.StatusExercise}
	f.speak(c)
	return f
}

// speak gives the form a text for each of the authority's languages: those that
// are there already keep their place behind the authority's own.
func (f *Form) speak(c Context) {
	for _, tag := range c.languages() {
		if f.text(tag) < 0 {
			f.Texts = append(f.Texts, Text{Language: tag})
		}
	}
	if i := f.text(c.Authority.Language); i > 0 {
		own := f.Texts[i]
		f.Texts = slices.Insert(slices.Delete(f.Texts, i, i+1), 0, own)
	}
}

// Clone is a copy whose texts, values and channels can be changed.
func (f *Form) Clone() Form {
	g := *f
	g.Values = maps.Clone(f.Values)
	g.Texts, g.Filled = slices.Clone(f.Texts), slices.Clone(f.Filled)
	for i := range g.Texts {
		g.Texts[i].Own = maps.Clone(g.Texts[i].Own)
		g.Texts[i].Alts, g.Texts[i].Parameters = slices.Clone(g.Texts[i].Alts), slices.Clone(g.Texts[i].Parameters)
	}
	g.Categories, g.Responses, g.Channels = slices.Clone(f.Categories), slices.Clone(f.Responses), slices.Clone(f.Channels)
	g.Codes, g.Shapes, g.Files, g.EventCodes = slices.Clone(f.Codes), slices.Clone(f.Shapes), slices.Clone(f.Files), slices.Clone(f.EventCodes)
	return g
}

// Fill writes the template's words into the form, in every language of the
// authority that the template has; a sentence whose placeholder has no value is
// left out. What the person wrote by hand stays: a field is filled where it is
// empty, or still says what a template put there ([Form.Filled]). So Fill with
// the form's own template is right after every change of a value, of the area
// or of the end; with another template it changes level, kind and end as well.
func Fill(t templates.Template, f Form, c Context) Form {
	g := f.Clone()
	if t.ID != f.Template { // another kind of danger
		if f.Template != "" && g.Until == c.usualEnd(f.Template) {
			g.Until = ""
		}
		g.Severity, g.Urgency, g.Certainty, g.Categories, g.Responses = "", "", "", nil, nil
	}
	g.V, g.Template = Version, t.ID
	g.Severity, g.Urgency, g.Certainty = or(g.Severity, t.Severity), or(g.Urgency, t.Urgency), or(g.Certainty, t.Certainty)
	if len(g.Categories) == 0 {
		g.Categories = slices.Clone(t.Categories)
	}
	if len(g.Responses) == 0 {
		g.Responses = slices.Clone(t.Responses)
	}
	if line(g.Until) == "" {
		g.Until = validFor(t.ValidMinutes)
	}
	g.speak(c)
	was := Form{Texts: f.Filled}
	g.Filled = nil
	for i := range g.Texts {
		var old Text
		if n := was.text(g.Texts[i].Language); n >= 0 {
			old = was.Texts[n]
		}
		fresh := draw(t, g, i, old.Where, c)
		g.Texts[i].take(old, fresh)
		if fresh.says() {
			g.Filled = append(g.Filled, fresh)
		}
	}
	return g
}

func or[T ~string](a, b T) T {
	if a == "" {
		return b
	}
	return a
}

// usualEnd is what [Fill] writes as the end of a template.
func (c *Context) usualEnd(id string) string {
	for i := range c.Templates {
		if c.Templates[i].ID == id {
			return validFor(c.Templates[i].ValidMinutes)
		}
	}
	return ""
}

// validFor writes a span that [ParseTime] reads.
func validFor(minutes int) string {
	if minutes <= 0 {
		return ""
	}
	if minutes%60 == 0 {
		return fmt.Sprintf("+%d h", minutes/60)
	}
	return fmt.Sprintf("+%d min", minutes)
}

// draw is what the template says in the language of a text; where is the place
// that the template put there before.
func draw(t templates.Template, f Form, i int, where string, c Context) Text {
	lang := alerts.PrimaryLanguage(f.Texts[i].Language)
	if _, known := t.Texts[lang]; !known {
		return Text{Language: f.Texts[i].Language}
	}
	values := map[string]string{}
	for name, value := range f.Values {
		limit, known := templates.Placeholders[name]
		if value = line(value); known && utf8.RuneCountInString(value) <= limit && !strings.ContainsAny(value, "{}") {
			values[name] = value
		}
	}
	given := values["place"]
	if hand := line(f.Texts[i].Where); given == "" && hand != where {
		values["place"] = hand
	}
	if values["place"] == "" {
		values["place"] = c.named(f.Codes)
	}
	if utf8.RuneCountInString(values["place"]) > templates.Placeholders["place"] || strings.ContainsAny(values["place"], "{}") {
		delete(values, "place")
	}
	fill := templates.Filling{Language: f.Texts[i].Language, Values: values, Severity: t.Severity, Now: c.Now, Zone: c.zone()}
	if until, err := ParseTime(f.Until, c.Now, c.Zone, c.Authority.Language); err == nil {
		fill.Expires = until
	}
	t.Required = nil // what is missing is said by [Form.Alert]
	in, err := t.Fill(fill)
	if err != nil {
		return Text{Language: fill.Language} // a template of somebody's own that does not hold its own rules
	}
	out := Text{Language: fill.Language, Event: in.Event, Headline: in.Headline, Description: in.Description, Where: given, Instruction: in.Instruction}
	for _, p := range in.Parameters {
		if name, own := strings.CutPrefix(p.Name, alerts.WordingParameter); own && p.Value != "" {
			if out.Own == nil {
				out.Own = map[string]string{}
			}
			out.Own[name] = p.Value
		}
	}
	return out
}

// take puts the fresh words where there are none, or still the old ones.
func (t *Text) take(old, fresh Text) {
	put := func(to *string, was, is string) {
		if have := tidy(*to); have == "" || was != "" && have == tidy(was) {
			*to = is
		}
	}
	put(&t.Event, old.Event, fresh.Event)
	put(&t.Headline, old.Headline, fresh.Headline)
	put(&t.Description, old.Description, fresh.Description)
	put(&t.Where, old.Where, fresh.Where)
	put(&t.Instruction, old.Instruction, fresh.Instruction)
	for _, name := range names(old.Own, fresh.Own) {
		own := t.Own[name]
		put(&own, old.Own[name], fresh.Own[name])
		if t.Own == nil {
			t.Own = map[string]string{}
		}
		if t.Own[name] = own; own == "" {
			delete(t.Own, name)
		}
	}
	if len(t.Own) == 0 {
		t.Own = nil
	}
}
