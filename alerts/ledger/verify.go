package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
)

// Against is what an export is verified with.
type Against struct {
	// Key is the ledger's, from a source that is trusted. Without one the
	// export's own key is taken, and the report says so.
	Key *Key
	// Earlier is a head that was kept, as a note, or a whole earlier export:
	// the ledger must lead on from it. Nil: none.
	Earlier io.Reader
}

// batch is how many lines are verified at once.
const batch = 512

// Verify reads an export to its end and reports everything that is wrong with
// it, by number. The error is one of reading. It takes memory for some hundred
// lines, and all processors.
func Verify(export io.Reader, a Against) (*Report, error) {
	v := &verifier{report: &Report{}, next: 1, whole: true}
	in := newLines(export)
	if ready, err := v.begin(in, a); err != nil || !ready {
		return v.report, err
	}
	for ended := false; !ended; {
		var some []checked
		for len(some) < batch {
			b, err := in.next()
			if errors.Is(err, io.EOF) {
				ended = true
				break
			}
			if err != nil && !errors.Is(err, errTooLong) {
				return v.report, fmt.Errorf("read the export: %w", err)
			}
			some = append(some, checked{line: b, err: err})
		}
		v.check(some)
		for i := range some {
			if err := v.take(&some[i]); err != nil {
				return v.report, err
			}
		}
	}
	v.end()
	return v.report, nil
}

// verifier walks over an export.
type verifier struct {
	report  *Report
	key     Key
	size    int64 // as the head says
	next    int64 // the number that must come
	tree    Tree
	whole   bool // the tree holds every entry so far
	gaps    gaps
	earlier *earlier
}

// begin reads the heading and what is known from before; false where there is
// nothing to go on with.
func (v *verifier) begin(in lines, a Against) (bool, error) {
	r := v.report
	first, err := in.next()
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errTooLong) {
		return false, fmt.Errorf("read the export: %w", err)
	}
	h, err := readHeading(first)
	if err != nil {
		r.find(0, 0, err.Error())
		return false, nil
	}
	if !v.trust(h.Key, a.Key) {
		return false, nil
	}
	var unsigned error
	if r.Head, unsigned = OpenHead([]byte(h.Head), v.key); unsigned != nil {
		r.find(0, 0, unsigned.Error())
	}
	v.size = r.Head.Size
	if r.Head.Note == nil { // nobody knows how many there should be
		v.size = math.MaxInt64
	}
	if a.Earlier != nil {
		if v.earlier, err = openEarlier(a.Earlier, v.key); err != nil {
			return false, err
		}
		if v.earlier.problem != "" {
			r.find(0, 0, v.earlier.problem)
			v.earlier = nil
		} else {
			r.Earlier = &v.earlier.head.Head
			v.compareRoot()
		}
	}
	return true, nil
}

// trust takes the key to verify with; false where there is none.
func (v *verifier) trust(brought string, given *Key) bool {
	own, err := ParseKey(brought)
	switch {
	case given != nil:
		v.key, v.report.Pinned = *given, true
		if err != nil || own.String() != given.String() {
			v.report.find(0, 0, "the export brings another key than the one it is verified with")
		}
	case err != nil:
		v.report.find(0, 0, "the key of the export cannot be read")
		return false
	default:
		v.key = own
	}
	v.report.Key = v.key
	return true
}

// checked is a line with what could be found out about it alone.
type checked struct {
	line   []byte
	err    error
	entry  Entry
	signed bool
}

// check verifies lines, each for itself.
func (v *verifier) check(some []checked) {
	workers := runtime.GOMAXPROCS(0)
	share := (len(some) + workers - 1) / workers
	var wg sync.WaitGroup
	for from := 0; from < len(some); from += share {
		part := some[from:min(from+share, len(some))]
		wg.Go(func() {
			read := make([]*checked, 0, len(part))
			for i := range part {
				c := &part[i]
				tooLong := c.err
				if c.entry, c.err = readEntry(c.line); tooLong != nil {
					c.err = tooLong
				}
				if c.err == nil {
					read = append(read, c)
				}
			}
			v.key.verifyAll(read)
		})
	}
	wg.Wait()
}

// take puts one line into its place.
func (v *verifier) take(c *checked) error {
	v.report.Entries++
	n := c.entry.N
	if n < 1 {
		n = v.next // a line that is past reading stands where it stands
	}
	switch {
	case n > v.size:
		v.report.find(n, n, fmt.Sprintf("was added: the head counts %d", v.size))
		return nil
	case n < v.next && v.gaps.fill(n):
		v.report.find(n, n, "is not in its place")
	case n < v.next:
		v.report.find(n, n, "is there more than once")
		return nil
	case n > v.next:
		v.gaps.add(v.next, n-1)
		v.whole = false
		v.next = n + 1
	default:
		v.next++
	}
	switch {
	case c.err != nil:
		v.report.find(n, n, c.err.Error())
	case c.entry.Text == nil:
		v.report.find(n, n, "is gone from the store")
	case !c.signed:
		v.report.find(n, n, "does not fit its signature: it was edited, or is another entry")
	case bytes.Equal(c.entry.Text, Missing(n)):
		v.report.find(n, n, "was removed from the store before the tree reached it")
	}
	if v.whole {
		v.tree.Add(c.entry.Leaf)
		v.compareRoot()
	}
	if v.earlier != nil && c.signed {
		if rewritten, err := v.earlier.differs(c.entry); err != nil {
			return err
		} else if rewritten {
			v.report.find(n, n, "is another than in the earlier export: it was rewritten and signed again")
		}
	}
	return nil
}

// compareRoot compares with the earlier head when the tree has its size.
func (v *verifier) compareRoot() {
	if e := v.earlier; e != nil && v.tree.Size() == e.head.Size {
		e.met = true
		e.fits = v.tree.Root() == e.head.Root
	}
}

// end says what only the whole shows.
func (v *verifier) end() {
	r := v.report
	for _, g := range v.gaps.open {
		r.find(g.from, g.to, "is missing")
	}
	if v.gaps.more {
		r.find(0, 0, "more entries are missing than can be listed")
	}
	if v.next <= v.size && v.size < math.MaxInt64 {
		r.find(v.next, v.size, "is missing: the export was cut off")
	}
	if v.whole && v.tree.Size() == v.size && r.OK() && v.tree.Root() != r.Head.Root {
		r.find(0, 0, "the entries do not give the root that the head has")
	}
	e := v.earlier
	if e == nil {
		return
	}
	switch size := e.head.Size; {
	case size > v.size:
		r.find(v.size+1, size, fmt.Sprintf("is missing: the earlier head of %s counts %d", e.head.At.Format("2006-01-02 15:04"), size))
	case e.met && !e.fits && r.OK():
		r.find(1, size, "is not what the earlier head of "+e.head.At.Format("2006-01-02 15:04")+" has: the ledger was rewritten and signed again")
	}
}

// gap is a run of numbers that did not come.
type gap struct{ from, to int64 }

// gaps are those that may still come, out of their place.
type gaps struct {
	open []gap
	more bool
}

// maxGaps bounds the memory for an export with many holes.
const maxGaps = 10_000

func (g *gaps) add(from, to int64) {
	if len(g.open) == maxGaps {
		g.more = true
		return
	}
	g.open = append(g.open, gap{from, to})
}

// fill takes a number out; false if it was not open.
func (g *gaps) fill(n int64) bool {
	for i, o := range g.open {
		if n < o.from || n > o.to {
			continue
		}
		var rest []gap
		if o.from < n {
			rest = append(rest, gap{o.from, n - 1})
		}
		if n < o.to {
			rest = append(rest, gap{n + 1, o.to})
		}
		g.open = append(g.open[:i], append(rest, g.open[i+1:]...)...)
		return true
	}
	return false
}
