package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/pquerna/otp/totp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/broadcast"
	"martinella/broadcast/callout"
	"martinella/channels"
	"martinella/channels/channeltest"
)

// roll is the list of volunteers as an association keeps it. The last one has
// not what the call needs.
const roll = `Cognome;Nome;Cellulare;E-mail;Area;Competenze;Organizzazione;Canali
Rossi;Anna;333 123 4501;anna@posta.example;*;motosega;ANA Valdemo;phone,email
Neri;Bruno;333 123 4502;bruno@posta.example;*;motosega:2099-05-31;ANA Valdemo;phone,email
Blu;Carla;333 123 4503;carla@posta.example;*;motosega, autista C;;phone,email
Verdi;Dario;333 123 4504;dario@posta.example;*;motosega;;phone,email
Gialli;Elsa;333 123 4505;elsa@posta.example;*;cucina;;phone,email
`

// publicSite is the address that messages name; the gateway itself listens
// elsewhere, as behind a proxy.
const publicSite = "https://allerta.comune.valdemo.example"

// desk is a coordinator's browser that is signed in, without JavaScript.
type desk struct {
	*station
	cookie string
}

// signedIn invites a coordinator, and accepts with a password and a code.
func signedIn(t testing.TB, s *station) *desk {
	t.Helper()
	return signedInAs(t, s, "Piera Sala", "piera", "volunteers")
}

// signedInAs does so for anybody.
func signedInAs(t testing.TB, s *station, name, login, role string) *desk {
	t.Helper()
	const password = "tre-asini-e-una-campana"
	link := must(t, "staff", "invite", "--config", s.config, "--name", name, "--login", login, "--role", role, "--status", "Actual,Exercise")
	path := regexp.MustCompile(`/console/invite/[A-Za-z0-9_-]+`).FindString(link)
	page := s.ask(t, http.MethodGet, path, "", "", nil)
	seed := regexp.MustCompile(`<code>([A-Z2-7 ]{30,})</code>`).FindSubmatch(page.body)
	if seed == nil {
		t.Fatalf("the invitation: %d %s", page.status, page.body)
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(string(seed[1]), " ", ""), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{station: s}
	r := d.do(t, http.MethodPost, path, url.Values{"password": {password}, "again": {password}, "code": {code}})
	for _, set := range r.header.Values("Set-Cookie") {
		pair, _, _ := strings.Cut(set, ";")
		d.cookie += pair + "; "
	}
	if r.status != http.StatusSeeOther || d.cookie == "" {
		t.Fatalf("the invitation was not accepted: %d %s", r.status, r.body)
	}
	return d
}

// do asks as a browser does that is on a page of ours; it follows no redirect.
func (d *desk) do(t testing.TB, method, path string, form url.Values) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.Public+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if d.cookie != "" {
		req.Header.Set("Cookie", d.cookie)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, body}
}

// sent is a text message that the SMSC took.
type sent struct {
	Submit, Status int
	DCS            int `json:"dcs"`
	UDH            []string
	Dst, Text      string
}

// carrier is the SMSC with what it took, by number.
type carrier struct {
	*channeltest.Peer
	took map[string][]sent
}

// until reads on until that many messages went to a number.
func (c *carrier) until(t testing.TB, number string, many int) sent {
	t.Helper()
	for len(c.took[number]) < many {
		var line sent
		c.Next(t, &line)
		if line.Submit > 0 && line.Status == 0 {
			to := strings.TrimPrefix(line.Dst, "+")
			c.took[to] = append(c.took[to], line)
		}
	}
	return c.took[number][many-1]
}

// says has a citizen write a message.
func (c *carrier) says(t testing.TB, number, text string) {
	t.Helper()
	c.Tell(t, map[string]any{"mo": map[string]string{"from": number, "to": "393390000000", "text": text}})
}

// fastNode is the engine of a further node on the gateway's own store, whose
// clock is ahead: what is due only later, it pages now.
func fastNode(t testing.TB, s *station, ahead time.Duration) (*callout.Callouts, *store) {
	t.Helper()
	c, err := loadConfigOf(surroundings(), s.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := openStore(t.Context(), c, liveSocket(t.Context(), c), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{config: c, log: zap.NewNop(), store: opened}
	routes, err := g.routes()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.closeChannels(); _ = opened.Close() })
	g.answering = broadcast.NewAnswering(routes, g.log)
	calls := callout.New(callout.Config{
		Store: opened.Callouts(), Roll: opened.People(), Routes: routes, Durability: opened.Durability, Authority: c.authority(), Language: c.Authority.Language,
		Zone: c.zone(), PublicURL: c.PublicURL, NewID: newID, Write: g.answering.Answer, Now: func() time.Time { return time.Now().Add(ahead) }, Log: g.log,
	}, prometheus.NewRegistry())
	return calls, opened
}

// answers gives what somebody said, by number of the roster.
func answersIn(t testing.TB, calls *callout.Callouts, id alerts.ID) map[string]volunteers.Answer {
	t.Helper()
	v, err := calls.View(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]volunteers.Answer{}
	for _, p := range v.People {
		if p.Answer != nil {
			out[p.Name] = *p.Answer
		}
	}
	return out
}

// TestVolunteersAreCalledOut: a list is imported, a coordinator opens a call on
// the console, four people get a text message, three answer in three ways, who
// answered is not paged again, who is silent gets a mail, and the end is told to
// who comes.
func TestVolunteersAreCalledOut(t *testing.T) {
	needRedis(t)
	const anna, bruno, carla, dario, elsa = "393331234501", "393331234502", "393331234503", "393331234504", "393331234505"
	smsc := &carrier{channeltest.StartPeer(t, "smsc.js"), map[string][]sent{}}
	box := &letterbox{}
	server := gosmtp.NewServer(box)
	server.Domain = "mail.example"
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	dir, config := settle(t, fmt.Sprintf(`
  - {name: sms, kind: smpp, addr: "%s", system_id: gw, password_file: %s, source: "+393390000000"}
  - {name: mail, kind: email, smtp: "%s", tls: none, from: avvisi@comune.valdemo.example}
public_url: %s
`, smsc.Addr(), write(t, filepath.Join(t.TempDir(), "smpp"), "secret"), l.Addr(), publicSite))
	g := open(t, dir, config)
	if out := must(t, "people", "import", write(t, filepath.Join(dir, "volontari.csv"), roll), "--config", config, "--audience", "volunteers"); !strings.Contains(out, "5 added") {
		t.Fatalf("imported: %s", out)
	}

	// A coordinator sees whom the call would page, and opens it; twice is once.
	d := signedIn(t, g)
	id := newID(time.Now())
	form := url.Values{"id": {string(id)}, "what": {"Alberi sulla strada"}, "where": {"Piazza Grande"}, "meet": {"+1 h"}, "until": {"+5 h"},
		"skill": {"motosega"}, "people": {"3"}, "times": {"4"}, "second": {"none"}, "urgent": {"1"}}
	if r := d.do(t, http.MethodPost, "/console/d/new?lang=it", form); r.status != http.StatusOK || !strings.Contains(string(r.body), "Alberi sulla strada") || !strings.Contains(string(r.body), "SI 20, NO o FORSE 60") {
		t.Fatalf("whom it would page: %d %s", r.status, r.body)
	}
	form.Set("do", "call")
	for range 2 {
		if r := d.do(t, http.MethodPost, "/console/d/new?lang=it", form); r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Location"), "/console/d/"+string(id)) {
			t.Fatalf("opened: %d %s", r.status, r.body)
		}
	}

	// Everybody with the skill gets one part, with a link of their own.
	link := regexp.MustCompile(regexp.QuoteMeta(publicSite) + `/d/([A-Za-z0-9_-]{24})`)
	tokens := map[string]string{}
	for _, number := range []string{anna, bruno, carla, dario} {
		page := smsc.until(t, number, 1)
		found := link.FindStringSubmatch(page.Text)
		if found == nil || len(page.UDH) > 0 || page.DCS != 0 || len(page.Text) > channels.SeptetsAlone {
			t.Fatalf("the page is no single part with a link: %+v", page)
		}
		for _, want := range []string{"V-0001", "Alberi sulla strada", "Piazza Grande", "SI 20"} {
			if !strings.Contains(page.Text, want) {
				t.Errorf("%q is missing in %q", want, page.Text)
			}
		}
		if tokens[found[1]] != "" {
			t.Error("two people have the same link")
		}
		tokens[found[1]] = number
	}
	tokenOf := func(number string) string {
		for token, of := range tokens {
			if of == number {
				return token
			}
		}
		return ""
	}

	// Three answer: by text message, on their own page, by text message.
	later, opened := fastNode(t, g, 6*time.Minute)
	smsc.says(t, anna, "SI 20")
	if echo := smsc.until(t, anna, 2).Text; echo != "Hai risposto: vengo fra 20 minuti. V-0001" {
		t.Errorf("said back to Anna: %q", echo)
	}
	own := "/d/" + tokenOf(bruno)
	if r := d.do(t, http.MethodGet, own+"?lang=it", nil); r.status != http.StatusOK || !strings.Contains(string(r.body), "Alberi sulla strada") || strings.Contains(string(r.body), "Anna") {
		t.Errorf("Bruno's page: %d %s", r.status, r.body)
	}
	if r := d.do(t, http.MethodPost, own, url.Values{"answer": {"coming-40"}}); r.status != http.StatusSeeOther {
		t.Fatalf("Bruno answers: %d %s", r.status, r.body)
	}
	smsc.says(t, carla, "NO al lavoro")
	if echo := smsc.until(t, carla, 2).Text; echo != "Hai risposto: non posso. V-0001" {
		t.Errorf("said back to Carla: %q", echo)
	}
	said := answersIn(t, later, id)
	for name, want := range map[string]volunteers.Answer{
		"Anna Rossi": {Kind: volunteers.Coming, Minutes: 20, Via: "sms"}, "Bruno Neri": {Kind: volunteers.Coming, Minutes: 40, Via: "page"},
		"Carla Blu": {Kind: volunteers.Cannot, Via: "sms", Note: "al lavoro"},
	} {
		got := said[name]
		if got.At = (time.Time{}); got != want {
			t.Errorf("%s said %+v, want %+v", name, got, want)
		}
	}

	// The coordinator's page names all of them, the board who comes.
	view := string(d.do(t, http.MethodGet, "/console/d/"+string(id)+"?lang=it", nil).body)
	for _, want := range []string{"Anna Rossi", "Bruno Neri", "Carla Blu", "al lavoro", "Dario Verdi"} {
		if !strings.Contains(view, want) {
			t.Errorf("%q is missing on the page of the call", want)
		}
	}
	menu := map[string]string{}
	for _, entry := range regexp.MustCompile(`<li><a href="(/console[^"]*)"[^>]*>([^<]+)</a></li>`).FindAllStringSubmatch(view, -1) {
		if other := menu[entry[2]]; other != "" && other != entry[1] {
			t.Errorf("the menu calls both %s and %s %q", other, entry[1], entry[2])
		}
		menu[entry[2]] = entry[1]
	}
	if len(menu) < 5 {
		t.Errorf("the menu is %v", menu)
	}
	if strings.Contains(view, "Elsa Gialli") {
		t.Error("who lacks the skill was called")
	}
	board := regexp.MustCompile(`/board/([A-Za-z0-9_-]+)`).FindStringSubmatch(view)
	if board == nil {
		t.Fatalf("no address of the board in %s", view)
	}
	wall := string(g.ask(t, http.MethodGet, board[0]+"?lang=it", "", "", nil).body)
	for text, want := range map[string]bool{"Anna Rossi": true, "Bruno Neri": true, "Carla Blu": false, "al lavoro": false, "333": false, "motosega": true} {
		if strings.Contains(wall, text) != want {
			t.Errorf("the board shows %q: %v, want %v", text, !want, want)
		}
	}

	// Five minutes later only who said nothing gets a mail: on the same store a
	// node works whose clock is ahead.
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = later.Run(ctx) }()
	eventually(t, "Dario's mail", func() bool { return box.text("dario@posta.example") != "" })
	cancel()
	<-ended
	if mail := box.text("dario@posta.example"); !strings.Contains(mail, publicSite+"/d/"+tokenOf(dario)) {
		t.Errorf("Dario's mail has not his link:\n%s", mail)
	}

	// The end is told to who comes; again it changes nothing.
	for range 2 {
		if r := d.do(t, http.MethodPost, "/console/d/"+string(id)+"/close?lang=it", url.Values{"words": {"Strada libera"}}); r.status != http.StatusSeeOther {
			t.Fatalf("closed: %d %s", r.status, r.body)
		}
	}
	for number, many := range map[string]int{anna: 3, bruno: 2} {
		if end := smsc.until(t, number, many); !strings.Contains(end.Text, "V-0001: L'intervento è concluso. Grazie a tutti.") || len(end.UDH) > 0 {
			t.Errorf("the end as %s is told: %+v", number, end)
		}
		if r := d.do(t, http.MethodGet, "/d/"+tokenOf(number)+"?lang=it", nil); r.status != http.StatusOK || !strings.Contains(string(r.body), "Strada libera") {
			t.Errorf("the page after the end: %d %s", r.status, r.body)
		}
	}
	smsc.says(t, dario, "SI V-0001")
	if text := smsc.until(t, dario, 2).Text; text != "La chiamata V-0001 è finita: non serve più nessuno. Grazie." {
		t.Errorf("who answers too late is told %q", text)
	}
	if r := d.do(t, http.MethodPost, "/d/"+tokenOf(dario), url.Values{"answer": {"coming-10"}}); r.status != http.StatusConflict {
		t.Errorf("an answer on the page after the end: %d", r.status)
	}

	// What was paged, in all: by the store, and by what the SMSC and the mail
	// server took.
	sheet, err := opened.Callouts().Sheet(t.Context(), id)
	if err != nil || len(sheet) != 4 {
		t.Fatalf("the sheet has %d people, %v", len(sheet), err)
	}
	for i, want := range [][]string{{"sms", "sms"}, {"sms", "sms"}, {"sms"}, {"sms", "mail"}} {
		var got []string
		for _, p := range sheet[i].Pages {
			got = append(got, p.Channel)
		}
		if !slices.Equal(got, want) {
			t.Errorf("person %d was paged over %v, want %v", sheet[i].Number, got, want)
		}
	}
	for number, want := range map[string]int{anna: 3, bruno: 2, carla: 2, dario: 2, elsa: 0} {
		if got := len(smsc.took[number]); got != want {
			t.Errorf("%s got %d text messages, want %d: %+v", number, got, want, smsc.took[number])
		}
	}
	box.mu.Lock()
	if len(box.mails) != 1 {
		t.Errorf("%d mails, want that to Dario alone", len(box.mails))
	}
	box.mu.Unlock()

	// Who did what can be proved, and the log names nobody.
	in := func(name string) string { return filepath.Join(dir, name) }
	write(t, in("ledger.pub"), must(t, "ledger", "key", "--config", config))
	must(t, "ledger", "export", "--config", config, "--out", in("ledger.jsonl"))
	must(t, "ledger", "verify", in("ledger.jsonl"), "--key", in("ledger.pub"))
	acts := secretOf(t, in("ledger.jsonl"))
	for verb, want := range map[string]int{"called": 1, "answered": 3, "closed": 1, "paged": 3} {
		if got := strings.Count(acts, `"verb":"`+verb+`"`); got != want {
			t.Errorf("%d acts %q in the ledger, want %d", got, verb, want)
		}
	}
	secrets := []string{board[1], "33312345", "333 123", "posta.example", "Rossi", "Bruno", "al lavoro"}
	for token := range tokens {
		secrets = append(secrets, token)
	}
	for _, secret := range secrets {
		if strings.Contains(g.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
		if strings.Contains(acts, secret) {
			t.Errorf("the ledger holds %q", secret)
		}
	}
	metrics, err := tell(t.Context(), http.MethodGet, g.Admin+"/metrics", "", "", nil)
	if err != nil || !strings.Contains(string(metrics.body), "callout") {
		t.Errorf("no metrics of calls: %v", err)
	}
}

// BenchmarkCallOfFiveHundred calls 500 of 5,000 volunteers by text message
// through a whole gateway, at 100 parts a second by contract: how long until the
// first and the last page is with the SMSC, and how long from an answer until a
// coordinator's next look shows it.
func BenchmarkCallOfFiveHundred(b *testing.B) {
	needRedis(b)
	const people, called, perSecond, asked = 5000, 500, 100, 40
	smsc := &carrier{channeltest.StartPeer(b, "smsc.js"), map[string][]sent{}}
	dir, config := settle(b, fmt.Sprintf(`
  - {name: sms, kind: smpp, addr: "%s", system_id: gw, password_file: %s, source: "+393390000000", rate: %d}
public_url: %s
`, smsc.Addr(), write(b, filepath.Join(b.TempDir(), "smpp"), "secret"), perSecond, publicSite))
	var list strings.Builder
	list.WriteString("nome;telefono;area;competenze;lingua\n")
	for i := range people {
		fmt.Fprintf(&list, "Volontario %d;+39333%06d1;*;motosega;%s\n", i, i, []string{"it", "de"}[i%2])
	}
	must(b, "people", "import", write(b, filepath.Join(dir, "volontari.csv"), list.String()), "--config", config, "--audience", "volunteers")
	g := open(b, dir, config)
	d := signedIn(b, g)
	_, opened := fastNode(b, g, 0)
	link := regexp.MustCompile(regexp.QuoteMeta(publicSite) + `(/d/[A-Za-z0-9_-]{24})`)
	var toOpen, toFirst, toLast, toPage, toText time.Duration
	rounds := 0
	for b.Loop() {
		rounds++
		id := newID(time.Now())
		begun := time.Now()
		form := url.Values{"do": {"call"}, "id": {string(id)}, "what": {"Argine da rinforzare"}, "where": {"Piazza Grande"}, "meet": {"+1 h"}, "until": {"+5 h"},
			"skill": {"motosega"}, "people": {fmt.Sprint(called / 4)}, "times": {"4"}, "second": {"none"}, "urgent": {"1"}}
		if r := d.do(b, http.MethodPost, "/console/d/new?lang=it", form); r.status != http.StatusSeeOther {
			b.Fatalf("opened: %d %s", r.status, r.body)
		}
		toOpen += time.Since(begun)
		type paged struct{ number, link string }
		var pages []paged
		for len(pages) < called {
			var line sent
			smsc.Next(b, &line)
			if found := link.FindStringSubmatch(line.Text); line.Submit > 0 && strings.Contains(line.Text, "Argine") && found != nil {
				if len(pages) == 0 {
					toFirst += time.Since(begun)
				}
				pages = append(pages, paged{strings.TrimPrefix(line.Dst, "+"), found[1]})
			}
		}
		toLast += time.Since(begun)
		shown := func(many int) {
			eventually(b, "the answer is counted", func() bool {
				sheet, err := opened.Callouts().Sheet(b.Context(), id)
				n := 0
				for i := range sheet {
					if sheet[i].Answer != nil {
						n++
					}
				}
				return err == nil && n >= many
			})
		}
		for i, page := range pages[:asked] {
			at := time.Now()
			if r := d.do(b, http.MethodPost, page.link, url.Values{"answer": {"coming"}}); r.status != http.StatusSeeOther {
				b.Fatalf("answered: %d %s", r.status, r.body)
			}
			if r := d.do(b, http.MethodGet, "/console/d/"+string(id)+"?lang=it", nil); r.status != http.StatusOK || !strings.Contains(string(r.body), fmt.Sprintf("Vengono: %d di %d", i+1, called/4)) {
				b.Fatalf("the page of the call: %d %s", r.status, r.body)
			}
			toPage += time.Since(at)
		}
		shown(asked)
		for i, page := range pages[asked : 2*asked] {
			at := time.Now()
			smsc.says(b, page.number, "SI 20")
			shown(asked + i + 1)
			toText += time.Since(at)
		}
		b.StopTimer()
		if r := d.do(b, http.MethodPost, "/console/d/"+string(id)+"/close?lang=it", nil); r.status != http.StatusSeeOther {
			b.Fatalf("closed: %d %s", r.status, r.body)
		}
		for told := 0; told < 2*asked; { // so that the next call has the whole pace
			var line sent
			smsc.Next(b, &line)
			if strings.Contains(line.Text, "concluso") || strings.Contains(line.Text, "beendet") {
				told++
			}
		}
		b.StartTimer()
	}
	b.ReportMetric(toOpen.Seconds()/float64(rounds), "s/open")
	b.ReportMetric(toFirst.Seconds()/float64(rounds), "s/first")
	b.ReportMetric(toLast.Seconds()/float64(rounds), "s/last")
	b.ReportMetric(float64(toPage.Milliseconds())/float64(rounds*asked), "ms/answer-on-page")
	b.ReportMetric(float64(toText.Milliseconds())/float64(rounds*asked), "ms/answer-by-sms")
}
