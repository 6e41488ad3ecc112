package dashboards

import (
	"container/list"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"martinella/alerts"
)

// Readers choose what stands in a feed or a strip, so there are as many of them
// as a stranger can think of. What is made for a choice is kept apart from the
// feeds for everybody, within filteredBytes, the least recently read going
// first; and few are made at once. Feeds for everybody take no turn: there is a
// fixed number of them, each made by one reader while the others wait for it.
const (
	filteredBytes  = 32 << 20
	filteredWeight = 1 << 10 // of an entry besides its bytes: names, headers, list
	filteredAtOnce = 4
	filteredWait   = 2 * time.Second // for a turn; then the answer is 503
)

// errCrowded says that too many answers were in the making for too long.
var errCrowded = errors.New("too many ask for what is costly")

// crowded answers who waited in vain. It writes no log: strangers would fill it.
func (s *Server) crowded(w http.ResponseWriter) {
	s.metrics.refused("unavailable")
	w.Header().Set("Retry-After", seconds(filteredWait))
	writeProblem(w, problem{Title: "too much is asked for at once", Status: http.StatusServiceUnavailable, Problems: alerts.Problems{}})
}

// turns bounds how many do the same costly thing at once.
type turns chan struct{}

// take waits for a turn, for no longer than wait; give must follow. It fails
// with errCrowded, or with the error of ctx.
func (t turns) take(ctx context.Context, wait time.Duration) error {
	select {
	case t <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return errCrowded
	}
}

func (t turns) give() { <-t }

// filtered is the shelf of what readers chose. It may be used from many
// goroutines.
type filtered struct {
	turns turns

	mu    sync.Mutex
	most  int // bytes
	bytes int
	by    map[place]*list.Element
	order list.List // of *filteredEntry, the one read last in front
}

type filteredEntry struct {
	place  place
	copies *copies
	weight int
}

func newFiltered(most int) *filtered {
	return &filtered{turns: make(turns, filteredAtOnce), most: most, by: map[place]*list.Element{}}
}

// find gives what is kept in a place, nil for nothing.
func (f *filtered) find(p place) *ready {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.by[p]
	if e == nil {
		return nil
	}
	f.order.MoveToFront(e)
	return e.Value.(*filteredEntry).copies.ready.Load()
}

// at gives the place, made where it is not there yet.
func (f *filtered) at(p place) *copies {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.by[p]; e != nil {
		f.order.MoveToFront(e)
		return e.Value.(*filteredEntry).copies
	}
	one := &filteredEntry{place: p, copies: &copies{}, weight: filteredWeight}
	f.by[p] = f.order.PushFront(one)
	f.bytes += one.weight
	f.shrink()
	return one.copies
}

// weigh counts what was made for a place, unless that went meanwhile.
func (f *filtered) weigh(p place, made *ready) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.by[p]
	if e == nil {
		return
	}
	one := e.Value.(*filteredEntry)
	f.bytes -= one.weight
	one.weight = filteredWeight + made.body.weight()
	f.bytes += one.weight
	f.shrink()
}

// drop forgets a place whose area does not exist.
func (f *filtered) drop(p place) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.by[p]; e != nil {
		f.remove(e)
	}
}

func (f *filtered) shrink() {
	for f.bytes > f.most && f.order.Len() > 0 {
		f.remove(f.order.Back())
	}
}

func (f *filtered) remove(e *list.Element) {
	one := f.order.Remove(e).(*filteredEntry)
	delete(f.by, one.place)
	f.bytes -= one.weight
}

// brought gives what stands in a place: as it is kept where current says so,
// else made anew, by one reader while the others wait. chosen is what readers
// filtered. It fails with errCrowded where too many wait for a turn, with
// errNoArea, which leaves no place behind, and with errors of the store.
func (s *Server) brought(ctx context.Context, at place, chosen bool, current func(*ready) bool, render func(before *ready) (*ready, error)) (*ready, error) {
	if !chosen {
		return s.feeds.at(at).bring(current, render)
	}
	if made := s.filtered.find(at); made != nil && current(made) {
		return made, nil
	}
	if err := s.filtered.turns.take(ctx, filteredWait); err != nil {
		return nil, err
	}
	defer s.filtered.turns.give()
	made, err := s.filtered.at(at).bring(current, render)
	switch {
	case errors.Is(err, errNoArea):
		s.filtered.drop(at)
	case err == nil:
		s.filtered.weigh(at, made)
	}
	return made, err
}

// bring makes what is not current. A store that does not answer is not asked
// again at once, so that readers do not queue up behind it.
func (c *copies) bring(current func(*ready) bool, render func(before *ready) (*ready, error)) (*ready, error) {
	if made := c.ready.Load(); made != nil && current(made) {
		return made, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.ready.Load()
	if before != nil && current(before) {
		return before, nil
	}
	if time.Since(c.failed) < failedFor {
		return nil, c.err
	}
	made, err := render(before)
	if err != nil {
		if errors.Is(err, alerts.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
			c.failed, c.err = time.Now(), err
		}
		return nil, err
	}
	c.ready.Store(made)
	return made, nil
}
