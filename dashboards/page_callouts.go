package dashboards

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// calloutPath is where calls to volunteers stand.
const calloutPath = "/console/d"

func (c *console) calloutRoutes() []consoleRoute {
	if c.s.Callouts == nil {
		return nil
	}
	return []consoleRoute{
		{"GET", calloutPath, forStaff, c.calloutsPage},
		{"GET", calloutPath + "/new", forStaff, c.newCallout},
		{"POST", calloutPath + "/new", forStaff, c.newCalloutPosted},
		{"GET", calloutPath + "/hours.csv", forStaff, c.calloutHours},
		{"GET", calloutPath + "/{id}", forStaff, c.calloutPage},
		{"POST", calloutPath + "/{id}/people", forStaff, c.calloutSaid},
		{"POST", calloutPath + "/{id}/wave", forStaff, c.calloutWave},
		{"GET", calloutPath + "/{id}/close", forStaff, c.calloutEndPage(volunteers.StateClosed)},
		{"POST", calloutPath + "/{id}/close", forStaff, c.calloutEnd(volunteers.StateClosed)},
		{"GET", calloutPath + "/{id}/cancel", forStaff, c.calloutEndPage(volunteers.StateCancelled)},
		{"POST", calloutPath + "/{id}/cancel", forStaff, c.calloutEnd(volunteers.StateCancelled)},
		{"GET", calloutPath + "/{id}/pages", forStaff, c.calloutDeliveries},
		{"GET", calloutPath + "/{id}/attendance", forStaff, c.attendancePage},
		{"GET", calloutPath + "/{id}/attendance.csv", forStaff, c.attendanceCSV},
		{"GET", calloutPath + "/{id}/activation", forStaff, c.activationForm},
		{"POST", calloutPath + "/{id}/activation", forStaff, c.activationPosted},
		{"GET", calloutPath + "/{id}/certificate/{number}", forStaff, c.presenceCertificate},
		{"GET", calloutPath + "/{id}/attendance/{number}", forStaff, c.correctForm},
		{"POST", calloutPath + "/{id}/attendance/{number}", forStaff, c.correctPosted},
	}
}

// mayCall reports whether who looks may call volunteers out, and so keep their
// roster and see who they are and how they are reached.
func (v *visit) mayCall() bool { return v.caller().Can(alerts.VerbCall) }

// calls answers who may not see the people of calls; false then.
func (c *console) calls(v *visit) bool {
	if v.mayCall() {
		return true
	}
	c.say(v, http.StatusForbidden, v.l.must("callout_no_right"))
	return false
}

// calloutLine is a call in a list. It names nobody whom it calls.
type calloutLine struct {
	Code, What, Where string
	URL               string
	Stand             string // "open: 4 of 6", "closed"
	Tone, Shape       string
	Exercise, Open    bool
	Short             bool
	By                string
	Opened, Meet      instant
	Again             string // address of the form with a copy of it
}

type calloutsPage struct {
	Open, Over []calloutLine
	New        string
	May        bool
	From, To   string // of the list of hours
	Wrong      map[string]string
	Hours      string
}

// mostCallouts bounds lists of calls.
const mostCallouts = 200

// calloutLines words calls, the newest first. Of open ones it counts who comes.
func (c *console) calloutLines(v *visit, most int, open bool) (lines []calloutLine, err error) {
	calls, err := c.s.Callouts.Calls(v.r.Context(), most)
	if err != nil {
		return nil, err
	}
	for _, one := range calls {
		if open && one.State != volunteers.StateOpen {
			continue
		}
		line, err := c.calloutLine(v, one)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func (c *console) calloutLine(v *visit, one *volunteers.Call) (calloutLine, error) {
	at := calloutPath + "/" + string(one.ID)
	line := calloutLine{Code: one.Code(), What: tidy(one.What), Where: tidy(one.Where), URL: at + langQuery(v), Tone: "mut", Shape: "s-mut", Exercise: one.Exercise, Open: one.State == volunteers.StateOpen, Short: !one.Short.IsZero() && one.Filled.IsZero(),
		By: tidy(one.By.Name), Opened: v.l.At(one.Opened, v.now), Meet: v.l.At(one.Meet, v.now), Stand: callState(v.l, one.State)}
	line.Again = inLang(v, calloutPath+"/new?copy="+string(one.ID))
	if !line.Open {
		return line, nil
	}
	view, err := c.s.Callouts.View(v.r.Context(), one.ID)
	if err != nil {
		return line, err
	}
	filled := filledOf(view)
	line.Stand = v.l.must("callout_stand", "N", filled, "All", one.Needed())
	line.Tone, line.Shape = "grn", "s-ok"
	if filled < one.Needed() {
		line.Tone, line.Shape = "org", "s-org"
	}
	return line, nil
}

// filledOf is how many places of the needs are taken.
func filledOf(view *callout.View) int {
	n := 0
	for _, need := range view.Needs {
		n += min(need.Coming, need.People)
	}
	return n
}

// callState names where a call stands.
func callState(l *locale, s volunteers.State) string {
	switch s {
	case volunteers.StateOpen:
		return l.must("callout_state_open")
	case volunteers.StateClosed:
		return l.must("callout_state_closed")
	case volunteers.StateCancelled:
		return l.must("callout_state_cancelled")
	case volunteers.StateExpired:
		return l.must("callout_state_expired")
	}
	return string(s)
}

// inLang keeps the language that was asked for in an address with a query.
func inLang(v *visit, address string) string {
	q := strings.TrimPrefix(langQuery(v), "?")
	switch {
	case q == "":
		return address
	case strings.Contains(address, "?"):
		return address + "&" + q
	}
	return address + "?" + q
}

// openCallouts are the open calls, for the first page.
func (c *console) openCallouts(v *visit) ([]calloutLine, error) {
	if c.s.Callouts == nil {
		return nil, nil
	}
	return c.calloutLines(v, mostCallouts, true)
}

// calloutsPage lists the calls, the open ones first.
func (c *console) calloutsPage(v *visit) { c.calloutsForm(v, 0, "", "", nil, "") }

func (c *console) calloutsForm(v *visit, code int, from, to string, wrong map[string]string, field string) {
	lines, err := c.calloutLines(v, mostCallouts, false)
	if err != nil {
		c.failCallout(v, err)
		return
	}
	page := calloutsPage{New: calloutPath + "/new" + langQuery(v), May: v.mayCall(), From: from, To: to, Wrong: wrong, Hours: calloutPath + "/hours.csv"}
	if page.From == "" && page.To == "" {
		today := v.now.In(c.s.Zone)
		page.From, page.To = time.Date(today.Year(), 1, 1, 0, 0, 0, 0, c.s.Zone).Format(dayForm), today.Format(dayForm)
	}
	for _, line := range lines {
		if line.Open {
			page.Open = append(page.Open, line)
		} else {
			page.Over = append(page.Over, line)
		}
	}
	title := v.l.must("callout_title")
	if n := len(page.Open); n > 0 {
		title = "(" + itoa(n) + ") " + title
	}
	c.show(v, sheet{name: "callouts", title: title, code: code, wrong: wrong[field], field: field, content: page})
}

// calloutOf opens the call that the path names; nil where that was answered.
func (c *console) calloutOf(ctx context.Context, v *visit) *callout.View {
	return c.calledIn(ctx, v, false)
}

// calledIn reads the call, or the test of contacts, that the path names; nil
// where that was answered.
func (c *console) calledIn(ctx context.Context, v *visit, test bool) *callout.View {
	if !c.calls(v) {
		return nil
	}
	id := alerts.ID(v.r.PathValue("id"))
	if !plausible(id) {
		c.failCallout(v, alerts.ErrNotFound)
		return nil
	}
	view, err := c.s.Callouts.View(ctx, id)
	if err == nil && view.Call.Test != test {
		err = alerts.ErrNotFound
	}
	if err != nil {
		c.failCallout(v, err)
		return nil
	}
	return view
}

// failCallout answers what keeps a page of a call from being shown.
func (c *console) failCallout(v *visit, err error) {
	switch {
	case errors.Is(err, callout.ErrOver):
		c.say(v, http.StatusConflict, v.l.must("callout_is_over"))
	case errors.Is(err, alerts.ErrNotFound):
		c.say(v, http.StatusNotFound, v.l.must("callout_none_such"))
	case errors.Is(err, alerts.ErrForbidden):
		said := []string{v.l.must("callout_no_right")}
		if refused, ok := errors.AsType[*alerts.Refusal](err); ok {
			for _, p := range refused.Problems {
				said = append(said, v.l.said(p).Text+".")
			}
		}
		c.say(v, http.StatusForbidden, strings.Join(said, " "))
	default:
		c.failBoard(v, err)
	}
}
