package rdb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// TestStoredFormatIsRead reads a store as format 1 wrote it, field by field:
// what is in testdata must be readable for ever, or migrated.
func TestStoredFormatIsRead(t *testing.T) {
	both(t, func(t *testing.T, r *Redis) {
		b, err := os.ReadFile("testdata/format1.json")
		if err != nil {
			t.Fatal(err)
		}
		var commands [][]any
		if err := json.Unmarshal(b, &commands); err != nil {
			t.Fatal(err)
		}
		if err := r.commands.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		for _, c := range commands {
			if err := r.commands.Do(t.Context(), c...).Err(); err != nil {
				t.Fatalf("%v: %v", c, err)
			}
		}
		if err := errors.Join(r.migrate(t.Context()), r.renewEpoch(t.Context())); err != nil {
			t.Fatal(err)
		}
		const id = "01KAK2Q4R0000000000000000A"
		rec, err := r.Store().Get(t.Context(), id, alerts.Published)
		if err != nil {
			t.Fatal(err)
		}
		if rec.State != alerts.StateLapsed || rec.Cursor != "5f3a9c1e-1763740800000-0" || rec.Alert.Severity() != alerts.SeveritySevere || rec.Alert.Infos[0].Headline != "Piena del Vallone" {
			t.Errorf("record %+v", rec)
		}
		if text, err := json.Marshal(rec); err != nil || !bytes.Contains(text, []byte(`"from_the_future":{"kept":true}`)) {
			t.Errorf("a field of a newer program was dropped: %s, %v", text, err)
		}
		if found, err := r.Store().Find(t.Context(), "protezione.civile@comune.valdemo.example", "valdemo-2026-1"); err != nil || found.ID != id {
			t.Errorf("find: %v, %v", found, err)
		}
		acts, err := r.Store().Acts(t.Context(), id)
		if err != nil || len(acts) != 2 || acts[1].Seq != 2 || acts[1].Verb != "issued" {
			t.Errorf("acts %+v, %v", acts, err)
		}
		entries, err := r.Log().After(t.Context(), "", 5)
		if err != nil || len(entries) != 1 || entries[0].Record.State != alerts.StateIssued {
			t.Errorf("log %+v, %v", entries, err)
		}
		ds, err := r.Deliveries(t.Context(), id)
		if err != nil || len(ds) != 2 || ds[1].Accepted != 3 || ds[1].Delivered != 1 || ds[1].Uncertain != 1 || ds[1].Total != 4 || ds[1].State != "uncertain" {
			t.Errorf("deliveries %+v, %v", ds, err)
		}
		q, err := r.Queue(t.Context(), "sms")
		if err != nil {
			t.Fatal(err)
		}
		if people, err := q.Recipients(t.Context(), id, 1, 4); err != nil || len(people) != 3 || people[2] != 65539 {
			t.Errorf("recipients %v, %v", people, err)
		}
		jobs, err := q.Take(t.Context(), 1)
		if err != nil || len(jobs) != 1 {
			t.Fatalf("jobs %v, %v", jobs, err)
		}
		turns, err := q.Begin(t.Context(), jobs[0], []uint32{0, 1, 2, 3})
		if err != nil || turns[0] != broadcast.TurnSkip || turns[2] != broadcast.TurnSkip || turns[3] != broadcast.TurnSkip {
			t.Errorf("turns %v, %v", turns, err)
		}
	})
}

// TestNoContactReachesTheDisk looks for a subscriber's number and name in every
// file of the data directory, before and after erasing.
func TestNoContactReachesTheDisk(t *testing.T) {
	r := openServer(t)
	s := broadcast.Subscriber{Contacts: map[string]string{"phone": "+393331234567", "email": "anna.rossi@example.org"}, Language: "it", Areas: []string{"*"}}
	number, _, err := r.People().Add(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	issue(t, r, alerts.SeverityExtreme, map[string][]uint32{"sms": {number}}, "sms")
	look := func(secrets ...string) {
		t.Helper()
		files := 0
		err := filepath.WalkDir(r.cfg.DataDir, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			files += len(b)
			for _, secret := range secrets {
				if bytes.Contains(b, []byte(secret)) {
					t.Errorf("%s contains %q", path, secret)
				}
			}
			return err
		})
		if err != nil || files < 1000 {
			t.Fatalf("looked through %d bytes, %v", files, err)
		}
	}
	look("3331234567", "anna.rossi")
	contact := r.vault.find("phone", "+393331234567")
	if err := r.People().Erase(t.Context(), number); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; pause(t.Context(), 20*time.Millisecond) {
		info, err := r.commands.Info(t.Context(), "persistence").Result()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(info, "aof_rewrite_in_progress:0") && strings.Contains(info, "aof_rewrite_scheduled:0") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the rewrite does not end")
		}
	}
	files, err := filepath.Glob(filepath.Join(r.cfg.DataDir, "appendonlydir", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if b, err := os.ReadFile(f); err != nil || bytes.Contains(b, []byte(contact)) {
			t.Errorf("%s still holds the index of the erased contact (%v)", f, err)
		}
	}
}

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{DataDir: dir}
	v, err := openVault(cfg, true)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "key")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	box := v.close([]byte("text"), "person 1")
	again, err := openVault(cfg, true)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := again.open(box, "person 1"); err != nil || string(text) != "text" {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := again.open(box, "person 2"); err == nil {
		t.Error("a sealed value opened for another person")
	}
	box[len(box)-1] ^= 1
	if _, err := again.open(box, "person 1"); err == nil {
		t.Error("a changed value opened")
	}
	if other, err := openVault(Config{DataDir: t.TempDir()}, true); err != nil || other.find("phone", "1") == v.find("phone", "1") {
		t.Errorf("two keys give one index (%v)", err)
	}
	for name, c := range map[string]struct {
		cfg  Config
		text string
		mode os.FileMode
	}{
		"read by others":  {text: strings.Repeat("ab", 32), mode: 0o644},
		"too short":       {text: "abcd", mode: 0o600},
		"no hexadecimal":  {text: strings.Repeat("zz", 32), mode: 0o600},
		"empty":           {text: "", mode: 0o600},
		"named, not made": {mode: 0},
	} {
		file := filepath.Join(t.TempDir(), "named")
		if c.mode != 0 {
			if err := os.WriteFile(file, []byte(c.text), c.mode); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := openVault(Config{KeyFile: file}, true); err == nil || c.text != "" && strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := openVault(Config{Redis: "redis://x"}, true); err == nil {
		t.Error("no key file and no directory, and no error")
	}
}

func TestURLs(t *testing.T) {
	for url, want := range map[string]string{
		"redis://user:hunter2@db.example:6380/3": "db.example:6380",
		"rediss://db.example:6380":               "db.example:6380",
		"unix:///run/redis.sock":                 "/run/redis.sock",
		"sentinel://a:26379,b:26379/main":        "a:26379",
		"cluster://a:7000,b:7000":                "a:7000",
		"http://db.example":                      "",
		"redis://:hunter2@host:notaport":         "",
		"sentinel://a:26379":                     "",
		"://hunter2":                             "",
		"embeded":                                "",
	} {
		opt := options()
		err := address(opt, url)
		if want == "" {
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: got %v, want an error without the password", url, err)
			}
			continue
		}
		if err != nil || opt.Addrs[0] != want {
			t.Errorf("%s: got %v, %v, want %s", url, opt.Addrs, err, want)
		}
	}
	opt := options()
	if err := address(opt, "sentinel://u:p@a:26379,b:26379/main"); err != nil || opt.MasterName != "main" || len(opt.Addrs) != 2 || opt.Password != "p" {
		t.Errorf("sentinel: %+v, %v", opt, err)
	}
}

// TestDurability asks servers that keep less than they should.
func TestDurability(t *testing.T) {
	binary := need(t, "redis-server")
	for name, c := range map[string]struct {
		args    []string
		mode    string
		durable bool
	}{
		"always":            {[]string{"--appendonly", "yes", "--appendfsync", "always"}, "always", true},
		"everysec":          {[]string{"--appendonly", "yes", "--appendfsync", "everysec"}, "everysec", false},
		"no file":           {[]string{"--appendonly", "no"}, "no", false},
		"evicting":          {[]string{"--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "allkeys-lru"}, "always", false},
		"not in a rewrite":  {[]string{"--appendonly", "yes", "--appendfsync", "always", "--no-appendfsync-on-rewrite", "yes"}, "always", false},
		"CONFIG forbidden":  {[]string{"--appendonly", "yes", "--appendfsync", "always", "--rename-command", "CONFIG", ""}, "unknown", false},
		"and without files": {[]string{"--appendonly", "no", "--rename-command", "CONFIG", ""}, "no", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			socket := filepath.Join(dir, "s")
			cmd := exec.Command(binary, append([]string{"--port", "0", "--save", "", "--unixsocket", socket, "--dir", dir}, c.args...)...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
			for !alive(t.Context(), socket) {
				pause(t.Context(), 5*time.Millisecond)
			}
			r := open(t, Config{Redis: "unix://" + socket, Authority: "valdemo", DataDir: dir})
			d, err := r.Durability(t.Context())
			if err != nil || d.Mode != c.mode || d.Durable != c.durable || d.Memory || (d.Reason == "") != c.durable {
				t.Errorf("got %+v, %v", d, err)
			}
			if d.Skew > time.Second || d.Skew < -time.Second {
				t.Errorf("the clock of this very machine is %v apart", d.Skew)
			}
		})
	}
	d, err := openMemory(t).Durability(t.Context())
	if err != nil || !d.Memory || d.Durable || d.Mode != "memory" || d.Reason == "" {
		t.Errorf("memory: %+v, %v", d, err)
	}
}

func TestReplicasAreCounted(t *testing.T) {
	needServer(t)
	r := open(t, Config{Authority: "valdemo", DataDir: t.TempDir(), Replicas: 1})
	if err := r.commands.ScriptFlush(t.Context()).Err(); err != nil { // a pipeline must load them by itself
		t.Fatal(err)
	}
	issue(t, r, alerts.SeverityMinor, nil, "web")
	if d, err := r.Durability(t.Context()); err != nil || d.Replicas != 0 {
		t.Errorf("without a replica: %+v, %v", d, err)
	}
}

func TestAuthorityIsASlug(t *testing.T) {
	for _, name := range []string{"", "a", "Valdemo", "val demo", "val}demo", strings.Repeat("a", 33)} {
		if r, err := Open(t.Context(), Config{Redis: Memory, Authority: name}, quiet(t)); err == nil {
			_ = r.Close()
			t.Errorf("the authority %q was taken", name)
		}
	}
}

func TestAuthoritiesDoNotMeet(t *testing.T) {
	one := openMemory(t)
	cfg := one.cfg
	cfg.Authority, cfg.Shared = "montecalvo", one.shared
	two := open(t, cfg)
	issue(t, one, alerts.SeverityMinor, nil, "web")
	for range two.Store().All(t.Context(), alerts.Filter{}) {
		t.Error("an authority sees another one's record")
	}
	if entries, err := two.Log().After(t.Context(), "", 1); err != nil || len(entries) != 0 {
		t.Errorf("an authority reads another one's log: %v, %v", entries, err)
	}
}

func TestBuckets(t *testing.T) {
	for _, ms := range []int64{0, 1, 2, 7, 100, 999, 60_000, 86_400_000} {
		b := bucketOf(time.Duration(ms) * time.Millisecond)
		if top := bucketTop(b); top < ms || float64(top) > 1.2*float64(ms)+1 {
			t.Errorf("%d ms is read back as %d", ms, top)
		}
	}
}

// TestCommandsGoOnWhileReadersBlock is fault 25.
func TestCommandsGoOnWhileReadersBlock(t *testing.T) {
	r := openServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	for i := range 40 {
		q, err := r.Queue(ctx, "c"+string(rune('a'+i%20))+"x")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for ctx.Err() == nil {
				_, _ = q.Take(ctx, 1)
			}
		}()
	}
	issue(t, r, alerts.SeverityMinor, nil, "web")
	cancel()
}

func FuzzCursor(f *testing.F) {
	for _, s := range []string{"5f3a9c1e-1763740800000-0", "", "-", "--", "a-1", "a--1-2", "a-1-2-3", "a-99999999999999999999-0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		epoch, p, ok := readCursor(broadcast.Cursor(s))
		if !ok {
			return
		}
		again, q, ok := readCursor(newCursor(epoch, p.String()))
		if !ok || again != epoch || q != p {
			t.Errorf("%q is read as %q %v, and that as %q %v %v", s, epoch, p, again, q, ok)
		}
	})
}

func FuzzAppendOnlyFile(f *testing.F) {
	f.Add([]byte("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n*1\r\n$4\r\nEXEC\r\n"))
	f.Add([]byte("#TS:1763740800\r\n*1\r\n$4\r\nPING\r\n*1\r\n$9"))
	f.Add([]byte("*1\r\n$4\r\nPING\r\n\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "aof")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		end, err := scanFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if end.whole < 0 || end.whole > end.size || end.size != int64(len(b)) || end.bad > end.size {
			t.Fatalf("%+v of %d bytes", end, len(b))
		}
		_ = end.judge(path)
		// What is left after a cut is whole.
		if err := cut(path, end.whole); err != nil {
			t.Fatal(err)
		}
		if again, err := scanFile(path); err != nil || again.whole != again.size {
			t.Errorf("after the cut: %+v, %v", again, err)
		}
	})
}
