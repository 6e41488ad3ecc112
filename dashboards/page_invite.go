package dashboards

import (
	"bytes"
	"encoding/base64"
	"errors"
	"html/template"
	"image/png"
	"net/http"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"martinella/dashboards/signin"
)

type invitePage struct {
	First       bool
	Login, Name string
	Roles       []string
	Ends        instant
	Seed        string // in groups of four, to be typed
	Picture     template.URL
}

func (c *console) inviteRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/invite/{token}", forAnybody, c.invitePage},
		{"POST", "/console/invite/{token}", forAnybody, c.accept},
		{"POST", "/console/invite/{token}/passkey", forAnybody, c.acceptByPasskey},
	}
}

func (c *console) invitePage(v *visit) { c.inviteForm(v, "", "", 0, "", "") }

func (c *console) inviteForm(v *visit, login, name string, code int, wrong, field string) {
	token := v.r.PathValue("token")
	i, err := c.office.Invited(v.r.Context(), token)
	if err != nil {
		c.fail(v, err)
		return
	}
	seed := i.Seed(token)
	page := invitePage{First: i.First, Login: i.Login, Name: i.Name, Ends: v.l.At(i.Ends, v.now), Seed: grouped(seed)}
	if i.First {
		page.Login, page.Name = login, name
	}
	for _, r := range i.Grant.Roles {
		page.Roles = append(page.Roles, roleName(v.l, r))
	}
	account := i.Login
	if i.First {
		account = c.s.Authority.Slug
	}
	if page.Picture, err = picture64(c.office.CodeURL(account, seed)); err != nil {
		c.s.internal(v.w, v.r, err, nil)
		return
	}
	c.show(v, sheet{name: "invite", title: v.l.must("invite_title"), passkeys: true, code: code, wrong: wrong, field: field, content: page})
}

// grouped writes a text in groups of four.
func grouped(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// picture64 draws a code for a phone's camera, as an address of its own data.
func picture64(text string) (template.URL, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", err
	}
	const quiet = 4 // modules of white around (ISO/IEC 18004 section 6.3.8)
	side := code.Bounds().Dx()
	scaled, err := barcode.Scale(code, side*4, side*4)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, framed(scaled, quiet*4)); err != nil {
		return "", err
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), nil //nolint:gosec // G203: our own picture
}

// accept takes password and code of an invited person.
func (c *console) accept(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	form := v.r.PostForm
	a := signin.Acceptance{Login: form.Get("login"), Name: form.Get("name"), Password: form.Get("password"), Code: form.Get("code"), Agent: v.r.UserAgent()}
	again := func(wrong, field string) {
		c.inviteForm(v, a.Login, a.Name, http.StatusUnprocessableEntity, wrong, field)
	}
	if form.Get("again") != a.Password {
		again(v.l.must("invite_again"), "again")
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	e, err := c.office.Accept(ctx, v.r.PathValue("token"), a, v.now)
	switch {
	case errors.Is(err, signin.ErrInvalid):
		again(v.l.must("invite_names"), "login")
	case errors.Is(err, signin.ErrWeak):
		again(v.l.must("invite_weak"), "password")
	case errors.Is(err, signin.ErrCode):
		again(v.l.must("invite_code"), "code")
	case errors.Is(err, signin.ErrTaken):
		again(v.l.must("console_taken"), "login")
	case err != nil:
		c.fail(v, err)
	default:
		c.enter(v, e)
		c.to(v, "/console")
	}
}

// acceptByPasskey begins and ends accepting with a passkey.
func (c *console) acceptByPasskey(v *visit) {
	a, ok := c.passkey(v)
	if !ok {
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	token := v.r.PathValue("token")
	if a.ID == "" {
		ceremony, err := c.office.AskJoin(ctx, token, signin.Acceptance{Login: a.Login, Name: a.Name}, v.now)
		c.asked(v, ceremony, err)
		return
	}
	e, err := c.office.JoinByPasskey(ctx, token, a.ID, a.Answer, v.r.UserAgent(), v.now)
	if err == nil {
		c.enter(v, e)
	}
	c.answered(v, "/console", err)
}

// roleName is a role in words.
func roleName(l *locale, role string) string {
	switch role {
	case "viewer":
		return l.must("role_viewer")
	case "author":
		return l.must("role_author")
	case "volunteers":
		return l.must("role_volunteers")
	case "issuer":
		return l.must("role_issuer")
	case "approver":
		return l.must("role_approver")
	case "administrator":
		return l.must("role_administrator")
	}
	return role
}
