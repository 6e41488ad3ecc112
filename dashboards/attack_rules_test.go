package dashboards

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/dashboards/signin"
)

// A writes, B takes it over and asks for approval: A, whose words they are, is
// no second person, neither on the page nor by the API.
func TestADraftHandedOverIsNotApprovedByWhoWroteIt(t *testing.T) {
	g := openDesktop(t)
	anna, bruno, carla := g.staff("anna", "Anna Verdi", writer(true, "approver")), g.staff("bruno", "Bruno Neri", writer(true, "approver")), g.staff("carla", "Carla Bianchi", writer(true, "approver"))
	path, form := anna.written(alerts.StatusActual)
	form.Set("t0-headline", "Salite ai piani alti")
	form.Set("severity", "Severe")
	if r := anna.do("POST", path+"?lang=en", withDo(form, "save")); r.StatusCode != 200 {
		t.Fatal(r.body)
	}
	if r := bruno.do("POST", path+"/take?lang=en", url.Values{}); r.StatusCode != 200 {
		t.Fatal(r.body)
	}
	// Carla looks, takes it over and gives it back, and has written nothing.
	carla.do("POST", path+"/take", url.Values{})
	bruno.do("POST", path+"/take", url.Values{})
	r := bruno.asks(path, writingOf(t, bruno.get(path+"?lang=en").body, "writing"))
	if !strings.HasPrefix(r.Request.URL.Path, "/console/a/") {
		t.Fatalf("asked: %d %s %s", r.StatusCode, r.Request.URL, r.body)
	}
	record := g.memory.records[0]
	if record.Author.Name != "Bruno Neri" || len(record.Writers) != 1 || record.Writers[0].Name != "Anna Verdi" {
		t.Fatalf("author %+v, writers %+v", record.Author, record.Writers)
	}
	page := anna.get("/console/a/" + string(record.ID) + "/approve?lang=en")
	if !strings.Contains(page.body, "words of it are yours") || !strings.Contains(page.body, "Carla Bianchi") || strings.Contains(page.body, `name="people"`) {
		t.Errorf("the page lets who wrote it approve: %s", page.body)
	}
	api := g.do("POST", "/api/v1/alerts/"+string(record.ID)+"/open", `{"digest":"`+string(record.Approved)+`"}`, "Cookie", "martinella="+anna.cookieOf("martinella"), "Content-Type", "application/json")
	if api.StatusCode != 403 || !strings.Contains(api.body, "wrote words of it") {
		t.Errorf("the API: %d %s", api.StatusCode, api.body)
	}
	if page := carla.get("/console/a/" + string(record.ID) + "/approve?lang=en"); !strings.Contains(page.body, `name="people"`) {
		t.Errorf("who wrote nothing may not approve: %s", page.body)
	}
}

// What was given back and is written anew by somebody else keeps its writer.
func TestARewrittenAlertKeepsItsFirstWriter(t *testing.T) {
	g := openDesktop(t)
	anna, bruno := g.staff("anna", "Anna Verdi", writer(true, "approver")), g.staff("bruno", "Bruno Neri", writer(true, "approver"))
	path, form := anna.written(alerts.StatusActual)
	form.Set("severity", "Severe")
	if r := anna.asks(path, form); !strings.HasPrefix(r.Request.URL.Path, "/console/a/") {
		t.Fatalf("asked: %d %s", r.StatusCode, r.body)
	}
	first := g.memory.records[0]
	if r := bruno.do("POST", "/console/a/"+string(first.ID)+"/return", url.Values{"digest": {string(first.Approved)}, "reason-return": {"the street is missing"}}); r.StatusCode != 200 {
		t.Fatalf("return: %d %s", r.StatusCode, r.body)
	}
	page := bruno.begin(url.Values{"again": {string(first.ID)}})
	r := bruno.asks(page.Request.URL.Path, writingOf(t, page.body, "writing"))
	if !strings.HasPrefix(r.Request.URL.Path, "/console/a/") || len(g.memory.records) != 2 {
		t.Fatalf("asked: %d %s %s", r.StatusCode, r.Request.URL, r.body)
	}
	if second := g.memory.records[1]; len(second.Writers) != 1 || second.Writers[0].Name != "Anna Verdi" {
		t.Errorf("writers %+v", second.Writers)
	}
}

// Two windows ask for approval of one draft in different words: one alert waits,
// in the words of one, and the other is told and loses nothing.
func TestOneDraftAskedForInTwoWays(t *testing.T) {
	g := openDesktop(t)
	p := g.staff("bruno", "Bruno Neri", writer(true))
	path, form := p.written(alerts.StatusActual)
	kept, err := g.drawer.Paper(t.Context(), draftKind, strings.TrimPrefix(path, "/console/draft/"))
	if err != nil {
		t.Fatal(err)
	}
	if r := p.asks(path, form); !strings.HasPrefix(r.Request.URL.Path, "/console/a/") {
		t.Fatalf("asked: %d %s", r.StatusCode, r.body)
	}
	// The other window wrote between the reading and the dropping of the paper.
	g.drawer.mu.Lock()
	g.drawer.past[draftKind+" "+kept.ID], g.drawer.dropped = []broadcast.Paper{kept}, map[string]bool{}
	g.drawer.mu.Unlock()
	acts := len(g.memory.acts)
	other := writingOf(t, p.get(path+"?lang=en").body, "writing")
	other.Set("t0-headline", "Altre parole")
	r := p.asks(path, other)
	if r.StatusCode != 409 || !strings.Contains(r.body, "already sent for approval in other words") || !strings.Contains(r.body, "Altre parole") {
		t.Errorf("asked in other words: %d %s %s", r.StatusCode, r.Request.URL, r.body)
	}
	if len(g.memory.records) != 1 || len(g.memory.acts) != acts {
		t.Errorf("%d records, %d acts more", len(g.memory.records), len(g.memory.acts)-acts)
	}
	if _, err := g.drawer.Paper(t.Context(), draftKind, kept.ID); err != nil {
		t.Errorf("the other words are lost: %v", err)
	}
}

// Who only reads takes nobody off duty: nobody would be called any more.
func TestWhoOnlyReadsChangesNoDuty(t *testing.T) {
	g := openRinging(t)
	boss, _ := g.first()
	reader := g.member("vera", signin.Grant{Roles: []string{"viewer"}})
	if r := boss.do("POST", "/console/duty?lang=en", url.Values{"do": {"take"}}); r.StatusCode != 200 {
		t.Fatal(r.body)
	}
	members, err := g.office.Members(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []url.Values{{"do": {"take"}}, {"do": {"end"}, "member": {members[0].ID}}, {"do": {"end"}, "member": {members[1].ID}}} {
		if r := reader.do("POST", "/console/duty?lang=en", form); r.StatusCode != 403 {
			t.Errorf("%v: %d", form, r.StatusCode)
		}
	}
	if page := boss.get("/console/rings?lang=en"); !strings.Contains(page.body, "End duty") {
		t.Errorf("the duty is gone: %s", page.body)
	}
	if page := reader.get("/console/rings?lang=en"); strings.Contains(page.body, `name="do"`) {
		t.Error("a reader is offered what they may not do")
	}
}

// member lets somebody in with a grant.
func (g *consoleGateway) member(login string, grant signin.Grant) *person {
	g.t.Helper()
	token, err := g.office.NewInvitation(g.t.Context(), signin.Invitation{Login: login, Name: strings.ToUpper(login[:1]) + login[1:], Grant: grant}, time.Now())
	if err != nil {
		g.t.Fatal(err)
	}
	p := g.person()
	p.join(token, login, "")
	return p
}
