package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"martinella/alerts"
	"martinella/broadcast"
)

func TestMain(m *testing.M) {
	playRole()
	goleak.VerifyTestMain(m)
}

// record is a public warning for one municipality.
func record(change ...func(*alerts.Record)) *alerts.Record {
	r := &alerts.Record{ID: "01JD00000000000000000000AA", State: alerts.StateIssued, Change: alerts.ChangeIssued, Alert: &alerts.Alert{
		Status: alerts.StatusActual, MsgType: alerts.MsgAlert, Scope: alerts.ScopePublic,
		Infos: []alerts.Info{{Event: "Piena", Areas: []alerts.Area{{Description: "Verona", Geocodes: []alerts.Value{{Name: "ISTAT", Value: "023091"}}}}}},
	}}
	for _, c := range change {
		c(r)
	}
	return r
}

// message is what the test's builder writes, and what clients read.
type message struct {
	Type   string           `json:"type"`
	Cursor broadcast.Cursor `json:"cursor"`
	Time   string           `json:"time,omitempty"`
	View   string           `json:"view,omitempty"`
	Lang   string           `json:"lang,omitempty"`
	Spread int64            `json:"spread_ms,omitempty"`
	Fill   string           `json:"fill,omitempty"`
}

func writes(view, fill string) Build {
	return func(e broadcast.Entry, lang string, spread time.Duration) []byte {
		b, err := json.Marshal(message{Type: "alert", Cursor: e.Cursor, View: view, Lang: lang, Spread: spread.Milliseconds(), Fill: fill})
		if err != nil {
			panic(err)
		}
		return b
	}
}

// stand is a hub with its log and numbers.
type stand struct {
	*Hub
	log *book
	reg *prometheus.Registry
}

// newStand is a hub that follows on the end of the log.
func newStand(t testing.TB, log *book, change ...func(*Config)) *stand {
	t.Helper()
	reg := prometheus.NewRegistry()
	m, err := NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Log: log, Brief: writes("brief", ""), Full: writes("full", ""), Metrics: m, ShutdownSpread: time.Millisecond}
	for _, f := range change {
		f(&c)
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	head, _ := log.Head(t.Context())
	h.Begin(head)
	return &stand{h, log, reg}
}

// publish appends to the log and tells the hub.
func (s *stand) publish(r *alerts.Record) broadcast.Entry {
	e := s.log.add(r)
	s.Publish(e)
	return e
}

// value sums a metric over the series that have this label value ("" is all);
// for a histogram it is the count. -1 when there is none.
func (s *stand) value(t testing.TB, name, label string) float64 {
	t.Helper()
	families, err := s.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum, found := 0.0, false
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() != name || (label != "" && m.GetLabel()[0].GetValue() != label) {
				continue
			}
			found = true
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	if !found {
		return -1
	}
	return sum
}

// fanoutSeconds is the sum of the histogram.
func (s *stand) fanoutSeconds(t testing.TB) (sum float64) {
	t.Helper()
	families, err := s.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			sum += m.GetHistogram().GetSampleSum()
		}
	}
	return sum
}

func (s *stand) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/live", s)
	mux.Handle("/events", s.Events())
	return mux
}

// serve runs the hub behind a real listener until the test ends.
func (s *stand) serve(t testing.TB) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(s.routes())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
		srv.Close()
		if n := s.Clients(); n != 0 {
			t.Errorf("after Run %d clients are open", n)
		}
	})
	return srv
}

// pipes is a network in memory: sockets for a synctest bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr {
	return &net.UnixAddr{Name: "pipes", Net: "unix"}
}

func (p *pipes) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// servePipes runs the hub on pipes; stop is a shutdown that waits.
func (s *stand) servePipes(t *testing.T) (p *pipes, stop func()) {
	t.Helper()
	p = &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	srv := &http.Server{Handler: s.routes()}
	served, ran := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { defer close(served); _ = srv.Serve(p) }()
	go func() { defer close(ran); _ = s.Run(ctx) }()
	return p, once(func() {
		cancel()
		<-ran
		// As serve does: the requests that end get their last bytes out.
		last, enough := context.WithTimeout(context.Background(), 5*time.Second)
		defer enough()
		_ = srv.Shutdown(last)
		_ = srv.Close()
		<-served
	})
}

// once is sync.OnceFunc for a bubble: who comes second waits on a channel. On a
// lock it would stop the bubble's clock, for which the first one may wait.
func once(f func()) func() {
	var begun atomic.Bool
	ended := make(chan struct{})
	return func() {
		if begun.CompareAndSwap(false, true) {
			f()
			close(ended)
		}
		<-ended
	}
}

// listener is one open WebSocket of a test.
type listener struct {
	t testing.TB
	*websocket.Conn
}

func wsURL(base, query string) string {
	return "ws" + strings.TrimPrefix(base, "http") + "/live?" + query
}

func listen(t testing.TB, base, query string) *listener {
	t.Helper()
	conn, resp, err := websocket.DefaultDialer.DialContext(t.Context(), wsURL(base, query), nil)
	if err != nil {
		t.Fatalf("open %s: %v (%v)", query, err, resp)
	}
	t.Cleanup(func() { conn.Close() })
	return &listener{t, conn}
}

func (p *pipes) listen(t testing.TB, query string) *listener {
	t.Helper()
	d := websocket.Dialer{NetDialContext: p.Dial}
	conn, resp, err := d.DialContext(t.Context(), wsURL("http://feed.test", query), nil)
	if err != nil {
		t.Fatalf("open %s: %v (%v)", query, err, resp)
	}
	t.Cleanup(func() { conn.Close() })
	return &listener{t, conn}
}

func (l *listener) next() (m message, err error) {
	_, b, err := l.ReadMessage()
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(b, &m)
}

// wants reads messages written like "hello 3", "alert 4", "gone".
func (l *listener) wants(want ...string) {
	l.t.Helper()
	for i, w := range want {
		m, err := l.next()
		if err != nil {
			l.t.Fatalf("message %d: got error %v, want %s", i, err, w)
		}
		if got := m.String(); got != w {
			l.t.Fatalf("message %d: got %s, want %s", i, got, w)
		}
	}
}

func (m message) String() string {
	if m.Cursor == "" {
		return m.Type
	}
	n, _ := number(m.Cursor)
	return fmt.Sprintf("%s %d", m.Type, n)
}

// wantsClose reads until the close frame.
func (l *listener) wantsClose(code int) {
	l.t.Helper()
	for {
		_, err := l.next()
		if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
			if closed.Code != code {
				l.t.Errorf("closed with %v, want code %d", closed, code)
			}
			return
		}
		if err != nil {
			l.t.Fatalf("closed with error %v, want close code %d", err, code)
		}
	}
}
