package compose

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"martinella/alerts"
	"martinella/alerts/templates"
)

// The bounds of a form: far above what a warning needs, below what a channel or
// the store would stumble over.
const (
	MostText   = 10_000 // code points of one field
	MostTexts  = 20     // languages
	MostCodes  = 2000
	MostShapes = 100
	MostPoints = 10_000 // of all rings together
)

var (
	tagForm  = regexp.MustCompile(`^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$`)
	nameForm = regexp.MustCompile(`^[a-z0-9-]{1,32}$`) // of a channel, a kind of channel, an audience
)

// maker is one making of an alert.
type maker struct {
	f      *Form
	c      Context
	spoken []int // the texts that became infos, in order
	ps     alerts.Problems
}

func (m *maker) refuse(field, problem, hint string) { m.say(field, problem, hint, alerts.LevelError) }

func (m *maker) say(field, problem, hint string, level alerts.Level) {
	m.ps = append(m.ps, alerts.Problem{Field: field, Problem: problem, Hint: hint, Level: level})
}

// Alert makes the alert: an own one, ready for a Submission with Own set. The
// problems are all there are at once, each with the form's field by its JSON
// names ("until", "codes", "texts[0].headline", "texts[1].own.sms",
// "values.place"); none of level error means that it can be submitted. With
// problems the alert is what could be made, so that a preview can be shown; it
// is never nil. Without Context.NewID its identifier is "".
func (f *Form) Alert(c Context) (*alerts.Alert, alerts.Problems) {
	m := &maker{f: f, c: c}
	a := m.head()
	m.bounds()
	m.values()
	info := m.shared()
	m.texts(a, info)
	m.judge(a)
	return a, m.ps
}

// zone is that of the context, never nil.
func (c *Context) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// head is the alert without its infos.
func (m *maker) head() *alerts.Alert {
	f, c := m.f, m.c
	a := &alerts.Alert{Sender: c.Authority.Sender, Sent: c.Now.In(c.zone()).Truncate(time.Second), Status: f.Status, MsgType: alerts.MsgAlert, Scope: alerts.ScopePublic}
	if c.NewID != nil {
		a.Identifier = c.Authority.Slug + "-" + string(c.NewID(c.Now))
	}
	switch f.Status {
	case alerts.StatusActual, alerts.StatusExercise, alerts.StatusTest, "":
	default:
		m.refuse("status", badStatus, badStatusFix)
	}
	if of := m.base(); of != nil {
		a.Scope, a.Restriction, a.Addresses = of.Scope, of.Restriction, slices.Clone(of.Addresses)
		a.Source, a.Codes, a.Incidents = of.Source, slices.Clone(of.Codes), slices.Clone(of.Incidents)
	}
	refer := func(refs ...alerts.Reference) {
		for _, r := range refs {
			if !slices.ContainsFunc(a.References, func(have alerts.Reference) bool { return have.Sender == r.Sender && have.Identifier == r.Identifier }) {
				a.References = append(a.References, r)
			}
		}
	}
	if f.Changes != "" {
		a.MsgType = alerts.MsgUpdate
		switch p := c.Previous; {
		case p == nil || p.ID != f.Changes:
			m.refuse("changes", notKnown, notKnownFix)
		default:
			if p.Alert.Status != f.Status && f.Status != "" {
				m.refuse("status", otherStatus, otherStatusFix)
			}
			refer(alerts.Reference{Sender: p.Alert.Sender, Identifier: p.Alert.Identifier, Sent: p.Alert.Sent}) // first: the event is found by it
			refer(p.Alert.References...)
		}
	}
	if c.Earlier != nil && c.Earlier.ID == f.Corrects {
		a.Note = c.Earlier.Alert.Note
		refer(c.Earlier.Alert.References...)
	}
	if w := c.Warning; f.Warning != "" && w != nil {
		refer(alerts.Reference{Sender: w.Sender, Identifier: w.Identifier, Sent: w.Sent})
	}
	return a
}

// base is the alert that this one changes, or takes the place of.
func (m *maker) base() *alerts.Alert {
	switch {
	case m.f.Changes != "" && m.c.Previous != nil:
		return m.c.Previous.Alert
	case m.f.Corrects != "" && m.c.Earlier != nil:
		return m.c.Earlier.Alert
	}
	return nil
}

func (m *maker) bounds() {
	f := m.f
	points := 0
	for _, s := range f.Shapes {
		points += len(s.Polygon)
	}
	for _, b := range []struct {
		field   string
		n, most int
	}{{"texts", len(f.Texts), MostTexts}, {"codes", len(f.Codes), MostCodes}, {"shapes", len(f.Shapes), MostShapes}, {"shapes", points, MostPoints}, {"files", len(f.Files), MostShapes}} {
		if b.n > b.most {
			m.refuse(b.field, tooMany, tooManyFix)
		}
	}
	if f.Channels != nil && len(f.Channels) == 0 {
		m.refuse("channels", noChannel, noChannelFix)
	}
	if slices.Contains(f.Responses, alerts.ResponseAllClear) {
		m.refuse("response", allClear, allClearFix)
	}
}

// values judges what was filled in for the template.
func (m *maker) values() {
	for _, name := range slices.Sorted(maps.Keys(m.f.Values)) {
		limit, known := templates.Placeholders[name]
		switch value := line(m.f.Values[name]); {
		case value == "":
		case !known || name == "until":
			m.refuse("values."+name, noValue, noValueFix)
		case utf8.RuneCountInString(value) > limit:
			m.refuse("values."+name, tooLong, tooLongFix)
		case strings.ContainsAny(value, "{}"):
			m.refuse("values."+name, brackets, bracketsFix)
		}
	}
	i := slices.IndexFunc(m.c.Templates, func(t templates.Template) bool { return t.ID == m.f.Template })
	if m.f.Template == "" || i < 0 {
		return
	}
	t := &m.c.Templates[i]
	for _, name := range t.Required {
		if line(m.f.Values[name]) == "" && (name != "place" || len(m.f.Codes)+len(m.f.Shapes) == 0) {
			m.say("values."+name, missing, needed, alerts.LevelWarning)
		}
	}
	if m.f.Severity != "" && !slices.Contains(t.Severities, m.f.Severity) {
		m.say("severity", otherSeverity, otherSeverityFix, alerts.LevelWarning)
	}
}

// shared is what the infos of all languages have in common.
func (m *maker) shared() alerts.Info {
	f, c := m.f, m.c
	in := alerts.Info{
		Categories: slices.Clone(f.Categories), ResponseTypes: slices.Clone(f.Responses),
		Urgency: f.Urgency, Severity: f.Severity, Certainty: f.Certainty, EventCodes: slices.Clone(f.EventCodes),
	}
	if line(f.From) != "" {
		t, err := ParseTime(f.From, c.Now, c.Zone, c.Authority.Language)
		in.Onset = t
		if err != nil && !errors.Is(err, ErrPast) {
			m.time("from", err)
		}
	}
	if line(f.Until) == "" {
		m.refuse("until", missing, noUntil)
	} else {
		t, err := ParseTime(f.Until, c.Now, c.Zone, c.Authority.Language)
		in.Expires = t
		m.time("until", err)
	}
	if !in.Expires.IsZero() && !in.Onset.IsZero() && !in.Expires.After(in.Onset) {
		m.refuse("until", notAfter, laterTime)
	}
	in.Areas = []alerts.Area{m.area()}
	return in
}

func (m *maker) time(field string, err error) {
	if p, ok := errors.AsType[alerts.Problem](err); ok {
		m.refuse(field, p.Problem, p.Hint)
	}
}

// says reports whether somebody wrote in this language.
func (t *Text) says() bool {
	return slices.ContainsFunc([]string{t.Event, t.Headline, t.Description, t.Instruction, t.Changed}, func(s string) bool { return line(s) != "" }) || len(t.Own) > 0
}

// texts makes an info of each language that says anything: one that nobody
// wrote in is left out, all but the first of a form that says nothing.
func (m *maker) texts(a *alerts.Alert, info alerts.Info) {
	for i := range m.f.Texts {
		if m.f.Texts[i].says() {
			m.spoken = append(m.spoken, i)
		}
	}
	switch {
	case len(m.f.Texts) == 0:
		m.refuse("texts", missing, noText)
	case len(m.spoken) == 0:
		m.spoken = []int{0}
	}
	seen := map[string]bool{}
	for _, i := range m.spoken {
		t := &m.f.Texts[i]
		at := fmt.Sprintf("texts[%d].", i)
		switch tag := strings.ToLower(line(t.Language)); {
		case !tagForm.MatchString(tag):
			m.refuse(at+"language", badLanguage, badLanguageFix)
		case seen[tag]:
			m.refuse(at+"language", sameLanguage, sameLanguageFix)
		default:
			seen[tag] = true
		}
		for _, w := range t.words() {
			if utf8.RuneCountInString(w.text) > MostText {
				m.refuse(at+w.field, tooLong, tooLongFix)
			}
		}
		if m.f.Changes != "" && line(t.Changed) == "" {
			m.refuse(at+"changed", missing, noChanged)
		}
		a.Infos = append(a.Infos, m.info(t, at, info))
	}
	*a = *a.Clone() // the infos share nothing
}

// info is the shared one in the words of a language.
func (m *maker) info(t *Text, at string, in alerts.Info) alerts.Info {
	in.Language, in.Event, in.SenderName = line(t.Language), line(t.Event), line(t.Source)
	in.Headline, in.Description, in.Instruction = line(t.Headline), saying(t.Changed, t.Description), tidy(t.Instruction)
	in.Web, in.Contact = line(t.Web), line(t.Contact)
	for i, file := range m.f.Files {
		r := alerts.Resource{MimeType: line(file.Type), URI: line(file.URI), Size: file.Size, Digest: line(file.Digest)}
		if i < len(t.Alts) {
			r.Description = line(t.Alts[i])
		}
		in.Resources = append(in.Resources, r)
	}
	in.Parameters = slices.Clone(t.Parameters)
	for _, name := range slices.Sorted(maps.Keys(t.Own)) {
		switch own := tidy(t.Own[name]); {
		case own == "":
		case !nameForm.MatchString(name):
			m.refuse(at+"own."+name, badName, badNameFix)
		case utf8.RuneCountInString(own) > MostText:
			m.refuse(at+"own."+name, tooLong, tooLongFix)
		default:
			in.Parameters = append(in.Parameters, alerts.Value{Name: alerts.WordingParameter + name, Value: own})
		}
	}
	if changed := tidy(t.Changed); changed != "" {
		in.Parameters = append(in.Parameters, alerts.Value{Name: alerts.ChangedParameter, Value: stopped(changed)})
	}
	ar := in.Areas[0]
	if ar.Description = line(t.Where); ar.Description == "" {
		ar.Description = m.c.named(m.f.Codes)
	}
	in.Areas = []alerts.Area{ar}
	return in
}

// judge adds what the alert itself says of its form, as of the form's fields. A
// field of which something is said already is left at that.
func (m *maker) judge(a *alerts.Alert) {
	refused := map[string]bool{}
	for _, p := range m.ps.Errors() {
		refused[p.Field] = true
	}
	found := a.Problems()
	if len(a.Infos) > 0 {
		found = append(found, a.Obstacles(m.c.Now)...)
	}
	seen := map[string]bool{}
	for _, p := range found {
		field := m.f.path(p.Field, m.spoken)
		if refused[field] || p.Field == "identifier" && m.c.NewID == nil || seen[field+p.Problem] {
			continue
		}
		seen[field+p.Problem] = true
		m.refuse(field, p.Problem, p.Hint) // our own alerts have no flaw
	}
}
