package rdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/mod/sumdb/tlog"

	"martinella/alerts"
	"martinella/alerts/ledger"
	"martinella/broadcast"
)

// Ledger grows the tree over the acts of the authority, and signs its heads
// with a key that comes from the key file.
type Ledger struct {
	r      *Redis
	signer *ledger.Signer

	mu    sync.Mutex
	last  ledger.Signed // as of asked
	asked time.Time
}

var _ broadcast.Ledger = (*Ledger)(nil)

const (
	// headAge is how old an answer may be: strangers ask for heads.
	headAge = time.Second
	// resignEvery is how often a head is signed anew where nothing happened, to
	// show that nothing did.
	resignEvery = time.Hour
	// growBy is how many acts enter the tree at once.
	growBy = 1000
)

// Ledger gives the ledger. Keep one: it remembers the newest head.
func (r *Redis) Ledger() (*Ledger, error) {
	signer, err := ledger.NewSigner(r.cfg.Authority, r.vault.ledger)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	return &Ledger{r: r, signer: signer}, nil
}

// Key implements [broadcast.Ledger].
func (l *Ledger) Key() ledger.Key { return l.signer.Key() }

// Head implements [broadcast.Ledger].
func (l *Ledger) Head(ctx context.Context) (ledger.Signed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last.Note != nil && time.Since(l.asked) < headAge {
		return l.last, nil
	}
	head, err := l.head(ctx, time.Now())
	if err != nil {
		return ledger.Signed{}, fail("head of the ledger", err)
	}
	l.last, l.asked = head, time.Now()
	return head, nil
}

func (l *Ledger) head(ctx context.Context, now time.Time) (ledger.Signed, error) {
	size, err := l.grow(ctx)
	if err != nil {
		return ledger.Signed{}, err
	}
	kept, err := l.kept(ctx)
	if err != nil {
		return ledger.Signed{}, err
	}
	if kept.Note != nil {
		if kept.Size > size { // another node may have grown and signed meanwhile
			if size, err = l.size(ctx); err != nil {
				return ledger.Signed{}, err
			}
		}
		if err := l.leadsOn(ctx, kept, size); err != nil {
			return ledger.Signed{}, err
		}
		if kept.Size == size && now.Sub(kept.At) < resignEvery {
			return kept, nil
		}
		if now.Before(kept.At) {
			now = kept.At // of a node whose clock is ahead
		}
	}
	root, err := tlog.TreeHash(size, l.reader(ctx))
	if err != nil {
		return ledger.Signed{}, err
	}
	head, err := l.signer.Head(size, root, now)
	if err != nil {
		return ledger.Signed{}, err
	}
	text, err := l.r.repeat(ctx, l.r.scripts.head, []string{l.r.keys.ledgerHead()}, size, head.At.Unix(), head.Note).Text()
	if err != nil {
		return ledger.Signed{}, err
	}
	if text != string(head.Note) { // another node signed a newer one
		return ledger.OpenHead([]byte(text), l.Key())
	}
	return head, nil
}

// kept is the newest head that was signed; without a note where none was.
func (l *Ledger) kept(ctx context.Context) (ledger.Signed, error) {
	var text string
	err := again(ctx, func(ctx context.Context) (err error) {
		text, err = l.r.commands.HGet(ctx, l.r.keys.ledgerHead(), "note").Result()
		return err
	})
	if errors.Is(err, redis.Nil) {
		return ledger.Signed{}, nil
	}
	if err != nil {
		return ledger.Signed{}, err
	}
	head, err := ledger.OpenHead([]byte(text), l.Key())
	if err != nil {
		return head, fmt.Errorf("%w: the head in the store: %w", ledger.ErrBroken, err)
	}
	return head, nil
}

// leadsOn refuses to sign what contradicts an earlier head.
func (l *Ledger) leadsOn(ctx context.Context, kept ledger.Signed, size int64) error {
	if kept.Size > size {
		return fmt.Errorf("%w: a head of %d entries was signed, there are %d", ledger.ErrBroken, kept.Size, size)
	}
	root, err := tlog.TreeHash(kept.Size, l.reader(ctx))
	if err != nil {
		return err
	}
	if root != kept.Root {
		return fmt.Errorf("%w: the first %d entries are not those of the head that was signed", ledger.ErrBroken, kept.Size)
	}
	return nil
}

// Entries implements [broadcast.Ledger].
func (l *Ledger) Entries(ctx context.Context, size int64) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		for from := int64(1); from <= size; from += growBy {
			some, err := l.entries(ctx, from, min(from+growBy-1, size))
			if err != nil {
				yield(ledger.Entry{}, fail("entries of the ledger", err))
				return
			}
			for _, e := range some {
				e.Sig = l.signer.Entry(e.N, e.Leaf)
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// Range implements [broadcast.Ledger].
func (l *Ledger) Range(ctx context.Context, from, to int64) ([]ledger.Entry, error) {
	head, err := l.Head(ctx)
	if err != nil {
		return nil, err
	}
	if from, to = max(from, 1), min(to, head.Size); from > to {
		return nil, nil
	}
	all, err := l.entries(ctx, from, to)
	return all, fail("entries of the ledger", err)
}

// Recheck implements [broadcast.Ledger].
func (l *Ledger) Recheck(ctx context.Context, last int64) (*ledger.Report, error) {
	const op = "verify the newest entries of the ledger"
	head, err := l.Head(ctx)
	if err != nil {
		return nil, err
	}
	from := max(head.Size-last, 0)
	before, err := ledger.Resume(from, l.reader(ctx))
	if err != nil {
		return nil, fail(op, err)
	}
	var entries []ledger.Entry
	if from < head.Size {
		if entries, err = l.entries(ctx, from+1, head.Size); err != nil {
			return nil, fail(op, err)
		}
	}
	return ledger.Recheck(l.Key(), head, before, entries), nil
}

// entries reads from..to: the acts as they are, the leaves as the tree has
// them. Signatures are not made yet.
func (l *Ledger) entries(ctx context.Context, from, to int64) ([]ledger.Entry, error) {
	texts, err := l.texts(ctx, from, to)
	if err != nil {
		return nil, err
	}
	first := tlog.StoredHashIndex(0, from-1)
	hashes, err := l.hashes(ctx, first, tlog.StoredHashIndex(0, to-1))
	if err != nil {
		return nil, err
	}
	all := make([]ledger.Entry, len(texts))
	for i, text := range texts {
		n := from + int64(i)
		leaf := hashes[tlog.StoredHashIndex(0, n-1)-first]
		if text == nil {
			if gap := ledger.Missing(n); ledger.Leaf(gap) == leaf {
				text = gap // it was gone already when the tree came to it
			}
		}
		all[i] = ledger.Entry{N: n, Text: text, Leaf: leaf}
	}
	return all, nil
}

// Prove implements [broadcast.Ledger].
func (l *Ledger) Prove(ctx context.Context, n int64) (ledger.Proof, error) {
	head, err := l.Head(ctx)
	if err != nil {
		return ledger.Proof{}, err
	}
	op := "entry " + strconv.FormatInt(n, 10) + " of the ledger"
	if n < 1 || n > head.Size {
		return ledger.Proof{}, fail(op, alerts.ErrNotFound)
	}
	some, err := l.entries(ctx, n, n)
	if err != nil {
		return ledger.Proof{}, fail(op, err)
	}
	some[0].Sig = l.signer.Entry(n, some[0].Leaf)
	path, err := tlog.ProveRecord(head.Size, n-1, l.reader(ctx))
	if err != nil {
		return ledger.Proof{}, fail(op, err)
	}
	return ledger.Proof{Entry: some[0], Head: head, Path: path}, nil
}
