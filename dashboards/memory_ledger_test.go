package dashboards

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"martinella/alerts"
	"martinella/alerts/ledger"
	"martinella/broadcast"
)

// acts is the ledger over the acts of a store in memory; what a test edits is
// what somebody changed in the store after it was signed.
type acts struct {
	m      *memory
	signer *ledger.Signer

	mu     sync.Mutex // of all below; taken after that of the store
	texts  [][]byte
	hashes []tlog.Hash
	edited map[int64][]byte
	fail   error         // of the first entry
	hold   chan struct{} // the entries wait for it, while set
}

var _ broadcast.Ledger = (*acts)(nil)

func newActs(t testing.TB, m *memory) *acts {
	t.Helper()
	signer, err := ledger.NewSigner("valdemo", bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &acts{m: m, signer: signer, edited: map[int64][]byte{}}
}

func (a *acts) Key() ledger.Key { return a.signer.Key() }

func (a *acts) Head(context.Context) (ledger.Signed, error) {
	a.m.mu.Lock()
	defer a.m.mu.Unlock()
	if a.m.down != nil {
		return ledger.Signed{}, a.m.down
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.texts, a.hashes = nil, nil
	var tree ledger.Tree
	for _, act := range a.m.acts {
		text, _ := json.Marshal(act)
		a.texts = append(a.texts, text)
		a.hashes = append(a.hashes, tree.Add(ledger.Leaf(text))...)
	}
	return a.signer.Head(tree.Size(), tree.Root(), time.Now())
}

// set changes what it does from now on.
func (a *acts) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

func (a *acts) entry(n int64) ledger.Entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	leaf := ledger.Leaf(a.texts[n-1])
	e := ledger.Entry{N: n, Text: a.texts[n-1], Leaf: leaf, Sig: a.signer.Entry(n, leaf)}
	if text, changed := a.edited[n]; changed {
		e.Text = text
	}
	return e
}

func (a *acts) Entries(_ context.Context, size int64) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		a.mu.Lock()
		hold, fail := a.hold, a.fail
		a.mu.Unlock()
		if hold != nil {
			<-hold
		}
		for n := int64(1); n <= size; n++ {
			if !yield(a.entry(n), fail) {
				return
			}
		}
	}
}

func (a *acts) Range(ctx context.Context, from, to int64) ([]ledger.Entry, error) {
	head, err := a.Head(ctx)
	if err != nil {
		return nil, err
	}
	var some []ledger.Entry
	for n := max(from, 1); n <= min(to, head.Size); n++ {
		some = append(some, a.entry(n))
	}
	return some, nil
}

func (a *acts) Recheck(ctx context.Context, last int64) (*ledger.Report, error) {
	head, err := a.Head(ctx)
	if err != nil {
		return nil, err
	}
	var before ledger.Tree
	var some []ledger.Entry
	for n := int64(1); n <= head.Size; n++ {
		if e := a.entry(n); n > head.Size-last {
			some = append(some, e)
		} else {
			before.Add(e.Leaf)
		}
	}
	return ledger.Recheck(a.Key(), head, &before, some), nil
}

func (a *acts) Prove(ctx context.Context, n int64) (ledger.Proof, error) {
	head, err := a.Head(ctx)
	if err != nil {
		return ledger.Proof{}, err
	}
	if n < 1 || n > head.Size {
		return ledger.Proof{}, alerts.ErrNotFound
	}
	path, err := tlog.ProveRecord(head.Size, n-1, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			a.mu.Lock()
			out[i] = a.hashes[at]
			a.mu.Unlock()
		}
		return out, nil
	}))
	return ledger.Proof{Entry: a.entry(n), Head: head, Path: path}, err
}
