package dashboards

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/ledger"
	"martinella/broadcast"
	"martinella/dashboards/signin"
)

// openLedgerConsole lets the ledger be that of the store in which the staff is.
func openLedgerConsole(t testing.TB) *consoleGateway {
	t.Helper()
	g := openConsole(t)
	l, err := g.redis.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	g.server.Acts = l
	return g
}

var numbers = regexp.MustCompile(`<td role="cell" data-is="[^"]*">(\d+)</td>`)

// shown are the numbers of the acts on a page, as they stand there.
func shownActs(body string) (all []string) {
	for _, m := range numbers.FindAllStringSubmatch(body, -1) {
		all = append(all, m[1])
	}
	return all
}

func TestTheRegisterShowsSearchesAndPages(t *testing.T) {
	g := openConsole(t)
	p, _ := g.first()
	noon := time.Date(2026, 3, 28, 12, 0, 0, 0, rome)
	var event alerts.ID
	g.memory.mu.Lock()
	for i := range 400 {
		a := alerts.Act{V: 1, At: noon.AddDate(0, 0, i/100).UTC(), By: alerts.By{ID: "key:room", Name: "Sala operativa"}, Verb: "submitted", Alert: alerts.ID(fmt.Sprintf("01HZ%022d", i)), Digest: alerts.Digest(strings.Repeat("ab", 32)), Via: "api"}
		a.Event = a.Alert
		if i%40 == 0 {
			a.By, a.Verb, a.Reason = alerts.By{ID: "key:mayor", Name: "Sindaca <b>"}, "approved", "=1+1"
		}
		event = a.Event
		g.memory.act(a)
	}
	g.memory.mu.Unlock()
	page := func(q string) reply { return p.get("/console/ledger?lang=en" + q) }
	r := page("")
	if got := shownActs(r.body); r.StatusCode != 200 || len(got) != actsShown || got[0] != "400" || !strings.Contains(r.body, "before=351") || !strings.Contains(r.body, "Yes: the last 400 acts") {
		t.Fatalf("%d %v %s", r.StatusCode, got, r.body)
	}
	for q, want := range map[string]struct {
		n           int
		first, last string
	}{
		"&before=351":                           {50, "350", "301"},
		"&before=2":                             {1, "1", "1"},
		"&verb=approved":                        {10, "361", "1"},
		"&person=sindaca":                       {10, "361", "1"},
		"&person=key:mayor&verb=approved":       {10, "361", "1"},
		"&person=mayor":                         {0, "", ""},
		"&day=2026-03-29":                       {50, "200", "151"}, // summer time begins
		"&day=2026-03-29&verb=approved":         {2, "161", "121"},
		"&day=2026-03-29&before=103":            {2, "102", "101"},
		"&day=2026-04-29":                       {0, "", ""},
		"&day=2020-01-01":                       {0, "", ""},
		"&event=" + string(event):               {1, "400", "400"},
		"&event=" + string(event) + "&verb=x":   {0, "", ""},
		"&event=01HZ&day=2026-03-28":            {0, "", ""},
		"&verb=submitted&person=Sala&before=60": {50, "59", "9"},
	} {
		got := shownActs(page(q).body)
		if len(got) != want.n || (want.n > 0 && (got[0] != want.first || got[want.n-1] != want.last)) {
			t.Errorf("%s: %d acts %v, want %+v", q, len(got), got, want)
		}
	}
	if !strings.Contains(r.body, "Sala operativa") || !strings.Contains(r.body, `href="/console/a/`+string(event)) || !strings.Contains(page("&verb=approved").body, "Sindaca &lt;b&gt;") {
		t.Error("who, what and which alert are not there")
	}
	for q, field := range map[string]string{"&day=yesterday": "f-day", "&before=x": "f-before", "&event=" + strings.Repeat("A", 30): "f-event"} {
		if r := page(q); r.StatusCode != 422 || !strings.Contains(r.body, `href="#`+field) {
			t.Errorf("%s: %d", q, r.StatusCode)
		}
	}

	rows, err := csv.NewReader(strings.NewReader(p.get("/console/ledger.csv?verb=approved").body)).ReadAll()
	if err != nil || len(rows) != 11 || rows[1][0] != "361" || rows[1][10] != "'=1+1" {
		t.Errorf("csv: %v %v", err, rows)
	}
	var list []struct {
		N   int64
		Act alerts.Act
	}
	down := p.get("/console/ledger.json?day=2026-03-29")
	if err := json.Unmarshal([]byte(down.body), &list); err != nil || len(list) != 100 || list[0].N != 200 || list[99].Act.Verb != "submitted" || !strings.Contains(down.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("json: %v %d", err, len(list))
	}

	book := g.server.Acts.(*acts)
	book.set(func() { book.edited[390] = []byte(`{"v":1,"verb":"cancelled"}`); book.edited[389] = nil })
	if r := page(""); !strings.Contains(r.body, "entry 390: was edited") || !strings.Contains(r.body, "entry 389: is gone") || !strings.Contains(r.body, "behind the system") || !strings.Contains(r.body, "was removed from the store") {
		t.Errorf("what was edited is not named: %s", r.body)
	}
	g.memory.fail(alerts.ErrUnavailable)
	if r := page(""); r.StatusCode != 503 {
		t.Errorf("without a store: %d", r.StatusCode)
	}
}

func TestStaffIsInTheRegisterByName(t *testing.T) {
	g := openLedgerConsole(t)
	p, seed := g.first()
	me, _, err := g.office.Who(t.Context(), p.cookieOf("martinella"))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.redis.Keys().Add(t.Context(), &alerts.Key{V: 1, Person: alerts.Person{ID: "key:1", Name: "Sala"}, Created: time.Now()}, nil, alerts.KeyAct(me.Person().By(), alerts.ActKeyCreated, "key:1", "submit", "console", time.Now())); err != nil {
		t.Fatal(err)
	}
	token, _, err := g.office.Ask(t.Context(), me, signin.Change{Login: "bruno", Name: "Bruno Verdi", Grant: signin.Grant{Roles: []string{"approver"}}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	bruno := g.person()
	bruno.join(token, "bruno", "Bruno Verdi")
	them, _, err := g.office.Who(t.Context(), bruno.cookieOf("martinella"))
	if err != nil {
		t.Fatal(err)
	}
	r := bruno.get("/console/ledger?lang=en")
	for _, want := range []string{"invitation accepted", "person invited", "Anna Rossi", "Bruno Verdi", "API key made", "approver; exercises and tests only"} {
		if !strings.Contains(r.body, want) {
			t.Errorf("%q is not there: %s", want, r.body)
		}
	}
	// The only administrator takes an approver away: everybody sees it.
	off := p.do("POST", "/console/staff?lang=en", url.Values{"do": {"disable"}, "member": {them.ID}, "code": {code(t, seed, 1)}})
	if !strings.Contains(off.Request.URL.RawQuery, "said=done") {
		t.Fatalf("%d %s", off.StatusCode, off.Request.URL)
	}
	if r := p.get("/console?lang=en"); !strings.Contains(r.body, "Done without a second administrator") || !strings.Contains(r.body, "person disabled without a second person: Bruno Verdi") {
		t.Errorf("nobody is told: %s", r.body)
	}
	if _, _, err := g.office.Ask(t.Context(), me, signin.Change{Do: signin.ToErase, Member: them.ID}, time.Now()); err != nil {
		t.Fatal(err)
	}
	r = p.get("/console/ledger?lang=en")
	if strings.Contains(r.body, "Bruno") || !strings.Contains(r.body, "erased person ("+them.ID+")") {
		t.Errorf("the name of who was erased is still there")
	}
}

// The time of a page does not grow with the number of acts: it asks for a
// bounded number of them, wherever the search ends.
func TestTheRegisterReadsByRange(t *testing.T) {
	g := openConsole(t)
	p, _ := g.first()
	g.memory.mu.Lock()
	for i := range 3 * actsSearched {
		g.memory.act(alerts.Act{V: 1, At: time.Unix(int64(1e9+i), 0), Verb: "submitted", By: alerts.By{ID: "key:room"}})
	}
	g.memory.mu.Unlock()
	seen := &counting{Ledger: g.server.Acts}
	g.server.Acts = seen
	for _, q := range []string{"", "?verb=approved", "?person=nobody", "?day=2001-09-09", "?verb=approved&before=5000"} {
		seen.read = 0
		if r := p.get("/console/ledger" + q); r.StatusCode != 200 {
			t.Errorf("%s: %d", q, r.StatusCode)
		}
		if seen.read > actsSearched+400 {
			t.Errorf("%q read %d entries", q, seen.read)
		}
	}
	r := p.get("/console/ledger?lang=en&verb=approved")
	if !strings.Contains(r.body, "No acts among those looked through so far") || !strings.Contains(r.body, "before=4001&amp;lang=en&amp;verb=approved") {
		t.Errorf("nothing leads on: %s", r.body)
	}
}

// counting counts the entries that are read.
type counting struct {
	broadcast.Ledger
	read int
}

func (c *counting) Range(ctx context.Context, from, to int64) ([]ledger.Entry, error) {
	some, err := c.Ledger.Range(ctx, from, to)
	c.read += len(some)
	return some, err
}

// What waits for a second administrator says what it is: an end is not taken
// for a change of rights.
func TestAnEndThatWaitsIsNamed(t *testing.T) {
	g := openConsole(t)
	p, _ := g.first()
	me, _, err := g.office.Who(t.Context(), p.cookieOf("martinella"))
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := g.office.Ask(t.Context(), me, signin.Change{Login: "bruno", Name: "Bruno Verdi", Grant: signin.EveryRole()}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	bruno := g.person()
	bruno.join(token, "bruno", "Bruno Verdi")
	them, _, err := g.office.Who(t.Context(), bruno.cookieOf("martinella"))
	if err != nil {
		t.Fatal(err)
	}
	if _, waits, err := g.office.Ask(t.Context(), me, signin.Change{Do: signin.ToDisable, Member: them.ID}, time.Now()); !waits || err != nil {
		t.Fatalf("waits %v, %v", waits, err)
	}
	if r := bruno.get("/console/staff?lang=en"); !strings.Contains(r.body, `<strong class="lapsed">Disable</strong> · <strong>Bruno Verdi</strong>`) {
		t.Errorf("%s", r.body)
	}
}
