package dashboards

import (
	"net/http"
	"strings"
	"testing"

	"martinella/alerts/areas"
)

// An address of the copy, or one that was written down in a sentence, leads to
// the page that was meant.
func TestAnAddressThatIsNearlyRightLeadsToThePage(t *testing.T) {
	g := open(t, func(c *Config) { c.Areas = areas.Valdemo() })
	g.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	id := g.issue(message("astray"))["event"].(string)
	at, area := "/a/"+id, g.server.pages.atlas.all[0].URL()
	for asked, want := range map[string]string{
		at + "/":                          at,
		at + "/?lang=de&x=1":              at + "?lang=de&x=1",
		at + ".":                          at,
		at + ",":                          at,
		at + ")":                          at,
		at + ").":                         at,
		at + "%29":                        at,
		at + "%E2%80%9D":                  at,
		at + "/sheet/":                    at + "/sheet",
		at + "/index.html":                at,
		strings.ToLower(at):               at,
		strings.ToLower(at) + "/card.png": at + "/card.png",
		"/en" + at:                        at + "?lang=en",
		"/de" + at + "/":                  at + "?lang=de",
		"/en" + at + "?part=live":         at + "?part=live&lang=en",
		"/en" + at + "?lang=sl":           at + "?lang=sl",
		"/fr":                             "/?lang=fr",
		"/fr/":                            "/?lang=fr",
		"/index.html":                     "/",
		area + "/":                        area,
		"/sl" + area + "/":                area + "?lang=sl",
		"/subscribe/":                     "/subscribe",
		"/verify/":                        "/verify",
		"/verify/?code=K7Q2P":             "/verify?code=K7Q2P",
		"/what-to-do/flood/":              "/what-to-do/flood",
		"/it/what-to-do/flood/":           "/what-to-do/flood?lang=it",
		"/feed.atom/":                     "/feed.atom",
		"/en/feed.atom":                   "/feed.atom?lang=en",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			if r := g.do(method, asked, ""); r.StatusCode != 301 || r.Header.Get("Location") != want {
				t.Errorf("%s %s: %d to %q, want %q", method, asked, r.StatusCode, r.Header.Get("Location"), want)
			}
		}
		if r := g.get(want); r.StatusCode != 200 && !strings.HasSuffix(want, ".png") {
			t.Errorf("%s leads to %s: %d", asked, want, r.StatusCode)
		}
	}
}

func TestWhatIsNoAddressOfOursLeadsNowhere(t *testing.T) {
	g := open(t)
	g.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, asked := range []string{"/nothing/", "/en/nothing", "/en/evil.example/", "/es/a/01JD0000000000000000000000", "/en/%2Fevil.example", "/%2Fevil.example/", "/%5Cevil.example/", "/en/%5C%5Cevil.example/",
		"/en/%2F%2Fevil.example/a/", "/api/v1/ledger/head/", "/en/api/v1/ledger/head", "/en/en/subscribe", "/hooks/mail/", "/metrics/"} {
		if r := g.get(asked); r.StatusCode != 404 || r.Header.Get("Location") != "" {
			t.Errorf("%s: %d to %q", asked, r.StatusCode, r.Header.Get("Location"))
		}
	}
	for _, asked := range []string{"//evil.example", "//evil.example/", "/en//evil.example/", "//evil.example/a/x/", "/en//evil.example/subscribe/"} {
		for hops := 0; ; hops++ {
			to := g.get(asked).Header.Get("Location")
			if to == "" {
				break
			}
			if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) || hops > 3 {
				t.Fatalf("%s leads to %q", asked, to)
			}
			asked = to
		}
	}
	if r := g.do("POST", "/subscribe/", ""); r.StatusCode != 404 {
		t.Errorf("a form is led elsewhere: %d", r.StatusCode)
	}
}

func FuzzAstray(f *testing.F) {
	for _, s := range []string{"/a/01jd0000000000000000000000", "/en/a/01JD0000000000000000000000/", "//evil.example", "/en/%2fevil.example", "/en/\\evil", "/a/..%2f", "/fr/.", "/it//x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://x.example"+path, nil)
		if err != nil || r.Host != "x.example" || !strings.HasPrefix(r.URL.Path, "/") {
			return
		}
		if to, _ := mended(r.URL); to != "" {
			if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
				t.Errorf("%q is mended to %q", path, to)
			}
			again := *r.URL
			again.Path, again.RawPath = to, ""
			if more, _ := mended(&again); more != "" && more == path {
				t.Errorf("%q leads to itself", path)
			}
		}
	})
}
