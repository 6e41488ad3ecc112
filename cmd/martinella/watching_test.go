package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	gosmtp "github.com/emersion/go-smtp"

	"martinella/channels/channeltest"
)

// needWatching skips a test where the programs that watch are missing.
func needWatching(t *testing.T) {
	t.Helper()
	needRedis(t)
	for _, name := range []string{"prometheus", "prometheus-alertmanager", "amtool"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("SKIP: %s is not installed: that what fires reaches somebody is not tested", name)
		}
	}
}

// notices is a chat that Alertmanager writes to, or a service that waits for
// heartbeats.
type notices struct {
	mu  sync.Mutex
	all []notice
}

// notice is what Alertmanager posts (its documentation, webhook_config).
type notice struct {
	Status   string
	Receiver string
	Alerts   []struct {
		Status      string
		Labels      map[string]string
		Annotations map[string]string
	}
}

func (n *notices) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var one notice
	if err := json.NewDecoder(r.Body).Decode(&one); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, one)
}

// count is how many notices hold an alert of this name and status.
func (n *notices) count(name, status string) (found int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, one := range n.all {
		for _, a := range one.Alerts {
			if a.Labels["alertname"] == name && a.Status == status {
				found++
			}
		}
	}
	return found
}

// foreign runs a foreign program until it is killed.
func foreign(t *testing.T, name string, args ...string) (kill func()) {
	t.Helper()
	log := &record{}
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	t.Cleanup(func() {
		kill()
		if t.Failed() {
			t.Logf("%s:\n%s", name, log)
		}
	})
	return kill
}

func answers(t *testing.T, url string) {
	t.Helper()
	eventually(t, url+" answers", func() bool { return fetched(t, url) != nil })
}

// fetched gives the body of an answer 200, else nil.
func fetched(t *testing.T, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil
	}
	return b
}

// adapted reads a file of dashboards/prometheus and replaces what depends on the
// place, and times, in pairs; what is not there to be replaced fails the test.
func adapted(t *testing.T, into, name string, pairs ...string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(channeltest.ModuleDir(t), "dashboards", "prometheus", name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s does not hold %q", name, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	write(t, filepath.Join(into, name), text)
}

// TestWhatFiresReachesSomebody runs a gateway, Prometheus and Alertmanager with
// the files that we ship, but for addresses and times: the heartbeat arrives, a
// gateway that stops is told by webhook and mail, its return too, and with
// Prometheus the heartbeat ends.
func TestWhatFiresReachesSomebody(t *testing.T) {
	needWatching(t)
	chat, outside, box := &notices{}, &notices{}, &letterbox{}
	chatServer, outsideServer := httptest.NewServer(chat), httptest.NewServer(outside)
	defer chatServer.Close()
	defer outsideServer.Close()
	mails := gosmtp.NewServer(box)
	mails.Domain = "mail.example"
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = mails.Serve(l) }()
	defer func() { _ = mails.Close(); <-served }()

	gatewayDir, config := settle(t, "")
	g := open(t, gatewayDir, config)

	dir := t.TempDir()
	alertmanager, prometheus := freeAddr(t), freeAddr(t)
	adapted(t, dir, "alertmanager.yml",
		"mail.comune.valdemo.example:587", l.Addr().String(), "smtp_require_tls: true", "smtp_require_tls: false",
		"https://chat.comune.valdemo.example/hooks/martinella", chatServer.URL, "https://heartbeat.example/martinella", outsideServer.URL,
		"group_wait: 10s", "group_wait: 100ms", "group_interval: 1m", "group_interval: 500ms", "repeat_interval: 50s", "repeat_interval: 400ms")
	adapted(t, dir, "rules.yml", "for: 30s", "for: 1s")
	adapted(t, dir, "slo.yml")
	adapted(t, dir, "prometheus.yml", "gateway:9090", strings.TrimPrefix(g.Admin, "http://"), "alertmanager:9093", alertmanager,
		"evaluation_interval: 5s", "evaluation_interval: 1s")

	foreign(t, "prometheus-alertmanager", "--config.file="+filepath.Join(dir, "alertmanager.yml"), "--storage.path="+filepath.Join(dir, "am"),
		"--web.listen-address="+alertmanager, "--cluster.listen-address=")
	answers(t, "http://"+alertmanager+"/-/ready")
	killPrometheus := foreign(t, "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "tsdb"),
		"--web.listen-address="+prometheus, "--rules.alert.resend-delay=1s")
	answers(t, "http://"+prometheus+"/-/ready")

	eventually(t, "the heartbeat arrives again and again", func() bool { return outside.count("MartinellaWatchdog", "firing") >= 3 })
	eventually(t, "the gateway is seen", func() bool {
		return strings.Contains(string(fetched(t, "http://"+prometheus+"/api/v1/query?query=up%7Bjob%3D%22martinella%22%7D")), `,"1"]`)
	})
	if n := chat.count("MartinellaDown", "firing"); n != 0 {
		t.Errorf("the gateway runs, and %d notices say that it is down", n)
	}
	if n := chat.count("MartinellaWatchdog", "firing"); n != 0 {
		t.Errorf("%d heartbeats went to people", n)
	}

	g.stop()
	eventually(t, "that the gateway is down reaches the chat", func() bool { return chat.count("MartinellaDown", "firing") > 0 })
	eventually(t, "and the mailbox", func() bool {
		return strings.Contains(box.text("MartinellaDown"), "[FIRING] The gateway does not answer")
	})

	again := open(t, gatewayDir, config, "--admin-listen", strings.TrimPrefix(g.Admin, "http://"))
	eventually(t, "that it answers again does too", func() bool { return chat.count("MartinellaDown", "resolved") > 0 })
	again.stop()

	killPrometheus()
	eventually(t, "Alertmanager hears nothing more of the heartbeat", func() bool {
		b := fetched(t, "http://"+alertmanager+"/api/v2/alerts?filter=alertname%3D%22MartinellaWatchdog%22")
		return b != nil && strings.TrimSpace(string(b)) == "[]"
	})
	// An alert of the test goes the same way meanwhile: while it comes and comes,
	// no beat does.
	probe := 0
	round := func() {
		probe++
		name := "Probe" + strconv.Itoa(probe)
		resp, err := http.Post("http://"+alertmanager+"/api/v2/alerts", "application/json", strings.NewReader(`[{"labels":{"alertname":"`+name+`","severity":"page"}}]`))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		eventually(t, name+" arrives", func() bool { return chat.count(name, "firing") > 0 })
	}
	round() // what was on its way has arrived
	beats := outside.count("MartinellaWatchdog", "firing")
	for range 30 { // each waits 100 ms for its group: six intervals of the heartbeat
		round()
	}
	if n := outside.count("MartinellaWatchdog", "firing"); n != beats {
		t.Errorf("%d heartbeats after Prometheus was killed", n-beats)
	}
	if n := outside.count("MartinellaWatchdog", "resolved"); n != 0 {
		t.Error("the end of the watching was told as a beat")
	}
}

// Who is told of what, by Alertmanager's own tool.
func TestAlertmanagerRoutes(t *testing.T) {
	if _, err := exec.LookPath("amtool"); err != nil {
		t.Skip("SKIP: amtool (Debian: prometheus-alertmanager) is not installed: the routes are not checked")
	}
	file := filepath.Join(channeltest.ModuleDir(t), "dashboards", "prometheus", "alertmanager.yml")
	if out, err := exec.CommandContext(t.Context(), "amtool", "check-config", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for what, c := range map[string]struct{ labels, want string }{
		"what is urgent wakes somebody":      {"alertname=MartinellaDown severity=page", "page"},
		"what can wait goes to the mailbox":  {"alertname=MartinellaDeadLetters severity=ticket", "ticket"},
		"the heartbeat leaves the house":     {"alertname=MartinellaWatchdog severity=none", "heartbeat"},
		"what nobody foresaw wakes somebody": {"alertname=Other", "page"},
	} {
		t.Run(what, func(t *testing.T) {
			args := append([]string{"config", "routes", "test", "--config.file=" + file}, strings.Fields(c.labels)...)
			out, err := exec.CommandContext(t.Context(), "amtool", args...).Output()
			if got := strings.TrimSpace(string(out)); err != nil || got != c.want {
				t.Errorf("%s goes to %q (%v), want %s", c.labels, got, err, c.want)
			}
		})
	}
}
