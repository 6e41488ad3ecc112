package dashboards

import (
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"martinella/dashboards/signin"
	"martinella/dashboards/signin/oidctest"
)

// openThrough is a gateway whose staff may sign in through a provider.
func openThrough(t testing.TB, change ...func(*Config)) (*consoleGateway, *oidctest.Provider) {
	t.Helper()
	fake := oidctest.Start(t, "anna at the provider")
	p, err := signin.NewProvider(signin.ProviderConfig{
		Name: "SPID/CIE", Issuer: fake.URL, ClientID: oidctest.ClientID, Secret: func() (string, error) { return oidctest.Secret, nil }, Logout: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return openConsole(t, append([]func(*Config){func(c *Config) { c.Staff.Through(p) }}, change...)...), fake
}

// travel goes on where a page leads by itself, to the provider and back.
func (p *person) travel(r reply) reply {
	p.t.Helper()
	for range 4 {
		to, leads := strings.CutPrefix(r.Header.Get("Refresh"), "0; url=")
		if !leads {
			return r
		}
		if !strings.Contains(r.body, html.EscapeString(to)) {
			p.t.Errorf("no link to %s: %s", to, r.body)
		}
		req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, to, nil)
		if strings.HasPrefix(to, "/") {
			req, err = http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.g.site+to, nil)
		}
		if err != nil {
			p.t.Fatal(err)
		}
		res, err := p.http.Do(req)
		if err != nil {
			p.t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			p.t.Fatal(err)
		}
		r = reply{res, string(b)}
	}
	p.t.Fatalf("it leads on and on: %s", r.body)
	return r
}

// bound joins the first administrator and binds them.
func (g *consoleGateway) bound() (*person, string) {
	g.t.Helper()
	p, seed := g.first()
	r := p.travel(p.do("POST", "/console/account/oidc?lang=en", url.Values{"do": {"bind"}, "code": {code(g.t, seed, 1)}}))
	if r.Request.URL.Path != "/console/account" || !strings.Contains(r.body, "Your SPID/CIE account is connected") {
		g.t.Fatalf("binding: %d %s %s", r.StatusCode, r.Request.URL, r.body)
	}
	return p, seed
}

func TestSigningInThroughAProvider(t *testing.T) {
	g, fake := openThrough(t)
	p, _ := g.bound()
	if r := p.get("/console/ledger?lang=en"); !strings.Contains(r.body, "outside account connected") {
		t.Error("the ledger does not tell of the binding")
	}
	r := p.do("POST", "/console/sign-out?lang=en", url.Values{})
	if strings.Contains(r.Header.Get("Refresh"), fake.URL) {
		t.Error("who signed in with a password is led to the provider")
	}
	const alert = "/console/a/01ARZ3NDEKTSV4RRFFQ69G5FAV"
	r = p.do("POST", "/console/sign-in/oidc?lang=en", url.Values{"next": {alert}})
	if got := r.Header.Values("Set-Cookie"); len(got) != 1 || !strings.Contains(got[0], "SameSite=Lax") || !strings.Contains(got[0], "HttpOnly") || !strings.Contains(got[0], "Max-Age=600") {
		t.Errorf("cookies %v", got)
	}
	if r := p.travel(r); r.Request.URL.Path != alert {
		t.Errorf("it leads to %s", r.Request.URL)
	}
	if r := p.get("/console/account?lang=en"); !strings.Contains(r.body, "with SPID/CIE") {
		t.Errorf("the session does not say how: %s", r.body)
	}
	if p.cookieOf("martinella-oidc") != "" {
		t.Error("the cookie of the journey stays")
	}
	r = p.do("POST", "/console/sign-out?lang=en", url.Values{})
	if to := r.Header.Get("Refresh"); !strings.HasPrefix(to, "0; url="+fake.URL+"/out?client_id=martinella&post_logout_redirect_uri=") {
		t.Errorf("signing out leads to %q", to)
	}
	if r := p.get("/console/account"); r.Request.URL.Path != "/console/sign-in" {
		t.Error("still in")
	}
}

// Wherever next points, signing in leads to a page of ours.
func TestNextIsNotTaken(t *testing.T) {
	g, _ := openThrough(t)
	p, _ := g.bound()
	for _, next := range []string{"https://evil.example", "//evil.example", "/console/a/../../x", "javascript:alert(1)", "/console/sign-out", "\\\\evil.example", "/console/a/01ARZ3NDEKTSV4RRFFQ69G5FAV\r\nX: y"} {
		if r := p.travel(p.do("POST", "/console/sign-in/oidc", url.Values{"next": {next}})); r.Request.URL.Path != "/console" {
			t.Errorf("%q leads to %s", next, r.Request.URL)
		}
		if r := p.travel(p.do("POST", "/console/account/proof/oidc", url.Values{"next": {next}})); r.Request.URL.Path != "/console/account" {
			t.Errorf("a proof with %q leads to %s", next, r.Request.URL)
		}
	}
}

// What goes wrong is said kindly, in the reader's language, and logged without
// what was brought back. Other ways in stay.
func TestJourneysThatEndBadly(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	g, fake := openThrough(t, func(c *Config) { c.Logger = zap.New(core) })
	g.first()
	stranger := g.person()
	if r := stranger.travel(stranger.do("POST", "/console/sign-in/oidc?lang=en", url.Values{})); r.StatusCode != 403 || !strings.Contains(r.body, "connected to nobody here") || !strings.Contains(r.body, `href="/console?lang=en"`) {
		t.Errorf("unbound: %d %s", r.StatusCode, r.body)
	}
	if r := stranger.travel(stranger.do("POST", "/console/sign-in/oidc?lang=it", url.Values{})); !strings.Contains(r.body, "non è collegato a nessuno qui") {
		t.Errorf("in Italian: %s", r.body)
	}
	for _, path := range []string{"", "?code=hush-code&state=hush-state", "?error=access_denied&error_description=hush&state=x", "?code=" + strings.Repeat("x", 5000)} {
		if r := stranger.get(signin.ReturnPath + path); r.StatusCode != 401 || strings.Contains(r.body, "hush") || r.Header.Get("Refresh") != "" {
			t.Errorf("%.40s: %d %s", path, r.StatusCode, r.body)
		}
	}
	fake.Answer("/token", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(400)
		fake.JSON(w, map[string]string{"error": "invalid_grant", "error_description": "hush-token"})
	})
	if r := stranger.travel(stranger.do("POST", "/console/sign-in/oidc?lang=en", url.Values{})); r.StatusCode != 401 || !strings.Contains(r.body, "Nothing was changed") {
		t.Errorf("a refused code: %d", r.StatusCode)
	}
	for _, e := range logs.All() {
		line := e.Message
		for _, f := range e.Context {
			line += " " + f.String
		}
		if strings.Contains(line, "hush") || strings.Contains(line, "eyJ") || strings.Contains(line, oidctest.Secret) {
			t.Errorf("logged: %s", line)
		}
	}
	if logs.FilterMessage("sign-in through the provider: no").Len() < 6 {
		t.Error("it is not logged")
	}

	away, _ := openThrough(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	p, err := signin.NewProvider(signin.ProviderConfig{Name: "SPID/CIE", Issuer: gone.URL, ClientID: "x", Secret: func() (string, error) { return "x", nil }})
	if err != nil {
		t.Fatal(err)
	}
	away.office.Through(p)
	r := away.person().do("POST", "/console/sign-in/oidc?lang=en", url.Values{})
	if r.StatusCode != 503 || !strings.Contains(r.body, "SPID/CIE does not answer") || !strings.Contains(r.body, `name="password"`) {
		t.Errorf("away: %d %s", r.StatusCode, r.body)
	}
	if r := away.person().do("POST", "/console/sign-in/oidc", url.Values{}, "Sec-Fetch-Site", "cross-site"); r.StatusCode != 403 {
		t.Errorf("from another site: %d", r.StatusCode)
	}
}

// Without a provider there is nothing of it.
func TestWithoutAProvider(t *testing.T) {
	g := openConsole(t)
	if r := g.get(signin.ReturnPath); r.StatusCode != 404 {
		t.Errorf("the return: %d", r.StatusCode)
	}
	if r := g.get("/console/sign-in"); strings.Contains(r.body, "oidc") {
		t.Error("the page offers a provider")
	}
}

func TestAnInvitationThroughAProvider(t *testing.T) {
	g, _ := openThrough(t)
	token, err := g.office.FirstInvitation(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p := g.person()
	if r := p.do("POST", "/console/invite/"+token+"/oidc?lang=en", url.Values{"login": {""}, "name": {"Anna"}}); r.StatusCode != 422 || !strings.Contains(r.body, `value="Anna"`) {
		t.Errorf("without a login: %d", r.StatusCode)
	}
	page := p.get("/console/invite/" + token + "?lang=en")
	if !strings.Contains(page.body, `formaction="/console/invite/`+token+`/oidc?lang=en"`) || strings.Index(page.body, "Accept with SPID/CIE") < strings.Index(page.body, `name="again"`) {
		t.Errorf("no button, or one that Enter presses: %s", page.body)
	}
	r := p.travel(p.do("POST", "/console/invite/"+token+"/oidc?lang=en", url.Values{"login": {"anna"}, "name": {"Anna Rossi"}}))
	if r.StatusCode != 200 || r.Request.URL.Path != "/console" {
		t.Fatalf("%d %s %s", r.StatusCode, r.Request.URL, r.body)
	}
	if r := p.do("POST", "/console/account/oidc?lang=en", url.Values{"do": {"unbind"}}); r.StatusCode != 403 {
		t.Errorf("unbinding without a proof: %d", r.StatusCode)
	}
	// Who has nothing else gives the proof there, and then has codes to print.
	r = p.travel(p.do("POST", "/console/account/proof/oidc?lang=en", url.Values{"next": {"/console/account"}}))
	if !strings.Contains(r.body, "Confirmed with SPID/CIE: within five minutes") {
		t.Errorf("no proof: %s", r.body)
	}
	if r := p.do("POST", "/console/account/oidc?lang=en", url.Values{"do": {"unbind"}}); r.StatusCode != 422 || !strings.Contains(r.body, "your only way in") {
		t.Errorf("unbinding the only way in: %d", r.StatusCode)
	}
	if r := p.do("POST", "/console/account?lang=en", url.Values{"do": {"codes"}}); r.StatusCode != 200 || strings.Count(r.body, "<li><code>") != 10 {
		t.Errorf("codes: %d", r.StatusCode)
	}
	if r := p.do("POST", "/console/account?lang=en", url.Values{"do": {"codes"}}); r.StatusCode != 403 {
		t.Errorf("the proof again: %d", r.StatusCode)
	}
}

var throughAction = regexp.MustCompile(`formaction="([^"]+/oidc[^"]*)"`)

// Taking back a real alert: confirm at the provider, come back to the page with
// what was typed, press the button; without JavaScript.
func TestAGraveActConfirmedAtTheProvider(t *testing.T) {
	g, fake := openThrough(t)
	p, _ := g.bound()
	sent := g.issue(message("grave", "severity", "Severe"))
	page := "/console/a/" + sent["id"].(string) + "/cancel"
	r := p.get(page + "?lang=en")
	found := throughAction.FindStringSubmatch(r.body)
	if found == nil || !strings.Contains(r.body, "Confirm with SPID/CIE") {
		t.Fatalf("no button: %d %s", r.StatusCode, r.body)
	}
	to := html.UnescapeString(found[1])
	digest := regexp.MustCompile(`name="digest" value="([^"]+)"`).FindStringSubmatch(r.body)[1]
	form := url.Values{"digest": {digest}, "why": {"error"}, "reason": {"the dam stands"}, "code": {"123456"}}

	fake.Sits("somebody else")
	if r := p.travel(p.do("POST", to, form)); r.StatusCode != 403 || !strings.Contains(r.body, "Another person came back") || !strings.Contains(r.body, `href="`+page+`?lang=en"`) {
		t.Errorf("another person: %d %s", r.StatusCode, r.body)
	}
	if r := p.do("POST", page+"?lang=en", form); r.StatusCode != 403 {
		t.Errorf("without a proof: %d", r.StatusCode)
	}
	fake.Sits("anna at the provider")
	r = p.travel(p.do("POST", to, form))
	if r.Request.URL.Path != page || !strings.Contains(r.body, "Confirmed with SPID/CIE. Press the button") || !strings.Contains(r.body, `value="the dam stands"`) {
		t.Fatalf("back: %s %s", r.Request.URL, r.body)
	}
	if strings.Contains(r.body, "123456") || strings.Contains(r.body, `name="code"`) {
		t.Error("a code is kept or asked for")
	}
	form.Del("code")
	if r := p.do("POST", page+"?lang=en", form); r.StatusCode != 200 || r.Request.URL.Path == page {
		t.Errorf("the act: %d %s %s", r.StatusCode, r.Request.URL, r.body)
	}

	for _, path := range []string{"/console/a/" + sent["id"].(string) + "/proof/sign-out/oidc", "/console/a/evil/proof/cancel/oidc", strings.Replace(to, "digest=", "digest="+strings.Repeat("x", 100), 1)} {
		if r := p.do("POST", path, url.Values{}); r.StatusCode != 400 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}
