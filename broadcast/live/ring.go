package live

import "martinella/broadcast"

// ring remembers the newest changes, each following on the one before. It is
// guarded by Hub.mu. Cursors are compared for equality only: their order is
// the store's business.
type ring struct {
	size  int
	items []*item
	first uint64                      // index of items[0]
	index map[broadcast.Cursor]uint64 // of every item, and of the place before the first
	base  broadcast.Cursor            // the place before the first
	head  broadcast.Cursor            // newest place
}

// newRing is a ring whose next item follows on after.
func newRing(size int, after broadcast.Cursor) *ring {
	return &ring{size: size, first: 1, index: map[broadcast.Cursor]uint64{after: 0}, base: after, head: after}
}

// add appends a change; false when the ring has it already.
func (r *ring) add(it *item) bool {
	if _, known := r.index[it.entry.Cursor]; known {
		return false
	}
	r.index[it.entry.Cursor] = r.first + uint64(len(r.items))
	r.items = append(r.items, it)
	r.head = it.entry.Cursor
	if len(r.items) > r.size {
		// The oldest goes, and its place becomes the one before the first.
		delete(r.index, r.base)
		r.base = r.items[0].entry.Cursor
		r.items[0] = nil
		r.items = r.items[1:]
		r.first++
	}
	return true
}

// after gives a copy of the changes after a place; false when the ring does
// not know the place.
func (r *ring) after(c broadcast.Cursor) ([]*item, bool) {
	i, ok := r.index[c]
	if !ok {
		return nil, false
	}
	return append([]*item(nil), r.items[i+1-r.first:]...), true
}
