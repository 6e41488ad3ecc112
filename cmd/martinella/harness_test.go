package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels/channeltest"
)

// patience is how long a test waits for what must come: a hang limit.
const patience = 60 * time.Second

// needRedis skips a test where there is no redis-server.
func needRedis(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("SKIP: redis-server is not installed: the gateway is not tested on a real store")
	}
}

// sharedFile finds an example beside the checkout that is not part of the
// project.
func sharedFile(t testing.TB, path string) string {
	t.Helper()
	full := filepath.Join(channeltest.ModuleDir(t), "..", "shared", "testdata", path)
	if _, err := os.Stat(full); err != nil {
		t.Skipf("SKIP: the examples %s are not beside the checkout", full)
	}
	return full
}

// record is a buffer that many goroutines may write.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// noEnv is an environment without variables.
func noEnv(string) string { return "" }

// command runs one command line and gives its exit code and output.
func command(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err record
	code = run(t.Context(), args, noEnv, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// must runs a command that has to end with 0.
func must(t testing.TB, args ...string) string {
	t.Helper()
	code, out, err := command(t, args...)
	if code != 0 {
		t.Fatalf("martinella %s: exit %d\n%s%s", strings.Join(args, " "), code, out, err)
	}
	return out
}

// station is a gateway under test.
type station struct {
	dir, config string
	readyFile
	log  *record
	stop func() int // ends it and gives its exit code
}

// settle writes a configuration of Valdemo into a new folder.
func settle(t testing.TB, channels string) (dir, config string) {
	t.Helper()
	dir = t.TempDir()
	config = filepath.Join(dir, "martinella.yaml")
	text := `mode: live
authority:
  slug: valdemo
  name: Protezione Civile - Comune di Valdemo
  sender: protezione.civile@comune.valdemo.example
listen: 127.0.0.1:0
admin_listen: 127.0.0.1:0
limits: {key_rate: -1}
data: ` + filepath.Join(dir, "data") + "\n"
	if channels != "" {
		text += "channels:\n" + channels
	}
	write(t, config, text)
	return dir, config
}

func write(t testing.TB, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// open runs `serve` within the test until stop, or its end.
func open(t testing.TB, dir, config string, args ...string) *station {
	t.Helper()
	s := &station{dir: dir, config: config, log: &record{}}
	ready := filepath.Join(dir, "ready-"+ulid.Make().String())
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	go func() {
		all := append([]string{"serve", "--config", config, "--ready-file", ready}, args...)
		code <- run(ctx, all, noEnv, strings.NewReader(""), io.Discard, s.log)
	}()
	s.stop = sync.OnceValue(func() int {
		cancel()
		select {
		case c := <-code:
			return c
		case <-time.After(patience):
			t.Errorf("the gateway does not stop\n%s", s.log)
			return -1
		}
	})
	t.Cleanup(func() {
		if c := s.stop(); c != 0 {
			t.Errorf("the gateway ended with %d\n%s", c, s.log)
		}
		for _, word := range []string{"panic", "DATA RACE"} {
			if strings.Contains(s.log.String(), word) {
				t.Errorf("the log holds %q:\n%s", word, s.log)
			}
		}
	})
	eventually(t, "the gateway is ready", func() bool {
		select {
		case c := <-code:
			code <- c
			t.Fatalf("the gateway ended with %d before it was ready\n%s", c, s.log)
		default:
		}
		b, err := os.ReadFile(ready)
		return err == nil && json.Unmarshal(b, &s.readyFile) == nil
	})
	return s
}

// eventually waits for something that must come true.
func eventually(t testing.TB, what string, ask func() bool) {
	t.Helper()
	end := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ask() {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		<-tick.C
	}
}

// key makes a key at the running gateway and gives its file.
func (s *station) key(t testing.TB, name string, args ...string) string {
	t.Helper()
	file := filepath.Join(s.dir, name+".key")
	must(t, append([]string{"keys", "create", "--config", s.config, "--name", name, "--out", file}, args...)...)
	return file
}

func secretOf(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// reply is an answer of the gateway.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) decode(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(r.body, into); err != nil {
		t.Fatalf("answer %d is no JSON: %v\n%s", r.status, err, r.body)
	}
}

// ask sends a request with a key ("" sends none).
func (s *station) ask(t testing.TB, method, path, key, contentType string, body []byte) reply {
	t.Helper()
	r, err := tell(t.Context(), method, s.Public+path, key, contentType, body)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", method, path, err, s.log)
	}
	return r
}

func tell(ctx context.Context, method, address, key, contentType string, body []byte) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, b}, err
}

const capXML = "application/cap+xml"

// submit posts an alert in XML.
func (s *station) submit(t testing.TB, key string, message []byte) reply {
	t.Helper()
	return s.ask(t, http.MethodPost, "/api/v1/alerts", key, capXML, message)
}

// delivered waits until every channel of the alert has ended.
func (s *station) delivered(t testing.TB, key string, id alerts.ID, settled func([]broadcast.Delivery) bool) map[string]broadcast.Delivery {
	t.Helper()
	var out struct{ Channels []broadcast.Delivery }
	eventually(t, fmt.Sprintf("the deliveries of %s end", id), func() bool {
		r := s.ask(t, http.MethodGet, "/api/v1/alerts/"+string(id)+"/deliveries", key, "", nil)
		if r.status != http.StatusOK {
			t.Fatalf("deliveries: %d %s", r.status, r.body)
		}
		r.decode(t, &out)
		return len(out.Channels) > 0 && allOver(out.Channels) && (settled == nil || settled(out.Channels))
	})
	by := map[string]broadcast.Delivery{}
	for _, d := range out.Channels {
		by[d.Channel] = d
	}
	return by
}

// metric reads one series of /metrics.
func (s *station) metric(t testing.TB, series string) float64 {
	t.Helper()
	r, err := tell(t.Context(), http.MethodGet, s.Admin+"/metrics", "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(r.body)) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatalf("%s: %v", series, err)
			}
			return f
		}
	}
	t.Fatalf("there is no series %s", series)
	return 0
}

// The elements of a message that make it one of now.
var (
	identifierText = regexp.MustCompile(`(<(?:\w+:)?identifier>)([^<]*)(<)`)
	sentText       = regexp.MustCompile(`(<(?:\w+:)?sent>)[^<]*(<)`)
	expiresText    = regexp.MustCompile(`(<(?:\w+:)?expires>)[^<]*(<)`)
	statusText     = regexp.MustCompile(`(<(?:\w+:)?status>)[^<]*(<)`)
)

// restamp turns an old message into one of now with another identifier. All
// else stays byte for byte.
func restamp(message []byte, identifier string) []byte {
	now := time.Now()
	out := sentText.ReplaceAll(message, []byte("${1}"+alerts.FormatTime(now)+"${2}"))
	out = expiresText.ReplaceAll(out, []byte("${1}"+alerts.FormatTime(now.Add(6*time.Hour))+"${2}"))
	return identifierText.ReplaceAll(out, []byte("${1}"+identifier+"${3}"))
}

// exercise turns a message into an exercise.
func exercise(message []byte) []byte {
	return statusText.ReplaceAll(message, []byte("${1}Exercise${2}"))
}

// fixture is our own message, of now.
func fixture(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "allerta.xml"))
	if err != nil {
		t.Fatal(err)
	}
	return restamp(b, "valdemo-"+ulid.Make().String())
}
