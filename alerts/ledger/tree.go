package ledger

import (
	"crypto/sha256"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is one of the tree: SHA-256.
type Hash = tlog.Hash

// Leaf is the hash of an act, over exactly the bytes that are stored: what a
// newer program wrote into it counts too.
func Leaf(text []byte) Hash { return tlog.RecordHash(text) }

// Missing is the text of the leaf that stands for an act that was gone from the
// store before the tree reached it: the gap is recorded, under its number.
func Missing(n int64) []byte { return fmt.Appendf(nil, `{"v":1,"missing":%d}`, n) }

// Tree is the edge of a growing tree: the roots of its whole parts, from the
// greatest to the smallest. It needs no more memory however long the ledger is.
// Its zero value is the empty tree.
type Tree struct {
	size  int64
	peaks []Hash
}

// Resume gives the tree of this size out of stored hashes, in the order of
// [tlog.StoredHashIndex].
func Resume(size int64, stored tlog.HashReader) (*Tree, error) {
	t := &Tree{size: size}
	var indexes []int64
	for lo := int64(0); lo < size; {
		level := bits.Len64(uint64(size-lo)) - 1
		indexes = append(indexes, tlog.StoredHashIndex(level, lo>>level))
		lo += 1 << level
	}
	if len(indexes) == 0 {
		return t, nil
	}
	var err error
	t.peaks, err = stored.ReadHashes(indexes)
	return t, err
}

// Size is the number of leaves.
func (t *Tree) Size() int64 { return t.size }

// Add appends a leaf and gives the hashes to be stored for it, in their order:
// the leaf and the parts that it makes whole.
func (t *Tree) Add(leaf Hash) []Hash {
	made := []Hash{leaf}
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.peaks) - 1
		leaf = tlog.NodeHash(t.peaks[last], leaf)
		t.peaks = t.peaks[:last]
		made = append(made, leaf)
	}
	t.peaks = append(t.peaks, leaf)
	t.size++
	return made
}

// Root is the hash of the whole tree.
func (t *Tree) Root() Hash {
	if t.size == 0 {
		return sha256.Sum256(nil) // RFC 6962 section 2.1
	}
	root := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		root = tlog.NodeHash(t.peaks[i], root)
	}
	return root
}

// Proof shows that one entry is in the ledger of a head (RFC 6962 section
// 2.1.1).
type Proof struct {
	Entry Entry
	Head  Signed
	Path  []Hash // from the leaf's sister up
}

// Check is nil if the entry's text is the one in the head's tree.
func (p Proof) Check() error {
	return tlog.CheckRecord(p.Path, p.Head.Size, p.Head.Root, p.Entry.N-1, Leaf(p.Entry.Text))
}
