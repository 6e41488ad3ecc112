package dashboards

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/rdb"
)

// rosterGateway is a gateway with one volunteer, Anna.
type rosterGateway struct {
	*gateway
	pages  *broadcast.VolunteerPages
	roll   broadcast.Roll
	number uint32
	said   chan [3]string
	forgot []uint32
}

const annasPhone = "+393331234567"

func anna() broadcast.Subscriber {
	return broadcast.Subscriber{Contacts: map[string]string{"phone": annasPhone, "email": "anna@example.org"}, Language: "it", Areas: []string{"*"}, Audience: "volunteers", Purpose: "emergency",
		Volunteer: &volunteers.Profile{Name: "Anna Prato", Organisation: "Croce Verde", Groups: []string{"Squadra A"}, Skills: []volunteers.Skill{
			{Name: "motosega", Until: time.Now().UTC().AddDate(0, 0, -1)}, {Name: "autista C", Until: time.Now().UTC().AddDate(0, 1, 0)}, {Name: "cucina", Until: time.Now().UTC().AddDate(1, 0, 0)}, {Name: "radio"}}}}
}

func openRoster(t testing.TB, change ...func(*Config)) *rosterGateway {
	t.Helper()
	store, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	g := &rosterGateway{roll: store.People(), said: make(chan [3]string, 100)}
	g.gateway = open(t, append([]func(*Config){func(c *Config) {
		g.pages = broadcast.NewVolunteerPages(broadcast.VolunteerPagesConfig{Roll: g.roll, PublicURL: c.PublicURL, Authority: c.Authority.Name,
			Routes: []broadcast.Route{{Channel: postOffice{kind: "phone", said: g.said}}, {Channel: postOffice{kind: "email", said: g.said}}},
			Forget: func(_ context.Context, number uint32) error { g.forgot = append(g.forgot, number); return nil }})
		c.Volunteers = &Volunteers{Pages: g.pages}
		c.OwnPages = &broadcast.SignUps{Roll: g.roll}
	}}, change...)...)
	entered, err := g.roll.Enter(t.Context(), []broadcast.Listing{{Subscriber: anna()}}, false)
	if err != nil {
		t.Fatal(err)
	}
	g.number = entered[0].Number
	return g
}

func (g *rosterGateway) link() string {
	return "/v/" + g.pages.Token(g.number, "phone", annasPhone, time.Now())
}

func (g *rosterGateway) anna() *broadcast.Member {
	g.t.Helper()
	m, err := g.roll.Member(g.t.Context(), g.number)
	if err != nil {
		g.t.Fatal(err)
	}
	return m
}

func (g *rosterGateway) form(path string, pairs ...string) reply {
	g.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return g.do("POST", path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept-Language", "it")
}

func TestAVolunteerDecidesOnTheOwnPage(t *testing.T) {
	g := openRoster(t)
	at := g.link()
	page := g.get(at)
	for _, want := range []string{"Anna Prato", "Croce Verde", "Squadra A", "scaduta il", "scade il", "valida fino al", "radio"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, secret := range []string{annasPhone, "3331234", "anna@example.org"} {
		if strings.Contains(page.body, secret) {
			t.Errorf("the page says %q", secret)
		}
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"} {
		if got := page.Header.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s is %q", name, got)
		}
	}
	if len(page.Cookies()) > 0 || strings.Contains(page.body, "<script") {
		t.Error("the page sets a cookie or needs a script")
	}
	r := g.form(at, "do", "save", "when", "week", "d0-0-from", "18:00", "d0-0-to", "23:00", "d5-0-from", "08:00", "d5-0-to", "00:00", "d5-1-from", "00:00", "d5-1-to", "02:00",
		"away-from", "2027-08-01", "away-to", "2027-08-15", "order-0", "email", "order-1", "phone", "quiet-from", "22:00", "quiet-to", "07:00", "language", "de")
	if r.StatusCode != 200 || !strings.Contains(r.body, `role="status"`) {
		t.Fatalf("saving: %d", r.StatusCode)
	}
	m := g.anna()
	want := []volunteers.Shift{{Day: time.Saturday, From: "00:00", To: "02:00"}, {Day: time.Saturday, From: "08:00", To: "24:00"}, {Day: time.Monday, From: "18:00", To: "23:00"}}
	if len(m.Volunteer.Weekly) != 3 || m.Volunteer.Weekly[0] != want[0] || m.Volunteer.Weekly[1] != want[1] || m.Volunteer.Weekly[2] != want[2] {
		t.Errorf("the week is %v", m.Volunteer.Weekly)
	}
	if len(m.Volunteer.Exceptions) != 1 || m.Language != "de" || *m.Quiet != (broadcast.Hours{From: "22:00", To: "07:00"}) || strings.Join(m.Channels, " ") != "email phone" || len(m.Volunteer.Skills) != 4 || m.Volunteer.Name != "Anna Prato" {
		t.Errorf("kept %+v, %+v", m.Subscriber, m.Volunteer)
	}
	e := m.Volunteer.Exceptions[0]
	r = g.form(at, "do", "save", "when", "any", "gone", exceptionID(e), "order-0", "email", "language", "de", "name", "Eva", "skills", "pilota")
	if m = g.anna(); r.StatusCode != 200 || m.Volunteer.Weekly != nil || m.Volunteer.Exceptions != nil || m.Quiet != nil || m.Volunteer.Name != "Anna Prato" || len(m.Volunteer.Skills) != 4 {
		t.Errorf("%d, kept %+v, %+v", r.StatusCode, m.Subscriber, m.Volunteer)
	}
	before := g.anna()
	for name, wrong := range map[string][]string{
		"no hours":     {"when", "week", "language", "it"},
		"half a span":  {"when", "week", "d0-0-from", "18:00", "language", "it"},
		"days mixed":   {"when", "any", "away-from", "2027-08-15", "away-to", "2027-08-01", "language", "it"},
		"no quiet end": {"when", "any", "quiet-from", "18:00", "language", "it"},
		"no language":  {"when", "any", "language", "xx"},
	} {
		r := g.form(at, append([]string{"do", "save"}, wrong...)...)
		if r.StatusCode != 422 || !strings.Contains(r.body, `role="alert"`) || g.anna().Volunteer.Weekly != nil || g.anna().Language != before.Language {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
	}
	if r := g.form(at, "do", "save", "when", "week", "d0-0-from", "18:00", "language", "it"); !strings.Contains(r.body, `value="18:00"`) {
		t.Error("what was typed is lost")
	}
}

func TestAVolunteerIsNeverCalledAgainAndErased(t *testing.T) {
	g := openRoster(t)
	at := g.link()
	if r := g.form(at, "do", "stop"); r.StatusCode != 200 || len(g.anna().Stopped) != 2 || !strings.Contains(r.body, "Non ti chiamiamo più") {
		t.Errorf("stop: %d, %v", r.StatusCode, g.anna().Stopped)
	}
	if _, err := g.pages.Send(t.Context(), g.number, time.Now()); err == nil {
		t.Error("who said stop is written to")
	}
	if r := g.form(at, "do", "start"); r.StatusCode != 200 || len(g.anna().Stopped) != 0 {
		t.Errorf("start: %d, %v", r.StatusCode, g.anna().Stopped)
	}
	data := g.get(at + "/data.json")
	if !strings.Contains(data.body, "Anna Prato") || !strings.Contains(data.body, annasPhone) || strings.Contains(data.body, "anna@example.org") || data.Header.Get("Cache-Control") == "" {
		t.Errorf("the copy is %s", data.body)
	}
	if r := g.form(at, "do", "erase"); r.StatusCode != 422 || len(g.forgot) > 0 {
		t.Errorf("without the tick: %d", r.StatusCode)
	}
	if r := g.form(at, "do", "erase", "sure", "1"); r.StatusCode != 200 || len(g.forgot) != 1 || g.forgot[0] != g.number {
		t.Errorf("erasing: %d, forgot %v", r.StatusCode, g.forgot)
	}
	if _, err := g.roll.Member(t.Context(), g.number); err == nil {
		t.Error("Anna is still there")
	}
	if r := g.get(at); r.StatusCode != 404 || strings.Contains(r.body, "Anna") {
		t.Errorf("after erasing: %d", r.StatusCode)
	}
}

func TestTokensOfVolunteersOpenOneDoor(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	g := openRoster(t, func(c *Config) { c.Logger = zap.New(core) })
	now := time.Now()
	citizen := anna()
	citizen.Contacts, citizen.Audience, citizen.Volunteer = map[string]string{"phone": "+393331234568"}, "citizens", nil
	entered, err := g.roll.Enter(t.Context(), []broadcast.Listing{{Subscriber: citizen}}, false)
	if err != nil {
		t.Fatal(err)
	}
	own := broadcast.SignUps{Roll: g.roll}
	good := strings.TrimPrefix(g.link(), "/v/")
	for name, path := range map[string]string{
		"of the page of subscribers":   "/v/" + own.OwnToken(g.number, "phone", annasPhone, now),
		"of volunteers, at subscriber": "/p/" + good,
		"of a citizen":                 "/v/" + g.pages.Token(entered[0].Number, "phone", "+393331234568", now),
		"of another contact":           "/v/" + g.pages.Token(g.number, "phone", "+393331234569", now),
		"of another person":            "/v/" + g.pages.Token(g.number+9, "phone", annasPhone, now),
		"that has ended":               "/v/" + g.pages.Token(g.number, "phone", annasPhone, now.Add(-broadcast.OwnPageTime-48*time.Hour)),
		"with a letter more":           "/v/" + good + "A",
		"with another letter":          "/v/" + flip(good),
		"that is none":                 "/v/x",
	} {
		if r := g.get(path); r.StatusCode != 404 || strings.Contains(r.body, "Anna") {
			t.Errorf("a token %s: %d", name, r.StatusCode)
		}
	}
	r := g.do("POST", g.link(), "do=stop", "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	if r.StatusCode != 403 || len(g.anna().Stopped) > 0 {
		t.Errorf("from another site: %d", r.StatusCode)
	}
	for _, e := range logs.All() {
		if text := e.Message + contextOf(e); strings.Contains(text, good) || strings.Contains(text, "Anna") || strings.Contains(text, annasPhone) {
			t.Errorf("the log says %s", text)
		}
	}
}

func contextOf(e observer.LoggedEntry) (out string) {
	for key, value := range e.ContextMap() {
		if text, ok := value.(string); ok {
			out += " " + key + "=" + text
		}
	}
	return out
}

// flip changes the tenth letter.
func flip(token string) string {
	b := []byte(token)
	if b[10]++; b[10] > 'y' || b[10] == '[' || b[10] == ':' {
		b[10] = 'a'
	}
	return string(b)
}

func TestTheLinkIsSentInTheVolunteersOrder(t *testing.T) {
	g := openRoster(t)
	err := g.roll.Change(t.Context(), g.number, nil, func(m *broadcast.Member) (bool, error) {
		m.Channels, m.Stopped = []string{"matrix", "phone", "email"}, map[string]time.Time{"phone": time.Now()}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	kind, err := g.pages.Send(t.Context(), g.number, time.Now())
	if err != nil || kind != "email" {
		t.Fatalf("sent by %q, %v", kind, err)
	}
	said := <-g.said
	_, link, found := strings.Cut(said[2], "/v/")
	if said[0] != "anna@example.org" || !found || g.get("/v/"+strings.Fields(link)[0]).StatusCode != 200 {
		t.Errorf("sent %q", said)
	}
	for range 10 {
		_, err = g.pages.Send(t.Context(), g.number, time.Now())
	}
	if err == nil || len(g.said) > 5 {
		t.Errorf("without an end: %v", err)
	}
}

func TestTheOwnPageOfAVolunteerInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g := openRoster(t)
	err := g.roll.Change(t.Context(), g.number, nil, func(m *broadcast.Member) (bool, error) {
		m.Volunteer.Exceptions = []volunteers.Exception{{From: time.Now().UTC(), To: time.Now().UTC().Add(48 * time.Hour)}}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	g.pages.Routes = append(g.pages.Routes, broadcast.Route{Channel: &messenger{name: "valdemo_bot"}})
	at := g.link()
	b.looks(g.URL, map[string]string{"volunteer": at + "?lang=it", "volunteer-de": at + "?lang=de", "volunteer-ended": "/v/x?lang=fr"})
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.call("Page.navigate", map[string]any{"url": g.URL + at + "?lang=it"}, nil)
	b.sees(`document.getElementById('when-week')`)
	b.submits(`document.getElementById('when-week').checked = true; document.getElementById('d0-0-from').value = '18:00'; document.getElementById('d0-0-to').value = '23:00'; document.querySelector('.main').form.submit()`, `document.querySelector('.said')`)
	if m := g.anna(); len(m.Volunteer.Weekly) != 1 || len(m.Volunteer.Exceptions) != 1 {
		t.Errorf("kept %+v", m.Volunteer)
	}
}
