package dashboards

import (
	"sync"
	"sync/atomic"
	"time"
)

// maxPages and shelfBytes bound the memory; a country's events fit in them. Past
// either, pages of single things go, and those that everybody reads stay: there
// is a fixed number of them. A page that went is made anew for its next reader.
const (
	maxPages   = 2000
	shelfBytes = 64 << 20
)

// failedFor is how long a page that could not be made is not tried again, so
// that its readers do not queue up behind a store that is away.
const failedFor = 2 * time.Second

// shelf keeps the rendered pages. It may be used from many goroutines.
type shelf struct {
	mu    sync.RWMutex
	most  int // bytes
	bytes int
	pages map[place]*copies
}

// place is where a page stands: its name, the language, whole or live part, and
// whether its links keep the language that the reader chose.
type place struct {
	name, id, lang string
	part, keeps    bool
}

// copies is one place of the shelf. Who finds the page ready takes it without
// a lock; who finds it old renders it under the lock, and the others wait.
type copies struct {
	ready atomic.Pointer[ready]

	weight int // of what is counted for it; under the lock of the shelf

	mu     sync.Mutex
	failed time.Time // when it could not be made; not tried again at once
	err    error
}

func newShelf() *shelf { return &shelf{most: shelfBytes, pages: map[place]*copies{}} }

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
			s.bytes = 0
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
	s.remove(p)
}

// weigh counts what was made for a place, unless that went meanwhile, and makes
// room where it is too much.
func (s *shelf) weigh(p place, c *copies, made *ready) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pages[p] != c {
		return
	}
	s.bytes -= c.weight
	c.weight = filteredWeight + made.body.weight()
	s.bytes += c.weight
	if s.bytes <= s.most {
		return
	}
	for other := range s.pages {
		if other.id != "" && other != p {
			s.remove(other)
		}
		if s.bytes <= s.most/2 {
			return
		}
	}
}

func (s *shelf) remove(p place) {
	if c := s.pages[p]; c != nil {
		s.bytes -= c.weight
		delete(s.pages, p)
	}
}
