package broadcast

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
)

// WaitLimit is how long a page may wait for a cursor that this node has not
// reached yet (DECISIONS 22).
const WaitLimit = 2 * time.Second

// ErrBehind is the error of a wait that ended before the node had caught up.
var ErrBehind = errors.New("this node has not seen that change yet")

// Board is the projection that public pages and the live feed read: loaded
// from the records at start, then kept by the log. It holds only what
// everybody may see. Its methods may be called from many goroutines; reading
// takes no lock for longer than a pointer's copy.
type Board struct {
	records alerts.Store
	sitreps alerts.SitrepStore // nil: nobody reports
	log     Log
	logger  *zap.Logger

	observers []func(Entry) // set before Run
	loads     []func(Cursor)
	resets    []func()

	mu     sync.Mutex
	view   *View
	moved  chan struct{}   // closed when the view changes
	epochs map[string]bool // that this board has lived in
	loaded bool
	fault  error // of the store, nil while all is well
	since  time.Time
}

// NewBoard makes an empty board; [Board.Run] fills it.
func NewBoard(records alerts.Store, log Log, logger *zap.Logger) *Board {
	return &Board{records: records, log: log, logger: logger, view: &View{}, moved: make(chan struct{}), epochs: map[string]bool{}, fault: errors.New("not loaded yet"), since: time.Now()}
}

// Sitreps has the board load what was seen at its events. Call it before Run.
func (b *Board) Sitreps(from alerts.SitrepStore) { b.sitreps = from }

// Observe has f called with each published change that everybody may see, and with
// each report of what was seen there ([Entry.Sitrep]), in order, each once, after it is in the view. f must not block. Call it before
// Run.
func (b *Board) Observe(f func(Entry)) { b.observers = append(b.observers, f) }

// OnLoad has f called with the cursor at which all was loaded, each time that
// it was, before the first change after it is observed. f must not block. Call
// it before Run.
func (b *Board) OnLoad(f func(after Cursor)) { b.loads = append(b.loads, f) }

// OnReset has f called when changes may have been missed and all was loaded
// again: cursors from before are gone. Call it before Run.
func (b *Board) OnReset(f func()) { b.resets = append(b.resets, f) }

// Snapshot is the newest view. It is never nil.
func (b *Board) Snapshot() *View {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.view
}

// Wait gives a view that has reached the cursor. It waits for it at most
// limit; then, or when ctx ends, the error is ErrBehind and the view the
// newest one. A cursor that is empty, malformed or of an epoch that is over
// waits for nothing. Neither does one of an epoch that this node has not lived
// in: the error is ErrGone, since nobody knows whether it ever comes.
func (b *Board) Wait(ctx context.Context, cursor Cursor, limit time.Duration) (*View, error) {
	epoch, _, _, ok := cursor.place()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		b.mu.Lock()
		view, moved := b.view, b.moved
		current, _, _, _ := view.Cursor.place()
		known, begun := b.epochs[epoch], len(b.epochs) > 0
		b.mu.Unlock()
		switch {
		case !ok, view.Cursor.Reached(cursor), known && epoch != current:
			return view, nil
		case !known && begun:
			return view, ErrGone
		}
		select {
		case <-moved:
		case <-timer.C:
			return view, ErrBehind
		case <-ctx.Done():
			return view, ErrBehind
		}
	}
}

// Health tells what is wrong with the board's source and since when; nil while
// it is loaded and follows the log.
func (b *Board) Health() (since time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.since, b.fault
}

// Run loads the board and follows the log until ctx ends; it returns nil then.
// Losing the store does not end it: the last view stays, and Health says so.
func (b *Board) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		head, err := b.load(ctx)
		if err != nil {
			b.ill(err)
			pause(ctx, storePause)
			continue
		}
		b.follow(ctx, head)
	}
	return nil
}

// load reads the cursor first and the records then: what is published in
// between comes again by the log, which changes nothing.
func (b *Board) load(ctx context.Context) (Cursor, error) {
	head, err := b.log.Head(ctx)
	if err != nil {
		return "", fmt.Errorf("head of the log: %w", err)
	}
	var records []*alerts.Record
	states := []alerts.State{alerts.StateIssued, alerts.StateSuperseded, alerts.StateCancelled, alerts.StateLapsed, alerts.StateEnded}
	known := &codes{}
	for r, err := range b.records.All(ctx, alerts.Filter{States: states}) {
		if err != nil {
			return "", fmt.Errorf("read the records: %w", err)
		}
		if Public(r) {
			known.list = append(known.list, codedOf(r.ID))
		}
		if r.State != alerts.StateSuperseded { // the code of an old revision still leads to it; no page shows it by itself
			records = append(records, r)
		}
	}
	known.sort()
	view := (&View{codes: known}).with(head, time.Now(), records...)
	if b.sitreps != nil {
		view.seen = map[alerts.ID][]*alerts.Sitrep{}
		reported, err := b.sitreps.Reported(ctx)
		if err != nil {
			return "", fmt.Errorf("read the events with situation reports: %w", err)
		}
		for _, r := range view.heads {
			if !reported[r.Event] {
				continue
			}
			seen, err := b.sitreps.Sitreps(ctx, r.Event)
			if err != nil {
				return "", fmt.Errorf("read the situation reports: %w", err)
			}
			if len(seen) > 0 {
				view.seen[r.Event] = seen
			}
		}
	}
	b.show(view)
	for _, f := range b.loads {
		f(head)
	}
	b.mu.Lock()
	again := b.loaded
	b.loaded = true
	b.mu.Unlock()
	if again {
		b.logger.Warn("the log was not continuous: the board was loaded again")
		for _, f := range b.resets {
			f()
		}
	}
	return head, nil
}

// follow applies the log's entries until it is no longer continuous or ctx
// ends.
func (b *Board) follow(ctx context.Context, from Cursor) {
	for e, err := range b.log.Tail(ctx, from) {
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrGone):
			return
		case err != nil:
			b.ill(err)
			continue
		case e.Record == nil:
			b.well()
			if now := b.Snapshot(); !now.Cursor.Reached(e.Cursor) { // what came is nothing for readers
				b.show(now.with(e.Cursor, time.Now()))
			}
			continue
		}
		if e.Sitrep != nil {
			b.show(b.Snapshot().reported(e.Cursor, e.Sitrep))
		} else {
			if Public(e.Record) {
				b.Snapshot().codes.add(e.Record.ID)
			}
			b.show(b.Snapshot().with(e.Cursor, time.Now(), e.Record))
		}
		if Public(e.Record) {
			for _, f := range b.observers {
				f(e)
			}
		}
	}
	pause(ctx, storePause)
}

func (b *Board) show(v *View) {
	epoch, _, _, _ := v.Cursor.place()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.epochs[epoch] = true
	b.view, b.fault, b.since = v, nil, time.Now()
	close(b.moved)
	b.moved = make(chan struct{})
}

// well ends what ill began: the log is read again, and nothing was missed.
func (b *Board) well() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault != nil {
		b.fault, b.since = nil, time.Now()
		b.logger.Info("the board follows the log again")
	}
}

func (b *Board) ill(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault == nil {
		b.since = time.Now()
		b.logger.Warn("the board does not follow the log", zap.Error(err))
	}
	b.fault = err
}
