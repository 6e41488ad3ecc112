package dashboards

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/dashboards/signin"
)

type rosterConsole struct {
	*consoleGateway
	roll broadcast.Roll
	said chan [3]string
}

// openRosterConsole is a console with Anna on the roster.
func openRosterConsole(t testing.TB, change ...func(*Config)) *rosterConsole {
	t.Helper()
	g := &rosterConsole{said: make(chan [3]string, 100)}
	var pages *broadcast.VolunteerPages
	g.consoleGateway = openConsole(t, append([]func(*Config){func(c *Config) {
		c.Volunteers = &Volunteers{}
	}}, change...)...)
	g.roll = g.redis.People()
	pages = broadcast.NewVolunteerPages(broadcast.VolunteerPagesConfig{Roll: g.roll, PublicURL: g.site, Authority: "PC", Routes: []broadcast.Route{{Channel: postOffice{kind: "phone", said: g.said}}}})
	g.server.Volunteers.Pages = pages
	if _, err := g.roll.Enter(t.Context(), []broadcast.Listing{{Subscriber: anna()}}, false); err != nil {
		t.Fatal(err)
	}
	return g
}

// people are one who may call volunteers out and one who only reads.
func (g *rosterConsole) people() (caller, reader *person) {
	return g.member("carla", signin.Grant{Roles: []string{"approver"}}), g.member("rita", signin.Grant{Roles: []string{"viewer"}})
}

func TestTheRosterInTheConsole(t *testing.T) {
	g := openRosterConsole(t)
	caller, reader := g.people()
	page := caller.get("/console/volunteers?lang=it")
	for _, want := range []string{"Anna Prato", "Croce Verde", "1 volontari con un&#39;abilitazione scaduta", "1 volontari con un&#39;abilitazione che scade entro 60 giorni", "Disponibili ora: 1 di 1", "scaduta il"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the roster does not say %q", want)
		}
	}
	for _, query := range []string{"?q=anna", "?group=squadra+a", "?skill=RADIO", "?show=ended", "?show=soon", "?show=free", "?page=99", "?page=-1"} {
		if r := caller.get("/console/volunteers" + query); !strings.Contains(r.body, "Anna Prato") {
			t.Errorf("%s does not find Anna", query)
		}
	}
	for _, query := range []string{"?q=eva", "?group=x", "?skill=x", "?show=past"} {
		if r := caller.get("/console/volunteers" + query); strings.Contains(r.body, "Anna Prato") {
			t.Errorf("%s finds Anna", query)
		}
	}
	one := caller.get("/console/volunteers/1?lang=it")
	if strings.Contains(one.body, annasPhone[1:]) || !strings.Contains(one.body, "&#43;39*") {
		t.Error("the number is not masked")
	}
	if r := caller.do("POST", "/console/volunteers/1", url.Values{"do": {"show"}}); !strings.Contains(r.body, annasPhone[1:]) {
		t.Errorf("shown: %d", r.StatusCode)
	}
	// Who only reads sees no contact, and changes nothing.
	if r := reader.get("/console/volunteers/1"); r.StatusCode != 200 || strings.Contains(r.body, "39*") || strings.Contains(r.body, "<form class=\"form broad\"") {
		t.Errorf("a reader: %d", r.StatusCode)
	}
	for _, do := range []string{"show", "save", "link", "erase"} {
		if r := reader.do("POST", "/console/volunteers/1", url.Values{"do": {do}, "sure": {"1"}}); r.StatusCode != 403 || strings.Contains(r.body, annasPhone[1:]) {
			t.Errorf("a reader does %s: %d", do, r.StatusCode)
		}
	}
	if r := caller.do("POST", "/console/volunteers/1", url.Values{"do": {"link"}}); r.StatusCode != 200 {
		t.Errorf("the link: %d", r.StatusCode)
	}
	if said := <-g.said; said[0] != annasPhone || !strings.Contains(said[2], "/v/") {
		t.Errorf("sent %q", said)
	}
	form := url.Values{"do": {"save"}, "name": {"Anna Rossi"}, "skills": {"motosega:2031-05-31\nradio"}, "groups": {"Nord; Sud"}, "availability": {"lun-ven 18-23"}, "areas": {"*"}, "language": {"de"}, "quiet": {"22:00-07:00"}, "phone": {"333 123 4560"}, "drop": {"email"}, "until": {"2031-01-31"}}
	if r := caller.do("POST", "/console/volunteers/1", form); r.StatusCode != 200 || !strings.Contains(r.body, "Anna Rossi") {
		t.Errorf("saving: %d", r.StatusCode)
	}
	m, err := g.roll.Member(t.Context(), 1)
	if err != nil || m.Volunteer.Name != "Anna Rossi" || len(m.Volunteer.Skills) != 2 || len(m.Volunteer.Weekly) != 5 || m.Contacts["phone"] != "+393331234560" || m.Contacts["email"] != "" || m.Language != "de" || m.Quiet == nil || m.Until.IsZero() {
		t.Errorf("kept %+v %+v, %v", m.Subscriber, m.Volunteer, err)
	}
	again := caller.get("/console/volunteers/1")
	if !strings.Contains(again.body, "motosega:2031-05-31; radio") || !strings.Contains(again.body, `value="2031-01-31"`) || !strings.Contains(again.body, "lun-ven 18:00-23:00") {
		t.Error("the form does not show what is kept")
	}
	form.Set("skills", "motosega:mai")
	if r := caller.do("POST", "/console/volunteers/1?lang=it", form); r.StatusCode != 422 || !strings.Contains(r.body, "ultimo giorno di") || !strings.Contains(r.body, "motosega:mai") {
		t.Errorf("a wrong skill: %d", r.StatusCode)
	}
	fresh := url.Values{"do": {"save"}, "name": {"Eva"}, "areas": {"*"}, "language": {"it"}}
	if r := caller.do("POST", "/console/volunteers/0", fresh); r.StatusCode != 422 {
		t.Errorf("nobody's contact: %d", r.StatusCode)
	}
	fresh.Set("phone", "3331234560")
	if r := caller.do("POST", "/console/volunteers/0", fresh); r.StatusCode != 409 {
		t.Errorf("Anna's contact: %d", r.StatusCode)
	}
	fresh.Set("phone", "3331234561")
	if r := caller.do("POST", "/console/volunteers/0", fresh); r.StatusCode != 200 || !strings.Contains(r.body, "Eva") {
		t.Errorf("a new one: %d", r.StatusCode)
	}
	if r := caller.do("POST", "/console/volunteers/1", url.Values{"do": {"erase"}}); r.StatusCode != 422 {
		t.Errorf("erasing without the tick: %d", r.StatusCode)
	}
	if r := caller.do("POST", "/console/volunteers/1", url.Values{"do": {"erase"}, "sure": {"1"}}); r.StatusCode != 200 || strings.Contains(r.body, "Anna Rossi") {
		t.Errorf("erasing: %d", r.StatusCode)
	}
	if r := caller.get("/console/volunteers/1"); r.StatusCode != 404 {
		t.Errorf("after erasing: %d", r.StatusCode)
	}
}

// acts are those on people, as "verb of reason via".
func (g *rosterConsole) acts(t *testing.T) (all []string) {
	t.Helper()
	for a, err := range g.redis.Store().AllActs(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(a.Verb, "volunteer-") || strings.HasPrefix(a.Verb, "list-") {
			if a.By.ID == "" || a.At.IsZero() {
				t.Errorf("nobody did %+v", a)
			}
			all = append(all, strings.Join([]string{a.Verb, a.Of, a.Reason, a.Via}, "|"))
		}
	}
	return all
}

func TestWhatIsDoneToVolunteersIsInTheLedger(t *testing.T) {
	g := openRosterConsole(t)
	entries, err := g.redis.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	g.server.Acts = entries
	p, seed := g.first()
	at := "/console/volunteers/"
	wants(t, p.do("POST", at+"0?lang=it", url.Values{"do": {"save"}, "name": {"Eva Segreta"}, "areas": {"*"}, "language": {"it"}, "phone": {"3331234561"}}), 200, "Eva Segreta")
	wants(t, p.do("POST", at+"2", url.Values{"do": {"show"}}), 200, "3331234561")
	wants(t, p.do("POST", at+"2", url.Values{"do": {"save"}, "name": {"Eva Segretissima"}, "areas": {"*"}, "language": {"it"}}), 200)
	wants(t, p.do("POST", "/console/volunteers/export", url.Values{"code": {code(t, seed, 1)}}), 200, "Anna Prato", "Eva Segretissima")
	wants(t, p.do("POST", "/console/volunteers/export", url.Values{"code": {"000000"}}), 403) // no second act
	wants(t, p.do("POST", at+"2", url.Values{"do": {"erase"}, "sure": {"1"}}), 200)
	if err := g.roll.Change(t.Context(), 1, nil, func(m *broadcast.Member) (bool, error) { m.Until = time.Now().Add(-time.Hour); return true, nil }); err != nil {
		t.Fatal(err)
	}
	wants(t, p.do("POST", "/console/volunteers/past", url.Values{"sure": {"1"}}), 200)
	list := base64.StdEncoding.EncodeToString([]byte("nome;telefono\nUgo;3331234562\nAda;3331234563\n"))
	wants(t, p.do("POST", "/console/volunteers/import", url.Values{"do": {"store"}, "packed": {list}}), 200)
	want := []string{"volunteer-added|person:2||console", "volunteer-shown|person:2||console", "volunteer-changed|person:2||console", "list-taken||roster: 2 rows|console",
		"volunteer-erased|person:2||console", "volunteer-erased|person:1||console", "list-stored||roster: 2 rows|console"}
	if got := g.acts(t); !slices.Equal(got, want) {
		t.Errorf("the ledger has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for lang, words := range map[string][]string{"it": {"volontario aggiunto", "volontario modificato", "volontario cancellato", "recapiti di un volontario", "elenco con nomi scaricato", "volontari, righe: 2", "persona iscritta n. 2"},
		"en": {"volunteer added", "volunteer changed", "volunteer erased", "shown in full", "list with names downloaded", "volunteers, rows: 2"}} {
		r := p.get("/console/ledger?lang=" + lang)
		wants(t, r, 200, words...)
		for _, name := range []string{"Segreta", "Prato", "3331234561"} {
			if strings.Contains(r.body, name) {
				t.Errorf("the ledger in %s names %s", lang, name)
			}
		}
	}
}

// What cannot be written down does not leave.
func TestAListThatCannotBeNotedDoesNotLeave(t *testing.T) {
	g := openRosterConsole(t)
	p, seed := g.first()
	g.server.Volunteers.Pages.Roll = mute{g.roll}
	r := p.do("POST", "/console/volunteers/export", url.Values{"code": {code(t, seed, 1)}})
	if r.StatusCode < 500 || strings.Contains(r.body, "Anna Prato") {
		t.Errorf("the roster: %d", r.StatusCode)
	}
	if r := p.do("POST", "/console/volunteers/1", url.Values{"do": {"show"}}); r.StatusCode < 500 || strings.Contains(r.body, annasPhone[1:]) {
		t.Errorf("the contacts: %d", r.StatusCode)
	}
}

// mute is a roll whose acts cannot be written.
type mute struct{ broadcast.Roll }

func (mute) Note(context.Context, alerts.Act) error { return alerts.ErrUnavailable }

func TestAListOfVolunteersIsTriedFirst(t *testing.T) {
	g := openRosterConsole(t)
	caller, _ := g.people()
	const list = "nome;telefono;competenze\nEva;3331234561;motosega:2031-01-01\nUgo;12;radio\nAnna;3331234567;radio:boh\n"
	r := caller.upload("/console/volunteers/import?lang=it", "file", []byte(list), url.Values{"do": {"check"}})
	if r.StatusCode != 200 || !strings.Contains(r.body, "Riga 3:") || !strings.Contains(r.body, "Riga 4:") || !strings.Contains(r.body, "il numero di telefono non esiste") {
		t.Fatalf("the trial: %d", r.StatusCode)
	}
	if all, err := g.roll.Volunteers(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("the trial stored somebody: %d, %v", len(all), err)
	}
	packed := regexp.MustCompile(`name="packed" value="([^"]+)"`).FindStringSubmatch(r.body)
	if packed == nil {
		t.Fatal("there is nothing to store")
	}
	if r := caller.do("POST", "/console/volunteers/import", url.Values{"do": {"store"}, "packed": {strings.ReplaceAll(packed[1], "&#43;", "+")}}); r.StatusCode != 200 {
		t.Errorf("storing: %d", r.StatusCode)
	}
	all, err := g.roll.Volunteers(t.Context())
	if err != nil || len(all) != 2 || all[1].Volunteer.Name != "Eva" {
		t.Errorf("stored %d, %v", len(all), err)
	}
	for name, bad := range map[string]string{"none": "", "no heading": "a;b\n1;2\n", "too large": strings.Repeat("x", maxVolunteerList+1)} {
		if r := caller.upload("/console/volunteers/import", "file", []byte(bad), url.Values{"do": {"check"}}); r.StatusCode != 422 {
			t.Errorf("a list that is %s: %d", name, r.StatusCode)
		}
	}
	if r := caller.do("POST", "/console/volunteers/export", url.Values{"code": {"000000"}}); r.StatusCode != 403 || strings.Contains(r.body, annasPhone[1:]) {
		t.Errorf("the export without a proof: %d", r.StatusCode)
	}
}

func TestATriedListSaysWhatIsNotStored(t *testing.T) {
	g := openRosterConsole(t)
	caller, _ := g.people()
	const list = "nome;telefono;categoria;scarpe;;area\nEva;3331234561;volontari;38;x;*\nUgo;3331234562;cittadini;44;y;*\n"
	for lang, words := range map[string][]string{
		"it": {"Che cosa non viene conservato", "Colonne sconosciute o non usate: <code dir=\"auto\">scarpe</code>", "<code dir=\"auto\">nome</code>: non conservata di chi non è volontario, righe: 1", "colonna 5, senza intestazione, righe: 2"},
		"en": {"What is not stored", "Unknown or unused columns: <code dir=\"auto\">scarpe</code>", "<code dir=\"auto\">nome</code>: not stored of people who are no volunteers, rows: 1", "column 5, without a heading, rows: 2"},
	} {
		wants(t, caller.upload("/console/volunteers/import?lang="+lang, "file", []byte(list), url.Values{"do": {"check"}}), 200, words...)
	}
	if r := caller.upload("/console/volunteers/import?lang=it", "file", []byte("nome;telefono\nEva;3331234561\n"), url.Values{"do": {"check"}}); strings.Contains(r.body, "non viene conservato") {
		t.Error("everything is stored, and it says something is not")
	}
}

func TestWhoIsKeptForNothingIsErased(t *testing.T) {
	g := openRosterConsole(t)
	caller, _ := g.people()
	over := anna()
	over.Contacts, over.Until, over.Volunteer = map[string]string{"phone": "+393331234561"}, time.Now().Add(-time.Hour).UTC(), &volunteers.Profile{Name: "Ugo Over"}
	mute := anna()
	mute.Contacts, mute.Volunteer = map[string]string{"phone": "+393331234562"}, &volunteers.Profile{Name: "Mia Muta"}
	if _, err := g.roll.Enter(t.Context(), []broadcast.Listing{{Subscriber: over}, {Subscriber: mute, Stopped: []string{"phone"}}}, false); err != nil {
		t.Fatal(err)
	}
	r := caller.get("/console/volunteers?lang=en&show=past")
	if !strings.Contains(r.body, "To be erased: 2") || !strings.Contains(r.body, "Ugo Over") || !strings.Contains(r.body, "Mia Muta") || strings.Contains(r.body, "Anna Prato") {
		t.Errorf("the list: %d", r.StatusCode)
	}
	if r := caller.do("POST", "/console/volunteers/past", url.Values{}); r.StatusCode != 422 {
		t.Errorf("without the tick: %d", r.StatusCode)
	}
	caller.do("POST", "/console/volunteers/past", url.Values{"sure": {"1"}})
	if all, err := g.roll.Volunteers(t.Context()); err != nil || len(all) != 1 || all[0].Volunteer.Name != "Anna Prato" {
		t.Errorf("left are %d, %v", len(all), err)
	}
}

func TestTheRosterInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short leaves the browser out")
	}
	b := openBrowser(t)
	g := openRosterConsole(t)
	caller, _ := g.people()
	b.call("Network.setCookie", map[string]any{"name": "martinella", "value": caller.cookieOf("martinella"), "url": g.site, "httpOnly": true, "sameSite": "Strict"}, nil)
	b.looks(g.site, map[string]string{"volunteers": "/console/volunteers?lang=it", "volunteers-one": "/console/volunteers/1?lang=it", "volunteers-new": "/console/volunteers/0?lang=en", "volunteers-import": "/console/volunteers/import?lang=it"})
}

// BenchmarkRosterPage is the server's time for one page of 5,000 volunteers.
func BenchmarkRosterPage(b *testing.B) {
	g := openRosterConsole(b)
	list := make([]broadcast.Listing, 5000)
	for i := range list {
		s := anna()
		s.Contacts = map[string]string{"phone": fmt.Sprintf("+39333%07d", i)}
		s.Volunteer.Name = fmt.Sprintf("Volontario %d", i)
		list[i].Subscriber = s
	}
	if _, err := g.roll.Enter(b.Context(), list, false); err != nil {
		b.Fatal(err)
	}
	p, _ := g.first()
	p.get("/console/volunteers")
	for b.Loop() {
		if r := p.get("/console/volunteers?page=7"); r.StatusCode != 200 {
			b.Fatal(r.StatusCode)
		}
	}
}
