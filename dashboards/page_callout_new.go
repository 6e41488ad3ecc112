package dashboards

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/compose"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
	"martinella/channels"
)

// newCalloutPage is the form of a call.
type newCalloutPage struct {
	To     string
	Form   calloutForm
	Found  []foundLine
	Bad    map[string][]said // what is wrong, by the id of the field
	Span   string            // of when, in words
	From   string            // what the words were taken from; "": nothing
	Areas  []string          // that can be typed
	Skills []knownWord       // of the roster and of earlier calls
	Groups []knownWord       // of the roster
	Sum    string            // what the factor makes of the needs
}

// newCallout shows an empty form, or one with the words of an alert or of an
// earlier call.
func (c *console) newCallout(v *visit) {
	if !c.calls(v) {
		return
	}
	f := c.freshCallout(v)
	q, from := v.r.URL.Query(), ""
	if id := alerts.ID(q.Get("copy")); plausible(id) {
		view, err := c.s.Callouts.View(v.r.Context(), id)
		if err != nil {
			c.failCallout(v, err)
			return
		}
		f.copyOf(view.Call, c.areaName)
		from = view.Call.Code()
	}
	if id := alerts.ID(q.Get("alert")); plausible(id) {
		r, err := c.s.Desk.Store.Get(v.r.Context(), id, alerts.Newest)
		if err == nil && !mayRead(v.member.Person(), r) {
			err = alerts.ErrNotFound
		}
		if err != nil {
			c.failCallout(v, err)
			return
		}
		from = c.fromAlert(v, &f, r)
	}
	c.calloutForm(v, newCalloutPage{Form: f, From: from}, 0)
}

// fromAlert takes area, place and words from an alert, and gives its headline.
func (c *console) fromAlert(v *visit, f *calloutForm, r *alerts.Record) string {
	shown := c.s.card(v.l, c.happeningOf(r, v.now), v.now)
	headline := cmp.Or(shown.Headline.Text, shown.Name.Text)
	f.Alert, f.Where = r.Event, clip(shown.Where.Text, volunteers.WhereMost)
	f.What = clip(headline, volunteers.WhatMost)
	f.Exercise = f.Exercise || r.Alert.Status != alerts.StatusActual
	f.Urgent = r.Severity().Rank() >= alerts.SeveritySevere.Rank()
	var areas []string
	for _, a := range r.Areas[:min(len(r.Areas), volunteers.ChosenMost)] {
		if name := c.areaName(a.Value); !slices.Contains(areas, name) {
			areas = append(areas, name)
		}
	}
	f.Areas = strings.Join(areas, ", ")
	return headline
}

// clip cuts a text to so many characters.
func clip(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

func (c *console) calloutForm(v *visit, page newCalloutPage, code int) {
	page.To = calloutPath + "/new" + langQuery(v)
	if c.s.Areas.Len() > 0 && c.s.Areas.Len() <= mostOffered {
		for _, a := range c.s.Areas.All() {
			page.Areas = append(page.Areas, a.Name)
		}
	}
	earlier, err := c.s.Callouts.Calls(v.r.Context(), mostEarlier)
	if err != nil {
		c.failCallout(v, err)
		return
	}
	known, err := c.knownWords(v.r.Context(), v.now)
	if err != nil {
		c.failCallout(v, err)
		return
	}
	page.Groups, page.Skills = known.Groups, known.Skills
	if known.people == 0 {
		for _, name := range skillsOf(earlier) {
			page.Skills = append(page.Skills, knownWord{Name: name})
		}
	}
	wrong := ""
	if len(page.Found) > 0 {
		wrong = v.l.must("callout_mend", "N", len(page.Found))
	}
	d, rows, _ := c.calloutDraft(v, new(page.Form))
	page.warn(v.l, known.unknown(d.Needs, d.Choice.Groups), rows)
	call := volunteers.Call{Needs: d.Needs, Choice: d.Choice}
	if call.Needed() > 0 && call.Needed() < 10*volunteers.PeopleMost {
		page.Sum = v.l.must("callout_factor", "N", call.Needed(), "Called", call.FirstWave())
	}
	if d.Until.After(d.Meet) && !d.Meet.IsZero() {
		page.Span = compose.Span(d.Meet, d.Until, v.now, c.s.Zone, v.l.Tag)
	}
	mode := ""
	if page.Form.Exercise {
		mode = "exercise"
	}
	c.show(v, sheet{name: "callout_new", title: v.l.must("callout_new"), code: code, wrong: wrong, mode: mode, content: page})
}

// The bounds of what a field offers: names, and the calls whose skills they are.
const (
	mostOffered = 500
	mostEarlier = 50
)

// warn puts what is probably wrong beside its field, unless something else is.
func (p *newCalloutPage) warn(l *locale, ps alerts.Problems, rows []int) {
	for _, one := range ps {
		at := calloutAnchor(one.Field, rows)
		if len(p.Bad[at]) > 0 {
			continue
		}
		if p.Bad == nil {
			p.Bad = map[string][]said{}
		}
		one.Field = ""
		p.Bad[at] = append(p.Bad[at], l.said(one))
	}
}

// skillsOf are the skills that calls named, each once, by name.
func skillsOf(calls []*volunteers.Call) []string {
	var out []string
	for _, call := range calls {
		for _, need := range call.Needs {
			if need.Skill != "" && !slices.Contains(out, need.Skill) {
				out = append(out, need.Skill)
			}
		}
	}
	slices.Sort(out)
	return out[:min(len(out), mostOffered)]
}

// newCalloutPosted adds rows, tells whom the call would page, or opens it.
func (c *console) newCalloutPosted(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	if !c.calls(v) {
		return
	}
	f := calloutFormOf(v.r.PostForm)
	if f.ID == "" {
		f.ID = c.s.Desk.NewID(v.now)
	}
	switch v.r.PostForm.Get("do") {
	case "row":
		f.rows(len(f.Needs) + moreRows)
		c.calloutForm(v, newCalloutPage{Form: f}, 0)
	case "edit":
		c.calloutForm(v, newCalloutPage{Form: f}, 0)
	case "call":
		c.openCallout(v, f)
	default:
		c.checkCallout(v, f)
	}
}

// mistaken shows the form again with everything that is wrong with it.
func (c *console) mistaken(v *visit, f calloutForm, ps alerts.Problems, rows []int, code int) {
	page := newCalloutPage{Form: f, Bad: map[string][]said{}}
	seen := map[string]bool{}
	for _, p := range ps {
		at := calloutAnchor(p.Field, rows)
		if seen[p.Field] { // what cannot be read is not also missing
			continue
		}
		seen[p.Field] = true
		page.Found = append(page.Found, foundLine{at, v.l.said(p)})
		p.Field = ""
		page.Bad[at] = append(page.Bad[at], v.l.said(p))
	}
	c.calloutForm(v, page, code)
}

// checkPage tells whom a call would page before anybody is.
type checkPage struct {
	To      string
	Fields  []heldField
	Form    calloutForm
	Alert   bool
	Needed  int
	Called  int
	Asleep  int // of them, asked when their quiet hours end
	Button  string
	Skills  []suggestedLine
	Left    []countLine
	Kinds   []countLine
	Texts   []channelText
	Enough  bool
	Span    string
	Factor  string
	Second  string
	Notices []said // warnings
}

type suggestedLine struct {
	Skill                 string // "": anybody
	People, Found, Called int
	Short                 bool // fewer can be called than are needed
}

type countLine struct {
	Words string
	N     int
}

// checkCallout shows the second step: whom the call would page, and its words.
func (c *console) checkCallout(v *visit, f calloutForm) {
	d, rows, ps := c.calloutDraft(v, &f)
	suggested, found, err := c.s.Callouts.Suggest(v.r.Context(), d)
	if err != nil {
		c.failCallout(v, err)
		return
	}
	if ps = append(ps, found...); len(ps.Errors()) > 0 {
		c.mistaken(v, f, ps, rows, http.StatusUnprocessableEntity)
		return
	}
	known, err := c.knownWords(v.r.Context(), v.now)
	if err != nil {
		c.failCallout(v, err)
		return
	}
	ps = append(ps, known.unknown(d.Needs, d.Choice.Groups)...)
	f.tidyNeeds()
	page := checkPage{To: calloutPath + "/new" + langQuery(v), Fields: f.fields(), Form: f, Alert: f.Alert != "", Needed: suggested.Needed, Called: suggested.Called, Asleep: suggested.Asleep, Left: leftLines(v.l, suggested.Left), Kinds: kindLines(v.l, suggested.Kinds),
		Texts: c.pageTexts(v.l, d), Span: compose.Span(d.Meet, d.Until, v.now, c.s.Zone, v.l.Tag), Second: secondWords(v.l, d.Second), Button: v.l.must("callout_call_now", "N", suggested.Called)}
	if suggested.Called == 1 {
		page.Button = v.l.must("callout_call_now_one")
	}
	page.Factor = v.l.must("callout_factor", "N", suggested.Needed, "Called", suggested.Called)
	page.Enough = true
	for _, s := range suggested.Skilled {
		line := suggestedLine{Skill: s.Skill, People: s.People, Found: s.Found, Called: s.Called, Short: s.Called < s.People}
		page.Enough = page.Enough && !line.Short
		page.Skills = append(page.Skills, line)
	}
	for _, p := range ps {
		page.Notices = append(page.Notices, v.l.said(p))
	}
	mode := "" // the strip of what is real speaks of approving
	if f.Exercise && !c.s.Desk.Policy.Practice {
		mode = "exercise"
	}
	c.show(v, sheet{name: "callout_check", title: v.l.must("callout_check"), mode: mode, heading: true, content: page})
}

// tidyNeeds leaves rows out that say nothing.
func (f *calloutForm) tidyNeeds() {
	f.Needs = slices.DeleteFunc(f.Needs, func(n needRow) bool { return n.Skill == "" && n.People == "" })
	f.rows(len(f.Needs))
}

// openCallout opens the call; the same form sent twice opens one.
func (c *console) openCallout(v *visit, f calloutForm) {
	d, rows, ps := c.calloutDraft(v, &f)
	if len(ps.Errors()) > 0 {
		c.mistaken(v, f, ps, rows, http.StatusUnprocessableEntity)
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	call, err := c.s.Callouts.Open(ctx, v.caller().Person, d)
	if refused, ok := errors.AsType[*alerts.Refusal](err); ok && len(refused.Problems) > 0 && !errors.Is(err, alerts.ErrForbidden) {
		c.mistaken(v, f, refused.Problems, rows, http.StatusUnprocessableEntity)
		return
	}
	if err != nil {
		c.failCallout(v, err)
		return
	}
	c.log("call of volunteers opened", v.member, zap.String("call", string(call.ID)))
	c.to(v, calloutPath+"/"+string(call.ID)+"?said=opened")
}

// leftLines are those who are not called, by why, the most first.
func leftLines(l *locale, left map[volunteers.Reason]int) []countLine {
	var lines []countLine
	for reason, n := range left {
		if n > 0 {
			lines = append(lines, countLine{reasonWord(l, reason), n})
		}
	}
	slices.SortFunc(lines, func(a, b countLine) int { return cmp.Or(b.N-a.N, strings.Compare(a.Words, b.Words)) })
	return lines
}

func reasonWord(l *locale, r volunteers.Reason) string {
	return l.must("callout_why_" + string(r))
}

// kindLines are those who are called, by the contact that is tried first.
func kindLines(l *locale, kinds map[string]int) []countLine {
	var lines []countLine
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		words := kind
		if named := l.must("callout_kind_" + kind); named != "callout_kind_"+kind {
			words = named
		}
		lines = append(lines, countLine{words, kinds[kind]})
	}
	slices.SortStableFunc(lines, func(a, b countLine) int { return b.N - a.N })
	return lines
}

// secondWords says what happens when too few come.
func secondWords(l *locale, s volunteers.Second) string {
	minutes := int(s.After / time.Minute)
	switch {
	case s.After == 0:
		return l.must("callout_second_none")
	case s.Auto:
		return l.must("callout_second_auto_words", "N", minutes)
	}
	return l.must("callout_second_ask_words", "N", minutes)
}

// unnumbered stands for the number that a call gets when it is opened.
const unnumbered = "V-0000"

// pageTexts are the words that each channel would send, in the authority's
// language. What a channel cannot say is told with why.
func (c *console) pageTexts(l *locale, d callout.Draft) []channelText {
	var out []channelText
	own := alerts.PrimaryLanguage(c.s.Authority.Language)
	for _, one := range c.s.Channels {
		pager, ok := one.Route.Channel.(channels.Pager)
		if !ok || d.Exercise && !one.Route.Exercise {
			continue
		}
		text := channelText{Name: one.Route.Name()}
		m, err := pager.RenderPage(channels.Page{Kind: channels.PageCall, Language: own, Authority: c.s.Authority.Name, Code: unnumbered, What: d.What, Where: d.Where,
			Meet: d.Meet.In(c.s.Zone), Until: d.Until.In(c.s.Zone), Bring: d.Bring, Link: "{person.link}", Exercise: d.Exercise, Urgent: d.Urgent, Event: d.ID})
		if err != nil {
			text.Failure = err.Error()
		} else {
			said := strings.ReplaceAll(m.Text, "{person.link}", c.s.PublicURL+"/d/…")
			text.Messages = []messageText{{Language: cmp.Or(m.Language, own), Name: l.language(cmp.Or(m.Language, own)), Title: tidy(m.Title), Text: said}}
		}
		out = append(out, text)
	}
	return out
}
