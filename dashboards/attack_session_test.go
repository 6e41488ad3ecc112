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

// prove gives the browser's session a proof of a deed, and uses a code up.
func (d *deciding) prove(p *person, deed signin.Deed) {
	d.t.Helper()
	m, s, err := d.office.Who(d.t.Context(), p.cookieOf("martinella"))
	if err == nil {
		err = d.office.ProveByCode(d.t.Context(), m, s, deed, code(d.t, d.seeds[p], 1), time.Now())
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// A proof holds for one act on one alert as it was shown; roles put together
// make no second person of one; nor does a second browser.
func TestNoProofStandsForAnother(t *testing.T) {
	d := openDeciding(t)
	carla, dora := d.member("carla", "Carla Verdi", "approver"), d.member("dora", "Dora Gialli", "author", "issuer", "approver")
	id := d.submit(d.author, message("grave", "severity", "Severe"))
	other := d.submit(d.author, message("other", "severity", "Severe", "099001", "300001"))
	path := "/console/a/" + string(id)
	still := func(what string, r reply) {
		t.Helper()
		if r.StatusCode != 403 || d.record(id).State != alerts.StateSubmitted {
			t.Errorf("%s: %d, the alert is %s", what, r.StatusCode, d.record(id).State)
		}
	}
	still("without any proof", d.approver.do("POST", path+"/approve", d.yes(id)))
	still("without any proof by the API", d.do("POST", "/api/v1/alerts/"+string(id)+"/approve", `{"digest":"`+string(d.record(id).Approved)+`"}`, "Cookie", "martinella="+d.approver.cookieOf("martinella"), "Content-Type", "application/json"))
	d.prove(d.approver, signin.Deed{Act: "cancel", Digest: d.record(id).Approved})
	still("a proof for another act", d.approver.do("POST", path+"/approve", d.yes(id)))
	d.prove(carla, signin.Deed{Act: "approve", Digest: d.record(other).Approved})
	still("a proof for another alert", carla.do("POST", path+"/approve", d.yes(id)))
	if r := carla.do("POST", "/console/a/"+string(other)+"/approve", d.yes(other)); r.StatusCode != 200 || d.record(other).State != alerts.StateIssued {
		t.Errorf("the alert it was for: %d %s", r.StatusCode, d.record(other).State)
	}

	// Every role in one hand.
	own := d.submit(dora, message("own", "severity", "Severe", "099001", "300002"))
	form := d.yes(own)
	form.Set("code", code(t, d.seeds[dora], 1))
	if r := dora.do("POST", "/console/a/"+string(own)+"/approve", form); r.StatusCode != 403 || d.record(own).State != alerts.StateSubmitted {
		t.Errorf("who may issue approves their own Severe: %d %s", r.StatusCode, d.record(own).State)
	}

	// The author in a second browser, with a session of its own.
	second := d.person()
	in := second.do("POST", "/console/sign-in?lang=en", url.Values{"login": {"bruno"}, "password": {goodPassword}, "code": {code(t, d.seeds[d.author], 1)}})
	if in.Request.URL.Path != "/console" {
		t.Fatalf("signing in: %d %s", in.StatusCode, in.body)
	}
	if page := second.get(path + "/approve?lang=en"); !strings.Contains(page.body, "You cannot approve it") || strings.Contains(page.body, `name="people"`) {
		t.Errorf("the second session: %s", page.body)
	}
	still("the author's second session", second.do("POST", path+"/approve", d.yes(id)))
	if second.cookieOf("martinella") == d.author.cookieOf("martinella") {
		t.Error("two browsers have one session")
	}
}

// Signing in leads to pages of alerts alone, and nothing of an address comes
// into a header.
func TestNoAddressLeadsElsewhere(t *testing.T) {
	g := openConsole(t)
	p, _ := g.first()
	p = p.staying()
	for _, to := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "/console/a/../../x", "/console/a/01JD0000000000000000000000\r\nX: y", "javascript:alert(1)", "/console/a/01JD0000000000000000000000/approve/../.."} {
		for _, lang := range []string{"", "&lang=en", "&lang=" + url.QueryEscape("en\r\nX-Evil: 1"), "&lang=//evil.example"} {
			r := p.get("/console/sign-in?next=" + url.QueryEscape(to) + lang)
			at := r.Header.Get("Location")
			if r.StatusCode != 303 || !strings.HasPrefix(at, "/console") || strings.Contains(at, "evil.example") && !strings.Contains(at, "lang=%2F%2Fevil") || r.Header.Get("X-Evil") != "" || strings.HasPrefix(at, "/console/a/") {
				t.Errorf("next=%q%s: %d %q", to, lang, r.StatusCode, at)
			}
		}
	}
}

// What people and other authorities write is never markup, on any page.
func TestForeignWordsAreNeverMarkup(t *testing.T) {
	g, w := openAllDoors(t)
	p, _ := g.first()
	evil := `<script>alert(1)</script><img src=x onerror=alert(2)>"'><a href="javascript:alert(3)">`
	g.member("eva", signin.Grant{Roles: []string{"viewer"}, Limits: alerts.Rights{Areas: []string{evil}}})
	a := w.Alert.Clone()
	a.Identifier, a.Status = "evil", alerts.StatusActual
	for i := range a.Infos {
		in := &a.Infos[i]
		in.Headline, in.Description, in.Instruction, in.Event, in.SenderName, in.Web, in.Contact = evil, evil, evil, evil, evil, "javascript:alert(4)", evil
		for j := range in.Areas {
			in.Areas[j].Description = evil
		}
		in.Resources = []alerts.Resource{{Description: evil, MimeType: "image/png", URI: "javascript:alert(5)"}}
	}
	key := broadcast.WarningKey(a)
	one := &broadcast.Warning{V: 1, Key: key, Feed: "regione", Alert: a, Received: time.Now().UTC(), Severity: alerts.SeveritySevere, Until: a.Expires().UTC(), State: broadcast.WarningOpen}
	act := alerts.Act{V: 1, At: time.Now(), Verb: "warning-received", Alert: alerts.ID(key), Event: alerts.ID(key)}
	if fresh, err := g.server.Warnings.TakeWarning(t.Context(), one, act, nil); err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	all := alerts.Rights{Verbs: alerts.Verbs, Statuses: alerts.Statuses}
	own := a.Clone()
	own.Identifier, own.Sender, own.Sent, own.MsgType, own.Scope = "own-evil", g.server.Authority.Sender, time.Now(), alerts.MsgAlert, alerts.ScopePublic
	for i := range own.Infos {
		own.Infos[i].Expires = time.Now().Add(6 * time.Hour)
	}
	waits, _, err := g.server.Desk.Submit(t.Context(), alerts.Person{ID: "key:x", Name: evil, Rights: all}, alerts.Submission{Alert: own, Own: true, Via: "console"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	published := g.issued("fine")
	if _, _, err := g.server.Desk.Cancel(t.Context(), alerts.Person{ID: "key:y", Name: evil, Rights: all}, published.ID, alerts.Decision{Digest: published.Approved, Reason: evil, Text: evil}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if r := p.do("POST", "/console/settings/registers?lang=en", url.Values{"do": {"save"}, "register": {"phones"}, "revision": {"0"}, "number": {"0573 555 0199"}, "note": {evil}}); r.StatusCode >= 500 {
		t.Fatal(r.body)
	}
	if r := p.do("POST", "/console/settings/registers?lang=en", url.Values{"do": {"save"}, "register": {"links"}, "revision": {"0"}, "url": {"javascript:alert(6)"}, "note": {"x"}}); r.StatusCode != 422 {
		t.Errorf("a link that runs: %d", r.StatusCode)
	}
	shown := 0
	for _, path := range []string{"/console", "/console/staff", "/console/rings", "/console/ledger", "/console/new", "/console/new?q=" + url.QueryEscape(evil), "/console/drafts", "/console/warnings", "/console/warnings/" + key,
		"/console/new?warning=" + key, "/console/settings", "/console/settings/registers", "/console/settings/templates", "/console/settings/keys", "/console/settings/identity", "/console/account", "/console/account/calls",
		"/console/a/" + string(waits.ID), "/console/a/" + string(waits.ID) + "/approve", "/console/a/" + string(published.Event), "/console/a/" + string(published.Event) + "/resume", "/console/a/" + string(published.Event) + "/scene",
		"/console/ledger?person=" + url.QueryEscape(evil), "/console/a/" + url.PathEscape(evil), "/console/warnings/" + url.PathEscape(evil), "/console/sign-in?next=" + url.QueryEscape(evil), "/console/staff/" + url.PathEscape(evil) + "/calls"} {
		r := p.get(path)
		if r.StatusCode >= 500 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
		if strings.Contains(r.body, "&lt;script&gt;alert(1)") {
			shown++
		}
		for _, raw := range []string{"<script>alert", "<img src=x", `href="javascript:`, `src="javascript:`} {
			if strings.Contains(r.body, raw) {
				t.Errorf("%s holds %s", path, raw)
			}
		}
	}
	if shown < 6 {
		t.Errorf("only %d pages showed the words at all", shown)
	}
	// The list for spreadsheets runs nothing either.
	for line := range strings.Lines(p.get("/console/ledger.csv").body) {
		for cell := range strings.SplitSeq(strings.TrimSpace(line), ",") {
			if cell = strings.Trim(cell, `"`); cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("a cell begins a formula: %q", cell)
			}
		}
	}
}

func TestHarmlessCells(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "'=1+1", "+39": "'+39", "-1": "'-1", "@x": "'@x", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1", "＝1": "'＝1", "a=1": "a=1", "": "", "0573": "0573"} {
		if got := harmless(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
