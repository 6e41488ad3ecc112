package dashboards

import (
	"cmp"

	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/compose"
	"martinella/dashboards/photo"
	"martinella/dashboards/signin"
)

// console is the pages of staff. They are made for one person and never kept.
type console struct {
	s      *Server
	office *signin.Office
	cross  *http.CrossOriginProtection
	keys   *buckets // answers to passkeys, by address
	places compose.Gazetteer
	zones  func() *ready // the outlines of the areas, for drawing
	tests  *buckets      // checks and tests of channels, by member

	drilled atomic.Pointer[alerts.ID] // the first exercise that was issued
}

// visit is one request to the console.
type visit struct {
	w       http.ResponseWriter
	r       *http.Request
	l       *locale
	now     time.Time
	member  *signin.Member // nil before signing in
	session *signin.Session
}

// consoleRoute is one line of the console's table; who may call it: anybody,
// staff, or administrators.
type consoleRoute struct {
	Method, Path string
	Who          entrance
	Serve        func(v *visit)
}

type entrance int

const (
	forAnybody entrance = iota
	forStaff
	forAdministrators
)

// routes is every path of the console; each page's own are in its file.
func (c *console) routes() []consoleRoute {
	return slices.Concat(
		[]consoleRoute{{"GET", "/console", forStaff, c.overview}},
		c.signInRoutes(),
		c.inviteRoutes(),
		c.accountRoutes(),
		c.staffRoutes(),
		c.sceneRoutes(),
		c.settingsRoutes(),
		c.deedRoutes(),
		c.boardRoutes(),
		c.approveRoutes(),
		c.reviewRoutes(),
		c.ledgerRoutes(),
		c.sessionRoutes(),
		c.ringsRoutes(),
		c.calloutRoutes(),
		c.warningsRoutes(),
		c.composeRoutes(),
		c.startRoutes(),
		c.oidcRoutes(),
		c.drawingRoutes(),
		c.volunteerRoutes(),
	)
}

func newConsole(s *Server) *console {
	if s.Staff == nil {
		return nil
	}
	c := &console{s: s, office: s.Staff, cross: s.ownPosts, places: compose.Named(s.Areas), tests: newBuckets(1.0/20, 6)}
	c.zones = sync.OnceValue(func() *ready { return outlines(s.Areas) })
	if s.Direct || len(s.TrustedProxies) > 0 {
		c.keys = newBuckets(5, 50)
	}
	return c
}

// maxForm bounds what a form or a passkey sends.
const maxForm = 64 << 10

// mostOf bounds what is sent to a route: one form has a photo, others a draft.
func mostOf(route consoleRoute) int64 {
	if route.Path == scenePath {
		return photo.MaxBytes + 3*maxForm
	}
	if strings.HasPrefix(route.Path, "/console/draft/") {
		return maxDraftForm
	}
	if route.Path == areasPath {
		return maxAreasForm
	}
	if largeForms[route.Path] {
		return largestForm
	}
	return maxForm
}

// guard answers a route for who may call it.
func (c *console) guard(route consoleRoute) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Cache-Control"] = never
		v := &visit{w: w, r: r, l: c.s.pages.staff.of(r, askedOf(r).lang), now: time.Now()}
		if err := c.cross.Check(r); err != nil {
			c.say(v, http.StatusForbidden, v.l.must("console_cross"))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, mostOf(route))
		var err error
		v.member, v.session, err = c.office.Who(r.Context(), c.token(r))
		switch {
		case errors.Is(err, signin.ErrRefused):
			if route.Who != forAnybody {
				if c.held(v) {
					return
				}
				c.to(v, signInFor(r))
				return
			}
		case err != nil:
			c.s.pages.unable(w, r, err)
			return
		case route.Who == forAdministrators && !v.member.Administers():
			c.say(v, http.StatusForbidden, v.l.must("console_not_yours"))
			return
		}
		route.Serve(v)
	}
}

// The cookies. Browsers take the prefix __Host- over https only; on loopback
// the address is http (DECISIONS 37).
const (
	sessionCookie = "martinella"
	deviceCookie  = "martinella-device"
)

func (c *console) cookie(name, value string, lasts time.Duration) *http.Cookie {
	k := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: int(lasts.Seconds())}
	if c.https() {
		k.Name, k.Secure = "__Host-"+name, true
	}
	return k
}

func (c *console) https() bool { return strings.HasPrefix(c.s.PublicURL, "https://") }

func (c *console) read(r *http.Request, name string) string {
	if k, err := r.Cookie(c.cookie(name, "", 0).Name); err == nil {
		return k.Value
	}
	return ""
}

func (c *console) token(r *http.Request) string { return c.read(r, sessionCookie) }

// deviceKept is how long a browser keeps its own name.
const deviceKept = 180 * 24 * time.Hour

// enter gives the browser its new session; the one that it had ends, so that
// nobody can put theirs under somebody else's sign-in.
func (c *console) enter(v *visit, e *signin.Entered) {
	if before := c.token(v.r); before != "" {
		if err := c.office.SignOut(v.r.Context(), before); err != nil {
			c.s.Logger.Warn("the session before was not ended", zap.Error(err))
		}
	}
	http.SetCookie(v.w, c.cookie(sessionCookie, e.Token, 0))
	http.SetCookie(v.w, c.cookie(deviceCookie, e.Device, deviceKept))
	c.log("signed in", e.Member)
}

func (c *console) log(what string, m *signin.Member, more ...zap.Field) {
	c.s.Logger.Info(what, append(more, zap.String("by", m.ID))...)
}

// to sends the browser on, in the language that was asked for.
func (c *console) to(v *visit, path string) {
	if lang := askedOf(v.r).lang; lang != "" {
		mark := "?"
		if strings.Contains(path, "?") {
			mark = "&"
		}
		page, part, _ := strings.Cut(path, "#")
		path = page + mark + "lang=" + url.QueryEscape(lang)
		if part != "" {
			path += "#" + part
		}
	}
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
}

// consoleFrame is what every page of the console shows around its content.
type consoleFrame struct {
	Lang, Title, Path, Query string
	Languages                []string
	Authority                string
	Practice, Passkeys       bool
	Rings, Warnings          bool   // staff is called here; feeds of others are read
	Volunteers               bool   // there is a roster of them
	Callouts                 bool   // volunteers are called out here
	Logo                     string // its address; "": none
	Weak                     string
	Mode                     string // of the record that is shown: real, exercise, test; "" says what the gateway is
	Heading                  bool   // the page opens with the focus on its heading
	Keys                     bool   // of the keyboard: the member did not turn the shortcuts off
	Scripts                  []string
	Session                  *sessionWords
	Member                   *signin.Member
	Provider                 string      // its name; "": nobody signs in through one
	Through                  *throughBox // the account's proof there; nil: the member is not bound
	Said, Wrong, Field       string      // what was done; what is wrong, and where
	Now                      instant
	Content                  any
}

// sheet is one page of the console.
type sheet struct {
	name, title        string
	code               int
	passkeys           bool
	said, wrong, field string
	block              string // of its template alone; "": the whole page
	mode               string // see consoleFrame
	heading            bool
	scripts            []string
	content            any
}

func (c *console) show(v *visit, one sheet) {
	p := c.s.pages
	c.s.dress()
	f := consoleFrame{
		Lang: v.l.Tag, Title: one.title, Path: v.r.URL.Path, Languages: p.staff.others(), Authority: c.s.Authority.Name, Practice: c.s.Desk.Policy.Practice, Logo: p.assets.logo(), Rings: c.s.Rings != nil, Warnings: c.s.Warnings != nil, Volunteers: c.s.Volunteers != nil,
		Callouts: c.s.Callouts != nil,
		Passkeys: one.passkeys, Session: c.sessionWords(v), Weak: p.weak(v.r.Context(), v.l), Member: v.member, Provider: c.providerName(), Through: c.accountThrough(v), Said: one.said, Wrong: one.wrong, Field: one.field,
		Mode: one.mode, Heading: one.heading, Keys: v.member != nil && !v.member.NoKeys, Scripts: one.scripts, Now: v.l.At(v.now, v.now), Content: one.content,
	}
	if askedOf(v.r).lang != "" {
		f.Query = "?lang=" + v.l.Tag
	}
	made, err := p.execute(v.l, one.name, cmp.Or(one.block, "console.html"), f)
	if err != nil {
		c.s.internal(v.w, v.r, err, nil)
		return
	}
	if one.code == 0 {
		one.code = http.StatusOK
	}
	made.write(v.w, v.r, one.code, v.l)
}

// say answers with one sentence.
func (c *console) say(v *visit, code int, text string) {
	c.show(v, sheet{name: "console_text", title: v.l.must("console_title"), code: code, wrong: text})
}

// fail answers an error that is no mistake of the form.
func (c *console) fail(v *visit, err error) {
	switch {
	case errors.Is(err, signin.ErrGone):
		c.say(v, http.StatusGone, v.l.must("console_gone"))
	case errors.Is(err, signin.ErrNotYours):
		c.say(v, http.StatusForbidden, v.l.must("console_second"))
	case errors.Is(err, signin.ErrRefused), errors.Is(err, alerts.ErrNotFound):
		c.say(v, http.StatusForbidden, v.l.must("console_not_yours"))
	default:
		c.s.pages.unable(v.w, v.r, err)
	}
}
