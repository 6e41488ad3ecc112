package ledger

import (
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"strings"

	"filippo.io/edwards25519"
)

// publicOf is the Ed25519 key in the text of a verifier key: after the last
// plus sign, one byte that names the algorithm and the key in base 64
// (golang.org/x/mod/sumdb/note).
func publicOf(text string) []byte {
	b, err := base64.StdEncoding.DecodeString(text[strings.LastIndexByte(text, '+')+1:])
	if err != nil || len(b) != 33 {
		return nil
	}
	return b[1:]
}

// fewest is from how many signatures on verifying them together is faster.
const fewest = 8

// verifyAll says of each line that was read whether its signature is right. It
// verifies many at once; where one of them is wrong it halves them until it is
// found, so that a few wrong ones cost little.
func (k Key) verifyAll(some []*checked) {
	switch {
	case len(some) >= fewest && k.allSigned(some):
		for _, c := range some {
			c.signed = true
		}
	case len(some) > fewest:
		k.verifyAll(some[:len(some)/2])
		k.verifyAll(some[len(some)/2:])
	default:
		for _, c := range some {
			c.signed = k.signed(c.entry.N, c.entry.Leaf, c.entry.Sig)
		}
	}
}

// allSigned verifies the equations of all signatures (RFC 8032 section 5.1.7)
// in one, each times a random number of 128 bits: that wrong ones cancel each
// other out is as likely as guessing that number. All are of one key, whose
// point is multiplied once. What it cannot decide it calls false.
func (k Key) allSigned(some []*checked) bool {
	public := publicOf(k.text)
	negative, err := new(edwards25519.Point).SetBytes(public)
	if err != nil {
		return false
	}
	negative.Negate(negative)
	random := make([]byte, 16*len(some))
	_, _ = rand.Read(random) // never fails (crypto/rand)
	var ofBase, ofKey, z, t edwards25519.Scalar
	scalars, points := make([]*edwards25519.Scalar, 0, len(some)+2), make([]*edwards25519.Point, 0, len(some)+2)
	var wide [64]byte
	for i, c := range some {
		if len(c.entry.Sig) != 64 {
			return false
		}
		r, err := new(edwards25519.Point).SetBytes(c.entry.Sig[:32])
		if err != nil {
			return false
		}
		s, err := new(edwards25519.Scalar).SetCanonicalBytes(c.entry.Sig[32:])
		if err != nil {
			return false
		}
		h := sha512.New()
		_, _ = h.Write(c.entry.Sig[:32])
		_, _ = h.Write(public)
		_, _ = h.Write(entryMessage(k.Authority(), c.entry.N, c.entry.Leaf))
		challenge, err := new(edwards25519.Scalar).SetUniformBytes(h.Sum(wide[:0]))
		if err != nil {
			return false
		}
		clear(wide[:])
		copy(wide[:16], random[16*i:])
		if _, err := z.SetCanonicalBytes(wide[:32]); err != nil {
			return false
		}
		ofBase.Add(&ofBase, t.Multiply(&z, s))
		ofKey.Add(&ofKey, t.Multiply(&z, challenge))
		scalars, points = append(scalars, new(edwards25519.Scalar).Set(&z)), append(points, r.Negate(r))
	}
	scalars, points = append(scalars, &ofBase, &ofKey), append(points, edwards25519.NewGeneratorPoint(), negative)
	sum := new(edwards25519.Point).VarTimeMultiScalarMult(scalars, points)
	return sum.MultByCofactor(sum).Equal(edwards25519.NewIdentityPoint()) == 1
}
