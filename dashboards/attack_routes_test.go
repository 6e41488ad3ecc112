package dashboards

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/lint"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/callout"
	"martinella/broadcast/rdb"
	"martinella/dashboards/signin"
)

// doors is what every route of the console answers to nobody, a viewer, an
// author, an approver and an administrator, in this order: "s" sends to signing
// in, "h" asks to sign in and keeps the form, "x" refuses (a right or a fresh
// proof is missing), "+" lets in, "?" lets in and finds what was sent wrong. A route without a line fails the test.
var doors = map[string]string{
	"GET /console":                               "s++++",
	"GET /console/sign-in":                       "+++++",
	"POST /console/sign-in":                      "h????",
	"POST /console/sign-in/passkey":              "?????",
	"POST /console/sign-out":                     "s++++",
	"GET /console/invite/{token}":                "?????",
	"POST /console/invite/{token}":               "?????",
	"POST /console/invite/{token}/passkey":       "?????",
	"GET /console/account":                       "s++++",
	"POST /console/account":                      "h????",
	"POST /console/account/passkey":              "h????",
	"POST /console/account/proof":                "h????",
	"GET /console/volunteers/test":               "sxx+x",
	"POST /console/volunteers/test":              "hxx?x",
	"GET /console/volunteers/test/{id}":          "sxx?x",
	"GET /console/volunteers/test/{id}/list.csv": "sxx?x",
	"POST /console/volunteers/test/{id}":         "hxx?x",
	"GET /console/volunteers":                    "s++++",
	"GET /console/volunteers/import":             "sxx+x",
	"POST /console/volunteers/import":            "hxx?x",
	"POST /console/volunteers/export":            "hxxxx",
	"POST /console/volunteers/past":              "hxx?x",
	"GET /console/volunteers/{number}":           "s++++",
	"POST /console/volunteers/{number}":          "hxx?x",
	"GET /console/staff":                         "sxxx+",
	"POST /console/staff":                        "hxxx?",
	"GET /console/a/{id}/scene":                  "sx+xx",
	"POST /console/a/{id}/scene":                 "sx?xx",
	"POST /console/a/{id}/scene/{uid}/withdraw":  "hx?xx",
	"GET /console/settings":                      "s++++",
	"GET /console/settings/areas":                "s++++",
	"POST /console/settings/areas":               "hxxx?",
	"GET /console/settings/lexicon":              "s++++",
	"GET /console/settings/channels":             "s++++",
	"POST /console/settings/channels":            "hxxx?",
	"GET /console/settings/keys":                 "sxxx+",
	"POST /console/settings/keys":                "hxxx?",
	"GET /console/settings/templates":            "s++++",
	"POST /console/settings/templates":           "hxxx?",
	"GET /console/settings/templates/{id}":       "s++++",
	"POST /console/settings/templates/{id}":      "hxxx?",
	"GET /console/settings/registers":            "s++++",
	"POST /console/settings/registers":           "hxxx?",
	"GET /console/settings/identity":             "s++++",
	"GET /console/settings/identity/colour":      "s++++",
	"POST /console/settings/identity":            "hxxx?",
	"POST /console/a/{id}/proof/{act}":           "h????",
	"GET /console/a/{id}":                        "s++++",
	"GET /console/a/{id}/progress":               "s++++",
	"POST /console/a/{id}/kits/{channel}":        "hx??x",
	"GET /console/a/{id}/failures/{channel}":     "s++++",
	"POST /console/a/{id}/failures/{channel}":    "hxx+x",
	"GET /console/a/{id}/cancel":                 "s++++",
	"POST /console/a/{id}/cancel":                "hxxxx",
	"GET /console/a/{id}/all-clear":              "s++++",
	"POST /console/a/{id}/all-clear":             "hxxxx",
	"GET /console/a/{id}/extend":                 "s++++",
	"POST /console/a/{id}/extend":                "hxxxx",
	"GET /console/a/{id}/resume":                 "s++++",
	"POST /console/a/{id}/resume":                "hxxxx",
	"GET /console/a/{id}/approve":                "s++++",
	"GET /console/a/{id}/card.png":               "s++++",
	"POST /console/a/{id}/open":                  "hxx+x",
	"POST /console/a/{id}/approve":               "hxxxx",
	"POST /console/a/{id}/return":                "hxx+x",
	"POST /console/a/{id}/reject":                "hxx+x",
	"POST /console/a/{id}/recall":                "hxxxx",
	"POST /console/a/{id}/issue-alone":           "hxxxx",
	"GET /console/a/{id}/review":                 "s++++",
	"POST /console/a/{id}/review":                "hxx+x",
	"GET /console/ledger":                        "s++++",
	"GET /console/ledger.csv":                    "s++++",
	"GET /console/ledger.json":                   "s++++",
	"POST /console/stay":                         "s++++",
	"GET /console/rings":                         "s++++",
	"GET /console/a/{id}/rings":                  "s++++",
	"POST /console/duty":                         "hx+++",
	"GET /console/account/calls":                 "s++++",
	"POST /console/account/calls":                "h++++",
	"GET /console/staff/{id}/calls":              "sxxx+",
	"POST /console/staff/{id}/calls":             "hxxxx",
	"GET /console/warnings":                      "s++++",
	"GET /console/warnings/{key}":                "s++++",
	"POST /console/warnings/{key}":               "hx+?x",
	"GET /console/areas.json":                    "s++++",
	"GET /console/start":                         "s++++",
	"POST /console/start":                        "hx+xx",
	"GET /console/new":                           "sx+xx",
	"POST /console/new":                          "hx+xx",
	"GET /console/drafts":                        "sx+xx",
	"GET /console/draft/{id}":                    "sx?xx",
	"POST /console/draft/{id}":                   "hx+xx",
	"GET /console/draft/{id}/versions":           "sx?xx",
	"POST /console/draft/{id}/versions":          "hx?xx",
	"POST /console/draft/{id}/take":              "hx?xx",
	"GET /console/draft/{id}/delete":             "sx?xx",
	"POST /console/draft/{id}/delete":            "hx+xx",
	"GET /console/draft/{id}/send":               "sx?xx",
	"GET /console/d":                             "s++++",
	"GET /console/d/new":                         "sxx+x",
	"POST /console/d/new":                        "hxx?x",
	"GET /console/d/hours.csv":                   "sxx?x",
	"GET /console/d/{id}":                        "sxx+x",
	"POST /console/d/{id}/people":                "hxx?x",
	"POST /console/d/{id}/wave":                  "hxx?x",
	"GET /console/d/{id}/close":                  "sxx+x",
	"POST /console/d/{id}/close":                 "hxx+x",
	"GET /console/d/{id}/cancel":                 "sxx+x",
	"POST /console/d/{id}/cancel":                "hxx+x",
	"GET /console/d/{id}/pages":                  "sxx+x",
	"GET /console/d/{id}/attendance":             "sxx+x",
	"GET /console/d/{id}/attendance.csv":         "sxx+x",
	"GET /console/d/{id}/activation":             "sxx+x",
	"POST /console/d/{id}/activation":            "hxx?x",
	"GET /console/d/{id}/certificate/{number}":   "sxx?x",
	"GET /console/d/{id}/attendance/{number}":    "sxx+x",
	"POST /console/d/{id}/attendance/{number}":   "hxx?x",
	"POST /console/draft/{id}/send":              "hx?xx",
}

// openAllDoors is a console with everything that adds routes.
func openAllDoors(t testing.TB) (*settingsConsole, *broadcast.Warning) {
	t.Helper()
	store, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	g := openSettings(t, func(c *Config) {
		c.Warnings, c.Feeds, c.Rung = store.Warnings(), []broadcast.Feed{{Name: "regione", URL: "https://regione.example/feed", Every: time.Minute}}, store
		c.Rings = broadcast.NewRings(broadcast.RingsConfig{Store: store, Records: c.Desk.Store, Crew: c.Staff, PublicURL: c.PublicURL, Authority: c.Authority.Name, Log: zap.NewNop()}, prometheus.NewRegistry())
		c.Cards = blank{}
		c.Callouts = newFakeCallouts(9)
		c.Volunteers = &Volunteers{Pages: broadcast.NewVolunteerPages(broadcast.VolunteerPagesConfig{Roll: store.People(), PublicURL: c.PublicURL, Authority: c.Authority.Name})}
		if _, err := store.People().Enter(t.Context(), []broadcast.Listing{{Subscriber: anna()}}, false); err != nil {
			t.Fatal(err)
		}
		c.Preview = func(_ context.Context, r *alerts.Record) ([]broadcast.Preview, error) {
			return nil, c.Desk.Publisher.Prepare(t.Context(), r)
		}
		c.Words = lint.Context{Authority: c.Authority.Name, Languages: []string{"it-IT", "en"}}
	})
	a := broadcasttest.NewRecord(alerts.SeveritySevere).Alert
	w := &broadcast.Warning{V: 1, Key: broadcast.WarningKey(a), Feed: "regione", Alert: a, Received: time.Now().UTC(), Severity: alerts.SeveritySevere, Until: a.Expires().UTC(), State: broadcast.WarningOpen}
	act := alerts.Act{V: 1, At: time.Now(), Verb: "warning-received", Alert: alerts.ID(w.Key), Event: alerts.ID(w.Key)}
	ring := &alerts.Ring{Who: alerts.CallDuty, Why: alerts.WhyWarning, Warning: w.Key, At: time.Now()}
	if fresh, err := store.Warnings().TakeWarning(t.Context(), w, act, ring); err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	return g, w
}

// waits stores an Actual of Severe that waits for its second person; issued one
// that left.
func (g *consoleGateway) waits(id string) *alerts.Record {
	g.t.Helper()
	all := alerts.Rights{Verbs: alerts.Verbs, Statuses: alerts.Statuses}
	a := broadcasttest.NewRecord(alerts.SeveritySevere).Alert
	a.Status, a.Scope, a.Identifier, a.Sender, a.MsgType, a.References = alerts.StatusActual, alerts.ScopePublic, id, g.server.Authority.Sender, alerts.MsgAlert, nil
	now := time.Now()
	a.Sent = now
	for i := range a.Infos {
		a.Infos[i].Expires = now.Add(6 * time.Hour)
	}
	r, _, err := g.server.Desk.Submit(g.t.Context(), alerts.Person{ID: "key:author", Name: "Author", Rights: all}, alerts.Submission{Alert: a, Own: true, Via: "console"}, now)
	if err != nil {
		g.t.Fatal(err)
	}
	return r
}

func (g *consoleGateway) issued(id string) *alerts.Record {
	g.t.Helper()
	r := g.waits(id)
	all := alerts.Rights{Verbs: alerts.Verbs, Statuses: alerts.Statuses}
	r, err := g.server.Desk.Approve(g.t.Context(), alerts.Person{ID: "key:approver", Name: "Approver", Rights: all}, r.ID, alerts.Decision{Digest: r.Approved}, time.Now())
	if err != nil {
		g.t.Fatal(err)
	}
	return r
}

// Every route of the console x who asks.
func TestEveryDoorOfTheConsole(t *testing.T) {
	g, w := openAllDoors(t)
	real := alerts.Rights{Statuses: alerts.Statuses}
	nobody := g.person()
	people := []*person{nobody}
	for _, role := range []string{"viewer", "author", "approver", "administrator"} {
		p := g.member(role, signin.Grant{Roles: []string{role}, Limits: real})
		people = append(people, p)
	}
	for _, p := range people {
		p.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	viewer := people[1]
	members, err := g.office.Members(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n, seen := 0, map[string]bool{}
	for _, route := range g.server.console.routes() {
		name := route.Method + " " + route.Path
		seen[name] = true
		got := ""
		for _, p := range people {
			if route.Path == "/console/sign-out" && p != nobody {
				got += "+" // the others are needed below
				continue
			}
			n++
			record := g.waits("door-" + itoa(n))
			for _, part := range []string{"cancel", "all-clear", "extend", "kits", "failures", "scene", "progress"} {
				if strings.Contains(route.Path, "/console/a/{id}/"+part) {
					record = g.issued("issued-" + itoa(n))
				}
			}
			of := string(record.ID)
			switch {
			case strings.HasPrefix(route.Path, "/console/staff/"):
				of = members[0].ID
			case strings.HasPrefix(route.Path, "/console/draft/"):
				of = string(g.server.Desk.NewID(time.Now()))
			case strings.HasPrefix(route.Path, calloutPath+"/{id}"):
				call, err := g.server.Callouts.Open(t.Context(), alerts.Person{ID: "staff:1"}, callout.Draft{ID: g.server.Desk.NewID(time.Now()), What: "x", Where: "x", Meet: time.Now(), Until: time.Now().Add(time.Hour), Needs: []volunteers.Need{{People: 9}}})
				if err != nil {
					t.Fatal(err)
				}
				of = string(call.ID)
			case strings.Contains(route.Path, "settings/templates/"):
				of = "flood"
			}
			path := strings.NewReplacer("{number}", "1", "{id}", of, "{key}", w.Key, "{token}", "none", "{act}", "approve", "{channel}", record.Channels[0], "{uid}", "01JD0000000000000000000000").Replace(route.Path)
			form := url.Values{"digest": {string(record.Approved)}, "reason": {"x"}, "reason-return": {"x"}, "reason-reject": {"x"}, "reason-alone": {"x"}, "confirm-alone": {"1"}, "people": {magnitudeOf(record.Reach)},
				"confirm": {"1"}, "findings": {"1"}, "text": {"x"}, "until": {alerts.FormatTime(time.Now().Add(12 * time.Hour))}, "do": {"take"}, "status": {"Exercise"}, "key": {string(g.server.Desk.NewID(time.Now()))}}
			if strings.Contains(route.Path, "/warnings/") {
				form.Set("do", "handled")
			}
			if route.Method == http.MethodGet {
				form = nil
			}
			acts := len(g.memory.acts)
			r := p.do(route.Method, path, form)
			if name == "POST "+scenePath {
				r = p.send(path, map[string]string{"text": "x", "place": "x", "source": "x"}, nil)
			}
			if harmless := p == nobody || p == viewer || route.Method == http.MethodGet; harmless && len(g.memory.acts) != acts {
				t.Errorf("%s: something was done: %+v", name, g.memory.acts[acts:])
			}
			switch to := r.Header.Get("Location"); {
			case r.StatusCode == http.StatusSeeOther && strings.HasPrefix(to, "/console/sign-in"):
				got += "s"
			case r.StatusCode == http.StatusUnauthorized && p == nobody:
				got += "h"
			case r.StatusCode == http.StatusForbidden:
				got += "x"
			case r.StatusCode >= 500:
				t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
			case r.StatusCode >= 400:
				got += "?"
			default:
				got += "+"
			}
			if c := r.Header.Get("Cache-Control"); !strings.Contains(c, "no-store") && (name != "GET /console/areas.json" || c != "private, no-cache") { // outlines are no secret
				t.Errorf("%s: kept by browsers: %q", name, c)
			}
			for _, guard := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"} {
				if r.Header.Get(guard) == "" {
					t.Errorf("%s: without %s", name, guard)
				}
			}
			if route.Method == http.MethodGet {
				continue
			}
			for _, foreign := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
				if r := p.do(route.Method, path, form, foreign...); r.StatusCode != http.StatusForbidden || !strings.Contains(r.Header.Get("Cache-Control"), "no-store") {
					t.Errorf("%s from another site (%s): %d", name, foreign, r.StatusCode)
				}
			}
		}
		if want, there := doors[name]; !there || want != got {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for name := range doors {
		if !seen[name] {
			t.Errorf("%s is no route any more", name)
		}
	}
}
