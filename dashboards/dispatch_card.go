package dashboards

import (
	"strconv"
	"strings"
	"time"

	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// dispatchPage is a call as one volunteer sees it: of the others it knows how
// many, never who.
type dispatchPage struct {
	title              string
	Weak, Failed       string
	Exercise, Urgent   bool
	Notice, Said       *notice
	Code, What, Where  string
	Lat, Lon           string // of the meeting point; "": not known
	Meet               instant
	Long, Needs, SoFar string
	Bring              string
	Referent, Phone    string
	Marks, Answers     []tap
	Ask                string
	Mine               bool   // they can ask for the link to their own page
	MineSaid           string // what came of asking
	Test               bool   // of contacts: nothing is to be done but to say that it arrived
}

// notice is something that must be seen: Words are somebody's own.
type notice struct{ Tone, Lead, Text, Words string }

// tap is a button.
type tap struct {
	Value, Text, Tone string
	Now               bool // it is what they said last
}

// dispatchAnswer is what an answer's button says.
type dispatchAnswer struct {
	kind    volunteers.AnswerKind
	minutes int
}

// dispatchAnswers are the values of the buttons: the only ones that are taken.
var dispatchAnswers = map[string]dispatchAnswer{
	"coming-10": {volunteers.Coming, 10}, "coming-20": {volunteers.Coming, 20}, "coming-40": {volunteers.Coming, 40}, "coming": {volunteers.Coming, 0},
	"maybe-60": {volunteers.Maybe, 60}, "maybe": {volunteers.Maybe, 0}, "cannot": {volunteers.Cannot, 0},
	"received": {volunteers.Coming, 0}, // a test of contacts
}

// soonAnswers are offered for a call that begins within an hour, laterAnswers
// before: nobody knows the day before whether they need ten minutes or twenty.
var soonAnswers, laterAnswers = []string{"coming-10", "coming-20", "coming-40", "maybe-60", "cannot"}, []string{"coming", "maybe", "cannot"}

// soon is how long before the meeting minutes are asked for.
const soon = time.Hour

// dispatchMarks are the values of the buttons of who is there.
var dispatchMarks = map[string]volunteers.Mark{
	"arrived": volunteers.MarkArrived, "safe": volunteers.MarkSafe, "left": volunteers.MarkLeft,
	"undo-arrived": volunteers.MarkArrived.Undo(), "undo-safe": volunteers.MarkSafe.Undo(), "undo-left": volunteers.MarkLeft.Undo(),
}

// dispatchOf puts a call into words for its volunteer.
func (p *pages) dispatchOf(l *locale, own *callout.OwnCall, now time.Time) *dispatchPage {
	c := own.Call
	if c.Test {
		return p.contactTestOf(l, own, now)
	}
	page := &dispatchPage{
		Exercise: c.Exercise || p.s.Desk.Policy.Practice, Urgent: c.Urgent, Code: c.Code(), What: c.What, Where: c.Where,
		Meet: l.soon(c.Meet, now), Long: l.about(c.Until.Sub(c.Meet)), Needs: l.needs(c.Needs), Bring: c.Bring, Referent: c.Referent.Name, Phone: c.Referent.Phone,
		SoFar: l.must("dispatch_confirmed", "Coming", own.Coming, "Needed", own.Needed),
	}
	if at := c.Point; at != nil && at.Valid() {
		page.Lat, page.Lon = degrees(at.Lat), degrees(at.Lon)
	}
	page.Said = l.saidOf(own, now)
	page.Notice = l.noticeOf(own, now)
	there := !own.Presence.Arrived.IsZero()
	asked := c.Paging(now) && !there
	page.Marks = l.marksOf(own, asked)
	if asked {
		page.Answers = l.answersOf(own, now)
		page.Ask = l.must("dispatch_ask_again")
		if own.Answer == nil {
			page.Ask = l.must("dispatch_ask", "Name", own.Name)
		}
	}
	switch {
	case page.Notice != nil && page.Notice.Tone != "":
		page.title = page.Notice.Lead
	case page.Said != nil:
		page.title = page.Said.Lead
	default:
		page.title = page.Ask
	}
	page.title += " – " + c.What
	if page.Exercise {
		page.title = l.must("exercise") + " – " + page.title
	}
	return page
}

// contactTestOf puts a test of contacts into words: one button, until it ends.
func (p *pages) contactTestOf(l *locale, own *callout.OwnCall, now time.Time) *dispatchPage {
	page := &dispatchPage{Test: true, Exercise: own.Call.Exercise || p.s.Desk.Policy.Practice, Code: own.Call.Code(), Ask: l.must("dispatch_test_ask")}
	switch {
	case own.Answer != nil:
		page.Said = &notice{Tone: "grn", Lead: l.must("dispatch_test_said", "When", l.soon(own.Answer.At, now).Text), Text: l.must("dispatch_test_thanks")}
	case !own.Call.Paging(now):
		page.Notice = &notice{Lead: l.must("dispatch_test_over")}
	default:
		page.Answers = []tap{{Value: "received", Text: l.must("dispatch_test_button"), Tone: "go wide"}}
	}
	page.title = l.must("dispatch_test_title")
	if page.Said != nil {
		page.title = page.Said.Lead + " – " + page.title
	}
	return page
}

// degrees writes a coordinate to about ten metres.
func degrees(d float64) string { return strconv.FormatFloat(d, 'f', 4, 64) }

// noticeOf says where a call stands, nil where it is as one expects. Only what
// has a tone says that it is over.
func (l *locale) noticeOf(own *callout.OwnCall, now time.Time) *notice {
	c := own.Call
	switch {
	case c.State == volunteers.StateCancelled:
		return &notice{"red", l.must("dispatch_cancelled_title"), l.must("dispatch_cancelled_text"), c.Words}
	case c.State == volunteers.StateClosed:
		return &notice{"grn", l.must("dispatch_closed_title"), l.must("dispatch_closed_text"), c.Words}
	case !c.Paging(now):
		return &notice{"org", l.must("dispatch_expired_title"), l.must("dispatch_expired_text"), c.Words}
	case own.Full && own.Presence.Arrived.IsZero() && (own.Answer == nil || own.Answer.Kind == volunteers.Maybe):
		return &notice{"", l.must("dispatch_full_title"), l.must("dispatch_full_text"), ""}
	}
	return nil
}

// saidOf repeats what the volunteer said last, nil where they said nothing.
func (l *locale) saidOf(own *callout.OwnCall, now time.Time) *notice {
	switch here := own.Presence; {
	case !here.Left.IsZero():
		return &notice{Tone: "grn", Lead: l.must("dispatch_said_left", "When", l.soon(here.Left, now).Text)}
	case !here.Arrived.IsZero():
		n := &notice{Tone: "grn", Lead: l.must("dispatch_said_arrived", "When", l.soon(here.Arrived, now).Text)}
		if !here.Safe.IsZero() {
			n.Text = l.must("dispatch_said_safe", "When", l.soon(here.Safe, now).Text)
		}
		return n
	}
	a := own.Answer
	if a == nil {
		return nil
	}
	n := &notice{Words: a.Note}
	when := l.soon(expected(own.Call, a), now).Text
	switch a.Kind {
	case volunteers.Coming:
		n.Tone, n.Lead = "grn", l.must("dispatch_said_come", "When", when)
		if own.Spare && own.Call.Paging(now) {
			n.Tone, n.Text = "", l.must("dispatch_spare")
		}
	case volunteers.Maybe:
		n.Lead = l.must("dispatch_said_maybe", "When", when)
	default:
		n.Lead = l.must("dispatch_said_cannot")
	}
	return n
}

// expected is when who answered so is waited for, as the wall board says it.
func expected(c *volunteers.Call, a *volunteers.Answer) time.Time {
	switch {
	case a.Minutes > 0:
		return a.At.Add(time.Duration(a.Minutes) * time.Minute)
	case c.Meet.After(a.At):
		return c.Meet
	}
	return a.At
}

// marksOf are the buttons of who is there, or comes while the call is open. Who
// is there when it ends can still say that they are well, or leave.
func (l *locale) marksOf(own *callout.OwnCall, asked bool) []tap {
	switch here := own.Presence; {
	case !here.Left.IsZero():
		return []tap{{Value: "undo-left", Text: l.must("dispatch_undo_left")}}
	case !here.Arrived.IsZero():
		undo := tap{Value: "undo-arrived", Text: l.must("dispatch_undo_arrived")}
		if !here.Safe.IsZero() {
			undo = tap{Value: "undo-safe", Text: l.must("dispatch_undo_safe")}
		}
		return []tap{{Value: "safe", Text: l.must("dispatch_safe"), Tone: "go wide"}, {Value: "left", Text: l.must("dispatch_left")}, undo}
	case asked && own.Answer != nil && own.Answer.Kind != volunteers.Cannot:
		return []tap{{Value: "arrived", Text: l.must("dispatch_arrived"), Tone: "go"}}
	}
	return nil
}

func (l *locale) answersOf(own *callout.OwnCall, now time.Time) (all []tap) {
	offered := soonAnswers
	if own.Call.Meet.Sub(now) > soon {
		offered = laterAnswers
	}
	for _, value := range offered {
		a := dispatchAnswers[value]
		t := tap{Value: value, Now: own.Answer != nil && own.Answer.Kind == a.kind && own.Answer.Minutes == a.minutes}
		switch {
		case a.kind == volunteers.Cannot:
			t.Text, t.Tone = l.must("dispatch_cannot"), "no"
		case a.kind == volunteers.Maybe && a.minutes == 0:
			t.Text = l.must("dispatch_maybe")
		case a.kind == volunteers.Maybe:
			t.Text = l.must("dispatch_maybe_in", "N", a.minutes)
		case a.minutes == 0:
			t.Text, t.Tone = l.must("dispatch_come"), "go"
		default:
			t.Text, t.Tone = l.must("dispatch_in", "N", a.minutes), "go"
		}
		all = append(all, t)
	}
	return all
}

// soon shows a time in the authority's zone: by its clock today and tomorrow,
// else with its day.
func (l *locale) soon(t, now time.Time) instant {
	i := l.At(t, now)
	t, now = t.In(l.zone), now.In(l.zone)
	switch t.Format(time.DateOnly) {
	case now.Format(time.DateOnly):
		i.Text = l.must("dispatch_today", "Clock", i.Clock)
	case now.AddDate(0, 0, 1).Format(time.DateOnly):
		i.Text = l.must("dispatch_tomorrow", "Clock", i.Clock)
	}
	return i
}

// about says how long something takes, "" for no time at all: by a quarter of an
// hour from two hours on.
func (l *locale) about(d time.Duration) string {
	if d >= 2*time.Hour {
		d = d.Round(15 * time.Minute)
	}
	h, m := int(d/time.Hour), int(d%time.Hour/time.Minute)
	switch {
	case d < time.Minute:
		return ""
	case h == 0:
		return l.must("dispatch_minutes", "M", m)
	case m == 0:
		return l.must("dispatch_hours", "H", h)
	}
	return l.must("dispatch_hours_minutes", "H", h, "M", m)
}

// needs puts into words who is wanted: "8 persone, 2 autista C".
func (l *locale) needs(all []volunteers.Need) string {
	var words []string
	for _, n := range all {
		switch {
		case n.Skill != "":
			words = append(words, strconv.Itoa(n.People)+"\u00a0×\u00a0"+n.Skill)
		case n.People == 1:
			words = append(words, l.must("dispatch_one"))
		default:
			words = append(words, l.must("dispatch_people", "N", n.People))
		}
	}
	return strings.Join(words, ", ")
}
