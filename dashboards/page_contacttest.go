package dashboards

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
)

const contactTestPath = volunteersPath + "/test"

func (c *console) contactTestRoutes() []consoleRoute {
	if c.s.Callouts == nil {
		return nil
	}
	return []consoleRoute{
		{"GET", contactTestPath, forStaff, func(v *visit) { c.contactTests(v, 0, "") }},
		{"POST", contactTestPath, forStaff, c.changeContactTests},
		{"GET", contactTestPath + "/{id}", forStaff, c.contactTest},
		{"GET", contactTestPath + "/{id}/list.csv", forStaff, c.contactTestCSV},
		{"POST", contactTestPath + "/{id}", forStaff, c.stopContactTest},
	}
}

// dayOf is a day of the authority's calendar; "" for none.
func dayOf(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(dayForm)
}

type contactTestsPage struct {
	ID                 string // of the test that the form begins: sent twice it is one
	Set                volunteers.Testing
	Groups             string
	Revision           int64
	Hold               string // why none may begin now; "": one may
	Next, Missed, Late instant
	Dawn, Dusk         int
	Tests              []contactTestLine
}

type contactTestLine struct {
	URL, Code, State string
	Exercise, Open   bool
	Opened, Until    instant
	People           int
}

// contactTests shows when contacts are tested, and the newest tests.
func (c *console) contactTests(v *visit, code int, wrong string) {
	if !c.calls(v) {
		return
	}
	st, err := c.s.Callouts.Tests(v.r.Context())
	if err != nil {
		c.failCallout(v, err)
		return
	}
	now := c.s.Settings.Now()
	page := contactTestsPage{ID: string(c.s.Desk.NewID(v.now)), Set: now.Testing, Groups: strings.Join(now.Testing.Groups, ", "), Revision: now.Of("contacttest").Revision,
		Dawn: volunteers.TestDawn, Dusk: volunteers.TestDusk - 1,
		Next: v.l.At(st.Next, v.now), Missed: v.l.At(st.Missed, v.now), Late: v.l.At(st.Late, v.now)}
	if page.Set.Every == 0 {
		page.Set.Day, page.Set.Hour = 1, 10
	}
	page.Set.Days = cmp.Or(page.Set.Days, volunteers.TestDays)
	if code != 0 { // what was typed
		page.Set, page.Groups = typedTesting(v), v.r.PostForm.Get("groups")
	}
	if st.Hold != callout.HoldNone {
		page.Hold = v.l.must("ctest_hold_" + string(st.Hold))
	}
	for _, t := range st.Tests {
		page.Tests = append(page.Tests, contactTestLine{contactTestPath + "/" + string(t.ID) + langQuery(v), t.Code(), testState(v.l, t), t.Exercise, t.State == volunteers.StateOpen, v.l.At(t.Opened, v.now), v.l.At(t.Until, v.now), t.Waves[0].People})
	}
	said := ""
	if v.r.URL.Query().Get("said") == "saved" {
		said = v.l.must("ctest_said_saved")
	}
	c.show(v, sheet{name: "contacttests", title: v.l.must("ctest_title"), code: code, said: said, wrong: wrong, content: page})
}

func testState(l *locale, t *volunteers.Call) string {
	switch t.State {
	case volunteers.StateOpen:
		return l.must("ctest_open")
	case volunteers.StateExpired:
		return l.must("ctest_over")
	}
	return l.must("ctest_stopped")
}

// typedTesting is what was typed; a number that is none is out of its bounds.
func typedTesting(v *visit) volunteers.Testing {
	number := func(field string) int {
		n, err := strconv.Atoi(strings.TrimSpace(v.r.PostForm.Get(field)))
		if err != nil {
			return -1
		}
		return n
	}
	t := volunteers.Testing{Every: number("every"), Day: number("day"), Hour: number("hour"), Days: number("days")}
	for group := range strings.SplitSeq(v.r.PostForm.Get("groups"), ",") {
		if group = tidy(group); group != "" {
			t.Groups = append(t.Groups, group)
		}
	}
	return t
}

// changeContactTests stores the schedule, or begins a test.
func (c *console) changeContactTests(v *visit) {
	if !c.calls(v) || !c.readPosted(v) {
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	set := typedTesting(v)
	if ps := set.Problems(); len(ps) > 0 {
		c.contactTests(v, http.StatusUnprocessableEntity, v.l.must("ctest_wrong"))
		return
	}
	if v.r.PostForm.Get("do") == "start" {
		c.startContactTest(ctx, v, set)
		return
	}
	revision, err := strconv.ParseInt(v.r.PostForm.Get("revision"), 10, 64)
	if err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	set.Since = v.now.UTC()
	switch err := c.s.Settings.PutTesting(ctx, revision, set, v.by(), v.now); {
	case errors.Is(err, alerts.ErrStale):
		c.contactTests(v, http.StatusConflict, v.l.must("settings_stale"))
	case err != nil:
		c.fail(v, err)
	default:
		c.log("the dates of contact tests changed", v.member, zap.Int("months", set.Every))
		c.to(v, contactTestPath+"?said=saved")
	}
}

func (c *console) startContactTest(ctx context.Context, v *visit, set volunteers.Testing) {
	id := alerts.ID(v.r.PostForm.Get("id"))
	if !plausible(id) {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	t, err := c.s.Callouts.StartTest(ctx, v.caller().Person, id, set.Groups, set.Length())
	switch {
	case errors.Is(err, callout.ErrHeld):
		c.contactTests(v, http.StatusConflict, v.l.must("ctest_held"))
	case errors.Is(err, alerts.ErrNotSendable):
		c.contactTests(v, http.StatusUnprocessableEntity, v.l.must("ctest_nobody"))
	case err != nil:
		c.failCallout(v, err)
	default:
		c.log("contact test begun", v.member, zap.String("call", t.Code()))
		c.to(v, contactTestPath+"/"+string(t.ID))
	}
}

type contactTestPage struct {
	Code, Path, State, CSV   string
	Open, Exercise           bool
	Opened, Until            instant
	By                       string
	Groups                   string
	Silent, Reached          []contactTestRow
	Messages                 []wroteLine
	All, Confirmed, Contacts int
}

// contactTestRow is one volunteer of a test.
type contactTestRow struct {
	Number             uint32
	Name, Organisation string
	Over               string // contacts that were confirmed, in words
	At                 instant
	Tried              []contactTried
	Mute               bool // there is no contact that could be tried
}

// contactTried is one contact that was asked. Trouble is why it failed, in words.
type contactTried struct {
	Kind, Trouble string
	At            instant
}

// contactTestOf reads a test; nil where that was answered.
func (c *console) contactTestOf(v *visit) (*callout.View, *contactTestPage) {
	view := c.calledIn(v.r.Context(), v, true)
	if view == nil {
		return nil, nil
	}
	t := view.Call
	page := &contactTestPage{Code: t.Code(), Path: contactTestPath + "/" + string(t.ID) + langQuery(v), CSV: contactTestPath + "/" + string(t.ID) + "/list.csv" + langQuery(v), State: testState(v.l, t),
		Open: t.State == volunteers.StateOpen, Exercise: t.Exercise, Opened: v.l.At(t.Opened, v.now), Until: v.l.At(t.Until, v.now), By: whoWords(v.l, t.By.ID, tidy(t.By.Name), nil), Groups: tidy(strings.Join(t.Choice.Groups, ", ")), All: len(view.People)}
	troubles, err := c.pageTroubles(v, view)
	if err != nil {
		c.failCallout(v, err)
		return nil, nil
	}
	names := map[uint32]string{}
	for i := range view.People {
		p := &view.People[i]
		names[p.Number] = tidy(p.Name)
		row := contactTestRow{Number: p.Number, Name: tidy(p.Name), Organisation: tidy(p.Organisation), Mute: p.Leg != nil && len(p.Leg.Kinds) == 0}
		for _, one := range p.Pages {
			kind, _ := c.channelName(one.Channel)
			row.Tried = append(row.Tried, contactTried{kind, troubles[one.Record][one.Channel][one.Ordinal], v.l.At(one.At, v.now)})
		}
		if p.Answer == nil {
			page.Silent = append(page.Silent, row)
			continue
		}
		var over []string
		for kind := range strings.FieldsSeq(p.Answer.Contacts) {
			over = append(over, v.l.must("subscriber_"+kindWord(kind)))
		}
		row.Over, row.At = strings.Join(over, ", "), v.l.At(p.Answer.At, v.now)
		page.Reached = append(page.Reached, row)
	}
	for _, rows := range [][]contactTestRow{page.Silent, page.Reached} {
		slices.SortStableFunc(rows, func(a, b contactTestRow) int { return cmp.Compare(plainWord(a.Name), plainWord(b.Name)) })
	}
	for _, m := range view.Messages {
		page.Messages = append(page.Messages, wroteLine{Number: m.Number, Name: names[m.Number], At: v.l.At(m.At, v.now), Via: m.Via, Text: tidy(m.Text)})
	}
	return view, page
}

// troublesOf are why messages failed: by record, channel and ordinal, in words.
type troublesOf map[alerts.ID]map[string]map[uint32]string

// pageTroubles reads which messages of a test failed.
func (c *console) pageTroubles(v *visit, view *callout.View) (troublesOf, error) {
	all := troublesOf{}
	for i := range view.People {
		for _, one := range view.People[i].Pages {
			if all[one.Record] == nil {
				all[one.Record] = map[string]map[uint32]string{}
			}
			if all[one.Record][one.Channel] != nil {
				continue
			}
			failed := map[uint32]string{}
			all[one.Record][one.Channel] = failed
			for from, more := uint32(0), true; more; {
				list, next, rest, err := c.s.Outcomes.Failures(v.r.Context(), one.Record, one.Channel, from, shownFailures, failedStates...)
				if errors.Is(err, broadcast.ErrForgotten) || errors.Is(err, alerts.ErrNotFound) { // kept no longer
					break
				}
				if err != nil {
					return nil, err
				}
				for _, f := range list {
					failed[f.Ordinal] = causeWord(v.l, causeOf(tidy(f.Reason)), f.State)
				}
				from, more = next, rest
			}
		}
	}
	return all, nil
}

func (c *console) contactTest(v *visit) {
	view, page := c.contactTestOf(v)
	if view == nil {
		return
	}
	one := sheet{name: "contacttest", title: v.l.must("ctest_one_title", "Code", page.Code, "N", len(page.Silent), "All", page.All), scripts: []string{"print.js"}, content: page}
	if page.Exercise {
		one.mode = "exercise"
	}
	c.show(v, one)
}

// contactTestCSV writes the list of a test as a file. It names people and no
// contact: the log says who took it.
func (c *console) contactTestCSV(v *visit) {
	view, page := c.contactTestOf(v)
	if view == nil {
		return
	}
	c.log("list of a contact test read", v.member, zap.String("call", string(view.Call.ID)))
	h := v.w.Header()
	h.Set("Content-Type", mediaCSV+"; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="`+strings.ToLower("prova-contatti-"+page.Code)+`.csv"`)
	w := csv.NewWriter(&patient{v.w, http.NewResponseController(v.w)})
	_ = w.Write([]string{v.l.must("attendance_col_name"), v.l.must("attendance_col_organisation"), v.l.must("ctest_col_answer"), v.l.must("ctest_col_over"), v.l.must("ctest_col_when"), v.l.must("ctest_col_tried")})
	for _, rows := range [][]contactTestRow{page.Silent, page.Reached} {
		for _, row := range rows {
			answered := v.l.must("attendance_no")
			if row.At.Text != "" {
				answered = v.l.must("attendance_yes")
			}
			var tried []string
			for _, one := range row.Tried {
				text := one.Kind
				if one.Trouble != "" {
					text += " (" + one.Trouble + ")"
				}
				tried = append(tried, text)
			}
			_ = w.Write([]string{volunteers.Harmless(row.Name), volunteers.Harmless(row.Organisation), answered, row.Over, row.At.ISO, strings.Join(tried, ", ")})
		}
	}
	w.Flush()
	if w.Error() != nil {
		panic(http.ErrAbortHandler) // half a list must not look like a whole one
	}
}

// stopContactTest ends a test before its time: nobody is asked any more, and who
// is silent is not noted as such.
func (c *console) stopContactTest(v *visit) {
	view := c.calledIn(v.r.Context(), v, true)
	if view == nil || !c.readPosted(v) {
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	if _, err := c.s.Callouts.End(ctx, v.caller().Person, view.Call.ID, volunteers.StateCancelled, ""); err != nil && !errors.Is(err, callout.ErrOver) {
		c.failCallout(v, err)
		return
	}
	c.to(v, contactTestPath+"/"+string(view.Call.ID))
}
