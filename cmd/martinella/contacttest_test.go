package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/volunteers"
	"martinella/channels"
	"martinella/channels/channeltest"
)

// TestContactsAreTested: the office begins a test on the console, two people get
// a text message; one answers OK, one opens the link, one is silent. The list
// says so, and the roster once the test is over.
func TestContactsAreTested(t *testing.T) {
	needRedis(t)
	const anna, bruno, carla = "393331234501", "393331234502", "393331234503"
	smsc := &carrier{channeltest.StartPeer(t, "smsc.js"), map[string][]sent{}}
	dir, config := settle(t, fmt.Sprintf(`
  - {name: sms, kind: smpp, addr: "%s", system_id: gw, password_file: %s, source: "+393390000000"}
public_url: %s
`, smsc.Addr(), write(t, filepath.Join(t.TempDir(), "smpp"), "secret"), publicSite))
	g := open(t, dir, config)
	must(t, "people", "import", write(t, filepath.Join(dir, "volontari.csv"), strings.Join(strings.SplitAfter(roll, "\n")[:4], "")), "--config", config, "--audience", "volunteers")
	d := signedIn(t, g)
	if r := d.do(t, http.MethodGet, "/console/volunteers/test?lang=it", nil); r.status != http.StatusOK || !strings.Contains(string(r.body), "Da sola non parte mai") {
		t.Fatalf("the page of tests: %d %s", r.status, r.body)
	}

	// By its engine and not by the form, which begins none at night: the store
	// and the channels are the gateway's.
	now := time.Now()
	engine, opened := fastNode(t, g, ahead(now))
	id := newID(now)
	for range 2 { // twice is once
		if _, err := engine.StartTest(t.Context(), coordinator(), id, nil, 3*24*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = engine.Run(ctx) }()
	link := regexp.MustCompile(regexp.QuoteMeta(publicSite) + `(/d/[A-Za-z0-9_-]{26})`)
	links := map[string]string{}
	for _, number := range []string{anna, bruno, carla} {
		page := smsc.until(t, number, 1)
		found := link.FindStringSubmatch(page.Text)
		if found == nil || len(page.UDH) > 0 || len(page.Text) > channels.SeptetsAlone || !strings.Contains(page.Text, "Prova dei contatti. Nessuna emergenza. Rispondi OK o apri il link.") {
			t.Fatalf("asked by %+v", page)
		}
		links[number] = found[1]
	}
	cancel()
	<-ended

	smsc.says(t, anna, "Ok")
	if echo := smsc.until(t, anna, 2).Text; echo != "Grazie, il contatto funziona. V-0001" {
		t.Errorf("said back to Anna: %q", echo)
	}
	if r := d.do(t, http.MethodGet, links[bruno]+"?lang=it", nil); r.status != http.StatusOK || !strings.Contains(string(r.body), "Nessuna emergenza") || strings.Contains(string(r.body), "Ritrovo") {
		t.Errorf("Bruno's page: %d %s", r.status, r.body)
	}
	for range 2 {
		if r := d.do(t, http.MethodPost, links[bruno], url.Values{"answer": {"received"}}); r.status != http.StatusSeeOther {
			t.Fatalf("Bruno confirms: %d %s", r.status, r.body)
		}
	}
	if r := d.do(t, http.MethodGet, links[bruno]+"?lang=it", nil); !strings.Contains(string(r.body), "Confermato") || strings.Contains(string(r.body), `name="answer"`) {
		t.Errorf("Bruno's page then: %s", r.body)
	}

	at := "/console/volunteers/test/" + string(id)
	list := string(d.do(t, http.MethodGet, at+"?lang=it", nil).body)
	for _, want := range []string{"Senza risposta: 1", "Hanno risposto: 2", "Carla Blu", "Anna Rossi", "Bruno Neri", "Ferma la prova"} {
		if !strings.Contains(list, want) {
			t.Errorf("%q is missing in the list", want)
		}
	}
	csv := string(d.do(t, http.MethodGet, at+"/list.csv?lang=it", nil).body)
	if lines := strings.Split(strings.TrimSpace(csv), "\n"); len(lines) != 4 || !strings.HasPrefix(lines[1], "Carla Blu,,no,,") || strings.Contains(csv, "33312345") {
		t.Errorf("the file is %q", csv)
	}
	if r := d.do(t, http.MethodGet, "/console/d/"+string(id), nil); r.status != http.StatusNotFound {
		t.Errorf("the page of a call of it: %d", r.status)
	}
	if calls := string(d.do(t, http.MethodGet, "/console/d?lang=it", nil).body); strings.Contains(calls, "V-0001") {
		t.Error("the test stands among the calls")
	}

	// Three days later it is over, and the roster knows.
	later, _ := fastNode(t, g, ahead(now)+4*24*time.Hour)
	ctx, cancel = context.WithCancel(t.Context())
	ended = make(chan struct{})
	go func() { defer close(ended); _ = later.Run(ctx) }()
	eventually(t, "the roster says who is silent", func() bool {
		all, err := opened.People().Volunteers(t.Context())
		silent, reached := 0, 0
		for _, m := range all {
			if !m.Silent.IsZero() {
				silent++
			}
			if !m.Reached.IsZero() {
				reached++
			}
		}
		return err == nil && silent == 1 && reached == 2
	})
	cancel()
	<-ended
	if call, err := opened.Callouts().Call(t.Context(), id); err != nil || call.State != volunteers.StateExpired {
		t.Errorf("the test is %+v, %v", call, err)
	}
	roster := string(d.do(t, http.MethodGet, "/console/volunteers?lang=it&show=silent", nil).body)
	if !strings.Contains(roster, "non raggiungibile dal") || !strings.Contains(roster, "Carla Blu") || strings.Contains(roster, "Anna Rossi") {
		t.Errorf("the roster: %s", roster)
	}
	for _, secret := range []string{"33312345", "Rossi", "Bruno", links[bruno][3:]} {
		if strings.Contains(g.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

// ahead is how far a clock must be from ours, backwards, for it to be ten in the
// morning in the authority's zone: nobody is tested at night, and an answer comes
// after its question.
func ahead(now time.Time) time.Duration {
	zone, _ := time.LoadLocation("Europe/Rome")
	local := now.In(zone)
	ten := time.Date(local.Year(), local.Month(), local.Day(), 10, 0, 0, 0, zone)
	if ten.After(now) {
		ten = ten.AddDate(0, 0, -1)
	}
	return ten.Sub(now)
}

// coordinator is somebody who may call volunteers out.
func coordinator() alerts.Person {
	return alerts.Person{ID: "staff:1", Name: "Piera", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbCall}, Statuses: alerts.Statuses}}
}
