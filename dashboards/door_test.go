package dashboards

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// doorHangs is how long a test waits for what must come.
const doorHangs = time.Minute

// hall is a server behind a door. /wait answers when released.
type hall struct {
	t    *testing.T
	door *Door
	told *prometheus.Registry
	site *httptest.Server
	free func()
}

func newHall(t *testing.T, most int, open func(netip.Addr) bool, secured bool) *hall {
	released := make(chan struct{})
	told := prometheus.NewRegistry()
	h := &hall{t: t, told: told, door: NewDoor(most, open, told), free: sync.OnceFunc(func() { close(released) })}
	h.site = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/wait":
			_, _ = io.WriteString(w, "I wait")
			_ = http.NewResponseController(w).Flush()
			<-released
		case "/take":
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
			return // whoever took it closes it
		}
		_, _ = io.WriteString(w, "welcome")
	}))
	h.site.Config.ConnState = h.door.Watch
	if secured {
		h.site.StartTLS()
	} else {
		h.site.Start()
	}
	t.Cleanup(h.site.Close)
	t.Cleanup(h.free)
	return h
}

// comes connects from an address of loopback.
func (h *hall) comes(from string) net.Conn {
	h.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: doorHangs}
	conn, err := d.DialContext(h.t.Context(), "tcp", h.site.Listener.Addr().String())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(doorHangs))
	return conn
}

// firstLine sends a request and gives the first line of the answer, "" where the
// connection was closed instead.
func firstLine(conn net.Conn, path string) string {
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return ""
	}
	return line
}

// sentAway waits until the other end has closed the connection.
func sentAway(conn net.Conn) bool {
	_, err := conn.Read(make([]byte, 1))
	return err != nil && !errorsTimeout(err)
}

func errorsTimeout(err error) bool {
	late, ok := err.(net.Error)
	return ok && late.Timeout()
}

func (h *hall) holds(n int) {
	h.t.Helper()
	for end := time.Now().Add(doorHangs); h.metric("martinella_connections", "") != float64(n); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("the door counts %v connections, not %d", h.metric("martinella_connections", ""), n)
		}
	}
}

// metric reads a gauge, or a counter of that reason.
func (h *hall) metric(name, reason string) float64 {
	families, err := h.told.Gather()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (reason == "" || m.GetLabel()[0].GetValue() == reason) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	h.t.Fatalf("there is no %s", name)
	return 0
}

func TestWhoWaitsLongestMakesRoom(t *testing.T) {
	h := newHall(t, 8, func(netip.Addr) bool { return true }, false)
	var silent []net.Conn
	for i := range 8 {
		silent = append(silent, h.comes("127.0.0.1"))
		h.holds(i + 1)
	}
	if got := firstLine(silent[0], "/"); got == "" { // now it has waited the shortest
		t.Fatal("a connection among eight is not served")
	}
	if got := firstLine(h.comes("127.0.0.1"), "/"); got == "" {
		t.Error("the ninth is not served")
	}
	if !sentAway(silent[1]) {
		t.Error("the one that waited longest is still there")
	}
	if got := firstLine(silent[0], "/"); got == "" {
		t.Error("one that had asked is gone")
	}
	h.holds(8)
	if n := h.metric("martinella_connections_closed_total", doorFull); n != 1 {
		t.Errorf("%v were closed", n)
	}
}

func TestWhoIsServedIsNotSentAway(t *testing.T) {
	h := newHall(t, 4, func(netip.Addr) bool { return true }, false)
	var served []net.Conn
	for range 4 {
		conn := h.comes("127.0.0.1")
		if got := firstLine(conn, "/wait"); got == "" {
			t.Fatal("not served")
		}
		served = append(served, conn)
	}
	if !sentAway(h.comes("127.0.0.1")) {
		t.Error("a fifth is let in where four are served")
	}
	h.free()
	for _, conn := range served {
		if b, err := io.ReadAll(io.LimitReader(conn, 10)); err != nil || len(b) == 0 {
			t.Errorf("one of the four got %q, %v", b, err)
		}
	}
	h.holds(4)
}

func TestOneSourceLeavesRoomForOthers(t *testing.T) {
	h := newHall(t, 40, nil, false)
	other := h.comes("127.0.0.9")
	h.holds(1)
	var many []net.Conn
	for range 30 {
		many = append(many, h.comes("127.0.0.1"))
	}
	h.holds(11)
	for _, conn := range many[:20] {
		if !sentAway(conn) {
			t.Fatal("one of thirty connections of one source is still there")
		}
	}
	if got := firstLine(other, "/"); got == "" {
		t.Error("the other source is not served")
	}
	if got := firstLine(many[29], "/"); got == "" {
		t.Error("the newest of the many is not served")
	}
	if n := h.metric("martinella_connections_closed_total", doorSource); n != 20 {
		t.Errorf("%v were closed", n)
	}
}

// What became a WebSocket is the live feed's to bound.
func TestATakenConnectionIsNotCounted(t *testing.T) {
	h := newHall(t, 4, nil, false)
	for range 10 {
		if got := firstLine(h.comes("127.0.0.1"), "/take"); got == "" {
			t.Fatal("not served")
		}
	}
	h.holds(0)
	if len(h.door.sources) != 0 {
		t.Errorf("sources are kept: %v", h.door.sources)
	}
}

// Over TLS the door closes the connection beneath, handshake or not.
func TestTheDoorOverTLS(t *testing.T) {
	h := newHall(t, 4, nil, true)
	for i := range 12 {
		h.comes(fmt.Sprintf("127.0.0.%d", i+1))
	}
	h.holds(4)
	r, err := h.site.Client().Get(h.site.URL)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r.Body); err != nil || string(b) != "welcome" {
		t.Errorf("%q, %v", b, err)
	}
	r.Body.Close()
}

func TestManyThroughTheDoor(t *testing.T) {
	h := newHall(t, 16, nil, false)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 40 {
				conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(i+1))}}).Dial("tcp", h.site.Listener.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				_ = conn.SetDeadline(time.Now().Add(doorHangs))
				if i%2 == 0 {
					firstLine(conn, "/")
				}
				conn.Close()
			}
		})
	}
	all.Wait()
	h.holds(0)
	h.door.mu.Lock()
	defer h.door.mu.Unlock()
	if len(h.door.seats) != 0 || len(h.door.sources) != 0 || h.door.waiting != (line{}) {
		t.Errorf("left over: %d seats, %d sources, waiting %v", len(h.door.seats), len(h.door.sources), h.door.waiting.first)
	}
}
