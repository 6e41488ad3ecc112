package broadcast_test

import (
	"context"
	"fmt"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/rdb"
	"martinella/channels"
)

// phoneBook is a platform that takes everything, after a while.
type phoneBook struct {
	name  string
	delay time.Duration
	mu    sync.Mutex
	taken map[string]int
	first atomic.Int64 // of an Extreme, Unix nanoseconds
}

func (p *phoneBook) Name() string        { return p.name }
func (p *phoneBook) AddressKind() string { return "phone" }

func (p *phoneBook) Render(r *alerts.Record) ([]channels.Message, error) {
	return []channels.Message{{Audience: "public", Language: "it", Text: r.Alert.Infos[0].Headline}}, nil
}

func (p *phoneBook) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	if m.Severity == alerts.SeverityExtreme {
		p.first.CompareAndSwap(0, time.Now().UnixNano())
	}
	if p.delay > 0 {
		t := time.NewTimer(p.delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return channels.Receipt{}, ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken[m.Key]++
	return channels.Receipt{ID: m.Key}, nil
}

// gateway is planner and dispatcher on a real store.
type gateway struct {
	store   *rdb.Redis
	planner *broadcast.Planner
	book    *phoneBook
}

func newGateway(t testing.TB, cfg rdb.Config, delay time.Duration) *gateway {
	t.Helper()
	cfg.Authority = "valdemo"
	store, err := rdb.Open(t.Context(), cfg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{store: store, book: &phoneBook{name: "sms", delay: delay, taken: map[string]int{}}}
	route := broadcast.Route{Channel: g.book, Exercise: true, Memory: true}
	queues := broadcast.NewQueues(store)
	metrics := broadcast.NewMetrics(prometheus.NewRegistry(), []string{"sms"})
	log := zap.NewNop()
	g.planner = &broadcast.Planner{Routes: []broadcast.Route{route}, Records: store.Store(), People: store.People(), Store: store, Work: store, Queues: queues, Language: "it", Log: log}
	d := &broadcast.Dispatcher{Route: route, Queues: queues, People: store.People(), Metrics: metrics, Log: log, Sink: &broadcast.Sink{Queues: queues, Metrics: metrics, Log: log}}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	keep, done := context.WithCancel(context.Background())
	wg.Go(func() { _ = store.Run(keep) })
	var working sync.WaitGroup
	working.Go(func() { _ = d.Run(ctx) })
	t.Cleanup(func() {
		stop()
		working.Wait()
		done()
		wg.Wait()
		_ = store.Close()
	})
	if _, err := queues.Open(ctx, "sms"); err != nil { // the channel exists before its first alert
		t.Fatal(err)
	}
	return g
}

func (g *gateway) subscribe(t testing.TB, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for part := range 16 {
		wg.Go(func() {
			for i := part; i < n; i += 16 {
				_, _, err := g.store.People().Add(t.Context(), broadcast.Subscriber{V: 1, Contacts: map[string]string{"phone": fmt.Sprintf("+39333%07d", i)},
					Language: "it", Areas: []string{"048099"}, Audience: "citizens", Purpose: "emergency"})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func (g *gateway) issue(t testing.TB, r *alerts.Record) *alerts.Record {
	t.Helper()
	if err := g.planner.Prepare(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	stored, _, err := g.store.Store().Intake(t.Context(), r, nil, broadcasttest.NewAct(r, "submitted"))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.planner.Publish(t.Context(), stored, broadcasttest.NewAct(stored, "issued")); err != nil {
		t.Fatal(err)
	}
	return stored
}

// follow waits until the alert's only channel is done.
func (g *gateway) follow(t testing.TB, id alerts.ID, limit time.Duration) broadcast.Delivery {
	t.Helper()
	end := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		all, err := g.store.Deliveries(t.Context(), id)
		if err == nil && len(all) == 1 && all[0].Total > 0 && all[0].State != "queued" && all[0].State != "sending" && all[0].State != "retrying" {
			return all[0]
		}
		select {
		case <-end:
			t.Fatalf("not done after %v: %+v %v", limit, all, err)
		case <-tick.C:
		}
	}
}

// underWay waits until so many were taken.
func (g *gateway) underWay(n int) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		g.book.mu.Lock()
		have := len(g.book.taken)
		g.book.mu.Unlock()
		if have >= n {
			return
		}
	}
}

func stores(t *testing.T) map[string]func(t *testing.T) rdb.Config {
	return map[string]func(t *testing.T) rdb.Config{
		"in memory": func(*testing.T) rdb.Config { return rdb.Config{Redis: rdb.Memory} },
		"redis-server": func(t *testing.T) rdb.Config {
			if _, err := exec.LookPath("redis-server"); err != nil {
				t.Skip("SKIPPED, nothing was proved: redis-server is not installed")
			}
			return rdb.Config{Redis: rdb.Embedded, DataDir: t.TempDir()}
		},
	}
}

func TestOnARealStore(t *testing.T) {
	for name, config := range stores(t) {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, config(t), 0)
			g.subscribe(t, 300)
			r := g.issue(t, broadcasttest.NewRecord(alerts.SeverityModerate))
			if r.Reach != 300 || r.Cursor == "" {
				t.Errorf("reach %d, cursor %q", r.Reach, r.Cursor)
			}
			if d := g.follow(t, r.ID, time.Minute); d.State != "done" || d.Accepted != 300 || d.Total != 300 || d.P99MS == nil {
				t.Errorf("delivery %+v", d)
			}
			number, err := g.store.People().Lookup(t.Context(), "phone", "+393330000005")
			if err != nil {
				t.Fatal(err)
			}
			if err := g.store.People().Erase(t.Context(), number); err != nil {
				t.Fatal(err)
			}
			c := g.issue(t, broadcasttest.Revise(r, alerts.ChangeCancelled))
			if d := g.follow(t, c.ID, time.Minute); d.Accepted != 299 || d.Suppressed != 1 || d.Total != 300 {
				t.Errorf("the Cancel goes to whoever got the alert, but for who was erased: %+v", d)
			}
			for key, n := range g.book.taken {
				if n != 1 {
					t.Errorf("%s was taken %d times", key, n)
				}
			}
		})
	}
}

// BenchmarkDispatch sends to 20,000 recipients of a platform that answers
// after a millisecond, through a redis-server with fsync always, and an
// Extreme that comes in the middle.
func BenchmarkDispatch(b *testing.B) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		b.Skip("SKIPPED, nothing was measured: redis-server is not installed")
	}
	const people = 20_000
	g := newGateway(b, rdb.Config{Redis: rdb.Embedded, DataDir: b.TempDir()}, time.Millisecond)
	g.subscribe(b, people)
	for b.Loop() {
		g.book.first.Store(0)
		g.book.mu.Lock()
		clear(g.book.taken)
		g.book.mu.Unlock()
		at := time.Now()
		r := g.issue(b, broadcasttest.NewRecord(alerts.SeverityMinor))
		b.ReportMetric(float64(time.Since(at).Milliseconds()), "ms-to-publish")
		g.underWay(people / 10)
		x := g.issue(b, broadcasttest.NewRecord(alerts.SeverityExtreme))
		g.follow(b, x.ID, time.Minute)
		g.follow(b, r.ID, time.Minute)
		b.ReportMetric(2*people/time.Since(at).Seconds(), "recipients/s")
		b.ReportMetric(float64(time.Unix(0, g.book.first.Load()).Sub(x.Published).Milliseconds()), "ms-to-first-extreme")
	}
}
