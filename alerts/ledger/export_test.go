package ledger

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// book is a small ledger of its own.
type book struct {
	signer *Signer
	tree   Tree
	texts  [][]byte
	stored []tlog.Hash
	heads  []Signed // after each number of entries
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newBook(t testing.TB, authority string, secret byte, entries int) *book {
	t.Helper()
	s, err := NewSigner(authority, bytes.Repeat([]byte{secret}, 32))
	if err != nil {
		t.Fatal(err)
	}
	b := &book{signer: s}
	b.sign(t)
	for n := 1; n <= entries; n++ {
		b.add(t, act(n))
	}
	return b
}

// act is a text as the gateway stores it.
func act(n int) []byte {
	return fmt.Appendf(nil, `{"v":1,"seq":0,"at":"2026-11-22T06:%02d:00Z","by":{"id":"key:%d","name":"Sala \u003coperativa\u003e"},"verb":"issued","alert":"A%d","event":"E%d","digest":"%x","reason":"però","newer":[1, 2.50]}`,
		n%60, n, n, n, sha256.Sum256([]byte{byte(n)}))
}

func (b *book) add(t testing.TB, text []byte) {
	t.Helper()
	b.texts = append(b.texts, text)
	b.stored = append(b.stored, b.tree.Add(Leaf(text))...)
	b.sign(t)
}

func (b *book) sign(t testing.TB) {
	t.Helper()
	h, err := b.signer.Head(b.tree.Size(), b.tree.Root(), noon.Add(time.Duration(b.tree.Size())*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	b.heads = append(b.heads, h)
}

// entries signs what stands under each number.
func (b *book) entries(size int) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for i, text := range b.texts[:size] {
			n, leaf := int64(i+1), Leaf(text)
			if !yield(Entry{n, text, leaf, b.signer.Entry(n, leaf)}, nil) {
				return
			}
		}
	}
}

// export writes the first size entries with their head.
func (b *book) export(t testing.TB, size int) string {
	t.Helper()
	var out strings.Builder
	if err := Write(&out, b.signer.Key(), b.heads[size], b.entries(size)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// readHashes implements tlog.HashReader over what the tree gave.
func (b *book) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		out[i] = b.stored[at]
	}
	return out, nil
}

// merkle is RFC 6962 section 2.1, written down from its text and from nothing
// of ours.
func merkle(leaves [][]byte) [32]byte {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	default:
		k := 1
		for k*2 < n {
			k *= 2
		}
		left, right := merkle(leaves[:k]), merkle(leaves[k:])
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
}

func TestTheRootIsThatOfRFC6962(t *testing.T) {
	b := newBook(t, "valdemo", 1, 70)
	for size := range 71 {
		if got, want := b.heads[size].Root, merkle(b.texts[:size]); got != want {
			t.Errorf("%d entries: root %x, want %x", size, got, want)
		}
		if size > 0 {
			if got, err := tlog.TreeHash(int64(size), b); err != nil || got != b.heads[size].Root {
				t.Errorf("%d entries: the stored hashes give %v, %v", size, got, err)
			}
		}
		resumed, err := Resume(int64(size), b)
		if err != nil || resumed.Root() != b.heads[size].Root {
			t.Fatalf("%d entries: resumed %v, %v", size, resumed, err)
		}
		if size < 70 { // what a resumed tree adds is what the first one added
			at := tlog.StoredHashCount(int64(size))
			made := resumed.Add(Leaf(b.texts[size]))
			if resumed.Root() != b.heads[size+1].Root || made[len(made)-1] != b.stored[int(at)+len(made)-1] {
				t.Errorf("%d entries: the resumed tree grows otherwise", size)
			}
		}
	}
}

func TestAProofHoldsForItsEntryAlone(t *testing.T) {
	b := newBook(t, "valdemo", 1, 21)
	for n := int64(1); n <= 21; n++ {
		path, err := tlog.ProveRecord(21, n-1, b)
		if err != nil {
			t.Fatal(err)
		}
		p := Proof{Entry: Entry{N: n, Text: b.texts[n-1]}, Head: b.heads[21], Path: path}
		if err := p.Check(); err != nil {
			t.Errorf("entry %d: %v", n, err)
		}
		p.Entry.Text = act(99)
		if p.Check() == nil {
			t.Errorf("entry %d: another text has the same proof", n)
		}
	}
}

func TestHeadsAndKeys(t *testing.T) {
	b, other := newBook(t, "valdemo", 1, 3), newBook(t, "valdemo", 2, 3)
	key, err := ParseKey(" " + b.signer.Key().String() + "\n")
	if err != nil || key.Authority() != "valdemo" {
		t.Fatalf("the key as it is written: %v %v", key, err)
	}
	h, err := OpenHead(b.heads[3].Note, key)
	if err != nil || h.Size != 3 || h.Root != b.tree.Root() || !h.At.Equal(noon.Add(3*time.Second)) || h.Authority != "valdemo" {
		t.Errorf("head %+v, %v", h, err)
	}
	foreign := newBook(t, "montefalco", 1, 3)
	note := string(b.heads[3].Note)
	for name, text := range map[string]string{
		"another key":              string(other.heads[3].Note),
		"another authority":        string(foreign.heads[3].Note),
		"another size":             strings.Replace(note, "\n3\n", "\n4\n", 1),
		"another time":             strings.Replace(note, "12:00:03", "12:00:04", 1),
		"no signature":             note[:strings.Index(note, "\n\n")+2],
		"nothing":                  "",
		"a number with a sign":     strings.Replace(note, "\n3\n", "\n+3\n", 1),
		"an endless note":          strings.Repeat("x", noteLimit+1),
		"an entry's signed text":   "martinella ledger entry\nvaldemo\n1\nx\n\n",
		"a root that is no digest": strings.Replace(note, b.tree.Root().String(), "AAAA", 1),
	} {
		if _, err := OpenHead([]byte(text), key); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for _, text := range []string{"", "martinella", "martinella/ledger/valdemo+00000000+AAAA", "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"} {
		if _, err := ParseKey(text); err == nil {
			t.Errorf("%q is a key", text)
		}
	}
	if _, err := OpenHead(b.heads[3].Note, Key{}); err == nil {
		t.Error("a head is verified without a key")
	}
	if _, err := NewSigner("valdemo", []byte("short")); err == nil {
		t.Error("a short seed is taken")
	}
	if _, err := NewSigner("two words", bytes.Repeat([]byte{1}, 32)); err == nil {
		t.Error("a name with a blank is taken")
	}
}

func TestEveryTextComesBack(t *testing.T) {
	for name, text := range map[string][]byte{
		"an act":                      act(1),
		"fields in another order":     []byte(`{"b":1,"a":  "<&>"}`),
		"no JSON":                     []byte("what is this"),
		"a broken line":               []byte("{\n}"),
		"nothing at all":              {},
		"bytes":                       {0, 1, 255},
		"what is gone":                nil,
		"a gap":                       Missing(1),
		"JSON that is no object":      []byte("null"),
		"an object and something":     []byte("{} {}"),
		"letters that are no letters": []byte("{\"a\":\"\xff\"}"),
	} {
		t.Run(name, func(t *testing.T) {
			e := Entry{N: 1, Text: text, Leaf: Leaf(text), Sig: bytes.Repeat([]byte{7}, 64)}
			line := e.append(nil)
			if bytes.ContainsAny(line, "\r\n") {
				t.Errorf("more than a line: %q", line)
			}
			got, err := readEntry(line)
			if err != nil || !bytes.Equal(got.Text, text) || (got.Text == nil) != (text == nil) || got.N != 1 || !bytes.Equal(got.Sig, e.Sig) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
