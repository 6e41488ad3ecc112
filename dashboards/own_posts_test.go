package dashboards

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A gateway without a public address, as a demonstration is, knows its own host.
func TestOwnPostsWithoutAPublicAddress(t *testing.T) {
	for address, good := range map[string]bool{"": true, "https://allerta.valdemo.example": true, "allerta": false, "%": false} {
		cross, err := newOwnPosts(address)
		if (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
		if !good {
			continue
		}
		r := httptest.NewRequest("POST", "http://localhost:8080/subscribe", nil)
		r.Header.Set("Origin", "http://localhost:8080")
		if err := cross.Check(r); err != nil {
			t.Errorf("%q refuses its own host: %v", address, err)
		}
		r.Header.Set("Origin", "http://evil.example")
		if cross.Check(r) == nil {
			t.Errorf("%q takes the post of another site", address)
		}
	}
}

// Nobody is signed up by the page of another site; our own form works in every
// browser, also in one that sends neither header.
func TestSignUpsOfOtherSitesAreRefused(t *testing.T) {
	g, _ := openSignUps(t)
	const form, script = "application/x-www-form-urlencoded", "application/json"
	push := `{"subscription":` + browserJSON + `,"where":"all","severity":"","language":"it"}`
	posts := []struct{ path, kind, body string }{
		{"/subscribe", form, "contact=anna%40posta.example&where=all&severity=&language=it"},
		{"/subscribe/code", form, "contact=%2B393331234567&code=123456"},
		{"/subscribe/push", script, push},
		{"/subscribe/push/stop", script, push},
	}
	own := "https://" + strings.TrimPrefix(g.URL, "http://")
	for name, row := range map[string]struct {
		headers []string
		refused bool
	}{
		"another site":                             {[]string{"Sec-Fetch-Site", "cross-site"}, true},
		"another site that says it is ours":        {[]string{"Sec-Fetch-Site", "cross-site", "Origin", own}, true},
		"a site beside ours":                       {[]string{"Sec-Fetch-Site", "same-site"}, true},
		"an older browser on another site":         {[]string{"Origin", "https://evil.example"}, true},
		"an older browser that says not where":     {[]string{"Origin", "null"}, true},
		"our page":                                 {[]string{"Sec-Fetch-Site", "same-origin", "Origin", own}, false},
		"our page where a proxy changes the host":  {[]string{"Origin", "https://allerta.valdemo.example"}, false},
		"a person's own doing":                     {[]string{"Sec-Fetch-Site", "none"}, false},
		"an older browser on our page":             {[]string{"Origin", g.URL}, false},
		"a browser without either header, or none": {nil, false},
	} {
		for _, p := range posts {
			waiting := g.roll.asked
			r := g.do("POST", p.path, p.body, append([]string{"Content-Type", p.kind, "Accept-Language", "it"}, row.headers...)...)
			if refused := r.StatusCode == http.StatusForbidden; refused != row.refused {
				t.Errorf("%s from %s: %d %s", p.path, name, r.StatusCode, r.body)
			}
			if !row.refused {
				continue
			}
			if g.roll.asked != waiting {
				t.Errorf("%s from %s: the store was asked", p.path, name)
			}
			if p.kind == form && (!strings.Contains(r.body, "<h1>Questa richiesta non viene da questo sito</h1>") || !strings.Contains(r.body, `href="/subscribe?lang=it"`) || r.Header.Get("Cache-Control") != "no-store") {
				t.Errorf("%s from %s is answered %s", p.path, name, r.body)
			}
		}
	}
	// Under no-referrer older browsers would post our own form with Origin: null.
	for _, r := range []reply{g.get("/subscribe"), g.signUp("333"), g.signUp("333 123 4567")} {
		if got := r.Header.Get("Referrer-Policy"); got != "same-origin" {
			t.Errorf("a page with a form of sign-ups has the policy %q", got)
		}
	}
}
