package dashboards

import (
	"net"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// BenchmarkDoor is what the door costs a request on a connection that is open.
func BenchmarkDoor(b *testing.B) {
	d := NewDoor(1000, nil, prometheus.NewRegistry())
	conns := make([]net.Conn, 64)
	for i := range conns {
		conns[i], _ = net.Pipe()
		d.Watch(conns[i], http.StateNew)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			d.Watch(conns[i%64], http.StateActive)
			d.Watch(conns[i%64], http.StateIdle)
		}
	})
}
