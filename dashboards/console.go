package dashboards

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/dashboards/signin"
)

// console is the pages of staff. They are made for one person and never kept.
type console struct {
	s      *Server
	office *signin.Office
	cross  *http.CrossOriginProtection
	keys   *buckets // answers to passkeys, by address
	tests  *buckets // checks and tests of channels, by member
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
		c.settingsRoutes(),
		c.deedRoutes(),
	)
}

func newConsole(s *Server) (*console, error) {
	if s.Staff == nil {
		return nil, nil
	}
	c := &console{s: s, office: s.Staff, cross: http.NewCrossOriginProtection(), tests: newBuckets(1.0/20, 6)}
	u, err := url.Parse(s.PublicURL)
	if err != nil {
		return nil, err
	}
	if err := c.cross.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil { // a proxy may change Host
		return nil, err
	}
	if s.Direct || len(s.TrustedProxies) > 0 {
		c.keys = newBuckets(5, 50)
	}
	return c, nil
}

// maxForm bounds what a form or a passkey sends.
const maxForm = 64 << 10

// guard answers a route for who may call it.
func (c *console) guard(route consoleRoute) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Cache-Control"] = never
		v := &visit{w: w, r: r, l: c.s.pages.locales.of(r, askedOf(r).lang), now: time.Now()}
		if err := c.cross.Check(r); err != nil {
			c.say(v, http.StatusForbidden, v.l.must("console_cross"))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, mostOf(route.Path))
		var err error
		v.member, v.session, err = c.office.Who(r.Context(), c.token(r))
		switch {
		case errors.Is(err, signin.ErrRefused):
			if route.Who != forAnybody {
				c.to(v, "/console/sign-in")
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
		path += mark + "lang=" + url.QueryEscape(lang)
	}
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
}

// consoleFrame is what every page of the console shows around its content.
type consoleFrame struct {
	Lang, Title, Path, Query string
	Languages                []string
	Authority                string
	Practice, Passkeys       bool
	Logo                     string // its address; "": none
	Weak                     string
	Member                   *signin.Member
	Said, Wrong, Field       string // what was done; what is wrong, and where
	Now                      instant
	Content                  any
}

// sheet is one page of the console.
type sheet struct {
	name, title        string
	code               int
	passkeys           bool
	said, wrong, field string
	content            any
}

func (c *console) show(v *visit, one sheet) {
	p := c.s.pages
	c.s.dress()
	f := consoleFrame{
		Lang: v.l.Tag, Title: one.title, Path: v.r.URL.Path, Languages: p.locales.others(), Authority: c.s.Authority.Name, Practice: c.s.Desk.Policy.Practice, Logo: p.assets.logo(),
		Passkeys: one.passkeys, Weak: p.weak(v.r.Context(), v.l), Member: v.member, Said: one.said, Wrong: one.wrong, Field: one.field, Now: v.l.At(v.now, v.now), Content: one.content,
	}
	if askedOf(v.r).lang != "" {
		f.Query = "?lang=" + v.l.Tag
	}
	made, err := p.execute(v.l, one.name, "console.html", f)
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

// alertLine is an alert on the first page of the console.
type alertLine struct {
	card
	Left string // time to expiry, in words
}

// waitingLine is an alert that waits for its second person.
type waitingLine struct {
	Headline words
	Level    string
	Tone     string
	Shape    string
	Exercise bool
	Author   string
	Since    instant
	Own      bool // written by who looks: another one must approve it
}

type overviewPage struct {
	Active   []alertLine
	Waiting  []waitingLine
	Troubles []troubleLine
}

type troubleLine struct {
	broadcast.Trouble
	From instant
}

// mostWaiting bounds the list of what waits.
const mostWaiting = 50

// overview is the first page: what goes on, what waits, what does not work.
func (c *console) overview(v *visit) {
	var page overviewPage
	for _, h := range current(c.s.Board.Snapshot(), v.now) {
		line := alertLine{card: c.s.card(v.l, h, v.now)}
		if e := h.Alert.Expires(); !e.IsZero() && e.After(v.now) {
			line.Left = left(v.l, e.Sub(v.now))
		}
		page.Active = append(page.Active, line)
	}
	for r, err := range c.s.Desk.Store.All(v.r.Context(), alerts.Filter{States: []alerts.State{alerts.StateSubmitted}, Limit: mostWaiting}) {
		if err != nil {
			c.s.pages.unable(v.w, v.r, err)
			return
		}
		shown := c.s.card(v.l, happening{Record: r, Standing: broadcast.StandingActive}, v.now)
		page.Waiting = append(page.Waiting, waitingLine{shown.Headline, shown.Level, shown.Tone, shown.Shape, shown.Exercise, r.Author.Name, v.l.At(r.Received, v.now), r.Author.ID == v.member.ID})
	}
	if c.s.Troubles != nil {
		for _, t := range c.s.Troubles() {
			page.Troubles = append(page.Troubles, troubleLine{t, v.l.At(t.Since, v.now)})
		}
	}
	title := v.l.must("console_title")
	if n := len(page.Waiting); n > 0 {
		title = "(" + itoa(n) + ") " + title
	}
	c.show(v, sheet{name: "overview", title: title, content: page})
}

// left is a time to come in hours and minutes.
func left(l *locale, d time.Duration) string {
	minutes := int(d.Minutes())
	if minutes < 60 {
		return l.must("left_minutes", "Minutes", max(1, minutes))
	}
	return l.must("left_hours", "Hours", minutes/60, "Minutes", minutes%60)
}
