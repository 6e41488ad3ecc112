package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// A gateway in mode practice has a real channel, open for exercises too, and
// uses its outbox alone.
func TestAGatewayThatPractisesWarnsNobody(t *testing.T) {
	needRedis(t)
	var asked atomic.Int64
	press := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer press.Close()
	dir := t.TempDir()
	config := write(t, filepath.Join(dir, "m.yaml"), fmt.Sprintf(`mode: practice
authority: {slug: valdemo, name: Comune di Valdemo, sender: pc@comune.valdemo.example}
listen: 127.0.0.1:0
admin_listen: 127.0.0.1:0
data: %s
channels:
  - {name: press, kind: webhook, url: "%s", secret_file: %s, exercise: true}
  - {name: outbox, kind: outbox, exercise: true}
`, filepath.Join(dir, "data"), press.URL, write(t, filepath.Join(dir, "whsec"), "whsec_c3RvcnkgdGVzdCBzZWNyZXQgb2YgdmFsZGVtbyE=")))
	if out := must(t, "config", "check", "--config", config); !strings.Contains(out, "press") || !strings.Contains(out, "Actual") {
		t.Errorf("the check does not say what a gateway that practises leaves out:\n%s", out)
	}
	s := open(t, dir, config)
	key := secretOf(t, s.key(t, "issuer", "--can", "issue,read", "--self-approve", "--status", "Actual,Exercise"))

	r := s.submit(t, key, exercise(fixture(t)))
	if r.status != http.StatusCreated {
		t.Fatalf("an exercise: got %d %s", r.status, r.body)
	}
	var taken submitted
	r.decode(t, &taken)
	ds := s.delivered(t, key, taken.ID, nil)
	if len(ds) != 1 || ds["outbox"].Accepted != 1 {
		t.Errorf("the exercise went to %+v, want the outbox alone", ds)
	}
	if r := s.submit(t, key, fixture(t)); r.status != http.StatusUnprocessableEntity || !strings.Contains(string(r.body), "mode: live") {
		t.Errorf("an Actual: got %d %s, want 422 and how to change it", r.status, r.body)
	}
	if page := s.ask(t, http.MethodGet, "/outbox", "", "", nil); page.status != http.StatusOK {
		t.Errorf("the outbox: %d", page.status)
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the press was asked %d times, want never", n)
	}
}
