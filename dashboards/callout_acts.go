package dashboards

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast/callout"
)

// calloutSaid writes down what a volunteer said by telephone, or that they are
// there: one button says it, "417.coming.20" or "417.arrived".
func (c *console) calloutSaid(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	if !c.calls(v) {
		return
	}
	id := alerts.ID(v.r.PathValue("id"))
	number, what, minutes, ok := heard(v.r.PostForm.Get("say"))
	if !ok || !plausible(id) {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	said := "noted"
	var err error
	switch what {
	case string(volunteers.Coming), string(volunteers.Maybe), string(volunteers.Cannot):
		var done callout.Answered
		done, err = c.s.Callouts.AnswerFor(ctx, v.caller().Person, id, number, volunteers.Answer{Kind: volunteers.AnswerKind(what), Minutes: minutes, At: v.now, Via: "desk"})
		if err == nil && !done.Changed {
			said = "same"
		}
	default:
		err = c.s.Callouts.AttendFor(ctx, v.caller().Person, id, number, volunteers.Mark(what))
	}
	if errors.Is(err, volunteers.ErrOrder) {
		c.say(v, http.StatusConflict, v.l.must("callout_order"))
		return
	}
	if err != nil {
		c.failCallout(v, err)
		return
	}
	c.log("volunteer noted", v.member, zap.String("call", string(id)), zap.Uint32("number", number), zap.String("what", what))
	if askedOf(v.r).part { // the script shows what came of it
		v.w.WriteHeader(http.StatusNoContent)
		return
	}
	c.to(v, calloutPath+"/"+string(id)+"?said="+said+"#p-"+strconv.FormatUint(uint64(number), 10))
}

// heard reads what a button says.
func heard(text string) (number uint32, what string, minutes int, ok bool) {
	parts := strings.Split(text, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, "", 0, false
	}
	n, err := strconv.ParseUint(parts[0], 10, 32)
	if err != nil {
		return 0, "", 0, false
	}
	what = parts[1]
	if len(parts) == 3 {
		if minutes, err = strconv.Atoi(parts[2]); err != nil || minutes < 1 || minutes > 24*60 {
			return 0, "", 0, false
		}
	}
	known := []string{string(volunteers.Coming), string(volunteers.Maybe), string(volunteers.Cannot),
		string(volunteers.MarkArrived), string(volunteers.MarkSafe), string(volunteers.MarkLeft), string(volunteers.MarkUndo)}
	return uint32(n), what, minutes, slices.Contains(known, what)
}

// calloutWave calls more people. A form that is sent twice is one wave.
func (c *console) calloutWave(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	view := c.calloutOf(ctx, v)
	if view == nil {
		return
	}
	most, err := strconv.Atoi(v.r.PostForm.Get("most"))
	if err != nil || most < 1 || most > volunteers.WavesMost {
		c.showCallout(v, view, view.Cursor, http.StatusUnprocessableEntity, v.l.must("callout_wave_wrong", "N", volunteers.WavesMost))
		return
	}
	at := calloutPath + "/" + string(view.Call.ID)
	waves, err := strconv.Atoi(v.r.PostForm.Get("waves"))
	if err != nil {
		waves = -1
	}
	_, called, err := c.s.Callouts.Wave(ctx, v.caller().Person, view.Call.ID, waves, most)
	if errors.Is(err, alerts.ErrStale) { // somebody else was faster, or the button was pressed twice
		c.to(v, at+"?said=twice")
		return
	}
	if err != nil {
		c.failCallout(v, err)
		return
	}
	c.log("a further wave of volunteers", v.member, zap.String("call", string(view.Call.ID)), zap.Int("people", called))
	c.to(v, at+"?said=wave&n="+itoa(called))
}

// calloutEndPage asks before a call is closed or cancelled.
type calloutEndPage struct {
	Code, What, To, Back string
	Cancel               bool
	Over                 bool
	Coming, Silent       int
	Told                 int // who gets a message
	There                int // who arrived and has not left
	Words                string
	Most                 int
	Exercise             bool
}

func (c *console) calloutEndPage(state volunteers.State) func(v *visit) {
	return func(v *visit) {
		if view := c.calloutOf(v.r.Context(), v); view != nil {
			c.endForm(v, view, state, "", 0, "")
		}
	}
}

func (c *console) endForm(v *visit, view *callout.View, state volunteers.State, words string, code int, wrong string) {
	call := view.Call
	at := calloutPath + "/" + string(call.ID)
	page := calloutEndPage{Code: call.Code(), What: tidy(call.What), Back: at + langQuery(v), Cancel: state == volunteers.StateCancelled, Over: call.State != volunteers.StateOpen, Coming: view.Coming, Silent: view.Silent,
		Told: view.Called - view.Cannot, Words: words, Most: volunteers.WordsMost, Exercise: call.Exercise}
	for i := range view.People {
		if p := view.People[i].Presence; !p.Arrived.IsZero() && p.Left.IsZero() {
			page.There++
		}
	}
	title, field := v.l.must("callout_close_title", "Code", page.Code), ""
	page.To = at + "/close" + langQuery(v)
	if page.Cancel {
		title = v.l.must("callout_cancel_title", "Code", page.Code)
		page.To = at + "/cancel" + langQuery(v)
	}
	if wrong != "" {
		field = "words"
	}
	one := sheet{name: "callout_end", title: title, code: code, wrong: wrong, field: field, content: page}
	if page.Exercise {
		one.mode = "exercise"
	}
	c.show(v, one)
}

func (c *console) calloutEnd(state volunteers.State) func(v *visit) {
	return func(v *visit) {
		if err := v.r.ParseForm(); err != nil {
			c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
			return
		}
		ctx, cancel := actContext(v.r)
		defer cancel()
		view := c.calloutOf(ctx, v)
		if view == nil {
			return
		}
		words := strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(v.r.PostForm.Get("words"), "\r\n", "\n"), "\uFFFD"))
		said := calloutPath + "/" + string(view.Call.ID) + "?said=" + string(state)
		if view.Call.State == state { // the button was pressed twice
			c.to(v, said)
			return
		}
		_, err := c.s.Callouts.End(ctx, v.caller().Person, view.Call.ID, state, words)
		if refused, ok := errors.AsType[*alerts.Refusal](err); ok && len(refused.Problems) > 0 && !errors.Is(err, alerts.ErrForbidden) {
			c.endForm(v, view, state, words, http.StatusUnprocessableEntity, v.l.said(refused.Problems[0]).Text)
			return
		}
		if err != nil {
			c.failCallout(v, err)
			return
		}
		c.log("call of volunteers ended", v.member, zap.String("call", string(view.Call.ID)), zap.String("state", string(state)))
		c.to(v, said)
	}
}
