package dashboards

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/dashboards/signin"
)

// A session that somebody stole gains nothing that outlasts it: what changes
// how people sign in, or who may what, needs a fresh proof in every case.
func TestAStolenSessionCannotStay(t *testing.T) {
	g := openConsole(t)
	p, seed := g.first()
	me := func() *signin.Member {
		m, _, err := g.office.Who(t.Context(), p.cookieOf("martinella"))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, c := range []struct{ path, do string }{
		{"/console/account", "codes"}, {"/console/account", "remove"},
		{"/console/staff", "invite"}, {"/console/staff", "rights"}, {"/console/staff", "confirm"}, {"/console/staff", "disable"}, {"/console/staff", "erase"},
	} {
		for name, code := range map[string]string{"no code": "", "a used code": code(t, seed, -1), "no code at all": strings.Repeat("x", 5000)} {
			_ = g.store.Forgive(t.Context(), "proof "+me().ID)
			form := url.Values{"do": {c.do}, "code": {code}, "member": {me().ID}, "login": {"eva"}, "name": {"Eva"}, "role": {"administrator"}}
			if r := p.do("POST", c.path+"?lang=en", form); r.StatusCode != 403 || !strings.Contains(r.body, "Nothing was changed") {
				t.Errorf("%s with %s: %d", c.do, name, r.StatusCode)
			}
		}
	}
	for _, path := range []string{"/console/account/passkey", "/console/account/proof"} {
		if r := g.do("POST", path, `{}`, "Cookie", "martinella="+p.cookieOf("martinella"), "Content-Type", "application/json"); r.StatusCode != 403 && r.StatusCode != 401 {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.body)
		}
	}
	if open, err := g.office.Invitations(t.Context()); err != nil || len(open) != 0 || len(me().Recovery) != 0 {
		t.Errorf("something was changed: %v %v", open, err)
	}

	// The proof of an act on an alert is none for the account.
	m, s, err := g.office.Who(t.Context(), p.cookieOf("martinella"))
	if err != nil {
		t.Fatal(err)
	}
	_ = g.store.Forgive(t.Context(), "proof "+m.ID)
	if err := g.office.ProveByCode(t.Context(), m, s, signin.Deed{Act: "approve", Digest: alerts.Digest(m.ID)}, code(t, seed, 1), time.Now()); err != nil {
		t.Fatal(err)
	}
	if r := p.do("POST", "/console/account", url.Values{"do": {"codes"}}); r.StatusCode != 403 {
		t.Errorf("with the proof of another act: %d", r.StatusCode)
	}
}

// The proof of the account itself does it, once.
func TestAFreshCodeChangesTheAccountOnce(t *testing.T) {
	g := openConsole(t)
	p, seed := g.first()
	in := url.Values{"do": {"codes"}, "code": {code(t, seed, 1)}} // step 0 was spent at the door
	r := p.do("POST", "/console/account", in)
	m, _, err := g.office.Who(t.Context(), p.cookieOf("martinella"))
	if err != nil || r.StatusCode != 200 || len(m.Recovery) != 10 {
		t.Errorf("with a fresh code: %d, %v", r.StatusCode, err)
	}
	if r := p.do("POST", "/console/account", in); r.StatusCode != 403 {
		t.Errorf("the code again: %d", r.StatusCode)
	}
}

// Issuing a grave alert alone needs a fresh proof too (DECISIONS 4).
func TestIssuingAloneNeedsAFreshProof(t *testing.T) {
	g := openConsole(t)
	p, _ := g.first()
	severe := g.post(author, "/api/v1/alerts", message("grave", "severity", "Severe")).json(t)
	r := g.do("POST", "/api/v1/alerts/"+severe["id"].(string)+"/issue-alone", `{"digest":"`+severe["digest"].(string)+`","reason":"nobody answers"}`,
		"Cookie", "martinella="+p.cookieOf("martinella"), "Content-Type", "application/json")
	if r.StatusCode != 403 || !strings.Contains(r.body, "proof") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}
