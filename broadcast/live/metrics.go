package live

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The transports, as label values.
const (
	webSocket = "websocket"
	sse       = "sse"
)

// Why a client was closed or turned away by us, as label values. A client that
// left by itself is none of them.
const (
	dropSlow     = "slow"     // its backlog was full (4408)
	dropWrite    = "write"    // its socket took nothing within the write timeout
	dropSilent   = "silent"   // no pong: the peer is dead
	dropProtocol = "protocol" // oversize, flood or broken frames
	dropShutdown = "shutdown" // this node stops (1012)
	dropStore    = "store"    // history could not be read (1013)
	dropFull     = "full"     // turned away: as many clients as allowed
	dropPace     = "pace"     // turned away for a while: too many came at once
	dropOrigin   = "origin"   // turned away: a foreign page
)

// Metrics are the numbers of the live feed. Make them once for a registry.
type Metrics struct {
	clients *prometheus.GaugeVec
	dropped *prometheus.CounterVec
	fanout  prometheus.Histogram
	path    *prometheus.GaugeVec
}

// NewMetrics registers the metrics with reg, every label value at 0.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		clients: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "martinella_live_clients",
			Help: "Clients of the live feed that are open on this node.",
		}, []string{"transport"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "martinella_live_dropped_total",
			Help: "Clients of the live feed that were closed or turned away by the gateway.",
		}, []string{"reason"}),
		fanout: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:                            "martinella_live_fanout_seconds",
			Help:                            "Time from reading a change in the log until the last socket of this node was written.",
			Buckets:                         []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}),
	}
	m.path = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "martinella_live_path",
		Help: "1 for the way in which this node keeps idle WebSockets.",
	}, []string{"path"})
	for _, p := range []Path{PathEpoll, PathGoroutines} {
		m.path.WithLabelValues(string(p))
	}
	for _, t := range []string{webSocket, sse} {
		m.clients.WithLabelValues(t)
	}
	for _, r := range []string{dropSlow, dropWrite, dropSilent, dropProtocol, dropShutdown, dropStore, dropFull, dropPace, dropOrigin} {
		m.dropped.WithLabelValues(r)
	}
	return m, errors.Join(reg.Register(m.clients), reg.Register(m.dropped), reg.Register(m.fanout), reg.Register(m.path))
}
