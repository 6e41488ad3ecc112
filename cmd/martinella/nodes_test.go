package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// startRedis runs a Redis that keeps what it is given, for several gateways.
func startRedis(t testing.TB) string {
	t.Helper()
	needRedis(t)
	addr := freeAddr(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--appendonly", "yes", "--appendfsync", "always",
		"--no-appendfsync-on-rewrite", "no", "--save", "")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	eventually(t, "redis-server answers", func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		return err == nil && conn.Close() == nil
	})
	return "redis://" + addr
}

// takeover is longer than the time after which a node takes over the work of
// one whose lease is gone.
const takeover = 4 * time.Second

// A receiver is slow while its node is told to stop. The other node must leave
// the message alone until the first has its answer.
func TestAnOrderlyStopSendsNothingTwice(t *testing.T) {
	redis := startRedis(t)
	posts, released := make(chan string, 100), make(chan struct{})
	release := sync.OnceFunc(func() { close(released) })
	press := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get("Webhook-Id"); r.Method == http.MethodPost && id != "" {
			posts <- id
			<-released
		}
	}))
	defer press.Close()
	defer release()
	node := func(keyFile string) *station {
		dir, config := settle(t, "")
		if keyFile != "" { // the contacts in the store are sealed with it
			if err := makeData(filepath.Join(dir, "data")); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(keyFile)
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "data", "key"), string(b))
		}
		write(t, config, fmt.Sprintf(`mode: live
authority: {slug: valdemo, name: Comune di Valdemo, sender: pc@comune.valdemo.example}
listen: 127.0.0.1:0
admin_listen: 127.0.0.1:0
data: %s
redis: %s
channels:
  - {name: press, kind: webhook, url: "%s", secret_file: %s, exercise: true}
`, filepath.Join(dir, "data"), redis, press.URL, write(t, filepath.Join(dir, "whsec"), "whsec_c3RvcnkgdGVzdCBzZWNyZXQgb2YgdmFsZGVtbyE=")))
		return open(t, dir, config)
	}
	first := node("")
	key := secretOf(t, first.key(t, "issuer", "--can", "issue,read", "--self-approve", "--status", "Exercise"))
	urgent := []byte(strings.Replace(string(exercise(fixture(t))), "Severe", "Extreme", 1))
	r := first.submit(t, key, urgent)
	if r.status != http.StatusCreated {
		t.Fatalf("submit: %d %s", r.status, r.body)
	}
	var taken submitted
	r.decode(t, &taken)
	id := nextPost(t, posts)
	second := node(filepath.Join(first.dir, "data", "key"))
	stopped := make(chan int, 1)
	go func() { stopped <- first.stop() }()
	select {
	case again := <-posts:
		t.Errorf("while the first node waits for the answer to %s, the second sends %s", id, again)
	case code := <-stopped:
		t.Fatalf("the first node ended with %d before its message was answered", code)
	case <-time.After(takeover):
	}
	release()
	if code := <-stopped; code != 0 {
		t.Errorf("the first node ended with %d\n%s", code, first.log)
	}
	ds := second.delivered(t, key, taken.ID, nil)
	if d := ds["press"]; d.Accepted != 1 || d.Failed+d.Uncertain != 0 {
		t.Errorf("got %+v, want one accepted", d)
	}
	select {
	case again := <-posts:
		t.Errorf("%s was sent after the first node ended", again)
	default:
	}
}

func nextPost(t testing.TB, posts <-chan string) string {
	t.Helper()
	select {
	case id := <-posts:
		return id
	case <-time.After(patience):
		t.Fatal("nothing was sent")
	}
	return ""
}
