package smpp

import (
	"sync"

	"martinella/channels"
)

// progress is which parts of one message the SMSC has taken. A further attempt
// sends only the others: a second copy of a part is paid for, and confuses
// handsets.
type progress struct {
	mu    sync.Mutex
	taken []bool
	ids   []string
}

func newProgress(parts int) *progress {
	return &progress{taken: make([]bool, parts), ids: make([]string, parts)}
}

// took notes that part n was taken under id.
func (p *progress) took(n int, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken[n], p.ids[n] = true, id
}

func (p *progress) has(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken[n]
}

// receipt lists the parts that were taken.
func (p *progress) receipt() channels.Receipt {
	p.mu.Lock()
	defer p.mu.Unlock()
	var r channels.Receipt
	for n, id := range p.ids {
		if p.taken[n] {
			r.Parts = append(r.Parts, channels.Part{ID: id})
		}
	}
	if len(r.Parts) > 0 {
		r.ID = r.Parts[0].ID
	}
	return r
}

// unfinished remembers messages of which something was written and not
// everything taken, by Message.Key. It lives as long as the process: after a
// restart such a message is sent whole again, with the same concatenation
// reference.
type unfinished struct {
	mu    sync.Mutex
	byKey map[string]*progress
	order []string
}

// mostUnfinished bounds the memory; the oldest go first.
const mostUnfinished = 1 << 16

// of gives what is known of the message, or a fresh progress.
func (u *unfinished) of(key string, parts int) *progress {
	u.mu.Lock()
	defer u.mu.Unlock()
	if p := u.byKey[key]; p != nil && len(p.taken) == parts {
		return p
	}
	return newProgress(parts)
}

func (u *unfinished) keep(key string, p *progress) {
	if key == "" {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byKey == nil {
		u.byKey = map[string]*progress{}
	}
	if _, has := u.byKey[key]; !has {
		u.order = append(u.order, key)
	}
	u.byKey[key] = p
	for len(u.order) > mostUnfinished {
		delete(u.byKey, u.order[0])
		u.order = u.order[1:]
	}
}

// done forgets a message. Its place in the order stays until its turn comes.
func (u *unfinished) done(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.byKey, key)
}
