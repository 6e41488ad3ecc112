package dashboards

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
)

// dayForm is how days are typed and shown in the list of hours.
const dayForm = "02/01/2006"

// mostHours bounds the calls that the list of hours reads.
const mostHours = 2000

type attendanceLine struct {
	Name, Organisation string
	From, To           instant
	Hours              string
	Noted              bool
	Days               []hoursLine // where there are several
	Certificate        string
	Corrected          bool
	Correct            string // address of the form that corrects it; "" of who was erased
}

type attendanceSheet struct {
	Code, What, Where string
	Back, CSV         string
	Open, Exercise    bool
	Meet, Until       instant
	By                string
	Ended             instant
	EndedBy           string
	Rows              []attendanceLine
	Doubtful          int // rows whose end nobody noted
	Total             string
	Days              []hoursLine // all together, where there are several
	Activation        activationLine
	Activate          string // address of the form
	Corrections       []correctionLine
	Absent            []absentLine // of the call, not noted as arrived
}

// absentLine is somebody who may have come without anybody noting it.
type absentLine struct{ Name, Correct string }

// attended is who was at a call, at the time of the look.
func (c *console) attended(view *callout.View, now time.Time) []volunteers.Attendance {
	presence, who := map[uint32]volunteers.Presence{}, map[uint32]volunteers.Profile{}
	for i := range view.People {
		p := &view.People[i]
		presence[p.Number] = p.Presence
		who[p.Number] = volunteers.Profile{Name: p.Name, Organisation: p.Organisation}
	}
	return volunteers.Attended(view.Call, presence, func(n uint32) volunteers.Profile { return who[n] }, now.In(c.s.Zone))
}

// attendancePage is the sheet by which the presence at a call is attested
// (arts. 39 and 40 D.Lgs. 1/2018), to be printed and signed.
func (c *console) attendancePage(v *visit) {
	view := c.calloutOf(v.r.Context(), v)
	if view == nil {
		return
	}
	call := view.Call
	at := calloutPath + "/" + string(call.ID)
	page := attendanceSheet{Code: call.Code(), What: tidy(call.What), Where: tidy(call.Where), Back: at + langQuery(v), CSV: at + "/attendance.csv" + langQuery(v), Open: call.State == volunteers.StateOpen, Exercise: call.Exercise,
		Meet: paperTime(v, call.Meet), Until: v.l.At(call.Until, v.now), By: tidy(call.By.Name), Ended: paperTime(v, call.Ended), EndedBy: tidy(call.EndBy.Name)}
	page.Activation, page.Activate = activationOf(v, call), at+"/activation"+langQuery(v)
	var total time.Duration
	hoursOf := map[int64]time.Duration{} // by begin of the day
	for _, row := range c.attended(view, v.now) {
		total += row.Time()
		if !row.Noted {
			page.Doubtful++
		}
		line := attendanceLine{Name: tidy(row.Name), Organisation: tidy(row.Organisation), From: v.l.At(row.From, v.now), To: v.l.At(row.To, v.now), Hours: hoursText(row.Time()), Noted: row.Noted, Corrected: len(row.Corrections) > 0}
		if row.Name == "" {
			line.Name = v.l.must("ledger_person", "N", row.Number)
		} else {
			line.Correct = correctPath(v, call.ID, row.Number)
			line.Certificate = certificatePath(v, call.ID, row.Number)
		}
		if days := row.Days(); len(days) > 1 {
			line.Days = hoursLines(days, "02/01")
		}
		for _, day := range row.Days() {
			hoursOf[day.Day.Unix()] += day.Time
		}
		page.Rows = append(page.Rows, line)
	}
	page.Total = hoursText(total)
	if len(hoursOf) > 1 {
		for _, day := range slices.Sorted(maps.Keys(hoursOf)) {
			page.Days = append(page.Days, hoursLine{time.Unix(day, 0).In(c.s.Zone).Format(dayForm), hoursText(hoursOf[day])})
		}
	}
	for i := range view.People {
		p := &view.People[i]
		name := cmp.Or(tidy(p.Name), v.l.must("ledger_person", "N", p.Number))
		page.Corrections = append(page.Corrections, correctionLines(v.l, name, p.Presence, v.now)...)
		if p.Presence.Arrived.IsZero() && p.Name != "" {
			page.Absent = append(page.Absent, absentLine{name, correctPath(v, call.ID, p.Number)})
		}
	}
	slices.SortFunc(page.Absent, func(a, b absentLine) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	one := sheet{name: "attendance", title: v.l.must("attendance_title", "Code", page.Code), scripts: []string{"print.js"}, content: page}
	switch v.r.URL.Query().Get("said") {
	case "corrected":
		one.said = v.l.must("correct_said")
	case "activation":
		one.said = v.l.must("activation_said")
	}
	if page.Exercise {
		one.mode = "exercise"
	}
	c.show(v, one)
}

// hoursText writes hours and whole minutes: "3:45".
func hoursText(d time.Duration) string {
	minutes := int(d / time.Minute)
	rest := itoa(minutes % 60)
	if len(rest) == 1 {
		rest = "0" + rest
	}
	return itoa(minutes/60) + ":" + rest
}

func (c *console) attendanceCSV(v *visit) {
	view := c.calloutOf(v.r.Context(), v)
	if view == nil {
		return
	}
	rows := c.attended(view, v.now)
	if !c.noteList(v, broadcast.ActListTaken, view.Call.ID, broadcast.ListAttendance, len(rows)) {
		return
	}
	c.log("attendance sheet read", v.member, zap.String("call", string(view.Call.ID)), zap.Int("rows", len(rows)))
	c.attendanceFile(v, "presenze-"+strings.ToLower(view.Call.Code()), rows)
}

// attendanceFile writes rows as a file. It names people: noteList is called
// before.
func (c *console) attendanceFile(v *visit, name string, rows []volunteers.Attendance) {
	h := v.w.Header()
	h.Set("Content-Type", mediaCSV+"; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	heading := []string{"name", "organisation", "activity", "place", "call", "exercise", "begin", "end", "hours", "noted", "corrected"}
	for i, key := range heading {
		heading[i] = v.l.must("attendance_col_" + key)
	}
	if err := volunteers.WriteAttendance(&patient{v.w, http.NewResponseController(v.w)}, heading, v.l.must("attendance_yes"), v.l.must("attendance_no"), rows); err != nil {
		if v.r.Context().Err() == nil {
			c.s.Logger.Warn("a list of hours ended early", zap.Error(err))
		}
		panic(http.ErrAbortHandler) // half a list must not look like a whole one
	}
}

// calloutHours gives the hours of everybody at all calls that met in a span of
// days, both included.
func (c *console) calloutHours(v *visit) {
	if !c.calls(v) {
		return
	}
	q := v.r.URL.Query()
	wrong := map[string]string{}
	day := func(name string) time.Time {
		text := strings.TrimSpace(q.Get(name))
		for _, layout := range []string{dayForm, "2/1/2006", time.DateOnly} {
			if at, err := time.ParseInLocation(layout, text, c.s.Zone); err == nil {
				return at
			}
		}
		wrong[name] = v.l.must("attendance_bad_day")
		return time.Time{}
	}
	from, to := day("from"), day("to")
	if len(wrong) == 0 && to.Before(from) {
		wrong["to"] = v.l.must("attendance_bad_span")
	}
	if len(wrong) > 0 {
		field := "from"
		if wrong["from"] == "" {
			field = "to"
		}
		c.calloutsForm(v, http.StatusUnprocessableEntity, q.Get("from"), q.Get("to"), wrong, field)
		return
	}
	select {
	case c.s.exporting <- struct{}{}:
		defer func() { <-c.s.exporting }()
	default:
		v.w.Header().Set("Retry-After", "10")
		c.say(v, http.StatusServiceUnavailable, v.l.must("ledger_busy"))
		return
	}
	rows, err := c.hours(v.r.Context(), from, to.AddDate(0, 0, 1), v.now)
	if err != nil {
		c.failCallout(v, err)
		return
	}
	if !c.noteList(v, broadcast.ActListTaken, "", broadcast.ListHours, len(rows)) {
		return
	}
	c.log("hours of volunteers read", v.member, zap.String("from", from.Format(time.DateOnly)), zap.String("to", to.Format(time.DateOnly)), zap.Int("rows", len(rows)))
	c.attendanceFile(v, "ore-"+from.Format("20060102")+"-"+to.Format("20060102"), rows)
}

// hours reads who was at the calls that met from from until before to.
func (c *console) hours(ctx context.Context, from, to, now time.Time) ([]volunteers.Attendance, error) {
	calls, err := c.s.Callouts.Calls(ctx, mostHours)
	if err != nil {
		return nil, err
	}
	var rows []volunteers.Attendance
	for _, call := range calls {
		if call.Meet.Before(from) || !call.Meet.Before(to) {
			continue
		}
		view, err := c.s.Callouts.View(ctx, call.ID)
		if err != nil {
			return nil, err
		}
		rows = append(rows, c.attended(view, now)...)
	}
	volunteers.SortAttendance(rows)
	return rows, nil
}

// calloutPages tells how the messages of a call fare, by channel.
type calloutPages struct {
	Code, Back string
	Channels   []calloutChannel
	Records    int
}

type calloutChannel struct {
	Name                                                      string
	Total, Accepted, Delivered, Failed, Uncertain, Suppressed int
	Expired                                                   int
	Error                                                     string
}

func (c *console) calloutDeliveries(v *visit) {
	view := c.calloutOf(v.r.Context(), v)
	if view == nil {
		return
	}
	page := calloutPages{Code: view.Call.Code(), Back: calloutPath + "/" + string(view.Call.ID) + langQuery(v)}
	seen := map[alerts.ID]bool{}
	at := map[string]int{}
	for i := range view.People {
		for _, one := range view.People[i].Pages {
			if seen[one.Record] {
				continue
			}
			seen[one.Record] = true
			all, err := c.s.Work.Deliveries(v.r.Context(), one.Record)
			if err != nil {
				c.failCallout(v, err)
				return
			}
			for _, d := range all {
				if _, known := at[d.Channel]; !known {
					at[d.Channel] = len(page.Channels)
					page.Channels = append(page.Channels, calloutChannel{Name: d.Channel})
				}
				line := &page.Channels[at[d.Channel]]
				line.Total, line.Accepted, line.Delivered, line.Failed = line.Total+d.Total, line.Accepted+d.Accepted, line.Delivered+d.Delivered, line.Failed+d.Failed
				line.Uncertain, line.Suppressed, line.Expired = line.Uncertain+d.Uncertain, line.Suppressed+d.Suppressed, line.Expired+d.Expired
				if d.Error != "" {
					line.Error = d.Error
				}
			}
		}
	}
	page.Records = len(seen)
	c.show(v, sheet{name: "callout_pages", title: v.l.must("callout_pages_title", "Code", page.Code), content: page})
}
