package rdb

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// vault seals what only this authority may read, under the key file: AES-256
// in GCM, with the purpose bound to it. It also makes the keyed index by which
// a contact is found without being stored.
type vault struct {
	seal   cipher.AEAD
	index  []byte
	proof  []byte
	ledger []byte // seed of the ledger's signatures
	key    []byte // the key file's own: what else is derived, is so when asked for
}

// errNoKey is the error of a key file that is not there and might be made.
var errNoKey = errors.New("there is no key file")

// openVault reads the key file; when there is none it is made, if fresh allows
// it and nobody named it. A memory store without a directory has a key of its
// own that ends with it.
func openVault(cfg Config, fresh bool) (*vault, error) {
	path := cfg.KeyFile
	if path == "" && cfg.DataDir != "" {
		path = filepath.Join(cfg.DataDir, "key")
	}
	if path == "" {
		if cfg.Redis != Memory {
			return nil, errors.New("no key file: set a data directory or name a key file")
		}
		return newVault(freshKey())
	}
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) && cfg.KeyFile == "" {
		if !fresh {
			return nil, errNoKey
		}
		key, err = makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	return newVault(key)
}

func freshKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return key
}

func readKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %04o): chmod 600 it", path, info.Mode().Perm())
	}
	text := make([]byte, 128)
	n, err := f.Read(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text[:n])))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s does not hold 32 bytes in hexadecimal", path)
	}
	return key, nil
}

// makeKey writes a fresh key beside its place and links it there: whoever
// starts at the same time sees either no file or a whole one.
func makeKey(path string) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	key := freshKey()
	part := path + "." + nonce()
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer os.Remove(part)
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	switch err := os.Link(part, path); {
	case errors.Is(err, fs.ErrExist):
		return readKey(path) // somebody was faster
	case err != nil:
		return nil, err
	}
	return key, nil
}

func newVault(key []byte) (*vault, error) {
	sealing, err := hkdf.Key(sha256.New, key, nil, "martinella seal", 32)
	if err != nil {
		return nil, err
	}
	index, err := hkdf.Key(sha256.New, key, nil, "martinella index", 32)
	if err != nil {
		return nil, err
	}
	proof, err := hkdf.Key(sha256.New, key, nil, "martinella proof", 32)
	if err != nil {
		return nil, err
	}
	ledger, err := hkdf.Key(sha256.New, key, nil, "martinella ledger", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &vault{aead, index, proof, ledger, key}, nil
}

// sealed is the format of what close writes: one byte, then nonce and text.
const sealed = 1

// close seals text for a purpose ("person 17"); open needs the same purpose.
func (v *vault) close(text []byte, purpose string) []byte {
	out := make([]byte, 1+v.seal.NonceSize(), 1+v.seal.NonceSize()+len(text)+v.seal.Overhead())
	out[0] = sealed
	_, _ = rand.Read(out[1:])                               // never fails (crypto/rand)
	return v.seal.Seal(out, out[1:], text, []byte(purpose)) //nolint:gosec // G407: the nonce is random, the line above made it
}

func (v *vault) open(box []byte, purpose string) ([]byte, error) {
	n := v.seal.NonceSize()
	if len(box) < 1+n || box[0] != sealed {
		return nil, errors.New("the sealed value has an unknown format")
	}
	text, err := v.seal.Open(nil, box[1:1+n], box[1+n:], []byte(purpose))
	if err != nil {
		return nil, errors.New("the sealed value does not open: another key file, or it was changed")
	}
	return text, nil
}

// beginning is that of a sealed value: format and nonce, which no other
// value has.
func (v *vault) beginning(box []byte) []byte { return box[:min(len(box), 1+v.seal.NonceSize())] }

// mac proves that this authority wrote a text.
func (v *vault) mac(text []byte) []byte {
	mac := hmac.New(sha256.New, v.proof)
	mac.Write(text)
	return mac.Sum(nil)
}

// find is the index of a contact: nobody without the key can guess numbers
// from it.
func (v *vault) find(kind, address string) string {
	mac := hmac.New(sha256.New, v.index)
	mac.Write([]byte(kind + "\x00" + address))
	return hex.EncodeToString(mac.Sum(nil))
}
