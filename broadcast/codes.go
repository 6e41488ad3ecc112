package broadcast

import (
	"cmp"
	"slices"
	"sync"

	"martinella/alerts"
)

// codes finds revisions by their code. It is built from the records like the
// board itself, so every node has the same one and none is kept in the store:
// a revision takes some 60 bytes, ten thousand of them less than a megabyte.
// It may be used from many goroutines; nil holds nothing.
type codes struct {
	mu   sync.RWMutex
	list []coded // by code, then by id
}

// coded is one revision with its code.
type coded struct {
	code [alerts.CodeLength]byte
	id   alerts.ID
}

func codedOf(id alerts.ID) coded {
	return coded{[alerts.CodeLength]byte([]byte(alerts.CodeOf(id))), id}
}

func (c coded) compare(other coded) int {
	return cmp.Or(slices.Compare(c.code[:], other.code[:]), cmp.Compare(c.id, other.id))
}

// sort puts a list in order that was filled at once, before others know of it.
func (c *codes) sort() {
	slices.SortFunc(c.list, coded.compare)
	c.list = slices.Clip(slices.Compact(c.list))
}

// add enters a revision; one that is there already changes nothing.
func (c *codes) add(id alerts.ID) {
	one := codedOf(id)
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, found := slices.BinarySearchFunc(c.list, one, coded.compare); !found {
		c.list = slices.Insert(c.list, at, one)
	}
}

// of gives the revisions with a code.
func (c *codes) of(code string) []alerts.ID {
	if c == nil || len(code) != alerts.CodeLength {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	at, _ := slices.BinarySearchFunc(c.list, code, func(one coded, code string) int { return cmp.Compare(string(one.code[:]), code) })
	var ids []alerts.ID
	for ; at < len(c.list) && string(c.list[at].code[:]) == code; at++ {
		ids = append(ids, c.list[at].id)
	}
	return ids
}
