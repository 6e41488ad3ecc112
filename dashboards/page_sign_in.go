package dashboards

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"martinella/dashboards/signin"
)

type signInPage struct {
	Login string
	Next  string // the alert that the person came for; "" the overview
}

// signInFor is the page of signing in. Who came by a link to an alert is led
// there afterwards.
func signInFor(r *http.Request) string {
	const door = "/console/sign-in"
	if r.Method == http.MethodGet && alertPath.MatchString(r.URL.Path) {
		return door + "?next=" + url.QueryEscape(r.URL.Path)
	}
	return door
}

// alertPath is the only kind of page to which signing in leads on.
var alertPath = regexp.MustCompile(`^/console/a/[0-9A-Z]{26}(/[a-z-]{1,20})?$`)

// next is where signing in leads: never to what is no page of an alert.
func (v *visit) next() string {
	for _, wish := range []string{v.r.PostForm.Get("next"), v.r.URL.Query().Get("next")} {
		if alertPath.MatchString(wish) {
			return wish
		}
	}
	return "/console"
}

func (c *console) signInRoutes() []consoleRoute {
	return []consoleRoute{
		{"GET", "/console/sign-in", forAnybody, c.signInPage},
		{"POST", "/console/sign-in", forAnybody, c.signIn},
		{"POST", "/console/sign-in/passkey", forAnybody, c.signInByPasskey},
		{"POST", "/console/sign-out", forStaff, c.signOut},
	}
}

func (c *console) signInPage(v *visit) {
	if v.member != nil {
		c.to(v, v.next())
		return
	}
	c.signInForm(v, signInPage{}, 0, "")
}

func (c *console) signInForm(v *visit, page signInPage, code int, wrong string) {
	said := ""
	if next := v.next(); next != "/console" {
		page.Next = next
	}
	if v.r.URL.Query().Get("said") == "out" {
		said = v.l.must("said_out")
	}
	c.show(v, sheet{name: "sign_in", title: v.l.must("sign_in_title"), passkeys: true, code: code, wrong: wrong, said: said, field: "login", content: page})
}

// signIn takes login, password and code.
func (c *console) signIn(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	form := v.r.PostForm
	page := signInPage{Login: form.Get("login")}
	if wait := c.s.auth.failed(v.r, (*buckets).ask); wait > 0 {
		c.wait(v, page, wait)
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	e, err := c.office.Enter(ctx, signin.Entry{
		Login: form.Get("login"), Password: form.Get("password"), Code: form.Get("code"), Device: c.read(v.r, deviceCookie), Agent: v.r.UserAgent(),
	}, v.now)
	var early *signin.WaitError
	switch {
	case errors.As(err, &early):
		c.wait(v, page, early.For)
	case errors.Is(err, signin.ErrRefused):
		c.s.auth.failed(v.r, (*buckets).take)
		c.s.metrics.refused("unauthorized")
		c.signInForm(v, page, http.StatusUnauthorized, v.l.must("sign_in_wrong"))
	case err != nil:
		c.fail(v, err)
	default:
		c.enter(v, e)
		c.to(v, v.next())
	}
}

func (c *console) wait(v *visit, page signInPage, wait time.Duration) {
	c.s.metrics.refused("rate_limited")
	v.w.Header().Set("Retry-After", seconds(wait))
	c.signInForm(v, page, http.StatusTooManyRequests, v.l.must("sign_in_wait", "Seconds", seconds(wait)))
}

// passkeyAnswer is what passkey.js sends: nothing to begin, then the
// ceremony's name and what the browser's authenticator answered.
type passkeyAnswer struct {
	ID     string          `json:"id"`
	Answer json.RawMessage `json:"answer"`
	Login  string          `json:"login"`
	Name   string          `json:"name"`
	Code   string          `json:"code"` // the fresh proof before a passkey is added
}

// passkey reads it; the flood of one address waits.
func (c *console) passkey(v *visit) (a passkeyAnswer, ok bool) {
	if address, known := c.s.address(v.r); known && c.keys != nil {
		if wait := c.keys.take(address.String()); wait > 0 {
			c.s.tooMany(v.w, wait, "too many attempts from this address")
			return a, false
		}
	}
	media, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil || media != mediaJSON {
		c.answer(v, http.StatusUnsupportedMediaType, map[string]string{"wrong": v.l.must("console_unread")})
		return a, false
	}
	if err := json.NewDecoder(v.r.Body).Decode(&a); err != nil {
		c.answer(v, http.StatusBadRequest, map[string]string{"wrong": v.l.must("console_unread")})
		return a, false
	}
	return a, true
}

func (c *console) answer(v *visit, code int, content any) {
	b, err := json.Marshal(content)
	if err != nil {
		c.s.internal(v.w, v.r, err, nil)
		return
	}
	v.w.Header().Set("Content-Type", mediaJSON)
	v.w.WriteHeader(code)
	_, _ = v.w.Write(b)
}

// asked answers with a ceremony, answered with where to go, or what is wrong.
func (c *console) asked(v *visit, ceremony *signin.Ceremony, err error) {
	if err != nil {
		c.passkeyWrong(v, err)
		return
	}
	c.answer(v, http.StatusOK, ceremony)
}

func (c *console) answered(v *visit, path string, err error) {
	if err != nil {
		c.passkeyWrong(v, err)
		return
	}
	if v.r.URL.RawQuery != "" {
		if lang := askedOf(v.r).lang; lang != "" {
			path += "?lang=" + v.l.Tag
		}
	}
	c.answer(v, http.StatusOK, map[string]string{"to": path})
}

func (c *console) passkeyWrong(v *visit, err error) {
	if wrong, code := c.unproved(v, err); wrong != "" {
		c.answer(v, code, map[string]string{"wrong": wrong})
		return
	}
	switch {
	case errors.Is(err, signin.ErrRefused):
		c.s.metrics.refused("unauthorized")
		c.answer(v, http.StatusUnauthorized, map[string]string{"wrong": v.l.must("passkey_wrong")})
	case errors.Is(err, signin.ErrGone):
		c.answer(v, http.StatusGone, map[string]string{"wrong": v.l.must("console_gone")})
	case errors.Is(err, signin.ErrInvalid):
		c.answer(v, http.StatusUnprocessableEntity, map[string]string{"wrong": v.l.must("invite_names")})
	case errors.Is(err, signin.ErrTaken):
		c.answer(v, http.StatusConflict, map[string]string{"wrong": v.l.must("console_taken")})
	default:
		c.s.fail(v.w, v.r, err)
	}
}

// signInByPasskey begins and ends signing in with a passkey.
func (c *console) signInByPasskey(v *visit) {
	a, ok := c.passkey(v)
	if !ok {
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	if a.ID == "" {
		ceremony, err := c.office.AskEnter(ctx)
		c.asked(v, ceremony, err)
		return
	}
	e, err := c.office.EnterByPasskey(ctx, a.ID, a.Answer, v.r.UserAgent(), v.now)
	if err == nil {
		c.enter(v, e)
	}
	c.answered(v, v.next(), err)
}

func (c *console) signOut(v *visit) {
	ctx, cancel := actContext(v.r)
	defer cancel()
	leave := c.office.Leave(ctx, v.session, v.now)
	if err := c.office.SignOut(v.r.Context(), c.token(v.r)); err != nil {
		c.fail(v, err)
		return
	}
	http.SetCookie(v.w, c.cookie(sessionCookie, "", -time.Second))
	c.log("signed out", v.member)
	if leave != "" {
		v.member, v.session = nil, nil
		name := c.providerName()
		c.lead(v, leave, v.l.must("oidc_leaving", "Name", name), v.l.must("oidc_out", "Name", name), "", 0)
		return
	}
	c.to(v, "/console/sign-in?said=out")
}
