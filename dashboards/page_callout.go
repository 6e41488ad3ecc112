package dashboards

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// sayMinutes are those of the buttons by which an answer is written down, as on
// the volunteers' own page.
var sayMinutes = []string{"10", "20", "40"}

// quietShown is how many people without an answer are listed at first.
const quietShown = 60

// calloutPage shows a call: all of it, its live part, or nothing where the reader
// has the newest already.
func (c *console) calloutPage(v *visit) {
	view := c.calloutOf(v.r.Context(), v)
	if view == nil {
		return
	}
	asked := askedOf(v.r)
	// What the clock alone changes is at most a minute old.
	cursor := view.Cursor + "-" + strconv.FormatInt(v.now.Unix()/60, 36)
	if asked.part && asked.cursor == cursor {
		v.w.WriteHeader(http.StatusNoContent)
		return
	}
	c.showCallout(v, view, cursor, 0, "")
}

func (c *console) showCallout(v *visit, view *callout.View, cursor string, code int, wrong string) {
	page := c.calloutView(v, view, cursor)
	title := fmt.Sprintf("%s: %s – %s", page.Code, page.State, page.Facts.What)
	if page.Open {
		title = v.l.must("callout_stand_title", "Code", page.Code, "N", page.Filled, "All", page.Needed) + " – " + page.Facts.What
	}
	one := sheet{name: "callout", title: title, code: code, wrong: wrong, said: calloutSaidWords(v), content: page}
	if page.Exercise {
		one.mode = "exercise"
	}
	if askedOf(v.r).part {
		one.block = "live"
	}
	if seconds := refresh(askedOf(v.r).refresh); seconds > 0 && page.Open {
		v.w.Header().Set("Refresh", itoa(seconds))
	}
	c.show(v, one)
}

// calloutSaidWords tells what was done on the page before.
func calloutSaidWords(v *visit) string {
	switch said := v.r.URL.Query().Get("said"); said {
	case "opened", "noted", "same", "twice", "closed", "cancelled":
		return v.l.must("callout_said_" + said)
	case "wave":
		n, err := strconv.Atoi(v.r.URL.Query().Get("n"))
		if err != nil || n < 1 {
			return v.l.must("callout_said_wave_none")
		}
		return v.l.must("callout_said_wave", "N", n)
	}
	return ""
}

func (c *console) calloutView(v *visit, view *callout.View, cursor string) calloutView {
	call := view.Call
	at := calloutPath + "/" + string(call.ID)
	q := langQuery(v)
	page := calloutView{ID: string(call.ID), Code: call.Code(), Path: at, At: v.l.moment(v.now, v.now), Cursor: cursor, Minutes: sayMinutes, State: callState(v.l, call.State), Open: call.State == volunteers.StateOpen, Exercise: call.Exercise, Urgent: call.Urgent,
		Facts: c.calloutFacts(v, call), Needed: call.Needed(), Filled: filledOf(view), Called: view.Called, Coming: view.Coming, Perhaps: view.Perhaps, Cannot: view.Cannot, Silent: view.Silent, Arrived: view.Arrived, Unavoidable: view.Unavoidable,
		Board: "/board/" + c.s.Callouts.BoardToken(call), Close: at + "/close" + q, Cancel: at + "/cancel" + q, Pages: at + "/pages" + q, Attendance: at + "/attendance" + q, Again: inLang(v, calloutPath+"/new?copy="+string(call.ID)),
		Reload: at + q, ByName: v.r.URL.Query().Get("sort") == "name", SortName: inLang(v, at+"?sort=name"), SortArrival: at + q, All: inLang(v, at+"?all=1"), Words: tidy(call.Words), EndedBy: tidy(call.EndBy.Name)}
	for _, need := range view.Needs {
		line := needLine{Skill: tidy(need.Skill), People: need.People, Coming: need.Coming, Maybe: need.Maybe, Short: max(need.People-need.Coming, 0)}
		if need.People > 0 {
			line.Percent = min(100, 100*need.Coming/need.People)
			line.MaybePercent = min(100-line.Percent, 100*need.Maybe/need.People)
		}
		page.Needs = append(page.Needs, line)
	}
	page.Missing = missingWords(v.l, view.Needs)
	names := map[uint32]*callout.Seen{}
	for i := range view.People {
		p := &view.People[i]
		names[p.Number] = p
		c.sortIn(v, &page, p)
	}
	if page.ByName {
		for _, list := range [][]calledLine{page.Here, page.Maybe, page.Quiet, page.Not} {
			slices.SortStableFunc(list, func(a, b calledLine) int {
				return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
			})
		}
	}
	if v.r.URL.Query().Get("all") == "" && len(page.Quiet) > quietShown {
		page.Hidden = len(page.Quiet) - quietShown
		page.Quiet = page.Quiet[:quietShown]
	}
	for _, m := range view.Messages {
		c.messageIn(v, &page, m, names[m.Number])
	}
	for _, w := range call.Waves {
		page.Waves = append(page.Waves, waveLine{v.l.At(w.At, v.now), w.People, whoWords(v.l, w.By.ID, tidy(w.By.Name), nil)})
	}
	page.Wave = c.wavePart(v, view)
	return page
}
