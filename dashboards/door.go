package dashboards

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Door bounds how many connections a listener for everybody holds, so that those
// who come, or somebody who means no good, never use up the open files that the
// gateway needs to reach its store and its channels. Where it is full, the
// connection that has waited longest without a request is closed for the next;
// where each of them has a request, the next one is closed. One source may hold a
// quarter of all.
//
// A connection that became a WebSocket is the live feed's, which has a bound of
// its own. Use [Door.Watch] as ConnState of one or more http.Servers. Its methods
// may be called from many goroutines and do not block.
type Door struct {
	most, each int
	open       func(netip.Addr) bool

	connections prometheus.Gauge
	closed      *prometheus.CounterVec

	mu      sync.Mutex
	seats   map[net.Conn]*seat
	waiting line // of all
	sources map[netip.Prefix]*guest
}

// seat is one connection.
type seat struct {
	conn   net.Conn
	from   *guest // nil: nobody is counted
	waits  bool   // it has no request
	places [2]neighbours
}

// guest is one source.
type guest struct {
	source  netip.Prefix
	held    int
	waiting line
}

// line holds seats without a request, the one that waits longest first. A seat
// stands in that of all ([ofAll]) and in that of its source ([ofSource]).
type line struct{ first, last *seat }

const (
	ofAll = iota
	ofSource
)

type neighbours struct{ before, after *seat }

func (l *line) join(s *seat, which int) {
	s.places[which].before = l.last
	if l.last == nil {
		l.first = s
	} else {
		l.last.places[which].after = s
	}
	l.last = s
}

func (l *line) leave(s *seat, which int) {
	at := s.places[which]
	if at.before == nil {
		l.first = at.after
	} else {
		at.before.places[which].after = at.after
	}
	if at.after == nil {
		l.last = at.before
	} else {
		at.after.places[which].before = at.before
	}
	s.places[which] = neighbours{}
}

// The reasons of closed connections.
const (
	doorFull   = "full"
	doorSource = "source"
)

// NewDoor makes a door for at most so many connections, of which at least one is
// let in. open tells which sources may hold more than a quarter: proxies, and
// programs of this machine; nil: none may.
func NewDoor(most int, open func(netip.Addr) bool, registry prometheus.Registerer) *Door {
	most = max(most, 1)
	d := &Door{most: most, each: max(most/4, 1), open: open, seats: map[net.Conn]*seat{}, sources: map[netip.Prefix]*guest{},
		connections: prometheus.NewGauge(prometheus.GaugeOpts{Name: "martinella_connections", Help: "Open connections of the public listeners, without those of the live feed that became WebSockets."}),
		closed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "martinella_connections_closed_total",
			Help: "Connections of the public listeners that were closed since there were too many, in all (full) or of one source (source)."}, []string{"reason"})}
	d.closed.WithLabelValues(doorFull)
	d.closed.WithLabelValues(doorSource)
	registry.MustRegister(d.connections, d.closed)
	return d
}

// Watch is the ConnState of an http.Server.
func (d *Door) Watch(conn net.Conn, state http.ConnState) {
	var shut net.Conn
	d.mu.Lock()
	switch s := d.seats[conn]; state {
	case http.StateNew:
		shut = d.enter(conn)
	case http.StateActive:
		if s != nil {
			d.busy(s)
		}
	case http.StateIdle:
		if s != nil {
			d.wait(s)
		}
	case http.StateHijacked, http.StateClosed:
		if s != nil {
			d.leave(s)
		}
	}
	d.mu.Unlock()
	if shut == nil {
		return
	}
	if secured, ok := shut.(*tls.Conn); ok {
		shut = secured.NetConn() // a farewell of TLS could wait for the other end, and the door with it
	}
	_ = shut.Close() // its server finds out and says that it is closed
}

// enter takes a connection in, and gives the one that must go.
func (d *Door) enter(conn net.Conn) (shut net.Conn) {
	s := &seat{conn: conn}
	addr, ok := remoteOf(conn)
	if ok && (d.open == nil || !d.open(addr)) {
		source := sourceOf(addr)
		s.from = d.sources[source]
		if s.from == nil {
			s.from = &guest{source: source}
			d.sources[source] = s.from
		}
		s.from.held++
	}
	d.seats[conn] = s
	d.connections.Inc()
	var out *seat
	reason := doorFull
	switch {
	case s.from != nil && s.from.held > d.each:
		out, reason = s.from.waiting.first, doorSource
	case len(d.seats) > d.most:
		out = d.waiting.first
	default:
		d.wait(s)
		return nil
	}
	d.wait(s)
	if out == nil { // each of them has a request
		out = s
	}
	d.closed.WithLabelValues(reason).Inc()
	d.leave(out)
	return out.conn
}

func (d *Door) wait(s *seat) {
	if s.waits {
		return
	}
	s.waits = true
	d.waiting.join(s, ofAll)
	if s.from != nil {
		s.from.waiting.join(s, ofSource)
	}
}

func (d *Door) busy(s *seat) {
	if !s.waits {
		return
	}
	s.waits = false
	d.waiting.leave(s, ofAll)
	if s.from != nil {
		s.from.waiting.leave(s, ofSource)
	}
}

func (d *Door) leave(s *seat) {
	d.busy(s)
	delete(d.seats, s.conn)
	d.connections.Dec()
	if s.from == nil {
		return
	}
	if s.from.held--; s.from.held == 0 {
		delete(d.sources, s.from.source)
	}
}

// remoteOf is the address at the other end.
func remoteOf(conn net.Conn) (netip.Addr, bool) {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap(), true
	}
	return netip.Addr{}, false
}

// sourceOf is what counts as one source: an address of IPv4, or the /64 of IPv6
// that one household has.
func sourceOf(addr netip.Addr) netip.Prefix {
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.WithZone("").Prefix(bits) // of a length that fits
	return prefix
}
