package rdb

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// StatementKey is the key that signs what the page /verify says of a message:
// ECDSA on P-256, which every browser can check. It comes from the key file, so
// that every node of the authority has the same one; a memory store without a
// data directory has one that ends with it.
func (r *Redis) StatementKey() (*ecdsa.PrivateKey, error) { return r.vault.statement() }

func (v *vault) statement() (*ecdsa.PrivateKey, error) {
	for n := 0; ; n++ { // 32 bytes are no number of the curve once in 2^32
		raw, err := hkdf.Key(sha256.New, v.key, nil, fmt.Sprintf("martinella statement %d", n), 32)
		if err != nil {
			return nil, fmt.Errorf("key of statements: %w", err)
		}
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
		if err == nil {
			return key, nil
		}
		if n == 10 {
			return nil, fmt.Errorf("key of statements: %w", err)
		}
	}
}
