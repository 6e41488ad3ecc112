package webpush

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"martinella/channels"
)

// Key is a VAPID key (RFC 8292): by it push services know that all messages
// come from the same sender. Every subscription is bound to it, so a new key
// makes all of them void.
type Key struct {
	private, public string // base64url without padding, as browsers and libraries write them
}

// NewKey makes a key.
func NewKey() (Key, error) {
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("make a VAPID key: %w", err)
	}
	return keyOf(k), nil
}

func keyOf(k *ecdh.PrivateKey) Key {
	return Key{base64.RawURLEncoding.EncodeToString(k.Bytes()), base64.RawURLEncoding.EncodeToString(k.PublicKey().Bytes())}
}

// ReadKey reads the file of a key: its private part in base64url on one line,
// as other tools write it too. The file must belong to its owner alone.
func ReadKey(path string) (Key, error) {
	text, err := channels.ReadSecret("vapid_key_file", path)
	if err != nil {
		if path == "" {
			err = fmt.Errorf("%w; martinella keys vapid --out FILE makes one", err)
		}
		return Key{}, err
	}
	wrong := errors.New("vapid_key_file does not hold a VAPID key: 32 bytes in base64url, as martinella keys vapid writes it")
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return Key{}, wrong // the error of base64 tells of the content
	}
	k, err := ecdh.P256().NewPrivateKey(b)
	if err != nil {
		return Key{}, wrong
	}
	return keyOf(k), nil
}

// Private is the secret part, as its file holds it.
func (k Key) Private() string { return k.private }

// Public is what browsers subscribe with (applicationServerKey), in base64url.
func (k Key) Public() string { return k.public }

// String is for logs: the secret part is in none.
func (k Key) String() string { return "VAPID key " + k.public }
