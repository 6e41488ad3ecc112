package channels_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"martinella/channels"
)

// A way that swallows everything without closing is what is left of a connection
// after a network changed its uplink. HTTP/2 would go on using it.
func TestCallerLeavesADeadConnection(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	way, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { way.Close() })
	var made, dead atomic.Int64 // connections; those up to this number
	go func() {
		for {
			near, err := way.Accept()
			if err != nil {
				return
			}
			n := made.Add(1)
			far, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				near.Close()
				continue
			}
			for _, ends := range [][2]net.Conn{{near, far}, {far, near}} {
				go func() {
					defer ends[1].Close()
					block := make([]byte, 4096)
					for {
						got, err := ends[0].Read(block)
						if err != nil {
							return
						}
						if n > dead.Load() {
							_, _ = ends[1].Write(block[:got])
						}
					}
				}()
			}
		}
	}()

	c := channels.NewCaller("mastodon")
	transport := c.Client.Transport.(*http.Transport)
	if watch := transport.HTTP2; watch == nil || watch.SendPingTimeout <= 0 || watch.PingTimeout <= 0 || watch.SendPingTimeout+watch.PingTimeout >= 15*time.Second {
		t.Fatalf("a dead connection is found out too late: %+v", watch)
	}
	transport.HTTP2.SendPingTimeout, transport.HTTP2.PingTimeout = 20*time.Millisecond, time.Second
	transport.TLSClientConfig = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"}
	t.Cleanup(transport.CloseIdleConnections)
	post := func() (*channels.Answer, error) {
		return c.Do(t.Context(), http.MethodPost, "https://"+way.Addr().String(), nil, []byte("x"))
	}
	works := func() { // also on a machine so busy that a living connection seems dead
		t.Helper()
		for begun := time.Now(); ; {
			a, err := post()
			if err == nil && string(a.Body) == "HTTP/2.0" {
				return
			}
			if time.Since(begun) > 30*time.Second {
				t.Fatalf("got %v, %v", a, err)
			}
		}
	}
	works()
	dead.Store(made.Load())
	if _, err = post(); err == nil {
		t.Fatal("the way is not dead")
	} else if v, _ := channels.VerdictOf(err); v != channels.VerdictUncertain {
		t.Errorf("over the dead connection: %v", err)
	}
	works()
}
