package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"martinella/broadcast"
)

// socialKills is how often the gateway dies between a post and its answer.
func socialKills() int {
	if os.Getenv("TEST_CHAOS") != "" {
		return 50
	}
	return 2
}

// TestKillsBetweenPostAndAnswerPostOnce is fault 6 on the platforms that can be
// asked: the request has left, the platform has posted, the gateway dies before
// the answer. Whoever comes next looks at the account's own posts first.
func TestKillsBetweenPostAndAnswerPostOnce(t *testing.T) {
	w := newWorld(t)
	p := newProcess(t)
	dir := t.TempDir()
	text := w.config(t, dir)
	config, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	p.config = filepath.Join(dir, "martinella.yaml")
	write(t, p.config, string(config)+text)
	p.start(t)
	file := filepath.Join(t.TempDir(), "key")
	must(t, "keys", "create", "--config", p.config, "--name", "load", "--can", "issue,read", "--self-approve", "--status", "Actual", "--out", file)
	key := secretOf(t, file)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(tail(p.log.String()))
		}
	})
	for round := range socialKills() {
		w.mu.Lock()
		w.hold = true
		w.mu.Unlock()
		r, err := tell(t.Context(), http.MethodPost, p.url+"/api/v1/alerts", key, capXML, fixture(t))
		var issued submitted
		if err != nil || r.status != http.StatusCreated || json.Unmarshal(r.body, &issued) != nil {
			t.Fatalf("round %d: %v, %d %s", round, err, r.status, r.body)
		}
		link := "/a/" + string(issued.Event)
		eventually(t, "every platform has posted", func() bool {
			for _, platform := range socialKinds {
				if len(w.of(platform, link)) == 0 {
					return false
				}
			}
			return true
		})
		p.end(syscall.SIGKILL)
		w.mu.Lock()
		w.hold = false
		w.mu.Unlock()
		p.start(t)
		var out struct{ Channels []broadcast.Delivery }
		eventually(t, "every delivery has come to its end", func() bool {
			r, err := tell(t.Context(), http.MethodGet, p.url+"/api/v1/alerts/"+string(issued.ID)+"/deliveries", key, "", nil)
			if err != nil || r.status != http.StatusOK || json.Unmarshal(r.body, &out) != nil {
				return false
			}
			over := 0
			for _, d := range out.Channels {
				if d.Over() {
					over++
				}
			}
			return over > len(socialKinds) // and the outbox
		})
		for _, d := range out.Channels {
			posts := w.of(d.Channel, link)
			if d.Channel != "outbox" && (d.State != "done" || d.Accepted != 1 || len(posts) != 1) {
				t.Errorf("round %d, %s: %s, %d accepted, %q, posted %d times", round, d.Channel, d.State, d.Accepted, d.Error, len(posts))
			}
		}
	}
	t.Logf("%d kills, each with a post on its way to %d platforms", socialKills(), len(socialKinds))
}
