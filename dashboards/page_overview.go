package dashboards

import (
	"slices"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// alertLine is an alert on the first page of the console.
type alertLine struct {
	card
	Left   string // time to expiry, in words
	Board  string // address of its live board
	Cancel string // where it is taken back: one tap from there
	Clear  string // where it is lifted, for what has lapsed

	id       alerts.ID // of its last issue
	Delivery string    // how that went, where it is among the newest
	Bad      bool
}

// waitingLine is an alert that waits for its second person.
type waitingLine struct {
	Headline words
	Level    string
	Tone     string
	Shape    string
	Exercise bool
	Author   string
	Since    instant
	Own      bool // written by who looks: another one must approve it
	URL      string
}

// recentLine is what was issued last, and how it went.
type recentLine struct {
	Headline words
	What     string // first issue, update 2, all-clear
	Level    string
	Tone     string
	Shape    string
	Exercise bool
	At       instant
	URL      string
	Delivery string
	Bad      bool
	Cancel   string
}

// reviewLine is what its author issued alone and nobody has reviewed.
type reviewLine struct {
	Headline words
	Author   string
	Due      instant
	Late     bool
	URL      string
}

type overviewPage struct {
	Alone    []ledgerLine // what administrators did without a second one
	Active   []alertLine
	Lapsed   []alertLine
	Waiting  []waitingLine
	Reviews  []reviewLine
	Recent   []recentLine
	Troubles []troubleLine
	Mirrors  []mirrorLine
	Backups  []backupLine
	Examined *examinedBox
	Duty     dutyBox
	Warnings []warningLine
	Callouts []calloutLine // open calls of volunteers
	Query    string
	Drill    *startDrill // nil: an exercise was issued here
	Calm     bool        // nothing waits for anybody
}

type troubleLine struct {
	broadcast.Trouble
	From instant
}

// The bounds of the lists.
const (
	mostWaiting = 50
	mostRecent  = 10
)

// publishedStates are those of records that went out.
var publishedStates = []alerts.State{alerts.StateIssued, alerts.StateSuperseded, alerts.StateCancelled, alerts.StateLapsed, alerts.StateEnded}

// overview is the first page: what goes on, what waits, what does not work.
func (c *console) overview(v *visit) {
	page := overviewPage{Query: langQuery(v)}
	for _, h := range current(c.s.Board.Snapshot(), v.now) {
		at := "/console/a/" + string(h.ID)
		line := alertLine{id: h.ID, card: c.s.card(v.l, h, v.now), Board: at + page.Query, Cancel: at + "/cancel" + page.Query}
		if e := h.Alert.Expires(); !e.IsZero() && e.After(v.now) {
			line.Left = left(v.l, e.Sub(v.now))
		}
		if h.Standing == broadcast.StandingLapsed {
			line.Clear = at + "/all-clear" + page.Query
			page.Lapsed = append(page.Lapsed, line)
			continue
		}
		page.Active = append(page.Active, line)
	}
	for _, fill := range []func(*visit, *overviewPage) error{c.waitingList, c.reviews, c.recent} {
		if err := fill(v, &page); err != nil {
			c.s.pages.unable(v.w, v.r, err)
			return
		}
	}
	var err error
	if page.Alone, err = c.alone(v); err != nil {
		c.fail(v, err)
		return
	}
	if page.Duty, err = c.dutyBox(v); err != nil {
		c.fail(v, err)
		return
	}
	if page.Warnings, err = c.openWarnings(v); err != nil {
		c.fail(v, err)
		return
	}
	if page.Callouts, err = c.openCallouts(v); err != nil {
		c.fail(v, err)
		return
	}
	drill, err := c.drillLine(v)
	if err != nil {
		c.fail(v, err)
		return
	}
	page.Drill = drill
	if c.s.Troubles != nil {
		for _, t := range c.s.Troubles() {
			page.Troubles = append(page.Troubles, troubleLine{t, v.l.At(t.Since, v.now)})
		}
	}
	page.Mirrors, page.Backups = c.s.mirrorLines(v.l, v.now), c.s.backupLines(v.l, v.now)
	page.Examined = c.s.examinedBox(v.l, v.now)
	page.Calm = !page.Examined.Bad() && !slices.ContainsFunc(page.Backups, backupLine.Bad) && !slices.ContainsFunc(page.Mirrors, mirrorLine.Bad) && len(page.Waiting)+len(page.Warnings)+len(page.Lapsed)+len(page.Reviews)+len(page.Alone)+len(page.Troubles) == 0
	title := v.l.must("console_title")
	if n := len(page.Waiting); n > 0 {
		title = "(" + itoa(n) + ") " + title
	}
	c.show(v, sheet{name: "overview", title: title, content: page})
}

// waitingList lists what waits for its second person.
func (c *console) waitingList(v *visit, page *overviewPage) error {
	for r, err := range c.s.Desk.Store.All(v.r.Context(), alerts.Filter{States: []alerts.State{alerts.StateSubmitted}, Limit: mostWaiting}) {
		if err != nil {
			return err
		}
		shown := c.s.card(v.l, happening{Record: r, Standing: broadcast.StandingActive}, v.now)
		page.Waiting = append(page.Waiting, waitingLine{shown.Headline, shown.Level, shown.Tone, shown.Shape, shown.Exercise, tidy(r.Author.Name), v.l.At(r.Received, v.now), r.Author.ID == v.member.ID && c.s.Desk.ApprovalRefusal(v.r.Context(), v.caller().Person, r) != nil,
			deedPath(r.ID, "approve") + page.Query})
	}
	return nil
}

// reviews lists what was issued by its author alone and waits for a look.
func (c *console) reviews(v *visit, page *overviewPage) error {
	watched, err := c.s.Desk.Store.Watched(v.r.Context(), v.now.Add(-alerts.WatchedFor))
	if err != nil {
		return err
	}
	seen := map[alerts.ID]bool{}
	for _, r := range watched {
		if r.ReviewDue.IsZero() || seen[r.Event] {
			continue
		}
		seen[r.Event] = true
		due, err := c.s.Desk.ReviewDue(v.r.Context(), r)
		if err != nil {
			return err
		}
		if due.IsZero() {
			continue
		}
		page.Reviews = append(page.Reviews, reviewLine{c.s.card(v.l, c.happeningOf(r, v.now), v.now).Headline, tidy(r.Author.Name), v.l.At(due, v.now), due.Before(v.now), deedPath(r.ID, "review") + page.Query})
	}
	return nil
}

// recent lists what was issued last, with how it went. What is in force says
// it in its own line.
func (c *console) recent(v *visit, page *overviewPage) error {
	inForce := map[alerts.ID]*alertLine{}
	for i := range page.Active {
		inForce[page.Active[i].id] = &page.Active[i]
	}
	read := 0
	for r, err := range c.s.Desk.Store.All(v.r.Context(), alerts.Filter{States: publishedStates, Limit: mostRecent}) {
		if err != nil {
			return err
		}
		if read++; read > mostRecent {
			break
		}
		d, err := c.deliveryOf(v.r.Context(), v, r)
		if err != nil {
			return err
		}
		bad := d.Over && d.Word == v.l.must("board_needs_you")
		if line := inForce[r.ID]; line != nil {
			line.Delivery, line.Bad = d.Word, bad
			continue
		}
		h := c.happeningOf(r, v.now)
		shown := c.s.card(v.l, h, v.now)
		line := recentLine{Headline: shown.Headline, What: revisionWords(v.l, r), Level: shown.Level, Tone: shown.Tone, Shape: shown.Shape, Exercise: shown.Exercise,
			At: v.l.At(r.Published, v.now), URL: "/console/a/" + string(r.ID) + page.Query, Delivery: d.Word, Bad: bad}
		if shown.About.Text != "" {
			line.Headline = shown.About
		}
		if r.State == alerts.StateIssued && r.Change != alerts.ChangeCancelled && r.Change != alerts.ChangeEnded && !broadcast.Public(r) {
			line.Cancel = "/console/a/" + string(r.ID) + "/cancel" + page.Query // it is in no other list
		}
		page.Recent = append(page.Recent, line)
	}
	return nil
}

// left is a time to come in hours and minutes.
func left(l *locale, d time.Duration) string {
	minutes := int(d.Minutes())
	if minutes < 60 {
		return l.must("left_minutes", "Minutes", max(1, minutes))
	}
	return l.must("left_hours", "Hours", minutes/60, "Minutes", minutes%60)
}
