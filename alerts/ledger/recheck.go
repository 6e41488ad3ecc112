package ledger

import (
	"bytes"
	"slices"
)

// Recheck verifies the newest entries of a ledger against its head: before is
// the tree of all entries before them, as it was stored when they came, and
// each entry's Leaf is the stored one. What was edited, removed or exchanged is
// named by number. It does not block, and takes as long as there are entries;
// what happened to those before only a whole export shows ([Verify]).
func Recheck(key Key, head Signed, before *Tree, entries []Entry) *Report {
	r := &Report{Key: key, Pinned: true, Head: head, Entries: int64(len(entries))}
	if _, err := OpenHead(head.Note, key); err != nil {
		r.find(0, 0, err.Error())
	}
	tree := Tree{size: before.size, peaks: slices.Clone(before.peaks)}
	for _, e := range entries {
		n := tree.size + 1
		switch {
		case e.Text == nil:
			r.find(n, n, "is gone from the store")
		case e.N != n || Leaf(e.Text) != e.Leaf:
			r.find(n, n, "was edited after it was written, or is another entry")
		case bytes.Equal(e.Text, Missing(n)):
			r.find(n, n, "was removed from the store before the tree reached it")
		}
		tree.Add(e.Leaf)
	}
	if tree.size != head.Size || tree.Root() != head.Root {
		r.find(0, 0, "the entries do not give the root that the head has")
	}
	return r
}
