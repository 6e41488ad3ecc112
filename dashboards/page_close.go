package dashboards

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

// closing is the form of an act that one person does on an issued event: taking
// it back, lifting it, prolonging it, issuing it again.
type closing struct {
	Act, To  string // "cancel"; where the form goes
	ID       alerts.ID
	Digest   alerts.Digest
	Headline words
	Card     card
	Reasons  []choice
	Times    []choice
	Ends     instant
	Said     []saidLine // what each channel will say
	Channels []string
	Reach    string
	Second   bool   // a second person must approve it
	Proof    bool   // a fresh proof is needed
	Prove    string // where a passkey proves it
	Keys     int    // passkeys of the member
	Through  *throughBox
	Why      string // why it cannot be done now
	Mode     string // the strip of what is no real alert
	Refusal  refusal
	Form     url.Values
	Back     string // the board
}

// choice is one of a short list.
type choice struct {
	Value, Words string
	Has          bool
}

// saidLine is what one channel will say.
type saidLine struct {
	Channel, Failure string
	Texts            []words
}

// closingOf are the titles and buttons of the acts.
func closingTitle(l *locale, act string) string {
	switch act {
	case "cancel":
		return l.must("close_cancel_title")
	case "all-clear":
		return l.must("close_clear_title")
	case "extend":
		return l.must("close_extend_title")
	}
	return l.must("close_resume_title")
}

// closePage shows the form of an act.
func (c *console) closePage(act string) func(v *visit) {
	return func(v *visit) {
		r, err := c.recordOf(v.r.Context(), v, alerts.Published)
		if err != nil {
			c.failBoard(v, err)
			return
		}
		if done := closed(r, act); done {
			c.to(v, "/console/a/"+string(r.ID))
			return
		}
		c.showClosing(v, c.closing(v, r, act), 0)
	}
}

// closed reports whether the event was closed like this before: a second tap,
// or a colleague who was faster.
func closed(r *alerts.Record, act string) bool {
	return r.State.Published() && (act == "cancel" && r.Change == alerts.ChangeCancelled || act == "all-clear" && r.Change == alerts.ChangeEnded)
}

func (c *console) showClosing(v *visit, one *closing, code int) {
	c.show(v, sheet{name: "close", title: closingTitle(v.l, one.Act) + ": " + one.Headline.Text, passkeys: one.Proof && one.Keys > 0, code: code, mode: one.Mode, content: one})
}

// closing makes the form for the event's published revision.
func (c *console) closing(v *visit, r *alerts.Record, act string) *closing {
	h := c.happeningOf(r, v.now)
	var through *throughBox
	if c.s.needsProof(r, act) {
		through = c.through(v.r.Context(), v, r.ID, act, r.Approved)
	}
	one := &closing{
		Through: through, Mode: drillOf(r),
		Act: act, To: "/console/a/" + string(r.ID) + "/" + act + langQuery(v), ID: r.ID, Digest: r.Approved, Card: c.s.card(v.l, h, v.now), Channels: c.channelNames(r.Channels),
		Proof: c.s.needsProof(r, act), Prove: proofOf(r.ID, act, r.Approved), Keys: len(v.member.Passkeys), Form: v.r.PostForm, Back: "/console/a/" + string(r.ID) + langQuery(v), Ends: v.l.At(r.Alert.Expires(), v.now),
	}
	if askedOf(v.r).lang != "" {
		one.Prove += "&lang=" + v.l.Tag
	}
	if one.Form == nil {
		one.Form = url.Values{}
	}
	one.Headline = one.Card.Headline
	if one.Card.About.Text != "" {
		one.Headline = one.Card.About
	}
	over := r.Change == alerts.ChangeCancelled || r.Change == alerts.ChangeEnded
	switch {
	case !r.State.Published():
		one.Why = v.l.must("close_why_unsent")
	case act == "resume":
		if r.Change != alerts.ChangeCancelled {
			one.Why = v.l.must("close_why_not_cancelled")
		} else if v.now.After(r.Published.Add(alerts.ResumeWithin)) {
			one.Why = v.l.must("close_why_late")
		}
	case over:
		one.Why = v.l.must("board_why_over")
	case act == "extend" && !r.Alert.Expires().After(v.now):
		one.Why = v.l.must("board_why_lapsed")
	}
	by := v.caller()
	may := by.Can(alerts.VerbIssue) || by.Can(alerts.VerbApprove)
	if act == "all-clear" {
		may = by.Can(alerts.VerbSubmit)
	}
	if one.Why == "" && !may {
		one.Why = v.l.must("close_why_rights")
		if act == "all-clear" {
			one.Why = v.l.must("close_why_rights_clear")
		}
	}
	if one.Why != "" {
		return one
	}
	switch act {
	case "cancel":
		why := one.Form.Get("why")
		if v.r.Method == http.MethodGet {
			why = cmp.Or(why, "mistake") // the second tap is the button
		}
		one.Reasons = chosen(why, choice{"mistake", v.l.must("close_reason_mistake"), false}, choice{"test", v.l.must("close_reason_test"), false}, choice{"wrong", v.l.must("close_reason_wrong"), false},
			choice{"area", v.l.must("close_reason_area"), false}, choice{"twice", v.l.must("close_reason_twice"), false}, choice{"other", v.l.must("close_reason_other"), false})
		c.preview(v, r, one, alerts.ChangeCancelled)
	case "all-clear":
		one.Second = c.endsByTwo(v, r)
		c.preview(v, r, one, alerts.ChangeEnded)
	case "extend":
		one.Times = c.longer(v, r, one.Form.Get("until"))
	}
	return one
}

// endsByTwo reports whether the all-clear of the record waits for another person.
func (c *console) endsByTwo(v *visit, r *alerts.Record) bool {
	by := v.caller()
	end := c.s.Desk.Closing(r, by.Person, alerts.ChangeEnded, "", v.now)
	end.Reach = r.Reach
	two, err := c.s.Desk.NeedsSecond(v.r.Context(), end)
	return err != nil || two || !by.Can(alerts.VerbApprove) && !by.Can(alerts.VerbIssue)
}

func chosen(has string, all ...choice) []choice {
	for i := range all {
		all[i].Has = all[i].Value == has
	}
	return all
}

// preview tells what each channel would say.
func (c *console) preview(v *visit, r *alerts.Record, one *closing, change alerts.Change) {
	if c.s.Preview == nil {
		return
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), 2*time.Second)
	defer cancel()
	next := c.s.Desk.Closing(r, v.caller().Person, change, one.Form.Get("text"), v.now)
	all, err := c.s.Preview(ctx, next)
	if err != nil { // the act itself must not wait for its picture
		return
	}
	reach := 0
	for _, p := range all {
		line := saidLine{Failure: tidy(p.Failure)}
		line.Channel, _ = c.channelName(p.Channel)
		for i, m := range p.Messages {
			if m.Step == channels.StepWithdraw || m.Step == channels.StepPoint {
				continue
			}
			foreign := ""
			if alerts.PrimaryLanguage(m.Language) != v.l.Tag {
				foreign = m.Language
			}
			text := strings.TrimSpace(strings.Join([]string{m.Title, m.Text}, "\n"))
			line.Texts = append(line.Texts, words{text, foreign})
			reach += p.Reach[i]
		}
		one.Said = append(one.Said, line)
	}
	one.Reach = thousands(reach)
}

func (c *console) channelNames(channels []string) []string {
	names := make([]string, len(channels))
	for i, name := range channels {
		names[i], _ = c.channelName(name)
	}
	return names
}

// longer are the quick choices of a new end.
func (c *console) longer(v *visit, r *alerts.Record, has string) []choice {
	end := r.Alert.Expires().In(v.l.zone)
	morning := time.Date(v.now.In(v.l.zone).Year(), v.now.In(v.l.zone).Month(), v.now.In(v.l.zone).Day()+1, 6, 0, 0, 0, v.l.zone)
	times := []time.Time{end.Add(time.Hour), end.Add(3 * time.Hour), end.Add(6 * time.Hour), end.Add(12 * time.Hour), morning}
	slices.SortFunc(times, time.Time.Compare)
	var all []choice
	for _, t := range times {
		if t.After(end) && t.Before(v.now.Add(alerts.ExtendAhead)) {
			all = append(all, choice{alerts.FormatTime(t), v.l.must("close_until", "At", v.l.At(t, v.now).Text, "Longer", left(v.l, t.Sub(end))), false})
		}
	}
	all = append(all, choice{"other", v.l.must("close_until_other"), false})
	if has == "" && len(all) > 1 {
		has = all[0].Value
	}
	return chosen(has, all...)
}

// closeBy has the desk do what the form asks for.
func (c *console) closeBy(act string, do act) func(v *visit) {
	return func(v *visit) {
		if err := v.r.ParseForm(); err != nil {
			c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
			return
		}
		form := v.r.PostForm
		with := alerts.Decision{Digest: alerts.Digest(form.Get("digest")), Reason: reasonOf(v, act), Text: strings.TrimSpace(form.Get("text"))}
		c.settleClosing(v, act, with, do)
	}
}

// reasonOf is what was chosen and what was written beside it.
func reasonOf(v *visit, act string) string {
	form := v.r.PostForm
	written := tidy(form.Get("reason"))
	if act != "cancel" {
		return written
	}
	var words string
	switch form.Get("why") {
	case "mistake":
		words = v.l.must("close_reason_mistake")
	case "test":
		words = v.l.must("close_reason_test")
	case "wrong":
		words = v.l.must("close_reason_wrong")
	case "area":
		words = v.l.must("close_reason_area")
	case "twice":
		words = v.l.must("close_reason_twice")
	}
	return strings.Trim(words+": "+written, ": ")
}

// settleClosing does it and goes to what came of it.
func (c *console) settleClosing(v *visit, name string, with alerts.Decision, do act) {
	before, err := c.recordOf(v.r.Context(), v, alerts.Published)
	if err != nil {
		c.failBoard(v, err)
		return
	}
	if closed(before, name) { // the second tap
		c.to(v, "/console/a/"+string(before.ID)+"?said="+name)
		return
	}
	if name == "cancel" && with.Reason == "" {
		c.againClosing(v, before, name, refusal{Text: v.l.must("close_no_reason"), Code: http.StatusUnprocessableEntity})
		return
	}
	r, outcome, err := c.decideWith(v, name, with, do)
	if err == nil {
		said := name
		if outcome == alerts.OutcomeWaiting {
			said = "waits"
		}
		c.to(v, "/console/a/"+string(r.ID)+"?said="+said)
		return
	}
	refused, ok := c.refused(v, err)
	if !ok {
		c.fail(v, err)
		return
	}
	after, getErr := c.recordOf(v.r.Context(), v, alerts.Published)
	if getErr != nil {
		c.fail(v, errors.Join(err, getErr))
		return
	}
	if closed(after, name) { // the first tap was on its way
		c.to(v, "/console/a/"+string(after.ID)+"?said="+name)
		return
	}
	c.againClosing(v, after, name, refused)
}

// againClosing shows the form again, with what was typed and what is wrong.
func (c *console) againClosing(v *visit, r *alerts.Record, act string, why refusal) {
	one := c.closing(v, r, act)
	one.Refusal = why
	c.showClosing(v, one, why.Code)
}

// extend lets the alert hold longer.
func (c *console) extend(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	until, ok := c.untilOf(v)
	if !ok {
		r, err := c.recordOf(v.r.Context(), v, alerts.Published)
		if err != nil {
			c.failBoard(v, err)
			return
		}
		c.againClosing(v, r, "extend", refusal{Text: v.l.must("close_no_time"), Code: http.StatusUnprocessableEntity})
		return
	}
	with := alerts.Decision{Digest: alerts.Digest(v.r.PostForm.Get("digest")), Reason: tidy(v.r.PostForm.Get("reason"))}
	c.settleClosing(v, "extend", with, func(ctx context.Context, by alerts.Person, id alerts.ID, with alerts.Decision, now time.Time) (*alerts.Record, alerts.Outcome, error) {
		return c.s.Desk.Extend(ctx, by, id, with, until, now)
	})
}

// untilOf reads the new end: what was typed as DD/MM HH:MM in the authority's
// zone (the next such day), or else a quick choice.
func (c *console) untilOf(v *visit) (time.Time, bool) {
	form := v.r.PostForm
	typed := tidy(form.Get("other"))
	if choice := form.Get("until"); typed == "" && choice != "other" {
		t, err := alerts.ParseTime(choice)
		return t, err == nil
	}
	now := v.now.In(v.l.zone)
	t, err := time.ParseInLocation("2/1 15:04", typed, v.l.zone)
	if err != nil {
		return time.Time{}, false
	}
	t = time.Date(now.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, v.l.zone)
	if now.Sub(t) > 180*24*time.Hour { // the turn of the year
		t = t.AddDate(1, 0, 0)
	}
	return t, true
}
