package dashboards

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"go.uber.org/zap"

	"martinella/alerts"
)

// draftSendPage repeats in words what would leave at once (MISSION R1).
type draftSendPage struct {
	ID       string
	Revision int64
	Headline string
	Exercise bool
	Level    string
	Tone     string
	Shape    string
	Where    string
	Until    string
	Reach    string
	Channels []string
	Sentence string // what the box says
	Refused  *refusal
}

// ask asks for approval of what was just saved. An alert that needs nobody else
// is confirmed on a page of its own first: this button never sends.
func (c *console) ask(ctx context.Context, v *visit, d *draft) {
	o, err := c.look(ctx, v, d)
	if err != nil {
		c.showAway(v, d, err)
		return
	}
	if c.unready(v, d, o) {
		return
	}
	if o.alone {
		c.to(v, "/console/draft/"+d.ID+"/send")
		return
	}
	c.submit(ctx, v, d, o, false)
}

// unready answers where something is missing; false: nothing is.
func (c *console) unready(v *visit, d *draft, o *look) bool {
	how := shown{code: http.StatusUnprocessableEntity, asked: true}
	switch {
	case o.blocked():
		how.wrong = v.l.must("compose_not_ready")
	case o.ticks != "" && !d.Form.Ticked:
		how.wrong = v.l.must("compose_tick_first")
	default:
		return false
	}
	c.showDraft(v, d, how)
	return true
}

// submit hands the alert to the desk. The identifier is the draft's, so that
// asking again gives the same record. With alone it leaves at once, where the
// desk lets the member; else somebody else must say yes.
func (c *console) submit(ctx context.Context, v *visit, d *draft, o *look, alone bool) {
	by := v.caller().Person
	if !alone {
		by.Rights.Verbs = slices.DeleteFunc(slices.Clone(by.Rights.Verbs), func(one alerts.Verb) bool { return one == alerts.VerbIssue })
		by.Rights.Verbs = append(by.Rights.Verbs, alerts.VerbSubmit)
	}
	record, outcome, err := c.s.Desk.Submit(ctx, by, c.submission(d, o.alert), v.now)
	if errors.Is(err, alerts.ErrConflict) { // nothing of this draft may be noted on the other words, nor be lost
		c.showDraft(v, d, shown{code: http.StatusConflict, wrong: v.l.must("compose_asked_otherwise"), asked: true})
		return
	}
	if err != nil {
		said, is := c.refused(v, err)
		if !is {
			c.showAway(v, d, err)
			return
		}
		c.showDraft(v, d, shown{code: said.Code, wrong: said.Text, asked: true, refused: &said})
		return
	}
	if codes := codesOf(o.findings); codes != "" && d.Form.Ticked {
		act := alerts.Act{V: 1, At: v.now, By: by.By(), Verb: "ticked", Alert: record.ID, Event: record.Event, Digest: record.Approved, Reason: codes, Via: "console"}
		if _, err := c.s.Desk.Store.Note(ctx, record.Event, "ticked:"+string(record.ID)+":"+by.ID, act); err != nil {
			c.s.Logger.Error("that the advice was read is not in the ledger", zap.String("alert", string(record.ID)), zap.Error(err))
		}
	}
	c.s.Logger.Info("alert submitted", zap.String("alert", string(record.ID)), zap.String("outcome", string(outcome)), zap.String("by", by.ID))
	if err := c.s.Papers.DropPaper(ctx, draftKind, d.ID, d.Revision); err != nil {
		c.s.Logger.Warn("a draft that became an alert is still there", zap.String("draft", d.ID), zap.Error(err))
	}
	c.to(v, "/console/a/"+string(record.ID))
}

// sendPage repeats status, area and people before what leaves at once.
func (c *console) sendPage(v *visit) {
	d, err := c.draft(v.r.Context(), v.r.PathValue("id"))
	if err != nil {
		c.lost(v, err)
		return
	}
	c.showSend(v, d, 0, "")
}

func (c *console) showSend(v *visit, d *draft, code int, wrong string) {
	o, err := c.look(v.r.Context(), v, d)
	if err != nil {
		c.fail(v, err)
		return
	}
	if c.unready(v, d, o) {
		return
	}
	if !o.alone {
		c.to(v, "/console/draft/"+d.ID)
		return
	}
	c.show(v, sheet{name: "draft_send", title: v.l.must("compose_send_title"), code: code, wrong: wrong, mode: drillMode(drilled(d)), content: c.sending(v, d, o)})
}

func (c *console) sending(v *visit, d *draft, o *look) draftSendPage {
	shown := c.cardsOf(v, o)[0].Card
	p := draftSendPage{ID: d.ID, Revision: d.Revision, Headline: shown.Headline.Text, Exercise: shown.Exercise, Level: shown.Level, Tone: shown.Tone, Shape: shown.Shape,
		Where: shown.Where.Text, Until: shown.Until.Text, Reach: c.reachWords(v.l, o), Channels: o.record.Channels}
	p.Sentence = v.l.must("compose_send_tick", "Mode", modeWord(v.l, o.alert.Status), "Where", p.Where, "Reach", p.Reach)
	return p
}

// send issues what was confirmed as it was shown.
func (c *console) send(v *visit) {
	ctx, cancel := actContext(v.r)
	defer cancel()
	d, err := c.draft(ctx, v.r.PathValue("id"))
	if err != nil {
		c.lost(v, err)
		return
	}
	switch {
	case v.r.PostForm.Get("revision") != itoa(int(d.Revision)):
		c.showSend(v, d, http.StatusConflict, v.l.must("compose_conflict", "Name", d.By.Name, "Time", v.l.At(d.At, v.now).Clock))
		return
	case v.r.PostForm.Get("confirmed") == "":
		c.showSend(v, d, http.StatusUnprocessableEntity, v.l.must("compose_send_unticked"))
		return
	}
	o, err := c.look(ctx, v, d)
	if err != nil {
		c.fail(v, err)
		return
	}
	if !c.unready(v, d, o) {
		c.submit(ctx, v, d, o, true)
	}
}
