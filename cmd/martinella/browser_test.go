package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"

	"martinella/alerts"
	"martinella/channels/channeltest"
)

var severityText = regexp.MustCompile(`(<(?:\w+:)?severity>)[^<]*(<)`)

// browse starts a script of dashboards/e2e, which drives the system's Chromium.
func browse(t testing.TB, script string, args ...string) *channeltest.Peer {
	t.Helper()
	dir := filepath.Join(channeltest.ModuleDir(t), "dashboards", "e2e")
	channeltest.Install(t, dir)
	return channeltest.StartScript(t, dir, script, args...)
}

// glance is what a person sees of an alert on an open page.
type glance struct {
	Shown          bool
	MS             int
	Title          string
	Count          string
	Card           string
	Spoken         string
	Sideways       bool
	Cookies        int
	Permalink      string
	WithoutScript  bool
	Faults         []string
	PlainFaults    []string
	PermalinkFault []string `json:"permalinkFaults"`
}

// The page in a real browser: an alert that is issued while the page is open
// appears on it, with and without JavaScript; a Cancel takes it back. Pictures
// are written to $TEST_PICTURES, where that is set.
func TestAnOpenPageShowsAnAlert(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "")
	s := open(t, dir, config)
	key := secretOf(t, s.key(t, "author", "--can", "issue,approve", "--self-approve", "--status", "Actual,Exercise"))
	pictures := os.Getenv("TEST_PICTURES")
	if pictures == "" {
		pictures = t.TempDir()
	}
	page := browse(t, "story.mjs", s.Public+"/?lang=it", pictures)
	var opened struct {
		Open, Live bool
		Title      string
	}
	page.Next(t, &opened)
	if !opened.Open || !opened.Live || !strings.Contains(opened.Title, "Nessun") {
		t.Errorf("the quiet page: %+v", opened)
	}

	for _, c := range []struct {
		what, status, headline, word string
		count                        string
	}{
		{"a real alert", "Actual", "Restate in casa, lontano dalle finestre", "Avviso - pericolo grave", "1"},
		{"an exercise beside it", "Exercise", "Prova di evacuazione della scuola", "ESERCITAZIONE", "1"},
	} {
		t.Run(c.what, func(t *testing.T) {
			message := strings.Replace(string(fixture(t)), "Temporali forti: perché è pericoloso stare all'aperto", c.headline, 1)
			message = statusText.ReplaceAllString(message, "${1}"+c.status+"${2}")
			if r := s.submit(t, key, []byte(message)); r.status != http.StatusCreated {
				t.Fatalf("submit: %d %s", r.status, r.body)
			}
			page.Tell(t, map[string]string{"headline": c.headline})
			var got glance
			page.Next(t, &got)
			t.Logf("on the open page after %d ms", got.MS)
			if !got.Shown || !strings.Contains(got.Card, c.headline) || !strings.Contains(got.Card, c.word) || !strings.Contains(got.Card, "Valdemo") {
				t.Errorf("the card: %q", got.Card)
			}
			if !strings.Contains(got.Spoken, c.headline) || strings.Contains(got.Spoken, `"`) {
				t.Errorf("a screen reader hears %q", got.Spoken)
			}
			if !strings.Contains(got.Count, c.count) || !strings.Contains(got.Title, c.count) {
				t.Errorf("heading %q, title %q: want %s in both", got.Count, got.Title, c.count)
			}
			if !strings.Contains(got.Permalink, c.headline) || !got.WithoutScript {
				t.Errorf("its own page says %q; without JavaScript it is there: %v", got.Permalink, got.WithoutScript)
			}
			if got.Sideways || got.Cookies > 0 {
				t.Errorf("scrolls sideways: %v; cookies: %d", got.Sideways, got.Cookies)
			}
			if all := slices.Concat(got.Faults, got.PlainFaults, got.PermalinkFault); len(all) > 0 {
				t.Errorf("faults: %q", all)
			}
		})
	}
}

// Accessibility by axe, on every kind of page. It runs in the tier e2e.
func TestAccessibility(t *testing.T) {
	if os.Getenv("TEST_E2E") == "" {
		t.Skip("SKIP: runs with make e2e")
	}
	needRedis(t)
	dir, config := settle(t, "  - {name: outbox, kind: outbox, exercise: true}\n")
	s := open(t, dir, config)
	key := secretOf(t, s.key(t, "author", "--can", "issue,approve", "--self-approve", "--status", "Actual,Exercise"))
	look(t, []string{s.Public + "/?lang=it"}) // while nothing happens

	var urls []string
	for _, status := range []string{"Actual", "Exercise"} {
		message := statusText.ReplaceAll(fixture(t), []byte("${1}"+status+"${2}"))
		message = severityText.ReplaceAll(message, []byte("${1}"+map[string]string{"Actual": "Extreme", "Exercise": "Moderate"}[status]+"${2}"))
		r := s.submit(t, key, restamp(message, "axe-"+ulid.Make().String()))
		if r.status != http.StatusCreated {
			t.Fatalf("submit: %d %s", r.status, r.body)
		}
		var sub struct {
			ID, Event alerts.ID
			Digest    alerts.Digest
		}
		r.decode(t, &sub)
		urls = append(urls, s.Public+"/a/"+string(sub.Event)+"?lang=it")
		if status == "Exercise" {
			body := []byte(`{"digest":"` + string(sub.Digest) + `","text":"Prova conclusa"}`)
			if r := s.ask(t, http.MethodPost, "/api/v1/alerts/"+string(sub.ID)+"/all-clear", key, "application/json", body); r.status >= 300 {
				t.Fatalf("all-clear: %d %s", r.status, r.body)
			}
		}
	}
	for _, path := range []string{"/?lang=it", "/?lang=en", "/past", "/status", "/accessibility", "/privacy", "/guide"} {
		urls = append(urls, s.Public+path)
	}
	urls = append(urls, s.Admin+"/outbox") // the gateway is live: the outbox is not for everybody
	look(t, urls)
}

// look runs axe over the pages in every view.
func look(t *testing.T, urls []string) {
	t.Helper()
	axe := browse(t, "axe.mjs", urls...)
	for range len(urls) * 3 * 2 {
		var got struct {
			URL, ColorScheme   string
			Width              int
			Faults, Violations []string
			Sideways           bool
		}
		axe.Next(t, &got)
		if len(got.Violations) > 0 || len(got.Faults) > 0 || got.Sideways {
			t.Errorf("%s %d px %s: sideways %v, faults %q, violations %q", got.URL, got.Width, got.ColorScheme, got.Sideways, got.Faults, got.Violations)
		}
	}
}
