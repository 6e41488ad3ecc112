package dashboards

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
)

// activationLine is by whose order volunteers are active; By "" where nobody said.
type activationLine struct {
	By, Order string
	At        instant
}

// hoursLine are the hours of one day.
type hoursLine struct{ Day, Hours string }

// paperTime shows a time with its year: paper is read years later.
func paperTime(v *visit, at time.Time) instant {
	shown := v.l.At(at, v.now)
	if !at.IsZero() {
		shown.Text = at.In(v.l.zone).Format(dayForm + " 15:04")
	}
	return shown
}

func activationOf(v *visit, call *volunteers.Call) activationLine {
	return activationLine{By: tidy(call.Activation.By), Order: tidy(call.Activation.Order), At: paperTime(v, call.Activation.At)}
}

func hoursLines(days []volunteers.DayHours, form string) []hoursLine {
	out := make([]hoursLine, len(days))
	for i, day := range days {
		out[i] = hoursLine{day.Day.Format(form), hoursText(day.Time)}
	}
	return out
}

// activationPage is the form of it.
type activationPage struct {
	Code, What, To, Back string
	Exercise             bool
	Revision             int
	By, Order, At        string
	Bad                  map[string][]string
}

func (c *console) activationView(v *visit, call *volunteers.Call) activationPage {
	at := calloutPath + "/" + string(call.ID)
	return activationPage{Code: call.Code(), What: tidy(call.What), To: at + "/activation" + langQuery(v), Back: at + "/attendance" + langQuery(v), Exercise: call.Exercise, Revision: call.Activation.Revision,
		By: call.Activation.By, Order: call.Activation.Order, At: typedTime(v, call.Activation.At), Bad: map[string][]string{}}
}

func (c *console) activationForm(v *visit) {
	if view := c.calloutOf(v.r.Context(), v); view != nil {
		c.showActivation(v, c.activationView(v, view.Call), 0, "")
	}
}

func (c *console) showActivation(v *visit, page activationPage, code int, wrong string) {
	one := sheet{name: "activation", title: v.l.must("activation_of", "Code", page.Code), code: code, wrong: wrong, content: page}
	for _, field := range []string{"at", "order", "by"} {
		if len(page.Bad[field]) > 0 {
			one.field = field
		}
	}
	if page.Exercise {
		one.mode = "exercise"
	}
	c.show(v, one)
}

func (c *console) activationPosted(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	view := c.calloutOf(v.r.Context(), v)
	if view == nil {
		return
	}
	form := v.r.PostForm
	field := func(name string) string {
		return strings.TrimSpace(strings.ToValidUTF8(form.Get(name), "\uFFFD"))
	}
	page := c.activationView(v, view.Call)
	page.By, page.Order, page.At = field("by"), field("order"), field("at")
	a := volunteers.Activation{By: page.By, Order: page.Order}
	var err error
	if a.Revision, err = strconv.Atoi(form.Get("revision")); err != nil {
		a.Revision = -1 // of no page of ours: somebody looks again
	}
	var ps alerts.Problems
	if page.At != "" {
		if a.At, err = time.ParseInLocation(localTime, page.At, v.l.zone); err != nil {
			ps = append(a.Problems(v.now.In(v.l.zone)), alerts.Problem{Field: "at", Problem: "is no day and hour", Hint: "write it like 2026-11-23T18:15"})
		}
	}
	err = nil
	if len(ps) == 0 {
		ctx, cancel := actContext(v.r)
		defer cancel()
		err = c.s.Callouts.Activate(ctx, v.caller().Person, view.Call.ID, a)
	}
	if refused, ok := errors.AsType[*alerts.Refusal](err); ok && !errors.Is(err, alerts.ErrForbidden) {
		ps = refused.Problems
	}
	switch {
	case len(ps) > 0:
		for _, problem := range ps {
			page.Bad[problem.Field] = append(page.Bad[problem.Field], v.l.said(problem).Text)
		}
		c.showActivation(v, page, http.StatusUnprocessableEntity, v.l.must("correct_wrong"))
	case errors.Is(err, alerts.ErrStale):
		fresh := c.calloutOf(v.r.Context(), v)
		if fresh == nil {
			return
		}
		c.showActivation(v, c.activationView(v, fresh.Call), http.StatusConflict, v.l.must("activation_stale"))
	case err != nil:
		c.failCallout(v, err)
	default:
		c.log("an activation noted", v.member, zap.String("call", string(view.Call.ID)))
		c.to(v, calloutPath+"/"+string(view.Call.ID)+"/attendance?said=activation")
	}
}

// certificatePage is what one employer gets.
type certificatePage struct {
	Code, What, Where       string
	Back, Correct, Activate string
	Open, Exercise          bool
	Activation              activationLine
	Row                     attendanceLine
}

// certificatePath is the address of the certificate of one person of a call.
func certificatePath(v *visit, id alerts.ID, number uint32) string {
	return calloutPath + "/" + string(id) + "/certificate/" + strconv.FormatUint(uint64(number), 10) + langQuery(v)
}

// presenceCertificate is a sheet for the employer of one volunteer (art. 39 D.Lgs.
// 1/2018), to be signed. It names nobody else, and has neither what was corrected
// nor any contact.
func (c *console) presenceCertificate(v *visit) {
	view, p := c.correctedOf(v)
	if view == nil {
		return
	}
	call := view.Call
	at := calloutPath + "/" + string(call.ID)
	page := certificatePage{Code: call.Code(), What: tidy(call.What), Where: tidy(call.Where), Back: at + "/attendance" + langQuery(v), Correct: correctPath(v, call.ID, p.Number), Activate: at + "/activation" + langQuery(v),
		Open: call.State == volunteers.StateOpen, Exercise: call.Exercise, Activation: activationOf(v, call)}
	found := false
	for _, row := range c.attended(view, v.now) {
		if row.Number == p.Number {
			found = true
			page.Row = attendanceLine{Name: tidy(row.Name), Organisation: tidy(row.Organisation), From: paperTime(v, row.From), To: paperTime(v, row.To), Hours: hoursText(row.Time()), Days: hoursLines(row.Days(), dayForm), Noted: row.Noted}
		}
	}
	if !found {
		c.say(v, http.StatusNotFound, v.l.must("certificate_none"))
		return
	}
	one := sheet{name: "certificate", title: v.l.must("certificate_title", "Name", page.Row.Name), scripts: []string{"print.js"}, content: page}
	if page.Exercise {
		one.mode = "exercise"
	}
	c.show(v, one)
}
