package dashboards

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/dashboards/signin"
)

// Status x scope x severity x member x proof, each through the form of a
// session, against what is written here.
func TestWhoMayReleaseAtTheConsole(t *testing.T) {
	d := openDeciding(t)
	type one struct {
		*person
		seed            string
		decides, wrote  bool
		drills, limited bool
		steps           int
	}
	join := func(login string, grant signin.Grant) *one {
		t.Helper()
		token, err := d.office.NewInvitation(t.Context(), signin.Invitation{Login: login, Name: login, Grant: grant, By: alerts.By{ID: "key:test", Name: "Test"}}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		p := d.person()
		return &one{person: p, seed: p.join(token, login, login)}
	}
	real := alerts.Rights{Statuses: alerts.Statuses}
	everybody := map[string]*one{
		"who wrote it":          join("writer", signin.Grant{Roles: []string{"author", "approver"}, Limits: real}),
		"an approver":           join("approver", signin.Grant{Roles: []string{"approver"}, Limits: real}),
		"another author":        join("author", signin.Grant{Roles: []string{"author"}, Limits: real}),
		"a viewer":              join("viewer", signin.Grant{Roles: []string{"viewer"}, Limits: real}),
		"who practises only":    join("pupil", signin.Grant{Roles: []string{"approver"}}),
		"who is up to Moderate": join("office", signin.Grant{Roles: []string{"approver"}, Limits: alerts.Rights{Statuses: alerts.Statuses, MaxSeverity: alerts.SeverityModerate}}),
	}
	writer := everybody["who wrote it"]
	writer.decides, writer.wrote = true, true
	everybody["an approver"].decides = true
	everybody["who practises only"].decides, everybody["who practises only"].drills = true, true
	everybody["who is up to Moderate"].decides, everybody["who is up to Moderate"].limited = true, true

	n, released := 0, 0
	for _, status := range []string{"Actual", "Exercise", "Test"} {
		for _, scope := range []string{"Public", "Restricted"} {
			for _, severity := range []string{"Extreme", "Severe", "Moderate"} {
				if scope == "Restricted" && severity != "Severe" {
					continue // the scope decides who is told, not who says yes
				}
				for name, who := range everybody {
					for _, proved := range []bool{false, true} {
						n++
						what := fmt.Sprintf("%s %s of %s by %s, proved %t", scope, status, severity, name, proved)
						pairs := []string{"severity", severity, "status", status, "099001", itoa(300000 + n)}
						if scope == "Restricted" {
							pairs = append(pairs, "<scope>Public</scope>", "<scope>Restricted</scope><restriction>volontari</restriction>")
						}
						id := d.submit(writer.person, message("table-"+itoa(n), pairs...))
						if proved {
							m, s, err := d.office.Who(t.Context(), who.cookieOf("martinella"))
							if err != nil {
								t.Fatal(err)
							}
							who.steps += 2
							at := time.Now().Add(time.Duration(who.steps) * 30 * time.Second)
							if err := d.office.ProveByCode(t.Context(), m, s, signin.Deed{Act: "approve", Digest: d.record(id).Approved}, code(t, who.seed, who.steps), at); err != nil {
								t.Fatal(err)
							}
						}
						graveOne := status == "Actual" && severity != "Moderate"
						may := who.decides && (!who.drills || status != "Actual") && (!who.limited || severity == "Moderate") && !who.wrote && (proved || !graveOne)
						want := http.StatusForbidden
						if may {
							want = http.StatusSeeOther
							released++
						}
						r := who.staying().do("POST", "/console/a/"+string(id)+"/approve", d.yes(id))
						if r.StatusCode != want || d.record(id).State.Published() != may {
							t.Errorf("%s: %d, want %d; it is %s", what, r.StatusCode, want, d.record(id).State)
						}
						if alone := who.staying().do("POST", "/console/a/"+string(id)+"/issue-alone", url.Values{"digest": {string(d.record(id).Approved)}, "reason-alone": {"x"}, "confirm-alone": {"1"}}); !may && alone.StatusCode != http.StatusForbidden {
							t.Errorf("%s: issued alone at once: %d", what, alone.StatusCode)
						}
					}
				}
			}
		}
	}
	if n != 144 || released < 40 {
		t.Errorf("%d tried, %d released", n, released)
	}
}
