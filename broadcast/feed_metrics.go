package broadcast

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// feedMetrics are those of the feeds of others, by their configured names.
type feedMetrics struct {
	read, latest, every     *prometheus.GaugeVec
	failures, unread, fresh *prometheus.CounterVec
}

func newFeedMetrics(r prometheus.Registerer, feeds []Feed) feedMetrics {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "martinella", Name: name, Help: help}, []string{"feed"})
	}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "martinella", Name: name, Help: help}, []string{"feed"})
	}
	m := feedMetrics{
		read:     gauge("feed_read_timestamp_seconds", "When a feed of official warnings was last read; before that, when this node started."),
		latest:   gauge("feed_new_timestamp_seconds", "When a feed last brought a warning that concerns us; 0: never."),
		every:    gauge("feed_every_seconds", "How often a feed of official warnings is to be read."),
		failures: counter("feed_failures_total", "Readings of a feed of official warnings by this node that failed."),
		unread:   counter("feed_unreadable_total", "Alerts of a feed that could not be taken: malformed, too large, not signed, nowhere."),
		fresh:    counter("feed_warnings_total", "New official warnings that concern us."),
	}
	r.MustRegister(m.read, m.latest, m.every, m.failures, m.unread, m.fresh)
	for _, f := range feeds {
		m.read.WithLabelValues(f.Name).Set(float64(time.Now().Unix()))
		m.latest.WithLabelValues(f.Name)
		m.every.WithLabelValues(f.Name).Set(f.Every.Seconds())
		for _, c := range []*prometheus.CounterVec{m.failures, m.unread, m.fresh} {
			c.WithLabelValues(f.Name)
		}
	}
	return m
}

// show gives what any node knows of a feed.
func (m feedMetrics) show(name string, s FeedState) {
	if !s.Read.IsZero() {
		m.read.WithLabelValues(name).Set(float64(s.Read.Unix()))
	}
	if !s.New.IsZero() {
		m.latest.WithLabelValues(name).Set(float64(s.New.Unix()))
	}
}
