package dashboards

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/alerts"
)

// metrics of the intake; names as in the interface.
type metrics struct {
	accepted  *prometheus.CounterVec
	refusals  *prometheus.CounterVec
	seconds   prometheus.Histogram
	panics    prometheus.Counter
	rendering prometheus.Histogram
}

// newMetrics registers the metrics with every combination of labels at 0.
func newMetrics(c Config) (*metrics, error) {
	m := &metrics{
		accepted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "martinella_alerts_accepted_total", Help: "Alerts taken for the first time, issued or waiting for a second person.",
		}, []string{"status", "msg_type", "severity", "via"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "martinella_alerts_refused_total", Help: "Requests of the API that were refused, by reason.",
		}, []string{"reason"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "martinella_accept_seconds", Help: "From the first byte of a submitted alert to its answer, for alerts that were taken.",
			Buckets:                     []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "martinella_panics_total", Help: "Requests that met a defect of the program.",
		}),
		rendering: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "martinella_page_render_seconds", Help: "Time to render a page once for all its readers.",
			Buckets:                     []float64{.0005, .001, .005, .01, .05, .1, .5, 1},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}),
	}
	for _, status := range alerts.Statuses {
		for _, kind := range alerts.MsgTypes {
			for _, severity := range alerts.Severities {
				m.accepted.WithLabelValues(string(status), string(kind), string(severity), viaAPI)
			}
		}
	}
	for _, a := range answers {
		m.refusals.WithLabelValues(a.reason)
	}
	for _, reason := range otherReasons {
		m.refusals.WithLabelValues(reason)
	}
	all := []prometheus.Collector{m.accepted, m.refusals, m.seconds, m.panics, m.rendering}
	if c.Ledger != nil {
		all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "martinella_ledger_entries", Help: "Acts in the ledger; -1 while the store does not answer.",
		}, func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			n, err := c.Ledger(ctx)
			if err != nil {
				return -1
			}
			return float64(n)
		}))
	}
	for name, certificate := range c.Certificates {
		all = append(all, expiry(name, func() time.Time { return certificate.NotAfter }))
	}
	if c.TLS != nil { // where there is none yet, it has ended
		all = append(all, expiry("public", func() time.Time {
			if at := c.TLS().Expires; !at.IsZero() {
				return at
			}
			return time.Now()
		}))
	}
	for _, collector := range all {
		if err := c.Registry.Register(collector); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

func expiry(name string, ends func() time.Time) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "martinella_certificate_expiry_seconds", Help: "Time until a certificate expires, negative once it has.",
		ConstLabels: prometheus.Labels{"name": name},
	}, func() float64 { return time.Until(ends()).Seconds() })
}

// viaAPI is how an alert came in; the console and watched feeds are others.
const viaAPI = "api"

func (m *metrics) refused(reason string) {
	m.refusals.WithLabelValues(reason).Inc()
}

func (m *metrics) acceptedOne(r *alerts.Record, took time.Duration) {
	m.accepted.WithLabelValues(string(r.Alert.Status), string(r.Alert.MsgType), string(r.Severity()), r.Via).Inc()
	m.seconds.Observe(took.Seconds())
}
