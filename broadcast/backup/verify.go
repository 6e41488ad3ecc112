package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// How a backup was proved.
const (
	// Loaded: a redis-server read its copy, and held what the manifest says.
	Loaded = "loaded"
	// Summed: the checksum of the copy is right; no server has read it.
	Summed = "checksum"
)

// Prover has a server of its own read a copy, and tells what it held then.
type Prover interface {
	// Prove gives [ErrNoProof] where no server can be started, or would take more
	// memory than there is.
	Prove(ctx context.Context, m Manifest, copied io.Reader) (Facts, error)
}

// ErrNoProof is the error of a [Prover] that cannot prove anything here.
var ErrNoProof = errors.New("no redis-server can read the copy here")

// Proof is what reading a backup has proved.
type Proof struct {
	Manifest Manifest
	Sums     Sums
	How      string // [Loaded] or [Summed]
	Facts    Facts  // of the copy; where loaded
	Files    []string
}

// Verify reads a backup to its end: it opens, its sums are right, and its copy of
// the store can be read. authority is whose it must be; "" takes anybody's.
func Verify(ctx context.Context, r io.Reader, key *Key, authority string, p Prover) (Proof, error) {
	v := &verifier{ctx: ctx, prover: p, authority: authority}
	m, sums, err := Read(ctx, r, key, v)
	if err != nil {
		return Proof{}, err
	}
	v.proof.Manifest, v.proof.Sums = m, sums
	return v.proof, nil
}

type verifier struct {
	ctx       context.Context
	prover    Prover
	authority string
	manifest  Manifest
	proof     Proof
}

// Manifest implements [Taker].
func (v *verifier) Manifest(m Manifest) error {
	v.manifest = m
	if v.authority != "" && m.Authority != v.authority {
		return fmt.Errorf("%w: of %q, not of %q", ErrForeign, m.Authority, v.authority)
	}
	return nil
}

// File implements [Taker].
func (v *verifier) File(f File) error {
	v.proof.Files = append(v.proof.Files, f.Path)
	return nil
}

// Redis implements [Taker].
func (v *verifier) Redis(copied io.Reader) error {
	sum := new(trailer)
	copied = io.TeeReader(copied, sum)
	v.proof.How = Summed
	if v.prover != nil {
		facts, err := v.prover.Prove(v.ctx, v.manifest, copied)
		switch {
		case errors.Is(err, ErrNoProof):
		case err != nil:
			return err
		default:
			if lacks := v.manifest.Facts.Within(facts); lacks != "" {
				return fmt.Errorf("%w: %s", ErrBroken, lacks)
			}
			v.proof.How, v.proof.Facts = Loaded, facts
		}
	}
	if _, err := io.Copy(io.Discard, copied); err != nil {
		return err
	}
	if err := sum.check(); err != nil && !(v.proof.How == Loaded && errors.Is(err, errNoSum)) { // a server has read it whole
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}
