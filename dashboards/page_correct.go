package dashboards

import (
	"cmp"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// correctionLine is one correction on the sheet.
type correctionLine struct {
	Name     string
	At       instant
	By       string
	Was, Is  string
	Reason   string
	Unlisted bool // nobody counts them as there any more
}

// correctPage is the form by which the hours of one volunteer are corrected.
type correctPage struct {
	Code, What, Name string
	To, Back         string
	Exercise         bool
	Revision         string
	Arrived, Left    string // as browsers take them
	Reason           string
	Most             int
	Noted            string
	Bad              map[string][]string
	Before           []correctionLine
}

// stayWords says from when to when somebody was there.
func stayWords(l *locale, stay volunteers.Stay, now time.Time) string {
	if stay.Arrived.IsZero() {
		return l.must("correct_not_there")
	}
	to := l.must("attendance_not_noted")
	if !stay.Left.IsZero() {
		to = l.At(stay.Left, now).Text
	}
	return l.At(stay.Arrived, now).Text + " – " + to
}

func correctionLines(l *locale, name string, p volunteers.Presence, now time.Time) []correctionLine {
	out := make([]correctionLine, len(p.Corrections))
	for i, one := range p.Corrections {
		out[i] = correctionLine{Name: name, At: l.At(one.At, now), By: cmp.Or(tidy(one.By.Name), one.By.ID), Was: stayWords(l, one.From, now), Is: stayWords(l, one.To, now), Reason: tidy(one.Reason), Unlisted: p.Arrived.IsZero()}
	}
	return out
}

// correctedOf is the call and the person that the path names; nil where that was
// answered.
func (c *console) correctedOf(v *visit) (*callout.View, *callout.Seen) {
	view := c.calloutOf(v.r.Context(), v)
	if view == nil {
		return nil, nil
	}
	number, err := strconv.ParseUint(v.r.PathValue("number"), 10, 32)
	for i := range view.People {
		if p := &view.People[i]; err == nil && p.Number == uint32(number) && p.Name != "" {
			return view, p
		}
	}
	c.failCallout(v, alerts.ErrNotFound)
	return nil, nil
}

// correctPath is the address of the form for one person of a call.
func correctPath(v *visit, id alerts.ID, number uint32) string {
	return calloutPath + "/" + string(id) + "/attendance/" + strconv.FormatUint(uint64(number), 10) + langQuery(v)
}

func (c *console) correctForm(v *visit) {
	view, p := c.correctedOf(v)
	if view == nil {
		return
	}
	page := c.correctView(v, view, p)
	stay := p.Presence.Stay()
	page.Arrived, page.Left = typedTime(v, stay.Arrived), typedTime(v, stay.Left)
	c.showCorrect(v, page, 0, "")
}

func typedTime(v *visit, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.In(v.l.zone).Format(localTime)
}

func (c *console) correctView(v *visit, view *callout.View, p *callout.Seen) correctPage {
	at := calloutPath + "/" + string(view.Call.ID) + "/attendance"
	return correctPage{Code: view.Call.Code(), What: tidy(view.Call.What), Name: tidy(p.Name), To: correctPath(v, view.Call.ID, p.Number), Back: at + langQuery(v), Exercise: view.Call.Exercise,
		Revision: p.Presence.Revision(), Most: volunteers.ReasonMost, Noted: stayWords(v.l, p.Presence.Stay(), v.now), Bad: map[string][]string{}, Before: correctionLines(v.l, tidy(p.Name), p.Presence, v.now)}
}

func (c *console) showCorrect(v *visit, page correctPage, code int, wrong string) {
	one := sheet{name: "correct", title: v.l.must("correct_title", "Name", page.Name, "Code", page.Code), code: code, wrong: wrong, content: page}
	for _, field := range []string{"reason", "left", "arrived"} {
		if len(page.Bad[field]) > 0 {
			one.field = field
		}
	}
	if page.Exercise {
		one.mode = "exercise"
	}
	c.show(v, one)
}

// correctPosted writes a correction down.
func (c *console) correctPosted(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	view, p := c.correctedOf(v)
	if view == nil {
		return
	}
	form := v.r.PostForm
	page := c.correctView(v, view, p)
	page.Arrived, page.Left, page.Reason, page.Revision = strings.TrimSpace(form.Get("arrived")), strings.TrimSpace(form.Get("left")), strings.TrimSpace(strings.ToValidUTF8(form.Get("reason"), "\uFFFD")), form.Get("revision")
	var ps alerts.Problems
	read := func(field, typed string, noted time.Time) time.Time {
		if typed == "" || typed == typedTime(v, noted) { // what nobody changed keeps its seconds
			if typed != "" {
				return noted
			}
			return time.Time{}
		}
		at, err := time.ParseInLocation(localTime, typed, v.l.zone)
		if err != nil {
			ps = append(ps, alerts.Problem{Field: field, Problem: "is no day and hour", Hint: "write it like 2026-11-23T18:15"})
		}
		return at
	}
	to := volunteers.Stay{Arrived: read("arrived", page.Arrived, p.Presence.Arrived), Left: read("left", page.Left, p.Presence.Left)}
	var err error
	switch {
	case len(ps) == 0:
		ctx, cancel := actContext(v.r)
		defer cancel()
		err = c.s.Callouts.CorrectFor(ctx, v.caller().Person, view.Call.ID, p.Number, page.Revision, to, page.Reason)
	case page.Reason == "":
		ps = append(ps, alerts.Problem{Field: "reason", Problem: "is missing", Hint: "say why the hours are corrected: it stands in the ledger and on the sheet"})
	}
	if refused, ok := errors.AsType[*alerts.Refusal](err); ok && !errors.Is(err, alerts.ErrForbidden) {
		ps = refused.Problems
	}
	switch {
	case len(ps) > 0:
		for _, problem := range ps {
			page.Bad[problem.Field] = append(page.Bad[problem.Field], v.l.said(problem).Text)
		}
		c.showCorrect(v, page, http.StatusUnprocessableEntity, v.l.must("correct_wrong"))
		return
	case errors.Is(err, alerts.ErrStale):
		fresh, now := c.correctedOf(v)
		if fresh == nil {
			return
		}
		again := c.correctView(v, fresh, now)
		again.Arrived, again.Left, again.Reason = page.Arrived, page.Left, page.Reason
		c.showCorrect(v, again, http.StatusConflict, v.l.must("correct_stale", "Noted", again.Noted))
		return
	case err != nil:
		c.failCallout(v, err)
		return
	}
	c.log("a presence corrected", v.member, zap.String("call", string(view.Call.ID)), zap.Uint32("number", p.Number))
	c.to(v, calloutPath+"/"+string(view.Call.ID)+"/attendance?said=corrected")
}

var someCorrection = regexp.MustCompile(`^(\S+)/(\S+) > (\S+)/(\S+): (.*)$`)

// correctionReason tells a correction of the ledger in the reader's words.
func correctionReason(l *locale, text string, now time.Time) string {
	m := someCorrection.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	at := func(text string) time.Time {
		t, _ := time.Parse("2006-01-02T15:04Z07:00", text) // "-" is none
		return t
	}
	return l.must("correct_ledger", "Was", stayWords(l, volunteers.Stay{Arrived: at(m[1]), Left: at(m[2])}, now), "Is", stayWords(l, volunteers.Stay{Arrived: at(m[3]), Left: at(m[4])}, now), "Reason", m[5])
}
