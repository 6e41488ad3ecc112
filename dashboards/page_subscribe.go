package dashboards

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
)

// choiceFields are the fields that the page of a sign-up and a subscriber's own
// page share.
type choiceFields struct {
	All        bool
	Groups     []areaTicks
	Severities []choiceOption
	Languages  []choiceOption
	wrong      []wrongField
	l          *locale
}

// areaTicks are areas of one kind.
type areaTicks struct {
	Areas []areaTick
}

type areaTick struct {
	Code, Name string
	Has        bool
}

// choiceOption is one of a list, of which one is chosen.
type choiceOption struct {
	Value, Text, Lang string
	Has               bool
}

// Wrong says what is wrong with a field, "" for nothing.
func (f choiceFields) Wrong(field string) string {
	for _, w := range f.wrong {
		if w.Field == field {
			return f.l.must(w.Key)
		}
	}
	return ""
}

// Mistakes are all that are wrong, for the summary.
func (f choiceFields) Mistakes() []mistake {
	var all []mistake
	for _, w := range f.wrong {
		all = append(all, mistake{w.Field, f.l.must(w.Key)})
	}
	return all
}

type mistake struct{ Field, Text string }

// fieldsOf offers what there is to choose, with what is chosen.
func (p *pages) fieldsOf(l *locale, c signUpChoices, wrong []wrongField) choiceFields {
	f := choiceFields{All: c.All, wrong: wrong, l: l}
	all := p.s.Areas.All()
	kinds := map[string]int{}
	for _, a := range all {
		has := slices.Contains(c.Areas, a.Code.Value)
		if _, within := p.s.Areas.Area(a.Parent); len(all) > mostSignUpAreas && within && !has {
			continue
		}
		i, known := kinds[a.Code.Name]
		if !known {
			i = len(f.Groups)
			kinds[a.Code.Name], f.Groups = i, append(f.Groups, areaTicks{})
		}
		f.Groups[i].Areas = append(f.Groups[i].Areas, areaTick{a.Code.Value, a.Name, has})
	}
	for _, g := range f.Groups {
		slices.SortStableFunc(g.Areas, func(a, b areaTick) int { return strings.Compare(a.Name, b.Name) })
	}
	f.Severities = []choiceOption{{Value: "", Text: l.must("subscribe_severity_all"), Has: c.Severity == ""}}
	for _, s := range signUpSeverities {
		f.Severities = append(f.Severities, choiceOption{Value: string(s), Text: l.must("subscribe_severity_" + strings.ToLower(string(s))), Has: c.Severity == s})
	}
	for _, tag := range pageLanguages {
		f.Languages = append(f.Languages, choiceOption{Value: tag, Text: p.locales.all[tag].language(tag), Lang: tag, Has: c.Language == tag})
	}
	return f
}

// subscribePage offers every way to get the warnings.
type subscribePage struct {
	choiceFields
	Contact   string // as it was typed
	Phone     bool   // text messages can be had
	Mail      bool
	Ways      string // what the field of the contact takes, in words
	Push      string // the key that browsers subscribe with; "": they cannot
	Telegram  []accountLine
	Others    []accountLine // further accounts that can be followed
	Area      string        // that the address of the page asks for
	Feeds     string        // the query of its feeds; "": everything
	Disturbed []disturbance // ways that do not work as they should
}

// Form reports whether somebody can be written to here.
func (s subscribePage) Form() bool { return s.Phone || s.Mail }

func (p *pages) subscribePage(l *locale, c signUpChoices, contact string, wrong []wrongField) subscribePage {
	page := subscribePage{choiceFields: p.fieldsOf(l, c, wrong), Contact: contact}
	if door := p.s.SignUps; door != nil {
		kinds := door.Questions.Kinds()
		page.Phone, page.Mail = slices.Contains(kinds, "phone"), slices.Contains(kinds, "email")
		if door.Push != nil {
			page.Push = door.Push.PublicKey()
		}
	}
	switch {
	case page.Phone && page.Mail:
		page.Ways = l.must("subscribe_contact_both")
	case page.Phone:
		page.Ways = l.must("subscribe_contact_phone")
	default:
		page.Ways = l.must("subscribe_contact_mail")
	}
	for _, a := range p.s.accountLines() {
		switch {
		case a.Stopped:
		case a.Platform == "telegram":
			page.Telegram = append(page.Telegram, a)
		case a.AtOnce:
			page.Others = append(page.Others, a)
		}
	}
	return page
}

// subscribe shows the form. ?area=CODE ticks an area.
func (p *pages) subscribe(w http.ResponseWriter, r *http.Request) {
	if p.s.SignUps != nil {
		namesItself(w)
	}
	area := plainValue(r.URL.RawQuery, "area")
	one, known := p.s.Areas.Area(area)
	if !known {
		area = ""
	}
	p.serve(w, r, leaf{name: "subscribe", id: area, make: func(l *locale, _ *broadcast.View, now time.Time) (view, error) {
		c := signUpChoices{All: area == "", Language: l.Tag}
		if area != "" {
			c.Areas = []string{area}
		}
		page := p.subscribePage(l, c, "", nil)
		page.Area, page.Feeds = area, feedAsked{area: area}.query("")
		if !isCopy(r.Context()) {
			page.Disturbed = p.s.disturbances(l, now)
		}
		v := view{name: "subscribe", title: l.must("subscribe_title"), area: area, content: page}
		if known {
			v.place = one.Name
		}
		return v, nil
	}})
}

// signUp takes the form. Its answer is made before anybody looks at who
// subscribes, so it is the same for everybody.
func (p *pages) signUp(w http.ResponseWriter, r *http.Request) {
	l := p.locales.of(r, askedOf(r).lang)
	if !p.ownForm(w, r, l) {
		return
	}
	form, ok := p.formOf(w, r, l)
	if !ok {
		return
	}
	door := p.s.SignUps
	c, wrong := chosenOf(form, p.s.Areas)
	kind, address, why := contactOf(form.Get("contact"), door.Questions.Kinds(), door.Countries)
	if why != "" {
		wrong = append([]wrongField{{"contact", why}}, wrong...)
	}
	if len(wrong) > 0 {
		typed := tidy(form.Get("contact"))
		typed = string([]rune(typed)[:min(maxContact, len([]rune(typed)))])
		p.private(w, r, http.StatusUnprocessableEntity, l, view{name: "subscribe", title: l.must("subscribe_title_wrong"), content: p.subscribePage(l, c, typed, wrong)})
		return
	}
	if err := door.Questions.Take(c.subscriber(kind, address), p.s.from(r)); err != nil {
		p.busy(w, r, l)
		return
	}
	p.sent(w, r, http.StatusOK, l, kind, address, "")
}

// from is the client's address where it is known, for limits alone.
func (s *Server) from(r *http.Request) string {
	if at, known := s.address(r); known {
		return at.String()
	}
	return ""
}

// sent says that the contact was asked, and takes the digits of a text message.
func (p *pages) sent(w http.ResponseWriter, r *http.Request, code int, l *locale, kind, address, wrong string) {
	page := signUpPage{Title: l.must("subscribe_sent_title"), Paragraphs: []string{l.must("subscribe_sent_" + kind), l.must("subscribe_sent_nothing")}, Wrong: wrong}
	if kind == "phone" {
		page.Contact = address
	}
	p.private(w, r, code, l, view{name: "signup", title: page.Title, content: page})
}

func (p *pages) busy(w http.ResponseWriter, r *http.Request, l *locale) {
	w.Header().Set("Retry-After", seconds(busyFor))
	page := signUpPage{Title: l.must("subscribe_busy_title"), Paragraphs: []string{l.must("subscribe_busy_text")}, Back: true}
	p.private(w, r, http.StatusTooManyRequests, l, view{name: "signup", title: page.Title, content: page})
}

// busyFor is when it is worth trying again.
const busyFor = 10 * time.Minute

// formOf reads the form of a stranger; false where it was answered.
func (p *pages) formOf(w http.ResponseWriter, r *http.Request, l *locale) (url.Values, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, maxSignUpForm)
	if err := r.ParseForm(); err != nil {
		p.say(w, r, http.StatusBadRequest, l, l.must("subscribe_unread_title"), l.must("subscribe_unread_text"))
		return nil, false
	}
	return r.PostForm, true
}

// private answers with a page that is for one person: it is never kept, no
// machine lists it, and its own address stands in no link of it.
func (p *pages) private(w http.ResponseWriter, r *http.Request, code int, l *locale, v view) {
	made, err := p.render(l, v, p.frame(r, l, "", v, "", time.Now()), false)
	if err != nil {
		p.s.internal(w, r, err, nil)
		return
	}
	w.Header()["Cache-Control"] = never
	w.Header().Set("X-Robots-Tag", "noindex")
	made.write(w, r, code, l)
}

// manifest lets phones put the pages on the home screen, which iOS asks for
// before a page may notify.
func (p *pages) manifest(w http.ResponseWriter, r *http.Request) {
	icon, err := p.assets.url("icon.svg")
	if err != nil {
		p.s.internal(w, r, err, nil)
		return
	}
	png, err := p.assets.url("icon.png")
	if err != nil {
		p.s.internal(w, r, err, nil)
		return
	}
	type image struct {
		Src   string `json:"src"`
		Sizes string `json:"sizes"`
		Type  string `json:"type"`
	}
	b, err := json.Marshal(struct {
		Name      string  `json:"name"`
		ShortName string  `json:"short_name"`
		Lang      string  `json:"lang"`
		ID        string  `json:"id"`
		Start     string  `json:"start_url"`
		Scope     string  `json:"scope"`
		Display   string  `json:"display"`
		Icons     []image `json:"icons"`
	}{p.s.Authority.Name, p.s.Authority.Name, alerts.PrimaryLanguage(p.s.Authority.Language), "/", "/", "/", "standalone", []image{{png, "192x192", "image/png"}, {icon, "any", "image/svg+xml"}}})
	if err != nil {
		p.s.internal(w, r, err, nil)
		return
	}
	w.Header().Set("Content-Type", "application/manifest+json")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(b)
}

// cannot answers where the store did not take what a person asked for.
func (p *pages) cannot(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, alerts.ErrUnavailable) {
		p.s.Logger.Warn("a subscriber's wish was not carried out", zap.String("route", r.Pattern), zap.Error(err))
	}
	p.unable(w, r, err)
}
