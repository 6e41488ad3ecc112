package dashboards

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"martinella/dashboards/signin"
)

func TestPasswordAndCodeProgramOnThePage(t *testing.T) {
	g := openConsole(t)
	p, seed := g.first()
	const next = "ombrello lampada finestra"
	form := url.Values{"do": {"password"}, "old": {goodPassword}, "password": {next}, "again": {next}}
	if r := p.do("POST", "/console/account?lang=en", form); r.StatusCode != 403 || !strings.Contains(r.body, "Nothing was changed") {
		t.Errorf("without a proof: %d", r.StatusCode)
	}
	form.Set("code", code(t, seed, 1))
	for field, c := range map[string]url.Values{
		"again": {"do": {"password"}, "old": {goodPassword}, "password": {next}, "again": {"x"}},
		"old":   {"do": {"password"}, "old": {"x"}, "password": {next}, "again": {next}, "code": form["code"]},
	} {
		if r := p.do("POST", "/console/account?lang=en", c); r.StatusCode != 422 || !strings.Contains(r.body, `href="#`+field+`"`) {
			t.Errorf("%s: %d %s", field, r.StatusCode, r.body)
		}
	}
	form.Del("code") // the proof of the attempt before still holds
	if r := p.do("POST", "/console/account?lang=en", form); r.StatusCode != 200 || !strings.Contains(r.body, "The password was changed") {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	if r := p.do("POST", "/console/account?lang=en", url.Values{"do": {"seed"}, "first-code": {"000000"}}); r.StatusCode != 422 || !strings.Contains(r.body, "start again") {
		t.Errorf("a seed that nobody asked for: %d", r.StatusCode)
	}
	m, one, err := g.office.Who(t.Context(), p.cookieOf("martinella"))
	if err != nil {
		t.Fatal(err)
	}
	soon := time.Now().Add(time.Minute) // the codes of this moment are spent
	if err := g.office.ProveByCode(t.Context(), m, one, signin.AccountDeed(m), code(t, seed, 3), soon); err != nil {
		t.Fatal(err)
	}
	r := p.do("POST", "/console/account?lang=en", url.Values{"do": {"seed-new"}})
	found := seedText.FindStringSubmatch(r.body)
	if r.StatusCode != 200 || found == nil || !strings.Contains(r.body, "data:image/png;base64,") {
		t.Fatalf("no new seed: %d %s", r.StatusCode, r.body)
	}
	another := strings.ReplaceAll(found[1], " ", "")
	if r := p.do("POST", "/console/account?lang=en", url.Values{"do": {"seed"}, "first-code": {"12"}}); r.StatusCode != 422 || !strings.Contains(r.body, found[1]) {
		t.Errorf("a wrong first code: %d", r.StatusCode)
	}
	if r := p.do("POST", "/console/account?lang=en", url.Values{"do": {"seed"}, "first-code": {code(t, another, 0)}}); r.StatusCode != 200 || !strings.Contains(r.body, "The new program counts") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

func TestWhatWasTypedOutlivesTheSession(t *testing.T) {
	g := openConsole(t)
	p, seed := g.first()
	if r := p.get("/console?lang=en"); !strings.Contains(r.body, "Without activity the session ends at <time") || !strings.Contains(r.body, `data-session="900"`) {
		t.Error("the page does not say when the session ends")
	}
	p.do("POST", "/console/sign-out", url.Values{})
	form := url.Values{"do": {"invite"}, "name": {`Bruno "Verdi" <b>`}, "login": {"bruno"}, "role": {"author", "viewer"}, "code": {"123456"}, "password": {"a secret"}}
	r := p.do("POST", "/console/staff?lang=en", form)
	if r.StatusCode != http.StatusUnauthorized || !strings.Contains(r.body, `role="alert"`) || !strings.Contains(r.body, "nothing is lost") ||
		!strings.Contains(r.body, `name="name" value="Bruno &#34;Verdi&#34; &lt;b&gt;"`) || strings.Count(r.body, `name="role"`) != 2 || !strings.Contains(r.body, `action="/console/staff?lang=en"`) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if strings.Contains(r.body, "123456") || strings.Contains(r.body, "a secret") {
		t.Error("a secret is shown again")
	}
	if open, err := g.office.Invitations(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("something was done: %v %v", open, err)
	}
	p.do("POST", "/console/sign-in", url.Values{"login": {"anna"}, "password": {goodPassword}, "code": {code(t, seed, 1)}})
	form.Del("password")
	form.Set("code", "")
	if r := p.do("POST", "/console/staff?lang=en", form); r.StatusCode != 403 || !strings.Contains(r.body, "Bruno &#34;Verdi&#34;") {
		t.Errorf("sent again: %d", r.StatusCode)
	}
	for _, path := range []string{"/console/stay", "/console/sign-out"} {
		if r := g.person().do("POST", path, form); r.Request.URL.Path != "/console/sign-in" {
			t.Errorf("%s without a session: %s", path, r.Request.URL)
		}
	}
	stay := g.do("POST", "/console/stay", `{}`, "Cookie", "martinella="+p.cookieOf("martinella"), "Content-Type", "application/json")
	if stay.StatusCode != 200 || !strings.Contains(stay.body, `"seconds":900`) {
		t.Errorf("stay: %d %s", stay.StatusCode, stay.body)
	}
}

// FuzzConsoleForms sends whatever to the forms of sign-in and staff: the
// answer is a page, never an internal error, and nobody comes in or gains
// rights.
func FuzzConsoleForms(f *testing.F) {
	g := openConsole(f)
	p, _ := g.first()
	paths := []string{"/console/sign-in", "/console/staff", "/console/account", "/console/invite/x", "/console/stay", "/console/sign-in/passkey", "/console/account/proof"}
	for i := range paths {
		f.Add(i, "do=invite&login=eva&name=Eva&role=administrator&code=000000", "application/x-www-form-urlencoded", i%2 == 0)
		f.Add(i, "do=disable&member=staff:1&of=%ff%00;&areas=,,;;*&severity-max=Minor", "application/x-www-form-urlencoded", true)
		f.Add(i, `{"id":"x","answer":{"id":1},"code":"\u0000"}`, "application/json", true)
		f.Add(i, "do=password&old=&password=a&again=a&first-code=%F0%9F%98%80", "application/x-www-form-urlencoded; charset=utf-16", true)
		f.Add(i, "do=seed&do=codes&lang=en&event=%", "multipart/form-data; boundary=x", false)
	}
	members, err := g.office.Members(f.Context())
	if err != nil || len(members) != 1 {
		f.Fatal(err)
	}
	cookie := "martinella=" + p.cookieOf("martinella")
	f.Fuzz(func(t *testing.T, at int, body, media string, signed bool) {
		if strings.ContainsAny(media, "\r\n\x00") || at < 0 {
			return
		}
		g.t = t
		headers := []string{"Content-Type", media}
		if signed {
			headers = append(headers, "Cookie", cookie)
		}
		r := g.do("POST", paths[at%len(paths)], body, headers...)
		if r.StatusCode >= 500 {
			t.Errorf("%s with %q: %d %s", paths[at%len(paths)], body, r.StatusCode, r.body)
		}
		if strings.Contains(r.Header.Get("Set-Cookie"), "martinella=") && !signed {
			t.Errorf("somebody came in with %q", body)
		}
		if all, err := g.office.Members(t.Context()); err != nil || len(all) != 1 || !all[0].Administers() {
			t.Errorf("%q changed who is there: %v", body, err)
		}
		if open, err := g.office.Invitations(t.Context()); err != nil || len(open) != 0 {
			t.Errorf("%q invited somebody", body)
		}
	})
}
