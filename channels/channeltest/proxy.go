package channeltest

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Fault is how a [Proxy] breaks the next answers.
type Fault struct {
	kind  faultKind
	n     int
	delay time.Duration
}

type faultKind int

const (
	faultNone faultKind = iota
	faultDrop
	faultReset
	faultMute
	faultTruncate
	faultDelay
	faultBlackhole
)

// NoFault passes everything.
func NoFault() Fault { return Fault{} }

// Drop closes the client's side when the first byte of an answer arrives: the
// peer has surely acted and the client cannot know.
func Drop() Fault { return Fault{kind: faultDrop} }

// Reset is Drop with a TCP reset.
func Reset() Fault { return Fault{kind: faultReset} }

// Mute passes requests and swallows answers.
func Mute() Fault { return Fault{kind: faultMute} }

// Blackhole swallows requests: the peer never sees them.
func Blackhole() Fault { return Fault{kind: faultBlackhole} }

// Truncate passes n bytes of an answer, then closes.
func Truncate(n int) Fault { return Fault{kind: faultTruncate, n: n} }

// Delay holds each piece of an answer back.
func Delay(d time.Duration) Fault { return Fault{kind: faultDelay, delay: d} }

// Proxy stands between a client and a peer on the TCP level and breaks what it
// is told to. Its methods may be called from many goroutines.
type Proxy struct {
	listener net.Listener
	target   string
	done     chan struct{}
	wait     sync.WaitGroup

	mu    sync.Mutex
	fault Fault
	times int // how many more answers are broken; below 0: all
	conns map[net.Conn]bool
	hits  int
}

// StartProxy listens on loopback in front of target ("127.0.0.1:40123"). It
// ends with the test.
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, target: target, done: make(chan struct{}), conns: map[net.Conn]bool{}}
	p.wait.Go(p.accept)
	t.Cleanup(p.Close)
	return p
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Break sets the fault for the next so many answers (below 0: for all), on
// open connections too.
func (p *Proxy) Break(f Fault, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.times, p.hits = f, times, 0
}

// Hits is how many answers or requests the present fault has broken.
func (p *Proxy) Hits() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits
}

// Cut closes all open connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// Close ends the proxy: its address refuses connections from then on. It may be
// called twice.
func (p *Proxy) Close() {
	p.mu.Lock()
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	p.mu.Unlock()
	p.listener.Close()
	p.Cut()
	p.wait.Wait()
}

// take gives the fault of an answer that has just begun, or of a request for
// faults that concern requests.
func (p *Proxy) take(request bool) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.times == 0 || p.fault.kind == faultNone || request != (p.fault.kind == faultBlackhole) {
		return Fault{}
	}
	p.times--
	p.hits++
	return p.fault
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		peer, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		if !p.open(client, peer) {
			client.Close()
			peer.Close()
			return
		}
		p.wait.Go(func() { p.requests(client, peer) })
		p.wait.Go(func() { p.answers(client, peer) })
	}
}

func (p *Proxy) open(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.done:
		return false
	default:
	}
	for _, c := range conns {
		p.conns[c] = true
	}
	return true
}

func (p *Proxy) shut(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		c.Close()
		delete(p.conns, c)
	}
}

func (p *Proxy) requests(client, peer net.Conn) {
	defer func() {
		if c, ok := peer.(*net.TCPConn); ok {
			c.CloseWrite()
		}
	}()
	buf := make([]byte, 32<<10)
	swallow := false
	for {
		n, err := client.Read(buf)
		if n > 0 {
			swallow = swallow || p.take(true).kind == faultBlackhole
			if !swallow {
				if _, err := peer.Write(buf[:n]); err != nil {
					return
				}
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *Proxy) answers(client, peer net.Conn) {
	defer p.shut(client, peer)
	buf := make([]byte, 32<<10)
	for {
		n, err := peer.Read(buf)
		if n > 0 && !p.pass(client, peer, buf[:n]) {
			return
		}
		if err != nil {
			return
		}
	}
}

// pass hands an answer on as the fault says and reports whether the connection
// goes on.
func (p *Proxy) pass(client, peer net.Conn, answer []byte) bool {
	switch f := p.take(false); f.kind {
	case faultDrop:
		return false
	case faultReset:
		if c, ok := client.(*net.TCPConn); ok {
			c.SetLinger(0)
		}
		return false
	case faultMute:
		_, err := io.Copy(io.Discard, peer)
		return err == nil
	case faultTruncate:
		client.Write(answer[:min(f.n, len(answer))])
		return false
	case faultDelay:
		select {
		case <-p.done:
			return false
		case <-time.After(f.delay):
		}
	}
	_, err := client.Write(answer)
	return err == nil
}
