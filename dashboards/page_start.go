package dashboards

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"martinella/alerts"
	"martinella/alerts/compose"
	"martinella/alerts/templates"
	"martinella/broadcast"
)

func (c *console) startRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/start", forStaff, c.startPage},
		{"POST", "/console/start", forStaff, c.beginExercise},
	}
}

// startPage is the guide of the first day: five steps, each with what is there.
type startPage struct {
	Key      string
	Done     int // of the five
	SignIn   startSignIn
	Second   startSecond
	Areas    int
	Named    []string // the areas of the exercise
	Channels []wellLine
	Ill      int
	Reasons  []string // why alerts cannot be accepted now, in English
	Doctor   string   // the command that says the same with remedies
	Drill    startDrill
}

type startSignIn struct {
	Fine, Passkey, Password bool
	Codes                   int
}

type startSecond struct {
	Fine    bool
	Names   []string // who may approve, but for the reader
	Invited int      // links that nobody has used yet
	Mine    bool     // the reader may invite
}

// startDrill is where the first exercise stands.
type startDrill struct {
	State    string // none, draft, waiting, back, under_way, delivered, failed
	Why      string // the reader may not write it
	URL      string // of the draft or of its live board
	Headline words
	Waits    string // how long it has waited
	Took     string // from the request to the last delivery
	Sum      string
	Moments  []momentLine
	Bad      []channelLine
}

// Over reports whether the exercise was issued.
func (d startDrill) Over() bool {
	return slices.Contains([]string{"under_way", "delivered", "failed"}, d.State)
}

func (c *console) startPage(v *visit) { c.showStart(v, 0, "") }

func (c *console) showStart(v *visit, code int, wrong string) {
	ctx := v.r.Context()
	page := startPage{Key: string(c.s.Desk.NewID(v.now)), Areas: len(c.s.Areas.All()), Doctor: "martinella doctor"}
	m := v.member
	page.SignIn = startSignIn{Passkey: len(m.Passkeys) > 0, Password: m.Password != "", Codes: len(m.Recovery)}
	page.SignIn.Fine = (page.SignIn.Passkey || page.SignIn.Password) && page.SignIn.Codes > 0
	var err error
	if page.Second, err = c.secondPerson(v); err != nil {
		c.fail(v, err)
		return
	}
	page.Named = strings.Split(c.codeNames(c.exerciseAreas(v)), ", ")
	for _, w := range c.s.Channels.Wellbeing() {
		line := c.wellLine(v, w)
		page.Channels = append(page.Channels, line)
		if line.State == "ill" {
			page.Ill++
		}
	}
	if c.s.Ready != nil {
		page.Reasons = c.s.Ready(ctx)
	}
	if page.Drill, err = c.drill(v); err != nil {
		c.fail(v, err)
		return
	}
	for _, done := range []bool{page.SignIn.Fine, page.Second.Fine, page.Areas > 0, len(page.Channels) > 0 && page.Ill == 0 && len(page.Reasons) == 0, page.Drill.State == "delivered"} {
		if done {
			page.Done++
		}
	}
	c.show(v, sheet{name: "start", title: v.l.must("start_title"), code: code, wrong: wrong, content: page})
}

// secondPerson lists who may approve what the reader writes.
func (c *console) secondPerson(v *visit) (startSecond, error) {
	ctx := v.r.Context()
	s := startSecond{Mine: v.member.Administers()}
	members, err := c.office.Members(ctx)
	if err != nil {
		return s, err
	}
	for _, m := range members {
		if m.ID != v.member.ID && m.Disabled.IsZero() && m.Person().Can(alerts.VerbApprove) {
			s.Names = append(s.Names, m.Name)
		}
	}
	s.Fine = len(s.Names) > 0
	invited, err := c.office.Invitations(ctx)
	for _, i := range invited {
		if !i.First {
			s.Invited++
		}
	}
	return s, err
}

// mostLooked bounds the alerts that are looked through for the first exercise,
// the newest first.
const mostLooked = 200

// startKind is the kind of the paper that names the first exercise, and the id
// of that paper.
const (
	startKind     = "start"
	firstExercise = "first-exercise"
)

// firstDoc is what that paper holds.
type firstDoc struct {
	V  int       `json:"v"`
	ID alerts.ID `json:"id"`
}

// firstDrill is the first exercise that staff issued here, or the newest that
// waits or went back; nil of neither. Exercises of machines do not count: the
// guide is for people. Once one was issued it is remembered.
func (c *console) firstDrill(ctx context.Context, v *visit) (*alerts.Record, error) {
	if id := c.drilled.Load(); id != nil {
		return c.s.Desk.Store.Get(ctx, *id, alerts.Exactly)
	}
	if c.s.Papers != nil {
		p, err := c.s.Papers.Paper(ctx, startKind, firstExercise)
		var doc firstDoc
		switch {
		case errors.Is(err, alerts.ErrNotFound):
		case err != nil:
			return nil, err
		case json.Unmarshal(p.Doc, &doc) == nil:
			r, err := c.s.Desk.Store.Get(ctx, doc.ID, alerts.Exactly)
			if err == nil {
				c.drilled.Store(&doc.ID)
			}
			if !errors.Is(err, alerts.ErrNotFound) {
				return r, err
			}
		}
	}
	var issued, open *alerts.Record
	for r, err := range c.s.Desk.Store.All(ctx, alerts.Filter{Limit: mostLooked}) {
		if err != nil {
			return nil, err
		}
		switch {
		case r.Alert.Status != alerts.StatusExercise || r.Via != "console" || r.Change != alerts.ChangeIssued:
		case r.State.Published():
			issued = r
		case open == nil && (r.State == alerts.StateSubmitted || r.State == alerts.StateReturned):
			open = r
		}
	}
	if issued == nil {
		return open, nil
	}
	c.drilled.Store(&issued.ID)
	if doc, err := json.Marshal(firstDoc{1, issued.ID}); err == nil && c.s.Papers != nil {
		// A colleague's page may have written it: that is no matter.
		_, _ = c.s.Papers.PutPaper(ctx, broadcast.Paper{Kind: startKind, ID: firstExercise, Doc: doc, By: v.by(), At: v.now})
	}
	return issued, nil
}

// drill tells where the first exercise stands.
func (c *console) drill(v *visit) (startDrill, error) {
	ctx := v.r.Context()
	d := startDrill{State: "none"}
	if !v.caller().Can(alerts.VerbSubmit) {
		d.Why = v.l.must("board_why_rights")
	}
	r, err := c.firstDrill(ctx, v)
	if err != nil {
		return d, err
	}
	if r == nil {
		drafts, err := c.drafts(ctx)
		i := slices.IndexFunc(drafts, func(one *draft) bool { return drilled(one) && one.Form.Changes == "" })
		if err == nil && i >= 0 {
			d.State, d.URL, d.Headline.Text = "draft", "/console/draft/"+drafts[i].ID, drafts[i].headline()
		}
		return d, err
	}
	d.URL, d.Headline = "/console/a/"+string(r.ID), c.s.card(v.l, c.happeningOf(r, v.now), v.now).Headline
	switch {
	case r.State == alerts.StateSubmitted:
		d.State, d.Waits = "waiting", left(v.l, v.now.Sub(r.Received))
		return d, nil
	case !r.State.Published():
		d.State = "back"
		return d, nil
	}
	part, err := c.deliveryOf(ctx, v, r)
	if err != nil {
		return d, err
	}
	acts, err := c.s.Desk.Store.Acts(ctx, r.Event)
	if err != nil {
		return d, err
	}
	acts = slices.DeleteFunc(acts, func(a alerts.Act) bool { return a.Alert != r.ID })
	d.Moments, d.Sum = c.moments(v, r, acts, part), part.Sum
	last := int64(0)
	for i, one := range part.all {
		if one.LastMS != nil {
			last = max(last, *one.LastMS)
		}
		if one.Over() && one.Accepted < one.Total {
			d.Bad = append(d.Bad, part.Channels[i])
		}
	}
	switch {
	case !part.Over:
		d.State = "under_way"
	case len(d.Bad) > 0:
		d.State = "failed"
	default:
		d.State = "delivered"
	}
	if part.Over {
		last += r.Published.Sub(r.Received).Milliseconds()
		d.Took = v.l.took(&last)
	}
	return d, nil
}

// exerciseTemplates are the templates that the exercise is made from: the first
// of them that is there.
var exerciseTemplates = []string{"river-flood", "flood", "storm"}

// exerciseAreas are the first areas that the reader may warn, those within
// others before the large ones.
func (c *console) exerciseAreas(v *visit) []alerts.Value {
	var small, large []alerts.Value
	by := v.caller()
	for _, a := range c.s.Areas.All() {
		ps := by.Refusals(&alerts.Alert{Status: alerts.StatusExercise}, []alerts.Value{a.Code})
		place, known := c.places.Place(a.Code.Value)
		switch {
		case slices.ContainsFunc(ps, func(p alerts.Problem) bool { return p.Field == "references" }):
		case known && place.Parent != "":
			small = append(small, a.Code)
		default:
			large = append(large, a.Code)
		}
		if len(small) == mostExerciseAreas {
			break
		}
	}
	if len(small) == 0 {
		small = large
	}
	return small[:min(len(small), mostExerciseAreas)]
}

const mostExerciseAreas = 2

// beginExercise makes the draft of the first exercise and opens it. The key of
// the page is in its name, so that a second tap gives the same one.
func (c *console) beginExercise(v *visit) {
	if !c.readForm(v) {
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	d := &draft{draftDoc: draftDoc{Holder: v.caller().By(), Begun: v.now}}
	k, err := c.knowing(ctx, v, &d.Form)
	if err != nil {
		c.fail(v, err)
		return
	}
	if !v.caller().Can(alerts.VerbSubmit) {
		c.showStart(v, http.StatusForbidden, v.l.must("board_why_rights"))
		return
	}
	at := 0
	for _, id := range slices.Backward(exerciseTemplates) {
		if i := slices.IndexFunc(k.Templates, func(t templates.Template) bool { return t.ID == id }); i >= 0 {
			at = i
		}
	}
	if len(k.Templates) == 0 {
		c.showStart(v, http.StatusConflict, v.l.must("compose_no_template"))
		return
	}
	form := compose.New(k)
	form.Status, form.Codes = alerts.StatusExercise, c.exerciseAreas(v)
	form.Values = map[string]string{"place": c.codeNames(form.Codes)}
	d.Form = compose.Fill(k.Templates[at], form, k)
	for i := range d.Form.Texts {
		t := &d.Form.Texts[i]
		if t.Source == "" {
			t.Source = c.s.Authority.Name
		}
		if t.Where == "" {
			t.Where = form.Values["place"]
		}
	}
	d.ID = v.r.PostForm.Get("key") + "-" + k.Templates[at].ID
	if !draftIDForm.MatchString(d.ID) {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	_, err = c.write(ctx, v, *d)
	switch {
	case errors.Is(err, alerts.ErrStale): // it was asked for before
	case errors.Is(err, broadcast.ErrManyPapers):
		c.showStart(v, http.StatusConflict, v.l.must("compose_many"))
		return
	case err != nil:
		c.fail(v, err)
		return
	}
	c.to(v, "/console/draft/"+d.ID)
}

// drillLine is the line of the first page: where the first exercise stands, nil
// once one was issued.
func (c *console) drillLine(v *visit) (*startDrill, error) {
	if c.drilled.Load() != nil {
		return nil, nil
	}
	d, err := c.drill(v)
	if err != nil || d.Over() {
		return nil, err
	}
	return &d, nil
}
