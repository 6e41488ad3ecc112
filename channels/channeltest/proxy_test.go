package channeltest

import (
	"io"
	"net"
	"testing"
	"time"
)

// echo answers every piece with the same; it counts what it got.
func echo(t *testing.T) (addr string, got chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got = make(chan string, 16)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 64)
				for {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					got <- string(buf[:n])
					c.Write(buf[:n])
				}
			}()
		}
	}()
	return l.Addr().String(), got
}

func TestProxyFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault  Fault
		want   string // what the client reads
		closed bool   // the client sees an end
		seen   bool   // the peer got the request
	}{
		"none":      {NoFault(), "hello", false, true},
		"drop":      {Drop(), "", true, true},
		"reset":     {Reset(), "", true, true},
		"truncate":  {Truncate(2), "he", true, true},
		"delay":     {Delay(20 * time.Millisecond), "hello", false, true},
		"mute":      {Mute(), "", false, true},
		"blackhole": {Blackhole(), "", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			addr, got := echo(t)
			p := StartProxy(t, addr)
			conn, err := net.Dial("tcp", p.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			p.Break(c.fault, 1)
			if _, err := io.WriteString(conn, "hello"); err != nil {
				t.Fatal(err)
			}
			if c.seen {
				if s := <-got; s != "hello" {
					t.Errorf("the peer got %q", s)
				}
			}
			conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			b := make([]byte, 5)
			n, err := io.ReadFull(conn, b)
			timeout, _ := err.(net.Error)
			if string(b[:n]) != c.want || (err != nil && !(timeout != nil && timeout.Timeout())) != c.closed {
				t.Errorf("the client read %q, %v", b[:n], err)
			}
			if !c.seen && len(got) > 0 {
				t.Error("the peer saw the request")
			}
			if want := map[bool]int{true: 0, false: 1}[name == "none"]; p.Hits() != want {
				t.Errorf("%d hits, want %d", p.Hits(), want)
			}
			p.Close()
			if c, err := net.Dial("tcp", p.Addr()); err == nil {
				c.Close()
				t.Error("a closed proxy takes connections")
			}
		})
	}
}
