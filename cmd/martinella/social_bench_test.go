package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// sickWays is how a platform may be in trouble: it refuses connections, it
// answers after 30 s, it answers garbage.
func sickWays(t testing.TB) map[string]http.HandlerFunc {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	return map[string]http.HandlerFunc{
		"well": nil,
		"down": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"slow": func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(30 * time.Second):
			case <-r.Context().Done():
			case <-over:
			}
			w.WriteHeader(http.StatusGatewayTimeout)
		},
		"garbage": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>it works</html>")
		},
	}
}

// benchAlerts is how many alerts each case of [BenchmarkOnePlatformAway] issues.
const benchAlerts = 40

// One platform is down, slow or talks garbage: from the approval to the other
// platforms' yes it takes as long as when all are well. The four cases run in
// turn on one gateway, alert by alert.
func BenchmarkOnePlatformAway(b *testing.B) {
	w := newWorld(b)
	needRedis(b)
	dir, config := settle(b, "  - {name: outbox, kind: outbox, exercise: true}\n")
	text, err := os.ReadFile(config)
	if err != nil {
		b.Fatal(err)
	}
	write(b, config, string(text)+w.config(b, dir))
	s := open(b, dir, config, "--data", filepath.Join(dir, "data"))
	key := secretOf(b, s.key(b, "load", "--can", "issue,read", "--self-approve", "--status", "Actual"))
	ways := sickWays(b)
	took := map[string][]float64{} // ms
	names := []string{"well", "down", "slow", "garbage"}
	b.ResetTimer()
	for range b.N {
		for _, name := range names {
			w.mu.Lock()
			if w.sick["mastodon"] = ways[name]; ways[name] == nil {
				delete(w.sick, "mastodon")
			}
			w.mu.Unlock()
			for range benchAlerts {
				r := s.submit(b, key, fixture(b))
				var issued submitted
				if r.status != http.StatusCreated || json.Unmarshal(r.body, &issued) != nil {
					b.Fatalf("%d %s", r.status, r.body)
				}
				took[name] = append(took[name], s.others(b, key, issued.ID, "mastodon")...)
			}
		}
	}
	b.StopTimer()
	b.ReportMetric(0, "ns/op")
	for _, name := range names {
		slices.Sort(took[name])
		b.ReportMetric(took[name][len(took[name])/2], name+"-p50-ms")
		b.ReportMetric(took[name][len(took[name])*99/100], name+"-p99-ms")
	}
	// What waits for the platform that was away is taken once it is back.
	w.mu.Lock()
	clear(w.sick)
	w.mu.Unlock()
}

// others waits until every channel but one has the alert, and gives how long
// each took, in ms.
func (s *station) others(t testing.TB, key string, id alerts.ID, but string) (took []float64) {
	t.Helper()
	var out struct{ Channels []broadcast.Delivery }
	eventually(t, "the others have it", func() bool {
		s.ask(t, http.MethodGet, "/api/v1/alerts/"+string(id)+"/deliveries", key, "", nil).decode(t, &out)
		return !slices.ContainsFunc(out.Channels, func(d broadcast.Delivery) bool { return d.Channel != but && !d.Over() })
	})
	for _, d := range out.Channels {
		if d.Channel == but || d.Channel == "outbox" {
			continue
		}
		if d.State != "done" || d.LastMS == nil {
			t.Errorf("%s: %s, %q", d.Channel, d.State, d.Error)
			continue
		}
		took = append(took, float64(*d.LastMS))
	}
	return took
}
