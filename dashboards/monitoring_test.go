package dashboards

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/broadcast"
	"martinella/broadcast/backup"
	"martinella/broadcast/callout"
	"martinella/broadcast/live"
	"martinella/dashboards/mirror"
)

// everyMetric is a registry with all that the gateway registers.
func everyMetric(t *testing.T) (*gateway, *prometheus.Registry) {
	t.Helper()
	g := open(t, func(c *Config) {
		c.Ledger = func(context.Context) (int64, error) { return 7, nil }
		c.Certificates = map[string]*x509.Certificate{"tls": {NotAfter: time.Now().Add(time.Hour)}}
	})
	broadcast.NewMetrics(g.server.Registry, []string{"sms"})
	NewDoor(1, nil, g.server.Registry)
	broadcast.NewLedgerKeeper(g.server.Acts, g.server.Registry, g.server.Logger)
	broadcast.NewRings(broadcast.RingsConfig{Log: g.server.Logger}, g.server.Registry)
	callout.New(callout.Config{Log: g.server.Logger}, g.server.Registry)
	broadcast.NewFeeds(broadcast.FeedsConfig{Feeds: []broadcast.Feed{{Name: "regione"}}, Log: g.server.Logger}, g.server.Registry)
	if _, err := mirror.NewKeeper(g.server.Copier(), map[string]mirror.Target{"web2": mirror.Folder{Dir: t.TempDir()}}, g.server.Registry, g.server.Logger); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.NewKeeper(backup.Config{Spots: []backup.Spot{{Name: "nas"}}, Log: g.server.Logger}, g.server.Registry); err != nil {
		t.Fatal(err)
	}
	broadcast.NewExaminer(nil, g.server.Registry, g.server.Logger)
	if _, err := live.NewMetrics(g.server.Registry); err != nil {
		t.Fatal(err)
	}
	return g, g.server.Registry
}

var (
	metricName = regexp.MustCompile(`martinella_[a-z0-9_]+`)
	recordName = regexp.MustCompile(`[a-z_]+:martinella_[a-z0-9_]+:[a-z0-9_]+`) // level:metric:operation
)

// recorded are the names that recording rules give.
func recorded(t *testing.T) (names []string) {
	t.Helper()
	rules, err := os.ReadFile("prometheus/slo.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`record: '(.+)'`).FindAllStringSubmatch(string(rules), -1) {
		if recordName.FindString(m[1]) != m[1] {
			t.Errorf("%s is not level:metric:operation", m[1])
		}
		names = append(names, m[1])
	}
	if len(names) < 20 {
		t.Errorf("only %d rules record something", len(names))
	}
	return names
}

func TestEveryMetricThatIsWatchedExists(t *testing.T) {
	_, registry := everyMetric(t)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, f := range families {
		known[f.GetName()] = true
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			known[f.GetName()+suffix] = strings.HasSuffix(f.GetName(), "_seconds")
		}
	}
	records := recorded(t)
	files := []string{"prometheus/rules.yml", "prometheus/rules_test.yml", "prometheus/slo.yml", "prometheus/slo_test.yml"}
	boards, _ := filepath.Glob("grafana/*.json")
	audiences := map[string]bool{}
	for _, name := range boards {
		audiences[audience(t, name)] = true
	}
	for _, who := range []string{"operator", "channel owner", "management", "administrator"} {
		if !audiences[who] {
			t.Errorf("no dashboard is for: %s", who)
		}
	}
	watched := 0
	for _, file := range append(files, boards...) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if strings.HasSuffix(file, ".json") {
			text = strings.Join(expressions(t, b), "\n")
		}
		for _, name := range recordName.FindAllString(text, -1) {
			if !slices.Contains(records, name) {
				t.Errorf("%s uses %s, which no rule records", file, name)
			}
		}
		for _, metric := range metricName.FindAllString(recordName.ReplaceAllString(text, ""), -1) {
			watched++
			if !known[metric] {
				t.Errorf("%s uses %s, which nobody registers", file, metric)
			}
		}
	}
	if watched < 50 {
		t.Errorf("only %d uses were found", watched)
	}
}

// audience is for whom a Grafana dashboard is.
func audience(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var board struct{ Tags []string }
	if err := json.Unmarshal(b, &board); err != nil || len(board.Tags) != 2 || board.Tags[0] != "martinella" {
		t.Errorf("%s does not say for whom it is: %v %v", name, board.Tags, err)
		return ""
	}
	return board.Tags[1]
}

// expressions gives every query of a Grafana dashboard.
func expressions(t *testing.T, b []byte) []string {
	t.Helper()
	var board struct {
		Title, UID string
		Panels     []struct {
			Title, Description string
			Targets            []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(b, &board); err != nil || board.Title == "" || board.UID == "" || len(board.Panels) == 0 {
		t.Fatalf("not a dashboard: %v", err)
	}
	var out []string
	for _, p := range board.Panels {
		if p.Title == "" || p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("a panel of %s lacks title, description or query", board.Title)
		}
		for _, target := range p.Targets {
			out = append(out, target.Expr)
		}
	}
	return out
}

func TestTheInterfacesMetricsAreThere(t *testing.T) {
	_, registry := everyMetric(t)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, f := range families {
		there[f.GetName()] = len(f.GetMetric()) > 0
	}
	for _, name := range []string{
		"alerts_accepted_total", "alerts_refused_total", "accept_seconds", "deliveries_total", "delivery_attempts_total", "delivery_seconds",
		"queue_jobs", "queue_oldest_seconds", "dead_letters", "breaker_open", "receipts_total", "live_clients", "live_dropped_total", "connections", "connections_closed_total",
		"live_fanout_seconds", "redis_durable", "redis_replicas_acked", "certificate_expiry_seconds", "ledger_entries", "channel_check_ok",
	} {
		if !there["martinella_"+name] {
			t.Errorf("martinella_%s has no series at start", name)
		}
	}
}

func TestTheIntakeIsCounted(t *testing.T) {
	g := open(t)
	g.post(alone, "/api/v1/alerts", message("counted", "severity", "Severe"))
	second := message("counted-2", "severity", "Severe") // it holds the time: written once
	g.post(author, "/api/v1/alerts", second)
	g.post(author, "/api/v1/alerts", second) // known: not counted again
	g.post("mk_none", "/api/v1/alerts", "")
	g.post(author, "/api/v1/alerts", "<a")
	if got := value(t, g.server.Registry, "martinella_alerts_accepted_total", "Actual", "Severe", "Alert", "api"); got != 2 {
		t.Errorf("%v accepted, want 2", got)
	}
	for reason, want := range map[string]float64{"unauthorized": 1, "malformed": 1, "conflict": 0} {
		if got := value(t, g.server.Registry, "martinella_alerts_refused_total", reason); got != want {
			t.Errorf("%v refused as %s, want %v", got, reason, want)
		}
	}
}

// value reads a counter by the values of its labels, in any order.
func value(t *testing.T, registry *prometheus.Registry, name string, labels ...string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			have := 0
			for _, l := range m.GetLabel() {
				if slices.Contains(labels, l.GetValue()) {
					have++
				}
			}
			if f.GetName() == name && have == len(labels) {
				return m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("%s %v is not there", name, labels)
	return 0
}

// promtool is the program that Prometheus ships for checking its files.
func promtool(t *testing.T, stdin []byte, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("SKIP: promtool (Debian: prometheus) is not installed: rules and metrics are not checked by it")
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestRules(t *testing.T) {
	promtool(t, nil, "check", "rules", "--lint=all", "--lint-fatal", "prometheus/rules.yml", "prometheus/slo.yml")
	promtool(t, nil, "test", "rules", "prometheus/rules_test.yml", "prometheus/slo_test.yml")
	promtool(t, nil, "check", "config", "prometheus/prometheus.yml")
}

func TestEveryRuleIsTested(t *testing.T) {
	for _, name := range []string{"rules", "slo"} {
		rules, err := os.ReadFile("prometheus/" + name + ".yml")
		if err != nil {
			t.Fatal(err)
		}
		tests, err := os.ReadFile("prometheus/" + name + "_test.yml")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
			if !regexp.MustCompile(`alertname: ` + m[1] + `\n +exp_alerts:`).Match(tests) {
				t.Errorf("no test lets %s fire", m[1])
			}
		}
	}
	tests, err := os.ReadFile("prometheus/slo_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range recorded(t) {
		if !strings.Contains(string(tests), name) {
			t.Errorf("no test looks at what %s records", name)
		}
	}
}

func TestQueriesOfTheDashboardsAreReadByPrometheus(t *testing.T) {
	var b strings.Builder
	b.WriteString("groups:\n- name: queries\n  rules:\n")
	boards, _ := filepath.Glob("grafana/*.json")
	n := 0
	for _, name := range boards {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range expressions(t, file) {
			n++
			quoted, _ := json.Marshal(strings.ReplaceAll(e, "$channel", ".*"))
			b.WriteString("  - {record: 'q:q" + itoa(n) + "', expr: " + string(quoted) + "}\n")
		}
	}
	file := filepath.Join(t.TempDir(), "queries.yml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, nil, "check", "rules", file)
}

func TestTheAdministrationPort(t *testing.T) {
	reasons := []string{}
	g := open(t, func(c *Config) {
		c.Ready = func(context.Context) []string { return reasons }
		c.Version = Version{Version: "1.2.3", Go: "go1"}
	})
	admin := httptest.NewServer(g.server.Admin())
	defer admin.Close()
	g.Server = admin
	if r := g.get("/healthz"); r.StatusCode != 200 {
		t.Errorf("healthz: %d", r.StatusCode)
	}
	if r := g.get("/readyz"); r.StatusCode != 200 || r.json(t)["ready"] != true {
		t.Errorf("readyz: %d %s", r.StatusCode, r.body)
	}
	reasons = append(reasons, "redis does not answer")
	if r := g.get("/readyz"); r.StatusCode != 503 || !strings.Contains(r.body, "redis does not answer") {
		t.Errorf("readyz with a reason: %d %s", r.StatusCode, r.body)
	}
	if r := g.get("/version"); r.json(t)["version"] != "1.2.3" {
		t.Errorf("version: %s", r.body)
	}
	if r := g.get("/debug/pprof/"); r.StatusCode != 404 {
		t.Errorf("pprof without being asked for: %d", r.StatusCode)
	}
	r := g.get("/metrics")
	if r.StatusCode != 200 || strings.Count(r.body, "martinella_alerts_accepted_total{") != 5*5*5 {
		t.Errorf("metrics: %d, %d combinations", r.StatusCode, strings.Count(r.body, "martinella_alerts_accepted_total{"))
	}
	promtool(t, []byte(r.body), "check", "metrics")
}

func TestNothingOfTheAdministrationIsPublic(t *testing.T) {
	g := open(t, func(c *Config) { c.Profiling = true })
	for _, r := range g.server.admin() {
		if got := g.get(r.Path).StatusCode; got != 404 {
			t.Errorf("%s is public: %d", r.Path, got)
		}
	}
}

func TestProvisioningIsThere(t *testing.T) {
	var found []string
	_ = filepath.WalkDir("grafana/provisioning", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return nil
	})
	slices.Sort(found)
	if len(found) != 2 {
		t.Errorf("provisioning holds %v", found)
	}
}
