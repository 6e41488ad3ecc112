package callout

import "github.com/prometheus/client_golang/prometheus"

// metrics name nobody and no call.
type metrics struct {
	lag         prometheus.Gauge
	short       prometheus.Gauge
	pages       *prometheus.CounterVec
	answers     *prometheus.CounterVec
	late        prometheus.Counter
	unsaid      prometheus.Counter
	unavoidable prometheus.Counter
}

func newMetrics(r prometheus.Registerer) metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "martinella", Name: name, Help: help})
	}
	m := metrics{
		lag: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "martinella", Name: "callout_lag_seconds",
			Help: "How long the oldest step of an open call of volunteers has been due; 0 where nothing waits."}),
		short: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "martinella", Name: "callouts_short",
			Help: "Open calls of volunteers to which too few come, and for which somebody has to decide on a second wave."}),
		pages: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "martinella", Name: "callout_pages_total",
			Help: "Pages to volunteers that were queued, by channel and kind."}, []string{"channel", "kind"}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "martinella", Name: "callout_answers_total",
			Help: "Answers of volunteers, by the way they came and what they say."}, []string{"via", "kind"}),
		late:        counter("callout_late_total", "Steps of calls that were due more than half an hour before: put off, or dropped where people had met already."),
		unsaid:      counter("callout_unsaid_total", "Pages to volunteers that their channel could not say in any language."),
		unavoidable: counter("callout_unavoidable_total", "Pages that were with the provider when the volunteer's answer came."),
	}
	r.MustRegister(m.lag, m.short, m.pages, m.answers, m.late, m.unsaid, m.unavoidable)
	return m
}
