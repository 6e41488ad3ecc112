package dashboards

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/alerts/compose"
	"martinella/broadcast"
	"martinella/channels"
)

// approveRoutes are the pages on which a second person decides.
func (c *console) approveRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/a/{id}/approve", forStaff, c.approvePage},
		{"GET", "/console/a/{id}/card.png", forStaff, c.waitingCard},
		{"POST", "/console/a/{id}/open", forStaff, c.openWaiting},
		{"POST", "/console/a/{id}/approve", forStaff, c.approveWaiting},
		{"POST", "/console/a/{id}/return", forStaff, c.settleWaiting("return", c.s.Desk.Return)},
		{"POST", "/console/a/{id}/reject", forStaff, c.settleWaiting("reject", c.s.Desk.Reject)},
		{"POST", "/console/a/{id}/recall", forStaff, c.recallWaiting},
		{"POST", "/console/a/{id}/issue-alone", forStaff, c.issueWaitingAlone},
	}
}

// deedPath is the page of an act on an alert.
func deedPath(id alerts.ID, act string) string { return "/console/a/" + string(id) + "/" + act }

// approvePage is everything that leaves, and what may be done with it.
type approvePage struct {
	ID        alerts.ID
	Digest    alerts.Digest
	Changed   bool // what would leave is no longer what was submitted
	Moved     bool // what it changes was changed or closed meanwhile: it never leaves
	Open      bool // it may leave if somebody decides so
	Said      string
	Refused   *refusal
	Wrongs    []fieldWrong
	Facts     card
	Status    string
	Author    string
	Own       bool
	Since     instant
	Age       string
	Left      string // time to expiry, in words; "" when it is over
	ChangeOf  string // what it does to its event
	Texts     []langText
	Channels  []channelText
	People    string // in words
	Areas     []string
	Codes     int
	Map       *picture
	Cards     []card
	Problems  alerts.Problems
	Blocks    alerts.Problems // why it cannot leave at all
	Hits      []hitLine
	Ticks     int // findings that the approver says to have read
	First     bool
	Changes   []changedField
	Closings  []closingText
	Others    []string
	Opened    []openedLine
	OpenedNow bool     // the reader has opened it
	WhyNot    *refusal // why the reader may not approve it
	Alone     *aloneBox
	Proof     proofBox
	Confirm   string // what the tick says
	Orders    []orderLine
	Form      url.Values
	Clock     string // of the server, for the countdown
}

type fieldWrong struct{ Field, Text string }

type hitLine struct {
	Message, Remedy, Text, Language, Suggestion string
	Block                                       bool
}

type changedField struct {
	Name, Language string
	Words          []compose.Piece
}

type openedLine struct {
	Name string
	At   instant
}

// proofBox is for the block "prove".
type proofBox struct {
	Needed  bool
	Keys    int
	To      string
	Through *throughBox // at the provider; nil: the member is not bound
}

// aloneBox is what its author may do when nobody else is there.
type aloneBox struct {
	From   instant
	Until  string // the same for a script
	Left   string // "" when it has come
	Opened string // who is reading it
	Proof  proofBox
}

type orderLine struct {
	magnitude
	Words string
	Has   bool
}

// outcome is how a page is shown after something was tried.
type outcome struct {
	said    string
	refused *refusal
	wrongs  []fieldWrong
	code    int
}

func (c *console) approvePage(v *visit) { c.showWaiting(v, outcome{}) }

// showWaiting shows what waits, or what became of it.
func (c *console) showWaiting(v *visit, came outcome) {
	ctx, cancel := actContext(v.r)
	defer cancel()
	r, err := c.recordOf(ctx, v, alerts.Newest)
	if err != nil {
		c.failDeed(v, err)
		return
	}
	if r.State != alerts.StateSubmitted {
		c.showSettled(v, r, came)
		return
	}
	page, err := c.waiting(ctx, v, r)
	if err != nil {
		c.failDeed(v, err)
		return
	}
	page.Said, page.Refused, page.Wrongs, page.Form = came.said, came.refused, came.wrongs, v.r.PostForm
	if page.Form == nil {
		page.Form = url.Values{}
	}
	page.Open = !page.Changed && !page.Moved && len(page.Blocks) == 0
	page.Orders = orders(v.l, page.Form.Get("people"))
	c.show(v, sheet{name: "approve", title: v.l.must("approve_title", "Headline", page.Facts.Headline.Text), code: came.code, passkeys: true, heading: true,
		mode: modeOf(r), scripts: []string{"approve.js"}, content: page})
}

// drillOf is the mode strip of a record where a real one needs no words of
// its own.
func drillOf(r *alerts.Record) string {
	if r.Alert.Status == alerts.StatusActual {
		return ""
	}
	return modeOf(r)
}

// modeOf is the mode strip of a record.
func modeOf(r *alerts.Record) string {
	switch r.Alert.Status {
	case alerts.StatusActual:
		return "real"
	case alerts.StatusExercise:
		return "exercise"
	}
	return "test"
}

// failDeed answers an error of an act's page: a refusal is said in words.
func (c *console) failDeed(v *visit, err error) {
	if no, is := c.refused(v, err); is {
		c.say(v, no.Code, no.Text)
		return
	}
	c.fail(v, err)
}

// waiting gathers what the page shows.
func (c *console) waiting(ctx context.Context, v *visit, r *alerts.Record) (*approvePage, error) {
	now := r.Clone()
	previews, err := c.s.Preview(ctx, now)
	if err != nil {
		return nil, err
	}
	shown := c.s.card(v.l, happening{Record: now, Standing: broadcast.StandingActive}, v.now)
	p := &approvePage{
		ID: r.ID, Digest: r.Approved, Changed: now.Approved != r.Approved, Facts: shown, Status: statusWords(v.l, modeOf(r)),
		Author: r.Author.Name, Own: r.Author.ID == v.member.ID, Since: v.l.At(r.Received, v.now), Age: left(v.l, v.now.Sub(r.Received)),
		ChangeOf: changeWords(v.l, r.Change), Channels: c.channelTexts(v.l, now, previews, true), People: crowd(v.l, now.Reach, "person"),
		Areas: areaNames(now), Codes: len(now.Areas), Problems: now.Warnings, Blocks: r.Alert.Obstacles(v.now), First: r.Supersedes == "", Clock: v.now.Format(time.RFC3339Nano),
	}
	if e := r.Expires(); e.After(v.now) {
		p.Left = left(v.l, e.Sub(v.now))
	}
	p.Texts = c.langTexts(v.l, now, v.now)
	p.Cards = []card{shown}
	p.Map = c.s.draw(v.l, p.Cards, []happening{{now, broadcast.StandingActive}})
	for _, h := range c.s.lint(ctx, &cap.Document{Alert: r.Alert}) {
		line := hitLine{Message: h.Message.En, Remedy: h.Remedy.En, Text: h.Text, Language: languageOf(v.l, h.Language), Suggestion: h.Suggestion, Block: h.Effect == "block"}
		if v.l.Tag == "it" {
			line.Message, line.Remedy = h.Message.It, h.Remedy.It
		}
		if h.Effect == "tick" {
			p.Ticks++
		}
		p.Hits = append(p.Hits, line)
	}
	p.Confirm = strings.Join([]string{p.Status, shown.Level, shown.Where.Text, p.People}, " · ")
	if err := c.compare(ctx, v, p, r); err != nil {
		return nil, err
	}
	if err := c.closings(ctx, v, p, now); err != nil {
		return nil, err
	}
	return p, c.whoMay(ctx, v, p, r)
}

// compare shows the difference from what is published.
func (c *console) compare(ctx context.Context, v *visit, p *approvePage, r *alerts.Record) error {
	if p.First {
		return nil
	}
	before, err := c.s.Desk.Store.Get(ctx, r.Supersedes, alerts.Exactly)
	if err != nil {
		return err
	}
	p.Moved = before.State != alerts.StateIssued && before.State != alerts.StateLapsed
	known := compose.Context{Authority: c.s.Authority, Zone: c.s.Zone, Now: v.now}
	for _, one := range compose.Diff(compose.Of(before, known), compose.Of(r, known)) {
		words := one.Words
		if one.Field == "severity" {
			words = []compose.Piece{{Kind: compose.Removed, Text: v.l.lex.Level(alerts.Severity(one.Before))}, {Kind: compose.Same, Text: " "}, {Kind: compose.Added, Text: v.l.lex.Level(alerts.Severity(one.After))}}
		}
		p.Changes = append(p.Changes, changedField{fieldName(v.l, one.Field), one.Language, words})
	}
	return nil
}

// languageOf names the language of a finding; "" of the whole alert.
func languageOf(l *locale, tag string) string {
	if tag == "" {
		return ""
	}
	return l.language(tag)
}

// fieldName names a field of a form by its path, like "texts[0].headline".
func fieldName(l *locale, path string) string {
	name := path[strings.LastIndexByte(path, '.')+1:]
	if i := strings.IndexByte(name, '['); i >= 0 {
		name = name[:i]
	}
	if words := fieldWords(l, name); words != "" {
		return words
	}
	return path
}

// closings shows what the Cancel and the all-clear would say.
func (c *console) closings(ctx context.Context, v *visit, p *approvePage, r *alerts.Record) error {
	if r.Change == alerts.ChangeCancelled || r.Change == alerts.ChangeEnded {
		return nil
	}
	for _, way := range []struct {
		change alerts.Change
		title  string
	}{{alerts.ChangeCancelled, v.l.must("approve_closing_cancelled")}, {alerts.ChangeEnded, v.l.must("approve_closing_ended")}} {
		back := c.s.Desk.Closing(r, v.caller().Person, way.change, "", v.now)
		previews, err := c.s.Preview(ctx, back)
		if err != nil {
			return err
		}
		p.Closings = append(p.Closings, closingText{way.title, c.channelTexts(v.l, back, previews, false)})
	}
	return nil
}

// whoMay fills in who has opened it, who may approve it, and what the reader may do.
func (c *console) whoMay(ctx context.Context, v *visit, p *approvePage, r *alerts.Record) error {
	acts, err := c.s.Desk.Store.Acts(ctx, r.Event)
	if err != nil {
		return err
	}
	for _, a := range acts {
		if a.Verb == "opened" && a.Alert == r.ID {
			p.Opened = append(p.Opened, openedLine{a.By.Name, v.l.At(a.At, v.now)})
			p.OpenedNow = p.OpenedNow || a.By.ID == v.member.ID
		}
	}
	members, err := c.office.Members(ctx)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.ID != v.member.ID && m.Disabled.IsZero() && c.s.Desk.ApprovalRefusal(ctx, m.Person(), r) == nil {
			p.Others = append(p.Others, m.Name)
		}
	}
	by := v.caller().Person
	if err := c.s.Desk.ApprovalRefusal(ctx, by, r); err != nil {
		no, is := c.refused(v, err)
		if !is {
			return err
		}
		p.WhyNot = whyNot(v.l, no, err, v.l.must("approve_why_second"))
	}
	needed, err := c.s.Desk.NeedsProof(ctx, r)
	if err != nil {
		return err
	}
	keys := len(v.member.Passkeys)
	p.Proof = proofBox{needed, keys, proofOf(r.ID, "approve", r.Approved), nil}
	if needed {
		p.Proof.Through = c.through(ctx, v, r.ID, "approve", r.Approved)
	}
	if !p.Own {
		return nil
	}
	from, may, err := c.s.Desk.AloneFrom(ctx, r)
	if err != nil || !may {
		return err
	}
	p.Alone = &aloneBox{From: v.l.At(from, v.now), Until: from.Format(time.RFC3339Nano), Proof: proofBox{true, keys, proofOf(r.ID, "issue-alone", r.Approved), c.through(ctx, v, r.ID, "issue-alone", r.Approved)}}
	switch err := c.s.Desk.AloneRefusal(ctx, by, r, v.now); {
	case errors.Is(err, alerts.ErrSecondPerson):
		p.Alone.Left = countdown(from.Sub(v.now))
		if n := len(p.Opened); n > 0 {
			p.Alone.Opened = p.Opened[n-1].Name
		}
	case err != nil:
		p.Alone = nil // the reason stands above: a right or a limit is missing
	}
	return nil
}

// whyNot words a refusal of what was not tried yet.
func whyNot(l *locale, no refusal, err error, second string) *refusal {
	switch {
	case errors.Is(err, alerts.ErrSecondPerson):
		return &refusal{Text: second} // the sentence says all that the desk found
	case errors.Is(err, alerts.ErrForbidden):
		no.Text = l.must("approve_why_forbidden")
	}
	return &no
}

// countdown writes a time to wait as "2:05".
func countdown(d time.Duration) string {
	s := max(0, int((d + time.Second - 1).Seconds()))
	return itoa(s/60) + ":" + itoa(s/10%6) + itoa(s%10)
}

func orders(l *locale, has string) []orderLine {
	lines := make([]orderLine, 0, len(magnitudes))
	for _, m := range magnitudes {
		lines = append(lines, orderLine{m, orderWords(l, m.Value), m.Value == has})
	}
	return lines
}

// waitingCard is the picture that goes with what waits.
func (c *console) waitingCard(v *visit) {
	r, err := c.recordOf(v.r.Context(), v, alerts.Exactly)
	if err == nil && c.s.Cards == nil {
		err = alerts.ErrNotFound
	}
	if err != nil {
		c.failDeed(v, err)
		return
	}
	language := channels.Closest(channels.Languages(r, channels.Settings{Language: c.s.Authority.Language}), v.r.URL.Query().Get("language"))
	b, err := c.s.Cards.Card(r, language)
	if err != nil {
		c.fail(v, err)
		return
	}
	v.w.Header().Set("Content-Type", mediaPNG)
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write(b)
}
