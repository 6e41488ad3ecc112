package dashboards

import (
	"context"
	"errors"
	"html/template"
	"net/http"

	"martinella/dashboards/signin"
)

// seedPage is a new code program that waits for its first code.
type seedPage struct {
	Text    string // in groups of four, to be typed
	Picture template.URL
}

// pendingSeed shows the seed that waits in this session; nil for none.
func (c *console) pendingSeed(v *visit) (*seedPage, error) {
	seed, err := c.office.PendingSeed(v.r.Context(), v.session)
	if err != nil || seed == "" {
		return nil, err
	}
	picture, err := picture64(c.office.CodeURL(v.member.Login, seed))
	return &seedPage{grouped(seed), picture}, err
}

// changeSecret changes the password or the code program of who is signed in;
// every other session ends with it.
func (c *console) changeSecret(ctx context.Context, v *visit, do string) {
	form := v.r.PostForm
	var err error
	field := "codes-proof"
	switch do {
	case "password":
		if field = "password"; form.Get("password") != form.Get("again") {
			c.accountForm(v, http.StatusUnprocessableEntity, nil, v.l.must("invite_again"), "again")
			return
		}
		if err = c.office.ProveAccount(ctx, v.member, v.session, form.Get("code"), v.now); err == nil {
			err = c.office.ChangePassword(ctx, v.member, v.session, form.Get("old"), form.Get("password"), v.now)
		}
	case "seed-new":
		if err = c.office.ProveAccount(ctx, v.member, v.session, form.Get("code"), v.now); err == nil {
			err = c.office.NewSeed(ctx, v.member, v.session)
		}
	case "seed":
		field = "first-code"
		if err = c.office.ChangeSeed(ctx, v.member, v.session, form.Get("first-code"), v.now); errors.Is(err, signin.ErrCode) {
			c.accountForm(v, http.StatusUnprocessableEntity, nil, v.l.must("invite_code"), field)
			return
		}
	}
	if wrong, code := c.unproved(v, err); wrong != "" {
		c.accountForm(v, code, nil, wrong, field)
		return
	}
	again := func(wrong, field string) { c.accountForm(v, http.StatusUnprocessableEntity, nil, wrong, field) }
	switch {
	case errors.Is(err, signin.ErrWeak):
		again(v.l.must("invite_weak"), "password")
	case errors.Is(err, signin.ErrPassword):
		c.s.metrics.refused("unauthorized")
		again(v.l.must("signin_old_wrong"), "old")
	case errors.Is(err, signin.ErrNoCodes):
		again(v.l.must("signin_codes_first"), "h-seed")
	case errors.Is(err, signin.ErrGone):
		again(v.l.must("signin_seed_gone"), "h-seed")
	case err != nil:
		c.fail(v, err)
	case do == "seed-new":
		c.to(v, "/console/account?said=seed-new")
	default:
		c.log("sign-in changed: "+do, v.member)
		c.to(v, "/console/account?said="+do)
	}
}
