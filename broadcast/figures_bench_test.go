package broadcast_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
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

// counter is a platform that takes everything after a millisecond and remembers
// nothing. Its message ids have 32 characters, as those of large providers.
type counter struct{ taken atomic.Int64 }

func (c *counter) Name() string        { return "sms" }
func (c *counter) AddressKind() string { return "phone" }

func (c *counter) Render(r *alerts.Record) ([]channels.Message, error) {
	var all []channels.Message
	for _, language := range []string{"it", "en", "de"} {
		all = append(all, channels.Message{Audience: "public", Language: language, Text: r.Alert.Infos[0].Headline})
	}
	return all, nil
}

func (c *counter) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	t := time.NewTimer(time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return channels.Receipt{}, ctx.Err()
	}
	c.taken.Add(1)
	return channels.Receipt{ID: hex.EncodeToString([]byte(m.Alert[10:])) + strconv.FormatUint(uint64(m.Ordinal), 16)}, nil
}

// sizes of audiences; a million takes minutes and is asked for by
// BENCH_MILLION=1.
func sizes() []int {
	all := []int{10_000, 100_000}
	if os.Getenv("BENCH_MILLION") != "" {
		all = append(all, 1_000_000)
	}
	return all
}

// BenchmarkFanOut sends one Severe alert to many, through a redis-server that
// writes to the disk each time: the whole path from the approval to the last
// result, planning included. It tells the speed, the processor's time (of two
// processes, which a busy machine does not lengthen) and the memory at its
// highest.
func BenchmarkFanOut(b *testing.B) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		b.Skip("SKIPPED, nothing was measured: redis-server is not installed")
	}
	for _, people := range sizes() {
		b.Run(fmt.Sprint(people), func(b *testing.B) {
			f := newFanOut(b, people, 1, "it")
			for b.Loop() {
				f.once(b)
			}
		})
	}
}

// BenchmarkPrepare chooses and lines up 100,000 people, as before an approval:
// of one area and language, and of 300 areas and three languages.
func BenchmarkPrepare(b *testing.B) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		b.Skip("SKIPPED, nothing was measured: redis-server is not installed")
	}
	for _, c := range []struct {
		areas     int
		languages []string
	}{{1, []string{"it"}}, {300, []string{"it", "en", "de"}}} {
		b.Run(fmt.Sprintf("%d areas, %d languages", c.areas, len(c.languages)), func(b *testing.B) {
			f := newFanOut(b, 100_000, c.areas, c.languages...)
			r := broadcasttest.NewRecord(alerts.SeveritySevere)
			for i := range c.areas {
				at := &r.Alert.Infos[0].Areas[0]
				at.Geocodes = append(at.Geocodes, alerts.Value{Name: "ISTAT", Value: areaCode(i)})
			}
			own := cpu()
			for b.Loop() {
				if err := f.planner.Prepare(b.Context(), r); err != nil || r.Reach != f.people {
					b.Fatal(r.Reach, err)
				}
			}
			b.ReportMetric(float64((cpu()-own).Microseconds())/float64(b.N)/1000, "ms-cpu/op")
			b.ReportMetric(loadAverage(), "load")
		})
	}
}

func areaCode(i int) string { return fmt.Sprintf("%06d", 48099+i) }

type fanOut struct {
	people  int
	store   *rdb.Redis
	planner *broadcast.Planner
	sender  *counter
	start   func() (stop func())
}

func newFanOut(b *testing.B, people, areas int, languages ...string) *fanOut {
	b.Helper()
	store, err := rdb.Open(b.Context(), rdb.Config{Redis: rdb.Embedded, DataDir: b.TempDir(), Authority: "valdemo"}, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = store.Run(ctx) })
	b.Cleanup(func() {
		stop()
		running.Wait()
		_ = store.Close()
	})
	for first := 0; first < people; first += 10_000 {
		list := make([]broadcast.Listing, min(10_000, people-first))
		for i := range list {
			list[i].Subscriber = broadcast.Subscriber{Contacts: map[string]string{"phone": fmt.Sprintf("+39333%07d", first+i)}, Language: languages[i%len(languages)],
				Areas: []string{areaCode(i % areas)}, Audience: "citizens", Purpose: "emergency"}
		}
		if _, err := store.People().Enter(b.Context(), list, false); err != nil {
			b.Fatal(err)
		}
	}
	if err := store.People().Warm(b.Context()); err != nil {
		b.Fatal(err)
	}
	f := &fanOut{people: people, store: store, sender: &counter{}}
	route := broadcast.Route{Channel: f.sender, Exercise: true}
	queues := broadcast.NewQueues(store)
	if _, err := queues.Open(b.Context(), "sms"); err != nil {
		b.Fatal(err)
	}
	f.planner = &broadcast.Planner{Routes: []broadcast.Route{route}, Records: store.Store(), People: store.People(), Store: store, Work: store, Queues: queues, Language: "it", Log: zap.NewNop()}
	f.start = func() func() {
		ctx, stop := context.WithCancel(context.Background())
		ms := broadcast.NewMetrics(prometheus.NewRegistry(), []string{"sms"})
		d := &broadcast.Dispatcher{Route: route, Queues: queues, People: store.People(), Metrics: ms, Log: zap.NewNop(), Sink: &broadcast.Sink{Queues: queues, Metrics: ms, Log: zap.NewNop()}}
		var working sync.WaitGroup
		working.Go(func() { _ = d.Run(ctx) })
		return func() { stop(); working.Wait() }
	}
	return f
}

func (f *fanOut) once(b *testing.B) {
	load := loadAverage()
	r := broadcasttest.NewRecord(alerts.SeveritySevere)
	quiet := settled()
	peak := watch()
	began, own, redis := time.Now(), cpu(), redisCPU()
	if err := f.planner.Prepare(b.Context(), r); err != nil {
		b.Fatal(err)
	}
	prepared := time.Since(began)
	stored, _, err := f.store.Store().Intake(b.Context(), r, nil, broadcasttest.NewAct(r, "submitted"))
	if err != nil {
		b.Fatal(err)
	}
	if err := f.planner.Publish(b.Context(), stored, broadcasttest.NewAct(stored, "issued")); err != nil {
		b.Fatal(err)
	}
	published := time.Since(began)
	planning := peak()
	idle := settled()
	peak = watch()
	sending, goal := time.Now(), f.sender.taken.Load()+int64(f.people)
	stop := f.start()
	defer stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var last []broadcast.Delivery
	for asked := time.Now(); ; <-tick.C {
		if f.sender.taken.Load() < goal || time.Since(asked) < 50*time.Millisecond {
			continue
		}
		asked = time.Now()
		if last, err = f.store.Deliveries(b.Context(), stored.ID); err == nil && last[0].State == "done" {
			break
		}
	}
	took := time.Since(sending) + published
	high := peak()
	if last[0].Accepted != f.people {
		b.Fatalf("%+v", last[0])
	}
	n := float64(f.people)
	b.ReportMetric(n/took.Seconds(), "recipients/s")
	b.ReportMetric(float64((cpu()-own).Microseconds())/n, "µs-cpu-gateway/recipient")
	b.ReportMetric(float64((redisCPU()-redis).Microseconds())/n, "µs-cpu-redis/recipient")
	b.ReportMetric(float64(prepared.Milliseconds()), "ms-prepare")
	b.ReportMetric(float64(published.Milliseconds()), "ms-published")
	b.ReportMetric(quiet.heap, "MB-heap-idle")
	b.ReportMetric(planning.heap-quiet.heap, "MB-heap-planning")
	b.ReportMetric(high.heap-idle.heap, "MB-heap-sending")
	b.ReportMetric(idle.rss, "MB-rss-idle")
	b.ReportMetric(high.rss-idle.rss, "MB-rss-sending")
	b.ReportMetric(load, "load-before")
}

// footprint is memory in MB.
type footprint struct{ heap, rss float64 }

func heap() float64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return float64(s[0].Value.Uint64()) / (1 << 20)
}

// settled gives the memory once nothing is left that is not needed, and begins
// the record of the highest anew.
func settled() footprint {
	runtime.GC()
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak of proc(5)
	return footprint{heap(), status("VmRSS:")}
}

// watch looks at the heap until the answer is asked for: the highest.
func watch() func() footprint {
	stop, done := make(chan struct{}), make(chan float64)
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		high := heap()
		for {
			select {
			case <-tick.C:
				high = max(high, heap())
			case <-stop:
				done <- high
				return
			}
		}
	}()
	return func() footprint {
		close(stop)
		return footprint{<-done, status("VmHWM:")}
	}
}

// status reads a line of proc(5) in MB; 0 where there is none.
func status(line string) float64 {
	b, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(b), line)
	words := strings.Fields(rest)
	if len(words) == 0 {
		return 0
	}
	kb, _ := strconv.ParseFloat(words[0], 64)
	return kb / 1024
}

func loadAverage() (load float64) {
	b, _ := os.ReadFile("/proc/loadavg")
	_, _ = fmt.Sscan(string(b), &load)
	return load
}

// cpu is what this process took of the processors.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// redisCPU is what its redis-server took: proc(5), fields 4, 14 and 15, in
// hundredths of a second.
func redisCPU() (taken time.Duration) {
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range all {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		_, rest, ok := strings.Cut(string(b), "(redis-server) ")
		f := strings.Fields(rest)
		if !ok || len(f) < 13 || f[1] != strconv.Itoa(os.Getpid()) {
			continue
		}
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		taken += time.Duration(user+system) * 10 * time.Millisecond
	}
	return taken
}
