package main

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"martinella/alerts"
)

var (
	sentOf    = regexp.MustCompile(`<sent>([^<]*)<`)
	msgTypeOf = regexp.MustCompile(`<msgType>[^<]*<`)
)

// follows makes the next message of an event: an Update or a Cancel that names
// the one before it.
func follows(before []byte, msgType string, replace ...string) []byte {
	identifier := string(identifierText.FindSubmatch(before)[2])
	reference := "protezione.civile@comune.valdemo.example," + identifier + "," + string(sentOf.FindSubmatch(before)[1])
	next := string(before)
	if i := strings.Index(next, "<references>"); i >= 0 {
		next = next[:i] + next[strings.Index(next, "</references>")+len("</references>"):]
	}
	next = msgTypeOf.ReplaceAllString(next, "<msgType>"+msgType+"<")
	next = strings.Replace(next, "<scope>Public</scope>", "<scope>Public</scope><references>"+reference+"</references>", 1)
	next = strings.NewReplacer(replace...).Replace(next)
	return identifierText.ReplaceAll([]byte(next), []byte("${1}"+identifier+"x${3}"))
}

// The life of an event on four platforms, through the whole gateway: a slip is
// mended where readers see that, worse news is a post of its own that the first
// one points to, and in the end every post that stands says that it is over.
func TestPostsLiveAsTheirAlertDoes(t *testing.T) {
	needRedis(t)
	w := newWorld(t)
	dir, config := settle(t, "  - {name: outbox, kind: outbox, exercise: true}\n")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, string(text)+w.config(t, dir))
	s := open(t, dir, config)
	key := secretOf(t, s.key(t, "load", "--can", "issue,read", "--self-approve", "--status", "Actual"))
	issue := func(message []byte) (id, event alerts.ID) {
		t.Helper()
		r := s.submit(t, key, message)
		var issued submitted
		if r.status != http.StatusCreated || json.Unmarshal(r.body, &issued) != nil {
			t.Fatalf("%d %s", r.status, r.body)
		}
		for name, d := range s.delivered(t, key, issued.ID, nil) {
			if d.State != "done" {
				t.Errorf("%s: %s, %q", name, d.State, d.Error)
			}
		}
		return issued.ID, issued.Event
	}
	first := fixture(t)
	_, event := issue(first)
	link := "/a/" + string(event)
	posts := func(platform string) []worldPost { return w.of(platform, link) } // the newest first
	for _, platform := range socialKinds {
		if p := posts(platform); len(p) != 1 || !strings.Contains(p[0].Text, "pericolo grave") {
			t.Fatalf("%s: %+v", platform, p)
		}
	}

	slip := follows(first, "Update", "Raffiche, grandine", "Raffiche di vento, grandine")
	issue(slip)
	for _, platform := range socialKinds {
		p := posts(platform)
		switch edits := platform == "mastodon" || platform == "facebook"; {
		case edits && (len(p) != 1 || !strings.Contains(p[0].Text, "AGGIORNAMENTO")):
			t.Errorf("%s: the correction is not in its place: %+v", platform, p)
		case !edits && (len(p) != 2 || p[0].On != p[1].ID):
			t.Errorf("%s: the correction does not answer: %+v", platform, p)
		}
	}

	worse := follows(slip, "Update", "<severity>Severe<", "<severity>Extreme<")
	issue(worse)
	for _, platform := range socialKinds {
		p := posts(platform)
		if !strings.Contains(p[0].Text, "pericolo estremo") || p[0].On != "" {
			t.Errorf("%s: the worse news: %+v", platform, p[0])
		}
		if platform == "mastodon" || platform == "facebook" {
			last := p[len(p)-1].Text
			if len(p) != 2 || !strings.Contains(last, "SOSTITUITO") || !strings.Contains(last, p[0].ID) || strings.Contains(last, "Restate in casa") {
				t.Errorf("%s: the first post says %q, want it to point to %s", platform, last, p[0].ID)
			}
		}
	}

	issue(follows(worse, "Cancel"))
	for _, platform := range socialKinds {
		p := posts(platform)
		if !strings.Contains(p[0].Text, "ANNULLATA") || platform != "facebook" && p[0].On != p[1].ID {
			t.Errorf("%s: the Cancel: %+v, after %+v", platform, p[0], p[1])
		}
		if platform == "mastodon" || platform == "facebook" {
			if len(p) != 3 || !strings.Contains(p[1].Text, "ANNULLATA") || strings.Contains(p[1].Text, "Restate in casa") {
				t.Errorf("%s: the post that stood says %q", platform, p[1].Text)
			}
		}
	}
}
