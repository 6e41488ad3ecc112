package dashboards

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

func (c *console) boardRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/a/{id}", forStaff, c.board},
		{"GET", "/console/a/{id}/progress", forStaff, c.boardProgress},
		{"POST", "/console/a/{id}/kits/{channel}", forStaff, c.tickKit},
		{"GET", "/console/a/{id}/failures/{channel}", forStaff, c.failures},
		{"POST", "/console/a/{id}/failures/{channel}", forStaff, c.resend},
		{"GET", "/console/a/{id}/cancel", forStaff, c.closePage("cancel")},
		{"POST", "/console/a/{id}/cancel", forStaff, c.closeBy("cancel", c.s.Desk.Cancel)},
		{"GET", "/console/a/{id}/all-clear", forStaff, c.closePage("all-clear")},
		{"POST", "/console/a/{id}/all-clear", forStaff, c.closeBy("all-clear", c.s.Desk.AllClear)},
		{"GET", "/console/a/{id}/extend", forStaff, c.closePage("extend")},
		{"POST", "/console/a/{id}/extend", forStaff, c.extend},
		{"GET", "/console/a/{id}/resume", forStaff, c.closePage("resume")},
		{"POST", "/console/a/{id}/resume", forStaff, c.closeBy("resume", c.s.Desk.Resume)},
	}
}

// boardPage is the live board of one revision.
type boardPage struct {
	ID       alerts.ID
	At       string // the clock of what is shown
	Card     card
	Issued   string // when, by whom, approved by whom
	Standing string // what became of it, in a word
	Newer    *linked
	Deeds    []deedLine
	Whys     []whyLine
	Waits    *waitsPart
	Back     *backPart
	Alone    instant // until when a review is due
	Resume   *closing
	Public   string // address of the public page
	Delivery *deliveryPart
	Kits     []kitPart
	Moments  []momentLine
	Chain    []linked
	Ended    bool
	Reload   string // the page's own address, with ?refresh=
}

// linked is another revision of the event.
type linked struct {
	URL, Words string
	At         instant
	Here       bool
}

// deedLine is an act that the state allows, or why it does not.
type deedLine struct {
	Name, URL string
	Main      bool
	Grave     bool
	Why       string
}

// whyLine is why some acts are not possible now.
type whyLine struct{ Names, Why string }

// whys gathers the acts that are not possible by their reason.
func whys(deeds []deedLine) (lines []whyLine) {
	for _, d := range deeds {
		if d.Why == "" {
			continue
		}
		if i := slices.IndexFunc(lines, func(l whyLine) bool { return l.Why == d.Why }); i >= 0 {
			lines[i].Names += ", " + d.Name
			continue
		}
		lines = append(lines, whyLine{d.Name, d.Why})
	}
	return lines
}

// waitsPart tells who waits for whom.
type waitsPart struct {
	URL         string
	Since       string // "6 min"
	Author      string
	Own         bool
	May         bool // who looks may approve it, their own too
	Opened      []string
	Alone       instant // from when its author may issue it alone
	AloneBefore bool    // that time is still to come
}

// backPart is a record that went back to its author or was rejected.
type backPart struct {
	Rejected bool
	Recalled bool
	Reason   string
	By       string
	Again    string
}

// board shows one revision with its deliveries: all of it, or its live part.
func (c *console) board(v *visit) {
	if one := c.boardSheet(v); one != nil {
		one.said = v.saidOf()
		if askedOf(v.r).part {
			one.block = "live"
		}
		c.show(v, *one)
	}
}

// saidOf tells what was done on the page before.
func (v *visit) saidOf() string {
	switch v.r.URL.Query().Get("said") {
	case "cancel":
		return v.l.must("board_said_cancel")
	case "all-clear":
		return v.l.must("board_said_clear")
	case "waits":
		return v.l.must("board_said_waits")
	case "extend":
		return v.l.must("board_said_extend")
	case "resume":
		return v.l.must("board_said_resume")
	case "posted":
		return v.l.must("board_said_posted")
	case "resent":
		return v.l.must("board_said_resent")
	case "nothing":
		return v.l.must("board_said_nothing")
	}
	return ""
}

// boardSheet makes the page; nil where it has answered already.
func (c *console) boardSheet(v *visit) *sheet {
	ctx := v.r.Context()
	r, err := c.recordOf(ctx, v, alerts.Exactly)
	if err != nil {
		c.failBoard(v, err)
		return nil
	}
	acts, err := c.s.Desk.Store.Acts(ctx, r.Event)
	if err != nil {
		c.failBoard(v, err)
		return nil
	}
	h := c.happeningOf(r, v.now)
	page := boardPage{ID: r.ID, At: v.l.moment(v.now, v.now), Card: c.s.card(v.l, h, v.now), Reload: v.r.URL.Path + langQuery(v)}
	if len(page.Card.Headline.Text) == 0 {
		page.Card.Headline = page.Card.Name
	}
	page.Issued = c.issuedBy(v, r)
	if page.Chain, page.Newer, err = c.chain(v, r, acts); err != nil {
		c.failBoard(v, err)
		return nil
	}
	title := page.Card.Headline.Text
	switch {
	case r.State.Published():
		if page.Delivery, err = c.deliveryOf(ctx, v, r); err != nil {
			c.failBoard(v, err)
			return nil
		}
		page.Ended = page.Delivery.Over
		page.Standing = c.standingWord(v, r, h.Standing)
		if page.Kits, err = c.kitsOf(ctx, v, r); err != nil {
			c.failBoard(v, err)
			return nil
		}
		if due, err := c.s.Desk.ReviewDue(ctx, r); err == nil && !due.IsZero() {
			page.Alone = v.l.At(due, v.now)
		}
		if h.Standing != broadcast.StandingCancelled && broadcast.Public(r) {
			page.Public = page.Card.URL
		}
		if r.Change == alerts.ChangeCancelled && page.Newer == nil && v.now.Before(r.Published.Add(alerts.ResumeWithin)) {
			page.Resume = c.closing(v, r, "resume")
		}
		if page.Card.About.Text != "" { // a Cancel or an all-clear: what it closes
			title = page.Standing + ": " + page.Card.About.Text
		}
		title = page.Delivery.Word + ": " + title
	case r.State == alerts.StateSubmitted:
		page.Waits = c.waits(ctx, v, r, acts)
		page.Standing = v.l.must("board_waits")
		title = page.Standing + ": " + title
	default:
		page.Back = backOf(v, r, acts)
		page.Standing = v.l.must("board_returned")
		if page.Back.Rejected {
			page.Standing = v.l.must("board_rejected")
		}
		title = page.Standing + ": " + title
	}
	page.Deeds = c.deeds(v, r, h.Standing, page.Newer)
	page.Whys = whys(page.Deeds)
	page.Moments = c.moments(v, r, acts, page.Delivery)
	if seconds := refresh(askedOf(v.r).refresh); seconds > 0 {
		v.w.Header().Set("Refresh", itoa(seconds))
	}
	return &sheet{name: "board", title: title, mode: drillOf(r), passkeys: page.Resume != nil, content: page}
}

// langQuery keeps the language that was asked for in the page's links.
func langQuery(v *visit) string {
	if askedOf(v.r).lang == "" {
		return ""
	}
	return "?lang=" + v.l.Tag
}

// failBoard answers what keeps a page of an alert from being shown.
func (c *console) failBoard(v *visit, err error) {
	if refused, ok := c.refused(v, err); ok {
		c.say(v, refused.Code, refused.Text)
		return
	}
	c.fail(v, err)
}

// happeningOf is where the revision itself stands.
func (c *console) happeningOf(r *alerts.Record, now time.Time) happening {
	standing := broadcast.StandingActive
	switch {
	case !r.State.Published(), r.State == alerts.StateSuperseded:
	case r.Change == alerts.ChangeCancelled || r.State == alerts.StateCancelled:
		standing = broadcast.StandingCancelled
	case r.Change == alerts.ChangeEnded || r.State == alerts.StateEnded:
		standing = broadcast.StandingEnded
	case r.State == alerts.StateLapsed, !r.Alert.Expires().IsZero() && !now.Before(r.Alert.Expires()):
		standing = broadcast.StandingLapsed
	}
	return happening{Record: r, Standing: standing}
}

// standingWord says whether the revision still holds.
func (c *console) standingWord(v *visit, r *alerts.Record, standing broadcast.Standing) string {
	switch {
	case r.State == alerts.StateSuperseded:
		return v.l.must("board_superseded")
	case r.Change == alerts.ChangeCancelled:
		return v.l.must("board_is_cancel")
	case r.Change == alerts.ChangeEnded:
		return v.l.must("board_is_clear")
	case standing == broadcast.StandingCancelled:
		return v.l.must("board_cancelled")
	case standing == broadcast.StandingEnded:
		return v.l.must("board_ended")
	case standing == broadcast.StandingLapsed:
		return v.l.lapsed(r.Alert.Expires(), v.now)
	}
	if e := r.Alert.Expires(); !e.IsZero() {
		return v.l.must("board_holds", "Left", left(v.l, e.Sub(v.now)), "Clock", v.l.At(e, v.now).Text)
	}
	return v.l.must("board_active")
}

func (c *console) issuedBy(v *visit, r *alerts.Record) string {
	if !r.State.Published() {
		return v.l.must("board_written", "At", v.l.moment(r.Received, v.now), "Author", tidy(r.Author.Name))
	}
	words := v.l.must("board_sent", "At", v.l.moment(r.Published, v.now), "Author", tidy(r.Author.Name))
	if r.Approver.ID != "" && r.Approver.ID != r.Author.ID {
		words += ", " + v.l.must("board_approved", "Approver", tidy(r.Approver.Name))
	}
	return words
}

// moment is a time to the second, with the day where it is not today.
func (l *locale) moment(t, now time.Time) string {
	t, now = t.In(l.zone), now.In(l.zone)
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return l.At(t, now).Date + " " + t.Format(time.TimeOnly)
}

// deeds are the acts that may follow. Who may do them the desk says when they
// are done; here is said what the state keeps from it, and what the member's
// rights do.
func (c *console) deeds(v *visit, r *alerts.Record, standing broadcast.Standing, newer *linked) []deedLine {
	at := "/console/a/" + string(r.ID)
	if !r.State.Published() {
		return nil
	}
	by := v.caller()
	why, lapsed := "", standing == broadcast.StandingLapsed
	switch {
	case newer != nil:
		why = v.l.must("board_why_newer")
	case standing == broadcast.StandingCancelled, standing == broadcast.StandingEnded:
		why = v.l.must("board_why_over")
	}
	other := func(allowed bool) string {
		if why == "" && !allowed {
			return v.l.must("board_why_rights")
		}
		return why
	}
	update, longer := other(by.Can(alerts.VerbSubmit)), other(by.Can(alerts.VerbIssue) || by.Can(alerts.VerbApprove))
	if lapsed {
		update = cmp.Or(update, v.l.must("board_why_lapsed"))
		longer = cmp.Or(longer, v.l.must("board_why_lapsed"))
	}
	q := langQuery(v)
	changes := "/console/new?changes=" + string(r.ID)
	if q != "" {
		changes += "&" + strings.TrimPrefix(q, "?")
	}
	deeds := []deedLine{
		{Name: v.l.must("board_update"), URL: changes, Main: true, Why: update},
		{Name: v.l.must("scene_title"), URL: "/console/a/" + string(r.Event) + "/scene" + q, Why: update},
		{Name: v.l.must("all_clear"), URL: at + "/all-clear" + q, Why: other(by.Can(alerts.VerbSubmit))},
		{Name: v.l.must("board_extend"), URL: at + "/extend" + q, Why: longer},
		{Name: v.l.must("board_cancel"), URL: at + "/cancel" + q, Grave: true, Why: other(by.Can(alerts.VerbIssue) || by.Can(alerts.VerbApprove))},
	}
	if c.s.Callouts != nil && v.mayCall() { // volunteers are also needed when it is over
		call := calloutPath + "/new?alert=" + string(r.Event)
		if q != "" {
			call += "&" + strings.TrimPrefix(q, "?")
		}
		deeds = append(deeds, deedLine{Name: v.l.must("callout_from_alert"), URL: call})
	}
	return deeds
}

// waits tells who waits for whom.
func (c *console) waits(ctx context.Context, v *visit, r *alerts.Record, acts []alerts.Act) *waitsPart {
	w := &waitsPart{URL: "/console/a/" + string(r.ID) + "/approve" + langQuery(v), Since: left(v.l, v.now.Sub(r.Received)), Author: tidy(r.Author.Name), Own: r.Author.ID == v.member.ID,
		May: c.s.Desk.ApprovalRefusal(ctx, v.caller().Person, r) == nil}
	for _, a := range acts {
		if a.Alert == r.ID && a.Verb == "opened" {
			w.Opened = append(w.Opened, v.l.must("board_opened", "Name", tidy(a.By.Name), "At", v.l.moment(a.At, v.now)))
		}
	}
	if from, may, err := c.s.Desk.AloneFrom(ctx, r); err == nil && may {
		w.Alone, w.AloneBefore = v.l.At(from, v.now), v.now.Before(from)
	}
	return w
}

func backOf(v *visit, r *alerts.Record, acts []alerts.Act) *backPart {
	back := &backPart{Rejected: r.State == alerts.StateRejected}
	for _, a := range acts {
		if a.Alert == r.ID && (a.Verb == "returned" || a.Verb == "rejected" || a.Verb == "recalled") {
			back.Reason, back.By, back.Recalled = tidy(a.Reason), tidy(a.By.Name), a.Verb == "recalled"
		}
	}
	back.Again = "/console/new?again=" + string(r.ID)
	if q := langQuery(v); q != "" {
		back.Again += "&" + strings.TrimPrefix(q, "?")
	}
	return back
}

// mostChain bounds the revisions of an event that are listed.
const mostChain = 30

// chain lists the revisions of the event that acts name, oldest first, and the
// one that counts where it is another one than r.
func (c *console) chain(v *visit, r *alerts.Record, acts []alerts.Act) (chain []linked, newer *linked, err error) {
	var ids []alerts.ID
	for _, a := range acts {
		if a.Alert != "" && !slices.Contains(ids, a.Alert) {
			ids = append(ids, a.Alert)
		}
	}
	if len(ids) > mostChain {
		ids = ids[len(ids)-mostChain:]
	}
	for _, id := range ids {
		one := r
		if id != r.ID {
			if one, err = c.s.Desk.Store.Get(v.r.Context(), id, alerts.Exactly); err != nil {
				return nil, nil, err
			}
		}
		at := one.Published
		if at.IsZero() {
			at = one.Received
		}
		chain = append(chain, linked{URL: "/console/a/" + string(id) + langQuery(v), Words: revisionWords(v.l, one), At: v.l.At(at, v.now), Here: id == r.ID})
		if one.Event == r.Event && one.State.Published() && one.Revision > r.Revision {
			newer = &chain[len(chain)-1]
		}
	}
	if newer != nil {
		one := *newer
		newer = &one
	}
	return chain, newer, nil
}

// revisionWords names a revision by what it is and where it stands.
func revisionWords(l *locale, r *alerts.Record) string {
	name := l.must("timeline_issued")
	switch r.Change {
	case alerts.ChangeUpdated:
		name = l.must("timeline_updated", "N", r.Revision-1)
	case alerts.ChangeCancelled:
		name = l.must("board_is_cancel")
	case alerts.ChangeEnded:
		name = l.must("all_clear")
	}
	switch r.State {
	case alerts.StateSubmitted:
		name += " (" + l.must("board_waits") + ")"
	case alerts.StateReturned:
		name += " (" + l.must("board_returned") + ")"
	case alerts.StateRejected:
		name += " (" + l.must("board_rejected") + ")"
	}
	return name
}

// boardProgress tells the board's script that something moved: the same stream
// as /api/v1/alerts/{id}/progress, for the session.
func (c *console) boardProgress(v *visit) {
	if v.r.Header.Get("Last-Event-ID") == progressEnd {
		v.w.WriteHeader(http.StatusNoContent)
		return
	}
	r, err := c.recordOf(v.r.Context(), v, alerts.Exactly)
	if err != nil {
		c.s.fail(v.w, v.r, err)
		return
	}
	c.s.stream(v.w, v.r, v.member.ID, r)
}
