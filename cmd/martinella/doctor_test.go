package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A lost key file is named before anybody counts on what it sealed.
func TestALostKeyFileIsNamed(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "")
	must(t, "keys", "create", "--config", config, "--name", "Sala operativa", "--can", "submit", "--sign", "--out", filepath.Join(dir, "room.key"))
	if out := must(t, "doctor", "--config", config); !strings.Contains(out, "key file") {
		t.Errorf("doctor says %s", out)
	}
	key := filepath.Join(dir, "data", "key")
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	code, out, errOut := command(t, "doctor", "--config", config)
	if code != exitRefused || !strings.Contains(out, "BAD   key file") || !strings.Contains(errOut, "restore the key file") {
		t.Errorf("doctor without the key file: exit %d, %s%s", code, out, errOut)
	}
	limited, cancel := context.WithTimeout(t.Context(), time.Minute) // a gateway that serves would go on for ever
	defer cancel()
	var said record
	code = run(limited, []string{"serve", "--config", config}, noEnv, strings.NewReader(""), &said, &said)
	if code != exitRefused || !strings.Contains(said.String(), "not the one this store was sealed with") {
		t.Errorf("serve without the key file: exit %d, %s", code, said.String())
	}
	if _, err := os.Stat(key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a new key file was made: %v", err)
	}
	if err := os.Rename(key+".away", key); err != nil {
		t.Fatal(err)
	}
	must(t, "doctor", "--config", config)
}

// Every account is looked at, also behind one that is broken, and each says
// what to do.
func TestDoctorLooksAtEveryAccount(t *testing.T) {
	needRedis(t)
	dir := t.TempDir()
	var posts atomic.Int32
	platform := func(status int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				posts.Add(1)
			}
			w.WriteHeader(status)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	secret := write(t, filepath.Join(dir, "secret"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
	token := write(t, filepath.Join(dir, "token"), "hunter2\n")
	key := filepath.Join(dir, "vapid.key")
	must(t, "keys", "vapid", "--out", key)
	_, config := settle(t, fmt.Sprintf(`  - {name: press, kind: webhook, url: "%s", secret_file: %s}
  - {name: away, kind: webhook, url: "%s", secret_file: %s}
  - {name: social, kind: mastodon, url: "%s", token_file: %s}
  - {name: push, kind: webpush, vapid_key_file: %s, contact: allerte@comune.valdemo.example.it, allow_private: true}
  - {name: box, kind: outbox, exercise: true}
`, platform(200), secret, gone.URL, secret, platform(401), token, key))
	code, out, errOut := command(t, "doctor", "--config", config)
	if code != exitRefused || !strings.Contains(errOut, "2 of") {
		t.Errorf("exit %d, %s", code, errOut)
	}
	for _, code := range []string{"durability", "clock", "key", "folder", "key-mode", "channel:box"} {
		if strings.Count(out, " ["+code+"]\n") != 1 {
			t.Errorf("the code %s is not there once in\n%s", code, out)
		}
	}
	order := -1
	for _, want := range []string{"good  channel press", "BAD   channel away", "[channel:away]", "cannot be reached", "BAD   channel social", "[channel:social]", "refuses the credentials", "good  channel push", "note  channel push", "allow_private",
		"good  channel box"} {
		at := strings.Index(out, want)
		if at < 0 || at < order {
			t.Errorf("%q is missing or not in its place in\n%s", want, out)
		}
		order = max(order, at)
	}
	if strings.Contains(out, "hunter2") || strings.Contains(out, "whsec_") || posts.Load() != 0 {
		t.Errorf("%d posts, and it says\n%s", posts.Load(), out)
	}
}

// The guide lists every code, and none that doctor does not print.
func TestTheGuideListsTheCodesOfDoctor(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "dashboards", "guide", "going-live.md"))
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+:?)(?:NAME)?` \\|").FindAllStringSubmatch(string(b), -1) {
		listed = append(listed, m[1])
	}
	if !slices.Equal(listed, checkCodes) {
		t.Errorf("the guide lists %v, doctor has %v", listed, checkCodes)
	}
}
