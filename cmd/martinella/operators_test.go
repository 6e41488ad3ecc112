package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"martinella/channels"
)

// Every alert that goes out is told in the operators' chat, once, also over a
// restart; the address of the chat is nowhere.
func TestOperatorsAreToldOnceOverARestart(t *testing.T) {
	needRedis(t)
	var mu sync.Mutex
	var told []string
	chat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		told = append(told, string(b))
	}))
	defer chat.Close()
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(told)
	}
	dir, config := settle(t, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, string(text)+"operators: [{name: CED, language: it, url_file: "+write(t, filepath.Join(dir, "chat.url"), chat.URL+"/hooks/very-secret\n")+"}]\n")
	g := open(t, dir, config)
	key := secretOf(t, g.key(t, "issuer", "--can", "issue", "--self-approve", "--status", "Actual"))
	for n := 1; n <= 2; n++ {
		if r := g.submit(t, key, fixture(t)); r.status != http.StatusCreated {
			t.Fatalf("submit: %d %s", r.status, r.body)
		}
		eventually(t, "the chat is told", func() bool { return count() >= n })
		if n == 1 {
			if code := g.stop(); code != 0 {
				t.Fatalf("the gateway ended with %d\n%s", code, g.log)
			}
			g = open(t, dir, config)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 2 || told[0] == told[1] {
		t.Errorf("the chat was told %d times, want once of each alert: %q", len(told), told)
	}
	for _, want := range []string{"Inviata: ", "issuer", "/console/a/"} {
		if !strings.Contains(told[0], want) {
			t.Errorf("%q does not say %q", told[0], want)
		}
	}
	if strings.Contains(g.log.String(), "very-secret") {
		t.Error("the log holds the address of the chat")
	}
}

func TestOperatorsAreChecked(t *testing.T) {
	dir, config := settle(t, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	plain, good := write(t, filepath.Join(dir, "plain"), "http://chat.example/very-secret"), write(t, filepath.Join(dir, "good"), "https://chat.example/very-secret")
	for entry, want := range map[string]string{
		"{email: ced@comune.example}":                                              "operators[0].name is missing",
		"{name: CED}":                                                              "says no way to tell anybody",
		"{name: CED, email: nobody}":                                               "is no mail address",
		"{name: CED, email: ced@comune.example}":                                   "there is no channel of the kind email",
		"{name: CED, url_file: " + dir + "/none}":                                  "cannot be read",
		"{name: CED, url_file: " + config + "}":                                    "holds no address",
		"{name: CED, url_file: " + plain + "}":                                     "not encrypted",
		"{name: CED, language: de, url_file: " + good + "}":                        "one of it, en",
		"{name: CED, url_file: " + good + "}, {name: CED, url_file: " + good + "}": "which another one has",
	} {
		write(t, config, string(text)+"operators: ["+entry+"]\n")
		code, _, stderr := command(t, "config", "check", "--config", config)
		if code != exitRefused || !strings.Contains(stderr, want) || !strings.Contains(stderr, "martinella.yaml:") {
			t.Errorf("%s: %d %s, want %q", entry, code, stderr, want)
		}
		if strings.Contains(stderr, "very-secret") {
			t.Errorf("%s: the address is told", entry)
		}
	}
	write(t, config, string(text)+"operators: [{name: CED, url_file: "+good+"}]\n")
	must(t, "config", "check", "--config", config)
}

// What a chat answers decides whether it is told again; no error holds its
// address.
func TestANoticeToAChat(t *testing.T) {
	status := http.StatusOK
	chat := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	o := &OperatorConfig{Name: "CED", URLFile: write(t, filepath.Join(t.TempDir(), "url"), chat.URL+"/very-secret")}
	for _, c := range []struct {
		status int
		want   string
	}{{200, "accepted"}, {204, "accepted"}, {404, "permanent"}, {429, "retry"}, {500, "retry"}, {0, "retry"}} {
		if status = c.status; status == 0 {
			chat.Close()
		}
		err := o.hook(t.Context(), "subject", "text")
		if got, _ := channels.VerdictOf(err); string(got) != c.want {
			t.Errorf("an answer %d is %s (%v), want %s", c.status, got, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "very-secret") {
			t.Errorf("the error holds the address: %v", err)
		}
	}
}
