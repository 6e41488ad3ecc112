package dashboards

import (
	"net/http"
	"net/url"

	"martinella/alerts"
)

// newOwnPosts tells what our own pages post from what the pages of other sites
// do: by Sec-Fetch-Site, else, from older browsers, by Origin, which must be the
// host that was asked or the public one, since a proxy may change the host. What
// has neither header is taken for our own: it comes from no page, or from one in
// a browser that is older than both.
func newOwnPosts(publicURL string) (*http.CrossOriginProtection, error) {
	cross := http.NewCrossOriginProtection()
	if publicURL == "" {
		return cross, nil
	}
	u, err := url.Parse(publicURL)
	if err != nil {
		return nil, err
	}
	return cross, cross.AddTrustedOrigin(u.Scheme + "://" + u.Host)
}

// namesItself makes a page say where its forms come from. Under no-referrer
// browsers post them with "Origin: null" (Fetch, "append a request Origin
// header"), which those without Sec-Fetch-Site would be refused for. It is for
// pages whose address is no secret.
func namesItself(w http.ResponseWriter) { w.Header()["Referrer-Policy"] = sameOrigin }

// ownForm reports whether a page of ours posts; another site's was answered:
// nobody signs up who did not come here for it.
func (p *pages) ownForm(w http.ResponseWriter, r *http.Request, l *locale) bool {
	namesItself(w)
	if p.s.ownPosts.Check(r) == nil {
		return true
	}
	page := signUpPage{Title: l.must("subscribe_foreign_title"), Paragraphs: []string{l.must("subscribe_foreign_text")}, Back: true}
	p.private(w, r, http.StatusForbidden, l, view{name: "signup", title: page.Title, content: page})
	return false
}

// ownCall is the same for what scripts of ours send.
func (s *Server) ownCall(w http.ResponseWriter, r *http.Request) bool {
	if s.ownPosts.Check(r) == nil {
		return true
	}
	s.fail(w, r, refuse(alerts.ErrForbidden, "origin", "is another site's", "subscribe on the page /subscribe of this gateway"))
	return false
}
