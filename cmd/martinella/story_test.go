package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/oklog/ulid/v2"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels/channeltest"
)

// fediverse is a Mastodon server as far as the channel needs one.
type fediverse struct {
	*httptest.Server
	token string

	mu    sync.Mutex
	posts map[string]string // idempotency key to text
}

func startFediverse(t testing.TB, token string) *fediverse {
	f := &fediverse{token: token, posts: map[string]string{}}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("POST /api/v1/statuses", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var in struct{ Status string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.posts[r.Header.Get("Idempotency-Key")] = in.Status
		answer(w, map[string]any{"id": fmt.Sprint(100 + len(f.posts)), "url": f.URL + "/@valdemo/1", "content": in.Status, "visibility": "public"})
	})
	mux.HandleFunc("GET /api/v1/accounts/verify_credentials", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]any{"id": "7", "acct": "valdemo", "username": "valdemo"})
	})
	mux.HandleFunc("GET /api/v1/accounts/7/statuses", func(w http.ResponseWriter, r *http.Request) { answer(w, []any{}) })
	mux.HandleFunc("GET /api/v1/instance", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]any{"configuration": map[string]any{"statuses": map[string]any{"max_characters": 500, "characters_reserved_per_url": 23}}})
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *fediverse) texts() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, text := range f.posts {
		all = append(all, text)
	}
	return all
}

// listenLive opens the WebSocket and gives what comes.
func listenLive(t testing.TB, s *station, query string) <-chan map[string]any {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), strings.Replace(s.Public, "http", "ws", 1)+"/live"+query, nil)
	if err != nil {
		t.Fatalf("open the live feed: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	out := make(chan map[string]any, 1024)
	go func() {
		defer close(out)
		for {
			var m map[string]any
			if conn.ReadJSON(&m) != nil {
				return
			}
			out <- m
		}
	}()
	if hello := next(t, out); hello["type"] != "hello" {
		t.Fatalf("the live feed began with %v, want hello", hello)
	}
	return out
}

// listenEvents opens the event stream and gives the data of what comes.
func listenEvents(t testing.TB, s *station) <-chan map[string]any {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Public+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); resp.Body.Close() })
	out := make(chan map[string]any, 1024)
	go func() {
		defer close(out)
		for scan := bufio.NewScanner(resp.Body); scan.Scan(); {
			if data, ok := strings.CutPrefix(scan.Text(), "data:"); ok {
				var m map[string]any
				if json.Unmarshal([]byte(data), &m) == nil {
					out <- m
				}
			}
		}
	}()
	if hello := next(t, out); hello["type"] != "hello" {
		t.Fatalf("the event stream began with %v, want hello", hello)
	}
	return out
}

func next(t testing.TB, from <-chan map[string]any) map[string]any {
	t.Helper()
	select {
	case m, ok := <-from:
		if !ok {
			t.Fatal("the feed has ended")
		}
		return m
	case <-time.After(patience):
		t.Fatal("the feed is silent")
	}
	return nil
}

// storyMessage is a real message of the Italian civil protection where the
// examples are at hand, else our own.
func storyMessage(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(channeltest.ModuleDir(t), "..", "shared", "testdata", "cap", "valid", "henemm-Cap_20260730_1511.xml"))
	if err != nil {
		t.Log("the examples are not beside the checkout: our own message is used")
		return fixture(t)
	}
	return restamp(b, "story-"+ulid.Make().String())
}

func TestOneAlertReachesEverybody(t *testing.T) {
	needRedis(t)
	const secret = "whsec_c3RvcnkgdGVzdCBzZWNyZXQgb2YgdmFsZGVtbyE="
	smsc := channeltest.StartPeer(t, "smsc.js")
	receiver := channeltest.StartPeer(t, "webhook-receiver.js", "--secret", secret)
	social := startFediverse(t, "toot-token-7")

	files := t.TempDir()
	dir, config := settle(t, fmt.Sprintf(`
  - {name: press, kind: webhook, url: "http://%s/in", secret_file: %s}
  - {name: comune-mastodon, kind: mastodon, url: "%s", token_file: %s, per_second: 50}
  - {name: sms, kind: smpp, addr: "%s", system_id: gw, password_file: %s, source: Valdemo}
  - {name: outbox, kind: outbox, exercise: true, folder: %s}
`, receiver.Addr(), write(t, filepath.Join(files, "whsec"), secret), social.URL, write(t, filepath.Join(files, "token"), "toot-token-7"),
		smsc.Addr(), write(t, filepath.Join(files, "smpp"), "secret"), filepath.Join(files, "outbox")))
	s := open(t, dir, config)

	// Three subscribers: one gets it, one number does not exist any more, one
	// phone refuses it later. A fourth lives elsewhere.
	for _, number := range []string{"+393331234001", "+393331234000", "+393331234404"} {
		must(t, "people", "add", "--config", config, "--phone", number, "--areas", "*")
	}
	must(t, "people", "add", "--config", config, "--phone", "+393331234002", "--areas", "000000")

	author := s.key(t, "author", "--can", "submit", "--status", "Actual")
	approver := s.key(t, "approver", "--can", "approve,read", "--status", "Actual")
	first, second, events := listenLive(t, s, ""), listenLive(t, s, "?view=full&lang=it"), listenEvents(t, s)

	// The author's alert waits, and nothing leaves.
	message := storyMessage(t)
	taken := s.submit(t, secretOf(t, author), message)
	if taken.status != http.StatusAccepted {
		t.Fatalf("submit: got %d, want 202\n%s", taken.status, taken.body)
	}
	var sub submitted
	taken.decode(t, &sub)
	if r := s.ask(t, http.MethodGet, "/a/"+string(sub.Event), "", "", nil); r.status != http.StatusNotFound {
		t.Errorf("the page of what waits: got %d, want 404", r.status)
	}
	if n := len(social.texts()); n != 0 {
		t.Errorf("%d posts before the second person", n)
	}

	// The approver issues it from the command line and follows it.
	code, out, errOut := command(t, "approve", string(sub.ID), "--yes", "--url", s.Public, "--key-file", approver)
	if code != exitPartly { // one number does not exist
		t.Fatalf("approve: exit %d, want %d\n%s%s", code, exitPartly, out, errOut)
	}
	if !strings.Contains(out, "comune-mastodon") {
		t.Errorf("approve does not show the channels:\n%s", out)
	}

	// Everybody sees the same alert.
	for name, feed := range map[string]<-chan map[string]any{"first page": first, "second page": second, "event stream": events} {
		m := next(t, feed)
		if m["type"] != "alert" || m["id"] != string(sub.ID) || m["change"] != "issued" {
			t.Errorf("%s got %v", name, m)
		}
		if _, full := m["alert"]; full != (name == "second page") {
			t.Errorf("%s: whole alert %v", name, full)
		}
	}
	page := s.ask(t, http.MethodGet, "/a/"+string(sub.Event), "", "", nil)
	if page.status != http.StatusOK || !strings.Contains(string(page.body), "<h1") {
		t.Errorf("page: %d", page.status)
	}
	var hook struct {
		ID       string // of the message; the check of the address has none
		Verified bool
		Error    string
		Body     json.RawMessage
	}
	for hook.ID == "" {
		receiver.Next(t, &hook)
	}
	if !hook.Verified || !strings.Contains(string(hook.Body), string(sub.ID)) {
		t.Errorf("the webhook's receiver got %v %s %s", hook.Verified, hook.Error, hook.Body)
	}
	if texts := social.texts(); len(texts) != 1 || !strings.Contains(texts[0], "/a/"+string(sub.Event)) {
		t.Errorf("posts: %q", texts)
	}

	// What the gateway says agrees with what the receivers saw.
	ds := s.delivered(t, secretOf(t, approver), sub.ID, func(ds []broadcast.Delivery) bool {
		for _, d := range ds {
			if d.Channel == "sms" && d.Delivered+d.Failed < 3 {
				return false
			}
		}
		return true
	})
	for name, want := range map[string]broadcast.Delivery{
		"press":           {State: "done", Total: 1, Accepted: 1},
		"comune-mastodon": {State: "done", Total: 1, Accepted: 1},
		"outbox":          {State: "done", Total: 1, Accepted: 1},
		"sms":             {State: "partly_failed", Total: 3, Delivered: 1, Failed: 2, Accepted: 1},
	} {
		got := ds[name]
		if got.State != want.State || got.Total != want.Total || got.Accepted != want.Accepted || got.Delivered != want.Delivered || got.Failed != want.Failed || got.Uncertain != 0 {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
	for series, want := range map[string]float64{
		`martinella_deliveries_total{channel="press",outcome="accepted"}`:           1,
		`martinella_deliveries_total{channel="comune-mastodon",outcome="accepted"}`: 1,
		`martinella_deliveries_total{channel="sms",outcome="accepted"}`:             2,
		`martinella_deliveries_total{channel="sms",outcome="delivered"}`:            1,
		`martinella_deliveries_total{channel="sms",outcome="failed"}`:               2,
		`martinella_deliveries_total{channel="sms",outcome="uncertain"}`:            0,
		`martinella_live_clients{transport="websocket"}`:                            2,
		`martinella_live_clients{transport="sse"}`:                                  1,
		`martinella_dead_letters{channel="press"}`:                                  0,
		`martinella_redis_durable`:                                                  1,
	} {
		if got := s.metric(t, series); got != want {
			t.Errorf("%s: got %v, want %v", series, got, want)
		}
	}
	submits := submitsSeen(t, smsc)
	if submits["393331234001"] == "" || submits["393331234404"] == "" || submits["393331234002"] != "" {
		t.Errorf("the SMSC saw %v", submits)
	}
	if log := s.log.String(); strings.Contains(log, "393331234") || strings.Contains(log, "toot-token-7") || strings.Contains(log, secretOf(t, author)) {
		t.Error("the log holds a phone number or a secret")
	}

	// The same alert again changes nothing; after a restart it is still there.
	if again := s.submit(t, secretOf(t, author), message); again.status != http.StatusOK {
		t.Errorf("the same alert again: got %d, want 200", again.status)
	}
	if code := s.stop(); code != 0 {
		t.Fatalf("SIGTERM: exit %d\n%s", code, s.log)
	}
	s2 := open(t, dir, config)
	if r := s2.ask(t, http.MethodGet, "/a/"+string(sub.Event), "", "", nil); r.status != http.StatusOK {
		t.Errorf("the page after a restart: %d", r.status)
	}
	if again := s2.submit(t, secretOf(t, author), message); again.status != http.StatusOK {
		t.Errorf("the same alert after a restart: got %d, want 200", again.status)
	}
	var v view
	s2.ask(t, http.MethodGet, "/api/v1/alerts/"+string(sub.ID), secretOf(t, approver), "", nil).decode(t, &v)
	if v.State != alerts.StateIssued {
		t.Errorf("after a restart the alert is %s", v.State)
	}
	if n := len(social.texts()); n != 1 {
		t.Errorf("%d posts after a restart, want 1", n)
	}
}

// submitsSeen gives the texts that the SMSC took, by number, once it has those
// of both who can be reached, and has told of two parts.
func submitsSeen(t testing.TB, smsc *channeltest.Peer) map[string]string {
	t.Helper()
	seen, receipts := map[string]string{}, 0
	for receipts < 2 || seen["393331234001"] == "" || seen["393331234404"] == "" {
		var line struct {
			Submit  int
			Dst     string
			Text    string
			Receipt string
		}
		smsc.Next(t, &line)
		if line.Submit > 0 {
			seen[strings.TrimPrefix(line.Dst, "+")] += line.Text + " "
		}
		if line.Receipt != "" {
			receipts++
		}
	}
	return seen
}
