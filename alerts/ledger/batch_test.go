package ledger

import (
	"bytes"
	"slices"
	"testing"

	"filippo.io/edwards25519"
)

// lined are entries 1..n as read from an export.
func (b *book) lined(n int) []*checked {
	var all []*checked
	for i, text := range b.texts[:n] {
		at, leaf := int64(i+1), Leaf(text)
		all = append(all, &checked{entry: Entry{at, text, leaf, b.signer.Entry(at, leaf)}})
	}
	return all
}

// Whatever is done to some of many signatures, verifying them together says of
// each what verifying it alone says.
func TestManySignaturesAtOnce(t *testing.T) {
	const many = 100
	b := newBook(t, "valdemo", 1, many)
	other := newBook(t, "valdemo", 9, many)
	key := b.signer.Key()
	one, _ := new(edwards25519.Scalar).SetCanonicalBytes(append([]byte{1}, make([]byte, 31)...))
	shift := func(sig []byte, by func(s, d *edwards25519.Scalar) *edwards25519.Scalar) []byte {
		s, err := new(edwards25519.Scalar).SetCanonicalBytes(sig[32:])
		if err != nil {
			t.Fatal(err)
		}
		return append(bytes.Clone(sig[:32]), by(s, one).Bytes()...)
	}
	for name, change := range map[string]func([]*checked){
		"nothing":               func([]*checked) {},
		"a bit of one":          func(a []*checked) { a[41].entry.Sig[3] ^= 4 },
		"a bit of each":         func(a []*checked) { flip(a) },
		"two that were swapped": func(a []*checked) { a[3].entry.Sig, a[70].entry.Sig = a[70].entry.Sig, a[3].entry.Sig },
		"one that is too short": func(a []*checked) { a[99].entry.Sig = a[99].entry.Sig[:63] },
		"none":                  func(a []*checked) { a[0].entry.Sig = nil },
		"another key's":         func(a []*checked) { a[8].entry.Sig = other.lined(many)[8].entry.Sig },
		"another number":        func(a []*checked) { a[9].entry.N = 11 },
		"no point":              func(a []*checked) { copy(a[50].entry.Sig, bytes.Repeat([]byte{0xff}, 32)) },
		"a scalar too great":    func(a []*checked) { copy(a[50].entry.Sig[32:], bytes.Repeat([]byte{0xff}, 32)) },
		"two that cancel each other out": func(a []*checked) {
			a[5].entry.Sig = shift(a[5].entry.Sig, func(s, d *edwards25519.Scalar) *edwards25519.Scalar { return s.Add(s, d) })
			a[6].entry.Sig = shift(a[6].entry.Sig, func(s, d *edwards25519.Scalar) *edwards25519.Scalar { return s.Subtract(s, d) })
		},
	} {
		all := b.lined(many)
		change(all)
		key.verifyAll(all)
		var got, want []int
		for i, c := range all {
			if !c.signed {
				got = append(got, i)
			}
			if !key.signed(c.entry.N, c.entry.Leaf, c.entry.Sig) {
				want = append(want, i)
			}
		}
		if !slices.Equal(got, want) || (name != "nothing") != (len(got) > 0) {
			t.Errorf("%s: wrong are %v, want %v", name, got, want)
		}
	}
	if (Key{}).allSigned(b.lined(10)) {
		t.Error("no key verifies something")
	}
}

func flip(all []*checked) {
	for _, c := range all {
		c.entry.Sig[40] ^= 1
	}
}
