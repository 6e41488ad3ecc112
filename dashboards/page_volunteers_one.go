package dashboards

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/roster"
)

// oneVolunteerPage is one volunteer as the office sees them. Form is what was
// typed, or what is kept, in the words of lists.
type oneVolunteerPage struct {
	Number   uint32 // 0: a new one
	Name     string
	Skills   []skillLine
	Contacts []contactLine
	Shown    bool // in full
	Free     bool
	Reached  string // day of the last answer to a test; "": never
	Silent   string // since when tests go without an answer; "": they do not
	May      bool
	Past     bool
	Form     url.Values
	Tongues  []choiceOption
	Wrongs   []volunteerMistake
}

type volunteerMistake struct {
	Field   string
	Problem alerts.Problem
}

// Wrong reports whether a field is wrong.
func (p oneVolunteerPage) Wrong(field string) bool {
	return slices.ContainsFunc(p.Wrongs, func(w volunteerMistake) bool { return w.Field == field })
}

func (c *console) volunteer(v *visit) {
	if c.mayNot(v, v.member.Person().Can(alerts.VerbRead)) {
		return
	}
	said := ""
	switch v.r.URL.Query().Get("said") {
	case "saved":
		said = v.l.must("volunteers_said_saved")
	case "sent":
		said = v.l.must("volunteers_said_sent")
	}
	c.oneVolunteer(v, oneVolunteerPage{}, 0, said, "")
}

// memberAsked is the volunteer that the path names; a new one for 0; nil where
// that was answered.
func (c *console) memberAsked(v *visit) *broadcast.Member {
	number, err := strconv.ParseUint(v.r.PathValue("number"), 10, 32)
	if err == nil && number == 0 && v.mayCall() {
		return &broadcast.Member{Subscriber: broadcast.Subscriber{Language: c.s.pages.locales.tags[0], Areas: []string{"*"}, Audience: broadcast.AudienceVolunteers, Purpose: "emergency"}}
	}
	var m *broadcast.Member
	if err == nil {
		if m, err = c.s.Volunteers.Pages.Roll.Member(v.r.Context(), uint32(number)); err != nil && !errors.Is(err, alerts.ErrNotFound) {
			c.fail(v, err)
			return nil
		}
	}
	if m == nil || m.Audience != broadcast.AudienceVolunteers {
		c.say(v, http.StatusNotFound, v.l.must("volunteers_nobody"))
		return nil
	}
	return m
}

func (c *console) oneVolunteer(v *visit, page oneVolunteerPage, code int, said, wrong string) {
	m := c.memberAsked(v)
	if m == nil {
		return
	}
	profile := profileOf(m)
	page.Number, page.Name, page.May = m.Number, profile.Name, v.mayCall()
	page.Skills, page.Past = c.s.skillLines(v.l, profile, v.now), m.Number != 0 && pastVolunteer(m, v.now)
	page.Free = reachable(m) && profile.Available(v.now.In(c.s.Zone))
	page.Reached, page.Silent = dayOf(m.Reached, c.s.Zone), dayOf(m.Silent, c.s.Zone)
	if page.May {
		for _, kind := range m.Kinds() {
			_, stopped := m.Stopped[kind]
			text := maskedContact(v.l, kind, m.Contacts[kind])
			if page.Shown && kind != "push" {
				text = m.Contacts[kind]
			}
			page.Contacts = append(page.Contacts, contactLine{v.l.must("subscriber_" + kindWord(kind)), text, stopped})
		}
	}
	if page.Form == nil {
		page.Form = formOfVolunteer(m, c.s.Zone)
	}
	for _, tag := range pageLanguages {
		page.Tongues = append(page.Tongues, choiceOption{Value: tag, Text: v.l.language(tag), Has: alerts.PrimaryLanguage(page.Form.Get("language")) == tag})
	}
	title := profile.Name
	if m.Number == 0 {
		title = v.l.must("volunteers_new")
	} else if title == "" {
		title = v.l.must("volunteers_nameless", "N", m.Number)
	}
	field := ""
	if len(page.Wrongs) > 0 {
		wrong, field = v.l.must("volunteers_wrong"), "mistakes"
	}
	c.show(v, sheet{name: "volunteers_one", title: title, code: code, said: said, wrong: wrong, field: field, content: page})
}

// formOfVolunteer is what is kept, in the words of lists.
func formOfVolunteer(m *broadcast.Member, zone *time.Location) url.Values {
	p := profileOf(m)
	f := url.Values{"name": {p.Name}, "organisation": {p.Organisation}, "groups": {strings.Join(p.Groups, "; ")}, "skills": {roster.WriteSkills(p.Skills)}, "speaks": {strings.Join(p.Speaks, " ")},
		"availability": {roster.WriteWeekly(p.Weekly)}, "exceptions": {roster.WriteExceptions(p.Exceptions, zone)}, "areas": {strings.Join(m.Areas, " ")}, "channels": {strings.Join(m.Channels, " ")}, "language": {m.Language}}
	if m.Quiet != nil {
		f.Set("quiet", m.Quiet.From+"-"+m.Quiet.To)
	}
	if m.Circle != nil {
		f.Set("circle", m.Circle.String())
	}
	if !m.Until.IsZero() {
		f.Set("until", m.Until.In(zone).AddDate(0, 0, -1).Format(time.DateOnly))
	}
	return f
}

// volunteerFieldNames are the fields of the form, each a column of lists.
var volunteerFieldNames = []string{"name", "organisation", "groups", "skills", "speaks", "availability", "exceptions", "areas", "channels", "language", "quiet", "circle", "until", "phone", "email"}

// readVolunteer reads the form as a row of a list, so that both have the same
// rules. edit writes it into what is stored.
func readVolunteer(form url.Values, zone *time.Location) (s broadcast.Subscriber, wrongs []volunteerMistake) {
	values := map[string]string{"audience": broadcast.AudienceVolunteers}
	for _, name := range volunteerFieldNames {
		values[name] = strings.TrimSpace(form.Get(name))
	}
	noContact := values["phone"] == "" && values["email"] == ""
	if noContact {
		values["email"] = "nobody@example.org" // contacts that are kept are not in the form
	}
	row := roster.ReadRow(values, zone)
	for _, why := range row.Refusals {
		wrongs = append(wrongs, volunteerMistake{why.Field, alerts.Problem{Field: why.Field, Problem: why.Reason, Hint: why.Remedy}})
	}
	s = row.Listing.Subscriber
	if noContact {
		s.Contacts = map[string]string{}
	}
	return s, wrongs
}

// changeVolunteer does what the office asks for of one volunteer.
func (c *console) changeVolunteer(v *visit) {
	if c.mayNot(v, v.mayCall()) || !c.readPosted(v) {
		return
	}
	m := c.memberAsked(v)
	if m == nil {
		return
	}
	form := v.r.PostForm
	ctx, cancel := actContext(v.r)
	defer cancel()
	at := fmt.Sprintf("%s/%d", volunteersPath, m.Number)
	switch form.Get("do") {
	case "save":
		c.saveVolunteer(v, m, form)
	case "show":
		if err := c.s.Volunteers.Pages.Roll.Note(ctx, *volunteerAct(v, broadcast.ActVolunteerShown, m.Number)); err != nil {
			c.fail(v, err)
			return
		}
		c.log("contacts of a volunteer shown", v.member, zap.Uint32("person", m.Number))
		c.oneVolunteer(v, oneVolunteerPage{Shown: true}, 0, "", "")
	case "link":
		kind, err := c.s.Volunteers.Pages.Send(ctx, m.Number, v.now)
		switch {
		case errors.Is(err, broadcast.ErrNoWay):
			c.oneVolunteer(v, oneVolunteerPage{}, http.StatusUnprocessableEntity, "", v.l.must("volunteers_no_way"))
		case errors.Is(err, broadcast.ErrBusy):
			c.oneVolunteer(v, oneVolunteerPage{}, http.StatusTooManyRequests, "", v.l.must("volunteers_sent_enough"))
		case err != nil:
			c.s.Logger.Warn("the link of a volunteer was not sent", zap.Uint32("person", m.Number), zap.Error(err))
			c.oneVolunteer(v, oneVolunteerPage{}, http.StatusBadGateway, "", v.l.must("volunteers_not_sent"))
		default:
			c.log("link of a volunteer sent", v.member, zap.Uint32("person", m.Number), zap.String("contact", kind))
			c.to(v, at+"?said=sent")
		}
	case "erase":
		if form.Get("sure") == "" {
			c.oneVolunteer(v, oneVolunteerPage{}, http.StatusUnprocessableEntity, "", v.l.must("volunteers_wrong_sure"))
			return
		}
		if _, err := c.s.Volunteers.Pages.Erase(ctx, v.member.Person().By(), viaConsole, []uint32{m.Number}, v.now, nil); err != nil {
			c.fail(v, err)
			return
		}
		c.log("volunteer erased", v.member, zap.Uint32("person", m.Number))
		c.to(v, volunteersPath+"?said=erased")
	default:
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
	}
}

// saveVolunteer stores the form, whole.
func (c *console) saveVolunteer(v *visit, m *broadcast.Member, form url.Values) {
	s, wrongs := readVolunteer(form, c.s.Zone)
	if m.Number == 0 && len(s.Contacts) == 0 && len(wrongs) == 0 {
		wrongs = append(wrongs, volunteerMistake{"phone", alerts.Problem{Field: "phone", Problem: "there is no contact", Hint: "give a phone number, an e-mail address or a push endpoint"}})
	}
	again := func(code int) { c.oneVolunteer(v, oneVolunteerPage{Form: form, Wrongs: wrongs}, code, "", "") }
	if len(wrongs) > 0 {
		again(http.StatusUnprocessableEntity)
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	roll, number := c.s.Volunteers.Pages.Roll, m.Number
	var err error
	if number == 0 {
		number, err = newVolunteer(v, roll, s)
	} else {
		err = roll.Change(ctx, number, volunteerAct(v, broadcast.ActVolunteerChanged, number), func(m *broadcast.Member) (bool, error) {
			m.Language, m.Areas, m.Circle, m.Quiet, m.Channels, m.Until, m.Volunteer = s.Language, s.Areas, s.Circle, s.Quiet, s.Channels, s.Until, s.Volunteer
			for kind, address := range s.Contacts {
				if m.Contacts[kind] != address {
					delete(m.Stopped, kind) // it was said of the address before
				}
				m.Contacts[kind] = address
			}
			for _, kind := range form["drop"] {
				if _, typed := s.Contacts[kind]; !typed && len(m.Contacts) > 1 {
					delete(m.Contacts, kind)
				}
			}
			return true, nil
		})
	}
	switch {
	case errors.Is(err, alerts.ErrConflict):
		wrongs = append(wrongs, volunteerMistake{"phone", alerts.Problem{Field: "phone", Problem: "somebody else of the store has this contact", Hint: "look for them, or erase one of the two"}})
		again(http.StatusConflict)
	case err != nil:
		c.fail(v, err)
	default:
		c.log("volunteer changed", v.member, zap.Uint32("person", number))
		c.to(v, fmt.Sprintf("%s/%d?said=saved", volunteersPath, number))
	}
}

// newVolunteer adds somebody whose contacts nobody has.
func newVolunteer(v *visit, roll broadcast.Roll, s broadcast.Subscriber) (uint32, error) {
	for kind, address := range s.Contacts {
		if _, err := roll.Lookup(v.r.Context(), kind, address); err == nil {
			return 0, alerts.ErrConflict
		} else if !errors.Is(err, alerts.ErrNotFound) {
			return 0, err
		}
	}
	entered, err := roll.Enter(v.r.Context(), []broadcast.Listing{{Subscriber: s}}, false)
	if err != nil {
		return 0, err
	}
	if entered[0].Outcome == broadcast.EntryConflict {
		return 0, alerts.ErrConflict
	}
	number := entered[0].Number
	if err := roll.Note(v.r.Context(), *volunteerAct(v, broadcast.ActVolunteerAdded, number)); err != nil {
		return 0, err
	}
	return number, nil
}

// viaConsole is the way of acts that somebody did here.
const viaConsole = "console"

// volunteerAct is what the office does now about a volunteer, by number alone.
func volunteerAct(v *visit, verb string, number uint32) *alerts.Act {
	return &alerts.Act{V: 1, At: v.now.UTC(), By: v.member.Person().By(), Verb: verb, Of: broadcast.PersonID(number), Via: viaConsole}
}

// noteList writes down who took a list that names people, before it leaves;
// false where that was answered: what cannot be written down does not leave.
func (c *console) noteList(v *visit, verb string, call alerts.ID, list string, rows int) bool {
	ctx, cancel := actContext(v.r)
	defer cancel()
	err := errNoRoster
	if c.s.Volunteers != nil {
		err = broadcast.NoteList(ctx, c.s.Volunteers.Pages.Roll, v.member.Person().By(), verb, viaConsole, call, broadcast.TakenList{List: list, Rows: rows}, v.now)
	}
	if err != nil {
		c.fail(v, err)
		return false
	}
	return true
}

// errNoRoster is the error of a gateway that calls people without a list of them.
var errNoRoster = errors.New("there is no roster of volunteers to write acts with")
