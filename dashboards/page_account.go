package dashboards

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"net/http"

	"martinella/dashboards/signin"
)

type accountPage struct {
	Member   *signin.Member
	Roles    []string
	Passkeys []passkeyLine
	Sessions []sessionLine
	Left     int      // recovery codes
	Codes    []string // new ones, shown once
	Seed     *seedPage
	Bound    *boundLine // to the provider; nil: not bound
}

// boundLine is the account at the provider by which the member signs in.
type boundLine struct {
	Added, Used instant
}

type passkeyLine struct {
	Name, Digest string
	Added, Used  instant
}

type sessionLine struct {
	Agent, Digest, By string
	Began, Seen       instant
	Here              bool
}

func (c *console) accountRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/account", forStaff, c.accountPage},
		{"POST", "/console/account", forStaff, c.account},
		{"POST", "/console/account/passkey", forStaff, c.addPasskey},
		{"POST", "/console/account/proof", forStaff, c.proveAccount},
	}
}

func (c *console) accountPage(v *visit) { c.accountForm(v, 0, nil, "", "") }

func (c *console) accountForm(v *visit, code int, codes []string, wrong, field string) {
	page := accountPage{Member: v.member, Left: len(v.member.Recovery), Codes: codes}
	if codes != nil {
		page.Left = len(codes)
	}
	for _, r := range v.member.Grant.Roles {
		page.Roles = append(page.Roles, roleName(v.l, r))
	}
	for _, k := range v.member.Passkeys {
		page.Passkeys = append(page.Passkeys, passkeyLine{k.Name, k.Digest(), v.l.At(k.Added, v.now), v.l.At(k.Used, v.now)})
	}
	if b := c.office.BoundBy(v.member); b != nil {
		page.Bound = &boundLine{v.l.At(b.Added, v.now), v.l.At(b.Used, v.now)}
	}
	var err error
	if page.Seed, err = c.pendingSeed(v); err != nil {
		c.fail(v, err)
		return
	}
	sessions, err := c.office.Sessions(v.r.Context(), v.member.ID)
	if err != nil {
		c.fail(v, err)
		return
	}
	for _, s := range sessions {
		page.Sessions = append(page.Sessions, sessionLine{s.Agent, s.Digest, c.howWords(v.l, s.By), v.l.At(s.Began, v.now), v.l.At(s.Seen, v.now), s.Digest == v.session.Digest})
	}
	said := ""
	switch v.r.URL.Query().Get("said") {
	case "ended":
		said = v.l.must("said_ended")
	case "passkey":
		said = v.l.must("said_passkey")
	case "removed":
		said = v.l.must("said_removed")
	case "password":
		said = v.l.must("signin_said_password")
	case "seed":
		said = v.l.must("signin_said_seed")
	case "seed-new":
		said = v.l.must("signin_said_seed_new")
	case "shortcuts":
		said = v.l.must("shortcuts_said")
	case "bound":
		said = v.l.must("oidc_said_bound", "Name", c.providerName())
	case "unbound":
		said = v.l.must("oidc_said_unbound", "Name", c.providerName())
	}
	c.show(v, sheet{name: "account", title: v.l.must("account_title"), passkeys: true, code: code, wrong: wrong, field: field, said: said, content: page})
}

func (c *console) howWords(l *locale, by string) string {
	switch by {
	case signin.ByPasskey:
		return l.must("by_passkey")
	case signin.ByRecovery:
		return l.must("by_recovery")
	case signin.ByProvider:
		if name := c.providerName(); name != "" {
			return l.must("oidc_by", "Name", name)
		}
		return l.must("oidc_by_past")
	}
	return l.must("by_password")
}

// account ends own sessions, removes a passkey, makes new recovery codes, or
// turns the shortcuts of the keyboard on or off.
func (c *console) account(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	form := v.r.PostForm
	switch form.Get("do") {
	case "end":
		if err := c.office.End(ctx, v.member.ID, form.Get("session")); err != nil {
			c.fail(v, err)
			return
		}
		c.log("session ended", v.member)
		c.to(v, "/console/account?said=ended")
	case "end-others":
		if err := c.office.EndOthers(ctx, v.member, v.session, v.now); err != nil {
			c.fail(v, err)
			return
		}
		c.log("other sessions ended", v.member)
		c.to(v, "/console/account?said=ended")
	case "remove":
		err := c.office.ProveAccount(ctx, v.member, v.session, form.Get("code"), v.now)
		if err == nil {
			err = c.office.RemovePasskey(ctx, v.member, v.session, form.Get("passkey"), v.now)
		}
		if wrong, code := c.unproved(v, err); wrong != "" {
			c.accountForm(v, code, nil, wrong, "")
			return
		}
		if errors.Is(err, signin.ErrLast) {
			c.accountForm(v, http.StatusUnprocessableEntity, nil, v.l.must("account_last"), "")
			return
		}
		if err != nil {
			c.fail(v, err)
			return
		}
		c.log("passkey removed", v.member)
		c.to(v, "/console/account?said=removed")
	case "shortcuts":
		if err := c.office.SetShortcuts(ctx, v.member.ID, form.Get("on") == "1"); err != nil {
			c.fail(v, err)
			return
		}
		c.to(v, "/console/account?said=shortcuts#h-shortcuts")
	case "password", "seed-new", "seed":
		c.changeSecret(ctx, v, form.Get("do"))
	case "codes":
		var codes []string
		err := c.office.ProveAccount(ctx, v.member, v.session, form.Get("code"), v.now)
		if err == nil {
			codes, err = c.office.NewRecovery(ctx, v.member, v.session, v.now)
		}
		if wrong, code := c.unproved(v, err); wrong != "" {
			c.accountForm(v, code, nil, wrong, "")
			return
		}
		if err != nil {
			c.fail(v, err)
			return
		}
		c.log("recovery codes made", v.member)
		c.accountForm(v, 0, codes, "", "")
	default:
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
	}
}

// addPasskey begins and ends adding a passkey to the own account.
func (c *console) addPasskey(v *visit) {
	a, ok := c.passkey(v)
	if !ok {
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	if a.ID == "" {
		var ceremony *signin.Ceremony
		err := c.office.ProveAccount(ctx, v.member, v.session, a.Code, v.now)
		if err == nil {
			ceremony, err = c.office.AskPasskey(ctx, v.member, v.session)
		}
		c.asked(v, ceremony, err)
		return
	}
	err := c.office.AddPasskey(ctx, v.member, v.session, a.ID, a.Answer, v.now)
	if err == nil {
		c.log("passkey added", v.member)
	}
	c.answered(v, "/console/account", err)
}

// proveAccount begins and ends proving with a passkey who is at the browser,
// before what outlasts the session: passkeys, recovery codes, people and rights.
func (c *console) proveAccount(v *visit) {
	a, ok := c.passkey(v)
	if !ok {
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	deed := signin.AccountDeed(v.member)
	if a.ID == "" {
		ceremony, err := c.office.AskProof(ctx, v.member, v.session, deed)
		c.asked(v, ceremony, err)
		return
	}
	c.answered(v, "", c.office.ProveByPasskey(ctx, v.member, v.session, deed, a.ID, a.Answer, v.now))
}

// unproved says what is wrong with a fresh proof; "" where that is not it.
func (c *console) unproved(v *visit, err error) (wrong string, code int) {
	var early *signin.WaitError
	switch {
	case errors.As(err, &early):
		c.s.metrics.refused("rate_limited")
		v.w.Header().Set("Retry-After", seconds(early.For))
		return v.l.must("proof_wait", "Seconds", seconds(early.For)), http.StatusTooManyRequests
	case errors.Is(err, signin.ErrUnproved):
		return v.l.must("proof_needed"), http.StatusForbidden
	case errors.Is(err, signin.ErrCode):
		c.s.metrics.refused("unauthorized")
		return v.l.must("proof_wrong"), http.StatusForbidden
	}
	return "", 0
}

// framed puts white around a picture.
func framed(img image.Image, margin int) image.Image {
	b := img.Bounds()
	out := image.NewGray(image.Rect(0, 0, b.Dx()+2*margin, b.Dy()+2*margin))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, b.Sub(b.Min).Add(image.Pt(margin, margin)), img, b.Min, draw.Src)
	return out
}
