package broadcast

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"martinella/alerts"
)

func TestTheBellIsLoggedAndCounted(t *testing.T) {
	core, logs := observer.New(zapcore.ErrorLevel)
	reg := prometheus.NewPedanticRegistry()
	b := NewBell(reg, zap.New(core))
	counts := func() map[string]float64 {
		t.Helper()
		families, err := reg.Gather()
		if err != nil || len(families) != 1 || families[0].GetName() != "martinella_rings_total" {
			t.Fatalf("%v, %v", families, err)
		}
		got := map[string]float64{}
		for _, m := range families[0].GetMetric() {
			got[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
		}
		return got
	}
	if got := counts(); len(got) != len(alerts.Whys) {
		t.Errorf("%d causes are there from the start, want %d", len(got), len(alerts.Whys))
	}
	r := &alerts.Record{ID: "R", Event: "E", Alert: &alerts.Alert{Infos: []alerts.Info{{Severity: alerts.SeverityExtreme}}}}
	b.Ring(t.Context(), alerts.Ring{Who: alerts.CallDuty, Why: alerts.WhyLapsed, Record: r, At: time.Now()})
	if got := counts(); got["lapsed"] != 1 || got["cancelled"] != 0 {
		t.Errorf("counted %v", got)
	}
	if all := logs.All(); len(all) != 1 || all[0].ContextMap()["why"] != "lapsed" || all[0].ContextMap()["event"] != "E" {
		t.Errorf("logged %v", all)
	}
}
