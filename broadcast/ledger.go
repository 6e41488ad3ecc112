package broadcast

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"martinella/alerts/ledger"
)

// Ledger is the tree over all acts of the authority. Any node may grow it, and
// all grow the same. Its methods may be called from many goroutines and block
// until the store answered; errors are an [alerts.ErrUnavailable] where it did
// not, and a [ledger.ErrBroken] where acts, tree and heads contradict each
// other.
type Ledger interface {
	// Key is what heads and entries are signed with.
	Key() ledger.Key

	// Head brings the tree up to the newest act and gives a signed head of it.
	// The answer may be a second old.
	Head(ctx context.Context) (ledger.Signed, error)

	// Entries gives the entries 1 to size, in order. What was changed or
	// removed since the tree has it comes as it is now, with the signature of
	// what it was.
	Entries(ctx context.Context, size int64) iter.Seq2[ledger.Entry, error]

	// Range gives the entries from..to (1 is the first), in order and without
	// signatures; those that the newest head does not cover are left out. It
	// takes as long as there are entries between them, however many there are
	// before and after.
	Range(ctx context.Context, from, to int64) ([]ledger.Entry, error)

	// Recheck verifies the newest entries, at most last, as they are stored at
	// this moment, against the newest head.
	Recheck(ctx context.Context, last int64) (*ledger.Report, error)

	// Prove gives one entry with its proof in the newest head;
	// [alerts.ErrNotFound] for a number that no act has.
	Prove(ctx context.Context, n int64) (ledger.Proof, error)
}

// LedgerKeeper lets the ledger follow the acts, so that a head soon covers
// them: what happens to an act before that, nobody can prove.
type LedgerKeeper struct {
	ledger Ledger
	log    *zap.Logger
	agreed atomic.Int64 // when the tree last held every act, Unix ms
	size   prometheus.Gauge
	broken prometheus.Gauge
}

// ledgerEvery is how often the tree follows.
const ledgerEvery = 5 * time.Second

// NewLedgerKeeper registers the metrics of the ledger; it panics where they
// are registered already.
func NewLedgerKeeper(l Ledger, r prometheus.Registerer, log *zap.Logger) *LedgerKeeper {
	k := &LedgerKeeper{ledger: l, log: log,
		size:   prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "martinella", Name: "ledger_signed_entries", Help: "Acts that the newest signed head of the ledger covers, as this node knows."}),
		broken: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "martinella", Name: "ledger_broken", Help: "1 while acts, tree and signed heads of the ledger contradict each other."}),
	}
	k.agreed.Store(time.Now().UnixMilli())
	r.MustRegister(k.size, k.broken, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "martinella", Name: "ledger_behind_seconds", Help: "Time since a signed head last covered every act.",
	}, func() float64 { return time.Since(time.UnixMilli(k.agreed.Load())).Seconds() }))
	return k
}

// Run follows until ctx ends.
func (k *LedgerKeeper) Run(ctx context.Context) error {
	said := ""
	for {
		head, err := k.ledger.Head(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was stopped
		}
		switch {
		case err == nil:
			k.agreed.Store(time.Now().UnixMilli())
			k.size.Set(float64(head.Size))
			if said != "" {
				k.log.Info("the ledger follows the acts again", zap.Int64("entries", head.Size))
			}
			said = ""
		case err.Error() != said:
			said = err.Error()
			k.log.Error("the ledger does not follow the acts", zap.Error(err))
		}
		k.broken.Set(gaugeOf(errors.Is(err, ledger.ErrBroken)))
		if !pause(ctx, ledgerEvery) {
			return nil
		}
	}
}
