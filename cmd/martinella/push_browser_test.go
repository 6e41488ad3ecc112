package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/channels"
	"martinella/channels/channeltest"
)

// TestEndToEndAnAlertIsShownByABrowser: an alert comes in at the gateway, and
// the service worker of a real browser shows it.
func TestEndToEndAnAlertIsShownByABrowser(t *testing.T) {
	if os.Getenv("TEST_E2E") == "" {
		t.Skip("SKIP: a real browser is opened in make e2e only (TEST_E2E=1)")
	}
	needRedis(t)
	key := filepath.Join(t.TempDir(), "vapid.key")
	words := strings.Fields(must(t, "keys", "vapid", "--out", key))
	dir, config := settle(t, "  - {name: push, kind: webpush, vapid_key_file: "+key+", contact: allerte@comune.valdemo.example.it, exercise: true, allow_private: true}\n")
	peer := channeltest.StartPeer(t, "push-browser.js", "--pages", filepath.Join(channeltest.ModuleDir(t), "channels", "webpush", "testdata", "browser"))
	channeltest.OpenFirefox(t, peer.Port, fmt.Sprintf("http://localhost:%d/?key=%s", peer.Port, words[len(words)-1]))
	next := func(kind string) json.RawMessage {
		t.Helper()
		for range 24 { // a line comes at least every five seconds
			var line struct {
				Kind string
				Body json.RawMessage
			}
			peer.Next(t, &line)
			switch line.Kind {
			case kind:
				return line.Body
			case "failed":
				t.Fatalf("the page failed: %s", line.Body)
			}
		}
		t.Fatalf("nothing was %s", kind)
		return nil
	}
	to, err := channels.ReadPushSubscription(next("subscribed"))
	if err != nil {
		t.Fatal(err)
	}
	g := open(t, dir, config)
	must(t, "people", "import", write(t, filepath.Join(dir, "list.csv"), "push;areas\n"+to.String()+";*\n"), "--config", config)
	room := secretOf(t, g.key(t, "room", "--can", "issue,read", "--self-approve", "--status", "Exercise"))
	answer := g.submit(t, room, exercise(fixture(t)))
	if answer.status != 201 {
		t.Fatalf("%d %s", answer.status, answer.body)
	}
	var made struct{ ID, Event alerts.ID }
	answer.decode(t, &made)
	var got struct {
		Message struct{ URL string }
		Shown   []struct{ Title, Body, Tag string }
	}
	if err := json.Unmarshal(next("shown"), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Shown) != 1 || !strings.HasPrefix(got.Shown[0].Title, "ESERCITAZIONE") || got.Shown[0].Body == "" || got.Shown[0].Tag != string(made.Event) || !strings.HasSuffix(got.Message.URL, "/a/"+string(made.Event)) {
		t.Errorf("shown is %+v", got)
	}
	if d := g.delivered(t, room, made.ID, nil)["push"]; d.Total != 1 || d.Accepted != 1 {
		t.Errorf("the delivery is %+v", d)
	}
}
