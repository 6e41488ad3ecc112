package main

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	gosmtp "github.com/emersion/go-smtp"

	"martinella/alerts"
)

// letterbox is an SMTP server that keeps what it takes.
type letterbox struct {
	mu    sync.Mutex
	mails []string
}

func (b *letterbox) NewSession(*gosmtp.Conn) (gosmtp.Session, error) { return letterSession{b}, nil }

// unquoted takes away what quoted-printable does to ASCII (RFC 2045, 6.7).
var unquoted = strings.NewReplacer("=\r\n", "", "=3D", "=")

// text gives the readable words of a mail that holds a word; "" while there is
// none.
func (b *letterbox) text(word string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, source := range b.mails {
		if plain := unquoted.Replace(source); strings.Contains(plain, word) {
			return plain
		}
	}
	return ""
}

type letterSession struct{ box *letterbox }

func (letterSession) Reset()                                 {}
func (letterSession) Logout() error                          { return nil }
func (letterSession) Mail(string, *gosmtp.MailOptions) error { return nil }
func (letterSession) Rcpt(string, *gosmtp.RcptOptions) error { return nil }
func (s letterSession) Data(r io.Reader) error {
	source, err := io.ReadAll(r)
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.mails = append(s.box.mails, string(source))
	return err
}

// TestACitizenSubscribes: somebody signs up at the page, is asked by mail,
// confirms, gets the next alert with the link to the own page, and leaves.
func TestACitizenSubscribes(t *testing.T) {
	needRedis(t)
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
	dir, config := settle(t, "  - {name: mail, kind: email, smtp: '"+l.Addr().String()+"', tls: none, from: avvisi@comune.valdemo.example, exercise: true}\nsign_ups: {per_hour: 5, countries: ['+39']}\n")
	g := open(t, dir, config)
	form := func(path string, values url.Values) reply {
		t.Helper()
		return g.ask(t, "POST", path+"?lang=it", "", "application/x-www-form-urlencoded", []byte(values.Encode()))
	}
	if r := form("/subscribe", url.Values{"contact": {"anna@posta.example"}, "where": {"all"}, "language": {"it"}}); r.status != 200 {
		t.Fatalf("signed up: %d %s", r.status, r.body)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("mails %q\n%s", box.mails, g.log)
		}
	})
	link := func(word, form string) string {
		t.Helper()
		var found []string
		eventually(t, "a mail with "+word, func() bool {
			found = regexp.MustCompile(`http://localhost:\d+(` + form + `)`).FindStringSubmatch(box.text(word))
			return found != nil
		})
		return found[1]
	}
	question := link("Per confermare", `/s/[A-Za-z0-9_-]{32}`)
	if r := form(question, nil); r.status != 200 || !strings.Contains(string(r.body), "Iscrizione confermata") {
		t.Fatalf("confirmed: %d %s", r.status, r.body)
	}
	room := secretOf(t, g.key(t, "room", "--can", "issue,read", "--self-approve", "--status", "Exercise"))
	answer := g.submit(t, room, exercise(fixture(t)))
	if answer.status != 201 {
		t.Fatalf("%d %s", answer.status, answer.body)
	}
	var made struct{ ID alerts.ID }
	answer.decode(t, &made)
	if d := g.delivered(t, room, made.ID, nil)["mail"]; d.Total != 1 || d.Accepted != 1 {
		t.Errorf("the delivery is %+v", d)
	}
	own := link("Le vostre scelte", `/p/[A-Za-z0-9_-]{32}`)
	if r := g.ask(t, "GET", own+"?lang=it", "", "", nil); r.status != 200 || !strings.Contains(string(r.body), "La tua iscrizione") {
		t.Errorf("the own page: %d %s", r.status, r.body)
	}
	if r := form(own, url.Values{"do": {"erase"}, "sure": {"1"}}); r.status != 200 {
		t.Errorf("erased: %d %s", r.status, r.body)
	}
	if r := g.ask(t, "GET", own, "", "", nil); r.status != 404 {
		t.Errorf("the own page after erasing: %d", r.status)
	}
	for _, secret := range []string{question[3:], own[3:], "anna@posta"} {
		if strings.Contains(g.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if r := form("/subscribe", url.Values{"contact": {"+44 7400 123456"}, "where": {"all"}, "language": {"it"}}); r.status != 422 {
		t.Errorf("by telephone, where there is no channel for it: %d", r.status)
	}
}

func TestSignUpRules(t *testing.T) {
	for text, want := range map[string]string{
		"{per_hour: -1}":          "m.yaml:3: sign_ups.per_hour is negative",
		"{texts_per_hour: -1}":    "m.yaml:3: sign_ups.texts_per_hour is negative",
		"{countries: ['39']}":     `sign_ups.countries[0] is "39"`,
		"{countries: ['+39', x]}": `sign_ups.countries[1] is "x"`,
		"{per_our: 5}":            "per_our",
	} {
		_, err := loadConfigOf(surroundings(), write(t, filepath.Join(t.TempDir(), "m.yaml"), valdemo+"sign_ups: "+text+"\n"), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	c, err := loadConfigOf(surroundings(), write(t, filepath.Join(t.TempDir(), "m.yaml"), valdemo+"sign_ups: {off: true, per_hour: 9, texts_per_hour: 3, countries: ['+39', '+43']}\n"), nil)
	if err != nil || !c.SignUps.Off || c.SignUps.PerHour != 9 || c.SignUps.TextsPerHour != 3 || len(c.SignUps.Countries) != 2 {
		t.Errorf("%+v, %v", c, err)
	}
}
