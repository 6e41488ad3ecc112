package broadcast

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// What turns bad is counted apart from what is excepted, and an examination
// that could not be made leaves the one before.
func TestAGatewayExaminesItselfAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var mu sync.Mutex
		var now Examination
		var broken error
		set := func(found Examination, err error) {
			mu.Lock()
			defer mu.Unlock()
			now, broken = found, err
		}
		registry := prometheus.NewRegistry()
		e := NewExaminer(func(context.Context) (Examination, error) {
			mu.Lock()
			defer mu.Unlock()
			return now, broken
		}, registry, zap.NewNop())
		go e.Run(ctx)
		is := func(name string, declared, failed, excepted float64) {
			t.Helper()
			synctest.Wait()
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]float64{}
			for _, f := range families {
				got[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
			}
			want := map[string]float64{"martinella_live_declared": declared, "martinella_checks_failed": failed, "martinella_checks_excepted": excepted}
			if !maps.Equal(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
		is("not declared", 0, 0, 0)
		set(Examination{At: time.Now(), Declaration: Declaration{At: time.Now()}, Failed: []FailedCheck{{Code: "clock"}, {Code: "tls"}, {Code: "backup:nas", Excepted: true}}}, nil)
		is("not looked at yet", 0, 0, 0)
		time.Sleep(examineEvery)
		is("declared, and two are red", 1, 2, 1)
		set(Examination{}, errors.New("the store does not answer"))
		time.Sleep(examineEvery)
		is("nobody could look", 1, 2, 1)
		if n := e.Last().Red(); n != 2 {
			t.Errorf("%d are red, want 2", n)
		}
	})
}
