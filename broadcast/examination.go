package broadcast

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// examineEvery is how often a gateway examines itself.
const examineEvery = 30 * time.Second

// FailedCheck is a check that is not right.
type FailedCheck struct {
	Code    string // as doctor prints it
	Problem string // in English, without a secret
	Until   time.Time
	// Excepted reports whether an exception holds, to Until.
	Excepted bool
}

// Examination is what a gateway found when it last examined itself. The zero
// value is that of one that did not yet.
type Examination struct {
	At          time.Time
	Declaration Declaration
	Failed      []FailedCheck
}

// Red counts the checks that failed and are not excepted.
func (e Examination) Red() (n int) {
	for _, f := range e.Failed {
		if !f.Excepted {
			n++
		}
	}
	return n
}

// Examiner examines a gateway again and again, so that what turns bad after it
// was declared live is seen. It stops nothing.
type Examiner struct {
	look                       func(context.Context) (Examination, error)
	log                        *zap.Logger
	declared, failed, excepted prometheus.Gauge
	mu                         sync.Mutex
	last                       Examination
}

// NewExaminer registers the metrics; it panics where they are registered
// already. look makes the checks; its error keeps what was found before.
func NewExaminer(look func(context.Context) (Examination, error), r prometheus.Registerer, log *zap.Logger) *Examiner {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "martinella", Name: name, Help: help})
	}
	e := &Examiner{look: look, log: log,
		declared: gauge("live_declared", "1 where the gateway was declared live, else 0."),
		failed:   gauge("checks_failed", "Checks of doctor that are not right and not excepted, as this node knows."),
		excepted: gauge("checks_excepted", "Checks of doctor that are not right and excepted, as this node knows."),
	}
	r.MustRegister(e.declared, e.failed, e.excepted)
	return e
}

// Last gives what was found last. It does not block and may be called from many
// goroutines.
func (e *Examiner) Last() Examination {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}

// Run examines until ctx ends; its error is always nil.
func (e *Examiner) Run(ctx context.Context) error {
	tick := time.NewTicker(examineEvery)
	defer tick.Stop()
	for {
		found, err := e.look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			e.log.Warn("the gateway could not examine itself; it tries again", zap.Error(err))
		default:
			e.show(found)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (e *Examiner) show(found Examination) {
	e.mu.Lock()
	e.last = found
	e.mu.Unlock()
	e.declared.Set(0)
	if found.Declaration.Declared() {
		e.declared.Set(1)
	}
	red := found.Red()
	e.failed.Set(float64(red))
	e.excepted.Set(float64(len(found.Failed) - red))
}
