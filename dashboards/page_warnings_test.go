package dashboards

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/rdb"
)

// openWarned is a console with one official warning.
func openWarned(t testing.TB, change ...func(*alerts.Alert)) (*consoleGateway, *rdb.Warnings, *broadcast.Warning) {
	t.Helper()
	store, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	feeds := []broadcast.Feed{{Name: "regione", URL: "https://regione.example/feed", Every: time.Minute}}
	g := openConsole(t, func(c *Config) {
		c.Warnings, c.Feeds, c.Rung = store.Warnings(), feeds, store
		c.Rings = broadcast.NewRings(broadcast.RingsConfig{Store: store, Records: c.Desk.Store, Crew: c.Staff, PublicURL: c.PublicURL, Authority: c.Authority.Name, Log: zap.NewNop()}, prometheus.NewRegistry())
	})
	a := broadcasttest.NewRecord(alerts.SeveritySevere).Alert
	a.Status, a.Sender = alerts.StatusActual, "bollettini@regione.example"
	in := &a.Infos[0]
	in.SenderName, in.Event, in.Headline, in.Description = "Regione: centro funzionale", "Temporali forti", "Allerta arancione per temporali", "Rovesci intensi.\nVento forte."
	in.Web = "javascript:alert(1)"
	for _, f := range change {
		f(a)
	}
	w := &broadcast.Warning{V: 1, Key: broadcast.WarningKey(a), Feed: "regione", Alert: a, Received: time.Now().UTC(), Severity: alerts.SeveritySevere, Until: a.Expires().UTC(), State: broadcast.WarningOpen}
	act := alerts.Act{V: 1, At: time.Now(), Verb: "warning-received", Alert: alerts.ID(w.Key), Event: alerts.ID(w.Key)}
	ring := &alerts.Ring{Who: alerts.CallDuty, Why: alerts.WhyWarning, Warning: w.Key, At: time.Now()}
	if fresh, err := store.Warnings().TakeWarning(t.Context(), w, act, ring); err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	state := broadcast.FeedState{Read: time.Now().Add(-time.Hour), Failures: 3, Problem: "the server answered 503"}
	if err := store.Warnings().PutFeedState(t.Context(), "regione", state); err != nil {
		t.Fatal(err)
	}
	return g, store.Warnings(), w
}

func TestAnOfficialWarningIsShownAndAnswered(t *testing.T) {
	g, store, w := openWarned(t)
	p, _ := g.first()
	path := "/console/warnings/" + w.Key
	for at, wants := range map[string][]string{
		"/console?lang=en":          {"Official warnings without an answer (1)", path, "Regione: centro funzionale"},
		"/console/warnings?lang=en": {path, "without an answer", "silent for too long", "the server answered 503"},
		path + "?lang=en":           {"Allerta arancione per temporali", "Rovesci intensi.\nVento forte.", "Write an alert from this warning", `<option value="storm" selected>`, "New official warning"},
	} {
		r := p.get(at)
		for _, want := range wants {
			if !strings.Contains(r.body, want) {
				t.Errorf("%s lacks %q: %s", at, want, r.body)
			}
		}
		if strings.Contains(r.body, "javascript:") {
			t.Errorf("%s links to a script", at)
		}
	}
	if r := p.do("POST", path+"?lang=en", url.Values{"do": {"handled"}, "reason": {" "}}); r.StatusCode != 422 || !strings.Contains(r.body, `href="#reason"`) {
		t.Errorf("without a reason: %d %s", r.StatusCode, r.body)
	}
	if r := p.do("POST", path, url.Values{"do": {"burn"}, "reason": {"x"}}); r.StatusCode != 400 {
		t.Errorf("another act: %d", r.StatusCode)
	}
	for _, missing := range []string{"/console/warnings/x", "/console/warnings/" + strings.Repeat("0", 26)} {
		if r := p.get(missing); r.StatusCode != 404 {
			t.Errorf("%s: %d", missing, r.StatusCode)
		}
		if r := p.do("POST", missing, url.Values{"do": {"handled"}, "reason": {"x"}}); r.StatusCode != 404 {
			t.Errorf("an answer to %s: %d", missing, r.StatusCode)
		}
	}

	p.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if r := p.do("POST", path+"?lang=en", url.Values{"do": {"draft"}, "template": {"storm"}}); r.StatusCode != 303 || r.Header.Get("Location") != "/console/new?template=storm&warning="+w.Key+"&lang=en" {
		t.Errorf("draft: %d %s", r.StatusCode, r.Header.Get("Location"))
	}
	p.http.CheckRedirect = nil
	if got, err := store.Warning(t.Context(), w.Key); err != nil || got.State != broadcast.WarningDrafted || got.Answer.By.Name != "Anna Rossi" {
		t.Errorf("%+v, %v", got, err)
	}
	if a, err := g.server.console.inbound(t.Context(), w.Key); err != nil || a.Infos[0].Headline != "Allerta arancione per temporali" {
		t.Errorf("inbound: %v, %v", a, err)
	}
	if _, err := g.server.console.inbound(t.Context(), "../x"); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("inbound of nothing: %v", err)
	}
	if r := p.do("POST", path+"?lang=en", url.Values{"do": {"not-for-us"}, "reason": {"another valley"}}); r.StatusCode != 200 || !strings.Contains(r.body, "The answer is kept") || !strings.Contains(r.body, "another valley") {
		t.Errorf("answer: %d %s", r.StatusCode, r.body)
	}
	if r := p.do("POST", path+"?lang=en", url.Values{"do": {"handled"}, "reason": {"x"}}); r.StatusCode != 409 {
		t.Errorf("a second answer: %d", r.StatusCode)
	}
	if r := p.get("/console?lang=en"); strings.Contains(r.body, path) {
		t.Error("the overview still asks")
	}
}

func TestWhoOnlyReadsAnswersNoWarning(t *testing.T) {
	g, store, w := openWarned(t)
	g.first()
	i := invitationOf("bruno", "Bruno")
	i.By, i.Grant.Roles = alerts.By{ID: "key:x"}, []string{"viewer"}
	token, err := g.office.NewInvitation(t.Context(), i, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	bruno := g.person()
	bruno.join(token, "", "")
	if r := bruno.do("POST", "/console/warnings/"+w.Key, url.Values{"do": {"not-for-us"}, "reason": {"x"}}); r.StatusCode != 403 {
		t.Errorf("got %d", r.StatusCode)
	}
	if got, err := store.Warning(t.Context(), w.Key); err != nil || got.State != broadcast.WarningOpen {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTheTemplateThatFitsAWarning(t *testing.T) {
	for want, in := range map[string]alerts.Info{
		"flood":     {Event: "Rischio idraulico: allerta arancione"},
		"landslide": {Event: "Rischio idrogeologico"},
		"snow":      {Event: "Awareness", Parameters: []alerts.Value{{Name: "awareness_type", Value: "2; snow-ice"}}},
		"storm":     {Event: "Severe Thunderstorm Warning"},
		"":          {Event: "Qualcosa"},
	} {
		if got := hazardOf(&alerts.Alert{Infos: []alerts.Info{in}}); got != want {
			t.Errorf("%s: %q, want %q", in.Event, got, want)
		}
	}
}

func TestDutyAndWarningsInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	long := strings.Repeat("Donaudampfschifffahrtsgesellschaft", 4)
	g, store, w := openWarned(t, func(a *alerts.Alert) { a.Infos[0].Description = "Rovesci intensi e vento forte dalla sera. " + long })
	other := w.Alert.Clone()
	other.Identifier, other.Infos[0].Severity, other.Infos[0].Headline = "other", alerts.SeverityExtreme, "Piena del Vallone"
	second := *w
	second.Alert, second.Key, second.Severity, second.Unknown = other, broadcast.WarningKey(other), alerts.SeverityExtreme, true
	act := alerts.Act{V: 1, At: time.Now(), By: alerts.By{ID: "staff:x", Name: "Bruno"}, Verb: "x", Reason: "squadra sul posto", Event: alerts.ID(second.Key)}
	if _, err := store.TakeWarning(t.Context(), &second, act, nil); err != nil {
		t.Fatal(err)
	}
	third := *other
	third.Identifier, third.Infos = "third", []alerts.Info{other.Infos[0]}
	third.Infos[0].Headline = "Vento forte"
	answered := second
	answered.Alert, answered.Key, answered.Unknown = &third, broadcast.WarningKey(&third), false
	if _, err := store.TakeWarning(t.Context(), &answered, act, nil); err != nil {
		t.Fatal(err)
	}
	if err := store.AnswerWarning(t.Context(), answered.Key, broadcast.WarningHandled, act); err != nil {
		t.Fatal(err)
	}
	p, _ := g.first()
	p.do("POST", "/console/account/calls", url.Values{"do": {"save"}, "phone": {"333 123 4567"}, "email": {"anna@comune.example"}, "language": {"it"}})
	b.open(g.site + "/console/sign-in")
	b.call("Network.setCookie", map[string]any{"name": "martinella", "value": p.cookieOf("martinella"), "url": g.site, "httpOnly": true, "sameSite": "Strict"}, nil)
	b.looks(g.site, map[string]string{"rings-overview": "/console", "rings": "/console/rings", "calls": "/console/account/calls", "warnings": "/console/warnings", "warning": "/console/warnings/" + second.Key, "warning-long": "/console/warnings/" + w.Key})
	b.open(g.site + "/console")
	b.eval(`document.querySelector('.duty form .button').click(); 1`)
	b.arrives(`location.pathname === '/console/rings' && document.querySelector('.said')`)
	b.looks(g.site, map[string]string{"rings-duty": "/console/rings"})
	b.open(g.site + "/console/warnings/" + second.Key)
	b.fill(map[string]string{"reason": "squadra sul posto"})
	b.eval(`document.querySelector('button[value=handled]').click(); 1`)
	b.arrives(`document.querySelector('.said')`)
	b.quiet()
}
