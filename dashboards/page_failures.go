package dashboards

import (
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
)

// failuresPage lists who was not reached on one channel, and asks whether to
// send again.
type failuresPage struct {
	Headline      words
	Name, Channel string
	Rows          []failureLine
	More          string // address of the next page
	CSV           string
	Back          string
	To            string
	Digest        alerts.Digest
	Failed        string // how many
	Uncertain     string
	Again         bool   // something of it can be sent again
	Doubt         bool   // some of it may have arrived
	Why           string // why nothing of it is sent again
	Forgotten     bool
	Request       string
	Refusal       refusal
	Sure          bool
}

type failureLine struct {
	Ordinal int
	State   string
	Mark    string
	Tone    string
	Cause   string
	Raw     string
	At      instant
}

// shownFailures is how many rows one page has.
const shownFailures = 200

func (c *console) failures(v *visit) {
	if v.r.URL.Query().Get("as") == "csv" {
		c.failuresCSV(v)
		return
	}
	c.failuresForm(v, refusal{})
}

// failuresCSV gives the list to a spreadsheet: ordinals, never an address.
func (c *console) failuresCSV(v *visit) {
	r, err := c.recordOf(v.r.Context(), v, alerts.Exactly)
	if err == nil {
		err = carries(r, v.r.PathValue("channel"))
	}
	if err != nil {
		c.failBoard(v, err)
		return
	}
	c.s.failuresCSV(v.w, v.r, r, failedQuery{states: failedStates})
}

func (c *console) failuresForm(v *visit, why refusal) {
	ctx, channel := v.r.Context(), v.r.PathValue("channel")
	query, err := parseFailedQuery(only(v.r.URL.Query(), "from"))
	if err != nil {
		query = failedQuery{}
	}
	r, err := c.recordOf(ctx, v, alerts.Exactly)
	if err == nil {
		err = carries(r, channel)
	}
	if err != nil {
		c.failBoard(v, err)
		return
	}
	all, err := c.s.Work.Deliveries(ctx, r.ID)
	if err != nil {
		c.fail(v, err)
		return
	}
	at := "/console/a/" + string(r.ID)
	self := at + "/failures/" + channel
	page := failuresPage{Channel: channel, Back: at + langQuery(v), To: self + langQuery(v), CSV: self + "?as=csv", Digest: r.Approved, Headline: c.s.card(v.l, c.happeningOf(r, v.now), v.now).Headline, Refusal: why,
		Failed: "0", Uncertain: "0", Sure: v.r.PostForm.Get("sure") != ""}
	page.Name, _ = c.channelName(channel)
	for _, d := range all {
		if d.Channel == channel {
			page.Failed, page.Uncertain = thousands(d.Failed), thousands(d.Uncertain)
			page.Doubt = d.Uncertain > 0
			page.Again = d.Failed+d.Uncertain > 0
		}
	}
	if page.Again && broadcast.Resendable(r, v.now) != nil {
		page.Again, page.Why = false, v.l.must("fail_why_over")
	}
	if by := v.caller(); page.Again && !by.Can(alerts.VerbIssue) && !by.Can(alerts.VerbApprove) {
		page.Again, page.Why = false, v.l.must("fail_why_rights")
	}
	list, next, more, err := c.s.Outcomes.Failures(ctx, r.ID, channel, query.from, shownFailures, failedStates...)
	switch {
	case errors.Is(err, broadcast.ErrForgotten):
		page.Forgotten = true
	case err != nil:
		c.fail(v, err)
		return
	}
	for _, f := range list {
		line := failureLine{Ordinal: int(f.Ordinal), Raw: tidy(f.Reason)}
		line.State, line.Mark, line.Tone = stateWord(v.l, f.State)
		if f.State == "suppressed" {
			line.State, line.Mark, line.Tone = v.l.must("board_suppressed"), "■", ""
		}
		line.Cause = causeWord(v.l, causeOf(line.Raw), f.State)
		if f.At != nil {
			line.At = v.l.At(*f.At, v.now)
		}
		page.Rows = append(page.Rows, line)
	}
	if more {
		page.More = self + "?from=" + itoa(int(next))
		if askedOf(v.r).lang != "" {
			page.More += "&lang=" + v.l.Tag
		}
	}
	c.show(v, sheet{name: "failures", title: v.l.must("fail_title", "Channel", page.Name), code: why.Code, content: page})
}

// only keeps one value of a query.
func only(q map[string][]string, name string) map[string][]string {
	if len(q[name]) == 0 {
		return nil
	}
	return map[string][]string{name: q[name][:1]}
}

// resend has the channel send again what failed, and what is uncertain where
// somebody ticked that doubles are better than silence.
func (c *console) resend(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	form, channel := v.r.PostForm, v.r.PathValue("channel")
	by := v.caller()
	r, act, err := c.s.Desk.Resend(ctx, by.Person, alerts.ID(v.r.PathValue("id")), channel, alerts.Decision{Digest: alerts.Digest(form.Get("digest")), Reason: tidy(form.Get("reason"))}, v.now)
	if err == nil {
		err = carries(r, channel)
	}
	if err == nil {
		err = broadcast.Resendable(r, v.now)
	}
	if err != nil {
		c.refuseResend(v, err)
		return
	}
	act.Via = "console"
	done, err := c.s.Outcomes.Resend(ctx, broadcast.Resend{Alert: r.ID, Channel: channel, Uncertain: form.Get("sure") != "", Act: act})
	if err != nil {
		c.refuseResend(v, err)
		return
	}
	c.s.Logger.Info("sent again by hand", zap.String("alert", string(r.ID)), zap.String("channel", channel), zap.Int("failed", done.Failed), zap.Int("uncertain", done.Uncertain), zap.String("by", by.ID))
	said := "resent"
	if done.Failed+done.Uncertain == 0 {
		said = "nothing"
	}
	c.to(v, "/console/a/"+string(r.ID)+"?said="+said)
}

func (c *console) refuseResend(v *visit, err error) {
	if refused, ok := c.refused(v, err); ok {
		c.failuresForm(v, refused)
		return
	}
	c.fail(v, err)
}

// tickKit writes down that the member posted a text by hand.
func (c *console) tickKit(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	form, channel := v.r.PostForm, v.r.PathValue("channel")
	at := form.Get("url")
	if at != "" && !postURL(at) {
		c.say(v, http.StatusUnprocessableEntity, v.l.must("board_bad_url"))
		return
	}
	r, act, err := c.s.Desk.Posted(ctx, v.caller().Person, alerts.ID(v.r.PathValue("id")), channel, alerts.Decision{Digest: alerts.Digest(form.Get("digest"))}, time.Now())
	if err == nil && c.s.Kits == nil {
		err = &alerts.Refusal{Kind: alerts.ErrNotFound}
	}
	if err != nil {
		c.failBoard(v, err)
		return
	}
	act.Via = "console"
	if _, err := c.s.Kits.Posted(ctx, r, broadcast.Tick{Channel: channel, Language: form.Get("language"), URL: at, Act: act}); err != nil {
		c.failBoard(v, err)
		return
	}
	c.to(v, "/console/a/"+string(r.ID)+"?said=posted")
}
