package dashboards

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/areas"
	"martinella/broadcast"
	"martinella/broadcast/rdb"
	"martinella/channels"
)

// postOffice is a channel that can write to one person.
type postOffice struct {
	channels.Channel
	kind string
	said chan [3]string // to, subject, text
}

func (c postOffice) Name() string        { return c.kind }
func (c postOffice) AddressKind() string { return c.kind }
func (c postOffice) Notify(_ context.Context, to, subject, text string) error {
	c.said <- [3]string{to, subject, text}
	return nil
}

// countedRoll counts what a request asks of the store.
type countedRoll struct {
	broadcast.Roll
	mu    sync.Mutex
	asked int
}

func (r *countedRoll) Lookup(ctx context.Context, kind, address string) (uint32, error) {
	r.mu.Lock()
	r.asked++
	r.mu.Unlock()
	return r.Roll.Lookup(ctx, kind, address)
}

// pushDoor is the channel of browsers.
type pushDoor struct{}

func (pushDoor) PublicKey() string {
	return "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
}
func (pushDoor) Admit(a channels.PushAddress) error {
	if strings.Contains(a.Endpoint, "//10.") {
		return channels.ErrPrivate
	}
	return nil
}

// The first page promises the ways that are configured, and no other.
func TestTheFirstPageNamesTheWaysThatThereAre(t *testing.T) {
	g := open(t)
	g.page("/").says(".receive", "Gli avvisi si ricevono anche con: programmi per i feed.")
	g.page("/").never(".receive", "SMS")
	var telegram = func(c *Config) {
		c.Accounts = []Account{{Platform: "telegram", Name: "@valdemo", URL: "https://t.me/valdemo", Channel: "tg"}}
	}
	full, _ := openSignUps(t, telegram)
	full.page("/").says(".receive p", "Gli avvisi si ricevono anche con: SMS, e-mail, notifiche, Telegram, programmi per i feed.")
	full.page("/").says(".receive a", "SMS, e-mail e altri modi")
	full.page("/?lang=de").says(".receive p", "per: SMS, E-Mail, Benachrichtigung, Telegram, Feed-Programm.")
	mails, _ := openSignUps(t, func(c *Config) {
		c.SignUps.Questions = broadcast.NewQuestions(broadcast.QuestionsConfig{SignUps: c.OwnPages, PublicURL: c.PublicURL, Authority: c.Authority.Name, Log: c.Logger,
			Routes: []broadcast.Route{{Channel: postOffice{kind: "email"}}}})
	})
	mails.page("/").never(".receive", "SMS")
	mute, _ := openSignUps(t, telegram, func(c *Config) {
		c.SignUps.Push = nil
		c.Stopped = func(channel string) bool { return channel == "tg" }
	})
	mute.page("/").says(".receive p", "con: SMS, e-mail, programmi per i feed.")
}

type signUpGateway struct {
	*gateway
	own  *broadcast.SignUps
	roll *countedRoll
	said chan [3]string
}

// openSignUps is a gateway at which people can subscribe. Nothing is asked
// before ask.
func openSignUps(t testing.TB, change ...func(*Config)) (g *signUpGateway, ask func()) {
	t.Helper()
	store, err := rdb.Open(t.Context(), rdb.Config{Redis: rdb.Memory, Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	roll, said := &countedRoll{Roll: store.People()}, make(chan [3]string, 100)
	own := &broadcast.SignUps{Roll: roll}
	var q *broadcast.Questions
	g = &signUpGateway{own: own, roll: roll, said: said}
	g.gateway = open(t, append([]func(*Config){func(c *Config) {
		q = broadcast.NewQuestions(broadcast.QuestionsConfig{
			SignUps: own, PublicURL: c.PublicURL, Authority: c.Authority.Name, Log: c.Logger,
			Routes: []broadcast.Route{{Channel: postOffice{kind: "phone", said: said}}, {Channel: postOffice{kind: "email", said: said}}},
		})
		c.Areas, c.OwnPages = areas.Valdemo(), own
		c.SignUps = &SignUps{Questions: q, Push: pushDoor{}, Countries: []string{"+39"}}
	}}, change...)...)
	return g, func() {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); _ = q.Run(ctx) }()
		t.Cleanup(func() { cancel(); <-done })
	}
}

func (g *signUpGateway) form(path string, pairs ...string) reply {
	g.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return g.do("POST", path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept-Language", "it")
}

func (g *signUpGateway) signUp(contact string) reply {
	g.t.Helper()
	return g.form("/subscribe", "contact", contact, "where", "all", "severity", "", "language", "it")
}

func (g *signUpGateway) heard() [3]string {
	g.t.Helper()
	select {
	case said := <-g.said:
		return said
	case <-time.After(time.Minute):
		g.t.Fatal("nobody was written to")
		return [3]string{}
	}
}

// linkIn finds the link in a message.
func linkIn(t testing.TB, text string) string {
	t.Helper()
	found := regexp.MustCompile(`https://allerta\.valdemo\.example(/[sp]/[A-Za-z0-9_-]{32})`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no link in %q", text)
	}
	return found[1]
}

func TestSubscribingByMail(t *testing.T) {
	g, ask := openSignUps(t)
	ask()
	p := g.page("/subscribe")
	p.says("h1", "Ricevi gli avvisi")
	p.says("form label", "Numero di cellulare o indirizzo e-mail")
	p.says("form .privacy", "cancellato dopo 7 giorni")
	if n := len(p.all("fieldset input")); n < 5 {
		t.Errorf("%d areas to tick", n)
	}
	r := g.signUp("Anna.Bianchi@posta.example")
	if r.StatusCode != 200 || !strings.Contains(r.body, "<h1>Ora conferma</h1>") || r.Header.Get("Cache-Control") != "no-store" || strings.Contains(r.body, "osta.example") {
		t.Fatalf("signed up: %d %s", r.StatusCode, r.body)
	}
	mail := g.heard()
	if mail[0] != "anna.bianchi@posta.example" || !strings.Contains(mail[1], "confermare l'iscrizione") {
		t.Errorf("asked %q", mail)
	}
	link := linkIn(t, mail[2])
	if r := g.get(link, "Accept-Language", "it"); r.StatusCode != 200 || !strings.Contains(r.body, "Vuoi ricevere gli avvisi?") || r.Header.Get("Referrer-Policy") != "no-referrer" || strings.Contains(r.body, link) {
		t.Errorf("the link shows %d %s", r.StatusCode, r.body)
	}
	number, err := g.own.Roll.Lookup(t.Context(), "email", "anna.bianchi@posta.example")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := g.own.Roll.Member(t.Context(), number); err != nil || m.Consent != broadcast.ConsentAsked {
		t.Fatalf("opening the link confirmed: %+v, %v", m, err)
	}
	for range 2 {
		r = g.form(link)
		if r.StatusCode != 200 || !strings.Contains(r.body, "Iscrizione confermata") {
			t.Fatalf("confirmed: %d %s", r.StatusCode, r.body)
		}
	}
	own := regexp.MustCompile(`href="(/p/[A-Za-z0-9_-]{32})"`).FindStringSubmatch(r.body)
	if own == nil {
		t.Fatalf("no way to the own page: %s", r.body)
	}
	p = g.page(own[1])
	p.says("dl", "ann********le")
	p.says("dl", "Tutto il territorio")
	p.never("main", "anna.bianchi")

	// Choices, and what is wrong with them.
	if r := g.form(own[1], "do", "choose", "severity", "Severe", "language", "de"); r.StatusCode != 422 || !strings.Contains(r.body, `href="#areas"`) {
		t.Errorf("no area: %d", r.StatusCode)
	}
	if r := g.form(own[1], "do", "choose", "area", "VD-8", "area", "777", "where", "some", "severity", "Severe", "language", "de"); r.StatusCode != 200 || !strings.Contains(r.body, "Ihre Auswahl ist gespeichert") && !strings.Contains(r.body, "Le tue scelte sono salvate") {
		t.Errorf("chosen: %d %s", r.StatusCode, r.body)
	}
	m, err := g.own.Roll.Member(t.Context(), number)
	if err != nil || !slices.Equal(m.Areas, []string{"VD-8"}) || m.Language != "de" || m.MinSeverity != "Severe" {
		t.Errorf("kept %+v, %v", m, err)
	}
	data := g.get(own[1] + "/data.json")
	if v := data.json(t); v["contacts"].(map[string]any)["email"] != "anna.bianchi@posta.example" || !strings.Contains(data.Header.Get("Content-Disposition"), "attachment") || data.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the copy: %s", data.body)
	}

	// STOP and START.
	if r := g.form(own[1], "do", "stop"); r.StatusCode != 200 {
		t.Errorf("stopped: %d", r.StatusCode)
	}
	if got, err := g.own.Roll.Contacts(t.Context(), "email", []uint32{number}); err != nil || got[0] != "" {
		t.Errorf("after STOP the address is %q, %v", got, err)
	}
	if r := g.form(own[1], "do", "start"); r.StatusCode != 200 {
		t.Errorf("started: %d", r.StatusCode)
	}

	// Erasing needs the tick, and kills the link.
	if r := g.form(own[1], "do", "erase"); r.StatusCode != 422 || !strings.Contains(r.body, `href="#sure"`) {
		t.Errorf("erased without the tick: %d", r.StatusCode)
	}
	if r := g.form(own[1], "do", "erase", "sure", "1"); r.StatusCode != 200 || !strings.Contains(r.body, "tutto cancellato") {
		t.Errorf("erased: %d %s", r.StatusCode, r.body)
	}
	for _, dead := range []string{own[1], own[1] + "/data.json"} {
		if r := g.get(dead); r.StatusCode != 404 {
			t.Errorf("%s after erasing: %d", dead, r.StatusCode)
		}
	}
	if r := g.form(link); r.StatusCode != 404 {
		t.Errorf("the sign-up's link after erasing: %d", r.StatusCode)
	}
	for _, entry := range g.logs.All() {
		if text := fmt.Sprint(entry.Message, entry.ContextMap()); strings.Contains(text, link[3:]) || strings.Contains(text, own[1][3:]) || strings.Contains(text, "bianchi") {
			t.Errorf("the log says %s", text)
		}
	}
}

func TestSubscribingByText(t *testing.T) {
	g, ask := openSignUps(t)
	ask()
	r := g.signUp("333 123 4567")
	if r.StatusCode != 200 || !strings.Contains(r.body, `name="contact" value="&#43;393331234567"`) {
		t.Fatalf("signed up: %d %s", r.StatusCode, r.body)
	}
	said := g.heard()
	code := regexp.MustCompile(`codice (\d{6}) `).FindStringSubmatch(said[2])
	if said[0] != "+393331234567" || code == nil {
		t.Fatalf("asked %q", said)
	}
	if n := len([]rune(said[2])); n > 306 {
		t.Errorf("the text has %d characters: more than two messages", n)
	}
	wrong := "000000"
	if code[1] == wrong {
		wrong = "000001"
	}
	if r := g.form("/subscribe/code", "contact", "+393331234567", "code", wrong); r.StatusCode != 422 || !strings.Contains(r.body, "Il codice non è giusto") {
		t.Errorf("a wrong code: %d %s", r.StatusCode, r.body)
	}
	if r := g.form("/subscribe/code", "contact", "+393331234567", "code", code[1][:3]+" "+code[1][3:]); r.StatusCode != 200 || !strings.Contains(r.body, "Iscrizione confermata") {
		t.Errorf("the right code: %d %s", r.StatusCode, r.body)
	}
	for range 3 {
		g.form("/subscribe/code", "contact", "+393331234567", "code", wrong)
	}
	if r := g.form("/subscribe/code", "contact", "+393331234567", "code", wrong); r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
		t.Errorf("the sixth try: %d", r.StatusCode)
	}
}

var clockLine = regexp.MustCompile(`(?s)<p id="when">.*?</p>`)

// Whoever signs up somebody is told the same, with the same work, whether that
// contact is known, waits, has stopped or is nobody's.
func TestNobodyLearnsWhoSubscribes(t *testing.T) {
	g, ask := openSignUps(t)
	const known, waits, stopped, nobody = "+393331234501", "+393331234502", "+393331234503", "+393331234504"
	for _, phone := range []string{known, stopped} {
		if _, _, err := g.own.Roll.Add(t.Context(), broadcast.Subscriber{Contacts: map[string]string{"phone": phone}, Language: "it", Areas: []string{"*"}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := broadcast.Fulfil(t.Context(), g.own.Roll, broadcast.WishStop, "phone", stopped, "sms", time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := g.own.Ask(t.Context(), broadcast.Subscriber{Contacts: map[string]string{"phone": waits}, Language: "it", Areas: []string{"*"}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	g.roll.asked = 0
	answer := func(r reply, phone string) string {
		return fmt.Sprint(r.StatusCode, r.Header["Retry-After"], clockLine.ReplaceAllString(strings.ReplaceAll(r.body, phone[1:], "PHONE"), ""))
	}
	want := answer(g.signUp(nobody), nobody)
	for _, phone := range []string{known, waits, stopped} {
		if got := answer(g.signUp(phone), phone); got != want {
			t.Errorf("%s is answered otherwise:\n%s\nnot\n%s", phone, got, want)
		}
	}
	if g.roll.asked != 0 {
		t.Errorf("the answers waited for %d questions to the store", g.roll.asked)
	}
	guess := func(phone string) string {
		return answer(g.form("/subscribe/code", "contact", phone, "code", "000000"), phone)
	}
	want = guess(nobody)
	for _, phone := range []string{known, waits, stopped} {
		if got := guess(phone); got != want {
			t.Errorf("a guess for %s is answered otherwise:\n%s\nnot\n%s", phone, got, want)
		}
	}
	ask()
	texts := map[string]string{}
	for range 4 {
		said := g.heard()
		texts[said[0]] = said[2]
	}
	for phone, part := range map[string]string{known: "/p/", waits: "/s/", stopped: "/s/", nobody: "/s/"} {
		if !strings.Contains(texts[phone], part) {
			t.Errorf("%s got %q", phone, texts[phone])
		}
	}
	if m, err := g.own.Roll.Lookup(t.Context(), "phone", known); err != nil || m == 0 {
		t.Errorf("who was known: %v", err)
	}
}

func TestContacts(t *testing.T) {
	both, phone := []string{"phone", "email"}, []string{"phone"}
	for _, row := range []struct {
		text         string
		kinds        []string
		address, why string
	}{
		{"333 123 4567", both, "+393331234567", ""},
		{"+39 333/1234567", both, "+393331234567", ""},
		{"0039 333 1234567", both, "+393331234567", ""},
		{"  anna@posta.example ", both, "anna@posta.example", ""},
		{"", both, "", "subscribe_wrong_empty"},
		{"anna", both, "", "subscribe_wrong_contact"},
		{"anna@posta", both, "", "subscribe_wrong_mail"},
		{"anna@posta.example", phone, "", "subscribe_wrong_kind"},
		{"333 123 4567", []string{"email"}, "", "subscribe_wrong_mail"},
		{"0573 1234567", both, "", "subscribe_wrong_mobile"},     // a landline
		{"899 123456", both, "", "subscribe_wrong_mobile"},       // costs whoever calls
		{"+44 7400 123456", both, "", "subscribe_wrong_country"}, // not configured
		{"+881612345678", both, "", "subscribe_wrong_country"},   // satellite
		{"333", both, "", "subscribe_wrong_phone"},
		{"3,33E+09", both, "", "subscribe_wrong_contact"},
		{"a@b.example\r\nBcc: c@d.example", both, "", "subscribe_wrong_mail"},
		{"a@b.example,c@d.example", both, "", "subscribe_wrong_mail"},
		{"<a@b.example>", both, "", "subscribe_wrong_mail"},
		{`"a b"@c.example`, both, "", "subscribe_wrong_mail"},
		{"a\u202e@c.example", both, "", "subscribe_wrong_mail"},
		{"a\x00@c.example", both, "", "subscribe_wrong_mail"},
		{strings.Repeat("a", 300) + "@c.example", both, "", "subscribe_wrong_contact"},
	} {
		_, address, why := contactOf(row.text, row.kinds, []string{"+39"})
		if address != row.address || why != row.why {
			t.Errorf("%q gives %q, %q, want %q, %q", row.text, address, why, row.address, row.why)
		}
	}
}

func TestWrongSignUps(t *testing.T) {
	g, _ := openSignUps(t)
	r := g.form("/subscribe", "contact", "333", "severity", "Grave", "language", "xx")
	if r.StatusCode != 422 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	for _, want := range []string{`role="alert"`, `href="#contact"`, `href="#areas"`, `href="#severity"`, `href="#language"`, `value="333"`, `aria-invalid="true"`, "<title>Da correggere"} {
		if !strings.Contains(r.body, want) {
			t.Errorf("lacks %s", want)
		}
	}
	if r := g.form("/subscribe", "contact", `"><script>`, "where", "all", "language", "it"); r.StatusCode != 422 || strings.Contains(r.body, `"><script>`) {
		t.Errorf("markup: %d", r.StatusCode)
	}
	if r := g.form("/subscribe", "contact", "333", "contact", strings.Repeat("x", maxSignUpForm)); r.StatusCode != 400 {
		t.Errorf("a flood: %d", r.StatusCode)
	}
	for _, token := range []string{"x", strings.Repeat("A", 32), strings.Repeat("%00", 32)} {
		for _, place := range []string{"/s/", "/p/"} {
			if r := g.form(place+token, "do", "erase", "sure", "1"); r.StatusCode != 404 || strings.Contains(r.body, strings.Repeat("A", 32)) {
				t.Errorf("%s%s: %d", place, token, r.StatusCode)
			}
		}
	}
	g.page("/subscribe?area=VD-8").says("label", "Solo alcune zone")
	if r := g.get("/subscribe?area=VD-8"); !strings.Contains(r.body, `value="VD-8" checked`) || strings.Contains(r.body, `value="all" checked`) {
		t.Error("the area of the address is not ticked")
	}
	if r := g.get("/subscribe?area=777"); r.StatusCode != 200 || !strings.Contains(r.body, `value="all" checked`) {
		t.Errorf("an area that nobody knows: %d", r.StatusCode)
	}
	bare := open(t)
	if r := bare.get("/subscribe", "Accept-Language", "it"); r.StatusCode != 200 || strings.Contains(r.body, "<form") || !strings.Contains(r.body, "/feed.atom") {
		t.Errorf("where nobody can sign up: %d", r.StatusCode)
	}
	if r := bare.do("POST", "/subscribe", ""); r.StatusCode != 405 {
		t.Errorf("where nobody can sign up a form is answered %d", r.StatusCode)
	}
}

func TestSubscribingWhileTheStoreIsAway(t *testing.T) {
	g, _ := openSignUps(t)
	g.own.Roll = awayRoll{g.own.Roll}
	if r := g.signUp("anna@posta.example"); r.StatusCode != 200 {
		t.Errorf("a sign-up waits: %d", r.StatusCode)
	}
	token := g.own.OwnToken(1, "email", "anna@posta.example", time.Now())
	for _, r := range []reply{g.get("/p/" + token), g.form("/p/"+token, "do", "stop"), g.form("/subscribe/code", "contact", "+393331234567", "code", "123456")} {
		if r.StatusCode < 500 {
			t.Errorf("answered %d", r.StatusCode)
		}
	}
}

type awayRoll struct{ broadcast.Roll }

var errAway = errors.New("the store does not answer")

func (awayRoll) Member(context.Context, uint32) (*broadcast.Member, error) { return nil, errAway }
func (awayRoll) Lookup(context.Context, string, string) (uint32, error)    { return 0, errAway }

const browserJSON = `{"endpoint":"https://push.example/wpush/v2/gAAAA","expirationTime":null,"keys":{"auth":"BTBZMqHH6r4Tts7J_aSIgg","p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"}}`

func TestBrowsersSubscribe(t *testing.T) {
	g, _ := openSignUps(t)
	post := func(path, body string) reply {
		return g.do("POST", path, body, "Content-Type", "application/json")
	}
	body := func(subscription, area string) string {
		return `{"subscription":` + subscription + `,"where":"` + map[bool]string{true: "all", false: "some"}[area == "*"] + `","areas":["` + area + `"],"severity":"Severe","language":"sl"}`
	}
	r := post("/subscribe/push", body(browserJSON, "*"))
	if r.StatusCode != 200 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	own := r.json(t)["own"].(string)
	g.page(own).says("dl", "Brskalnik")
	if r := post("/subscribe/push", body(browserJSON, "VD-8")); r.StatusCode != 200 || r.json(t)["own"] != own {
		t.Errorf("again: %d %s", r.StatusCode, r.body)
	}
	address, err := channels.ReadPushSubscription([]byte(browserJSON))
	if err != nil {
		t.Fatal(err)
	}
	number, err := g.own.Roll.Lookup(t.Context(), "push", address.String())
	if err != nil {
		t.Fatal(err)
	}
	if m, err := g.own.Roll.Member(t.Context(), number); err != nil || m.Consent != broadcast.ConsentGiven || !slices.Equal(m.Areas, []string{"VD-8"}) || m.Language != "sl" || m.Purpose != "emergency" {
		t.Errorf("kept %+v, %v", m, err)
	}
	for name, bad := range map[string]string{
		"private":  body(strings.Replace(browserJSON, "push.example", "10.0.0.1", 1), "*"),
		"no keys":  body(`{"endpoint":"https://push.example/x"}`, "*"),
		"nothing":  body("null", "*"),
		"no area":  body(browserJSON, "777"),
		"severity": strings.Replace(body(browserJSON, "*"), "Severe", "Grave", 1),
		"language": strings.Replace(body(browserJSON, "*"), `"sl"`, `"xx"`, 1),
		"more":     strings.Replace(body(browserJSON, "*"), `"areas"`, `"more":1,"areas"`, 1),
		"flood":    body(`"`+strings.Repeat("x", maxPush)+`"`, "*"),
	} {
		if r := post("/subscribe/push", bad); r.StatusCode < 400 || r.StatusCode >= 500 || strings.Contains(r.body, "gAAAA") {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
	if r := g.do("POST", "/subscribe/push", body(browserJSON, "*"), "Content-Type", "text/plain"); r.StatusCode != 415 {
		t.Errorf("from a page of others: %d", r.StatusCode)
	}
	for range 2 { // a second time there is nothing to take off
		if r := post("/subscribe/push/stop", body(browserJSON, "*")); r.StatusCode != http.StatusNoContent {
			t.Errorf("stopped: %d %s", r.StatusCode, r.body)
		}
	}
	if r := g.get(own); r.StatusCode != 404 {
		t.Errorf("the own page of a browser that left: %d", r.StatusCode)
	}
	if r := g.get("/manifest.webmanifest"); r.Header.Get("Content-Type") != "application/manifest+json" || r.json(t)["display"] != "standalone" || !strings.Contains(r.body, `"sizes":"192x192","type":"image/png"`) {
		t.Errorf("the manifest: %s", r.body)
	}
}

// A browser renews its subscription: the old one proves that it is the same, and
// the person keeps number and choices.
func TestBrowsersRenew(t *testing.T) {
	g, _ := openSignUps(t)
	post := func(body string, more ...string) reply {
		return g.do("POST", "/subscribe/push", body, append([]string{"Content-Type", "application/json"}, more...)...)
	}
	at := func(path string) string { return strings.Replace(browserJSON, "gAAAA", path, 1) }
	address := func(path string) string {
		a, err := channels.ReadPushSubscription([]byte(at(path)))
		if err != nil {
			t.Fatal(err)
		}
		return a.String()
	}
	enrol := func(path, severity string) uint32 {
		if r := post(`{"subscription":` + at(path) + `,"where":"some","areas":["VD-8"],"severity":"` + severity + `","language":"sl"}`); r.StatusCode != 200 {
			t.Fatalf("%d %s", r.StatusCode, r.body)
		}
		number, err := g.own.Roll.Lookup(t.Context(), "push", address(path))
		if err != nil {
			t.Fatal(err)
		}
		return number
	}
	renew := func(old, now string) reply { return post(`{"old":` + at(old) + `,"subscription":` + at(now) + `}`) }
	nobody := func(path string) {
		t.Helper()
		if n, err := g.own.Roll.Lookup(t.Context(), "push", address(path)); !errors.Is(err, alerts.ErrNotFound) {
			t.Errorf("%s is still the address of %d, %v", path, n, err)
		}
	}

	number := enrol("old", "Severe")
	if _, err := broadcast.Fulfil(t.Context(), g.own.Roll, broadcast.WishStop, "push", address("old"), "page", time.Now()); err != nil {
		t.Fatal(err)
	}
	if r := renew("old", "new"); r.StatusCode != http.StatusNoContent || r.body != "" {
		t.Fatalf("renewed: %d %s", r.StatusCode, r.body)
	}
	nobody("old")
	m, err := g.own.Roll.Member(t.Context(), number)
	if err != nil || m.Contacts["push"] != address("new") || !slices.Equal(m.Areas, []string{"VD-8"}) || m.MinSeverity != "Severe" || m.Language != "sl" || m.Consent != broadcast.ConsentGiven {
		t.Errorf("kept %+v, %v", m, err)
	}
	if _, stopped := m.Stopped["push"]; !stopped {
		t.Error("a STOP was undone")
	}
	if n, err := g.own.Roll.Lookup(t.Context(), "push", address("new")); err != nil || n != number {
		t.Errorf("the new one is of %d, %v", n, err)
	}

	// Who knows no old one that subscribes changes nothing, and learns nothing.
	for name, r := range map[string]reply{
		"again":                     renew("old", "new"),
		"somebody else's guess":     renew("guessed", "theirs"),
		"the endpoint, another key": post(`{"old":` + strings.Replace(at("new"), "BTBZMqHH6r4Tts7J_aSIgg", "CTBZMqHH6r4Tts7J_aSIgg", 1) + `,"subscription":` + at("theirs") + `}`),
	} {
		if r.StatusCode != http.StatusNotFound || strings.Contains(r.body, "push.example") {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
	nobody("theirs")
	for name, r := range map[string]reply{
		"the old one is none":      post(`{"old":{},"subscription":` + at("theirs") + `}`),
		"the new one is none":      post(`{"old":` + at("new") + `,"subscription":{}}`),
		"the new one leads inside": post(`{"old":` + at("new") + `,"subscription":` + strings.Replace(at("theirs"), "push.example", "10.0.0.1", 1) + `}`),
	} {
		if r.StatusCode != http.StatusBadRequest || strings.Contains(r.body, "push.example") {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
	if r := post(`{"old":`+at("new")+`,"subscription":`+at("theirs")+`}`, "Sec-Fetch-Site", "cross-site"); r.StatusCode != http.StatusForbidden {
		t.Errorf("another site: %d", r.StatusCode)
	}
	if n, err := g.own.Roll.Lookup(t.Context(), "push", address("new")); err != nil || n != number {
		t.Errorf("what was refused changed the contact: %d, %v", n, err)
	}

	// The same one again is no change; one that subscribed by itself keeps what
	// was chosen there, and the browser gets every message once.
	if r := renew("new", "new"); r.StatusCode != http.StatusNoContent {
		t.Errorf("the same: %d", r.StatusCode)
	}
	by := enrol("newer", "Extreme")
	if r := renew("new", "newer"); r.StatusCode != http.StatusNoContent {
		t.Errorf("one that subscribed by itself: %d %s", r.StatusCode, r.body)
	}
	nobody("new")
	if m, err := g.own.Roll.Member(t.Context(), by); err != nil || m.MinSeverity != "Extreme" || m.Contacts["push"] != address("newer") {
		t.Errorf("kept %+v, %v", m, err)
	}
	for _, entry := range g.logs.All() {
		if text := fmt.Sprint(entry.Message, entry.ContextMap()); strings.Contains(text, "push.example") {
			t.Errorf("the log says %s", text)
		}
	}
}

func FuzzSignUpForm(f *testing.F) {
	for _, s := range []string{"", "contact=333+123+4567&where=all&language=it", "contact=a%40b.example%0d%0aBcc%3ax%40y.z&area=VD-8", "where=some&area=VD-8&severity=Severe&language=sl", "contact=%00&area=%ff"} {
		f.Add(s)
	}
	g := areas.Valdemo()
	f.Fuzz(func(t *testing.T, body string) {
		form, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		c, wrong := chosenOf(form, g)
		kept := c.choices()
		if len(wrong) == 0 && (len(kept.Areas) == 0 || !slices.Contains(pageLanguages, kept.Language)) {
			t.Errorf("%q gave %+v", body, kept)
		}
		for _, code := range kept.Areas {
			if _, known := g.Area(code); !known && code != "*" {
				t.Errorf("%q gave the area %q", body, code)
			}
		}
		kind, address, why := contactOf(form.Get("contact"), []string{"phone", "email"}, []string{"+39"})
		switch {
		case why != "":
		case kind == "phone" && strings.HasPrefix(address, "+39") && strings.Trim(address[1:], "0123456789") == "":
		case kind == "email" && strings.Count(address, "@") >= 1 && !strings.ContainsFunc(address, notInMail):
		default:
			t.Errorf("%q gave %s %q", body, kind, address)
		}
	})
}

func TestSubscribingByFeedsOfAnArea(t *testing.T) {
	g, _ := openSignUps(t)
	for path, query := range map[string]string{"/subscribe?area=VD-8": "?area=VD-8", "/subscribe": "", "/subscribe?area=nowhere": ""} {
		p := g.page(path)
		var links []string
		for _, n := range p.all("main a") {
			if at := attr(n, "href"); strings.HasPrefix(at, "/feed.") || strings.HasPrefix(at, "/calendar.") {
				links = append(links, at)
			}
		}
		if want := []string{"/feed.atom" + query, "/feed.rss" + query, "/feed.json" + query, "/calendar.ics" + query}; !slices.Equal(links, want) {
			t.Errorf("%s offers %v, want %v", path, links, want)
		}
		icon := ""
		for _, n := range p.all("link") {
			if attr(n, "rel") == "apple-touch-icon" {
				icon = attr(n, "href")
			}
		}
		if icon == "" || g.get(icon).StatusCode != http.StatusOK {
			t.Errorf("%s has no icon for the home screen", path)
		}
	}
}
