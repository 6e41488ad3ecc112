package broadcast

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"martinella/alerts"
)

func TestTheBellIsLoggedAndCounted(t *testing.T) {
	core, logs := observer.New(zapcore.ErrorLevel)
	b := NewBell(prometheus.NewRegistry(), zap.New(core))
	if n := testutil.CollectAndCount(b.rings); n != len(alerts.Whys) {
		t.Errorf("%d causes are there from the start, want %d", n, len(alerts.Whys))
	}
	r := &alerts.Record{ID: "R", Event: "E", Alert: &alerts.Alert{Infos: []alerts.Info{{Severity: alerts.SeverityExtreme}}}}
	b.Ring(t.Context(), alerts.Ring{Who: alerts.CallDuty, Why: alerts.WhyLapsed, Record: r, At: time.Now()})
	if got := testutil.ToFloat64(b.rings.WithLabelValues("lapsed")); got != 1 {
		t.Errorf("counted %v", got)
	}
	if all := logs.All(); len(all) != 1 || all[0].ContextMap()["why"] != "lapsed" || all[0].ContextMap()["event"] != "E" {
		t.Errorf("logged %v", all)
	}
}
