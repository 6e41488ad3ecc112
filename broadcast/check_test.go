package broadcast

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"martinella/channels"
)

// patient is an account whose check is scripted.
type patient struct {
	*checkup
	registry *prometheus.Registry
	said     *observer.ObservedLogs

	mu      sync.Mutex
	times   []time.Duration // of the checks, since the start
	fails   error
	halt    bool
	resumed int
}

func newPatient(look func(context.Context) error) *patient {
	core, said := observer.New(zapcore.InfoLevel)
	a := &patient{said: said, registry: prometheus.NewRegistry()}
	start := time.Now()
	a.checkup = &checkup{ok: prometheus.NewGauge(prometheus.GaugeOpts{Name: "ok", Help: "1 if the last check passed."}), log: zap.New(core),
		look: func(ctx context.Context) error {
			a.mu.Lock()
			a.times = append(a.times, time.Since(start))
			err := a.fails
			a.mu.Unlock()
			if look != nil {
				return look(ctx)
			}
			return err
		},
		halted: func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.halt },
		resume: func() { a.mu.Lock(); defer a.mu.Unlock(); a.halt = false; a.resumed++ },
	}
	a.registry.MustRegister(a.ok)
	return a
}

// gauge is what the world sees.
func (a *patient) gauge(t *testing.T) float64 { return value(t, a.registry, "ok") }

func (a *patient) set(fails error, halt bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fails, a.halt, a.times = fails, halt, nil
}

func (a *patient) checks() []time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]time.Duration(nil), a.times...)
}

// checked runs f while the account is being checked.
func checked(t *testing.T, a *patient, f func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); a.run(ctx) }()
	f()
	stop()
	<-done
}

func TestAnAccountIsCheckedAtTheStartAndEveryFewMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newPatient(nil)
		checked(t, a, func() {
			if got := a.gauge(t); got != 0 {
				t.Errorf("before the first check the gauge is %v", got)
			}
			time.Sleep(checkFirst)
			synctest.Wait()
			if got := a.gauge(t); got != 1 || len(a.checks()) != 1 {
				t.Errorf("after the first the gauge is %v, checks %v", got, a.checks())
			}
			time.Sleep(time.Hour)
		})
		all := a.checks()
		for i := 1; i < len(all); i++ {
			if gap := all[i] - all[i-1]; gap < checkEvery*9/10 || gap > checkEvery*11/10 {
				t.Errorf("check %d came after %v", i, gap)
			}
		}
		if len(all) < 11 || len(all) > 14 || a.said.Len() != 0 {
			t.Errorf("%d checks in an hour, said %v", len(all), a.said.All())
		}
	})
}

func TestAFailedCheckIsRepeatedSoonerAndSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newPatient(nil)
		checked(t, a, func() {
			time.Sleep(time.Minute)
			a.set(errors.New("bad token"), false)
			time.Sleep(30 * time.Minute)
			if n := len(a.checks()); n < 22 || n > 30 {
				t.Errorf("%d checks in half an hour that all fail", n)
			}
			if got := a.gauge(t); got != 0 || a.said.Len() != 1 || a.said.All()[0].Level != zapcore.ErrorLevel {
				t.Errorf("the gauge is %v, said %v", got, a.said.All())
			}
			a.set(nil, false)
			time.Sleep(2 * checkAgain)
			if got := a.gauge(t); got != 1 || a.said.Len() != 2 || a.said.All()[1].Level != zapcore.InfoLevel {
				t.Errorf("mended: the gauge is %v, said %v", got, a.said.All())
			}
		})
	})
}

func TestAHaltedChannelIsCheckedOftenAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newPatient(nil)
		checked(t, a, func() {
			time.Sleep(time.Minute)
			a.set(errors.New("bad token"), true)
			time.Sleep(10 * time.Minute)
			if n := len(a.checks()); n < 38 || n > 41 {
				t.Errorf("%d checks in ten minutes of a halt", n)
			}
			a.set(nil, true)
			time.Sleep(2 * haltRecheck)
			synctest.Wait()
			if a.halted() {
				t.Error("still halted after a check that passed")
			}
		})
	})
}

func TestChannelsAreNotCheckedAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		all := make([]*patient, 40)
		for i := range all {
			all[i] = newPatient(nil)
			wg.Go(func() { all[i].run(ctx) })
		}
		time.Sleep(2*checkEvery + checkFirst)
		stop()
		wg.Wait()
		for round := range 2 {
			moments := map[time.Duration]int{} // by tenth of a second
			for _, a := range all {
				moments[a.checks()[round].Truncate(100*time.Millisecond)]++
			}
			if len(moments) < 15 {
				t.Errorf("round %d: 40 checks within %d moments", round, len(moments))
			}
		}
	})
}

func TestACheckThatHangsOrCrashesHasFailed(t *testing.T) {
	for name, look := range map[string]func(context.Context) error{
		"hangs":   func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"crashes": func(context.Context) error { panic("nil map") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newPatient(look)
				checked(t, a, func() {
					time.Sleep(checkFirst + checkTimeout + 2*checkAgain + checkTimeout)
					if n := len(a.checks()); n < 2 || n > 4 || a.gauge(t) != 0 || a.resumed != 0 {
						t.Errorf("%d checks, the gauge is %v", n, a.gauge(t))
					}
				})
			})
		})
	}
}

// A halted channel starts again as soon as the credentials are good, whatever
// else the platform says of its settings.
func TestAHaltedChannelStartsAgain(t *testing.T) {
	for name, c := range map[string]struct {
		says    error
		resumes bool
	}{
		"the check passes":               {nil, true},
		"the token ends in a week":       {channels.Permanent(errors.New("the token ends on 2026-11-29")), true},
		"the credentials are refused":    {channels.Unauthorized(errors.New("401")), false},
		"the platform does not answer":   {errors.New("timeout"), false},
		"the platform wants us to wait":  {channels.RetryAfter(errors.New("429"), time.Minute), false},
		"nobody knows what the platform": {channels.Uncertain(errors.New("500")), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newPatient(nil)
				a.set(c.says, true)
				checked(t, a, func() {
					time.Sleep(checkFirst + haltRecheck)
					synctest.Wait()
				})
				if got := a.resumed > 0; got != c.resumes {
					t.Errorf("it starts again: %v", got)
				}
				if got := a.gauge(t); (got == 1) != (c.says == nil) {
					t.Errorf("the gauge says %v", got)
				}
			})
		})
	}
}
