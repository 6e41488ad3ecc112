package ledger

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Entry is one act in the ledger.
type Entry struct {
	N    int64  // 1, 2, ...
	Text []byte // as it is stored; nil where it is gone, and only the tree knows of it
	Leaf Hash   // in the tree
	Sig  []byte // of Leaf under N
}

// line is an entry of an export.
type line struct {
	N   int64           `json:"n"`
	Sig []byte          `json:"sig"`
	Act json.RawMessage `json:"act"`
	Raw *[]byte         `json:"raw"` // instead of act: what was stored and is no JSON object
}

// append writes the entry as one line of an export. The bytes of the act are
// the stored ones: what is signed must not be written anew.
func (e Entry) append(b []byte) []byte {
	b = append(b, `{"n":`...)
	b = strconv.AppendInt(b, e.N, 10)
	b = append(b, `,"sig":"`...)
	b = base64.StdEncoding.AppendEncode(b, e.Sig)
	switch {
	case e.Text == nil:
		b = append(b, `","act":null`...)
	case plain(e.Text):
		b = append(append(b, `","act":`...), e.Text...)
	default:
		b = append(b, `","raw":"`...)
		b = append(base64.StdEncoding.AppendEncode(b, e.Text), '"')
	}
	return append(b, '}')
}

// plain reports whether a text is a JSON object on one line.
func plain(text []byte) bool {
	return len(text) > 1 && text[0] == '{' && text[len(text)-1] == '}' && !bytes.ContainsAny(text, "\r\n") && json.Valid(text)
}

// readEntry reads a line of an export; the entry's leaf is that of its text. An
// entry of which at least the number could be read has it, beside the error.
func readEntry(b []byte) (Entry, error) {
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		return Entry{N: numberOf(b)}, errors.New("cannot be read")
	}
	e := Entry{N: l.N, Sig: l.Sig}
	switch {
	case l.Raw != nil:
		e.Text = *l.Raw
		if e.Text == nil {
			e.Text = []byte{}
		}
	case len(l.Act) > 0 && !bytes.Equal(l.Act, []byte("null")):
		e.Text = l.Act
	}
	e.Leaf = Leaf(e.Text)
	// What the signature does not cover must not be there at all.
	if !bytes.Equal(e.append(nil), b) {
		return e, errors.New("is not written as the ledger writes it")
	}
	return e, nil
}

// numberOf finds the number of a damaged line; 0 for none.
func numberOf(b []byte) (n int64) {
	if _, err := fmt.Sscanf(string(b[:min(len(b), 40)]), `{"n":%d,`, &n); err != nil || n < 0 {
		return 0
	}
	return n
}
