package broadcast

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"martinella/alerts"
	"martinella/channels"
)

// Metrics are the numbers of the broadcast (INTERFACE.md, Metrics). Labels are
// channel names and closed sets, never an alert or an address; every
// combination is there from the start, at 0.
type Metrics struct {
	deliveries *prometheus.CounterVec
	attempts   *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	jobs       *prometheus.GaugeVec
	oldest     *prometheus.GaugeVec
	dead       *prometheus.GaugeVec
	deadOldest *prometheus.GaugeVec
	expiry     *prometheus.GaugeVec
	breaker    *prometheus.GaugeVec
	receipts   *prometheus.CounterVec
	replies    *prometheus.CounterVec
	checkOK    *prometheus.GaugeVec
	durable    prometheus.Gauge
	replicas   atomic.Pointer[Replicating] // asked when somebody looks; nil until Watch runs
}

// The closed sets of labels.
var (
	outcomes = []State{Accepted, Delivered, Failed, Uncertain, Expired, Suppressed}
	reports  = []channels.ReportState{channels.ReportDelivered, channels.ReportFailed, channels.ReportEnroute}
)

const (
	laneUrgent = "urgent"
	laneNormal = "normal"
)

// NewMetrics registers the metrics for these channels; it panics where they
// are registered already.
func NewMetrics(r prometheus.Registerer, channelNames []string) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "martinella", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "martinella", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		deliveries: counter("deliveries_total", "Recipients or posts that reached an outcome.", "channel", "outcome"),
		attempts:   counter("delivery_attempts_total", "Messages handed to a platform, by what came of it.", "channel", "verdict"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "martinella", Name: "delivery_seconds", Help: "From the approval to the platform's acceptance, for each recipient or post.",
			Buckets:                     []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"channel", "severity"}),
		jobs:       gauge("queue_jobs", "Jobs that are not settled, taken or not.", "channel", "lane"),
		oldest:     gauge("queue_oldest_seconds", "Age of the oldest job that is not settled.", "channel", "lane"),
		dead:       gauge("dead_letters", "Jobs that were given up and wait for a person.", "channel"),
		deadOldest: gauge("dead_letters_oldest_seconds", "Age of the oldest job that was given up and waits for a person; 0 without any.", "channel"),
		expiry:     gauge("token_expiry_seconds", "Time until the channel's credentials end, as the platform told at the last check; +Inf where they do not, or nobody tells.", "channel"),
		breaker:    gauge("breaker_open", "1 while the channel holds back: the platform does not answer, or refuses the credentials.", "channel"),
		receipts:   counter("receipts_total", "Reports of platforms on what they had accepted.", "channel", "state"),
		replies:    counter("replies_total", "What people wrote back: taken, or dropped since it is nobody's business here.", "channel", "result"),
		checkOK:    gauge("channel_check_ok", "1 if the last check of the channel's credentials passed, or there is nothing to check.", "channel"),
		durable:    prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "martinella", Name: "redis_durable", Help: "1 if what is accepted survives a crash and a power loss."}),
	}
	replicas := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "martinella", Name: "redis_replicas_acked", Help: "Replicas that have what was accepted until two seconds ago; 0 where that is not known, or redis.min_replicas is 0.",
	}, func() float64 {
		if w := m.replicas.Load(); w != nil {
			return float64((*w).ReplicasAcked())
		}
		return 0
	})
	r.MustRegister(m.deliveries, m.attempts, m.seconds, m.jobs, m.oldest, m.dead, m.deadOldest, m.expiry, m.breaker, m.receipts, m.replies, m.checkOK, m.durable, replicas)
	for _, c := range channelNames {
		for _, o := range outcomes {
			m.deliveries.WithLabelValues(c, o.String())
		}
		for _, v := range channels.Verdicts {
			m.attempts.WithLabelValues(c, string(v))
		}
		for _, s := range alerts.Severities {
			m.seconds.WithLabelValues(c, string(s))
		}
		for _, s := range reports {
			m.receipts.WithLabelValues(c, string(s))
		}
		for _, result := range []string{replyTaken, replyDropped} {
			m.replies.WithLabelValues(c, result)
		}
		for _, lane := range []string{laneUrgent, laneNormal} {
			m.jobs.WithLabelValues(c, lane)
			m.oldest.WithLabelValues(c, lane)
		}
		m.dead.WithLabelValues(c)
		m.deadOldest.WithLabelValues(c)
		m.expiry.WithLabelValues(c).Set(math.Inf(1))
		m.breaker.WithLabelValues(c)
		m.checkOK.WithLabelValues(c)
	}
	return m
}

// What became of a reply.
const (
	replyTaken   = "taken"
	replyDropped = "dropped"
)

func (m *Metrics) replied(channel, result string) {
	if m != nil {
		m.replies.WithLabelValues(channel, result).Inc()
	}
}

// settled counts what Finish has stored.
// settled counts. timed tells what belongs to the time that readers waited: not
// the change of an earlier post.
func (m *Metrics) settled(channel string, severity alerts.Severity, results []Result, timed func(ordinal uint32) bool, c Changed) {
	for i := range results {
		m.deliveries.WithLabelValues(channel, results[i].State.String()).Inc()
		if results[i].State == Accepted && timed(results[i].Ordinal) {
			m.seconds.WithLabelValues(channel, string(knownSeverity(severity))).Observe(results[i].Latency.Seconds())
		}
	}
	m.changed(channel, c)
}

func (m *Metrics) changed(channel string, c Changed) {
	m.deliveries.WithLabelValues(channel, Delivered.String()).Add(float64(c.Delivered))
	m.deliveries.WithLabelValues(channel, Failed.String()).Add(float64(c.Failed))
	m.deliveries.WithLabelValues(channel, Uncertain.String()).Add(float64(c.Uncertain))
}

func (m *Metrics) depth(channel string, d Depth) {
	m.jobs.WithLabelValues(channel, laneUrgent).Set(float64(d.Urgent.Jobs))
	// What waits for a retry is in no lane; it is shown where it hides nothing.
	m.jobs.WithLabelValues(channel, laneNormal).Set(float64(d.Normal.Jobs + d.Delayed))
	m.oldest.WithLabelValues(channel, laneUrgent).Set(d.Urgent.Oldest.Seconds())
	m.oldest.WithLabelValues(channel, laneNormal).Set(d.Normal.Oldest.Seconds())
	m.dead.WithLabelValues(channel).Set(float64(d.Dead))
	m.deadOldest.WithLabelValues(channel).Set(d.DeadOldest.Seconds())
}

// ends notes how long the channel's credentials hold, where that is known.
func (m *Metrics) ends(channel string, e channels.Ender) {
	left := math.Inf(1)
	if at, known := e.Ends(); known {
		left = time.Until(at).Seconds()
	}
	m.expiry.WithLabelValues(channel).Set(left)
}

// Watch measures what the store promises, every five seconds until ctx ends.
// A store that does not answer is not durable.
func (m *Metrics) Watch(ctx context.Context, w Work) error {
	if r, ok := w.(Replicating); ok {
		m.replicas.Store(&r)
	}
	for {
		d, err := w.Durability(ctx)
		m.durable.Set(gaugeOf(err == nil && d.Durable))
		if !pause(ctx, 5*time.Second) {
			return nil
		}
	}
}

// knownSeverity keeps the label within its set.
func knownSeverity(s alerts.Severity) alerts.Severity {
	if s.Rank() == 0 {
		return alerts.SeverityUnknown
	}
	return s
}

func gaugeOf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
