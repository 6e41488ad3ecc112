package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast/broadcasttest"
)

// TestARollingUpgradeLosesAndDoublesNothing replaces two gateways one after
// the other by the next version, whose store has another schema, and then by
// the version of before, while alerts come in at both. It is a rehearsal: the
// next schema is one of this test.
func TestARollingUpgradeLosesAndDoublesNothing(t *testing.T) {
	old, err := program()
	if err != nil {
		t.Fatal(err)
	}
	next := filepath.Join(t.TempDir(), "martinella")
	if out, err := exec.Command("go", "build", "-tags", "schemanext", "-o", next, ".").CombinedOutput(); err != nil {
		t.Fatalf("build with the tag schemanext: %v\n%s", err, out)
	}
	redis := startRedis(t)
	var mu sync.Mutex
	posts := map[alerts.ID][]string{} // identities of posts
	press := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var post struct {
			Data struct {
				ID alerts.ID `json:"id"`
			} `json:"data"`
		}
		if body, _ := io.ReadAll(r.Body); json.Unmarshal(body, &post) != nil || post.Data.ID == "" {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		posts[post.Data.ID] = append(posts[post.Data.ID], r.Header.Get("Webhook-Id"))
	}))
	defer press.Close()
	var nodes [2]*process
	for i := range nodes {
		p := newProcess(t)
		text := fmt.Sprintf(`mode: live
authority: {slug: valdemo, name: Comune di Valdemo, sender: protezione.civile@comune.valdemo.example}
listen: 127.0.0.1:0
admin_listen: 127.0.0.1:0
data: %s
redis: %s
limits: {key_rate: -1}
channels:
  - {name: press, kind: webhook, url: "%s", secret_file: %s, exercise: true}
`, p.data, redis, press.URL, write(t, filepath.Join(t.TempDir(), "whsec"), "whsec_c3RvcnkgdGVzdCBzZWNyZXQgb2YgdmFsZGVtbyE="))
		write(t, p.config, text)
		if i > 0 { // the contacts in the store are sealed with the key file
			if err := makeData(p.data); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(nodes[0].data, "key"))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(p.data, "key"), string(b))
		}
		p.start(t)
		nodes[i] = p
	}
	file := filepath.Join(t.TempDir(), "key")
	must(t, "keys", "create", "--config", nodes[0].config, "--name", "load", "--can", "issue", "--self-approve", "--status", "Actual", "--out", file)
	promises := broadcasttest.NewChecker()
	var load [2]*senders
	for i, p := range nodes {
		load[i] = &senders{url: p.url, key: secretOf(t, file), message: fixture(t), sender: "protezione.civile@comune.valdemo.example", promises: promises, rest: 300 * time.Millisecond}
		load[i].run(t, 2)
	}
	both := func(when string) {
		t.Helper()
		before := [2]int{load[0].count(), load[1].count()}
		for i := range load {
			eventually(t, "both gateways accept alerts "+when, func() bool { return load[i].count() > before[i]+5 })
		}
	}
	schema := func(bin string) (store, oldest, waiting int, running string) {
		t.Helper()
		out, err := exec.Command(bin, "schema", "--json", "--config", nodes[0].config).Output()
		if err != nil {
			t.Fatalf("%s schema: %v", bin, err)
		}
		var l struct {
			Store, Program int
			Oldest         int `json:"oldest_program"`
			Waiting        []struct{}
			Running        []struct{ Schema int }
		}
		if err := json.Unmarshal(out, &l); err != nil {
			t.Fatal(err)
		}
		for _, n := range l.Running {
			running += fmt.Sprint(n.Schema)
		}
		return l.Store, l.Oldest, len(l.Waiting), running
	}
	both("at first")
	if store, oldest, waiting, _ := schema(next); store != 1 || oldest != 1 || waiting != 1 {
		t.Errorf("the next version would find schema %d for programs from %d on, and %d upgrades", store, oldest, waiting)
	}
	if store, _, _, _ := schema(old); store != 1 {
		t.Errorf("a look at what would be upgraded made it schema %d", store)
	}
	replace := func(i int, bin string) {
		t.Helper()
		p := nodes[i]
		p.end(syscall.SIGTERM)
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("gateway %d ended with %d\n%s", i+1, code, tail(p.log.String()))
		}
		p.bin = bin
		p.start(t)
	}
	for _, one := range []struct {
		node        int
		bin, when   string
		mix         string // layouts of the programs that run
		store, most int
	}{
		{0, next, "with the first one upgraded", "12", 2, 1},
		{1, next, "with both upgraded", "22", 2, 1},
		{1, old, "with the second one rolled back", "12", 2, 1},
		{0, old, "with both rolled back", "11", 2, 1},
		{0, next, "with the first one upgraded once more", "12", 2, 1},
	} {
		replace(one.node, one.bin)
		both(one.when)
		var store, oldest int
		eventually(t, "the right versions run "+one.when, func() bool {
			var running string
			store, oldest, _, running = schema(old)
			return running == one.mix || running == one.mix[1:]+one.mix[:1]
		})
		if store != one.store || oldest != one.most {
			t.Errorf("%s the store has schema %d, for programs from %d on", one.when, store, oldest)
		}
	}
	answered := 0
	for _, l := range load {
		close(l.stop)
		l.all.Wait()
		answered += l.count()
		if len(l.wrong) > 0 {
			t.Errorf("%d wrong answers, the first: %s", len(l.wrong), l.wrong[0])
		}
	}
	posted := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(posts)
	}
	for last, until := 0, time.Now().Add(patience); posted() < answered; <-time.After(10 * time.Millisecond) {
		if now := posted(); now > last { // many wait, while there is progress there is no hurry
			last, until = now, time.Now().Add(patience)
		}
		if time.Now().After(until) {
			t.Fatalf("%d of %d alerts are posted, and no more come", posted(), answered)
		}
	}
	for _, p := range nodes {
		p.end(syscall.SIGTERM)
		if strings.Contains(p.log.String(), "panic") {
			t.Errorf("the log holds a panic:\n%s", tail(p.log.String()))
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, l := range load {
		for identifier, id := range l.answered {
			if len(posts[id]) != 1 {
				t.Errorf("%s was posted as %v", identifier, posts[id])
			}
		}
	}
	c, err := loadConfigOf(shell{getenv: noEnv}, nodes[0].config, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := openStore(t.Context(), c, c.Redis.URL, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	verdict, err := promises.Compare(t.Context(), kept.Store(), kept.Log())
	if err != nil || !verdict.Good() {
		t.Errorf("what was promised is not what is kept: %v %v", verdict, err)
	}
	upgraded := 0
	for rec, err := range kept.Store().All(t.Context(), alerts.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if b, err := json.Marshal(rec); err != nil {
			t.Fatal(err)
		} else if strings.Contains(string(b), `"rehearsal":"done"`) {
			upgraded++
		}
	}
	if upgraded == 0 || upgraded == answered {
		t.Errorf("%d of %d records are as the next schema has them: the test proves nothing", upgraded, answered)
	}
	t.Logf("%s; %d of the records were upgraded", verdict, upgraded)
}
