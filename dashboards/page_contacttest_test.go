package dashboards

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
	"martinella/dashboards/settings"
	"martinella/dashboards/signin"
)

// openTestConsole is a console with Anna and Eva on the roster, on the engine, at
// a clock that the test sets.
func openTestConsole(t *testing.T, at *time.Time) (*rosterConsole, *callout.Callouts, *settings.Book) {
	t.Helper()
	late, book := &lateCallouts{}, (*settings.Book)(nil)
	g := openRosterConsole(t, func(c *Config) {
		book = settings.NewBook(c.Papers, zap.NewNop())
		c.Callouts, c.Settings = late, book
	})
	eva := anna()
	eva.Contacts = map[string]string{"phone": "+393331234999"}
	profile := *eva.Volunteer
	profile.Name, profile.Organisation = "=Eva Mare", "ANA"
	eva.Volunteer = &profile
	if _, err := g.roll.Enter(t.Context(), []broadcast.Listing{{Subscriber: eva}}, false); err != nil {
		t.Fatal(err)
	}
	engine := callout.New(callout.Config{Store: g.redis.Callouts(), Roll: g.redis.People(), Routes: []broadcast.Route{{Channel: texts{}, Kind: "smpp"}},
		Durability: func(context.Context) (broadcast.Durability, error) { return broadcast.Durability{Durable: true}, nil },
		Authority:  alerts.Authority{Name: "PC Valdemo", Sender: "pc@valdemo.example"}, Language: "it", Zone: rome, PublicURL: g.site,
		NewID: g.server.Desk.NewID, Now: func() time.Time { return *at }, Log: zap.NewNop(), Testing: func() volunteers.Testing { return book.Now().Testing }}, prometheus.NewRegistry())
	late.Callouts = engine
	return g, engine, book
}

// lateCallouts are named after their server was opened.
type lateCallouts struct{ Callouts }

func TestTheOfficeSetsWhenContactsAreTested(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, rome)
	g, _, book := openTestConsole(t, &at)
	caller, reader := g.member("carla", signin.Grant{Roles: []string{"approver"}, Limits: alerts.Rights{Statuses: alerts.Statuses}}), g.member("rita", signin.Grant{Roles: []string{"viewer"}})
	const path = "/console/volunteers/test"
	if r := caller.get("/console/volunteers?lang=it"); !strings.Contains(r.body, path) {
		t.Error("the roster has no link to the tests")
	}
	if r := reader.get(path); r.StatusCode != 403 {
		t.Errorf("a reader: %d", r.StatusCode)
	}
	if r := reader.do("POST", path, url.Values{"do": {"start"}}); r.StatusCode != 403 {
		t.Errorf("a reader begins one: %d", r.StatusCode)
	}
	form := func(change ...string) url.Values {
		out := url.Values{"do": {"save"}, "id": {"01JD1111111111111111111111"}, "revision": {"0"}, "every": {"6"}, "day": {"3"}, "hour": {"10"}, "days": {"3"}, "groups": {" Squadra A ,"}}
		for i := 0; i < len(change); i += 2 {
			out.Set(change[i], change[i+1])
		}
		return out
	}
	for field, wrong := range map[string]string{"every": "25", "day": "31", "hour": "22", "days": "x"} {
		if r := caller.do("POST", path+"?lang=it", form(field, wrong)); r.StatusCode != 422 || !strings.Contains(r.body, "ora da 8 a 19") {
			t.Errorf("%s %s: %d", field, wrong, r.StatusCode)
		}
	}
	if r := caller.do("POST", path+"?lang=it", form()); r.StatusCode != 200 || !strings.Contains(r.body, "Date salvate") || !strings.Contains(r.body, "Prossima") {
		t.Fatalf("saved: %d %s", r.StatusCode, r.body)
	}
	if set := book.Now().Testing; set.Every != 6 || set.Day != 3 || set.Hour != 10 || set.Days != 3 || len(set.Groups) != 1 || set.Groups[0] != "Squadra A" || set.Since.IsZero() {
		t.Errorf("set %+v", set)
	}
	if r := caller.do("POST", path+"?lang=it", form("every", "0")); r.StatusCode != 409 || book.Now().Testing.Every != 6 {
		t.Errorf("over somebody else's: %d", r.StatusCode)
	}
	at = time.Date(2026, 11, 21, 23, 0, 0, 0, rome)
	if r := caller.get(path + "?lang=it"); !strings.Contains(r.body, "di notte non si prova nessuno") || strings.Contains(r.body, "Comincia ora") {
		t.Error("it does not say that nobody is tested at night")
	}
	if r := caller.do("POST", path+"?lang=it", form("do", "start")); r.StatusCode != 409 || !strings.Contains(r.body, "ora non si può") {
		t.Errorf("begun at night: %d", r.StatusCode)
	}
	at = time.Now().AddDate(5, 0, 0) // nothing ran for years
	if r := caller.get(path + "?lang=it"); !strings.Contains(r.body, "non recuperata") {
		t.Error("it does not say that a date was missed")
	}
}

func TestTheListOfATest(t *testing.T) {
	now := time.Now().In(rome)
	at := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, rome)
	g, engine, _ := openTestConsole(t, &at)
	caller, reader := g.member("carla", signin.Grant{Roles: []string{"approver"}, Limits: alerts.Rights{Statuses: alerts.Statuses}}), g.member("rita", signin.Grant{Roles: []string{"viewer"}})
	form := url.Values{"do": {"start"}, "id": {"01JD1111111111111111111111"}, "revision": {"0"}, "every": {"0"}, "day": {"1"}, "hour": {"10"}, "days": {"3"}, "groups": {""}}
	r := caller.do("POST", "/console/volunteers/test?lang=it", form)
	path := r.Request.URL.Path
	if r.StatusCode != 200 || path != "/console/volunteers/test/01JD1111111111111111111111" || !strings.Contains(r.body, "Senza risposta: 2") || !strings.Contains(r.body, "non ancora") {
		t.Fatalf("begun: %d %s %s", r.StatusCode, r.Request.URL, r.body)
	}
	test, err := engine.Tests(t.Context())
	if err != nil || len(test.Tests) != 1 {
		t.Fatalf("%+v, %v", test, err)
	}
	link := engine.Link(1, test.Tests[0].Number, "phone")
	token := link[strings.LastIndex(link, "/")+1:]
	page := g.get("/d/" + token + "?lang=it")
	if page.StatusCode != 200 || strings.Count(page.body, `name="answer"`) != 1 || !strings.Contains(page.body, `value="received"`) || strings.Contains(page.body, "Servono") {
		t.Errorf("the page of a test: %d %s", page.StatusCode, page.body)
	}
	if r := g.do("POST", "/d/"+token, "answer=received", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"); r.StatusCode != 200 && r.StatusCode != 303 {
		t.Fatalf("confirmed: %d %s", r.StatusCode, r.body)
	}
	r = caller.get(path + "?lang=it")
	silent := regexp.MustCompile(`(?s)h-silent.*h-reached`).FindString(r.body)
	if !strings.Contains(silent, "=Eva Mare") || strings.Contains(silent, "Anna Prato") || !strings.Contains(r.body, "Hanno risposto: 1") {
		t.Errorf("the list: %s", r.body)
	}
	if r := caller.get(path + "/list.csv?lang=it"); !strings.Contains(r.body, "'=Eva Mare,ANA,no,") || !strings.Contains(r.body, "Anna Prato,Croce Verde,sì,") || strings.Contains(r.body, "393331") {
		t.Errorf("the file: %s", r.body)
	}
	if r := caller.get("/console/volunteers?lang=it"); !strings.Contains(r.body, "ultima risposta: "+at.Format("02/01/2006")) {
		t.Error("the roster does not say who was reached")
	}
	for _, end := range []string{"", "/list.csv"} {
		if r := reader.get(path + end); r.StatusCode != 403 || strings.Contains(r.body, "Eva") {
			t.Errorf("a reader: %d", r.StatusCode)
		}
		if r := caller.get("/console/volunteers/test/01JD2222222222222222222222" + end); r.StatusCode != 404 {
			t.Errorf("of no test: %d", r.StatusCode)
		}
	}
	for range 2 {
		if r := caller.do("POST", path+"?lang=it", url.Values{}); r.StatusCode != 200 || !strings.Contains(r.body, "fermata") {
			t.Errorf("stopped: %d", r.StatusCode)
		}
	}
}
