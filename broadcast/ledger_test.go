package broadcast_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"martinella/alerts"
	"martinella/alerts/ledger"
	"martinella/broadcast"
)

// heads answers as a test says.
type heads struct {
	mu   sync.Mutex
	err  error
	size int64
}

// say sets what it answers from now on.
func (h *heads) say(size int64, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.size, h.err = size, err
}

func (h *heads) Key() ledger.Key { return ledger.Key{} }
func (h *heads) Head(context.Context) (ledger.Signed, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return ledger.Signed{Head: ledger.Head{Size: h.size}}, h.err
}
func (h *heads) Entries(context.Context, int64) iter.Seq2[ledger.Entry, error] { return nil }
func (h *heads) Range(context.Context, int64, int64) ([]ledger.Entry, error) {
	return nil, errors.New("not asked for here")
}

func (h *heads) Recheck(context.Context, int64) (*ledger.Report, error) {
	return nil, errors.New("not asked for here")
}

func (h *heads) Prove(context.Context, int64) (ledger.Proof, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return ledger.Proof{}, h.err
}

func TestTheLedgerKeeperSaysWhatIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &heads{size: 7}
		registry := prometheus.NewRegistry()
		core, logs := observer.New(zap.InfoLevel)
		keeper := broadcast.NewLedgerKeeper(l, registry, zap.New(core))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- keeper.Run(ctx) }()
		gauge := func(name string) float64 {
			t.Helper()
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range families {
				if f.GetName() == "martinella_ledger_"+name {
					return f.GetMetric()[0].GetGauge().GetValue()
				}
			}
			t.Fatalf("no metric %s", name)
			return 0
		}
		expect := func(when string, size, behind, broken float64, lines int) {
			t.Helper()
			synctest.Wait()
			if got := gauge("signed_entries"); got != size {
				t.Errorf("%s: %v entries, want %v", when, got, size)
			}
			if got := gauge("behind_seconds"); got != behind {
				t.Errorf("%s: %v s behind, want %v", when, got, behind)
			}
			if got := gauge("broken"); got != broken {
				t.Errorf("%s: broken %v, want %v", when, got, broken)
			}
			if got := logs.Len(); got != lines {
				t.Errorf("%s: %d lines in the log, want %d: %v", when, got, lines, logs.All())
			}
		}
		expect("at the start", 7, 0, 0, 0)
		l.say(7, alerts.ErrUnavailable)
		time.Sleep(time.Minute)
		expect("without a store", 7, 60, 0, 1)
		l.say(7, errors.Join(ledger.ErrBroken, errors.New("entry 3")))
		time.Sleep(time.Minute)
		expect("with a store that was meddled with", 7, 120, 1, 2)
		l.say(9, nil)
		time.Sleep(5 * time.Second)
		expect("mended", 9, 0, 0, 3)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
