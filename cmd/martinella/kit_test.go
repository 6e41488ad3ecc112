package main

import (
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"martinella/broadcast"
)

// A gateway whose Mastodon account is locked, with an account that people post
// to: the alert is ready to copy, a person posts it and ticks it, and the pages
// say which account is not updated.
func TestAPersonPostsWhatNoProgramMay(t *testing.T) {
	needRedis(t)
	locked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":"The access token was revoked"}`))
	}))
	defer locked.Close()
	dir, config := settle(t, `  - {name: instagram, kind: copykit, platform: instagram, exercise: true}
  - {name: social, kind: mastodon, url: "`+locked.URL+`", token_file: token, exercise: true}
accounts:
  - {platform: mastodon, name: "@valdemo", url: "https://social.example/@valdemo", channel: social}
  - {platform: instagram, name: "@comune.valdemo", url: "https://instagram.example/comune.valdemo", channel: instagram}
hashtags:
  - tags: [Valdemo]
`)
	write(t, filepath.Join(dir, "token"), "a token that was revoked")
	s := open(t, dir, config)
	file := s.key(t, "press", "--can", "issue,read", "--self-approve", "--status", "Actual,Exercise")
	key := secretOf(t, file)
	r := s.submit(t, key, exercise(fixture(t)))
	if r.status != http.StatusCreated {
		t.Fatalf("%d %s", r.status, r.body)
	}
	var taken submitted
	r.decode(t, &taken)
	one := func(name string, ready func(broadcast.Delivery) bool) broadcast.Delivery {
		t.Helper()
		var d broadcast.Delivery
		eventually(t, name+" is so far", func() bool {
			var out struct{ Channels []broadcast.Delivery }
			s.ask(t, http.MethodGet, "/api/v1/alerts/"+string(taken.ID)+"/deliveries", key, "", nil).decode(t, &out)
			for _, d = range out.Channels {
				if d.Channel == name {
					return ready(d)
				}
			}
			return false
		})
		return d
	}
	ready := one("instagram", func(d broadcast.Delivery) bool { return d.Accepted > 0 })
	if ready.Delivered != 0 || !strings.Contains(ready.Note, "not posted until somebody ticks it") {
		t.Errorf("ready: %+v", ready)
	}
	flags := []string{"--url", s.Public, "--key-file", file}
	out := must(t, append([]string{"kit", string(taken.ID)}, flags...)...)
	for _, want := range []string{"== instagram (instagram), revision 1, issued", ": to be posted", "ESERCITAZIONE", "#Valdemo", "/a/" + string(taken.Event), "tick: martinella kit"} {
		if !strings.Contains(out, want) {
			t.Errorf("the kit lacks %q:\n%s", want, out)
		}
	}
	card := filepath.Join(dir, "card.png")
	must(t, append([]string{"kit", string(taken.ID), "--card", card, "--language", "it"}, flags...)...)
	picture, err := os.Open(card)
	if err != nil {
		t.Fatal(err)
	}
	size, err := png.DecodeConfig(picture)
	_ = picture.Close()
	if err != nil || size.Width != 1200 || size.Height != 630 {
		t.Errorf("the card: %+v, %v", size, err)
	}
	tick := append([]string{"kit", string(taken.ID), "--posted", "instagram", "--link", "https://instagram.example/p/1"}, flags...)
	if out := must(t, tick...); !strings.Contains(out, "posted by press") || !strings.Contains(out, "https://instagram.example/p/1") {
		t.Errorf("the tick says %s", out)
	}
	if out := must(t, tick...); !strings.Contains(out, "it had been ticked before: nothing changed") {
		t.Errorf("the second tick says %s", out)
	}
	posted := one("instagram", func(d broadcast.Delivery) bool { return d.Delivered == d.Total })
	if posted.By == nil || posted.By.Name != "press" || posted.At == nil || posted.PostedURL != "https://instagram.example/p/1" || posted.Note != "" {
		t.Errorf("posted: %+v", posted)
	}
	if n := s.metric(t, `martinella_deliveries_total{channel="instagram",outcome="delivered"}`); int(n) != posted.Total {
		t.Errorf("counted %v of %d", n, posted.Total)
	}
	if timeline := s.ask(t, http.MethodGet, "/api/v1/alerts/"+string(taken.ID)+"/timeline", key, "", nil); !strings.Contains(string(timeline.body), `"verb":"posted"`) {
		t.Errorf("timeline %s", timeline.body)
	}
	if code, _, errOut := command(t, append([]string{"kit", string(taken.ID), "--posted", "social"}, flags...)...); code != exitRefused || !strings.Contains(errOut, "is no copy kit") {
		t.Errorf("a channel that the gateway posts to: exit %d, %s", code, errOut)
	}

	// The account that refuses us: the operator is told why and how to mend it,
	// the public only where to look.
	halted := one("social", func(d broadcast.Delivery) bool { return strings.Contains(d.Error, "Sign in") })
	if !strings.Contains(halted.Error, "401") {
		t.Errorf("social: %+v", halted)
	}
	for _, path := range []string{"/accounts?lang=it", "/?lang=it"} {
		eventually(t, path+" to say it", func() bool {
			body := string(s.ask(t, http.MethodGet, path, "", "", nil).body)
			if strings.Contains(body, "revoked") || regexp.MustCompile(`\b401\b`).MatchString(body) {
				t.Fatalf("%s tells the public why", path)
			}
			return strings.Contains(body, "Non sono aggiornati in questo momento:") && strings.Contains(body, "@valdemo (Mastodon)")
		})
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestTheKitCommandRefusesWhatMakesNoSense(t *testing.T) {
	for name, args := range map[string][]string{
		"an address without a tick": {"kit", "x", "--link", "https://a.example"},
		"two acts at once":          {"kit", "x", "--posted", "a", "--card", "b.png"},
		"no alert":                  {"kit"},
		"no key":                    {"kit", "x"},
	} {
		if code, _, errOut := command(t, args...); code != exitUsage || errOut == "" {
			t.Errorf("%s: exit %d, %s", name, code, errOut)
		}
	}
}
