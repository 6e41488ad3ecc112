package dashboards

import (
	"net/http"
	"strings"
	"testing"
	"unicode"
)

// FuzzDispatchForm sends whatever to a volunteer's page: the answer is a page or
// leads back to it, never an internal error; nothing but a button of the page
// changes anything; and no answer holds the link, may be kept, or is long.
func FuzzDispatchForm(f *testing.F) {
	const form = "application/x-www-form-urlencoded"
	for _, body := range []string{"answer=coming-20", "answer=cannot", "answer=maybe-60&mark=arrived", "mark=arrived", "mark=safe", "answer=coming-9999", "answer=%ff%00", "answer", "", "%", "a=b;c=d", strings.Repeat("answer=coming-10&", 5000)} {
		f.Add(body, form, "")
		f.Add(body, "multipart/form-data; boundary=x", "?lang=de")
	}
	f.Add(`{"answer":"coming-20"}`, "application/json", "?lang=%00")
	f.Add("answer=coming-20", "application/x-www-form-urlencoded; charset=utf-16", "?part=live&lang=xx")
	g, calls := openCall(f)
	f.Fuzz(func(t *testing.T, body, media, query string) {
		if strings.ContainsFunc(media, unicode.IsControl) || strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }) || query != "" && query[0] != '?' {
			return
		}
		g.t = t
		g.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		before := len(calls.did())
		r := g.do("POST", dispatchPath+martasToken+query, body, "Content-Type", media)
		if r.StatusCode >= 500 || r.StatusCode < 300 {
			t.Errorf("%q as %q: %d %s", body, media, r.StatusCode, r.body)
		}
		if r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Referrer-Policy") != "strict-origin" {
			t.Errorf("%q as %q: %d may be kept: %q, %q", body, media, r.StatusCode, r.Header.Get("Cache-Control"), r.Header.Get("Referrer-Policy"))
		}
		if strings.Contains(r.body, martasToken) || len(r.body) > 64<<10 {
			t.Errorf("%q as %q: %d with %d bytes, the link in them: %v", body, media, r.StatusCode, len(r.body), strings.Contains(r.body, martasToken))
		}
		if did := calls.did(); len(did) > before && r.StatusCode != 303 || len(did) > before+1 {
			t.Errorf("%q as %q: %d, and it did %v", body, media, r.StatusCode, did[before:])
		}
	})
}
