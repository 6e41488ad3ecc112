package dashboards

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/rdb"
	"martinella/channels"
)

// callable is a channel that calls people and remembers it.
type callable struct {
	channels.Channel
	name, kind string
	said       chan string
	fail       error
}

func (c *callable) Name() string        { return c.name }
func (c *callable) AddressKind() string { return c.kind }
func (c *callable) Answer(_ context.Context, to, text string) error {
	if c.fail != nil {
		return c.fail
	}
	c.said <- to + ": " + text
	return nil
}

// ringing is a console whose staff can be called.
type ringing struct {
	*consoleGateway
	sms   *callable
	rings *broadcast.Rings
	store *rdb.Redis
}

func openRinging(t testing.TB) *ringing {
	t.Helper()
	store, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	r := &ringing{sms: &callable{name: "sms", kind: "phone", said: make(chan string, 100)}, store: store}
	r.consoleGateway = openConsole(t, func(c *Config) {
		r.rings = broadcast.NewRings(broadcast.RingsConfig{Store: store, Records: c.Desk.Store, Crew: c.Staff, Routes: []broadcast.Route{{Channel: r.sms}},
			Approves: c.Desk.MayApprove, PublicURL: c.PublicURL, Authority: c.Authority.Name, Log: zap.NewNop()}, prometheus.NewRegistry())
		c.Rings, c.Rung = r.rings, store
	})
	return r
}

// rang keeps a ring for a record of the gateway, and lets it be sent.
func (r *ringing) rang(t testing.TB, rec *alerts.Record, who alerts.Call, why alerts.Why) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	act := alerts.Act{V: 1, At: time.Now(), By: alerts.By{ID: "gateway", Name: "gateway"}, Verb: "submitted", Alert: rec.ID, Event: rec.Event}
	if _, _, err := r.store.Store().Intake(ctx, rec, nil, act); err != nil {
		t.Fatal(err)
	}
	act.Verb = "rung"
	if _, err := r.store.Store().Ring(ctx, "rung:"+string(why)+":"+string(rec.ID), alerts.Ring{Who: who, Why: why, Record: rec, At: time.Now()}, act); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = r.rings.Run(ctx) }()
	for ctx.Err() == nil {
		if all, err := r.store.Rings(ctx, rec.Event); err == nil && slices.ContainsFunc(all, func(g *broadcast.Ringing) bool { return g.Why == why && g.Done }) {
			break
		}
	}
	stop()
	<-done
}

func TestStaffEntersWhereTheyAreCalledAndTakesDuty(t *testing.T) {
	g := openRinging(t)
	p, _ := g.first()
	if r := p.get("/console?lang=en"); !strings.Contains(r.body, "Nobody is on duty") || !strings.Contains(r.body, "We cannot call you") {
		t.Errorf("overview: %s", r.body)
	}
	for sentence, tt := range map[string]struct {
		phone, email, field string
	}{
		"no number":         {phone: "12", field: "#phone"},
		"one that costs":    {phone: "899 123456", field: "#phone"},
		"no address":        {email: "anna at home", field: "#email"},
		"neither of both":   {phone: "x", email: "y", field: "#phone"},
		"with a line break": {email: "a@b.example\r\nBcc: c@d.example", field: "#email"},
	} {
		r := p.do("POST", "/console/account/calls?lang=en", url.Values{"do": {"save"}, "phone": {tt.phone}, "email": {tt.email}, "language": {"en"}})
		if r.StatusCode != 422 || !strings.Contains(r.body, `href="`+tt.field+`"`) || tt.phone != "" && !strings.Contains(r.body, `value="`+tt.phone+`"`) {
			t.Errorf("%s: %d %s", sentence, r.StatusCode, r.body)
		}
	}
	r := p.do("POST", "/console/account/calls?lang=en", url.Values{"do": {"save"}, "phone": {"333 123 4567"}, "email": {"Anna@Comune.example"}, "language": {"en"}})
	if r.StatusCode != 200 || !strings.Contains(r.body, "Contacts saved") || !strings.Contains(r.body, `value="&#43;393331234567"`) || !strings.Contains(r.body, "anna@comune.example") {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	if r := p.do("POST", "/console/account/calls?lang=en", url.Values{"do": {"test"}}); !strings.Contains(r.body, "accepted by the provider") {
		t.Errorf("test: %d %s", r.StatusCode, r.body)
	}
	if said := <-g.sms.said; !strings.HasPrefix(said, "+393331234567: Test: calls to staff") {
		t.Errorf("said %q", said)
	}
	g.sms.fail = channels.Permanent(channels.Refused("sms", "400", "barred"))
	if r := p.do("POST", "/console/account/calls?lang=en", url.Values{"do": {"test"}}); !strings.Contains(r.body, "barred") || !strings.Contains(r.body, ">failed") && !strings.Contains(r.body, "failed") {
		t.Errorf("a test that fails: %d %s", r.StatusCode, r.body)
	}
	for range 5 {
		r = p.do("POST", "/console/account/calls?lang=en", url.Values{"do": {"test"}})
	}
	if r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
		t.Errorf("tests without end: %d", r.StatusCode)
	}

	if r := p.do("POST", "/console/duty?lang=en", url.Values{"do": {"take"}}); !strings.Contains(r.body, "You are on duty") || strings.Contains(r.body, "I take the duty") {
		t.Errorf("duty: %d %s", r.StatusCode, r.body)
	}
	if crew, err := g.office.Crew(t.Context()); err != nil || !crew[0].OnDuty || crew[0].Contacts["phone"] != "+393331234567" || crew[0].Language != "en" {
		t.Errorf("crew %+v, %v", crew, err)
	}
	if r := p.do("POST", "/console/duty?lang=en", url.Values{"do": {"sleep"}}); r.StatusCode != 400 {
		t.Errorf("another act: %d", r.StatusCode)
	}
	crew, _ := g.office.Crew(t.Context())
	if r := p.do("POST", "/console/duty?lang=en", url.Values{"do": {"end"}, "member": {crew[0].ID}}); !strings.Contains(r.body, "Nobody is on duty now") {
		t.Errorf("end: %d %s", r.StatusCode, r.body)
	}
	for _, entry := range g.logs.All() {
		for _, secret := range []string{"393331234567", "anna@comune"} {
			if strings.Contains(strings.ToLower(entry.Message), secret) {
				t.Errorf("the log says %v", entry)
			}
			for _, f := range entry.Context {
				if strings.Contains(strings.ToLower(f.String), secret) {
					t.Errorf("the log says %v", f)
				}
			}
		}
	}
}

func TestAnAdministratorEntersContactsWithAProof(t *testing.T) {
	g := openRinging(t)
	p, seed := g.first()
	invitation := invitationOf("bruno", "Bruno")
	invitation.By = alerts.By{ID: "key:x"}
	token, err := g.office.NewInvitation(t.Context(), invitation, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	bruno := g.person()
	bruno.join(token, "", "")
	members, err := g.office.Members(t.Context())
	if err != nil || len(members) != 2 {
		t.Fatal(members, err)
	}
	id := members[1].ID
	form := url.Values{"phone": {"+39 333 7654321"}, "language": {"it"}}
	if r := p.do("POST", "/console/staff/"+id+"/calls?lang=en", form); r.StatusCode != 403 || !strings.Contains(r.body, "333 7654321") {
		t.Errorf("without a proof: %d %s", r.StatusCode, r.body)
	}
	if r := bruno.do("POST", "/console/staff/"+members[0].ID+"/calls", form); r.StatusCode != 403 {
		t.Errorf("by somebody else: %d", r.StatusCode)
	}
	form.Set("code", code(t, seed, 1))
	if r := p.do("POST", "/console/staff/"+id+"/calls?lang=en", form); r.StatusCode != 200 || !strings.Contains(r.body, "Contacts saved") {
		t.Errorf("with a proof: %d %s", r.StatusCode, r.body)
	}
	if r := p.get("/console/staff/staff:none/calls"); r.StatusCode != 403 {
		t.Errorf("nobody: %d", r.StatusCode)
	}
	if r := p.get("/console/staff?lang=en"); !strings.Contains(r.body, "/console/staff/"+id+"/calls") {
		t.Error("no link to the contacts")
	}
}

func TestThePageOfCallsShowsWhomTheyReached(t *testing.T) {
	g := openRinging(t)
	p, _ := g.first()
	p.do("POST", "/console/account/calls", url.Values{"do": {"save"}, "phone": {"333 123 4567"}, "language": {"it"}})
	r := g.post(author, "/api/v1/alerts", message("waits", "severity", "Severe"))
	if r.StatusCode != 202 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	id := alerts.ID(r.json(t)["id"].(string))
	rec, err := g.memory.Get(t.Context(), id, alerts.Exactly)
	if err != nil {
		t.Fatal(err)
	}
	g.rang(t, rec, alerts.CallApprovers, alerts.WhyApproval)
	if said := <-g.sms.said; !strings.HasPrefix(said, "+393331234567: Da approvare ora: ") || !strings.HasSuffix(said, g.site+"/console/a/"+string(id)+"/approve") {
		t.Errorf("said %q", said)
	}
	for _, path := range []string{"/console/rings?lang=en", "/console/a/" + string(id) + "/rings?lang=en"} {
		page := p.get(path)
		for _, want := range []string{"Alert to approve", "Anna Rossi", "accepted by the provider", "SMS", "to who may approve"} {
			if !strings.Contains(page.body, want) {
				t.Errorf("%s lacks %q: %s", path, want, page.body)
			}
		}
		if strings.Contains(page.body, "1234567") {
			t.Errorf("%s shows a number", path)
		}
	}
	rings := g.get("/api/v1/alerts/"+string(id)+"/rings", "Authorization", "Bearer "+approver)
	if rings.StatusCode != 200 || !strings.Contains(rings.body, `"why":"approval"`) || !strings.Contains(rings.body, `"state":"accepted"`) || strings.Contains(rings.body, "1234567") {
		t.Errorf("API: %d %s", rings.StatusCode, rings.body)
	}
	if page := p.get("/console/a/" + strings.Repeat("0", 26) + "/rings"); page.StatusCode != 403 {
		t.Errorf("an event that is not there: %d", page.StatusCode)
	}
	if page := g.person().get("/console/rings"); page.Request.URL.Path != "/console/sign-in" {
		t.Errorf("without a session: %s", page.Request.URL)
	}
}
