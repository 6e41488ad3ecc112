package smpp

import (
	"hash/maphash"
	"sync"
	"time"
)

const (
	// unconfirmed is how long before the end of a bind an answer may have been
	// given and still be lost with the connection.
	unconfirmed = time.Minute
	// broughtFor is how long an SMSC may take to bring a message again.
	broughtFor = 10 * time.Minute
	// mostBrought bounds what is remembered, in messages.
	mostBrought = 4096
)

// brought remembers messages of people whose answer (deliver_sm_resp) may have
// been lost when their bind ended: the SMSC brings those again on the next one,
// and they count once. Only such a message is taken for one that was here; who
// writes the same twice is heard twice. Messages of a number come in their order,
// so whatever else a number writes ends the memory of what it wrote before. Its
// methods may be called at once.
type brought struct {
	mu   sync.Mutex
	seed maphash.Seed
	lost map[string]map[uint64]time.Time // by number, of binds that have ended
	size int
}

// tenure is one bind: what it brought and was answered. Under brought.mu.
type tenure struct {
	of   *brought
	took []taken
}

type taken struct {
	number string
	sum    uint64
	at     time.Time
}

// bound begins a bind.
func (b *brought) bound() *tenure { return &tenure{of: b} }

func (b *brought) sum(m *message) uint64 {
	var h maphash.Hash
	h.SetSeed(b.seed)
	for _, part := range [][]byte{[]byte(m.source.digits), {0}, []byte(m.destination.digits), {0, m.esmClass, m.dataCoding}, m.text} {
		_, _ = h.Write(part)
	}
	for _, t := range m.tlvs {
		_, _ = h.Write([]byte{0, byte(t.tag >> 8), byte(t.tag)})
		_, _ = h.Write(t.value)
	}
	return h.Sum64()
}

// again reports whether a message was brought before by a bind that has ended, and
// forgets it then: a third time it is new.
func (t *tenure) again(m *message, now time.Time) bool {
	b := t.of
	b.mu.Lock()
	defer b.mu.Unlock()
	of := b.lost[m.source.digits]
	if of == nil {
		return false
	}
	sum := b.sum(m)
	at, was := of[sum]
	if was && now.Sub(at) <= broughtFor {
		delete(of, sum)
		b.size--
		if len(of) == 0 {
			delete(b.lost, m.source.digits)
		}
		return true
	}
	b.size -= len(of)
	delete(b.lost, m.source.digits) // something new came: what was lost would have come before
	return false
}

// answered notes that the SMSC was told that a message is stored.
func (t *tenure) answered(m *message, now time.Time) {
	b := t.of
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seed == (maphash.Seed{}) {
		b.seed = maphash.MakeSeed()
	}
	first := 0
	for first < len(t.took) && (now.Sub(t.took[first].at) > unconfirmed || len(t.took)-first >= mostBrought) {
		first++
	}
	t.took = append(t.took[first:], taken{m.source.digits, b.sum(m), now})
}

// ended remembers what may not have been confirmed when the bind ended.
func (t *tenure) ended(now time.Time) {
	b := t.of
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range t.took {
		if now.Sub(one.at) > unconfirmed {
			continue
		}
		if b.size >= mostBrought {
			b.lost, b.size = nil, 0 // rather twice than never
		}
		if b.lost == nil {
			b.lost = map[string]map[uint64]time.Time{}
		}
		if b.lost[one.number] == nil {
			b.lost[one.number] = map[uint64]time.Time{}
		}
		if _, known := b.lost[one.number][one.sum]; !known {
			b.size++
		}
		b.lost[one.number][one.sum] = now
	}
	t.took = nil
}
