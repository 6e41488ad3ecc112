package dashboards

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// course is one server under load: raw keep-alive connections that send one
// request and read its answer, so that the client costs as little as it can.
type course struct {
	conns   []net.Conn
	readers []*bufio.Reader
	request []byte
	status  string
}

// newCourse serves h on loopback with the time limits of a real gateway and
// connects to it.
func newCourse(b *testing.B, h http.Handler, connections int, path, status string, headers ...string) *course {
	b.Helper()
	l, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	c := &course{status: status}
	request := "GET " + path + " HTTP/1.1\r\nHost: " + l.Addr().String() + "\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: it-IT,it;q=0.9,en;q=0.8\r\n" +
		"User-Agent: Mozilla/5.0 (Linux; Android 14) Chrome/140.0\r\nAccept: */*\r\n"
	for i := 0; i+1 < len(headers); i += 2 {
		request += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	c.request = []byte(request + "\r\n")
	for range connections {
		conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		c.conns, c.readers = append(c.conns, conn), append(c.readers, bufio.NewReader(conn))
	}
	b.Cleanup(func() {
		for _, conn := range c.conns {
			_ = conn.Close()
		}
		_ = s.Shutdown(context.Background())
		<-done
	})
	return c
}

// ask sends one request on a connection and reads past the answer.
func (c *course) ask(i int) error {
	if _, err := c.conns[i].Write(c.request); err != nil {
		return err
	}
	r, length := c.readers[i], 0
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 "+c.status)) {
			return fmt.Errorf("answer %q, want %s", line, c.status)
		}
		if len(line) <= 2 {
			break
		}
		if n, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(n))); err != nil {
				return err
			}
		}
	}
	_, err := r.Discard(length)
	return err
}

// run sends n requests, spread over the connections, and says how long they
// took and what was allocated for each.
func (c *course) run(n int) (took time.Duration, allocated float64, err error) {
	var before, after runtime.MemStats
	errs := make([]error, len(c.conns))
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	var all sync.WaitGroup
	for i := range c.conns {
		all.Go(func() {
			for range n / len(c.conns) {
				if errs[i] = c.ask(i); errs[i] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	took = time.Since(began)
	runtime.ReadMemStats(&after)
	return took, float64(after.Mallocs-before.Mallocs) / float64(n), errors.Join(errs...)
}

// race runs the courses in turn, b.N rounds and at least three, and reports
// the medians: requests a second and allocations of ours, and in each round its
// rate over those of the two bare handlers.
func race(b *testing.B, ours, bare, body *course) {
	b.Helper()
	const requests = 4000
	all := []*course{ours, bare, body}
	for _, c := range all { // warm
		if _, _, err := c.run(1000); err != nil {
			b.Fatal(err)
		}
	}
	var rate, overBare, overBody, allocs, bareAllocs []float64
	for i := range max(b.N, 3) {
		var took [3]float64
		var allocated [3]float64
		for k := range all {
			k = (k + i) % len(all)
			t, n, err := all[k].run(requests)
			if err != nil {
				b.Fatal(err)
			}
			took[k], allocated[k] = t.Seconds(), n
		}
		rate = append(rate, requests/took[0])
		overBare, overBody = append(overBare, took[1]/took[0]), append(overBody, took[2]/took[0])
		allocs, bareAllocs = append(allocs, allocated[0]), append(bareAllocs, allocated[1])
	}
	middle := func(x []float64) float64 { slices.Sort(x); return x[len(x)/2] }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(rate), "req/s")
	b.ReportMetric(middle(overBare), "x-bare")
	b.ReportMetric(middle(overBody), "x-body-alone")
	b.ReportMetric(middle(allocs), "allocs/req")
	b.ReportMetric(middle(bareAllocs), "bare-allocs/req")
}

// bare is the floor: a handler of net/http that gives one answer, header by
// header and byte by byte that of ours.
func bare(status int, header http.Header, body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		maps.Copy(h, header)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	})
}

// compare races one path of a gateway with three open alerts against a bare
// handler that gives the same answer (the bar of the public page is 0.9), and
// against one that gives the same body with no more headers than it needs.
func compare(b *testing.B, path func(g *gateway, event string) (path string, headers []string)) {
	b.Helper()
	g := open(b)
	var event string
	for i, severity := range []string{"Extreme", "Severe", "Moderate"} {
		event, _ = g.issue(message(fmt.Sprintf("page-%d", i), "severity", severity))["event"].(string)
	}
	address, headers := path(g, event)
	seen := g.get(address, append(headers, "Accept-Encoding", "gzip", "Accept-Language", "it")...)
	seen.Header.Del("Date") // net/http writes it
	few := http.Header{}
	for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Length"} {
		if v := seen.Header.Values(name); v != nil {
			few[name] = v
		}
	}
	start := func(h http.Handler) *course {
		return newCourse(b, h, 16, address, strconv.Itoa(seen.StatusCode), headers...)
	}
	race(b, start(g.server.Public()), start(bare(seen.StatusCode, seen.Header, []byte(seen.body))), start(bare(seen.StatusCode, few, []byte(seen.body))))
	b.ReportMetric(float64(len(seen.body)), "bytes")
}

func BenchmarkPage(b *testing.B) {
	b.Run("home", func(b *testing.B) {
		compare(b, func(*gateway, string) (string, []string) { return "/", nil })
	})
	b.Run("event", func(b *testing.B) {
		compare(b, func(_ *gateway, event string) (string, []string) { return "/a/" + event, nil })
	})
	b.Run("home, not modified", func(b *testing.B) {
		compare(b, func(g *gateway, _ string) (string, []string) {
			return "/", []string{"If-None-Match", g.get("/", "Accept-Language", "it").Header.Get("ETag")}
		})
	})
	b.Run("style sheet", func(b *testing.B) {
		compare(b, func(g *gateway, _ string) (string, []string) {
			return "/static/" + g.server.pages.assets.names["app.css"], nil
		})
	})
}

// What an open page fetches after a change.
func BenchmarkFragment(b *testing.B) {
	for _, where := range []string{"home", "event"} {
		b.Run(where, func(b *testing.B) {
			compare(b, func(g *gateway, event string) (string, []string) {
				path := "/"
				if where == "event" {
					path += "a/" + event
				}
				return path + "?part=live&v=" + string(g.board.Snapshot().Cursor) + "&lang=it", nil
			})
		})
	}
}

// What a change costs once for each language and part, by the number of alerts
// on the page.
func BenchmarkRender(b *testing.B) {
	for _, alerts := range []int{1, 20, 100} {
		b.Run(fmt.Sprintf("%d alerts", alerts), func(b *testing.B) {
			g := open(b)
			for i := range alerts {
				g.issue(message(fmt.Sprintf("render-%d", i)))
			}
			p := g.server.pages
			r := httptest.NewRequest(http.MethodGet, "/?part=live&lang=it", nil)
			for b.Loop() {
				p.shelf = newShelf()
				w := httptest.NewRecorder()
				p.home(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

// Feeds, as programs ask for them again and again.
func BenchmarkFeed(b *testing.B) {
	for _, path := range []string{"/feed.atom", "/feed.json?area=099001&lang=it", "/embed?lang=it"} {
		b.Run(path, func(b *testing.B) {
			compare(b, func(*gateway, string) (string, []string) { return path, nil })
		})
		b.Run(path+", not modified", func(b *testing.B) {
			compare(b, func(g *gateway, _ string) (string, []string) {
				return path, []string{"If-None-Match", g.get(path, "Accept-Language", "it").Header.Get("ETag")}
			})
		})
	}
}
