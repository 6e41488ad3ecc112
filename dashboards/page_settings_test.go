package dashboards

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"image"
	"image/png"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/net/html"

	"martinella/alerts"
	"martinella/alerts/templates"
	"martinella/broadcast"
	"martinella/broadcast/rdb"
	"martinella/channels"
	"martinella/dashboards/settings"
	"martinella/dashboards/signin"
)

// provable is a channel whose account can be checked, and that reaches people.
type provable struct {
	name, kind string
	wrong      error
	sent       []channels.Message
	posted     []string
}

func (p *provable) Name() string        { return p.name }
func (p *provable) AddressKind() string { return p.kind }
func (p *provable) Check(context.Context) error {
	return p.wrong
}
func (p *provable) Notes() []string {
	return []string{"no username: the broker takes alerts from anybody who reaches it"}
}
func (p *provable) Render(r *alerts.Record) ([]channels.Message, error) {
	return []channels.Message{{Channel: p.name, Text: r.Alert.Infos[0].Headline, Exercise: r.Alert.Practice()}}, nil
}
func (p *provable) Send(_ context.Context, m channels.Message) (channels.Receipt, error) {
	p.sent = append(p.sent, m)
	return channels.Receipt{ID: "1"}, p.wrong
}
func (p *provable) Rehearse(_ context.Context, text string) (string, error) {
	p.posted = append(p.posted, text)
	if p.wrong != nil {
		return "", p.wrong
	}
	return "to the account itself", nil
}

// settingsConsole is a console with settings, channels and a store of papers.
type settingsConsole struct {
	*consoleGateway
	book *settings.Book
	sms  *provable
	post *provable
	own  settings.Templates
}

func openSettings(t testing.TB, change ...func(*Config)) *settingsConsole {
	t.Helper()
	r, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	s := &settingsConsole{book: settings.NewBook(r.Papers(), zap.NewNop()), sms: &provable{name: "sms-comune", kind: "phone"}, post: &provable{name: "mastodon-comune"}, own: settings.Templates{Papers: r.Papers()}}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	metrics := broadcast.NewMetrics(prometheus.NewRegistry(), []string{s.sms.name, s.post.name})
	all := broadcast.Dispatchers{
		{Route: broadcast.Route{Channel: s.sms, Kind: "httpsms"}, Metrics: metrics, Log: zap.NewNop()},
		{Route: broadcast.Route{Channel: s.post, Kind: "mastodon", Social: true}, Metrics: metrics, Log: zap.NewNop()},
	}
	s.consoleGateway = openConsole(t, append([]func(*Config){func(c *Config) {
		c.Papers, c.Settings, c.Channels, c.Templates = r.Papers(), s.book, all, s.book.Templates
		c.PackKey = func() (ed25519.PrivateKey, error) { return key, nil }
		c.Words.Phones, c.Words.Links = []string{"0573 555 0100"}, []string{"https://www.regione.example/meteo"}
		c.Accounts = []Account{{Platform: "mastodon", Name: "@valdemo", URL: "https://social.example/@valdemo", Channel: "mastodon-comune"}}
		c.Outlines = []Outline{{File: "comuni.geojson", System: "ISTAT", Areas: 20}}
	}}, change...)...)
	return s
}

// upload posts a form with a file.
func (p *person) upload(path, field string, file []byte, form url.Values) reply {
	p.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, values := range form {
		for _, value := range values {
			_ = w.WriteField(name, value)
		}
	}
	if file != nil {
		part, err := w.CreateFormFile(field, "file")
		if err != nil {
			p.t.Fatal(err)
		}
		_, _ = part.Write(file)
	}
	_ = w.Close()
	r, err := http.NewRequestWithContext(p.t.Context(), "POST", p.g.site+path, &b)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	res, err := p.http.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	var body bytes.Buffer
	_, _ = body.ReadFrom(res.Body)
	return reply{res, body.String()}
}

// second is another administrator.
func (g *consoleGateway) second(login string) (*person, string) {
	g.t.Helper()
	token, err := g.office.NewInvitation(g.t.Context(), signin.Invitation{Login: login, Name: "Bruna Neri", Grant: signin.EveryRole(), By: alerts.By{ID: "command", Name: "command"}}, time.Now())
	if err != nil {
		g.t.Fatal(err)
	}
	p := g.person()
	return p, p.join(token, login, "Bruna Neri")
}

// proves gives the session of a person a fresh proof for the account: a code of
// a time that lies n steps ahead, since each counts once.
func (g *consoleGateway) proves(p *person, seed string, n int) {
	g.t.Helper()
	m, s, err := g.office.Who(g.t.Context(), p.cookieOf("martinella"))
	if err != nil {
		g.t.Fatal(err)
	}
	if err := g.office.ProveByCode(g.t.Context(), m, s, signin.AccountDeed(m), code(g.t, seed, n), time.Now().Add(time.Duration(n)*30*time.Second)); err != nil {
		g.t.Fatal(err)
	}
}

// formIn reads the fields of the largest form of a page as a browser would send
// them.
func formIn(t testing.TB, page string) url.Values {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var best url.Values
	attr := func(n *html.Node, name string) (string, bool) {
		for _, a := range n.Attr {
			if a.Key == name {
				return a.Val, true
			}
		}
		return "", false
	}
	for form := range root.Descendants() {
		if form.Data != "form" {
			continue
		}
		values := url.Values{}
		for n := range form.Descendants() {
			name, _ := attr(n, "name")
			value, _ := attr(n, "value")
			kind, _ := attr(n, "type")
			_, checked := attr(n, "checked")
			_, selected := attr(n, "selected")
			switch {
			case n.Data == "option" && selected:
				name, _ = attr(n.Parent, "name")
				values.Add(name, value)
			case n.Data == "textarea" && n.FirstChild != nil:
				values.Add(name, n.FirstChild.Data)
			case n.Data == "input" && (kind != "checkbox" || checked) && kind != "file":
				values.Add(name, value)
			}
		}
		if len(values) > len(best) {
			best = values
		}
	}
	return best
}

// keyLeft is a key of the catalogue where its words should be.
var keyLeft = regexp.MustCompile(`(settings|channels|keys|otemplates|registers|identity|areas|lexicon)_[a-z_]+`)

var keyText = regexp.MustCompile(`<code>(mk_[a-z2-7]{32})</code>`)

func TestSettingsInTwoLanguagesForWhoMayReadThem(t *testing.T) {
	g := openSettings(t)
	p, _ := g.first()
	token, err := g.office.NewInvitation(t.Context(), signin.Invitation{Login: "ugo", Name: "Ugo", Grant: signin.Grant{Roles: []string{"viewer"}}, By: alerts.By{ID: "command"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	reader := g.person()
	reader.join(token, "ugo", "Ugo")
	for _, path := range []string{"", "/channels", "/templates", "/templates/flood", "/registers", "/identity", "/areas", "/lexicon"} {
		for _, lang := range []string{"it", "en"} {
			for _, who := range []*person{p, reader} {
				r := who.get("/console/settings" + path + "?lang=" + lang)
				if r.StatusCode != 200 || strings.Contains(r.body, "<no value>") || keyLeft.MatchString(r.body) {
					t.Errorf("%s in %s: %d %q", path, lang, r.StatusCode, keyLeft.FindAllString(r.body, -1))
				}
			}
		}
		if r := reader.do("POST", "/console/settings"+path, url.Values{"do": {"save"}}); r.StatusCode != 403 && r.StatusCode != 405 {
			t.Errorf("a reader changes %q: %d", path, r.StatusCode)
		}
	}
	if r := reader.get("/console/settings/keys"); r.StatusCode != 403 {
		t.Errorf("a reader sees the keys: %d", r.StatusCode)
	}
	if r := p.get("/console/settings?lang=en"); !strings.Contains(r.body, "2 channels; not working: 0") || !strings.Contains(r.body, "keys in use") {
		t.Errorf("index: %s", r.body)
	}
}

func TestChannelsAreCheckedAndTried(t *testing.T) {
	g := openSettings(t)
	p, _ := g.first()
	r := p.do("POST", "/console/settings/channels?lang=en", url.Values{"do": {"check"}, "channel": {"sms-comune"}})
	if r.StatusCode != 200 || !strings.Contains(r.body, "The check was made") || !strings.Contains(r.body, ": passed") || !strings.Contains(r.body, "no username: the broker takes alerts from anybody who reaches it") {
		t.Errorf("check: %d %.0s%v", r.StatusCode, r.body, wrongIn(r.body))
	}
	r = p.do("POST", "/console/settings/channels?lang=en", url.Values{"do": {"test"}, "channel": {"sms-comune"}, "to": {"347 123 4567"}})
	if r.StatusCode != 200 || len(g.sms.sent) != 1 || g.sms.sent[0].To != "+393471234567" || !g.sms.sent[0].Exercise || !strings.HasPrefix(g.sms.sent[0].Text, "TEST") || strings.Contains(r.body, "3471234567") {
		t.Errorf("test: %d %+v %s", r.StatusCode, g.sms.sent, r.body)
	}
	if r := p.do("POST", "/console/settings/channels?lang=en", url.Values{"do": {"test"}, "channel": {"sms-comune"}, "to": {"pippo"}}); r.StatusCode != 422 || !strings.Contains(r.body, `value="pippo"`) || len(g.sms.sent) != 1 {
		t.Errorf("no number: %d", r.StatusCode)
	}
	r = p.do("POST", "/console/settings/channels?lang=en", url.Values{"do": {"rehearse"}, "channel": {"mastodon-comune"}})
	if r.StatusCode != 200 || len(g.post.posted) != 1 || !strings.Contains(r.body, "to the account itself") {
		t.Errorf("rehearse: %d %v", r.StatusCode, g.post.posted)
	}
	g.post.wrong = channels.Unauthorized(errors.New("401 the access token was revoked"))
	r = p.do("POST", "/console/settings/channels?lang=en", url.Values{"do": {"check"}, "channel": {"mastodon-comune"}})
	if !strings.Contains(r.body, "Does not work") || !strings.Contains(r.body, "martinella channels renew mastodon-comune") || !strings.Contains(r.body, "the access token was revoked") {
		t.Errorf("refused credentials: %s", r.body)
	}
	g.post.wrong = errors.ErrUnsupported
	if r := p.do("POST", "/console/settings/channels?lang=en", url.Values{"do": {"rehearse"}, "channel": {"mastodon-comune"}}); r.StatusCode != 422 || !strings.Contains(r.body, "no place that the public does not see") {
		t.Errorf("no place: %d", r.StatusCode)
	}
	if r := p.do("POST", "/console/settings/channels?lang=en", url.Values{"do": {"check"}, "channel": {"sms-comune"}}); r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
		t.Errorf("the seventh in a moment: %d", r.StatusCode)
	}
	for _, line := range g.logs.All() {
		for _, f := range line.Context {
			if strings.Contains(f.String, "3471234567") {
				t.Errorf("the log names the number: %+v", line)
			}
		}
	}
}

func TestKeysAreMadeOnceAndConfirmedByAnother(t *testing.T) {
	g := openSettings(t)
	p, seed := g.first()
	form := url.Values{"do": {"make"}, "name": {"Sala <b>operativa"}, "can": {"submit"}, "days": {"90"}}
	if r := p.do("POST", "/console/settings/keys?lang=en", form); r.StatusCode != 403 || !strings.Contains(r.body, "Nothing was changed") || !strings.Contains(r.body, `value="Sala &lt;b&gt;operativa"`) {
		t.Errorf("without a proof: %d", r.StatusCode)
	}
	for name, change := range map[string]url.Values{"name": {"name": {" "}}, "can": {"can": nil}, "alone": {"alone": {"1"}}, "days": {"days": {"7000"}}, "channels": {"channel": {"nobody"}}} {
		wrong := url.Values{}
		maps.Copy(wrong, form)
		maps.Copy(wrong, change)
		if r := p.do("POST", "/console/settings/keys?lang=en", wrong); r.StatusCode != 422 || !strings.Contains(r.body, `href="#`+name+`"`) {
			t.Errorf("wrong %s: %d", name, r.StatusCode)
		}
	}
	form.Set("code", code(t, seed, 1))
	r := p.do("POST", "/console/settings/keys?lang=en", form)
	made := keyText.FindStringSubmatch(r.body)
	if r.StatusCode != 200 || made == nil {
		t.Fatalf("no key: %d %.0s%v", r.StatusCode, r.body, wrongIn(r.body))
	}
	if again := p.get("/console/settings/keys?lang=en"); strings.Contains(again.body, made[1]) || !strings.Contains(again.body, "exercises and tests only") || !strings.Contains(again.body, "By Anna Rossi") {
		t.Errorf("the list: %s", again.body)
	}
	if r := g.do("GET", "/api/v1/alerts", "", "Authorization", "Bearer "+made[1]); r.StatusCode != 200 {
		t.Errorf("the key: %d %.0s%v", r.StatusCode, r.body, wrongIn(r.body))
	}

	// One for real alerts waits for the other administrator.
	q, other := g.second("bruna")
	g.proves(p, seed, 3)
	grave := url.Values{"do": {"make"}, "name": {"Centrale"}, "can": {"issue"}, "real": {"1"}, "days": {"0"}}
	if r := p.do("POST", "/console/settings/keys?lang=en", grave); r.StatusCode != 200 || keyText.MatchString(r.body) || !strings.Contains(r.body, "waits for another administrator") {
		t.Fatalf("a grave key: %d %.0s%v", r.StatusCode, r.body, wrongIn(r.body))
	}
	wishes, err := g.office.KeyWishes(t.Context())
	if err != nil || len(wishes) != 1 {
		t.Fatalf("%v %v", wishes, err)
	}
	for digest := range wishes {
		g.proves(p, seed, 5)
		confirm := url.Values{"do": {"confirm"}, "of": {digest}}
		if r := p.do("POST", "/console/settings/keys?lang=en", confirm); r.StatusCode != 403 {
			t.Errorf("the asker confirms: %d", r.StatusCode)
		}
		g.proves(q, other, 3)
		r := q.do("POST", "/console/settings/keys?lang=en", confirm)
		if made := keyText.FindStringSubmatch(r.body); r.StatusCode != 200 || made == nil {
			t.Fatalf("the other confirms: %d", r.StatusCode)
		}
		g.proves(q, other, 5)
		if r := q.do("POST", "/console/settings/keys?lang=en", confirm); r.StatusCode != 410 {
			t.Errorf("a second time: %d", r.StatusCode)
		}
	}
	keys, _ := g.memory.List(t.Context())
	last := keys[len(keys)-1]
	if last.Person.Name != "Centrale" || last.By.Name != "Anna Rossi" || !last.Expires.IsZero() {
		t.Errorf("stored %+v", last)
	}
	g.proves(q, other, 7)
	if r := q.do("POST", "/console/settings/keys?lang=en", url.Values{"do": {"revoke"}, "key": {last.Person.ID}}); r.StatusCode != 200 || !strings.Contains(r.body, "The key is revoked") {
		t.Errorf("revoke: %d", r.StatusCode)
	}
	if last.Revoked.IsZero() {
		t.Error("it is not revoked")
	}
}

func TestRegistersHoldAtOnce(t *testing.T) {
	g := openSettings(t)
	p, _ := g.first()
	const path = "/console/settings/registers"
	save := func(form url.Values) reply {
		form.Set("do", "save")
		return p.do("POST", path+"?lang=en", form)
	}
	r := save(url.Values{"register": {"phones"}, "revision": {"0"}, "number": {"0573 555 0199", "", "the mayor", "0573 5550100"}, "note": {"Switchboard", "", "", ""}})
	if r.StatusCode != 422 || !strings.Contains(r.body, "Rows to mend: 2") || !strings.Contains(r.body, `value="the mayor"`) || !strings.Contains(r.body, `href="#phones-1-0"`) || !strings.Contains(r.body, "It is there already") {
		t.Errorf("wrong rows: %d %.0s%v", r.StatusCode, r.body, wrongIn(r.body))
	}
	r = save(url.Values{"register": {"phones"}, "revision": {"0"}, "number": {"0573 555 0199", ""}, "note": {"Switchboard", ""}})
	if r.StatusCode != 200 || !strings.Contains(r.body, "Saved") || !strings.Contains(r.body, "Last changed by Anna Rossi") {
		t.Fatalf("save: %d %.0s%v", r.StatusCode, r.body, wrongIn(r.body))
	}
	words := g.server.words()
	if got := strings.Join(words.Phones, ","); got != "0573 555 0100,0573 555 0199" {
		t.Errorf("the linter knows %s", got)
	}
	if r := save(url.Values{"register": {"phones"}, "revision": {"0"}, "number": {"0573 555 0111"}, "note": {""}}); r.StatusCode != 409 || !strings.Contains(r.body, "somebody else") || !strings.Contains(r.body, "0573 555 0111") {
		t.Errorf("over an older revision: %d", r.StatusCode)
	}
	save(url.Values{"register": {"hashtags"}, "revision": {"0"}, "event": {"", "Alluvione"}, "language": {"", "it"}, "tags": {"#allertaValdemo, #pcValdemo", "pienaValdemo"}})
	save(url.Values{"register": {"accounts"}, "revision": {"0"}, "platform": {"Instagram"}, "name": {"@comunevaldemo"}, "url": {"https://instagram.example/comunevaldemo"}})
	save(url.Values{"register": {"links"}, "revision": {"0"}, "url": {"https://arpa.example/fiumi"}, "note": {"rivers"}})
	if got := g.server.tagsNow().For(alerts.Info{Event: "Alluvione"}, "it"); strings.Join(got, " ") != "#allertaValdemo #pcValdemo #pienaValdemo" {
		t.Errorf("hashtags %v", got)
	}
	public := g.get("/accounts?lang=en").body
	if !strings.Contains(public, "https://instagram.example/comunevaldemo") || !strings.Contains(public, "#pcValdemo") {
		t.Errorf("the public page does not show them: %s", public)
	}
	if links := strings.Join(g.server.words().Links, " "); !strings.Contains(links, "arpa.example") || !strings.Contains(links, "instagram.example") {
		t.Errorf("links %s", links)
	}
	if r := save(url.Values{"register": {"passwords"}, "revision": {"0"}}); r.StatusCode != 400 {
		t.Errorf("no register: %d", r.StatusCode)
	}

	// Links are tried, and nothing is saved.
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/fine" {
			http.NotFound(w, r)
		}
	}))
	defer site.Close()
	found := probeAll(t.Context(), &http.Transport{}, []string{site.URL + "/fine", site.URL + "/gone", "https://127.0.0.1:1/"})
	if !found[0].ok || found[1].ok || found[1].status != 404 || found[2].status != 0 {
		t.Errorf("found %v", found)
	}
	r = p.do("POST", path+"?lang=en", url.Values{"do": {"probe"}, "register": {"links"}, "revision": {"1"}, "url": {"https://127.0.0.1:1/"}, "note": {""}})
	if r.StatusCode != 200 || !strings.Contains(r.body, "it does not answer") || len(g.book.Now().Links) != 1 || g.book.Now().Links[0].URL != "https://arpa.example/fiumi" {
		t.Errorf("tried: %d %v", r.StatusCode, g.book.Now().Links)
	}
}

func pngOf(t testing.TB, side int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestIdentityIsShownAtOnce(t *testing.T) {
	g := openSettings(t)
	p, _ := g.first()
	const path = "/console/settings/identity"
	sheet := regexp.MustCompile(`/static/app\.[^"]+\.css`)
	before := sheet.FindString(g.get("/").body)
	form := url.Values{"do": {"save"}, "revision": {"0"}, "brand": {"#B3092F"}, "site": {"https://www.valdemo.example/"}, "feedback": {"urp@valdemo.example"}}
	hidden := append(pngOf(t, 40), []byte("<script>evil</script>")...)
	r := p.upload(path+"?lang=en", "logo", hidden, form)
	if r.StatusCode != 200 || !strings.Contains(r.body, "Saved") {
		t.Fatalf("save: %d %.0s%v", r.StatusCode, r.body, wrongIn(r.body))
	}
	home := g.get("/").body
	after := sheet.FindString(home)
	if after == before || !strings.Contains(g.get(after).body, "--brand:#b3092f;--on-brand:#ffffff") || !strings.Contains(home, "www.valdemo.example") || !strings.Contains(g.get("/feedback").body, "mailto:urp@valdemo.example") {
		t.Errorf("the page: %s -> %s", before, after)
	}
	if r := g.get(before); r.StatusCode != 200 {
		t.Errorf("a page that is open loses its style: %d", r.StatusCode)
	}
	logo := regexp.MustCompile(`/static/logo\.[^"]+\.png`).FindString(home)
	if r := g.get(logo); r.StatusCode != 200 || r.Header.Get("Content-Type") != "image/png" || strings.Contains(r.body, "evil") {
		t.Errorf("logo %q: %d %v", logo, r.StatusCode, r.Header)
	}
	for name, c := range map[string]struct {
		form url.Values
		file []byte
		at   string
	}{
		"no colour":  {url.Values{"brand": {"blue"}}, nil, "#i-brand"},
		"a bad mail": {url.Values{"feedback": {"nobody"}}, nil, "#i-feedback"},
		"a bad site": {url.Values{"site": {"javascript:alert(1)"}}, nil, "#i-site"},
		"SVG":        {nil, []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "#i-logo"},
		"large":      {nil, pngOf(t, 1300), "#i-logo"},
	} {
		wrong := url.Values{"do": {"save"}, "revision": {"1"}, "name": {"kept"}}
		maps.Copy(wrong, c.form)
		if r := p.upload(path+"?lang=en", "logo", c.file, wrong); r.StatusCode != 422 || !strings.Contains(r.body, `href="`+c.at+`"`) || !strings.Contains(r.body, `value="kept"`) {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
	}
	if r := p.get(path + "/colour?lang=en&brand=%230066cc"); !strings.Contains(r.body, "reserved to central bodies") || strings.Contains(r.body, "<html") {
		t.Errorf("the State's colour: %s", r.body)
	}
	if r := p.get(path + "/colour?lang=en&brand=%23f2c200"); !strings.Contains(r.body, "Black is written on it") {
		t.Errorf("yellow: %s", r.body)
	}
	// Without a logo again.
	p.upload(path, "logo", nil, url.Values{"do": {"save"}, "revision": {"1"}, "no-logo": {"1"}})
	if strings.Contains(g.get("/").body, "/static/logo.") || g.book.Now().Identity.Brand != "" {
		t.Error("the logo stays")
	}
}

// A node that did not see the change yet serves the file of one that did.
func TestAnotherNodesStyleSheetIsServed(t *testing.T) {
	g := openSettings(t)
	other := settings.NewBook(g.own.Papers, zap.NewNop())
	if err := other.PutIdentity(t.Context(), 0, settings.Identity{Brand: "#006b4f"}, alerts.By{ID: "staff:x"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	there, err := loadAssets(must(brandTokens("#006b4f")))
	if err != nil {
		t.Fatal(err)
	}
	at, err := there.url("app.css")
	if err != nil {
		t.Fatal(err)
	}
	if r := g.get(at); r.StatusCode != 200 {
		t.Errorf("%s: %d", at, r.StatusCode)
	}
}

func must(s string, _ error) string { return s }

func TestOwnTemplates(t *testing.T) {
	g := openSettings(t)
	p, _ := g.first()
	const path = "/console/settings/templates"
	page := p.get(path + "/flood?lang=en")
	form := formIn(t, page.body)
	form.Set("do", "save")
	form.Set("it.headline", "Salite ai piani alti adesso")
	if r := p.do("POST", path+"/flood?lang=en", form); r.StatusCode != 200 || !strings.Contains(r.body, "The template is saved") || !strings.Contains(r.body, "in the place of the program") {
		t.Fatalf("save: %d %.0s%v", r.StatusCode, r.body, wrongIn(r.body))
	}
	all, err := g.book.Templates()
	if err != nil || len(all) != len(templates.Shipped()) {
		t.Fatalf("%d %v", len(all), err)
	}
	for _, one := range all {
		if one.ID == "flood" && (one.Texts["it"].Headline != "Salite ai piani alti adesso" || one.Shipped) {
			t.Errorf("in use: %+v", one.Texts["it"])
		}
	}
	if r := p.do("POST", path+"/flood?lang=en", form); r.StatusCode != 409 || !strings.Contains(r.body, "piani alti adesso") {
		t.Errorf("over an older revision: %d", r.StatusCode)
	}
	form.Set("it.headline", "Salite stasera!")
	form.Set("do", "look")
	if r := p.do("POST", path+"/flood?lang=en", form); r.StatusCode != 200 || !strings.Contains(r.body, `href="#it.headline"`) || !strings.Contains(r.body, "Borgo San Rocco") {
		t.Errorf("judged: %d", r.StatusCode)
	}
	form.Set("it.do", "")
	form.Set("do", "save")
	form.Set("revision", "1")
	if r := p.do("POST", path+"/flood?lang=en", form); r.StatusCode != 422 || !strings.Contains(r.body, `href="#it.do"`) || !strings.Contains(r.body, "Salite stasera!") {
		t.Errorf("without a step: %d", r.StatusCode)
	}

	// A pack travels, signed, to another authority.
	pack := p.do("POST", path, url.Values{"do": {"export"}})
	if pack.StatusCode != 200 || !strings.Contains(pack.Header.Get("Content-Disposition"), "valdemo-templates.json") {
		t.Fatalf("export: %d", pack.StatusCode)
	}
	h := openSettings(t)
	q, _ := h.first()
	report := q.upload(path+"?lang=en", "file", []byte(pack.body), url.Values{"do": {"import"}})
	if report.StatusCode != 200 || !strings.Contains(report.body, "Nothing has changed yet") || !strings.Contains(report.body, "the signature is not known yet") {
		t.Fatalf("report: %d %s", report.StatusCode, report.body)
	}
	if own, _ := h.own.Own(t.Context()); len(own) != 0 {
		t.Error("the report took the pack")
	}
	digest := regexp.MustCompile(`name="digest" value="([0-9a-f]+)"`).FindStringSubmatch(report.body)[1]
	take := url.Values{"do": {"take"}, "pack": {pack.body}, "digest": {digest}}
	if r := q.upload(path+"?lang=en", "file", nil, take); r.StatusCode != 422 || !strings.Contains(r.body, "tick the box") {
		t.Errorf("without agreeing: %d", r.StatusCode)
	}
	take.Set("agree", "1")
	if r := q.upload(path+"?lang=en", "file", nil, take); r.StatusCode != 200 || !strings.Contains(r.body, "Templates taken: 1") {
		t.Errorf("take: %d %.0s%v", r.StatusCode, r.body, wrongIn(r.body))
	}
	if r := q.upload(path+"?lang=en", "file", nil, take); r.StatusCode != 422 || !strings.Contains(r.body, "changed meanwhile") {
		t.Errorf("again: %d", r.StatusCode)
	}
	forged := strings.Replace(pack.body, "adesso", "domani", 1)
	if r := q.upload(path+"?lang=en", "file", []byte(forged), url.Values{"do": {"import"}}); r.StatusCode != 422 || !strings.Contains(r.body, "signature does not fit") {
		t.Errorf("forged: %d", r.StatusCode)
	}
	if r := q.upload(path+"?lang=en", "file", bytes.Repeat([]byte("x"), 5<<20), url.Values{"do": {"import"}}); r.StatusCode != 400 {
		t.Errorf("5 MB: %d", r.StatusCode)
	}

	// Removing it brings the shipped one back.
	if r := p.do("POST", path+"/flood?lang=en", url.Values{"do": {"drop"}, "revision": {"1"}}); r.StatusCode != 200 || !strings.Contains(r.body, "The template is removed") {
		t.Errorf("drop: %d", r.StatusCode)
	}
	if own, _ := g.own.Own(t.Context()); len(own) != 0 {
		t.Error("it is still there")
	}
	if r := p.get(path + "/zombies"); r.StatusCode != 404 {
		t.Errorf("no such template: %d", r.StatusCode)
	}
	// One of one's own, made of another.
	form = formIn(t, p.get(path+"/new?from=flood").body)
	form.Set("id", "piena-ombrone")
	form.Set("do", "save")
	if r := p.do("POST", path+"/new?lang=en", form); r.StatusCode != 200 || !strings.Contains(r.body, "piena-ombrone") {
		t.Errorf("a new one: %d", r.StatusCode)
	}
}

// wrongIn is what a page says is wrong, to be read in a test that fails.
func wrongIn(page string) []string {
	return regexp.MustCompile(`(?s)<(?:p|div) class="(?:wrong|said)".*?</(?:p|div)>`).FindAllString(page, -1)
}
