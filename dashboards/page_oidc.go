package dashboards

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/dashboards/signin"
)

// journeyCookie binds a journey to the provider to the browser that left. Unlike
// the others it is Lax: the way back begins at the provider's site, and browsers
// send no Strict cookie with that. It lets nobody in: it proves only that the
// browser which comes back is the one that left.
const journeyCookie = "martinella-oidc"

func (c *console) journey(value string, lasts time.Duration) *http.Cookie {
	k := c.cookie(journeyCookie, value, lasts) //nolint:gosec // G124: Secure over https, as all cookies of the console
	k.SameSite = http.SameSiteLaxMode
	return k
}

func (c *console) oidcRoutes() []consoleRoute {
	if c.office.Provider() == nil {
		return nil
	}
	return []consoleRoute{
		{"POST", "/console/sign-in/oidc", forAnybody, c.signInThrough},
		{"GET", signin.ReturnPath, forAnybody, c.returned},
		{"POST", "/console/invite/{token}/oidc", forAnybody, c.acceptThrough},
		{"POST", "/console/account/oidc", forStaff, c.binding},
		{"POST", "/console/account/proof/oidc", forStaff, c.proveAccountThrough},
		{"POST", "/console/a/{id}/proof/{act}/oidc", forStaff, c.proveDeedThrough},
	}
}

// leadPage leads a browser on to where no form may send it (the policy allows
// forms our own pages alone), or back with a cookie that is Strict: a page of
// ours that goes on by itself, and has a link for who waits.
type leadPage struct {
	To, Words string
}

// lead shows it; wrong, where something is, is read before going on.
func (c *console) lead(v *visit, to, title, words, wrong string, code int) {
	if wrong == "" {
		v.w.Header().Set("Refresh", "0; url="+to)
	}
	c.show(v, sheet{name: "oidc", title: title, wrong: wrong, code: code, content: leadPage{to, words}})
}

// withLang is a path of ours in the language that was asked for.
func withLang(v *visit, path string, more ...string) string {
	q := url.Values{}
	if lang := askedOf(v.r).lang; lang != "" {
		q.Set("lang", lang)
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// crowded slows the flood of one address.
func (c *console) crowded(v *visit) bool {
	address, known := c.s.address(v.r)
	if !known || c.keys == nil {
		return false
	}
	wait := c.keys.take(address.String())
	if wait > 0 {
		c.s.tooMany(v.w, wait, "too many attempts from this address")
	}
	return wait > 0
}

// departed sends the browser to the provider, or says why not.
func (c *console) departed(v *visit, d *signin.Departure, err error, again func(wrong string, code int)) {
	if err != nil {
		if wrong, code := c.unproved(v, err); wrong != "" {
			again(wrong, code)
			return
		}
		if wrong, code := c.strayed(v, err); wrong != "" {
			again(wrong, code)
			return
		}
		c.fail(v, err)
		return
	}
	http.SetCookie(v.w, c.journey(d.Browser, signin.JourneyLasts))
	name := c.office.Provider().Name
	c.lead(v, d.URL, v.l.must("oidc_leaving", "Name", name), v.l.must("oidc_go", "Name", name), "", 0)
}

// strayed says in words why a journey did not end well, and notes it without
// anything that was brought back; "" where the error is another.
func (c *console) strayed(v *visit, err error) (wrong string, code int) {
	var away *signin.AwayError
	var answer *signin.AnswerError
	name := c.office.Provider().Name
	switch {
	case errors.As(err, &away):
		wrong, code = v.l.must("oidc_away", "Name", name), http.StatusServiceUnavailable
	case errors.As(err, &answer):
		wrong, code = v.l.must("oidc_answer", "Name", name), http.StatusUnauthorized
	case errors.Is(err, signin.ErrDeclined):
		wrong, code = v.l.must("oidc_declined", "Name", name), http.StatusUnauthorized
	case errors.Is(err, signin.ErrUnbound):
		wrong, code = v.l.must("oidc_unbound", "Name", name), http.StatusForbidden
	case errors.Is(err, signin.ErrBound):
		wrong, code = v.l.must("oidc_taken", "Name", name), http.StatusConflict
	case errors.Is(err, signin.ErrOther):
		wrong, code = v.l.must("oidc_other", "Name", name), http.StatusForbidden
	case errors.Is(err, signin.ErrLast):
		wrong, code = v.l.must("oidc_last", "Name", name), http.StatusUnprocessableEntity
	default:
		return "", 0
	}
	if code == http.StatusUnauthorized || code == http.StatusForbidden {
		c.s.metrics.refused("unauthorized")
	}
	c.s.Logger.Info("sign-in through the provider: no", zap.String("path", v.r.URL.Path), zap.String("reason", err.Error()))
	return wrong, code
}

// signInThrough begins signing in at the provider.
func (c *console) signInThrough(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	if c.crowded(v) {
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	d, err := c.office.EnterThrough(ctx, withLang(v, v.next()), v.now)
	c.departed(v, d, err, func(wrong string, code int) { c.signInForm(v, signInPage{}, code, wrong) })
}

// acceptThrough begins accepting an invitation with an account at the provider.
func (c *console) acceptThrough(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	if c.crowded(v) {
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	login, name := v.r.PostForm.Get("login"), v.r.PostForm.Get("name")
	d, err := c.office.JoinThrough(ctx, v.r.PathValue("token"), signin.Acceptance{Login: login, Name: name}, withLang(v, "/console"), v.now)
	if errors.Is(err, signin.ErrInvalid) {
		c.inviteForm(v, login, name, http.StatusUnprocessableEntity, v.l.must("invite_names"), "login")
		return
	}
	c.departed(v, d, err, func(wrong string, code int) { c.inviteForm(v, login, name, code, wrong, "") })
}

// binding begins binding the own account to one at the provider, or takes it
// away.
func (c *console) binding(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	form := v.r.PostForm
	again := func(wrong string, code int) { c.accountForm(v, code, nil, wrong, "h-oidc") }
	err := c.office.ProveAccount(ctx, v.member, v.session, form.Get("code"), v.now)
	switch {
	case form.Get("do") == "bind":
		var d *signin.Departure
		if err == nil {
			d, err = c.office.BindThrough(ctx, v.member, v.session, withLang(v, "/console/account", "said", "bound"), v.now)
		}
		c.departed(v, d, err, again)
		return
	case form.Get("do") != "unbind":
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	case err == nil:
		err = c.office.Unbind(ctx, v.member, v.session, v.now)
	}
	if err != nil {
		c.departed(v, nil, err, again)
		return
	}
	c.log("unbound from the sign-in provider", v.member)
	c.to(v, "/console/account?said=unbound")
}

// accountPages are those on which a proof of the account is asked.
var accountPages = regexp.MustCompile(`^/console/(account|staff|settings/keys|staff/staff:[0-9a-f]{1,32}/calls)$`)

// proveAccountThrough begins a fresh proof of the account at the provider.
func (c *console) proveAccountThrough(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	next := v.r.PostForm.Get("next")
	if !accountPages.MatchString(next) {
		next = "/console/account"
	}
	c.proveThrough(v, signin.AccountDeed(v.member), nil, next)
}

// mostTyped bounds what is kept of a form while its person is at the provider.
const mostTyped = 16 << 10

// proveDeedThrough begins a fresh proof of an act on an alert at the provider.
// What was typed beside it is kept for the way back.
func (c *console) proveDeedThrough(v *visit) {
	if err := v.r.ParseForm(); err != nil {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	act, page := v.r.PathValue("act"), v.r.PathValue("act")
	if act == "issue-alone" {
		page = "approve"
	}
	next := "/console/a/" + v.r.PathValue("id") + "/" + page
	deed := signin.Deed{Act: act, Digest: alerts.Digest(v.r.URL.Query().Get("digest"))}
	if !gravest[act] || len(deed.Digest) > 64 || !alertPath.MatchString(next) {
		c.say(v, http.StatusBadRequest, v.l.must("console_unread"))
		return
	}
	typed, size := url.Values{}, 0
	for name, values := range v.r.PostForm {
		if slices.Contains(secretFields, name) || name == "digest" || name == "do" {
			continue
		}
		typed[name] = values
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	if size > mostTyped {
		typed = nil
	}
	c.proveThrough(v, deed, typed, next)
}

func (c *console) proveThrough(v *visit, deed signin.Deed, typed url.Values, next string) {
	ctx, cancel := actContext(v.r)
	defer cancel()
	d, err := c.office.ProveThrough(ctx, v.member, v.session, deed, typed, withLang(v, next, "said", "confirmed"), v.now)
	c.departed(v, d, err, func(wrong string, code int) {
		c.lead(v, withLang(v, next), v.l.must("oidc_title"), v.l.must("oidc_back"), wrong, code)
	})
}

// returned ends a journey. It goes on by a page of ours, not by a redirect: that
// would still count as coming from the provider, and the session's cookie,
// which is Strict, would stay at home.
func (c *console) returned(v *visit) {
	if c.crowded(v) {
		return
	}
	ctx, cancel := actContext(v.r)
	defer cancel()
	q := v.r.URL.Query()
	a, err := c.office.Return(ctx, signin.Return{
		Browser: c.read(v.r, journeyCookie), State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss"), Failed: q.Get("error"), Agent: v.r.UserAgent(),
	}, v.now)
	http.SetCookie(v.w, c.journey("", -time.Second))
	// The provider brings no language back: the journey knows it.
	next, _ := url.Parse(a.Next)
	if next == nil || a.Next == "" {
		next = &url.URL{Path: "/console/sign-in"}
	}
	if lang := next.Query().Get("lang"); lang != "" {
		v.l = c.s.pages.staff.of(v.r, lang)
	}
	title := v.l.must("oidc_title")
	if err != nil {
		back := next.Query()
		back.Del("said") // nothing was done
		next.RawQuery = back.Encode()
		wrong, code := c.strayed(v, err)
		switch {
		case wrong != "":
		case errors.Is(err, signin.ErrGone):
			wrong, code = v.l.must("console_gone"), http.StatusGone
		case errors.Is(err, signin.ErrTaken):
			wrong, code = v.l.must("console_taken"), http.StatusConflict
		case errors.Is(err, signin.ErrUnproved), errors.Is(err, signin.ErrRefused):
			wrong, code = v.l.must("oidc_late"), http.StatusForbidden
		default:
			c.fail(v, err)
			return
		}
		c.lead(v, next.String(), title, v.l.must("oidc_back"), wrong, code)
		return
	}
	switch {
	case a.Entered != nil:
		c.enter(v, a.Entered)
	case a.Bound:
		c.log("bound to the sign-in provider", a.Member)
	case a.Proved:
		c.log("proved through the sign-in provider", a.Member)
	}
	c.lead(v, next.String(), title, v.l.must("oidc_on"), "", 0)
}

// throughBox is a proof at the provider, for the block "through".
type throughBox struct {
	Name, To string
	Granted  bool
}

// through is the proof of a deed at the provider; nil where the member is not
// bound to it. Who comes back with it finds what they had typed.
func (c *console) through(ctx context.Context, v *visit, id alerts.ID, act string, shown alerts.Digest) *throughBox {
	if c.office.BoundBy(v.member) == nil {
		return nil
	}
	deed := signin.Deed{Act: act, Digest: shown}
	box := &throughBox{Name: c.office.Provider().Name, To: withLang(v, "/console/a/"+string(id)+"/proof/"+act+"/oidc", "digest", string(shown))}
	if box.Granted = c.granted(ctx, v, deed); box.Granted && v.r.Method == http.MethodGet {
		v.r.PostForm = c.office.Typed(ctx, v.session, deed)
	}
	return box
}

// granted reports whether a proof lies ready. Only who comes back with one asks.
func (c *console) granted(ctx context.Context, v *visit, deed signin.Deed) bool {
	return v.r.URL.Query().Get("said") == "confirmed" && c.office.Proved(ctx, v.session, deed) == nil
}

// accountThrough is the proof of the account; nil where the member is not bound.
func (c *console) accountThrough(v *visit) *throughBox {
	if c.office.BoundBy(v.member) == nil || v.session == nil {
		return nil
	}
	return &throughBox{c.office.Provider().Name, withLang(v, "/console/account/proof/oidc"), c.granted(v.r.Context(), v, signin.AccountDeed(v.member))}
}

// providerName is that of the provider, for its button; "": there is none.
func (c *console) providerName() string {
	if p := c.office.Provider(); p != nil {
		return p.Name
	}
	return ""
}
