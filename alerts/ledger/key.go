package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// origin begins the name of every ledger; the authority follows.
const origin = "martinella/ledger/"

// Key is the public key of a ledger. Its zero value verifies nothing.
type Key struct {
	text     string
	verifier note.Verifier
}

// ParseKey reads a key as [Key.String] writes it.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	v, err := note.NewVerifier(text)
	if err != nil {
		return Key{}, fmt.Errorf("this is not the key of a ledger: %w", err)
	}
	if authority, found := strings.CutPrefix(v.Name(), origin); !found || authority == "" {
		return Key{}, errors.New("this is the key of something else than a ledger")
	}
	return Key{text, v}, nil
}

// String writes the key in the form of signed notes: name, number and key.
func (k Key) String() string { return k.text }

// Authority is whose ledger it is.
func (k Key) Authority() string {
	if k.verifier == nil {
		return ""
	}
	return strings.TrimPrefix(k.verifier.Name(), origin)
}

// signed reports whether sig is that of entry n with this leaf.
func (k Key) signed(n int64, leaf tlog.Hash, sig []byte) bool {
	return k.verifier != nil && k.verifier.Verify(entryMessage(k.Authority(), n, leaf), sig)
}

// entryMessage is what is signed of an entry. Its first line is that of no
// head, so that neither can stand for the other.
func entryMessage(authority string, n int64, leaf tlog.Hash) []byte {
	return fmt.Appendf(nil, "martinella ledger entry\n%s\n%d\n%s\n", authority, n, base64.StdEncoding.EncodeToString(leaf[:]))
}

// Signer signs heads and entries of one ledger (Ed25519, RFC 8032). It may be
// used by many goroutines.
type Signer struct {
	key     Key
	private ed25519.PrivateKey
}

var _ note.Signer = (*Signer)(nil)

// NewSigner makes the signer of an authority from 32 secret bytes. The same
// bytes give the same key.
func NewSigner(authority string, seed []byte) (*Signer, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("the seed of a ledger's key has %d bytes, not %d", len(seed), ed25519.SeedSize)
	}
	private := ed25519.NewKeyFromSeed(seed)
	public, _ := private.Public().(ed25519.PublicKey)
	text, err := note.NewEd25519VerifierKey(origin+authority, public)
	if err != nil {
		return nil, err
	}
	key, err := ParseKey(text)
	if err != nil {
		return nil, err
	}
	return &Signer{key, private}, nil
}

// Key is the public key, for everybody.
func (s *Signer) Key() Key { return s.key }

// Name implements [note.Signer].
func (s *Signer) Name() string { return s.key.verifier.Name() }

// KeyHash implements [note.Signer].
func (s *Signer) KeyHash() uint32 { return s.key.verifier.KeyHash() }

// Sign implements [note.Signer].
func (s *Signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.private, msg), nil }

// Entry signs an act under its number.
func (s *Signer) Entry(n int64, leaf tlog.Hash) []byte {
	return ed25519.Sign(s.private, entryMessage(s.key.Authority(), n, leaf))
}
