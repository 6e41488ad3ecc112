package dashboards

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/rdb"
	"martinella/dashboards/signin"
)

// consoleGateway is a gateway with a console whose address is its own.
type consoleGateway struct {
	*gateway
	office *signin.Office
	store  broadcast.Staff
	redis  *rdb.Redis
	site   string // http://localhost:PORT
}

func openConsole(t testing.TB, change ...func(*Config)) *consoleGateway {
	t.Helper()
	r, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	late := &lateHandler{}
	server := httptest.NewServer(late)
	t.Cleanup(server.Close)
	site := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	office, err := signin.New(r.Staff(), "Protezione Civile di Valdemo", site)
	if err != nil {
		t.Fatal(err)
	}
	g := open(t, append([]func(*Config){func(c *Config) {
		c.PublicURL, c.Staff, c.Papers = site, office, r.Papers()
		c.Direct = true
	}}, change...)...)
	late.Handler = g.server.Public()
	t.Cleanup(g.server.Farewell) // who follows a board would keep the server open
	return &consoleGateway{g, office, r.Staff(), r, site}
}

// lateHandler is named after its server was started.
type lateHandler struct{ http.Handler }

// person is a browser without JavaScript.
type person struct {
	t    testing.TB
	g    *consoleGateway
	http *http.Client
}

func (g *consoleGateway) person() *person {
	jar, _ := cookiejar.New(nil)
	return &person{g.t, g, &http.Client{Jar: jar}}
}

func (p *person) do(method, path string, form url.Values, headers ...string) reply {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.g.site+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := p.http.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	if _, err := io.Copy(&b, res.Body); err != nil {
		p.t.Fatal(err)
	}
	return reply{res, b.String()}
}

func (p *person) get(path string) reply { p.t.Helper(); return p.do("GET", path, nil) }

// cookieOf gives what the browser holds.
func (p *person) cookieOf(name string) string {
	u, _ := url.Parse(p.g.site)
	for _, k := range p.http.Jar.Cookies(u) {
		if k.Name == name {
			return k.Value
		}
	}
	return ""
}

const goodPassword = "cavallo batteria graffetta"

var seedText = regexp.MustCompile(`<code>([A-Z2-7 ]{30,})</code>`)

// code gives the code of a seed, steps from now.
func code(t testing.TB, seed string, steps int) string {
	t.Helper()
	c, err := totp.GenerateCode(seed, time.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// join accepts an invitation with a password, and gives the seed of the codes.
func (p *person) join(token, login, name string) string {
	p.t.Helper()
	page := p.get("/console/invite/" + token + "?lang=en")
	found := seedText.FindStringSubmatch(page.body)
	if found == nil {
		p.t.Fatalf("no seed: %d %s", page.StatusCode, page.body)
	}
	seed := strings.ReplaceAll(found[1], " ", "")
	r := p.do("POST", "/console/invite/"+token+"?lang=en", url.Values{"login": {login}, "name": {name}, "password": {goodPassword}, "again": {goodPassword}, "code": {code(p.t, seed, 0)}})
	if r.StatusCode != 200 || r.Request.URL.Path != "/console" {
		p.t.Fatalf("join: %d %s %s", r.StatusCode, r.Request.URL, r.body)
	}
	return seed
}

// seed is what the page of an invitation shows.
func (g *consoleGateway) seed(token string) string {
	g.t.Helper()
	i, err := g.office.Invited(g.t.Context(), token)
	if err != nil {
		g.t.Fatal(err)
	}
	return i.Seed(token)
}

// first makes the first administrator.
func (g *consoleGateway) first() (*person, string) {
	g.t.Helper()
	token, err := g.office.FirstInvitation(g.t.Context(), time.Now())
	if err != nil || token == "" {
		g.t.Fatalf("no link: %v", err)
	}
	p := g.person()
	return p, p.join(token, "Anna", "Anna Rossi")
}

func TestFirstLinkThenOutAndInAgain(t *testing.T) {
	g := openConsole(t)
	p, seed := g.first()
	if r := p.get("/console?lang=en"); !strings.Contains(r.body, "Overview") || !strings.Contains(r.body, "Anna Rossi") || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("overview: %d %v", r.StatusCode, r.Header)
	}
	if token, err := g.office.FirstInvitation(t.Context(), time.Now()); token != "" || err != nil {
		t.Errorf("a second first link: %q %v", token, err)
	}
	before := p.cookieOf("martinella")
	if r := p.do("POST", "/console/sign-out", url.Values{}); r.Request.URL.Path != "/console/sign-in" {
		t.Errorf("signed out to %s", r.Request.URL)
	}
	if _, _, err := g.office.Who(t.Context(), before); err == nil {
		t.Error("the session goes on after signing out")
	}
	if r := p.get("/console"); r.Request.URL.Path != "/console/sign-in" {
		t.Errorf("without a session: %s", r.Request.URL)
	}
	wrong := p.do("POST", "/console/sign-in?lang=en", url.Values{"login": {"anna"}, "password": {"something else entirely"}, "code": {code(t, seed, 0)}})
	unknown := p.do("POST", "/console/sign-in?lang=en", url.Values{"login": {"berta"}, "password": {"something else entirely"}, "code": {code(t, seed, 0)}})
	clock := regexp.MustCompile(`<p id="when">.*</p>`) // it may move between the two
	same := func(body string) string { return clock.ReplaceAllString(strings.ReplaceAll(body, "anna", "berta"), "") }
	if wrong.StatusCode != 401 || unknown.StatusCode != 401 || same(wrong.body) != same(unknown.body) {
		t.Errorf("the answer tells who is known: %d %d", wrong.StatusCode, unknown.StatusCode)
	}
	r := p.do("POST", "/console/sign-in?lang=en", url.Values{"login": {" ANNA "}, "password": {goodPassword}, "code": {code(t, seed, 1)}})
	if r.StatusCode != 200 || r.Request.URL.Path != "/console" {
		t.Errorf("signing in again: %d %s", r.StatusCode, r.body)
	}
	if p.cookieOf("martinella") == before {
		t.Error("the session is the one from before")
	}
}

func TestTheConsoleRefuses(t *testing.T) {
	g := openConsole(t)
	p, seed := g.first()
	form := url.Values{"do": {"codes"}}
	for name, c := range map[string]struct {
		path    string
		form    url.Values
		headers []string
		want    int
	}{
		"what another site posts":           {"/console/account", form, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"what a site beside ours posts":     {"/console/account", form, []string{"Sec-Fetch-Site", "same-site"}, 403},
		"what another origin posts":         {"/console/account", form, []string{"Origin", "https://evil.example"}, 403},
		"signing in from another site":      {"/console/sign-in", url.Values{"login": {"anna"}}, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"a form that is too large":          {"/console/account", url.Values{"do": {strings.Repeat("x", maxForm)}}, nil, 400},
		"an act that there is none":         {"/console/account", url.Values{"do": {"fly"}}, nil, 400},
		"a used link":                       {"/console/invite/" + strings.Repeat("A", 43), url.Values{}, nil, 410},
		"a passkey that is no JSON":         {"/console/sign-in/passkey", form, nil, 415},
		"an administrator's act from staff": {"/console/staff", url.Values{"do": {"confirm"}, "of": {"x"}}, nil, 403},
	} {
		t.Run(name, func(t *testing.T) {
			if r := p.do("POST", c.path, c.form, c.headers...); r.StatusCode != c.want {
				t.Errorf("got %d, want %d: %s", r.StatusCode, c.want, r.body)
			}
		})
	}
	// A code holds once, and no older one after it.
	other := g.person()
	in := url.Values{"login": {"anna"}, "password": {goodPassword}, "code": {code(t, seed, 1)}}
	if r := other.do("POST", "/console/sign-in", in); r.Request.URL.Path != "/console" {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	for i, spent := range []string{in.Get("code"), code(t, seed, 0), code(t, seed, -1)} {
		in.Set("code", spent)
		if r := g.person().do("POST", "/console/sign-in", in); r.StatusCode != 401 {
			t.Errorf("spent code %d again: %d", i, r.StatusCode)
		}
	}
}

func TestGuessingSlowsTheGuesserAlone(t *testing.T) {
	g := openConsole(t)
	p, seed := g.first()
	guesser := g.person()
	in := url.Values{"login": {"anna"}, "password": {"guess"}, "code": {"000000"}}
	statuses := map[int]int{}
	for range 6 {
		r := guesser.do("POST", "/console/sign-in", in)
		statuses[r.StatusCode]++
		if r.StatusCode == 429 && r.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	if statuses[401] != 4 || statuses[429] != 2 {
		t.Errorf("answers %v", statuses)
	}
	if r := p.get("/console"); r.StatusCode != 200 || r.Request.URL.Path != "/console" {
		t.Errorf("who is signed in: %d", r.StatusCode)
	}
	p.do("POST", "/console/sign-out", url.Values{})
	// The browser that signed in before waits for nobody's guesses.
	r := p.do("POST", "/console/sign-in", url.Values{"login": {"anna"}, "password": {goodPassword}, "code": {code(t, seed, 1)}})
	if r.Request.URL.Path != "/console" {
		t.Errorf("the known browser: %d", r.StatusCode)
	}
}

func TestCookiesOverHTTPS(t *testing.T) {
	g := openConsole(t, func(c *Config) { c.PublicURL = "https://allerta.valdemo.example" })
	token, err := g.office.FirstInvitation(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	seed := g.seed(token)
	p := g.person()
	p.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r := p.do("POST", "/console/invite/"+token, url.Values{"login": {"anna"}, "name": {"Anna Rossi"}, "password": {goodPassword}, "again": {goodPassword}, "code": {code(t, seed, 0)}})
	if r.StatusCode != 303 || len(r.Cookies()) != 2 {
		t.Fatalf("%d %v", r.StatusCode, r.Cookies())
	}
	for _, k := range r.Cookies() {
		if !strings.HasPrefix(k.Name, "__Host-") || !k.Secure || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || k.Path != "/" || k.Domain != "" {
			t.Errorf("cookie %+v", k)
		}
	}
	if got := r.Header.Get("Content-Security-Policy"); got != policy {
		t.Errorf("policy %q", got)
	}
}

func TestASessionCallsTheAPI(t *testing.T) {
	g := openConsole(t)
	p, seed := g.first()
	api := func(method, path, body string, headers ...string) reply {
		return g.do(method, path, body, append([]string{"Cookie", "martinella=" + p.cookieOf("martinella")}, headers...)...)
	}
	if r := api("GET", "/api/v1/alerts", ""); r.StatusCode != 200 {
		t.Fatalf("list: %d %s", r.StatusCode, r.body)
	}
	severe := g.post(author, "/api/v1/alerts", message("grave", "severity", "Severe")).json(t)
	path := "/api/v1/alerts/" + severe["id"].(string) + "/approve"
	decision := `{"digest":"` + severe["digest"].(string) + `"}`
	if r := api("POST", path, decision, "Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"); r.StatusCode != 403 || !strings.Contains(r.body, "origin") {
		t.Errorf("from another site: %d %s", r.StatusCode, r.body)
	}
	if r := api("POST", path, decision, "Content-Type", "application/json"); r.StatusCode != 403 || !strings.Contains(r.body, "proof") {
		t.Errorf("without a fresh proof: %d %s", r.StatusCode, r.body)
	}
	m, s, err := g.office.Who(t.Context(), p.cookieOf("martinella"))
	if err != nil {
		t.Fatal(err)
	}
	approve := func() int {
		return api("POST", path, decision, "Content-Type", "application/json").StatusCode
	}
	shown := alerts.Digest(severe["digest"].(string))
	if err := g.office.ProveByCode(t.Context(), m, s, signin.Deed{Act: "cancel", Digest: shown}, code(t, seed, 1), time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := approve(); got != 403 {
		t.Errorf("with the proof of another act: %d", got)
	}
	if err := g.office.ProveByCode(t.Context(), m, s, signin.Deed{Act: "approve", Digest: shown}, code(t, seed, 3), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := approve(); got != 200 && got != 201 {
		t.Errorf("with its own proof: %d", got)
	}
}
