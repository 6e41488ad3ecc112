package dashboards

import (
	"sync"
	"sync/atomic"
	"time"
)

// maxPages bounds the memory; a country's events fit in it.
const maxPages = 2000

// failedFor is how long a page that could not be made is not tried again, so
// that its readers do not queue up behind a store that is away.
const failedFor = 2 * time.Second

// shelf keeps the rendered pages. It may be used from many goroutines.
type shelf struct {
	mu    sync.RWMutex
	pages map[place]*copies
}

// place is where a page stands: its name, the language, whole or live part.
type place struct {
	name, id, lang string
	part           bool
}

// copies is one place of the shelf. Who finds the page ready takes it without
// a lock; who finds it old renders it under the lock, and the others wait.
type copies struct {
	ready atomic.Pointer[ready]

	mu     sync.Mutex
	failed time.Time // when it could not be made; not tried again at once
	err    error
}

func newShelf() *shelf { return &shelf{pages: map[place]*copies{}} }

// at gives the place of a page.
func (s *shelf) at(p place) *copies {
	s.mu.RLock()
	c := s.pages[p]
	s.mu.RUnlock()
	if c != nil {
		return c
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c = s.pages[p]; c == nil {
		if len(s.pages) >= maxPages {
			clear(s.pages)
		}
		c = &copies{}
		s.pages[p] = c
	}
	return c
}

// drop forgets a page that does not exist, so that strangers cannot fill the
// shelf with names.
func (s *shelf) drop(p place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pages, p)
}
