package dashboards

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"martinella/broadcast"
)

// signUpPage says how far a sign-up is.
type signUpPage struct {
	Title      string
	Paragraphs []string
	Contact    string // whose digits are asked for; "": none are
	Wrong      string // with the digits
	Own        string // address of the person's own page; "": none
	Back       bool   // to the form
}

// askConfirm asks whoever opened the link of a message. Opening it changes
// nothing: programs that look for harm open every link of a mail.
func (p *pages) askConfirm(w http.ResponseWriter, r *http.Request) {
	l := p.locales.of(r, askedOf(r).lang)
	page := confirmPage{Title: l.must("subscribe_confirm_title"), Text: l.must("subscribe_confirm_text"), Button: l.must("subscribe_confirm_button"), Mark: byBrowser}
	p.private(w, r, http.StatusOK, l, view{name: "confirm", title: page.Title, content: page})
}

// confirmSignUp confirms by the link.
func (p *pages) confirmSignUp(w http.ResponseWriter, r *http.Request) {
	l, now := p.locales.of(r, askedOf(r).lang), time.Now()
	ctx, cancel := actContext(r)
	defer cancel()
	number, err := p.s.OwnPages.Confirm(ctx, r.PathValue("token"), now)
	switch {
	case errors.Is(err, broadcast.ErrToken):
		p.ended(w, r, l)
	case err != nil:
		p.cannot(w, r, err)
	default:
		p.confirmed(w, r, l, number)
	}
}

// confirmDigits confirms by the digits of a text message.
func (p *pages) confirmDigits(w http.ResponseWriter, r *http.Request) {
	l, now := p.locales.of(r, askedOf(r).lang), time.Now()
	if !p.ownForm(w, r, l) {
		return
	}
	form, ok := p.formOf(w, r, l)
	if !ok {
		return
	}
	door := p.s.SignUps
	kind, address, wrong := contactOf(form.Get("contact"), door.Questions.Kinds(), door.Countries)
	if wrong != "" || kind != "phone" {
		p.ended(w, r, l)
		return
	}
	if !door.Questions.Admit(p.s.from(r)) || !door.Questions.Try(kind, address) {
		p.busy(w, r, l)
		return
	}
	ctx, cancel := actContext(r)
	defer cancel()
	digits := strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, form.Get("code"))
	number, err := p.s.OwnPages.ConfirmDigits(ctx, kind, address, digits, now)
	switch {
	case errors.Is(err, broadcast.ErrToken):
		p.sent(w, r, http.StatusUnprocessableEntity, l, kind, address, l.must("subscribe_wrong_code"))
	case err != nil:
		p.cannot(w, r, err)
	default:
		p.confirmed(w, r, l, number)
	}
}

// confirmed says that the person subscribes from now on, with the way to the
// own page.
func (p *pages) confirmed(w http.ResponseWriter, r *http.Request, l *locale, number uint32) {
	page := signUpPage{Title: l.must("subscribe_done_title"), Paragraphs: []string{l.must("subscribe_done_text")}}
	if m, err := p.s.OwnPages.Roll.Member(r.Context(), number); err == nil {
		for _, kind := range m.Kinds() {
			page.Own = "/p/" + p.s.OwnPages.OwnToken(number, kind, m.Contacts[kind], time.Now())
		}
	}
	p.private(w, r, http.StatusOK, l, view{name: "signup", title: page.Title, content: page})
}

// ended says that a link opens nothing, never why.
func (p *pages) ended(w http.ResponseWriter, r *http.Request, l *locale) {
	page := signUpPage{Title: l.must("subscribe_ended_title"), Paragraphs: []string{l.must("subscribe_ended_text")}, Back: true}
	p.private(w, r, http.StatusNotFound, l, view{name: "signup", title: page.Title, content: page})
}
