package dashboards

import (
	"context"
	"fmt"
	"sync"
	"time"

	"martinella/broadcast/callout"
)

const (
	// wallsAtOnce is how many boards are read from the store at the same time on
	// this node, and wallWait how long the next one waits for its turn.
	wallsAtOnce = 8
	wallWait    = 2 * time.Second
	// wallPause is the least time between the starts of two reads of one board:
	// a read brings everybody of the call, and many screens ask for the same one.
	wallPause = 100 * time.Millisecond
	// wallTime is the longest that one read may take.
	wallTime = 5 * time.Second
)

// wallReads reads boards from the store, each once for all who ask for it
// meanwhile. Whoever asks gets what was read after they asked, never before: an
// answer that was given by then is in it. It may be used from many goroutines.
type wallReads struct {
	read  func(ctx context.Context, token string) (*callout.View, error)
	turns turns

	mu    sync.Mutex
	next  map[string]*wallRead // by token: reads that have not begun
	begun map[string]time.Time // when boards were read, as far as the next read has to wait
}

// wallRead is one read; view and err are there after done.
type wallRead struct {
	done chan struct{}
	view *callout.View // of all who wait: nobody changes it
	err  error
}

func newWallReads(read func(ctx context.Context, token string) (*callout.View, error)) *wallReads {
	return &wallReads{read: read, turns: make(turns, wallsAtOnce), next: map[string]*wallRead{}, begun: map[string]time.Time{}}
}

// view gives a board as it stands now; it fails with errCrowded where too many
// others are being read. It blocks until the store answered, or ctx ends.
func (w *wallReads) view(ctx context.Context, token string) (*callout.View, error) {
	w.mu.Lock()
	r := w.next[token]
	if r == nil {
		r = &wallRead{done: make(chan struct{})}
		w.next[token] = r
		// The others wait on when the first one has gone.
		go w.run(context.WithoutCancel(ctx), token, r, wallPause-time.Since(w.begun[token]))
	}
	w.mu.Unlock()
	select {
	case <-r.done:
		return r.view, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (w *wallReads) run(ctx context.Context, token string, r *wallRead, wait time.Duration) {
	if wait > 0 {
		<-time.After(wait)
	}
	crowded := w.turns.take(ctx, wallWait)
	began := time.Now()
	w.mu.Lock()
	delete(w.next, token) // who asks from here on may have seen what this read misses
	w.begun[token] = began
	w.mu.Unlock()
	if r.err = crowded; r.err == nil {
		r.view, r.err = w.guarded(ctx, token)
		w.turns.give()
	}
	w.mu.Lock()
	for other, at := range w.begun {
		if time.Since(at) > wallPause {
			delete(w.begun, other)
		}
	}
	if r.err != nil { // what opens nothing is not remembered
		delete(w.begun, token)
	}
	w.mu.Unlock()
	close(r.done)
}

// guarded reads within the time, and makes an error of a mistake in the program:
// no handler is above it that would.
func (w *wallReads) guarded(ctx context.Context, token string) (v *callout.View, err error) {
	limit, cancel := context.WithTimeout(ctx, wallTime)
	defer cancel()
	defer func() {
		if failed := recover(); failed != nil {
			v, err = nil, fmt.Errorf("read a board: the program failed: %v", failed)
		}
	}()
	return w.read(limit, token)
}
