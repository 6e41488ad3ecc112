package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"martinella/broadcast/live/swarm"
)

// otherPages is how many other clients the bars speak of.
const otherPages = 10_000

// hall is a gateway of its own process, so that its sockets and the clients'
// fit below the limit of open files, with other pages connected.
type hall struct {
	*process
	key    string
	others *swarm.Swarm
}

func openHall(b *testing.B, others int) *hall {
	b.Helper()
	p := newProcess(b)
	p.start(b)
	b.Cleanup(func() { p.end(syscall.SIGTERM) })
	file := filepath.Join(b.TempDir(), "key")
	must(b, "keys", "create", "--config", p.config, "--name", "bench", "--can", "issue,approve", "--self-approve", "--status", "Actual,Exercise", "--out", file)
	h := &hall{process: p, key: secretOf(b, file)}
	ctx, cancel := context.WithTimeout(b.Context(), 2*time.Minute)
	defer cancel()
	var err error
	h.others, err = swarm.Open(ctx, swarm.Config{URL: strings.Replace(p.url, "http", "ws", 1) + "/live?lang=it", Clients: others, Greeted: true})
	if errors.Is(err, swarm.ErrUnsupported) {
		b.Skip("SKIP: the swarm of clients needs Linux")
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = h.others.Close() })
	return h
}

// publish issues an alert and gives its cursor.
func (h *hall) publish(b *testing.B, message []byte) string {
	b.Helper()
	r, err := tell(b.Context(), http.MethodPost, h.url+"/api/v1/alerts", h.key, capXML, restamp(message, "bench-"+ulid.Make().String()))
	var took struct{ Cursor string }
	if err != nil || r.status != http.StatusCreated || json.Unmarshal(r.body, &took) != nil {
		b.Fatalf("submit: %v %d %s", err, r.status, r.body)
	}
	return took.Cursor
}

// From the first byte of the request to the headline on the screen of a real
// browser, with ten thousand other clients connected: those that are silent,
// and those that fetch their fragment as pages do. The bar: p99 under 500 ms.
func BenchmarkHeadlineInChromium(b *testing.B) {
	b.Run("others listen", func(b *testing.B) { headlines(b, false) })
	b.Run("others fetch too", func(b *testing.B) { headlines(b, true) })
}

func headlines(b *testing.B, fetch bool) {
	b.Helper()
	h := openHall(b, otherPages)
	page := browse(b, "headline.mjs", h.url+"/?lang=it")
	var opened struct{ Open, Live bool }
	page.Next(b, &opened)
	if !opened.Live {
		b.Fatal("the page does not follow the feed")
	}
	base, alerts := fixture(b), max(b.N, 50)
	var cursor atomic.Value
	cursor.Store("")
	var all *readers
	if fetch {
		all = read(b, h.url, 200, float64(otherPages)/spreadOfAll.Seconds(), &cursor)
	}
	h.others.Expect(alerts)
	var dom, painted []float64 // ms
	b.ResetTimer()
	for i := range alerts {
		headline := fmt.Sprintf("Restate in casa, numero %d", i)
		message := bytes.Replace(base, []byte("Temporali forti: perché è pericoloso stare all'aperto"), []byte(headline), 1)
		began := time.Now()
		cursor.Store(h.publish(b, message))
		var seen struct {
			Headline     string
			DOM, Painted float64
		}
		for page.Next(b, &seen); seen.Headline != headline; page.Next(b, &seen) {
			continue
		}
		start := float64(began.UnixMicro()) / 1000
		dom, painted = append(dom, seen.DOM-start), append(painted, seen.Painted-start)
		// People do not issue by the clock of the page's own fetches.
		<-time.After(50*time.Millisecond + rand.N(400*time.Millisecond))
	}
	b.StopTimer()
	page.Tell(b, map[string]string{"say": "faults"})
	var said struct{ Faults []string }
	if page.Next(b, &said); len(said.Faults) > 0 {
		b.Errorf("the browser complains: %q", said.Faults)
	}
	if err := h.others.Wait(b.Context()); err != nil {
		b.Error(err)
	}
	if r := h.others.Report(); r.Faults() > 0 || r.Reading != otherPages {
		b.Errorf("of %d others %d are open; lost %d, doubled %d, reordered %d", otherPages, r.Reading, r.Lost, r.Doubled, r.Reordered)
	}
	if fetch {
		all.end()
		b.ReportMetric(float64(all.answers.Load())/b.Elapsed().Seconds(), "fetches/s")
		if n := all.faults.Load(); n > 0 {
			b.Errorf("%d pages did not get their fragment", n)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(alerts), "alerts")
	ranks(b, "dom", dom)
	ranks(b, "painted", painted)
}

func ranks(b *testing.B, of string, ms []float64) {
	b.Helper()
	slices.Sort(ms)
	b.ReportMetric(ms[len(ms)/2], of+"-p50-ms")
	b.ReportMetric(ms[len(ms)*99/100], of+"-p99-ms")
	b.ReportMetric(ms[len(ms)-1], of+"-max-ms")
}

// readers are the open pages that fetch their fragment, at the rate at which
// they all do within the time that the gateway gives them.
type readers struct {
	answers, faults atomic.Int64
	stop            context.CancelFunc
	all             sync.WaitGroup
}

// spreadOfAll is the spread_ms for ten thousand pages: 4,167 fetches a second.
const spreadOfAll = 2400 * time.Millisecond

// read starts to fetch over keep-alive connections, each with its share of the
// rate. cursor tells the newest cursor that a page knows.
func read(b *testing.B, address string, connections int, rate float64, cursor *atomic.Value) *readers {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	r := &readers{stop: cancel}
	host := strings.TrimPrefix(address, "http://")
	pause := time.Duration(float64(connections) / rate * float64(time.Second))
	for i := range connections {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", host)
		if err != nil {
			b.Fatal(err)
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() })
		r.all.Go(func() {
			in, next := bufio.NewReaderSize(conn, 16<<10), time.Now().Add(pause*time.Duration(i)/time.Duration(connections))
			for {
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Until(next)):
				}
				next = next.Add(pause)
				if _, err := fmt.Fprintf(conn, "GET /?part=live&v=%s&lang=it HTTP/1.1\r\nHost: %s\r\nAccept-Encoding: gzip\r\nAccept-Language: it-IT\r\n\r\n", cursor.Load(), host); err != nil {
					r.over(ctx)
					return
				}
				if err := answer(in); err != nil {
					r.over(ctx)
					return
				}
				r.answers.Add(1)
			}
		})
	}
	return r
}

func (r *readers) over(ctx context.Context) {
	if ctx.Err() == nil {
		r.faults.Add(1)
	}
}

func (r *readers) end() {
	r.stop()
	r.all.Wait()
}

// answer reads past one answer, which must be 200.
func answer(in *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		switch n, isLength := bytes.CutPrefix(line, []byte("Content-Length: ")); {
		case err != nil:
			return err
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")):
			return fmt.Errorf("answer %q", line)
		case isLength:
			if length, err = strconv.Atoi(string(bytes.TrimSpace(n))); err != nil {
				return err
			}
		case len(line) <= 2:
			_, err := in.Discard(length)
			return err
		}
	}
}

// Ten thousand open pages that all fetch their fragment must not delay the
// next alert: from POST to the frame at the first, half, 99 % and all of them,
// quiet, and while they fetch.
func BenchmarkAlertWhilePagesFetch(b *testing.B) {
	clients := otherPages
	if n, err := strconv.Atoi(os.Getenv("BENCH_CLIENTS")); err == nil {
		clients = n
	}
	h := openHall(b, clients)
	base := fixture(b)
	var cursor atomic.Value
	cursor.Store("")
	issue := func(times map[string][]float64) {
		h.others.Expect(1)
		began := swarm.Now()
		cursor.Store(h.publish(b, base))
		answered := swarm.Now()
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		defer cancel()
		if err := h.others.Wait(ctx); err != nil {
			b.Fatal(err)
		}
		a := h.others.Report().Messages[0]
		for name, at := range map[string]int64{"answer": answered, "first": a.First(), "half": a.At(0.5), "99%": a.At(0.99), "all": a.All()} {
			times[name] = append(times[name], float64(at-began)/1e6)
		}
	}
	quiet, busy := map[string][]float64{}, map[string][]float64{}
	rounds, each := max(b.N, 4), 10
	var rate float64
	issue(map[string][]float64{}) // warm
	b.ResetTimer()
	for range rounds { // in turn
		for range each {
			issue(quiet)
			<-time.After(100 * time.Millisecond)
		}
		began := time.Now()
		r := read(b, h.url, 200, float64(otherPages)/spreadOfAll.Seconds(), &cursor)
		<-time.After(200 * time.Millisecond)
		for range each {
			issue(busy)
			<-time.After(100 * time.Millisecond)
		}
		rate = float64(r.answers.Load()) / time.Since(began).Seconds()
		r.end()
		if n := r.faults.Load(); n > 0 {
			b.Errorf("%d pages did not get their fragment", n)
		}
	}
	b.StopTimer()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate, "fetches/s")
	for _, what := range []string{"answer", "first", "half", "99%", "all"} {
		for name, all := range map[string][]float64{"quiet": quiet[what], "busy": busy[what]} {
			slices.Sort(all)
			b.ReportMetric(all[len(all)/2], what+"-"+name+"-p50-ms")
			b.ReportMetric(all[len(all)*99/100], what+"-"+name+"-p99-ms")
		}
	}
}
