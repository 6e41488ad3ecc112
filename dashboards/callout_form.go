package dashboards

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/compose"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
	"martinella/broadcast/roster"
)

// calloutForm is a call as it is typed: nothing of it is lost, whatever is wrong
// with it.
type calloutForm struct {
	ID                    alerts.ID // of the call that it becomes: sending it twice is one call
	Alert                 alerts.ID
	What, Where, Point    string
	Meet, Until, Bring    string
	Needs                 []needRow
	Referent, Phone       string
	Groups, Areas         string // separated by commas
	Nearest               bool
	Urgent, Exercise      bool
	Times                 string
	Second, After, MostOf string // ask, auto, none; minutes; people
}

type needRow struct {
	N             int // from 1
	Skill, People string
}

// needRows is how many rows a form has at first, and how many one more press of
// the button brings.
const (
	needRows = 3
	moreRows = 2
)

// The kinds of [calloutForm.Second].
const (
	secondAsk  = "ask"
	secondAuto = "auto"
	secondNone = "none"
)

// secondAfter is the usual time in minutes after which too few answers count as
// too few.
const secondAfter = 10

// The times of a new call: people meet in half an hour, and it takes four.
const (
	meetIn  = 30 * time.Minute
	lastsIn = 4 * time.Hour
)

// freshCallout is an empty form.
func (c *console) freshCallout(v *visit) calloutForm {
	meet := v.now.Add(meetIn).Round(5 * time.Minute)
	f := calloutForm{ID: c.s.Desk.NewID(v.now), Meet: compose.FormatTime(meet, c.s.Zone), Until: compose.FormatTime(meet.Add(lastsIn), c.s.Zone),
		Times: strconv.Itoa(volunteers.DefaultTimes), Second: secondAsk, After: strconv.Itoa(secondAfter), Exercise: c.s.Desk.Policy.Practice}
	f.rows(needRows)
	return f
}

// rows fills up to so many rows of needs, and numbers them.
func (f *calloutForm) rows(n int) {
	for len(f.Needs) < min(n, volunteers.NeedsMost) {
		f.Needs = append(f.Needs, needRow{})
	}
	for i := range f.Needs {
		f.Needs[i].N = i + 1
	}
}

// copyOf takes over what an earlier call said, but not when.
func (f *calloutForm) copyOf(call *volunteers.Call, names func(code string) string) {
	f.Alert, f.What, f.Where, f.Bring = call.Alert, call.What, call.Where, call.Bring
	f.Referent, f.Phone, f.Nearest, f.Urgent, f.Exercise = call.Referent.Name, call.Referent.Phone, call.Choice.Nearest, call.Urgent, f.Exercise || call.Exercise
	if call.Point != nil {
		f.Point = pointText(*call.Point)
	}
	f.Needs = nil
	for _, n := range call.Needs {
		f.Needs = append(f.Needs, needRow{Skill: n.Skill, People: strconv.Itoa(n.People)})
	}
	f.rows(max(needRows, len(f.Needs)))
	f.Groups = strings.Join(call.Choice.Groups, ", ")
	var areas []string
	for _, code := range call.Choice.Areas {
		areas = append(areas, names(code))
	}
	f.Areas = strings.Join(areas, ", ")
	if call.Choice.Times > 0 {
		f.Times = strconv.FormatFloat(call.Choice.Times, 'f', -1, 64)
	}
	switch {
	case call.Second.After == 0:
		f.Second = secondNone
	case call.Second.Auto:
		f.Second = secondAuto
	}
	if call.Second.After > 0 {
		f.After = strconv.Itoa(int(call.Second.After / time.Minute))
	}
	if call.Second.Most > 0 {
		f.MostOf = strconv.Itoa(call.Second.Most)
	}
}

// pointText writes a place so that it is read again.
func pointText(p alerts.Point) string {
	return strconv.FormatFloat(p.Lat, 'f', -1, 64) + ", " + strconv.FormatFloat(p.Lon, 'f', -1, 64)
}

// fields are the names and values of the form, for the page that only asks
// whether it is right.
func (f *calloutForm) fields() []heldField {
	out := []heldField{{"id", string(f.ID)}, {"alert", string(f.Alert)}, {"what", f.What}, {"where", f.Where}, {"point", f.Point}, {"meet", f.Meet}, {"until", f.Until}, {"bring", f.Bring},
		{"referent", f.Referent}, {"phone", f.Phone}, {"groups", f.Groups}, {"areas", f.Areas}, {"times", f.Times}, {"second", f.Second}, {"after", f.After}, {"most", f.MostOf}}
	for _, on := range []struct {
		name string
		set  bool
	}{{"nearest", f.Nearest}, {"urgent", f.Urgent}, {"exercise", f.Exercise}} {
		if on.set {
			out = append(out, heldField{on.name, "1"})
		}
	}
	for _, n := range f.Needs {
		out = append(out, heldField{"skill", n.Skill}, heldField{"people", n.People})
	}
	return out
}

// calloutFormOf reads what was sent.
func calloutFormOf(post url.Values) calloutForm {
	get := func(name string) string {
		return strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(post.Get(name), "\r\n", "\n"), "\uFFFD"))
	}
	f := calloutForm{What: get("what"), Where: get("where"), Point: get("point"), Meet: get("meet"), Until: get("until"), Bring: get("bring"), Referent: get("referent"), Phone: get("phone"),
		Groups: get("groups"), Areas: get("areas"), Nearest: post.Get("nearest") != "", Urgent: post.Get("urgent") != "", Exercise: post.Get("exercise") != "",
		Times: get("times"), Second: get("second"), After: get("after"), MostOf: get("most")}
	for name, to := range map[string]*alerts.ID{"id": &f.ID, "alert": &f.Alert} {
		if id := alerts.ID(post.Get(name)); plausible(id) {
			*to = id
		}
	}
	if !slices.Contains([]string{secondAsk, secondAuto, secondNone}, f.Second) {
		f.Second = secondAsk
	}
	skills, people := post["skill"], post["people"]
	for i := range min(max(len(skills), len(people)), volunteers.NeedsMost) {
		var row needRow
		if i < len(skills) {
			row.Skill = strings.TrimSpace(strings.ToValidUTF8(skills[i], "\uFFFD"))
		}
		if i < len(people) {
			row.People = strings.TrimSpace(people[i])
		}
		f.Needs = append(f.Needs, row)
	}
	f.rows(needRows)
	return f
}

// calloutDraft is what the form says, with everything that cannot be read, each under
// the field of the call. rows are the numbers of the rows that say something, in
// the order of the draft's needs. Times that were read are written out: "+1 h"
// means the same when it is sent again.
func (c *console) calloutDraft(v *visit, f *calloutForm) (d callout.Draft, rows []int, ps alerts.Problems) {
	refuse := func(field, problem, hint string) {
		ps = append(ps, alerts.Problem{Field: field, Problem: problem, Hint: hint, Level: alerts.LevelError})
	}
	d = callout.Draft{ID: f.ID, Alert: f.Alert, Exercise: f.Exercise, Urgent: f.Urgent, What: f.What, Where: f.Where, Bring: f.Bring, Referent: volunteers.Referent{Name: f.Referent, Phone: f.Phone}}
	for _, one := range []struct {
		field string
		text  *string
		to    *time.Time
	}{{"meet", &f.Meet, &d.Meet}, {"until", &f.Until, &d.Until}} {
		if *one.text == "" {
			continue
		}
		at, err := compose.ParseTime(*one.text, v.now, c.s.Zone, v.l.Tag)
		if err != nil && !errors.Is(err, compose.ErrPast) { // how long ago people may meet the call says
			found := alerts.Problem{Problem: "is not a time that can be read"}
			_ = errors.As(err, &found)
			refuse(one.field, found.Problem, found.Hint)
			continue
		}
		*one.to = at
		*one.text = compose.FormatTime(at, c.s.Zone)
	}
	if f.Point != "" {
		if p, ok := pointOf(f.Point); ok {
			d.Point = &p
		} else {
			refuse("point", "cannot be read as a place", "write latitude and longitude, like 45.64, 13.77")
		}
	}
	if f.Phone != "" {
		if number, err := roster.Phone(f.Phone); err == nil {
			d.Referent.Phone, f.Phone = number, number
		}
	}
	for i, row := range f.Needs {
		if row.Skill == "" && row.People == "" {
			continue
		}
		people, err := strconv.Atoi(row.People)
		if err != nil {
			people = 0 // the call says how many there may be
		}
		rows = append(rows, i+1)
		d.Needs = append(d.Needs, volunteers.Need{Skill: row.Skill, People: people})
	}
	d.Choice.Groups, d.Choice.Nearest = partsOf(f.Groups), f.Nearest
	for _, name := range partsOf(f.Areas) {
		code, ok := c.areaNamed(name)
		if !ok {
			refuse("choice.areas", "has an area that nobody knows: "+name, "write the name or the code of an area")
			continue
		}
		d.Choice.Areas = append(d.Choice.Areas, code)
	}
	if f.Times != "" {
		times, err := strconv.ParseFloat(strings.ReplaceAll(f.Times, ",", "."), 64)
		if err != nil || times == 0 {
			times = -1
		}
		d.Choice.Times = times
	}
	d.Second, ps = f.second(ps)
	return d, rows, ps
}

// second is what happens when too few come.
func (f *calloutForm) second(ps alerts.Problems) (volunteers.Second, alerts.Problems) {
	if f.Second == secondNone {
		return volunteers.Second{}, ps
	}
	s := volunteers.Second{Auto: f.Second == secondAuto}
	minutes, err := strconv.Atoi(f.After)
	if err != nil || minutes < 1 || minutes > int(volunteers.SecondMost/time.Minute) {
		minutes = int(volunteers.SecondMost/time.Minute) + 1 // what the call refuses
	}
	s.After = time.Duration(minutes) * time.Minute
	if f.MostOf != "" && s.Auto {
		if s.Most, err = strconv.Atoi(f.MostOf); err != nil {
			s.Most = -1
		}
	}
	return s, ps
}

// partsOf are the parts of a line that commas separate.
func partsOf(text string) []string {
	var out []string
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
		if part = strings.Join(strings.Fields(part), " "); part != "" && !slices.Contains(out, part) {
			out = append(out, part)
		}
	}
	return out
}

// areaNamed is the code of the area with exactly that name or code. Where no
// areas are known, what was typed is the code.
func (c *console) areaNamed(name string) (string, bool) {
	if c.s.Areas.Len() == 0 {
		return name, true
	}
	if p, ok := c.places.Place(name); ok {
		return p.Code.Value, true
	}
	for _, p := range c.places.Search(name, 10) {
		if strings.EqualFold(p.Name, name) {
			return p.Code.Value, true
		}
	}
	return "", false
}

// areaName is the name of an area, else its code.
func (c *console) areaName(code string) string {
	if c.s.Areas.Len() > 0 {
		if p, ok := c.places.Place(code); ok {
			return p.Name
		}
	}
	return code
}

// placePattern is two numbers with a point or, where something else stands
// between them, a comma: as maps give them to be pasted.
var placePattern = regexp.MustCompile(`^\(?\s*(-?\d{1,2}(?:[.,]\d+)?)°?\s*[NS]?\s*[,;\s]\s*(-?\d{1,3}(?:[.,]\d+)?)°?\s*[EW]?\s*\)?$`)

// pointOf reads "45.64, 13.77".
func pointOf(text string) (alerts.Point, bool) {
	m := placePattern.FindStringSubmatch(strings.TrimPrefix(strings.TrimSpace(text), "geo:"))
	if m == nil {
		return alerts.Point{}, false
	}
	lat, err := strconv.ParseFloat(strings.ReplaceAll(m[1], ",", "."), 64)
	lon, err2 := strconv.ParseFloat(strings.ReplaceAll(m[2], ",", "."), 64)
	return alerts.Point{Lat: lat, Lon: lon}, err == nil && err2 == nil
}

// calloutAnchor is the id on the page of a field of the call; rows are those of
// the form that became its needs.
func calloutAnchor(field string, rows []int) string {
	name, rest, indexed := strings.Cut(field, "[")
	if name == "needs" && indexed {
		number, part, _ := strings.Cut(rest, "].")
		if i, err := strconv.Atoi(number); err == nil && i < len(rows) && (part == "skill" || part == "people") {
			return "f-" + part + "-" + strconv.Itoa(rows[i])
		}
		return "f-people-1"
	}
	switch name {
	case "what", "where", "point", "meet", "until", "bring", "exercise":
		return "f-" + name
	case "needs":
		return "f-people-1"
	case "referent.name":
		return "f-referent"
	case "referent.phone":
		return "f-phone"
	case "choice.groups", "choice.areas", "choice.times":
		return "f-" + strings.TrimPrefix(name, "choice.")
	case "choice":
		return "f-groups"
	case "second.after":
		return "f-after"
	case "second.most":
		return "f-most"
	}
	return "f-what"
}
