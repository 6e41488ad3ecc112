package live

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"

	"martinella/alerts"
	"martinella/broadcast"
)

// book is a log in memory with the cursors e1-1-0, e1-2-0, ...
type book struct {
	mu      sync.Mutex
	trimmed int // entries up to here are gone
	entries []broadcast.Entry
	more    chan struct{}
	broken  error
	reads   int
}

func newBook(n int) *book {
	b := &book{more: make(chan struct{})}
	for range n {
		b.add(record())
	}
	return b
}

func cursor(n int) broadcast.Cursor { return broadcast.Cursor(fmt.Sprintf("e1-%d-0", n)) }

func number(c broadcast.Cursor) (int, bool) {
	s, ok := strings.CutPrefix(string(c), "e1-")
	s, ok2 := strings.CutSuffix(s, "-0")
	n, err := strconv.Atoi(s)
	return n, ok && ok2 && err == nil
}

func (b *book) add(r *alerts.Record) broadcast.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := broadcast.Entry{Cursor: cursor(len(b.entries) + 1), Record: r}
	b.entries = append(b.entries, e)
	close(b.more)
	b.more = make(chan struct{})
	return e
}

func (b *book) Head(context.Context) (broadcast.Cursor, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return cursor(len(b.entries)), nil
}

func (b *book) After(_ context.Context, c broadcast.Cursor, most int) ([]broadcast.Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	if b.broken != nil {
		return nil, b.broken
	}
	n, ok := number(c)
	if !ok || n < b.trimmed {
		return nil, broadcast.ErrGone
	}
	if n >= len(b.entries) {
		return nil, nil
	}
	rest := b.entries[n:]
	return rest[:min(most, len(rest))], nil
}

func (b *book) Tail(ctx context.Context, c broadcast.Cursor) iter.Seq2[broadcast.Entry, error] {
	return func(yield func(broadcast.Entry, error) bool) {
		for ctx.Err() == nil {
			b.mu.Lock()
			more := b.more
			b.mu.Unlock()
			entries, err := b.After(ctx, c, 1000)
			if err != nil && !yield(broadcast.Entry{}, err) {
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
				c = e.Cursor
			}
			if len(entries) == 0 {
				select {
				case <-more:
				case <-ctx.Done():
				}
			}
		}
	}
}

var _ broadcast.Log = (*book)(nil)
