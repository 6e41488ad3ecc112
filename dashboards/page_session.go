package dashboards

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"martinella/dashboards/signin"
)

// sessionLeft is when the session ends without a sign of life, and whether one can put
// that off.
func sessionLeft(s *signin.Session, now time.Time) (left time.Duration, last bool) {
	left, longest := signin.SessionIdle, s.Ends.Sub(now)
	if longest < left {
		return max(longest, 0), true
	}
	return left, false
}

// sessionWords is what every page says about the session of who looks.
type sessionWords struct {
	Until   instant
	Seconds int  // until then
	Last    bool // it cannot go on: a shift is over
}

func (c *console) sessionWords(v *visit) *sessionWords {
	if v.session == nil {
		return nil
	}
	left, last := sessionLeft(v.session, v.now)
	return &sessionWords{v.l.At(v.now.Add(left), v.now), int(left.Seconds()), last}
}

func (c *console) sessionRoutes() []consoleRoute {
	return []consoleRoute{{"POST", "/console/stay", forStaff, c.stay}}
}

// stay keeps the session: that it was asked for has done it already.
func (c *console) stay(v *visit) {
	left, last := sessionLeft(v.session, v.now)
	if media, _, _ := mime.ParseMediaType(v.r.Header.Get("Content-Type")); media != mediaJSON {
		c.to(v, "/console")
		return
	}
	c.answer(v, http.StatusOK, map[string]any{"seconds": int(left.Seconds()), "last": last, "until": v.l.At(v.now.Add(left), v.now).Clock})
}

// secretFields are never shown again, nor sent on.
var secretFields = []string{"code", "password", "old", "again", "first-code"}

// heldPage is a form that came when the session had ended.
type heldPage struct {
	Path   string
	Fields []heldField
	Secret bool // something was left out
}

type heldField struct {
	Name, Value string
}

// held answers a form that came when the session had ended: nothing was done,
// and nothing of it is lost. false where there is no form to keep.
func (c *console) held(v *visit) bool {
	media, _, _ := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if v.r.Method != http.MethodPost || media != "application/x-www-form-urlencoded" || v.r.URL.Path == "/console/stay" || v.r.URL.Path == "/console/sign-out" {
		return false
	}
	if err := v.r.ParseForm(); err != nil || len(v.r.PostForm) == 0 {
		return false
	}
	page := heldPage{Path: v.r.URL.Path}
	if lang := askedOf(v.r).lang; lang != "" {
		page.Path += "?lang=" + url.QueryEscape(lang)
	}
	names := make([]string, 0, len(v.r.PostForm))
	for name := range v.r.PostForm {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if slices.Contains(secretFields, name) {
			page.Secret = true
			continue
		}
		for _, value := range v.r.PostForm[name] {
			page.Fields = append(page.Fields, heldField{name, value})
		}
	}
	c.show(v, sheet{name: "held", title: v.l.must("signin_held_title"), code: http.StatusUnauthorized, wrong: v.l.must("signin_held"), content: page})
	return true
}
