package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/broadcast/rdb"
)

// message is a new exercise of about 1.5 kB each time.
func message(b *testing.B, base []byte) []byte {
	b.Helper()
	return restamp(base, "bench-"+ulid.Make().String())
}

// Accepting by HTTP, on a real Redis that flushes each write, beside the floor:
// a bare handler in front of the same server that runs the intake script with
// the same bytes and does nothing else: no key, no guard, no parsing, no
// rendering, no publishing.
func BenchmarkAccept(b *testing.B) {
	needRedis(b)
	dir, config := settle(b, "")
	s := open(b, dir, config)
	key := secretOf(b, s.key(b, "bench", "--can", "issue", "--self-approve", "--status", "Exercise"))
	base := exercise(fixture(b))
	store, err := rdb.Open(b.Context(), rdb.Config{Redis: "unix://" + dir + "/data/redis.sock", Authority: "floor", DataDir: b.TempDir()}, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	doc, err := cap.Parse(base, cap.Submit)
	if err != nil {
		b.Fatal(err)
	}
	floor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		id := alerts.ID(ulid.Make().String())
		alert := *doc.Alert
		alert.Identifier = string(id)
		record := &alerts.Record{V: alerts.RecordVersion, ID: id, Event: id, Revision: 1, State: alerts.StateSubmitted, Change: alerts.ChangeIssued, Alert: &alert}
		if _, _, err := store.Store().Intake(r.Context(), record, raw, alerts.Act{V: 1, Verb: "submitted", Alert: id, Event: id}); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusCreated)
	}))
	defer floor.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	http.DefaultClient.Transport = client.Transport
	for _, connections := range []int{1, 16} {
		for name, address := range map[string]string{"gateway": s.Public + "/api/v1/alerts", "floor": floor.URL} {
			b.Run(fmt.Sprintf("%s/%d connections", name, connections), func(b *testing.B) {
				var failed atomic.Int64
				next := make(chan struct{}, b.N)
				for range b.N {
					next <- struct{}{}
				}
				close(next)
				done := make(chan time.Duration, b.N)
				b.ResetTimer()
				for range connections {
					go func() {
						for range next {
							body := message(b, base)
							began := time.Now()
							r, err := tell(b.Context(), http.MethodPost, address, key, capXML, body)
							if err != nil || r.status != http.StatusCreated {
								failed.Add(1)
							}
							done <- time.Since(began)
						}
					}()
				}
				took := make([]time.Duration, b.N)
				for i := range took {
					took[i] = <-done
				}
				b.StopTimer()
				report(b, took)
				if failed.Load() > 0 {
					b.Fatalf("%d of %d were not accepted", failed.Load(), b.N)
				}
			})
		}
	}
}

// From the first byte of the request to the frame at an open page.
func BenchmarkAcceptToPage(b *testing.B) {
	needRedis(b)
	dir, config := settle(b, "")
	s := open(b, dir, config)
	key := secretOf(b, s.key(b, "bench", "--can", "issue", "--self-approve", "--status", "Exercise"))
	base := exercise(fixture(b))
	feed := listenLive(b, s, "")
	took := make([]time.Duration, b.N)
	b.ResetTimer()
	for i := range took {
		body := message(b, base)
		began := time.Now()
		if r := s.submit(b, key, body); r.status != http.StatusCreated {
			b.Fatalf("%d %s", r.status, r.body)
		}
		<-feed
		took[i] = time.Since(began)
	}
	b.StopTimer()
	report(b, took)
}

func report(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
