//go:build linux

package live

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/broadcast"
	"martinella/broadcast/live/swarm"
)

// The fan-out beside its floor: both are processes of their own, share the
// processors with the subscribers, and write messages of 1 KiB. A round of each
// follows one of the other; the figures are medians over all rounds.

// role is what a child process of a benchmark is.
const role = "TEST_ROLE"

// playRole is called before any test: a child process does not come back.
func playRole() {
	var err error
	switch r := os.Getenv(role); r {
	case "":
		return
	case "floor":
		err = swarm.ServeFloor(context.Background(), os.Stdin, os.Stdout)
	default:
		err = serveHub(Path(r))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serveHub is a hub without a store that obeys the commands of the floor.
func serveHub(path Path) error {
	_ = swarm.AllowFiles(1 << 20) // as many as there are
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		return err
	}
	log := newBook(0)
	pace := -1
	if path == storm {
		path, pace = "", 0
	}
	h, err := New(Config{
		Log: log, Brief: fills, Full: fills, Metrics: metrics, Path: path, JoinsPerSecond: pace,
		WriteTimeout: time.Hour, BacklogMessages: 1 << 20, BacklogBytes: 1 << 30, // who does not read stays
		ShutdownSpread: time.Millisecond,
	})
	if err != nil {
		return err
	}
	h.Begin(cursor(0))
	srv := httptest.NewServer((&stand{Hub: h}).routes())
	defer srv.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	answer := json.NewEncoder(os.Stdout)
	_ = answer.Encode(map[string]any{"url": "ws" + strings.TrimPrefix(srv.URL, "http") + "/live"})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var count int
		switch line := lines.Text(); line {
		case "count", "drop":
			if n, frames := h.waits(); n > 0 {
				fmt.Fprintf(os.Stderr, "%d messages wait for %d of %d clients\n", frames, n, h.Clients())
			}
			_ = answer.Encode(map[string]any{"sockets": h.Clients()})
		default:
			if _, err := fmt.Sscanf(line, "fan 1024 %d", &count); err != nil {
				return err
			}
			entries := make([]broadcast.Entry, count)
			for i := range entries {
				entries[i] = log.add(record())
			}
			began := swarm.Now()
			for _, e := range entries {
				h.Publish(e)
			}
			_ = answer.Encode(swarm.Fanout{Start: began, End: swarm.Now(), Sockets: h.Clients()})
		}
	}
	cancel()
	return <-ended
}

// waits says for how many clients how many frames wait.
func (h *Hub) waits() (clients, frames int) {
	for _, c := range h.everyone() {
		c.mu.Lock()
		if len(c.queue) > 0 {
			clients++
			frames += len(c.queue)
		}
		c.mu.Unlock()
	}
	return clients, frames
}

// storm is the role of a hub that paces who comes in.
const storm Path = "storm"

// fills builds messages of 1 KiB, as the floor's.
func fills(e broadcast.Entry, _ string, _ time.Duration) []byte {
	b := fmt.Appendf(nil, `{"type":"alert","cursor":"%s","headline":"`, e.Cursor)
	return append(append(b, strings.Repeat("x", 1024-len(b)-2)...), `"}`...)
}

func startServer(b *testing.B, as string) *swarm.Floor {
	b.Helper()
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(b.Context()), exe, "-test.run=^$")
	cmd.Env, cmd.Stderr = append(os.Environ(), role+"="+as), os.Stderr
	f, err := swarm.StartFloor(cmd)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := f.Close(); err != nil {
			b.Error(err)
		}
	})
	return f
}

// used is the processor time of a process: of the scheduler's own count in
// /proc/PID/task/*/schedstat.
func used(b *testing.B, pid int) (sum time.Duration) {
	b.Helper()
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, name := range files {
		text, _ := os.ReadFile(name)
		ns, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(ns, 10, 64)
		sum += time.Duration(n)
	}
	return sum
}

// figures are what one server did, over all rounds.
type figures struct {
	all, p99, half []float64 // ms, one for each fan-out
	cpu            []float64 // s per million, one for each round
	burst          []float64 // deliveries/s, one for each round
}

func (f *figures) report(b *testing.B, name string, floor *figures) {
	b.ReportMetric(median(f.all), name+"-all-ms")
	b.ReportMetric(median(f.cpu), name+"-cpu-s/M")
	if len(f.burst) > 0 {
		b.ReportMetric(median(f.burst)/1000, name+"-burst-k/s")
	}
	if floor == nil {
		return
	}
	b.ReportMetric(median(f.all)/median(floor.all), name+"-all-x")
	b.ReportMetric(median(f.cpu)/median(floor.cpu), name+"-cpu-x")
	if len(f.burst) > 0 {
		b.ReportMetric(median(f.burst)/median(floor.burst), name+"-burst-x")
	}
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// number reads a knob of a benchmark.
func envNumber(name string, otherwise int) int {
	n, _ := strconv.Atoi(os.Getenv(name))
	return cmp.Or(n, otherwise)
}

// round opens the subscribers at a server, fans out one message after another,
// and a burst of 100.
func (f *figures) round(b *testing.B, server *swarm.Floor, config swarm.Config, fans, burst, stuff int) {
	b.Helper()
	config.URL, config.Rate, config.Greeted = server.URL(), -1, !strings.HasSuffix(server.URL(), "/") // the floor has no path
	s, err := swarm.Open(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		s.Close()
		if err := server.Drop(); err != nil {
			b.Error(err)
		}
		for n := 1; n > 0; {
			if n, err = server.Sockets(); err != nil {
				b.Fatal(err)
			}
		}
	}()
	// fan publishes messages and gives when the last reader had them.
	fan := func(messages int) (swarm.Fanout, swarm.Report) {
		s.Expect(messages)
		done, err := server.Fan(1024, messages)
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		defer cancel()
		if err := s.Wait(ctx); err != nil {
			_, _ = server.Sockets() // says what waits
			b.Fatalf("%v: %d lost", err, s.Report().Lost)
		}
		return done, s.Report()
	}
	for range stuff {
		fan(100)
	}
	fan(1)
	before := used(b, server.PID())
	for range fans {
		done, report := fan(1)
		m := report.Messages[0]
		ms := func(at int64) float64 { return float64(at-done.Start) / 1e6 }
		f.all, f.p99, f.half = append(f.all, ms(m.All())), append(f.p99, ms(m.At(.99))), append(f.half, ms(m.At(.5)))
		time.Sleep(5 * time.Millisecond) // what follows a fan-out is over
	}
	spent := used(b, server.PID()) - before
	f.cpu = append(f.cpu, spent.Seconds()/float64(fans*config.Clients)*1e6)
	if burst > 0 {
		done, report := fan(burst)
		last := int64(0)
		for _, m := range report.Messages {
			last = max(last, m.All())
		}
		near := report.Near
		f.burst = append(f.burst, float64(burst*near)/(float64(last-done.Start)/1e9))
	}
	if r := s.Report(); r.Faults() > 0 {
		b.Errorf("lost %d, doubled %d, reordered %d", r.Lost, r.Doubled, r.Reordered)
	}
}

// BenchmarkFanout: TEST_ROUNDS (3) rounds of TEST_FANS (20) messages and one
// burst of 100 on each server.
func BenchmarkFanout(b *testing.B) {
	for _, clients := range []int{1000, 10_000, 19_500} {
		for _, remote := range []bool{false, true} {
			name := fmt.Sprintf("%d clients", clients)
			if remote {
				name += ", remote-like"
			}
			b.Run(name, func(b *testing.B) {
				if err := swarm.AllowFiles(clients); err != nil {
					b.Skip(err)
				}
				servers := []string{"floor", string(PathEpoll), string(PathGoroutines)}
				got := map[string]*figures{}
				running := map[string]*swarm.Floor{}
				for _, as := range servers {
					running[as], got[as] = startServer(b, as), &figures{}
				}
				burst := 100
				if remote {
					burst = 0
				}
				for b.Loop() {
					for range envNumber("TEST_ROUNDS", 3) {
						for _, as := range servers {
							got[as].round(b, running[as], swarm.Config{Clients: clients, Remote: remote}, envNumber("TEST_FANS", 20), burst, 0)
						}
					}
				}
				got["floor"].report(b, "floor", nil)
				got[string(PathEpoll)].report(b, "epoll", got["floor"])
				got[string(PathGoroutines)].report(b, "goroutines", got["floor"])
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// BenchmarkSilent compares what the others notice of 5 % that do not read at
// all, whose sockets are full before the clock runs.
func BenchmarkSilent(b *testing.B) {
	const clients, stuffed = 10_000, 30
	for _, path := range []Path{PathEpoll, PathGoroutines} {
		b.Run(string(path), func(b *testing.B) {
			if err := swarm.AllowFiles(clients); err != nil {
				b.Skip(err)
			}
			server := startServer(b, string(path))
			without, with := &figures{}, &figures{}
			for b.Loop() {
				for range envNumber("TEST_ROUNDS", 5) {
					without.round(b, server, swarm.Config{Clients: clients}, 20, 0, stuffed)
					with.round(b, server, swarm.Config{Clients: clients, Silent: clients / 20}, 20, 0, stuffed)
				}
			}
			b.ReportMetric(median(without.p99), "p99-ms")
			b.ReportMetric(median(with.p99), "p99-silent-ms")
			b.ReportMetric(median(with.p99)/median(without.p99), "p99-x")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkStorm compares what 5,000 open clients notice of 10,000 others that
// all come at once, and do as they are told. TEST_STORM=unpaced is the
// comparison with a node that lets everybody in.
func BenchmarkStorm(b *testing.B) {
	const clients, others = 5000, 10_000
	if err := swarm.AllowFiles(clients + others); err != nil {
		b.Skip(err)
	}
	as := storm
	if os.Getenv("TEST_STORM") == "unpaced" {
		as = PathEpoll
	}
	server := startServer(b, string(as))
	settled, err := swarm.Open(b.Context(), swarm.Config{URL: server.URL(), Clients: clients, Greeted: true})
	if err != nil {
		b.Fatal(err)
	}
	defer settled.Close()
	fan := func(f *figures) {
		settled.Expect(1)
		done, err := server.Fan(1024, 1)
		if err != nil {
			b.Fatal(err)
		}
		if err := settled.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
		m := settled.Report().Messages[0]
		f.all = append(f.all, float64(m.All()-done.Start)/1e6)
	}
	quiet, storming := &figures{}, &figures{}
	var took, retried float64
	for b.Loop() {
		for range 40 {
			fan(quiet)
			time.Sleep(20 * time.Millisecond)
		}
		began := time.Now()
		in := make(chan error, 1)
		var crowd *swarm.Swarm
		go func() {
			var err error
			crowd, err = swarm.Open(b.Context(), swarm.Config{URL: server.URL(), Clients: others, Greeted: true, Rate: -1, Opening: others, Loops: 2})
			in <- err
		}()
		for waiting := true; waiting; {
			select {
			case err := <-in:
				if err != nil {
					b.Fatal(err)
				}
				waiting = false
			default:
				fan(storming)
				time.Sleep(20 * time.Millisecond)
			}
		}
		took, retried = time.Since(began).Seconds(), float64(crowd.Report().Retried)
		if r := crowd.Report(); r.Faults() > 0 {
			b.Errorf("the crowd lost %d, doubled %d, reordered %d", r.Lost, r.Doubled, r.Reordered)
		}
		crowd.Close()
	}
	if r := settled.Report(); r.Faults() > 0 {
		b.Errorf("lost %d, doubled %d, reordered %d", r.Lost, r.Doubled, r.Reordered)
	}
	last := func(v []float64) float64 { return slices.Max(v) }
	b.ReportMetric(median(quiet.all), "quiet-all-ms")
	b.ReportMetric(last(quiet.all), "quiet-max-ms")
	b.ReportMetric(median(storming.all), "storm-all-ms")
	b.ReportMetric(last(storming.all), "storm-max-ms")
	b.ReportMetric(took, "storm-s")
	b.ReportMetric(retried, "told-to-come-back")
	b.ReportMetric(0, "ns/op")
}
