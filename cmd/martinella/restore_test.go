package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
)

// typed runs a command that reads standard input.
func typed(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err record
	code = run(t.Context(), args, noEnv, strings.NewReader(stdin), &out, &err)
	return code, out.String(), err.String()
}

// copies gives the backups in a folder, the oldest first.
func copies(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.backup"))
	if err != nil {
		t.Fatal(err)
	}
	// What a killed backup leaves begins with a dot, and is none.
	found = slices.DeleteFunc(found, func(name string) bool { return strings.HasPrefix(filepath.Base(name), ".") })
	slices.Sort(found)
	return found
}

// The worst night: a machine burns. From the paper and the last backup another
// one, with nothing on it, has everything again, and sends.
func TestTheWorstNight(t *testing.T) {
	needRedis(t)
	nas := filepath.Join(t.TempDir(), "nas")
	dir, config := settle(t, "  - {name: outbox, kind: outbox, exercise: true}\n")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "token"), "a secret of a copy's server\n")
	write(t, config, string(text)+"mirror: [{name: web2, url: \"http://127.0.0.1:1\", token_file: token}]\nbackup: [{name: nas, folder: "+nas+"}]\n")
	s := open(t, dir, config)
	eventually(t, "the first backup is made by itself", func() bool { return s.metric(t, `martinella_backup_ok{place="nas"}`) == 1 })
	file := s.key(t, "author", "--can", "submit,approve,issue,read", "--self-approve", "--status", "Actual,Exercise")
	author := secretOf(t, file)
	must(t, "people", "import", write(t, filepath.Join(dir, "roll.csv"), roll), "--audience", "volunteers", "--config", config)
	signedIn(t, s)
	var sent, late struct{ ID alerts.ID }
	r := s.submit(t, author, fixture(t))
	if r.decode(t, &sent); r.status != 201 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	page := must(t, "key", "print", "--config", config)

	load, stopLoad := context.WithCancel(t.Context())
	loaded := make(chan int, 1)
	go func() { // alerts come in while the copy is taken
		n := 0
		for ; load.Err() == nil; n++ {
			_, _ = tell(load, "POST", s.Public+"/api/v1/alerts", author, capXML, exercise(fixture(t)))
		}
		loaded <- n
	}()
	if out := must(t, "backup", "now", "--config", config); !strings.Contains(out, "loaded by a redis-server") {
		t.Errorf("backup now says %s", out)
	}
	stopLoad()
	t.Logf("%d alerts came in while the copy was taken", <-loaded)
	all := copies(t, nas)
	newest := all[len(all)-1]
	if listed := must(t, "backup", "list", "--config", config); !strings.Contains(listed, filepath.Base(newest)) {
		t.Errorf("backup list says %s", listed)
	}
	if _, said, _ := command(t, "doctor", "--config", config); !strings.Contains(said, "good  backup nas") {
		t.Errorf("doctor says %s", said)
	}
	secret := secretOf(t, filepath.Join(dir, "data", "key"))
	for _, name := range all {
		if b, err := os.ReadFile(name); err != nil || bytes.Contains(b, []byte("REDIS")) || bytes.Contains(b, []byte(secret)) || !bytes.HasPrefix(b, []byte("age-encryption.org/v1")) {
			t.Errorf("%s is not encrypted: %v", name, err)
		}
	}
	r = s.submit(t, author, fixture(t))
	if r.decode(t, &late); r.status != 201 { // after the copy: it is lost
		t.Fatalf("%d %s", r.status, r.body)
	}
	s.stop()
	if err := os.RemoveAll(dir); err != nil { // the machine is gone
		t.Fatal(err)
	}

	home := t.TempDir()
	data, conf := filepath.Join(home, "data"), filepath.Join(home, "etc", "martinella.yaml")
	code, out, said := typed(t, page, "restore", "--from", nas, "--data", data, "--config", conf)
	if code != 0 {
		t.Fatalf("restore: exit %d\n%s%s", code, out, said)
	}
	for _, want := range []string{"5 people", "the ledger of", "is whole", "WHAT CAME AFTER IT IS LOST", "in force here: " + string(sent.ID)} {
		if !strings.Contains(out, want) {
			t.Errorf("restore does not say %q:\n%s", want, out)
		}
	}
	t.Log(strings.SplitN(out, "\n", 3)[1])
	for _, name := range []string{conf, filepath.Join(home, "etc", "token"), filepath.Join(data, "key")} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if code, _, said := typed(t, page, "restore", "--from", nas, "--data", data, "--config", conf); code != exitRefused || !strings.Contains(said, "is not empty") {
		t.Errorf("a second restore gives %d %s", code, said)
	}

	now := open(t, home, conf, "--data", data)
	if r := now.ask(t, "GET", "/api/v1/alerts/"+string(sent.ID), author, "", nil); r.status != 200 {
		t.Errorf("the alert is gone, or the key does not work: %d %s", r.status, r.body)
	}
	if r := now.ask(t, "GET", "/api/v1/alerts/"+string(late.ID), author, "", nil); r.status != 404 {
		t.Errorf("what came after the copy: %d %s", r.status, r.body)
	}
	if r := now.ask(t, "GET", "/a/"+string(sent.ID), "", "", nil); r.status != 200 {
		t.Errorf("the page of the alert: %d %s", r.status, r.body)
	}
	r = now.submit(t, author, exercise(fixture(t)))
	var drill struct{ ID alerts.ID }
	if r.decode(t, &drill); r.status != 201 {
		t.Fatalf("an exercise: %d %s", r.status, r.body)
	}
	if d := now.delivered(t, author, drill.ID, nil)["outbox"]; d.State != "done" {
		t.Errorf("the exercise ended with %+v", d)
	}
	if said := must(t, "people", "count", "--config", conf, "--data", data); !strings.Contains(said, "5") {
		t.Errorf("people count says %s", said)
	}
	if _, said, _ := command(t, "doctor", "--config", conf, "--data", data); !strings.Contains(said, "restored") {
		t.Errorf("doctor says %s", said)
	}
}

// What cannot be restored is refused with its reason, and the machine is as it
// was: no folder, no file.
func TestARestoreThatCannotBeChangesNothing(t *testing.T) {
	needRedis(t)
	nas := filepath.Join(t.TempDir(), "nas")
	dir, config := settle(t, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, string(text)+"backup: [{name: nas, folder: "+nas+"}]\n")
	must(t, "keys", "create", "--config", config, "--name", "one", "--can", "read", "--out", filepath.Join(dir, "one.key"))
	must(t, "backup", "now", "--config", config)
	page := must(t, "key", "print", "--config", config)
	good := copies(t, nas)[0]
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-300] ^= 1
	other := strings.Repeat("0123456789abcdef", 4)
	if code, said, _ := typed(t, page, "key", "type", "--same", filepath.Join(dir, "data", "key")); code != 0 || !strings.Contains(said, "good") {
		t.Errorf("the paper is not taken: %s", said)
	}
	lines := strings.Split(page, "\n")
	first := 0
	for i, l := range lines {
		if strings.HasPrefix(l, "1  ") {
			first = i
		}
	}
	wrongLetter := strings.Replace(page, lines[first+2], lines[first+2][:3]+"*"+lines[first+2][4:], 1)
	for name, c := range map[string]struct {
		file []byte
		page string
		args []string
		want string
	}{
		"another key":            {whole, "", []string{"--key-file", write(t, filepath.Join(t.TempDir(), "key"), other+"\n")}, "does not open with this key"},
		"a wrong letter":         {whole, wrongLetter, nil, "line 3, group 1"},
		"a flipped byte":         {flipped, page, nil, "damaged or cut off"},
		"a truncated file":       {whole[:len(whole)-100], page, nil, "damaged or cut off"},
		"another authority":      {whole, page, []string{"--authority", "altrove"}, "another authority's"},
		"something else":         {[]byte("hello"), page, nil, "damaged or cut off"},
		"a file that is there":   {whole, page, []string{"--config", write(t, filepath.Join(t.TempDir(), "martinella.yaml"), "mine")}, "is there already"},
		"a Redis that is no URL": {whole, page, []string{"--redis", "ftp://x"}, "scheme"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			file := filepath.Join(t.TempDir(), filepath.Base(good))
			if err := os.WriteFile(file, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			args := append([]string{"restore", file, "--data", filepath.Join(home, "data"), "--config", filepath.Join(home, "martinella.yaml")}, c.args...)
			code, out, said := typed(t, c.page, args...)
			if code != exitRefused || !strings.Contains(said, c.want) || !strings.Contains(said, "hint:") {
				t.Errorf("exit %d\n%s%s", code, out, said)
			}
			if left, err := os.ReadDir(home); err != nil || len(left) > 0 {
				t.Errorf("it leaves %v, %v", left, err)
			}
		})
	}
	// A restore that did not end holds up the gateway.
	half := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(filepath.Join(half, "restoring"), 0o700); err != nil {
		t.Fatal(err)
	}
	if code, _, said := command(t, "serve", "--config", config, "--data", half); code == 0 || !strings.Contains(said, "not all of it is there") {
		t.Errorf("a gateway starts on half a restore: %d %s", code, said)
	}
}

// A program that is killed while it writes a backup leaves nothing that counts as
// one, and what was good before stays.
func TestAKilledBackupIsNoBackup(t *testing.T) {
	needRedis(t)
	nas := filepath.Join(t.TempDir(), "nas")
	dir, config := settle(t, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, string(text)+"backup: [{name: nas, folder: "+nas+"}]\n")
	must(t, "keys", "create", "--config", config, "--name", "one", "--can", "read", "--out", filepath.Join(dir, "one.key"))
	must(t, "backup", "now", "--config", config)
	before := copies(t, nas)
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for i := range 12 {
		cmd := exec.Command(bin, "backup", "now", "--config", config)
		cmd.Dir = dir
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(20+35*i)*time.Millisecond, func() { _ = cmd.Process.Kill() })
		if cmd.Wait() != nil {
			killed++
		}
		timer.Stop()
	}
	if killed == 0 {
		t.Error("none was killed in the middle")
	}
	left := copies(t, nas)
	for _, name := range left {
		must(t, "backup", "verify", name, "--key-file", filepath.Join(dir, "data", "key"))
	}
	if len(left) == 0 {
		t.Errorf("there is no backup left of %q", before)
	}
	t.Logf("%d of 12 were killed, %d backups are good", killed, len(left))
}
