package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// earlier is what was kept of a ledger: a head, and the entries where it was a
// whole export.
type earlier struct {
	head    Signed
	entries *lines
	at      Entry
	key     Key
	problem string // why it cannot be compared with
	met     bool   // the tree had the size of head
	fits    bool   // ... and its root
}

// openEarlier reads a note, or the beginning of an export. The error is one of
// reading.
func openEarlier(r io.Reader, key Key) (*earlier, error) {
	e := &earlier{key: key}
	in := newLines(r)
	first, err := in.next()
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errTooLong) {
		return nil, fmt.Errorf("read what was kept: %w", err)
	}
	var text []byte
	var wrong error
	if bytes.HasPrefix(first, []byte("{")) {
		var h heading
		h, wrong = readHeading(first)
		text, e.entries = []byte(h.Head), &in
	} else {
		text = append(text, first...)
		text = append(text, '\n')
		for len(text) <= noteLimit {
			b, err := in.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil && !errors.Is(err, errTooLong) {
				return nil, fmt.Errorf("read what was kept: %w", err)
			}
			text = append(append(text, b...), '\n')
		}
	}
	if wrong == nil {
		e.head, wrong = OpenHead(text, key)
	}
	if wrong != nil {
		e.problem = "what was kept: " + wrong.Error()
	}
	return e, nil
}

// differs reports whether the earlier export has another text under this
// number, and has it signed.
func (e *earlier) differs(now Entry) (bool, error) {
	if e.entries == nil || now.N > e.head.Size {
		return false, nil
	}
	for e.at.N < now.N {
		b, err := e.entries.next()
		if errors.Is(err, io.EOF) {
			e.entries = nil
			return false, nil
		}
		if err != nil && !errors.Is(err, errTooLong) {
			return false, fmt.Errorf("read what was kept: %w", err)
		}
		if before, err := readEntry(b); err == nil {
			e.at = before
		}
	}
	return e.at.N == now.N && e.at.Leaf != now.Leaf && e.key.signed(e.at.N, e.at.Leaf, e.at.Sig), nil
}
