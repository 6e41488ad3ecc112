package dashboards

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// calloutView is the page of a coordinator.
type calloutView struct {
	ID, Code, Path    string
	At                string // the clock of what is shown
	Cursor            string
	Minutes           []string // that a button says
	State             string
	Open, Exercise    bool
	Urgent            bool
	Facts             calloutFacts
	Needs             []needLine
	Filled, Needed    int
	Missing           string // "3 motosega, 1 anybody"; "": nobody
	Called, Coming    int
	Perhaps, Cannot   int
	Silent, Arrived   int
	Late              int // who should be there, and nobody said that they are
	Unavoidable       int
	Overdue           []calledLine
	Still             []calledLine // there though the call is over, besides Overdue
	Unread            []wroteLine
	Read              []wroteLine
	Here              []calledLine // who comes or is there
	Maybe             []calledLine
	Quiet             []calledLine
	Hidden            int // of Quiet: see ?all=1
	Not               []calledLine
	Wave              *wavePart
	Waves             []waveLine
	Board             string
	Close, Cancel     string
	Pages, Attendance string
	Again             string
	Reload            string
	ByName            bool
	SortName          string
	SortArrival       string
	All               string
	Words             string
	EndedBy           string
}

type calloutFacts struct {
	What, Where, Point, Bring string
	Meet, Until               instant
	Alert                     string // address of the alert that it hangs on
	Referent, Phone           string
	Opened                    instant
	By                        string
	Choice                    []string
	Second                    string
}

// needLine is how far a need is met.
type needLine struct {
	Skill                 string // "": anybody
	People, Coming, Maybe int
	Short                 int
	Percent               int
	MaybePercent          int
}

// calledLine is one person of a call.
type calledLine struct {
	Number             uint32
	Name, Phone, Tel   string
	Answer             string // in words
	Minutes            int
	Expect             instant
	Late               bool // should be there, and nobody said that they are
	Skill              string
	Fills, Spare       bool
	Via, Note          string
	AnsweredAt         instant
	Arrived, Left      instant
	Safe               instant
	Overdue            bool
	Since              string // how long without a sign of life
	Tried              string // by what they were called
	Held               string // quiet hours hold it back, or did to the end
	Also               string // other open calls to which they come
	There, Gone        bool
	Open               bool
	Unknown            bool // was erased
	Kind               volunteers.AnswerKind
	Unavoidable, Marks bool
}

type wroteLine struct {
	Number    uint32
	Name      string
	At        instant
	Via, Text string
	Phone     string
	Open      bool
	Doubt     bool // it may answer another call: they were asked
}

// wavePart offers to call more people.
type wavePart struct {
	To    string
	Waves int    // that there are: a form that is sent twice is one wave
	Most  int    // that are proposed
	Text  string // what is missing and since when
	Loud  bool   // too few come, and the time to answer is over
	Auto  bool
}

type waveLine struct {
	At     instant
	People int
	By     string
}

func (c *console) calloutFacts(v *visit, call *volunteers.Call) calloutFacts {
	f := calloutFacts{What: tidy(call.What), Where: tidy(call.Where), Bring: call.Bring, Meet: v.l.At(call.Meet, v.now), Until: v.l.At(call.Until, v.now), Referent: tidy(call.Referent.Name), Phone: call.Referent.Phone,
		Opened: v.l.At(call.Opened, v.now), By: tidy(call.By.Name), Second: secondWords(v.l, call.Second)}
	if call.Point != nil {
		f.Point = pointText(*call.Point)
	}
	if call.Alert != "" {
		f.Alert = "/console/a/" + string(call.Alert) + langQuery(v)
	}
	f.Choice = append(f.Choice, call.Choice.Groups...)
	for _, code := range call.Choice.Areas {
		f.Choice = append(f.Choice, c.areaName(code))
	}
	if call.Choice.Nearest {
		f.Choice = append(f.Choice, v.l.must("callout_nearest"))
	}
	return f
}

// missingWords lists the skills that are still wanted.
func missingWords(l *locale, needs []volunteers.Filled) string {
	var parts []string
	for _, n := range volunteers.Missing(needs) {
		parts = append(parts, itoa(n.People)+" "+cmp.Or(tidy(n.Skill), l.must("callout_anybody")))
	}
	return strings.Join(parts, ", ")
}

// sortIn puts a person into the lists of the page.
func (c *console) sortIn(v *visit, page *calloutView, p *callout.Seen) {
	line := c.calledLine(v, page, p)
	if line.Overdue {
		page.Overdue = append(page.Overdue, line)
	} else if line.There && !page.Open {
		page.Still = append(page.Still, line)
	}
	switch {
	case line.There || line.Gone || line.Kind == volunteers.Coming:
		page.Here, page.Late = append(page.Here, line), page.Late+one(line.Late)
	case line.Kind == volunteers.Maybe:
		page.Maybe = append(page.Maybe, line)
	case line.Kind == volunteers.Cannot:
		page.Not = append(page.Not, line)
	default:
		page.Quiet = append(page.Quiet, line)
	}
}

func (c *console) calledLine(v *visit, page *calloutView, p *callout.Seen) calledLine {
	line := calledLine{Number: p.Number, Name: tidy(p.Name), Phone: p.Phone, Skill: tidy(p.Skill), Fills: p.Fills, Spare: p.Spare, Overdue: p.Overdue, Open: page.Open, Marks: true,
		Arrived: v.l.At(p.Presence.Arrived, v.now), Left: v.l.At(p.Presence.Left, v.now), Safe: v.l.At(p.Presence.Safe, v.now), Unknown: p.Name == ""}
	if line.Unknown {
		line.Name = v.l.must("ledger_person", "N", p.Number)
	}
	line.There = !p.Presence.Arrived.IsZero() && p.Presence.Left.IsZero()
	line.Gone = !p.Presence.Left.IsZero()
	if p.Overdue {
		newest := p.Presence.Arrived
		if p.Presence.Safe.After(newest) {
			newest = p.Presence.Safe
		}
		line.Since = left(v.l, v.now.Sub(newest))
	}
	if a := p.Answer; a != nil {
		line.Kind, line.Minutes, line.Answer, line.Via, line.Note, line.AnsweredAt = a.Kind, a.Minutes, answerWords(v.l, *a), calloutVia(v.l, a.Via), tidy(a.Note), v.l.At(a.At, v.now)
		if a.Kind != volunteers.Cannot {
			line.Expect = v.l.At(p.Expect, v.now)
			line.Late = page.Open && a.Kind == volunteers.Coming && p.Presence.Arrived.IsZero() && !p.Expect.IsZero() && v.now.After(p.Expect.Add(lateBy))
		}
	}
	var tried []string
	for _, one := range p.Pages {
		if !slices.Contains(tried, one.Channel) {
			tried = append(tried, one.Channel)
		}
	}
	line.Tried = strings.Join(tried, ", ")
	if len(p.Also) > 0 {
		line.Also = v.l.must("callout_also", "Calls", strings.Join(p.Also, ", "))
	}
	switch {
	case !p.Held.IsZero():
		line.Held = v.l.must("callout_held", "Until", v.l.At(p.Held, v.now).Clock)
	case p.Undisturbed:
		line.Held = v.l.must("callout_undisturbed")
	}
	return line
}

// lateBy is how long after the time that they said somebody who has not arrived
// is shown as late.
const lateBy = 10 * time.Minute

func answerWords(l *locale, a volunteers.Answer) string {
	switch {
	case a.Kind == volunteers.Coming && a.Minutes > 0:
		return l.must("callout_coming_in", "N", a.Minutes)
	case a.Kind == volunteers.Coming:
		return l.must("callout_coming")
	case a.Kind == volunteers.Maybe && a.Minutes > 0:
		return l.must("callout_maybe_in", "N", a.Minutes)
	case a.Kind == volunteers.Maybe:
		return l.must("callout_maybe")
	}
	return l.must("callout_cannot")
}

// calloutVia names the way by which an answer came.
func calloutVia(l *locale, via string) string {
	if words := l.must("callout_via_" + via); words != "callout_via_"+via {
		return words
	}
	return via
}

// messageIn lists what somebody wrote; who has answered since then needs nobody
// to read it.
func (c *console) messageIn(v *visit, page *calloutView, m callout.Message, p *callout.Seen) {
	line := wroteLine{Number: m.Number, Name: v.l.must("ledger_person", "N", m.Number), At: v.l.At(m.At, v.now), Via: calloutVia(v.l, m.Via), Text: m.Text, Open: page.Open, Doubt: m.Doubt}
	if p != nil {
		line.Name, line.Phone = cmp.Or(tidy(p.Name), line.Name), p.Phone
	}
	if p != nil && p.Answer != nil && !p.Answer.At.Before(m.At) {
		page.Read = append(page.Read, line)
		return
	}
	page.Unread = append(page.Unread, line)
}

// wavePart offers a further wave, where somebody is missing; nil where nobody is.
func (c *console) wavePart(v *visit, view *callout.View) *wavePart {
	call := view.Call
	if !call.Paging(v.now) {
		return nil
	}
	missing := volunteers.Missing(view.Needs)
	if len(missing) == 0 {
		return nil
	}
	more := *call
	more.Needs = missing
	part := &wavePart{To: calloutPath + "/" + string(call.ID) + "/wave" + langQuery(v), Waves: len(call.Waves), Most: cmp.Or(view.Next, more.FirstWave()), Loud: !call.Short.IsZero(), Auto: call.Second.Auto}
	part.Text = v.l.must("callout_missing", "What", missingWords(v.l, view.Needs))
	if part.Loud {
		part.Text = v.l.must("callout_missing_since", "What", missingWords(v.l, view.Needs), "Since", v.l.At(call.Short, v.now).Clock, "Left", left(v.l, v.now.Sub(newestWave(call))))
	}
	return part
}

func newestWave(call *volunteers.Call) time.Time {
	at := call.Opened
	for _, w := range call.Waves {
		if w.At.After(at) {
			at = w.At
		}
	}
	return at
}
