package live

import (
	"slices"
	"sort"

	"martinella/broadcast"
)

// ring remembers the newest changes, in log order. Changes that the public may
// not see can be missing: a place is found by order, not by equality. It is
// guarded by Hub.mu.
type ring struct {
	size  int
	items []*item
	base  broadcast.Cursor // nothing between base and the first item is missing
	head  broadcast.Cursor // newest place
}

// newRing is a ring whose next item follows on after.
func newRing(size int, after broadcast.Cursor) *ring {
	return &ring{size: size, base: after, head: after}
}

// add appends a change; false when the ring is past it already.
func (r *ring) add(it *item) bool {
	if r.head.Reached(it.entry.Cursor) {
		return false
	}
	r.items = append(r.items, it)
	r.head = it.entry.Cursor
	if len(r.items) > r.size {
		r.base = r.items[0].entry.Cursor
		r.items[0] = nil
		r.items = r.items[1:]
	}
	return true
}

// after gives a copy of the changes after a place; false when the place is
// before what the ring remembers, or in another epoch.
func (r *ring) after(c broadcast.Cursor) ([]*item, bool) {
	if !c.Reached(r.base) {
		return nil, false
	}
	first := sort.Search(len(r.items), func(i int) bool { return !c.Reached(r.items[i].entry.Cursor) })
	return slices.Clone(r.items[first:]), true
}
