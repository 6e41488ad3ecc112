package dashboards

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/lexicon"
	"martinella/broadcast"
	"martinella/dashboards/signin"
)

// Rings calls members of staff. Its methods may be called from many goroutines.
type Rings interface {
	// Kinds are the kinds of contact by which somebody can be called here:
	// "phone", "email".
	Kinds() []string
	// Test calls one person at once; it blocks until the providers answered.
	Test(ctx context.Context, c broadcast.Colleague) []broadcast.Leg
}

func (c *console) ringsRoutes() []consoleRoute {
	if c.s.Rung == nil || c.s.Rings == nil {
		return nil
	}
	return []consoleRoute{
		{"GET", "/console/rings", forStaff, c.ringsPage},
		{"GET", "/console/a/{id}/rings", forStaff, c.ringsOfEvent},
		{"POST", "/console/duty", forStaff, c.duty},
		{"GET", "/console/account/calls", forStaff, func(v *visit) { c.callsForm(v, v.member, nil, nil, 0) }},
		{"POST", "/console/account/calls", forStaff, c.ownCalls},
		{"GET", "/console/staff/{id}/calls", forAdministrators, c.callsOf},
		{"POST", "/console/staff/{id}/calls", forAdministrators, c.changeCallsOf},
	}
}

// ringLine is one call to staff as a page shows it.
type ringLine struct {
	Why, Who string
	Link     string // what it was about
	At       instant
	Widened  bool
	Over     string
	Open     bool // it is still tried
	Legs     []legLine
}

type legLine struct {
	Name, Kind, State string
	Tone, Shape       string
	Channel           string
	Attempts          int
	At                instant
	Reason            string // a provider's, in English
}

type ringsPage struct {
	Rings []ringLine
	Back  string // to the alert; "" on the page of all
	Duty  dutyBox
}

// dutyBox is who is on duty, on the first page.
type dutyBox struct {
	Here bool // people can be called here
	On   []dutyLine
	Mine bool // who looks is on duty
	Mute bool // who looks has no contact
	May  bool // who looks may change it
}

// mayDuty reports whether the member may take duty or change who has it: who
// only reads could answer no call, and would silence those of others.
func mayDuty(m *signin.Member) bool {
	p := m.Person()
	return p.Can(alerts.VerbSubmit) || p.Can(alerts.VerbApprove) || m.Administers()
}

type dutyLine struct {
	ID, Name string
	Since    instant
	Mute     bool // nobody can call them
	Self     bool
}

// mostRings bounds the page of all calls.
const mostRings = 50

func (c *console) ringsPage(v *visit) {
	rings, err := c.s.Rung.LatestRings(v.r.Context(), mostRings)
	if err != nil {
		c.fail(v, err)
		return
	}
	box, err := c.dutyBox(v)
	if err != nil {
		c.fail(v, err)
		return
	}
	c.show(v, sheet{name: "rings", title: v.l.must("rings_title"), said: c.ringsSaid(v), content: ringsPage{Rings: ringLines(v.l, rings, v.now), Duty: box}})
}

func (c *console) ringsSaid(v *visit) string {
	switch v.r.URL.Query().Get("said") {
	case "on":
		return v.l.must("rings_said_on")
	case "off":
		return v.l.must("rings_said_off")
	case "empty":
		return v.l.must("rings_said_empty")
	case "saved":
		return v.l.must("rings_said_saved")
	}
	return ""
}

func (c *console) ringsOfEvent(v *visit) {
	id := alerts.ID(v.r.PathValue("id"))
	if !plausible(id) {
		c.fail(v, alerts.ErrNotFound)
		return
	}
	record, err := c.s.Desk.Store.Get(v.r.Context(), id, alerts.Newest)
	if err == nil && !mayRead(v.member.Person(), record) {
		err = alerts.ErrNotFound
	}
	var rings []*broadcast.Ringing
	if err == nil {
		rings, err = c.s.Rung.Rings(v.r.Context(), record.Event)
	}
	if err != nil {
		c.fail(v, err)
		return
	}
	slices.Reverse(rings)
	c.show(v, sheet{name: "rings", title: v.l.must("rings_title"), content: ringsPage{Rings: ringLines(v.l, rings, v.now), Back: "/a/" + string(record.Event)}})
}

// ringLines words calls to staff for a page.
func ringLines(l *locale, rings []*broadcast.Ringing, now time.Time) []ringLine {
	lines := make([]ringLine, 0, len(rings))
	for _, r := range rings {
		line := ringLine{Why: l.must("rings_why_" + string(r.Why)), Who: l.must("rings_who_" + string(r.Who)), At: l.At(r.At, now), Widened: r.Widened, Open: !r.Done, Link: "/console/a/" + string(r.Event) + "/rings"}
		if r.Callout != "" {
			line.Link = calloutPath + "/" + string(r.Callout)
		}
		if r.Warning != "" {
			line.Link = "/console/warnings/" + r.Warning
		}
		if r.Over != "" {
			line.Over = l.must("rings_over_" + r.Over)
		}
		for _, leg := range r.Legs {
			line.Legs = append(line.Legs, legLineOf(l, leg, now))
		}
		lines = append(lines, line)
	}
	return lines
}

func legLineOf(l *locale, leg broadcast.Leg, now time.Time) legLine {
	line := legLine{Name: leg.Person.Name, State: l.must("rings_state_" + string(leg.State)), Channel: leg.Channel, Attempts: leg.Attempts, At: l.At(leg.At, now), Reason: leg.Reason}
	if leg.Kind != "" {
		line.Kind = l.must("rings_kind_" + leg.Kind)
	}
	switch leg.Reason {
	case broadcast.NoContact:
		line.State, line.Reason = l.must("rings_no_contact"), ""
	case broadcast.OverSettled, broadcast.OverLate:
		line.State, line.Reason = l.must("rings_over_"+leg.Reason), ""
	}
	switch leg.State {
	case broadcast.LegAccepted:
		line.Tone, line.Shape = "grn", "s-ok"
	case broadcast.LegWaits:
		line.Tone, line.Shape = "mut", "s-mut"
	case broadcast.LegUncertain:
		line.Tone, line.Shape = "org", "s-org"
	default:
		line.Tone, line.Shape = "red", "s-red"
	}
	return line
}

// dutyBox reads who is on duty.
func (c *console) dutyBox(v *visit) (dutyBox, error) {
	box := dutyBox{Here: c.s.Rings != nil}
	if !box.Here {
		return box, nil
	}
	members, err := c.office.Members(v.r.Context())
	if err != nil {
		return box, err
	}
	box.Mute, box.May = c.mute(v.member), mayDuty(v.member)
	for _, m := range members {
		if m.OnDuty.IsZero() || !m.Disabled.IsZero() {
			continue
		}
		self := m.ID == v.member.ID
		box.Mine = box.Mine || self
		box.On = append(box.On, dutyLine{m.ID, m.Name, v.l.At(m.OnDuty, v.now), c.mute(m), self})
	}
	return box, nil
}

// mute reports whether no channel here can call the member.
func (c *console) mute(m *signin.Member) bool {
	kinds := c.s.Rings.Kinds()
	contacts := m.Colleague().Contacts
	return len(kinds) > 0 && !slices.ContainsFunc(kinds, func(kind string) bool { return contacts[kind] != "" })
}

// duty puts who asks on duty, or takes somebody off: whoever relieves a
// colleague says so for both. Everybody sees it, and the log keeps it.
func (c *console) duty(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	if !mayDuty(v.member) {
		c.say(v, http.StatusForbidden, v.l.must("console_not_yours"))
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	id, on := v.member.ID, false
	switch v.r.PostForm.Get("do") {
	case "take":
		on = true
	case "end":
		id = v.r.PostForm.Get("member")
	default:
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	if err := c.office.SetDuty(ctx, id, on, v.now); err != nil {
		c.fail(v, err)
		return
	}
	c.log("duty", v.member, zap.String("member", id), zap.Bool("on", on))
	said := "on"
	if !on {
		said = "off"
		if box, err := c.dutyBox(v); err == nil && len(box.On) == 0 {
			said = "empty"
		}
	}
	c.to(v, "/console/rings?said="+said)
}

// callsPage is where one member is called.
type callsPage struct {
	Name, To         string // whose page, and where its form goes
	Self, Prove      bool
	Phone, Email     string
	Languages        []languageLine
	NoPhone, NoEmail bool // no channel here calls by it
	WrongPhone       string
	WrongEmail       string
	Tested           []legLine
}

type languageLine struct {
	Tag, Name string
	Has       bool
}

func (c *console) callsForm(v *visit, m *signin.Member, typed *signin.Reach, failed error, code int) {
	reach := m.Reach
	if typed != nil {
		reach = *typed
	}
	page := callsPage{Name: m.Name, Self: m.ID == v.member.ID, To: "/console/account/calls", Phone: reach.Phone, Email: reach.Email,
		NoPhone: !slices.Contains(c.s.Rings.Kinds(), "phone"), NoEmail: !slices.Contains(c.s.Rings.Kinds(), "email")}
	if v.r.PathValue("id") != "" {
		page.To, page.Prove = "/console/staff/"+m.ID+"/calls", true
	}
	for _, tag := range lexicon.RingLanguages {
		page.Languages = append(page.Languages, languageLine{tag, v.l.language(tag), tag == alerts.PrimaryLanguage(reach.Language)})
	}
	wrong, field := "", ""
	if errors.Is(failed, signin.ErrEmail) {
		page.WrongEmail = v.l.must("rings_wrong_email")
		wrong, field = page.WrongEmail, "email"
	}
	if errors.Is(failed, signin.ErrPhone) {
		page.WrongPhone = v.l.must("rings_wrong_phone")
		wrong, field = page.WrongPhone, "phone"
	}
	if page.WrongPhone != "" && page.WrongEmail != "" {
		wrong = v.l.must("rings_wrong_both")
	}
	if text, status := c.unproved(v, failed); text != "" {
		wrong, code = text, status
	}
	c.showCalls(v, page, code, wrong, field)
}

func (c *console) showCalls(v *visit, page callsPage, code int, wrong, field string) {
	c.show(v, sheet{name: "calls", title: v.l.must("rings_calls_title"), passkeys: page.Prove, code: code, wrong: wrong, field: field, said: c.ringsSaid(v), content: page})
}

func reachOf(v *visit) signin.Reach {
	return signin.Reach{Phone: v.r.PostForm.Get("phone"), Email: v.r.PostForm.Get("email"), Language: v.r.PostForm.Get("language")}
}

// ownCalls keeps where who asks is called, or tries it out.
func (c *console) ownCalls(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	if v.r.PostForm.Get("do") == "test" {
		c.tryCalls(v)
		return
	}
	typed := reachOf(v)
	switch err := c.office.SetReach(ctx, v.member.ID, typed); {
	case errors.Is(err, signin.ErrPhone), errors.Is(err, signin.ErrEmail):
		c.callsForm(v, v.member, &typed, err, http.StatusUnprocessableEntity)
	case err != nil:
		c.fail(v, err)
	default:
		c.log("own contacts for calls changed", v.member)
		c.to(v, "/console/account/calls?said=saved")
	}
}

// testTime bounds a call to try out contacts.
const testTime = 30 * time.Second

func (c *console) tryCalls(v *visit) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.r.Context()), testTime)
	defer cancel()
	err := c.office.SpendTest(ctx, v.member.ID)
	if text, code := c.unproved(v, err); text != "" {
		c.callsForm(v, v.member, nil, err, code)
		return
	}
	if err != nil {
		c.fail(v, err)
		return
	}
	legs := c.s.Rings.Test(ctx, v.member.Colleague())
	page := callsPage{Name: v.member.Name, Self: true, To: "/console/account/calls", Phone: v.member.Reach.Phone, Email: v.member.Reach.Email}
	for _, tag := range lexicon.RingLanguages {
		page.Languages = append(page.Languages, languageLine{tag, v.l.language(tag), tag == alerts.PrimaryLanguage(v.member.Reach.Language)})
	}
	for _, leg := range legs {
		page.Tested = append(page.Tested, legLineOf(v.l, leg, v.now))
	}
	c.log("own contacts for calls tried out", v.member, zap.Int("calls", len(legs)))
	c.showCalls(v, page, 0, "", "")
}

// memberOf finds whom an administrator's page is about.
func (c *console) memberOf(v *visit) (*signin.Member, error) {
	members, err := c.office.Members(v.r.Context())
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(members, func(m *signin.Member) bool { return m.ID == v.r.PathValue("id") })
	if i < 0 {
		return nil, alerts.ErrNotFound
	}
	return members[i], nil
}

func (c *console) callsOf(v *visit) {
	m, err := c.memberOf(v)
	if err != nil {
		c.fail(v, err)
		return
	}
	c.callsForm(v, m, nil, nil, 0)
}

// changeCallsOf keeps where a member is called, as an administrator says.
func (c *console) changeCallsOf(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	m, err := c.memberOf(v)
	if err != nil {
		c.fail(v, err)
		return
	}
	typed := reachOf(v)
	if err = c.office.ProveAccount(ctx, v.member, v.session, v.r.PostForm.Get("code"), v.now); err == nil {
		err = c.office.SetReach(ctx, m.ID, typed)
	}
	if text, code := c.unproved(v, err); text != "" {
		c.callsForm(v, m, &typed, err, code)
		return
	}
	switch {
	case errors.Is(err, signin.ErrPhone), errors.Is(err, signin.ErrEmail):
		c.callsForm(v, m, &typed, err, http.StatusUnprocessableEntity)
		return
	case err == nil:
		err = c.office.Spend(ctx, v.session, signin.AccountDeed(v.member))
	}
	if err != nil {
		c.fail(v, err)
		return
	}
	c.log("contacts for calls changed", v.member, zap.String("member", m.ID))
	c.to(v, "/console/staff/"+m.ID+"/calls?said=saved")
}
