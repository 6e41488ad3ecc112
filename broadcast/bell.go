package broadcast

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts"
)

// Bell rings people of the authority where operators look: the log, at the
// level of errors, and a counter that the monitoring pages on. It implements
// [alerts.Ringer], may be called from many goroutines and does not block.
type Bell struct {
	log   *zap.Logger
	rings *prometheus.CounterVec
}

var _ alerts.Ringer = (*Bell)(nil)

// NewBell registers the counter; it panics where it is registered already.
func NewBell(r prometheus.Registerer, log *zap.Logger) *Bell {
	b := &Bell{log: log, rings: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "martinella", Name: "rings_total", Help: "Calls to people of the authority, by cause.",
	}, []string{"why"})}
	r.MustRegister(b.rings)
	for _, why := range alerts.Whys {
		b.rings.WithLabelValues(string(why))
	}
	return b
}

// Ring implements [alerts.Ringer].
func (b *Bell) Ring(_ context.Context, r alerts.Ring) {
	b.rings.WithLabelValues(string(r.Why)).Inc()
	fields := []zap.Field{zap.String("who", string(r.Who)), zap.String("why", string(r.Why))}
	if r.Warning != "" {
		fields = append(fields, zap.String("warning", r.Warning))
	}
	if r.Callout != "" {
		fields = append(fields, zap.String("callout", string(r.Callout)))
	}
	if rec := r.Record; rec != nil {
		fields = append(fields, zap.String("alert", string(rec.ID)), zap.String("event", string(rec.Event)), zap.String("severity", string(rec.Severity())), zap.Time("expires", rec.Alert.Expires()))
	}
	if r.Why == alerts.WhyApproval || r.Why == alerts.WhySent { // a part of every day's work
		b.log.Info("ring", fields...)
		return
	}
	b.log.Error("ring", fields...)
}
