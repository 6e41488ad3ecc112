package dashboards

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/compose"
	"martinella/alerts/lint"
	"martinella/alerts/templates"
	"martinella/broadcast"
	"martinella/channels"
)

// composePage is the page on which an alert is written.
type composePage struct {
	ID       string
	Revision int64
	Form     compose.Form
	Shapes   string
	Places   string // typed names that no area has
	Saved    instant
	Saver    string
	Holder   string // somebody else who works on it; "" nobody else
	Changes  string // address of what this is an update of
	Template string // its name
	Conflict *conflict

	Modes  []modeLine
	Levels []levelLine
	Texts  []textLines
	Values []valueLine
	Groups []areaGroup // of named areas to tick
	Names  []string    // of the areas, for the list under the field
	Found  []placeLine // areas that the words name
	Span   string
	CAP    []draftChoice // what else CAP asks, each a list of choices
	Kinds  []option      // categories
	Plan   []draftChannel

	Wrong    []wrongLine
	Asked    bool              // the wrong lines are an answer, not only advice
	At       map[string]string // the wrong lines of an answer, by the field's id
	Check    []checkLine
	Findings []findingLine
	Ticks    string // what a tick would be for
	Ticked   bool
	Previews []previewLine
	Lacks    alerts.Problems
	Cards    []langCard
	Map      *picture
	Editor   bool // the map for drawing was built
	Reach    string
	Practice bool // the gateway warns nobody
	Drill    bool
	Mode     string // see consoleFrame
	Refused  *refusal
	Alone    bool
}

type conflict struct {
	Who     string
	At      instant
	Theirs  int64
	Changes []draftChange
}

// draftChange is one field that differs.
type draftChange struct {
	Field  string
	Pieces []compose.Piece
}

type modeLine struct {
	Value, Words, Text string
	Has                bool
	Why                string // it is not allowed
}

type levelLine struct {
	Value, Words string
	Tone, Shape  string
	Has          bool
}

type textLines struct {
	N        int
	Language string // tag
	Name     string // of the language
	Dir      string
	Main     bool
	Open     bool
	Text     compose.Text
	Update   bool
	Own      []valueLine // by channel
}

type valueLine struct {
	Name, Words, Value string
	Most               int
}

type areaGroup struct {
	Name  string
	Areas []placeLine
}

type placeLine struct {
	Code, Name string
	Has        bool
}

type draftChoice struct {
	Name, Words string
	Options     []option
}

type option struct {
	Value, Words string
	Has          bool
}

type draftChannel struct {
	Name    string
	Has     bool
	Reach   string
	Failure string
}

type checkLine struct {
	Words  string
	Anchor string
	There  bool
}

type findingLine struct {
	Level, Where, Anchor, Lang string
	Quote, Reason, Remedy      string
	Suggestion, Take           string
	Grave                      bool
}

type previewLine struct {
	Channel  string
	Failure  string
	Messages []messageLine
}

type messageLine struct {
	Title, Text, Lang, Dir string
	Over                   bool
	Facts                  string // language, length, parts, cost, the last one
}

type langCard struct {
	Lang string
	Name string
	Card card
}

// drilled reports whether the draft is one of an exercise.
func drilled(d *draft) bool { return d.Form.Status != "" && d.Form.Status != alerts.StatusActual }

// drillMode is the mode of a page about a draft: see consoleFrame.
func drillMode(drill bool) string {
	if drill {
		return "exercise"
	}
	return "real"
}

// page is what a look at a draft shows.
func (c *console) page(v *visit, d *draft, o *look) composePage {
	l := v.l
	p := composePage{
		ID: d.ID, Revision: d.Revision, Form: d.Form, Shapes: d.Shapes, Wrong: o.wrong, Alone: o.alone, Lacks: o.plan, Practice: c.s.Desk.Policy.Practice, Drill: drilled(d), Mode: drillMode(drilled(d)),
		Ticks: o.ticks, Ticked: d.Form.Ticked, Modes: c.modes(v, d.Form.Status), Levels: levelLines(l, d.Form.Severity), CAP: capChoices(l, &d.Form), Kinds: categoryOptions(l, d.Form.Categories),
		Editor: c.s.pages.assets.editor(),
	}
	if d.Revision > 0 {
		p.Saved, p.Saver = l.At(d.At, v.now), d.By.Name
	}
	if d.Holder.ID != "" && d.Holder.ID != v.caller().ID {
		p.Holder = d.Holder.Name
	}
	if d.Form.Changes != "" {
		p.Changes = "/a/" + string(d.Form.Changes)
	}
	if i := slices.IndexFunc(o.know.Templates, func(t templates.Template) bool { return t.ID == d.Form.Template }); i >= 0 {
		p.Template = templateName(&o.know.Templates[i], l.Tag)
		p.Values = valueLines(l, &o.know.Templates[i], d.Form.Values)
	}
	if until, ok := c.timeOf(v, d.Form.Until); ok {
		from, ok := c.timeOf(v, d.Form.From)
		if !ok {
			from = v.now.Truncate(time.Minute)
		}
		p.Span = compose.Span(from, until, v.now, c.s.Zone, l.Tag)
	}
	for _, w := range o.offered {
		line := draftChannel{Name: w.Channel, Failure: w.Failure, Has: d.Form.Channels == nil || slices.Contains(d.Form.Channels, w.Channel)}
		if n := sum(w.Reach); n > len(w.Messages) {
			line.Reach = number(n)
		}
		p.Plan = append(p.Plan, line)
	}
	p.Texts = c.textPages(l, d, o)
	p.Groups, p.Names, p.Found = c.areaChoice(&d.Form)
	c.advise(l, &p, o)
	for _, w := range o.chosen {
		p.Previews = append(p.Previews, previewOf(l, w))
	}
	p.Reach = c.reachWords(l, o)
	p.Cards = c.cardsOf(v, o)
	p.Map = c.areaMap(&d.Form)
	return p
}

func templateName(t *templates.Template, lang string) string {
	if x, has := t.Texts[lang]; has {
		return x.Name
	}
	for _, tag := range t.Languages() {
		return t.Texts[tag].Name
	}
	return t.ID
}

// modes are the two ways to send, with why one is not allowed.
func (c *console) modes(v *visit, has alerts.Status) []modeLine {
	l := v.l
	lines := []modeLine{
		{Value: string(alerts.StatusActual), Words: l.must("mode_live"), Text: l.must("compose_mode_live")},
		{Value: string(alerts.StatusExercise), Words: l.must("exercise"), Text: l.must("compose_mode_exercise")},
	}
	for i := range lines {
		one := &lines[i]
		a := &alerts.Alert{Status: alerts.Status(one.Value)}
		one.Has = has == a.Status
		switch {
		case len(c.s.Desk.Policy.Obstacles(a)) > 0:
			one.Why = l.must("compose_mode_practice")
		case slices.ContainsFunc(v.caller().Refusals(a, nil), func(p alerts.Problem) bool { return p.Field == "status" }):
			one.Why = l.must("compose_mode_rights")
		}
	}
	return lines
}

func levelLines(l *locale, has alerts.Severity) []levelLine {
	var lines []levelLine
	for _, s := range alerts.Severities {
		if s.Rank() < alerts.SeverityMinor.Rank() {
			continue
		}
		tn, shape := tone(s)
		lines = append(lines, levelLine{string(s), l.lex.Level(s), tn, shape, s == has})
	}
	slices.SortStableFunc(lines, func(a, b levelLine) int {
		return cmp.Compare(alerts.Severity(a.Value).Rank(), alerts.Severity(b.Value).Rank())
	})
	return lines
}

func valueLines(l *locale, t *templates.Template, values map[string]string) []valueLine {
	words := map[string]string{
		"place": l.must("compose_value_place"), "street": l.must("compose_value_street"), "shelter": l.must("compose_value_shelter"),
		"phone": l.must("compose_value_phone"), "what": l.must("compose_value_what"),
	}
	var lines []valueLine
	for _, name := range []string{"place", "what", "street", "shelter", "phone"} {
		if asks(t, name) {
			lines = append(lines, valueLine{name, words[name], values[name], templates.Placeholders[name]})
		}
	}
	return lines
}

func (c *console) textPages(l *locale, d *draft, o *look) []textLines {
	var lines []textLines
	for i, t := range d.Form.Texts {
		one := textLines{N: i, Language: t.Language, Name: l.language(t.Language), Dir: dirOf(t.Language), Main: i == 0, Text: t, Update: d.Form.Changes != ""}
		one.Open = i == 0 || slices.ContainsFunc(o.wrong, func(w wrongLine) bool { return strings.HasPrefix(w.Anchor, fmt.Sprintf("t%d-", i)) })
		for _, w := range o.offered {
			one.Own = append(one.Own, valueLine{Name: w.Channel, Words: w.Channel, Value: t.Own[w.Channel]})
		}
		lines = append(lines, one)
	}
	return lines
}

// dirOf is "rtl" for languages that are written from right to left.
func dirOf(tag string) string {
	switch alerts.PrimaryLanguage(tag) {
	case "ar", "he", "fa", "ur", "yi", "ps", "ku", "ckb":
		return "rtl"
	}
	return "ltr"
}

// advise fills in the five elements and what the lint found.
func (c *console) advise(l *locale, p *composePage, o *look) {
	words := map[compose.Element]string{
		compose.Source: l.must("compose_el_source"), compose.Hazard: l.must("compose_el_hazard"), compose.Where: l.must("compose_el_where"),
		compose.Until: l.must("compose_el_until"), compose.Action: l.must("compose_el_action"),
	}
	for _, i := range o.check {
		p.Check = append(p.Check, checkLine{words[i.Element], anchor(i.Field), i.There})
	}
	for _, f := range o.findings {
		line := findingLine{Anchor: anchor(f.Field), Quote: f.Text, Reason: f.Message.En, Remedy: f.Remedy.En, Suggestion: f.Suggestion, Grave: f.Effect == lint.EffectBlock}
		if l.Tag == "it" {
			line.Reason, line.Remedy = f.Message.It, f.Remedy.It
		}
		if f.Language != "" && alerts.PrimaryLanguage(f.Language) != l.Tag {
			line.Lang = f.Language
		}
		if f.Code == compose.TooLong {
			why := l.said(f.Text)
			line.Quote, line.Lang = why.Text, why.Lang
		}
		line.Where = placeName(l, line.Anchor)
		if len(p.Texts) > 1 && f.Language != "" {
			line.Where += " (" + l.language(f.Language) + ")"
		}
		if f.Channel != "" {
			line.Where = f.Channel
		}
		switch {
		case line.Grave:
			line.Level = l.must("compose_lint_blocks")
		case f.Level == alerts.LevelError:
			line.Level = l.must("compose_lint_error")
		default:
			line.Level = l.must("compose_lint_advice")
		}
		if f.Suggestion != "" && f.Channel == "" {
			line.Take = takeName(&f)
		}
		p.Findings = append(p.Findings, line)
	}
}

// placeName is what the page calls what has the id.
func placeName(l *locale, id string) string {
	switch id {
	case "until":
		return l.must("compose_until")
	case "from":
		return l.must("compose_from")
	case "areas":
		return l.must("compose_areas")
	case "severity":
		return l.must("compose_level")
	case "status":
		return l.must("compose_mode")
	case "channels":
		return l.must("compose_channels")
	case "categories":
		return l.must("compose_categories")
	case "writing":
		return l.must("compose_title")
	}
	_, name, _ := strings.Cut(id, "-")
	return formField(l, name)
}

// takeName tells a finding from others of the same form.
func takeName(f *compose.Finding) string {
	return fmt.Sprintf("%s:%d:%d:%s", f.Code, f.Start, f.End, f.Field)
}

// readable puts words in the place of what each recipient gets another of.
func readable(l *locale, m channels.Message) channels.Message {
	return m.For(map[string]string{
		"{sent}": l.must("compose_ph_sent"), "{person.link}": l.must("compose_ph_link"), "{unsubscribe}": l.must("compose_ph_unsubscribe"),
		"{code}": l.must("compose_ph_code"), "{next}": l.must("compose_ph_next"),
	})
}

func previewOf(l *locale, w broadcast.Preview) previewLine {
	line := previewLine{Channel: w.Channel, Failure: w.Failure}
	for i, m := range w.Messages {
		text := readable(l, m)
		one := messageLine{Title: tidy(text.Title), Text: text.Text, Lang: m.Language, Dir: dirOf(m.Language)}
		if one.Text == "" {
			one.Text, one.Lang, one.Dir = l.must("compose_machine"), "", ""
		}
		var facts []string
		if m.Language != "" {
			facts = append(facts, l.language(m.Language))
		}
		count, over := countOf(l, w, i)
		one.Over = over
		if count != "" {
			facts = append(facts, count)
		}
		if i < len(w.Estimates) && i < len(w.Reach) {
			facts = append(facts, smsWords(l, w.Estimates[i], w.Reach[i]))
		}
		one.Facts = strings.Join(facts, " · ")
		line.Messages = append(line.Messages, one)
	}
	return line
}

// smsWords says what a text costs in parts, euro and time.
func smsWords(l *locale, e channels.Estimate, people int) string {
	facts := []string{l.must("compose_parts", "N", e.Parts)}
	if cost, known := e.Cost(people); known && people > 0 {
		facts = append(facts, l.must("compose_cost", "Euro", cost.String()))
	}
	if last := e.Last(people); last >= time.Second {
		facts = append(facts, l.must("compose_last", "Time", left(l, max(last, time.Minute))))
	}
	return strings.Join(facts, " · ")
}

func sum(all []int) (n int) {
	for _, one := range all {
		n += one
	}
	return n
}

// number writes 18420 as "18 420", with a space that does not break.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// roundly rounds a number of people to what a person keeps in mind.
func roundly(n int) int {
	unit := 1
	for n/unit >= 100 {
		unit *= 10
	}
	return (n + unit/2) / unit * unit
}

// reachWords says how many people it goes to.
func (c *console) reachWords(l *locale, o *look) string {
	switch n := o.record.Reach; {
	case n == 0:
		return l.must("compose_reach_none")
	case n < 100:
		return l.must("compose_reach", "N", number(n))
	default:
		return l.must("compose_reach_about", "N", number(roundly(n)))
	}
}
