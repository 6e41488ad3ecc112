package live

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// BenchmarkPublish hands a brief of 400 bytes to 1,000 WebSockets on loopback
// that read it in this process: time to all, and how long Publish itself takes.
func BenchmarkPublish(b *testing.B) {
	const clients = 1000
	s := newStand(b, newBook(0), func(c *Config) { c.Brief = writes("brief", strings.Repeat("x", 300)) })
	srv := s.serve(b)
	var got, ended sync.WaitGroup
	defer ended.Wait()
	for range clients {
		conn, _, err := websocket.DefaultDialer.Dial(wsURL(srv.URL, ""), nil)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		if _, _, err := conn.ReadMessage(); err != nil {
			b.Fatal(err)
		}
		ended.Go(func() {
			for {
				if _, _, err := conn.ReadMessage(); err != nil {
					return
				}
				got.Done()
			}
		})
	}
	var publish time.Duration
	for b.Loop() {
		got.Add(clients)
		e := s.log.add(record())
		began := time.Now()
		s.Publish(e)
		publish += time.Since(began)
		got.Wait()
	}
	b.ReportMetric(float64(publish.Microseconds())/float64(b.N), "us-in-publish/op")
}

// BenchmarkFrame builds one brief for both transports.
func BenchmarkFrame(b *testing.B) {
	s := newStand(b, newBook(1), func(c *Config) { c.Brief = writes("brief", strings.Repeat("x", 300)) })
	b.ReportAllocs()
	for b.Loop() {
		it := s.newItem(s.log.entries[0])
		f := it.frame(s.Hub, wording{viewBrief, "it", minSpread})
		_ = f.ws
		f.event()
	}
}
