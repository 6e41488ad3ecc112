package main

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"martinella/channels/channeltest"
)

// TestWhosePageTheOperatorRefusesGetsAMailAtOnce: a text message that the SMSC
// refuses, and one of which its receipt says that it was not delivered, are not
// waited for the five minutes that others get.
func TestWhosePageTheOperatorRefusesGetsAMailAtOnce(t *testing.T) {
	needRedis(t)
	const refused, undelivered, taken = "393331234000", "393331234404", "393331234501"
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
	must(t, "people", "import", write(t, filepath.Join(dir, "volontari.csv"), `Cognome;Nome;Cellulare;E-mail;Area;Canali
Rossi;Anna;`+refused+`;anna@posta.example;*;phone,email
Neri;Bruno;`+undelivered+`;bruno@posta.example;*;phone,email
Blu;Carla;`+taken+`;carla@posta.example;*;phone,email
`), "--config", config, "--audience", "volunteers")
	d := signedIn(t, g)
	id := newID(time.Now())
	form := url.Values{"id": {string(id)}, "what": {"Alberi sulla strada"}, "where": {"Piazza Grande"}, "meet": {"+1 h"}, "until": {"+5 h"},
		"skill": {""}, "people": {"1"}, "times": {"4"}, "second": {"none"}, "urgent": {"1"}, "do": {"call"}}
	if r := d.do(t, http.MethodPost, "/console/d/new?lang=it", form); r.status != http.StatusSeeOther {
		t.Fatalf("opened: %d %s", r.status, r.body)
	}
	for _, mail := range []string{"anna@posta.example", "bruno@posta.example"} {
		eventually(t, "the mail to "+mail, func() bool { return box.text(mail) != "" })
	}
	smsc.until(t, taken, 1)
	if mail := box.text("carla@posta.example"); mail != "" {
		t.Errorf("whose message arrived got a mail as well:\n%s", mail)
	}

	// The coordinator sees what each of them was sent.
	calls, _ := fastNode(t, g, 0)
	v, err := calls.View(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, p := range v.People {
		got[p.Name] = len(p.Pages)
	}
	if want := map[string]int{"Anna Rossi": 2, "Bruno Neri": 2, "Carla Blu": 1}; !maps.Equal(got, want) {
		t.Errorf("pages by person %v, want %v", got, want)
	}
}
