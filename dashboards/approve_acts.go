package dashboards

import (
	"context"
	"net/http"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/broadcast"
)

// posted reads the form; false where it cannot be read, which is answered.
func (c *console) posted(v *visit) bool {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return false
	}
	return true
}

// deedDone answers what the desk said to an act on what waits. It reports
// whether the act was done, and then answers nothing.
func (c *console) deedDone(v *visit, err error) bool {
	if err == nil {
		return true
	}
	no, is := c.refused(v, err)
	if !is {
		c.fail(v, err)
		return false
	}
	c.showWaiting(v, outcome{refused: &no, code: no.Code})
	return false
}

// openWaiting notes that the page is really read: a GET changes nothing, since
// browsers and mail programs fetch links that nobody looks at.
func (c *console) openWaiting(v *visit) {
	if !c.posted(v) {
		return
	}
	r, _, err := c.decide(v, "open", settled(c.s.Desk.Open))
	if v.r.Header.Get("Accept") == mediaJSON {
		if err != nil {
			no, is := c.refused(v, err)
			if !is {
				no.Code = http.StatusServiceUnavailable
			}
			c.answer(v, no.Code, map[string]string{"wrong": no.Text})
			return
		}
		c.answer(v, http.StatusOK, map[string]any{"digest": r.Approved, "said": v.l.must("approve_opened_you", "Clock", v.l.At(v.now, v.now).Clock)})
		return
	}
	if c.deedDone(v, err) {
		c.to(v, deedPath(r.ID, "approve"))
	}
}

// approveWaiting releases what waits, or only checks the answers.
func (c *console) approveWaiting(v *visit) {
	if !c.posted(v) {
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	r, err := c.recordOf(ctx, v, alerts.Newest)
	if err != nil {
		c.failDeed(v, err)
		return
	}
	if r.State.Published() && r.Approver.ID == v.member.ID { // pressed twice
		c.to(v, "/console/a/"+string(r.ID))
		return
	}
	if r.State != alerts.StateSubmitted || alerts.Digest(v.r.PostForm.Get("digest")) != r.Approved {
		c.showWaiting(v, outcome{refused: &refusal{Text: v.l.must("refused_stale")}, code: http.StatusConflict})
		return
	}
	now := r.Clone()
	if _, err := c.s.Preview(ctx, now); err != nil {
		c.failDeed(v, err)
		return
	}
	form, ticks := v.r.PostForm, len(c.ticked(ctx, r))
	var wrongs []fieldWrong
	if got := form.Get("people"); got == "" {
		wrongs = append(wrongs, fieldWrong{"people", v.l.must("approve_people_missing")})
	} else if got != magnitudeOf(now.Reach) && got != magnitudeOf(r.Reach) {
		wrongs = append(wrongs, fieldWrong{"people", v.l.must("approve_people_wrong", "People", crowd(v.l, now.Reach, "person"))})
	}
	if form.Get("confirm") == "" {
		wrongs = append(wrongs, fieldWrong{"confirm", v.l.must("approve_confirm_missing")})
	}
	if ticks > 0 && form.Get("findings") == "" {
		wrongs = append(wrongs, fieldWrong{"findings", v.l.must("approve_findings_missing")})
	}
	switch {
	case len(wrongs) > 0:
		c.showWaiting(v, outcome{wrongs: wrongs, code: http.StatusUnprocessableEntity})
		return
	case form.Get("do") == "check":
		c.showWaiting(v, outcome{said: v.l.must("approve_checked")})
		return
	}
	with := alerts.Decision{Digest: alerts.Digest(form.Get("digest")), Reason: strings.TrimSpace(form.Get("reason"))}
	if ticks > 0 { // recorded (DECISIONS 6)
		with.Reason = strings.TrimSpace(with.Reason + " " + findingsRead + strings.Join(c.ticked(ctx, r), ", ") + ")")
	}
	done, _, err := c.decideWith(v, "approve", with, settled(c.s.Desk.Approve))
	if !c.deedDone(v, err) {
		return
	}
	if done.Approver.ID != v.member.ID { // somebody else released exactly this in the same moment
		c.showSettled(v, done, outcome{code: http.StatusConflict})
		return
	}
	c.to(v, "/console/a/"+string(done.ID))
}

// ticked are the codes of what the linter found that a person says to have
// read, each once.
func (c *console) ticked(ctx context.Context, r *alerts.Record) []string {
	var codes []string
	for _, h := range c.s.lint(ctx, &cap.Document{Alert: r.Alert}) {
		if h.Effect == "tick" && (len(codes) == 0 || codes[len(codes)-1] != string(h.Code)) {
			codes = append(codes, string(h.Code))
		}
	}
	return codes
}

// settleWaiting gives back or ends what waits, with a reason.
func (c *console) settleWaiting(name string, do func(context.Context, alerts.Person, alerts.ID, alerts.Decision, time.Time) (*alerts.Record, error)) func(v *visit) {
	return func(v *visit) {
		if !c.posted(v) {
			return
		}
		field := "reason-" + name
		with := alerts.Decision{Digest: alerts.Digest(v.r.PostForm.Get("digest")), Reason: strings.TrimSpace(v.r.PostForm.Get(field))}
		if with.Reason == "" {
			c.showWaiting(v, outcome{wrongs: []fieldWrong{{field, v.l.must("approve_reason_missing")}}, code: http.StatusUnprocessableEntity})
			return
		}
		r, _, err := c.decideWith(v, name, with, settled(do))
		if c.deedDone(v, err) {
			c.to(v, deedPath(r.ID, "approve"))
		}
	}
}

// recallWaiting gives what waits back to its author, who writes it anew.
func (c *console) recallWaiting(v *visit) {
	if !c.posted(v) {
		return
	}
	r, _, err := c.decide(v, "recall", settled(c.s.Desk.Recall))
	if c.deedDone(v, err) {
		c.to(v, "/console/new?again="+string(r.ID))
	}
}

// issueWaitingAlone is the way out when nobody else is there (DECISIONS 4).
func (c *console) issueWaitingAlone(v *visit) {
	if !c.posted(v) {
		return
	}
	form := v.r.PostForm
	with := alerts.Decision{Digest: alerts.Digest(form.Get("digest")), Reason: strings.TrimSpace(form.Get("reason-alone"))}
	var wrongs []fieldWrong
	if with.Reason == "" {
		wrongs = append(wrongs, fieldWrong{"reason-alone", v.l.must("approve_alone_reason_missing")})
	}
	if form.Get("confirm-alone") == "" {
		wrongs = append(wrongs, fieldWrong{"confirm-alone", v.l.must("approve_confirm_missing")})
	}
	if len(wrongs) > 0 {
		c.showWaiting(v, outcome{wrongs: wrongs, code: http.StatusUnprocessableEntity})
		return
	}
	if form.Get("do") == "check" {
		c.showWaiting(v, outcome{said: v.l.must("approve_alone_checked")})
		return
	}
	r, _, err := c.decideWith(v, "issue-alone", with, settled(c.s.Desk.IssueAlone))
	if c.deedDone(v, err) {
		c.to(v, "/console/a/"+string(r.ID))
	}
}

// settledPage is what became of what waited, and where to go from there.
type settledPage struct {
	Said    string
	Refused *refusal
	Facts   card
	What    string
	By      string
	At      instant
	Reason  string
	Next    []share
}

// verbOf is the act by which a record came into its state.
var verbOf = map[alerts.State][]string{
	alerts.StateReturned: {"returned", "recalled"}, alerts.StateRejected: {"rejected"},
}

// showSettled says who decided, when and why.
func (c *console) showSettled(v *visit, r *alerts.Record, came outcome) {
	acts, err := c.s.Desk.Store.Acts(v.r.Context(), r.Event)
	if err != nil {
		c.fail(v, err)
		return
	}
	standing := standing(r, v.now)
	shown := c.s.card(v.l, happening{r, standing}, v.now)
	page := settledPage{Said: came.said, Refused: came.refused, Facts: shown, What: stateWords(v.l, r.State)}
	wanted := verbOf[r.State]
	if r.State.Published() {
		wanted = []string{"approved", "issued-alone", "issued", "cancelled", "ended", "extended", "resumed"}
	}
	for _, a := range acts {
		for _, verb := range wanted {
			if a.Verb == verb && a.Alert == r.ID {
				page.By, page.At, page.Reason = a.By.Name, v.l.At(a.At, v.now), a.Reason
			}
		}
	}
	author := r.Author.ID == v.member.ID
	switch {
	case r.State.Published():
		page.Next = append(page.Next, share{v.l.must("approve_next_board"), "/console/a/" + string(r.ID)})
		if broadcast.Public(r) {
			page.Next = append(page.Next, share{v.l.must("console_public"), "/a/" + string(r.Event)})
		}
	case author && r.State != alerts.StateDraft:
		page.Next = append(page.Next, share{v.l.must("approve_next_again"), "/console/new?again=" + string(r.ID)})
	}
	page.Next = append(page.Next, share{v.l.must("console_back"), "/console"})
	c.show(v, sheet{name: "settled", title: page.What, code: came.code, heading: true, mode: modeOf(r), content: page})
}
