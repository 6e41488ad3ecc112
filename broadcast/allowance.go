package broadcast

import (
	"sync"
	"time"
)

// allowance counts what each name took within a span that begins with its first
// act. It is of this process, and its memory is bounded: in a flood of names
// those that it does not know yet get nothing.
type allowance struct {
	most int
	span time.Duration

	mu    sync.Mutex
	by    map[string]spent
	swept time.Time
}

type spent struct {
	n     int
	since time.Time
}

// maxAllowed is how many names are counted at once.
const maxAllowed = 50_000

func newAllowance(most int, span time.Duration) *allowance {
	return &allowance{most: most, span: span, by: map[string]spent{}}
}

// take takes one, false where none is left.
func (a *allowance) take(name string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, known := a.by[name]
	if known && now.Sub(s.since) >= a.span {
		s = spent{since: now}
	}
	if !known {
		if a.crowded(now) {
			return false
		}
		s = spent{since: now}
	}
	if s.n >= a.most {
		return false
	}
	s.n++
	a.by[name] = s
	return true
}

// give gives back what was taken for nothing. A name that has nothing left to
// give back is forgotten.
func (a *allowance) give(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, known := a.by[name]
	switch {
	case !known:
	case s.n <= 1:
		delete(a.by, name)
	default:
		s.n--
		a.by[name] = s
	}
}

// full reports whether no name can be added at present.
func (a *allowance) full(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.crowded(now)
}

// crowded is full, for who holds the lock: at most once a minute it forgets
// names whose span is over.
func (a *allowance) crowded(now time.Time) bool {
	if len(a.by) >= maxAllowed && now.Sub(a.swept) > time.Minute {
		a.swept = now
		for n, old := range a.by {
			if now.Sub(old.since) >= a.span {
				delete(a.by, n)
			}
		}
	}
	return len(a.by) >= maxAllowed
}
