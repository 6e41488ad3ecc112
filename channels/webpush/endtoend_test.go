package webpush

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// told is a line of the script push-browser.js.
type told struct {
	Kind                          string
	Body                          json.RawMessage
	Status, Length                int
	TTL, Topic, Urgency, Encoding string
}

// onScreen is what the worker shows after a message.
type onScreen struct {
	Message       Payload
	Ring, Dropped bool
	Shown         []struct {
		Title, Body, Tag, Lang, Dir string
		Revision                    int
	}
}

// await gives the next line of a kind; one that says what failed ends the test,
// and so does a browser that has not begun after two minutes.
func await(t *testing.T, peer *channeltest.Peer, kind string) told {
	t.Helper()
	for range 24 {
		var line told
		peer.Next(t, &line)
		if line.Kind == "failed" {
			t.Fatalf("the page failed: %s", line.Body)
		}
		if line.Kind == kind {
			return line
		}
	}
	t.Fatalf("nothing was %s", kind)
	return told{}
}

// TestEndToEndFirefoxShowsWhatWeSend: a real browser subscribes with our key,
// decrypts what we send, and its worker shows, replaces and closes.
func TestEndToEndFirefoxShowsWhatWeSend(t *testing.T) {
	if os.Getenv("TEST_E2E") == "" {
		t.Skip("SKIP: a real browser is opened in make e2e only (TEST_E2E=1)")
	}
	pages, err := filepath.Abs(filepath.Join("testdata", "browser"))
	if err != nil {
		t.Fatal(err)
	}
	peer := channeltest.StartPeer(t, "push-browser.js", "--pages", pages)
	c := ours(t)
	channeltest.OpenFirefox(t, peer.Port, fmt.Sprintf("http://localhost:%d/?key=%s", peer.Port, c.PublicKey()))
	address, err := channels.ReadPushSubscription(await(t, peer, "subscribed").Body)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	send := func(kind channeltest.Kind, edit func(*channels.Message)) (m channels.Message, got onScreen) {
		t.Helper()
		m = message(t, c, kind, address.String())
		m.Expires = time.Now().Add(time.Minute)
		if edit != nil {
			edit(&m)
		}
		if _, err := c.Send(t.Context(), m); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		post := await(t, peer, "posted")
		if post.Status != 201 || post.Topic != string(m.Event) || post.Urgency != "high" || post.Encoding != "aes128gcm" || post.Length != 4096 {
			t.Errorf("%s: posted %+v", kind, post)
		}
		if err := json.Unmarshal(await(t, peer, "shown").Body, &got); err != nil {
			t.Fatal(err)
		}
		return m, got
	}
	check := func(name string, m channels.Message, got onScreen, ring bool) {
		t.Helper()
		var want Payload
		if err := json.Unmarshal(m.Payload, &want); err != nil {
			t.Fatal(err)
		}
		if len(got.Shown) != 1 || got.Ring != ring || got.Dropped {
			t.Fatalf("%s: %+v", name, got)
		}
		if s := got.Shown[0]; s.Title != want.Title || s.Body != want.Body || s.Tag != string(want.Tag) || s.Lang != want.Lang || s.Dir != want.Dir || s.Revision != want.Revision {
			t.Errorf("%s: shown %+v, want %+v", name, s, want)
		}
	}
	m, got := send(channeltest.Exercise, func(m *channels.Message) {
		m.Payload = []byte(strings.Replace(string(m.Payload), "cantina", "cantina 🔥", 1))
	})
	check("an alert", m, got, true)
	if !strings.HasPrefix(got.Shown[0].Title, "ESERCITAZIONE") || !strings.Contains(got.Shown[0].Body, "né in garage") || !strings.Contains(got.Shown[0].Body, "🔥") {
		t.Errorf("shown %+v", got.Shown[0])
	}
	m, got = send(channeltest.Update, nil)
	check("a correction is silent", m, got, false)
	m, got = send(channeltest.Update, func(m *channels.Message) {
		m.Payload = []byte(strings.Replace(string(m.Payload), `"areas":[`, `"areas":["AAAAAAAA",`, 1))
	})
	check("a wider area rings", m, got, true)
	if _, got = send(channeltest.Actual, nil); !got.Dropped || len(got.Shown) != 1 || got.Shown[0].Revision != 2 {
		t.Errorf("the first revision, overtaken: %+v", got)
	}
	m, got = send(channeltest.Cancel, nil)
	check("the cancellation takes its place", m, got, true)
	if !strings.HasPrefix(got.Shown[0].Title, "ANNULLATA") {
		t.Errorf("shown %+v", got.Shown[0])
	}
	t.Logf("five messages shown in %v", time.Since(began).Round(time.Millisecond))
}
