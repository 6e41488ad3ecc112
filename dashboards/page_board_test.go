package dashboards

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
	"martinella/dashboards/signin"
)

// colleague lets a person with these roles in, for real alerts too, and gives
// the seed of the codes.
func (g *consoleGateway) colleague(login, name string, roles ...string) (*person, string) {
	g.t.Helper()
	if members, err := g.office.Members(g.t.Context()); err != nil || len(members) == 0 {
		g.first()
	}
	members, err := g.office.Members(g.t.Context())
	if err != nil {
		g.t.Fatal(err)
	}
	admin := members[slices.IndexFunc(members, (*signin.Member).Administers)]
	grant := grantOf(url.Values{"role": roles, "real": {"1"}})
	token, err := g.office.NewInvitation(g.t.Context(), signin.Invitation{Login: login, Name: name, Grant: grant, By: alerts.By{ID: admin.ID, Name: admin.Name}}, time.Now())
	if err != nil {
		g.t.Fatal(err)
	}
	p := g.person()
	return p, p.join(token, login, name)
}

// leafOf is a page of the console with its source.
type leafOf struct {
	page
	body string
}

// page reads a page of the console as its elements.
func (p *person) page(path string) leafOf {
	p.t.Helper()
	r := p.get(path)
	return pageOf(p.t, r)
}

func pageOf(t testing.TB, r reply) leafOf {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	return leafOf{page{t, doc}, r.body}
}

func ms(n int64) *int64 { return new(n) }

// row is the text of a channel's row.
func (p leafOf) row(channel string) string {
	p.t.Helper()
	for _, tr := range p.all("tr") {
		if attr(tr, "data-k") == channel {
			return strings.Join(strings.Fields(text(tr)), " ")
		}
	}
	p.t.Fatalf("no row of %s", channel)
	return ""
}

func TestTheBoardTellsEachStateAndItsRemedy(t *testing.T) {
	soon := time.Now().Add(20 * time.Second)
	g := openConsole(t, func(c *Config) {
		c.Troubles = func() []broadcast.Trouble {
			return []broadcast.Trouble{{Channel: "mastodon", Refused: true, Since: time.Now(), Reason: "401 the token was revoked", Renewal: "Make a new token and put it into token_file."}}
		}
		c.Accounts = []Account{{Platform: "telegram", Name: "@valdemo", Channel: "telegram"}}
		c.Following = func() int { return 1200 }
	})
	p, _ := g.colleague("carla", "Carla Bianchi", "approver", "author")
	id := g.issue(message("board-1", "severity", "Extreme"))["id"].(string)
	g.stand(id,
		broadcast.Delivery{Channel: "telegram", State: "done", Total: 1, Accepted: 1, Delivered: 1, FirstMS: ms(410), LastMS: ms(410), P50MS: ms(410), P99MS: ms(410), URL: "https://t.me/valdemo/1"},
		broadcast.Delivery{Channel: "sms", State: "sending", Total: 18420, Accepted: 10116, Delivered: 9870, Failed: 41, FirstMS: ms(100), LastMS: ms(48000), P50MS: ms(1200), P99MS: ms(4800),
			Reached: []broadcast.Reached{{MS: 1000, N: 4000}, {MS: 48000, N: 10116}}},
		broadcast.Delivery{Channel: "facebook", State: "retrying", Total: 1, Error: "429 too many requests", NextAttempt: &soon, Attempts: 3},
		broadcast.Delivery{Channel: "bluesky", State: "uncertain", Total: 1, Uncertain: 1, Error: "the answer was lost"},
		broadcast.Delivery{Channel: "mastodon", State: "failed", Total: 1, Failed: 1, Error: "401 the token was revoked"},
		broadcast.Delivery{Channel: "email", State: "partly_failed", Total: 10, Accepted: 9, Failed: 1, Error: "550 <mailbox> unavailable"},
		broadcast.Delivery{Channel: "fax", State: "expired", Total: 2, Expired: 2},
		broadcast.Delivery{Channel: "siren", State: "queued", Total: 3},
	)
	for lang, want := range map[string]map[string][]string{
		"it": {
			"telegram": {"Telegram", "@valdemo", "✓ fatto", "1 di 1", "410 ms / 410 ms", "Vedi il post"},
			"sms":      {"▶ in corso", "10 116 di 18 420", "9 870", "41", "1,2 s / 4,8 s", "al secondo, fine stimata", "Vedi chi manca"},
			"facebook": {"↻ riprovo", "nuovo tentativo fra", "tentativi fatti: 3; si riprova fino alla scadenza (", "troppe richieste", "429 too many requests"},
			"bluesky":  {"? incerto", "controllo prima di rimandare", "Controlla"},
			"mastodon": {"✕ fallito", "le credenziali del canale vanno rinnovate", "Rinnova", "Make a new token", "Vedi chi manca"},
			"email":    {"! fallito in parte", "la piattaforma ha un guasto", "Riprova ora"},
			"fax":      {"⏱ scaduto", "scaduta prima", "Vedi chi manca"},
			"siren":    {"… in coda", "0 di 3"},
		},
		"en": {"sms": {"under way", "10 116 of 18 420", "1.2 s / 4.8 s", "See who is missing"}, "bluesky": {"uncertain", "check before sending again"}},
	} {
		b := p.page("/console/a/" + id + "?lang=" + lang)
		for channel, texts := range want {
			for _, text := range texts {
				if row := b.row(channel); !strings.Contains(row, text) {
					t.Errorf("%s, %s: %q is not in %q", lang, channel, text, row)
				}
			}
		}
	}
	b := p.page("/console/a/" + id)
	b.says("#b-sum", "8 canali: 1 fatto, 1 in corso, 1 in coda, 1 da riprovare, 1 incerto, 1 fallito in parte, 1 fallito, 1 scaduto · dati delle ")
	b.says("#b-card", "scritta da Centrale")
	b.says("title", "1 di 8 canali completati: Piena in arrivo")
	b.says("#b-sum", "1 200 pagine pubbliche aperte")
	b.says("#b-history", "Emessa da Centrale")
	b.says("#b-history", "Primo accettato dopo 100 ms")
	b.says("#b-trend", "Accettati 10 116 di")
	for _, path := range []string{"/cancel", "/all-clear", "/extend"} {
		if !strings.Contains(b.body, "/console/a/"+id+path) {
			t.Errorf("no button to %s", path)
		}
	}
	inline := slices.ContainsFunc(b.all("script"), func(n *html.Node) bool { return n.FirstChild != nil })
	if inline || strings.Contains(b.body, " style=") {
		t.Error("an inline script or style")
	}
	part := p.get("/console/a/" + id + "?part=live")
	if strings.Contains(part.body, "<html") || !strings.Contains(part.body, `id="part"`) || !strings.Contains(part.body, "data-title") {
		t.Errorf("the live part: %.300s", part.body)
	}
	if r := p.get("/console/a/" + id + "?refresh=60"); r.Header.Get("Refresh") != "60" {
		t.Error("no automatic reload for who asks for it")
	}
}

func TestOnePersonCancelsOnce(t *testing.T) {
	g := openConsole(t, func(c *Config) {
		c.Preview = func(_ context.Context, r *alerts.Record) ([]broadcast.Preview, error) {
			if r.Change != alerts.ChangeCancelled || r.Alert.MsgType != alerts.MsgCancel {
				t.Errorf("a preview of %s", r.Change)
			}
			return []broadcast.Preview{{Channel: "sms", Messages: []channels.Message{{Language: "it", Text: "ANNULLATO: l'avviso non vale."}}, Reach: []int{18420}}, {Channel: "fax", Failure: "no line"}}, nil
		}
	})
	p, seed := g.colleague("carla", "Carla Bianchi", "approver")
	issued := g.issue(message("cancel-1", "severity", "Extreme"))
	id, digest := issued["id"].(string), issued["digest"].(string)
	overview := p.get("/console")
	path := "/console/a/" + id + "/cancel"
	if !strings.Contains(overview.body, `href="`+path) {
		t.Fatal("the first page has no link to cancel: that is the first tap")
	}
	form := p.page(path)
	form.says("h1", "Annulla: Piena in arrivo")
	form.says("main", "Annulla l'allerta adesso")
	form.says(".said-list", "sms ANNULLATO: l'avviso non vale. fax Qui non può uscire: no line")
	form.says("main", "A 18 420 destinatari")
	if b := form.all("form button"); len(b) < 3 || attr(b[1], "type") != "submit" || attr(b[1], "disabled") != "" {
		t.Errorf("Enter would cancel: the first button of the form must be disabled")
	}
	send := func(more ...string) reply {
		in := url.Values{"digest": {digest}, "why": {"wrong"}, "reason": {"sensore guasto"}}
		for i := 0; i+1 < len(more); i += 2 {
			in.Set(more[i], more[i+1])
		}
		return p.do("POST", path, in)
	}
	if r := send(); r.StatusCode != 403 || !strings.Contains(r.body, "sensore guasto") {
		t.Errorf("without a proof: %d", r.StatusCode)
	}
	if r := send("why", "", "reason", ""); r.StatusCode != 422 || !strings.Contains(r.body, "Scegli perché la annulli") {
		t.Errorf("without a reason: %d", r.StatusCode)
	}
	if r := send("code", "000000"); r.StatusCode != 403 {
		t.Errorf("with a wrong code: %d", r.StatusCode)
	}
	_ = g.store.Forgive(t.Context(), "proof "+g.memberOf(p).ID)
	r := send("code", code(t, seed, 1))
	if r.StatusCode != 200 || r.Request.URL.Query().Get("said") != "cancel" || !strings.Contains(r.body, "L&#39;annullo è partito") {
		t.Fatalf("cancel: %d %s", r.StatusCode, r.Request.URL)
	}
	first := r.Request.URL.Path
	if again := send("code", code(t, seed, 1)); again.StatusCode != 200 || again.Request.URL.Path != first {
		t.Errorf("the second tap: %d %s", again.StatusCode, again.Request.URL)
	}
	acts, err := g.memory.Acts(t.Context(), alerts.ID(id))
	if err != nil {
		t.Fatal(err)
	}
	cancels := 0
	for _, a := range acts {
		if a.Verb == "cancelled" {
			cancels++
			if !strings.Contains(a.Reason, "sensore guasto") || a.By.Name != "Carla Bianchi" {
				t.Errorf("act %+v", a)
			}
		}
	}
	if cancels != 1 {
		t.Errorf("%d cancels", cancels)
	}
	board := pageOf(t, r)
	board.says("#b-history", "Annullata da Carla Bianchi")
	board.says("main", "Annullata per sbaglio?")

	// One tap brings it back within 30 minutes.
	cancelID := strings.TrimPrefix(first, "/console/a/")
	head, err := g.memory.Get(t.Context(), alerts.ID(cancelID), alerts.Exactly)
	if err != nil {
		t.Fatal(err)
	}
	if r := p.do("POST", first+"/resume", url.Values{"digest": {string(head.Approved)}}); r.StatusCode != 403 {
		t.Errorf("resume without a proof: %d", r.StatusCode)
	}
	m, s, err := g.office.Who(t.Context(), p.cookieOf("martinella"))
	if err != nil {
		t.Fatal(err)
	}
	_ = g.store.Forgive(t.Context(), "proof "+m.ID)
	if err := g.office.ProveByCode(t.Context(), m, s, signin.Deed{Act: "resume", Digest: head.Approved}, code(t, seed, 3), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if r := p.do("POST", first+"/resume", url.Values{"digest": {string(head.Approved)}}); r.Request.URL.Query().Get("said") != "resume" || !strings.Contains(r.body, "emessa di nuovo") {
		t.Errorf("resume: %d %s", r.StatusCode, r.Request.URL)
	}
}

// memberOf is who sits at the browser.
func (g *consoleGateway) memberOf(p *person) *signin.Member {
	g.t.Helper()
	m, _, err := g.office.Who(g.t.Context(), p.cookieOf("martinella"))
	if err != nil {
		g.t.Fatal(err)
	}
	return m
}

func TestWhoMayNotIsToldWhy(t *testing.T) {
	g := openConsole(t)
	p, _ := g.colleague("vito", "Vito Verdi", "viewer")
	issued := g.issue(message("why-1", "severity", "Severe"))
	id, digest := issued["id"].(string), issued["digest"].(string)
	g.stand(id, broadcast.Delivery{Channel: "outbox", State: "failed", Total: 2, Failed: 2, Error: "timeout"})
	b := p.page("/console/a/" + id)
	b.says("#b-deeds", "Prolunga, Annulla (inviata per errore) : il tuo ruolo non lo consente")
	for _, act := range []string{"cancel", "all-clear", "extend"} {
		if page := p.page("/console/a/" + id + "/" + act); !strings.Contains(page.body, "Il tuo ruolo non lo consente") {
			t.Errorf("%s does not say why", act)
		}
		r := p.do("POST", "/console/a/"+id+"/"+act, url.Values{"digest": {digest}, "why": {"wrong"}, "reason": {"x"}, "until": {alerts.FormatTime(time.Now().Add(20 * time.Hour))}})
		if r.StatusCode != 403 {
			t.Errorf("%s by who may not: %d", act, r.StatusCode)
		}
	}
	p.page("/console/a/"+id+"/failures/outbox").says("#again", "Il tuo ruolo non lo consente")
	if r := p.do("POST", "/console/a/"+id+"/failures/outbox", url.Values{"digest": {digest}}); r.StatusCode != 403 || len(g.memory.wishes) != 0 {
		t.Errorf("sending again by who may not: %d", r.StatusCode)
	}
}

func TestAnAllClearWaitsAndAnExtensionDoesNot(t *testing.T) {
	g := openConsole(t)
	p, seed := g.colleague("carla", "Carla Bianchi", "approver", "author")
	issued := g.issue(message("clear-1", "severity", "Severe"))
	id, digest := issued["id"].(string), issued["digest"].(string)
	at := "/console/a/" + id
	p.page(at+"/extend").says("main", "Perché vale ancora")
	if r := p.do("POST", at+"/extend", url.Values{"digest": {digest}, "until": {"other"}, "other": {"domani"}, "reason": {"piove"}}); r.StatusCode != 422 || !strings.Contains(r.body, "GG/MM HH:MM") || !strings.Contains(r.body, "piove") {
		t.Errorf("a time that is none: %d", r.StatusCode)
	}
	until := time.Now().In(rome).Add(30 * time.Hour)
	r := p.do("POST", at+"/extend", url.Values{"digest": {digest}, "until": {alerts.FormatTime(until.Add(time.Hour))}, "other": {until.Format("02/01 15:04")}, "reason": {"piove ancora"}, "code": {code(t, seed, 1)}})
	if r.Request.URL.Query().Get("said") != "extend" {
		t.Fatalf("extend: %d %s", r.StatusCode, r.body)
	}
	longer := strings.TrimPrefix(r.Request.URL.Path, "/console/a/")
	head, err := g.memory.Get(t.Context(), alerts.ID(longer), alerts.Exactly)
	if err != nil || !head.Alert.Expires().Equal(until.Truncate(time.Minute)) {
		t.Fatalf("it holds until %v, %v", head.Alert.Expires(), err)
	}
	pageOf(t, r).says("#b-history", "Aggiornamento 1")
	p.page(at).says("#b-card", "C'è una revisione più nuova")
	p.page(at).says("#b-deeds", "questa revisione non è più l'ultima")

	m, s, err := g.office.Who(t.Context(), p.cookieOf("martinella"))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.office.ProveByCode(t.Context(), m, s, signin.Deed{Act: "all-clear", Digest: head.Approved}, code(t, seed, 3), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	p.page("/console/a/"+longer+"/all-clear").says("main", "Deve approvarlo un'altra persona")
	r = p.do("POST", "/console/a/"+longer+"/all-clear", url.Values{"digest": {string(head.Approved)}, "text": {"Strade riaperte."}})
	if r.Request.URL.Query().Get("said") != "waits" {
		t.Fatalf("all-clear: %d %s", r.StatusCode, r.Request.URL)
	}
	waits := pageOf(t, r)
	waits.says("[role=status]", "")
	waits.says("#b-deeds", "L'hai scritta tu")
	waits.says("title", "Da approvare")
	if !strings.Contains(r.body, r.Request.URL.Path+"/approve") {
		t.Error("no way to the approval")
	}
}

func TestSendingAgainAsksAboutDoubles(t *testing.T) {
	g := openConsole(t)
	p, _ := g.colleague("carla", "Carla Bianchi", "approver")
	issued := g.issue(message("again-1", "severity", "Severe"))
	id, digest := issued["id"].(string), issued["digest"].(string)
	now := time.Now()
	g.memory.failed = []broadcast.Failure{{Ordinal: 3, State: "failed", Reason: "timeout", At: &now}, {Ordinal: 9, State: "uncertain", Reason: "=HYPERLINK(1) the answer was lost", At: &now}}
	g.stand(id, broadcast.Delivery{Channel: "outbox", State: "uncertain", Total: 10, Accepted: 8, Failed: 1, Uncertain: 1, Error: "the answer was lost"})
	at := "/console/a/" + id + "/failures/outbox"
	list := p.page(at)
	list.says("#again", "forse l'hanno già ricevuta")
	list.says("table", "la piattaforma non risponde")
	if sheet := p.get(at + "?as=csv"); !strings.HasPrefix(sheet.Header.Get("Content-Type"), "text/csv") || !strings.Contains(sheet.body, "3,failed,timeout") || !strings.Contains(sheet.body, "'=HYPERLINK") {
		t.Errorf("csv: %q", sheet.body)
	}
	if r := p.do("POST", at, url.Values{"digest": {digest}, "reason": {"rete tornata"}}); r.Request.URL.Query().Get("said") != "resent" {
		t.Errorf("again: %d %s", r.StatusCode, r.body)
	}
	if r := p.do("POST", at, url.Values{"digest": {digest}, "sure": {"1"}}); r.Request.URL.Query().Get("said") != "resent" {
		t.Errorf("again with doubles: %d", r.StatusCode)
	}
	if w := g.memory.wishes; len(w) != 2 || w[0].Uncertain || !w[1].Uncertain || w[0].Act.Via != "console" {
		t.Errorf("wishes %+v", w)
	}
	if r := p.do("POST", at, url.Values{"digest": {"00"}}); r.StatusCode != http.StatusConflict {
		t.Errorf("of something else: %d", r.StatusCode)
	}
	if r := p.get("/console/a/" + id + "/failures/sms"); r.StatusCode != http.StatusNotFound {
		t.Errorf("of a channel that does not carry it: %d", r.StatusCode)
	}
}

func TestTheBoardOfWhatDidNotLeave(t *testing.T) {
	g := openConsole(t)
	p, _ := g.colleague("carla", "Carla Bianchi", "approver")
	waiting := g.post(author, "/api/v1/alerts", message("waits-1", "severity", "Severe")).json(t)
	id := waiting["id"].(string)
	b := p.page("/console/a/" + id)
	b.says("#b-deeds", "Autrice aspetta da")
	b.says("#b-deeds", "Se nessuno decide, chi l'ha scritta può emetterla da sola dal")
	b.never("main", "Consegna per canale")
	if r := g.act(approver, id, "return", fmt.Sprintf(`{"digest":%q,"reason":"manca la zona"}`, waiting["digest"])); r.StatusCode != 200 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	b = p.page("/console/a/" + id)
	b.says("#b-deeds", "Responsabile l'ha restituita")
	b.says("#b-deeds", "manca la zona")
	if !strings.Contains(b.body, "/console/new?again="+id) {
		t.Error("no way to write it anew")
	}
	if r := p.get("/console/a/none"); r.StatusCode != http.StatusNotFound {
		t.Errorf("an alert that there is none: %d", r.StatusCode)
	}
}

func TestASessionFollowsTheProgress(t *testing.T) {
	g := openConsole(t)
	p, _ := g.colleague("carla", "Carla Bianchi", "viewer")
	id := g.issue(message("follow-1"))["id"].(string)
	g.stand(id, sending("outbox", 100))
	if r := p.do("GET", "/console/a/"+id+"/progress", nil, "Accept", "text/event-stream"); r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Type"), mediaEvents) || !strings.Contains(r.body, "event: end") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if r := p.do("GET", "/console/a/"+id+"/progress", nil, "Last-Event-ID", progressEnd); r.StatusCode != http.StatusNoContent {
		t.Errorf("after the end: %d", r.StatusCode)
	}
	if r := g.person().get("/console/a/" + id + "/progress"); r.Request.URL.Path != "/console/sign-in" {
		t.Errorf("without a session: %s", r.Request.URL)
	}
}

func TestTheFirstPageTellsWhatLapsedWhatIsToReviewAndWhatWentOut(t *testing.T) {
	g := openConsole(t)
	p, _ := g.colleague("carla", "Carla Bianchi", "approver")
	lapsed := g.issue(message("lapsed-1", "severity", "Severe", "headline", "Frana sulla strada"))["id"].(string)
	alone := g.issue(message("alone-1", "severity", "Severe", "headline", "Incendio nel bosco"))["id"].(string)
	g.stand(alone, broadcast.Delivery{Channel: "outbox", State: "failed", Total: 1, Failed: 1})
	secret := g.issue(message("secret-1", "scope", "Restricted", "</scope>", "</scope><restriction>sala</restriction>", "headline", "Solo per la sala"))["id"].(string)
	g.memory.mu.Lock()
	for _, r := range g.memory.records {
		if r.ID == alerts.ID(alone) {
			r.ReviewDue = time.Now().Add(-time.Hour)
			g.memory.act(alerts.Act{At: time.Now().Add(-25 * time.Hour), By: alerts.By{ID: "x", Name: "Sola"}, Verb: "issued-alone", Alert: r.ID, Event: r.Event, Digest: r.Approved})
		}
	}
	g.memory.mu.Unlock()
	g.expire("lapsed-1", time.Hour)
	second := again(t, g.gateway)
	g.server.Config.Board = second.board
	page := p.page("/console")
	page.says("#h-lapsed", "(1)")
	if !strings.Contains(page.body, "/console/a/"+lapsed+"/all-clear") {
		t.Error("what lapsed has no way to the all-clear")
	}
	page.says("main", "la verifica doveva esserci entro")
	page.says("main", "Consegna da controllare")
	if !strings.Contains(page.body, "/console/a/"+secret+"/cancel") {
		t.Error("what is not for everybody cannot be cancelled from the first page")
	}
}

// Whoever ends an exercise sees on every page that it is one.
func TestAnExerciseIsMarkedWhereItIsEnded(t *testing.T) {
	g := openConsole(t)
	p, _ := g.colleague("carla", "Carla Bianchi", "approver", "author")
	drill := g.issue(message("drill-1", "severity", "Severe", "status", "Exercise"))["id"].(string)
	real := g.issue(message("real-1", "severity", "Moderate", "099001", "099002"))["id"].(string)
	for _, act := range []string{"cancel", "all-clear", "extend"} {
		p.page("/console/a/"+drill+"/"+act+"?lang=it").says("#strip", "ESERCITAZIONE Nessun pericolo")
		if strip := p.page("/console/a/" + real + "/" + act + "?lang=it"); strings.Contains(strip.body, `class="mode exercise"`) {
			t.Errorf("a real alert is marked as an exercise on the page to %s it", act)
		}
	}
}

// The board says of an exercise what the desk demands (DECISIONS 13).
func TestTheBoardSaysWhoMayApproveAnExercise(t *testing.T) {
	for practice, want := range map[bool][]string{
		true:  {"Non serve un'altra persona: puoi approvarla anche tu.", "Leggi e decidi"},
		false: {"aspetta che un'altra persona l'approvi.", "Rileggi"},
	} {
		g := openDesktop(t, func(c *Config) { c.Desk.Policy.Practice = practice })
		p := g.staff("bruno", "Bruno Neri", writer(true, "approver"))
		path, form := p.written(alerts.StatusExercise)
		form.Set("severity", "Severe")
		r := p.asks(path, form)
		board := p.page(r.Request.URL.Path + "?lang=it")
		for _, words := range want {
			board.says("main", words)
		}
		approve := p.page(r.Request.URL.Path + "/approve?lang=it")
		if open := strings.Contains(approve.body, `id="confirm"`); open != practice {
			t.Errorf("practice %t: the page of approval lets its author decide: %t", practice, open)
		}
	}
}
