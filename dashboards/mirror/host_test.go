package mirror

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// store is a web server that takes files, with moods.
type store struct {
	mu      sync.Mutex
	files   map[string]string
	order   []string
	folders map[string]bool // nil: it makes them itself
	tokens  map[string]int
	mood    func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		s.tokens = map[string]int{}
	}
	s.tokens[r.Header.Get("Authorization")]++
	if s.mood != nil && s.mood(w, r) {
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	switch r.Method {
	case http.MethodPut:
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if dir := filepath.Dir(name); s.folders != nil && dir != "." && !s.folders[dir] {
			w.WriteHeader(http.StatusConflict)
			return
		}
		s.files[name] = string(b)
		s.order = append(s.order, name)
		w.WriteHeader(http.StatusCreated)
	case "MKCOL":
		dir := strings.TrimSuffix(name, "/")
		if s.folders[dir] {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		s.folders[dir] = true
		w.WriteHeader(http.StatusCreated)
	case http.MethodDelete:
		delete(s.files, name)
		w.WriteHeader(http.StatusNoContent)
	default:
		b, there := s.files[name]
		if !there {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, b)
	}
}

func (s *store) has() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.files))
}

func openStore(t *testing.T) (*store, string) {
	t.Helper()
	s := &store{files: map[string]string{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL
}

func tokenFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("very-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestHost(t *testing.T) {
	s, base := openStore(t)
	s.folders = map[string]bool{}
	h := NewHost(base, tokenFile(t))
	if at, err := h.Look(t.Context()); err != nil || !at.IsZero() {
		t.Errorf("before: %v %v", at, err)
	}
	if r := take(t, h, edition(noon, true, "one", "static/app.css", "a/X/index.html", "a/Y/index.html", "index.html")); r != (Report{Written: 4}) {
		t.Errorf("first %+v", r)
	}
	if s.order[0] != "static/app.css" || s.order[len(s.order)-1] != listName {
		t.Errorf("the order is %v", s.order)
	}
	if r := take(t, h, edition(noon.Add(time.Hour), true, "one", "static/app.css", "a/X/index.html", "index.html")); r != (Report{Written: 1, Kept: 2, Removed: 1}) {
		t.Errorf("second %+v", r)
	}
	if got := s.has(); !slices.Equal(got, []string{"a/X/index.html", listName, "index.html", "static/app.css"}) {
		t.Errorf("it has %v", got)
	}
	if at, err := h.Look(t.Context()); err != nil || !at.Equal(noon.Add(time.Hour)) {
		t.Errorf("it is of %v, %v", at, err)
	}
	if len(s.tokens) != 1 || s.tokens["Bearer very-secret"] == 0 {
		t.Errorf("tokens %v", s.tokens)
	}
	// Another start puts everything again, and still removes what is gone.
	if r := take(t, NewHost(base, ""), edition(noon.Add(2*time.Hour), true, "one", "index.html")); r != (Report{Written: 1, Removed: 2}) {
		t.Errorf("after a start %+v", r)
	}
}

// A server that does not behave gives an error that names no secret, in bounded
// time, and the next attempt succeeds.
func TestHostThatMisbehaves(t *testing.T) {
	var elsewhere int
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	for name, mood := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"500": func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(500); return true },
		"401": func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(401); return true },
		"507": func(w http.ResponseWriter, r *http.Request) bool {
			put := r.Method == http.MethodPut
			if put {
				w.WriteHeader(507)
			}
			return put
		},
		"409 for ever": func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(409); return true },
		"redirect": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
			return true
		},
		"hangs up": func(w http.ResponseWriter, _ *http.Request) bool {
			c, _, _ := w.(http.Hijacker).Hijack()
			_ = c.Close()
			return true
		},
		"half an answer": func(w http.ResponseWriter, _ *http.Request) bool {
			c, _, _ := w.(http.Hijacker).Hijack()
			_, _ = io.WriteString(c, "HTTP/1.1 201 Cre")
			_ = c.(*net.TCPConn).CloseWrite()
			_ = c.Close()
			return true
		},
		"slow": func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true },
		"endless": func(w http.ResponseWriter, r *http.Request) bool {
			get := r.Method == http.MethodGet
			if get {
				_, _ = w.Write(bytes.Repeat([]byte("x"), 8<<20))
			}
			return get
		},
		"5xx late": func(w http.ResponseWriter, r *http.Request) bool {
			late := strings.HasSuffix(r.URL.Path, listName) && r.Method == http.MethodPut
			if late {
				w.WriteHeader(502)
			}
			return late
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, base := openStore(t)
			s.mood = mood
			h := NewHost(base, tokenFile(t))
			h.http.Timeout = 300 * time.Millisecond
			began := time.Now()
			_, err := h.Take(t.Context(), edition(noon, true, "one", "a/X/index.html", "index.html"))
			if err == nil && name != "endless" {
				t.Error("nothing was noticed")
			}
			if time.Since(began) > time.Minute {
				t.Errorf("it took %v", time.Since(began))
			}
			if err != nil && (strings.Contains(err.Error(), "very-secret") || strings.Contains(err.Error(), base)) {
				t.Errorf("the error tells too much: %v", err)
			}
			s.mu.Lock()
			s.mood = nil
			s.mu.Unlock()
			take(t, h, edition(noon.Add(time.Minute), true, "one", "a/X/index.html", "index.html"))
			if got := s.has(); !slices.Equal(got, []string{"a/X/index.html", listName, "index.html"}) {
				t.Errorf("it has %v", got)
			}
		})
	}
	if elsewhere > 0 {
		t.Error("a redirect was followed")
	}
}

func TestTheCertificateIsVerified(t *testing.T) {
	s := httptest.NewTLSServer(&store{files: map[string]string{}})
	defer s.Close()
	s.Config.ErrorLog = nil
	if _, err := NewHost(s.URL, "").Take(t.Context(), edition(noon, true, "x", "index.html")); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
}

func TestTokens(t *testing.T) {
	_, base := openStore(t)
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{filepath.Join(t.TempDir(), "missing"), empty} {
		if _, err := NewHost(base, file).Take(t.Context(), edition(noon, true, "x", "index.html")); err == nil {
			t.Errorf("%s was taken for a token", file)
		}
	}
}

// A foreign server: nginx with its dav module, set up as the guide says.
func TestNginxTakesACopy(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("SKIP: nginx is not installed: copies are put to our own server only")
	}
	if out, _ := exec.Command(nginx, "-V").CombinedOutput(); !strings.Contains(string(out), "http_dav_module") {
		t.Skip("SKIP: this nginx has no dav module")
	}
	dir, err := os.MkdirTemp("", "mirror-nginx-") // its workers are another user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	site := filepath.Join(dir, "site")
	for _, p := range []string{dir, site} {
		_ = os.Mkdir(p, 0o777)
		if err := os.Chmod(p, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	guide, err := os.ReadFile(filepath.Join("..", "guide", "mirror.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(guide), "**nginx**")
	_, rest, _ = strings.Cut(rest, "```\n")
	server, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the guide no longer says how nginx serves a copy")
	}
	server = strings.NewReplacer("443 ssl", address, "/var/www/copy", site, "THE-TOKEN", "very-secret").Replace(server)
	config := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`daemon off; pid %[1]s/pid; error_log stderr crit; worker_processes 1; events {}
http { access_log off; types { text/html html; text/css css; } client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
%[2]s }
`, dir, server)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-p", dir, "-c", config, "-e", "stderr")
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	base := "http://" + address
	h := NewHost(base, tokenFile(t))
	for range 200 {
		if _, err = h.Look(t.Context()); err == nil {
			break
		}
		timer := time.NewTimer(20 * time.Millisecond)
		<-timer.C
	}
	if err != nil {
		t.Fatalf("nginx does not answer: %v %s", err, said.String())
	}
	take(t, h, edition(noon, true, "one", "static/app.css", "a/X/index.html", "en/a/X/index.html", "index.html"))
	take(t, h, edition(noon.Add(time.Hour), true, "two", "static/app.css", "a/X/index.html", "index.html"))
	for path, want := range map[string]int{"/": 200, "/a/X": 200, "/a/X/": 200, "/en/a/X/": 404, "/nothing": 404, "/static/app.css": 200} {
		r, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != want || r.Request.URL.Path != path {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
		if want == 200 && !strings.Contains(string(b), " two ") {
			t.Errorf("%s is the old one", path)
		}
	}
	if _, err := NewHost(base, "").Take(t.Context(), edition(noon, true, "x", "index.html")); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("without a token: %v", err)
	}
}
