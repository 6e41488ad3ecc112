package main

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The copy holds what the gateway shows, whether it runs or not.
func TestExportSite(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, string(text)+"public_url: https://allerta.valdemo.example\n")
	s := open(t, dir, config)
	issued := s.submit(t, secretOf(t, s.key(t, "exports", "--can", "issue", "--self-approve", "--status", "Exercise,Actual")), exercise(fixture(t)))
	if issued.status != http.StatusCreated {
		t.Fatalf("%d %s", issued.status, issued.body)
	}
	var a struct{ ID, Event string }
	issued.decode(t, &a)
	out := filepath.Join(dir, "copy")
	if said := must(t, "export", "site", out, "--config", config); !strings.Contains(said, " 0 removed") {
		t.Errorf("it says %q", said)
	}
	for _, file := range []string{"index.html", "en/index.html", "a/" + a.Event + "/index.html", "cap/" + a.ID + ".xml", "feed.atom", "404.html"} {
		if _, err := os.Stat(filepath.Join(out, file)); err != nil {
			t.Error(err)
		}
	}
	page, err := os.ReadFile(filepath.Join(out, "a", a.Event, "index.html"))
	if err != nil || !strings.Contains(string(page), "ESERCITAZIONE") {
		t.Errorf("the page of the exercise: %v", err)
	}
	if code := s.stop(); code != 0 {
		t.Fatalf("the gateway ended with %d", code)
	}
	if said := must(t, "export", "site", out, "--config", config); strings.HasPrefix(said, "0 files") || !strings.Contains(said, " 0 removed") {
		t.Errorf("while the gateway is down it says %q", said)
	}
	file := filepath.Join(dir, "file")
	write(t, file, "")
	if code, _, stderr := command(t, "export", "site", file, "--config", config); code != exitRefused || !strings.Contains(stderr, "hint: ") {
		t.Errorf("a file for a folder: %d %s", code, stderr)
	}
	site := filepath.Join(dir, "site")
	if err := os.Mkdir(site, 0o700); err != nil {
		t.Fatal(err)
	}
	foreign := write(t, filepath.Join(site, "index.html"), "somebody's own site")
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "data"), link); err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string]string{
		site: "not of an earlier copy", filepath.Join(dir, "data", "copy"): "is in the folder of the gateway's data",
		filepath.Join(link, "copy"): "is in the folder of the gateway's data", dir: "holds the folder of the gateway's data",
	} {
		if code, _, stderr := command(t, "export", "site", where, "--config", config); code != exitRefused || !strings.Contains(stderr, want) || !strings.Contains(stderr, "hint: ") {
			t.Errorf("export to %s: %d %s", where, code, stderr)
		}
	}
	if b, err := os.ReadFile(foreign); err != nil || string(b) != "somebody's own site" || filesIn(t, site) != 1 {
		t.Errorf("the site of somebody is %q now, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "copy")); err == nil {
		t.Error("a folder was made in the data")
	}
	write(t, config, string(text))
	if code, _, stderr := command(t, "export", "site", out, "--config", config); code != exitUsage || !strings.Contains(stderr, "public_url") {
		t.Errorf("without an address: %d %s", code, stderr)
	}
}

// TestKilledWhileExporting kills the command, again and again: every file that is
// there is a whole page, and the next run finishes the copy.
func TestKilledWhileExporting(t *testing.T) {
	needRedis(t)
	if args := os.Getenv("EXPORT_SITE_ARGS"); args != "" {
		os.Exit(run(t.Context(), strings.Split(args, "|"), os.Getenv, strings.NewReader(""), os.Stdout, os.Stderr))
	}
	dir, config := settle(t, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, string(text)+"public_url: https://allerta.valdemo.example\n")
	s := open(t, dir, config)
	key := secretOf(t, s.key(t, "kills", "--can", "issue", "--self-approve", "--status", "Exercise"))
	for range 5 {
		if r := s.submit(t, key, exercise(fixture(t))); r.status != http.StatusCreated {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	out := filepath.Join(dir, "copy")
	killed := 0
	for i := range 8 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWhileExporting$")
		cmd.Env = append(os.Environ(), "EXPORT_SITE_ARGS=export|site|"+out+"|--config|"+config)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		began := filesIn(t, out)
		eventually(t, "it writes", func() bool { return filesIn(t, out) > began || i > 0 })
		timer := time.NewTimer(time.Duration(i*40) * time.Millisecond)
		<-timer.C
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		_ = filepath.WalkDir(out, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(p, ".html") {
				return nil //nolint:nilerr // a part got its name meanwhile
			}
			b, err := os.ReadFile(p)
			if err != nil || !strings.HasPrefix(string(b), "<!doctype html>") || !strings.HasSuffix(strings.TrimSpace(string(b)), "</html>") {
				t.Errorf("%s is torn: %d bytes, %v", p, len(b), err)
			}
			return nil
		})
	}
	if killed == 0 {
		t.Error("it was never killed in the middle")
	}
	must(t, "export", "site", out, "--config", config)
	var list struct{ Files map[string]struct{} }
	b, err := os.ReadFile(filepath.Join(out, "copy.json"))
	if err != nil || json.Unmarshal(b, &list) != nil || len(list.Files) < 100 {
		t.Fatalf("%d files are listed, %v", len(list.Files), err)
	}
	for name := range list.Files {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
}

func filesIn(t *testing.T, dir string) (n int) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return nil
	})
	return n
}

// Every change is on the other hosts by itself; one that is away holds back
// nothing.
func TestMirror(t *testing.T) {
	needRedis(t)
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	defer away.Close()
	dir, config := settle(t, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	token := write(t, filepath.Join(dir, "web3.token"), "very-secret")
	out := filepath.Join(dir, "copy")
	write(t, config, string(text)+"public_url: https://allerta.valdemo.example\nmirror:\n- {name: web2, folder: "+out+"}\n- {name: web3, url: "+away.URL+", token_file: "+token+"}\n")
	if said := must(t, "config", "print", "--config", config); !strings.Contains(said, "web2") || strings.Contains(said, "very-secret") {
		t.Errorf("config print: %s", said)
	}
	s := open(t, dir, config)
	eventually(t, "the first copy", func() bool { return filesIn(t, out) > 100 })
	key := secretOf(t, s.key(t, "mirrors", "--can", "issue", "--self-approve", "--status", "Exercise"))
	began := time.Now()
	r := s.submit(t, key, exercise(fixture(t)))
	if r.status != http.StatusCreated {
		t.Fatalf("%d %s", r.status, r.body)
	}
	var a struct{ Event string }
	r.decode(t, &a)
	eventually(t, "the alert is on the other host", func() bool {
		b, err := os.ReadFile(filepath.Join(out, "index.html"))
		return err == nil && strings.Contains(string(b), "/a/"+a.Event+"/")
	})
	t.Logf("on the other host after %v", time.Since(began).Round(time.Millisecond))
	if _, err := os.Stat(filepath.Join(out, "fr", "a", a.Event, "index.html")); err != nil {
		t.Error(err)
	}
	if age := s.metric(t, `martinella_mirror_age_seconds{mirror="web2"}`); age < 0 || age > patience.Seconds() {
		t.Errorf("the copy is %v s old", age)
	}
	if age := s.metric(t, `martinella_mirror_age_seconds{mirror="web3"}`); age <= 0 {
		t.Errorf("a copy that is not there is %v s old", age)
	}
	eventually(t, "the log tells of the host that is away", func() bool { return strings.Contains(s.log.String(), `"web3"`) })
	if strings.Contains(s.log.String(), "very-secret") {
		t.Error("the token is in the log")
	}
	_, said, _ := command(t, "doctor", "--config", config)
	if !strings.Contains(said, "good  mirror web2") || !strings.Contains(said, "BAD   mirror web3") || strings.Contains(said, "very-secret") {
		t.Errorf("doctor says\n%s", said)
	}
}

func TestMirrorRules(t *testing.T) {
	dir, config := settle(t, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	empty := write(t, filepath.Join(dir, "empty"), "")
	full := write(t, filepath.Join(dir, "full"), "x")
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link": "data", "around": "."} {
		if err := os.Symlink(filepath.Join(dir, to), filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for entry, want := range map[string]string{
		"{name: web2, folder: " + filepath.Join(dir, "link", "x", "y") + "}":                "is in the folder of the gateway's data",
		"{name: web2, folder: " + filepath.Join(dir, "link") + "}":                          "is in the folder of the gateway's data",
		"{name: web2, folder: " + dir + "}":                                                 "holds the folder of the gateway's data",
		"{name: web2, folder: " + filepath.Join(dir, "around") + "}":                        "holds the folder of the gateway's data",
		"{name: web2, folder: /}":                                                           "holds the folder of the gateway's data",
		"{name: web2, folder: " + dir + "/p}\n- {name: web3, folder: " + dir + "/around/p}": "is where another copy is",
		"{folder: /tmp/x}": "mirror[0].name is",
		"{name: web2}":     "needs a folder or a url",
		"{name: web2, folder: /tmp/x, url: http://h/}":                    "needs a folder or a url",
		"{name: web2, url: ftp://h/}":                                     "no address",
		"{name: web2, url: https://a:b@h/}":                               "holds a name and a password",
		"{name: web2, url: http://h.example, token_file: " + full + "}":   "not encrypted",
		"{name: web2, url: https://h.example, token_file: " + empty + "}": "cannot be read, or is empty",
		"{name: web2, url: https://h.example, token: x}":                  "is a secret in the configuration",
		"{name: web2, folder: /tmp/x, token_file: " + full + "}":          "has no use for a folder",
		"{name: web2, folder: " + filepath.Join(dir, "data", "x") + "}":   "the folder of the gateway's data",
		"{name: web2, folder: /tmp/x}\n- {name: web2, folder: /tmp/y}":    "which another copy has",
		"{name: web2, folder: /tmp/x}\n- {name: web3, folder: /tmp/x}":    "is where another copy is",
	} {
		write(t, config, string(text)+"mirror:\n- "+entry+"\n")
		code, _, stderr := command(t, "config", "check", "--config", config)
		if code != exitRefused || !strings.Contains(stderr, want) || !strings.Contains(stderr, "martinella.yaml:") {
			t.Errorf("%s: %d %s", entry, code, stderr)
		}
		if strings.Contains(stderr, "a:b") {
			t.Errorf("%s: the password is told", entry)
		}
	}
	write(t, config, string(text)+"mirror:\n- {name: web2, folder: "+filepath.Join(dir, "around")+"}\n")
	if code, _, stderr := command(t, "serve", "--config", config); code != exitUsage || !strings.Contains(stderr, "holds the folder of the gateway's data") {
		t.Errorf("serve starts with a copy around its data: %d %s", code, stderr)
	}
	write(t, config, string(text)+"mirror:\n- {name: web2, url: 'http://127.0.0.1:1/copy', token_file: "+full+"}\n")
	must(t, "config", "check", "--config", config)
}
