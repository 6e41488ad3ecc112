package dashboards

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/roster"
)

// subscriberPage is what a person sees of what is kept of them.
type subscriberPage struct {
	choiceFields
	Contacts []contactLine
	Where    []string // the chosen areas in words
	Least    string   // the least severity in words
	Tongue   choiceOption
	Stopped  bool // the contact to which the link was sent
	Listed   bool // the authority's own list, not a sign-up
	Said     string
	Data     string // address of the copy
}

// contactLine is a contact, masked: links are passed on.
type contactLine struct {
	Kind, Text string
	Stopped    bool
}

// own shows a subscriber's own page to whoever has its link.
func (p *pages) own(w http.ResponseWriter, r *http.Request) {
	p.showOwn(w, r, http.StatusOK, "", nil, nil)
}

func (p *pages) showOwn(w http.ResponseWriter, r *http.Request, code int, said string, typed *signUpChoices, wrong []wrongField) {
	token := r.PathValue("token")
	m, kind, err := p.s.OwnPages.Own(r.Context(), token, time.Now())
	l := p.ownLocale(r, m)
	switch {
	case errors.Is(err, broadcast.ErrToken):
		p.ended(w, r, l)
		return
	case err != nil:
		p.cannot(w, r, err)
		return
	}
	c := signUpChoices{All: slices.Contains(m.Areas, "*"), Areas: m.Areas, Severity: m.MinSeverity, Language: alerts.PrimaryLanguage(m.Language)}
	kept := p.fieldsOf(l, c, nil) // in words; the form has what was typed
	if typed != nil {
		c = *typed
	}
	page := subscriberPage{choiceFields: p.fieldsOf(l, c, wrong), Listed: m.Consent == broadcast.ConsentTask, Data: "/p/" + token + "/data.json"}
	if said != "" {
		page.Said = l.must(said)
	}
	for _, k := range m.Kinds() {
		_, stopped := m.Stopped[k]
		text := roster.Mask(m.Contacts[k])
		if k == "push" {
			text = l.must("subscriber_browser")
		}
		page.Contacts = append(page.Contacts, contactLine{l.must("subscriber_" + kindWord(k)), text, stopped})
		page.Stopped = page.Stopped || stopped && k == kind
	}
	for _, code := range m.Areas {
		switch a, known := p.s.Areas.Area(code); {
		case code == "*":
			page.Where = append(page.Where, l.must("subscribe_all"))
		case known:
			page.Where = append(page.Where, a.Name)
		default:
			page.Where = append(page.Where, code)
		}
	}
	for _, s := range kept.Severities {
		if s.Has {
			page.Least = s.Text
		}
	}
	if page.Least == "" { // Minor, which lists know
		page.Least = kept.Severities[0].Text
	}
	for _, o := range kept.Languages {
		if o.Has {
			page.Tongue = o
		}
	}
	p.private(w, r, code, l, view{name: "subscriber", title: l.must("subscriber_title"), content: page})
}

// kindWord is a kind of contact that has words; others are called other.
func kindWord(kind string) string {
	if slices.Contains([]string{"phone", "email", "push", "telegram"}, kind) {
		return kind
	}
	return "other"
}

// ownLocale is the person's own language where none is asked for.
func (p *pages) ownLocale(r *http.Request, m *broadcast.Member) *locale {
	asked := askedOf(r).lang
	if asked == "" && m != nil {
		asked = m.Language
	}
	return p.locales.of(r, asked)
}

// changeOwn does what the person asks for on the own page.
func (p *pages) changeOwn(w http.ResponseWriter, r *http.Request) {
	token, now := r.PathValue("token"), time.Now()
	form, ok := p.formOf(w, r, p.locales.of(r, askedOf(r).lang))
	if !ok {
		return
	}
	ctx, cancel := actContext(r)
	defer cancel()
	var err error
	said := ""
	switch form.Get("do") {
	case "choose":
		c, wrong := chosenOf(form, p.s.Areas)
		if len(wrong) > 0 {
			p.showOwn(w, r, http.StatusUnprocessableEntity, "", &c, wrong)
			return
		}
		said, err = "subscriber_changed", p.s.OwnPages.Choose(ctx, token, c.choices(), now)
	case "stop":
		said, err = "subscriber_said_stopped", p.s.OwnPages.Wish(ctx, token, broadcast.WishStop, now)
	case "start":
		said, err = "subscriber_said_started", p.s.OwnPages.Wish(ctx, token, broadcast.WishStart, now)
	case "erase":
		if form.Get("sure") == "" {
			p.showOwn(w, r, http.StatusUnprocessableEntity, "", nil, []wrongField{{"sure", "subscriber_wrong_sure"}})
			return
		}
		if err = p.s.OwnPages.Leave(ctx, token, now); err == nil {
			l := p.locales.of(r, askedOf(r).lang)
			page := signUpPage{Title: l.must("subscriber_erased_title"), Paragraphs: []string{l.must("subscriber_erased_text")}, Back: true}
			p.private(w, r, http.StatusOK, l, view{name: "signup", title: page.Title, content: page})
			return
		}
	}
	switch {
	case errors.Is(err, broadcast.ErrToken):
		p.ended(w, r, p.locales.of(r, askedOf(r).lang))
	case err != nil:
		p.cannot(w, r, err)
	default:
		p.showOwn(w, r, http.StatusOK, said, nil, nil)
	}
}

// ownData is a copy of what is kept of a person, for them. Contacts other than
// the one to which the link was sent are masked: the link may have been passed
// on with the message.
func (s *Server) ownData(w http.ResponseWriter, r *http.Request) {
	m, kind, err := s.OwnPages.Own(r.Context(), r.PathValue("token"), time.Now())
	switch {
	case errors.Is(err, broadcast.ErrToken):
		s.pages.ended(w, r, s.pages.locales.of(r, askedOf(r).lang))
		return
	case err != nil:
		s.pages.cannot(w, r, err)
		return
	}
	copyOf(w, m, kind, m)
}

// copyOf answers with all that is kept of a person, m among it.
func copyOf(w http.ResponseWriter, m *broadcast.Member, kind string, all any) {
	for k, address := range m.Contacts {
		if k != kind {
			m.Contacts[k] = roster.Mask(address)
		}
	}
	h := w.Header()
	h["Cache-Control"] = never
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Content-Disposition", `attachment; filename="data.json"`)
	writeJSON(w, http.StatusOK, all)
}
