package dashboards

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
	"martinella/broadcast/roster"
)

// Volunteers is what the roster of volunteers needs here.
type Volunteers struct {
	Pages *broadcast.VolunteerPages
}

// volunteerPage is what volunteers see and decide of how they are called.
type volunteerPage struct {
	Name, Organisation string
	Groups             []string
	Skills             []skillLine
	Contacts           []contactLine
	Connections        []broadcast.Connection
	volunteerFields
	Stopped bool // at every contact
	Said    string
	Data    string // address of the copy
	Years   []ownYear
	CSV     string // address of the hours as a file
	Wrongs  []mistakeLine
}

// mistakeLine is what is wrong with a field, in words.
type mistakeLine struct{ Field, Text string }

// Mistakes are for the block of a form's mistakes.
func (p volunteerPage) Mistakes() []mistakeLine { return p.Wrongs }

// Wrong is what is wrong with a field; "" for nothing.
func (p volunteerPage) Wrong(field string) string {
	for _, w := range p.Wrongs {
		if w.Field == field {
			return w.Text
		}
	}
	return ""
}

// skillLine is a skill with its certificate. Until is a day, "" without end.
type skillLine struct {
	Name, Until, ISO string
	Ended, Soon      bool
}

// volunteerFields are the fields that volunteers decide, as a form shows them.
type volunteerFields struct {
	AnyTime    bool
	Days       []dayLine
	Exceptions []exceptionLine
	Order      []turnLine
	AwayFrom   string
	AwayTo     string
	QuietFrom  string
	QuietTo    string
	Languages  []choiceOption
}

type dayLine struct {
	Name  string
	Spans []spanLine
}

type spanLine struct{ ID, From, To string }

type exceptionLine struct {
	ID, From, To string
	There        bool
}

type turnLine struct {
	ID      string
	N       int
	Options []choiceOption
}

// expiresSoon is how long before its end a certificate is warned of.
const expiresSoon = 60 * 24 * time.Hour

func (s *Server) volunteerRoutes() []route {
	if s.Volunteers == nil {
		return nil
	}
	return []route{
		{"GET", "/v/{token}", anybody, s.pages.volunteer},
		{"POST", "/v/{token}", anybody, s.pages.changeVolunteer},
		{"GET", "/v/{token}/data.json", anybody, s.volunteerData},
		{"GET", "/v/{token}/hours.csv", anybody, s.volunteerHours},
	}
}

func (p *pages) volunteer(w http.ResponseWriter, r *http.Request) {
	p.showVolunteer(w, r, http.StatusOK, "", nil, nil)
}

func (p *pages) showVolunteer(w http.ResponseWriter, r *http.Request, code int, said string, typed url.Values, wrong []wrongField) {
	now := time.Now()
	m, _, err := p.s.Volunteers.Pages.Own(r.Context(), r.PathValue("token"), now)
	l := p.ownLocale(r, m)
	var parts []callout.Part
	if err == nil {
		parts, err = p.s.callsOf(r.Context(), m)
	}
	var connections []broadcast.Connection
	if err == nil {
		connections, err = p.s.Volunteers.Pages.Connections(r.Context(), r.PathValue("token"), now)
	}
	switch {
	case errors.Is(err, broadcast.ErrToken):
		p.noVolunteer(w, r, l)
		return
	case err != nil:
		p.cannot(w, r, err)
		return
	}
	page := volunteerPage{Connections: connections, volunteerFields: p.s.volunteerFields(l, m), Data: "/v/" + r.PathValue("token") + "/data.json", CSV: "/v/" + r.PathValue("token") + "/hours.csv", Years: ownYears(l, p.s.ownAttendance(m, parts, now), now)}
	if typed != nil {
		page.volunteerFields.typed(typed)
	}
	if v := m.Volunteer; v != nil {
		page.Name, page.Organisation, page.Groups, page.Skills = v.Name, v.Organisation, v.Groups, p.s.skillLines(l, *v, now)
	}
	page.Stopped = len(m.Stopped) > 0
	for _, k := range m.Kinds() {
		_, stopped := m.Stopped[k]
		page.Contacts = append(page.Contacts, contactLine{l.must("subscriber_" + kindWord(k)), maskedContact(l, k, m.Contacts[k]), stopped})
		page.Stopped = page.Stopped && stopped
	}
	if said != "" {
		page.Said = l.must(said)
	}
	for _, one := range wrong {
		page.Wrongs = append(page.Wrongs, mistakeLine{one.Field, l.must(one.Key)})
	}
	p.private(w, r, code, l, view{name: "volunteer", title: l.must("volunteer_title"), content: page})
}

// maskedContact is an address for who knows it already.
func maskedContact(l *locale, kind, address string) string {
	if kind == "push" {
		return l.must("subscriber_browser")
	}
	return roster.Mask(address)
}

// skillLines tells of each skill whether its certificate has ended, or ends soon.
func (s *Server) skillLines(l *locale, v volunteers.Profile, now time.Time) []skillLine {
	local := now.In(s.Zone)
	soon := volunteers.Expiring(v, local, expiresSoon)
	lines := make([]skillLine, len(v.Skills))
	for i, one := range v.Skills {
		lines[i] = skillLine{Name: one.Name, Ended: slices.Contains(volunteers.Expiring(volunteers.Profile{Skills: v.Skills[i : i+1]}, local, 0), one)}
		lines[i].Soon = !lines[i].Ended && slices.Contains(soon, one)
		if !one.Until.IsZero() {
			y, m, d := one.Until.Date()
			at := l.At(time.Date(y, m, d, 12, 0, 0, 0, s.Zone), now.AddDate(-10, 0, 0)) // with its year
			lines[i].Until, lines[i].ISO = fmt.Sprintf("%s %d", at.Date, y), one.Until.Format(time.DateOnly)
		}
	}
	return lines
}

// volunteerFields shows the choices of a volunteer as a form.
func (s *Server) volunteerFields(l *locale, m *broadcast.Member) volunteerFields {
	c := broadcast.ChoicesOf(&m.Subscriber)
	f := volunteerFields{AnyTime: len(c.Weekly) == 0}
	for i, day := range roster.Week {
		line := dayLine{Name: l.lex.Weekdays[day]}
		for _, shift := range c.Weekly {
			if shift.Day == day {
				line.Spans = append(line.Spans, spanLine{From: shift.From, To: strings.Replace(shift.To, "24:00", "00:00", 1)})
			}
		}
		for len(line.Spans) < 2 {
			line.Spans = append(line.Spans, spanLine{})
		}
		for n := range line.Spans {
			line.Spans[n].ID = fmt.Sprintf("d%d-%d", i, n)
		}
		f.Days = append(f.Days, line)
	}
	for _, e := range c.Exceptions {
		from, to := e.From.In(s.Zone), e.To.In(s.Zone)
		f.Exceptions = append(f.Exceptions, exceptionLine{exceptionID(e), l.At(from, time.Now()).Text, l.At(to, time.Now()).Text, e.There})
	}
	kinds := m.Kinds()
	chosen := slices.DeleteFunc(slices.Clone(c.Channels), func(k string) bool { return !slices.Contains(kinds, k) })
	for i := range kinds {
		line := turnLine{ID: fmt.Sprintf("order-%d", i), N: i + 1}
		for _, k := range kinds {
			line.Options = append(line.Options, choiceOption{Value: k, Text: l.must("subscriber_" + kindWord(k)), Has: i < len(chosen) && chosen[i] == k})
		}
		f.Order = append(f.Order, line)
	}
	if c.Quiet != nil {
		f.QuietFrom, f.QuietTo = c.Quiet.From, c.Quiet.To
	}
	for _, tag := range pageLanguages {
		f.Languages = append(f.Languages, choiceOption{Value: tag, Text: s.pages.locales.all[tag].language(tag), Lang: tag, Has: alerts.PrimaryLanguage(c.Language) == tag})
	}
	return f
}

// typed puts what was typed over what is kept, so that nothing is typed twice.
func (f *volunteerFields) typed(form url.Values) {
	f.AnyTime = form.Get("when") == "any"
	for _, d := range f.Days {
		for i := range d.Spans {
			s := &d.Spans[i]
			s.From, s.To = form.Get(s.ID+"-from"), form.Get(s.ID+"-to")
		}
	}
	for i := range f.Order {
		for j := range f.Order[i].Options {
			o := &f.Order[i].Options[j]
			o.Has = form.Get(f.Order[i].ID) == o.Value
		}
	}
	for i := range f.Languages {
		f.Languages[i].Has = form.Get("language") == f.Languages[i].Value
	}
	f.AwayFrom, f.AwayTo, f.QuietFrom, f.QuietTo = form.Get("away-from"), form.Get("away-to"), form.Get("quiet-from"), form.Get("quiet-to")
}

// exceptionID names an exception within its profile.
func exceptionID(e volunteers.Exception) string {
	return fmt.Sprintf("%d-%d-%t", e.From.Unix(), e.To.Unix(), e.There)
}

// volunteerForm reads what a form says of a volunteer's choices. What it does not
// offer stays: edit is given what is stored.
func volunteerForm(form url.Values, zone *time.Location) (edit func(*broadcast.VolunteerChoices), wrong []wrongField) {
	var week []volunteers.Shift
	if form.Get("when") != "any" {
		week, wrong = weekForm(form)
	}
	var away *volunteers.Exception
	if from, to := form.Get("away-from"), form.Get("away-to"); from != "" || to != "" {
		if to == "" {
			to = from
		}
		e, ok := roster.Away(from, to, form.Get("away-there") != "", zone)
		if !ok {
			wrong = append(wrong, wrongField{"away-from", "volunteer_wrong_away"})
		}
		away = &e
	}
	quiet := &broadcast.Hours{From: form.Get("quiet-from"), To: form.Get("quiet-to")}
	switch {
	case quiet.From == "" && quiet.To == "":
		quiet = nil
	case !aClock(quiet.From) || !aClock(quiet.To) || quiet.From == quiet.To:
		wrong = append(wrong, wrongField{"quiet-from", "volunteer_wrong_quiet"})
	}
	language := form.Get("language")
	if !slices.Contains(pageLanguages, language) {
		wrong = append(wrong, wrongField{"language", "subscribe_wrong_language"})
	}
	var order []string
	for i := range 10 {
		if k := form.Get(fmt.Sprintf("order-%d", i)); k != "" && len(k) < 33 && !slices.Contains(order, k) {
			order = append(order, k)
		}
	}
	gone := form["gone"]
	return func(c *broadcast.VolunteerChoices) {
		c.Weekly, c.Quiet, c.Channels = week, quiet, order
		if alerts.PrimaryLanguage(c.Language) != language {
			c.Language = language
		}
		c.Exceptions = slices.DeleteFunc(c.Exceptions, func(e volunteers.Exception) bool { return slices.Contains(gone, exceptionID(e)) })
		if away != nil && !slices.Contains(c.Exceptions, *away) && len(c.Exceptions) < mostExceptions {
			c.Exceptions = append(c.Exceptions, *away)
		}
		if len(c.Exceptions) == 0 {
			c.Exceptions = nil
		}
	}, wrong
}

// mostExceptions bounds what a volunteer can pile up.
const mostExceptions = 50

func weekForm(form url.Values) (week []volunteers.Shift, wrong []wrongField) {
	for i, day := range roster.Week {
		for n := range 10 {
			id := fmt.Sprintf("d%d-%d", i, n)
			s := volunteers.Shift{Day: day, From: form.Get(id + "-from"), To: form.Get(id + "-to")}
			if s.From == "" && s.To == "" {
				continue
			}
			if !aClock(s.From) || !aClock(s.To) {
				wrong = append(wrong, wrongField{id + "-from", "volunteer_wrong_span"})
				continue
			}
			if s.To == "00:00" {
				s.To = "24:00"
			}
			if !slices.Contains(week, s) {
				week = append(week, s)
			}
		}
	}
	if len(week) == 0 && len(wrong) == 0 {
		wrong = append(wrong, wrongField{"when-any", "volunteer_wrong_week"})
	}
	roster.SortWeek(week)
	return week, wrong
}

// aClock reports whether a field of a form is a time of day.
func aClock(text string) bool {
	_, err := time.Parse("15:04", text)
	return err == nil && len(text) == 5
}

// changeVolunteer does what a volunteer asks for on the own page.
func (p *pages) changeVolunteer(w http.ResponseWriter, r *http.Request) {
	token, now, l := r.PathValue("token"), time.Now(), p.locales.of(r, askedOf(r).lang)
	if err := p.s.sameSite.Check(r); err != nil {
		p.say(w, r, http.StatusForbidden, l, l.must("volunteer_cross_title"), l.must("volunteer_cross_text"))
		return
	}
	form, ok := p.formOf(w, r, l)
	if !ok {
		return
	}
	ctx, cancel := actContext(r)
	defer cancel()
	door := p.s.Volunteers.Pages
	var err error
	said := ""
	switch form.Get("do") {
	case "save":
		edit, wrong := volunteerForm(form, p.s.Zone)
		if len(wrong) > 0 {
			p.showVolunteer(w, r, http.StatusUnprocessableEntity, "", form, wrong)
			return
		}
		said, err = "subscriber_changed", door.Decide(ctx, token, now, edit)
	case "stop":
		said, err = "volunteer_said_stopped", door.Wish(ctx, token, broadcast.WishStop, now)
	case "start":
		said, err = "volunteer_said_started", door.Wish(ctx, token, broadcast.WishStart, now)
	case "disconnect":
		said, err = "subscriber_changed", door.Disconnect(ctx, token, "telegram", now)
		if errors.Is(err, broadcast.ErrLastContact) {
			p.showVolunteer(w, r, http.StatusConflict, "", nil, []wrongField{{"telegram", "volunteer_telegram_last"}})
			return
		}
	case "erase":
		if form.Get("sure") == "" {
			p.showVolunteer(w, r, http.StatusUnprocessableEntity, "", nil, []wrongField{{"sure", "subscriber_wrong_sure"}})
			return
		}
		if err = door.Leave(ctx, token, now); err == nil {
			page := signUpPage{Title: l.must("subscriber_erased_title"), Paragraphs: []string{l.must("volunteer_erased_text")}}
			p.private(w, r, http.StatusOK, l, view{name: "signup", title: page.Title, content: page})
			return
		}
	}
	switch {
	case errors.Is(err, broadcast.ErrToken):
		p.noVolunteer(w, r, l)
	case err != nil:
		p.cannot(w, r, err)
	default:
		p.showVolunteer(w, r, http.StatusOK, said, nil, nil)
	}
}

// noVolunteer says that a link opens nothing, never why, and how to get another.
func (p *pages) noVolunteer(w http.ResponseWriter, r *http.Request, l *locale) {
	page := signUpPage{Title: l.must("subscribe_ended_title"), Paragraphs: []string{l.must("volunteer_ended_text")}}
	p.private(w, r, http.StatusNotFound, l, view{name: "signup", title: page.Title, content: page})
}
