package live_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/broadcast/live"
)

// hang is how long a test waits for what must come. Nothing is timed by it.
const hang = 30 * time.Second

// way is one way in which the hub keeps its clients.
type way struct {
	name string
	path live.Path
	tls  bool
}

// ways are all of them. Behind TLS the hub has no plain socket to write to and
// takes its queue path, whatever the configuration says.
var ways = []way{
	{name: "epoll", path: live.PathEpoll},
	{name: "goroutines", path: live.PathGoroutines},
	{name: "TLS", tls: true},
}

// eachWay runs a test on every way that this platform has.
func eachWay(t *testing.T, test func(*testing.T, way)) {
	t.Helper()
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			w.needs(t)
			test(t, w)
		})
	}
}

func (w way) needs(t *testing.T) {
	t.Helper()
	if w.path == live.PathEpoll && runtime.GOOS != "linux" {
		t.Skipf("epoll exists on Linux only, and this is %s: the epoll path was NOT tested", runtime.GOOS)
	}
}

// history is a log in memory: cursors e1-1-0, e1-2-0, ..., and from e2-1-0 on
// when it was made anew.
type history struct {
	mu      sync.Mutex
	epoch   int
	trimmed int // entries of this epoch up to here are gone
	entries []broadcast.Entry
	broken  error
	reads   int
}

func newHistory() *history { return &history{epoch: 1} }

func place(epoch, n int) broadcast.Cursor { return broadcast.Cursor(fmt.Sprintf("e%d-%d-0", epoch, n)) }

// number reads a cursor that [place] wrote.
func number(c broadcast.Cursor) (epoch, n int, ok bool) {
	if _, err := fmt.Sscanf(string(c), "e%d-%d-0", &epoch, &n); err != nil {
		return 0, 0, false
	}
	return epoch, n, place(epoch, n) == c
}

func (h *history) last() int { return h.trimmed + len(h.entries) }

func (h *history) add(r *alerts.Record) broadcast.Entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := broadcast.Entry{Cursor: place(h.epoch, h.last()+1), Record: r}
	h.entries = append(h.entries, e)
	return e
}

// anew loses everything and starts another epoch.
func (h *history) anew() broadcast.Cursor {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.epoch++
	h.trimmed, h.entries = 0, nil
	return place(h.epoch, 0)
}

// trim forgets all but the newest entries.
func (h *history) trim(keep int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.entries) - keep; n > 0 {
		h.trimmed += n
		h.entries = append([]broadcast.Entry(nil), h.entries[n:]...)
	}
}

func (h *history) breaks(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken = err
}

func (h *history) Head(context.Context) (broadcast.Cursor, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return place(h.epoch, h.last()), h.broken
}

func (h *history) After(_ context.Context, c broadcast.Cursor, most int) ([]broadcast.Entry, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reads++
	if h.broken != nil {
		return nil, h.broken
	}
	epoch, n, ok := number(c)
	if !ok || epoch != h.epoch || n < h.trimmed {
		return nil, broadcast.ErrGone
	}
	if n >= h.last() {
		return nil, nil
	}
	rest := h.entries[n-h.trimmed:]
	return append([]broadcast.Entry(nil), rest[:min(most, len(rest))]...), nil
}

// Tail is not for the hub: the node reads it, and here the test is the node.
func (h *history) Tail(ctx context.Context, _ broadcast.Cursor) iter.Seq2[broadcast.Entry, error] {
	return func(yield func(broadcast.Entry, error) bool) {
		yield(broadcast.Entry{}, fmt.Errorf("the hub reads the tail: %w", context.Cause(ctx)))
	}
}

var _ broadcast.Log = (*history)(nil)

// warning is a public one for everybody.
func warning(change ...func(*alerts.Record)) *alerts.Record {
	r := &alerts.Record{
		ID: "01JD00000000000000000000AA", State: alerts.StateIssued, Change: alerts.ChangeIssued,
		Alert: &alerts.Alert{
			Status: alerts.StatusActual, MsgType: alerts.MsgAlert, Scope: alerts.ScopePublic,
			Infos: []alerts.Info{{Event: "Piena", Severity: alerts.SeveritySevere}},
		},
	}
	for _, c := range change {
		c(r)
	}
	return r
}

// areas gives the record one area for each list of codes.
func areas(lists ...[]string) func(*alerts.Record) {
	return func(r *alerts.Record) {
		for _, codes := range lists {
			a := alerts.Area{Description: "qui"}
			for _, c := range codes {
				a.Geocodes = append(a.Geocodes, alerts.Value{Name: "code", Value: c})
			}
			r.Alert.Infos[0].Areas = append(r.Alert.Infos[0].Areas, a)
		}
	}
}

// message is what [writes] builds and what clients read.
type message struct {
	Type   string           `json:"type"`
	Cursor broadcast.Cursor `json:"cursor"`
	Time   string           `json:"time,omitempty"`
	View   string           `json:"view,omitempty"`
	Lang   string           `json:"lang,omitempty"`
	Spread int64            `json:"spread_ms,omitempty"`
	Fill   string           `json:"fill,omitempty"`
}

// filled is a text that differs from alert to alert, so that bytes of one
// frame in another are seen.
func filled(c broadcast.Cursor, size int) string {
	_, n, _ := number(c)
	return strings.Repeat(string(rune('a'+n%26)), size)
}

func writes(view string, size int) live.Build {
	return func(e broadcast.Entry, lang string, spread time.Duration) []byte {
		b, err := json.Marshal(message{
			Type: "alert", Cursor: e.Cursor, View: view, Lang: lang, Spread: spread.Milliseconds(),
			Fill: filled(e.Cursor, size),
		})
		if err != nil {
			panic(err)
		}
		return b
	}
}

// site is a hub behind a server on loopback.
type site struct {
	*live.Hub
	log    *history
	reg    *prometheus.Registry
	server *httptest.Server
	tls    bool
	stop   func() error // as an orderly stop does it: Run first, the server afterwards
}

// small is the size of the sockets' buffers where a test wants them to be
// full soon, in bytes; the kernel doubles it. With less, loopback's large
// segments leave the window closed and everybody waits for timers.
const small = 32 << 10

// newSite starts a hub that follows on the end of the log. It is stopped with
// the test at the latest.
func newSite(t testing.TB, w way, log *history, change ...func(*live.Config)) *site {
	t.Helper()
	reg := prometheus.NewRegistry()
	m, err := live.NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	c := live.Config{
		Log: log, Brief: writes("brief", 100), Full: writes("full", 1000), Metrics: m,
		Path: w.path, JoinsPerSecond: -1, ShutdownSpread: time.Millisecond,
	}
	for _, f := range change {
		f(&c)
	}
	h, err := live.New(c)
	if err != nil {
		t.Fatal(err)
	}
	head, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.Begin(head)

	mux := http.NewServeMux()
	mux.Handle("/live", h)
	mux.Handle("/events", h.Events())
	s := &site{Hub: h, log: log, reg: reg, tls: w.tls, server: httptest.NewUnstartedServer(mux)}
	s.server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			_ = plain(c).SetWriteBuffer(small)
		}
	}
	s.server.Config.ErrorLog = quiet()
	if w.tls {
		s.server.StartTLS()
	} else {
		s.server.Start()
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	s.stop = sync.OnceValue(func() error {
		cancel()
		defer s.server.Close()
		select {
		case err := <-ended:
			return err
		case <-time.After(hang):
			return fmt.Errorf("Run does not end, %d clients are open", h.Clients())
		}
	})
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if n := s.Clients(); n != 0 {
			t.Errorf("after Run %d clients are open", n)
		}
	})
	return s
}

// plain is the TCP connection under a connection.
func plain(c net.Conn) *net.TCPConn {
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	return c.(*net.TCPConn)
}

// publish appends to the log and tells the hub, as the node's tail does.
func (s *site) publish(r *alerts.Record) broadcast.Entry {
	e := s.log.add(r)
	s.Publish(e)
	return e
}

// value is a metric's value for one label value; for a histogram the count.
func (s *site) value(t testing.TB, name, label string) (sum float64) {
	t.Helper()
	families, err := s.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (len(m.GetLabel()) == 0 || m.GetLabel()[0].GetValue() == label) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func (s *site) dropped(t testing.TB, reason string) float64 {
	t.Helper()
	return s.value(t, "martinella_live_dropped_total", reason)
}

// eventually looks until it is so.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(hang)
	for !so() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("it never came to this: %s", what)
		}
	}
}
