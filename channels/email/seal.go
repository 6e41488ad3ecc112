package email

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strings"

	"martinella/channels"
)

// seal makes what must be ours when it comes back, without storing anything:
//
//	id       26 letters and figures that stand for one message to one recipient.
//	         They are the receipt's id, the beginning of the Message-ID and the
//	         token of the bounce address. The last third proves the rest, so a
//	         stranger's notice about an invented id is thrown away.
//	bond     binds an id to its recipient's address: who answers with STOP has
//	         had the mail.
//	ticket   an address, sealed: the unsubscribe link. Nobody can read or make
//	         one without the key, and the same address always has the same.
//
// All keys come from the key file by HKDF-SHA256, apart by purpose and channel.
type seal struct {
	channel string
	keys    []keys // the first makes, all are tried
}

type keys struct {
	id, proof, bond, nonce []byte
	box                    cipher.AEAD
}

const (
	tokenLength = 26 // 16 bytes in base 32
	idBytes     = 11
	proofBytes  = 5
	bondLength  = 16 // 10 bytes in base 32
	nonceBytes  = 12 // of AES-GCM
)

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// readKeys reads the key file: a key on each line.
func readKeys(path string) ([][]byte, error) {
	text, err := channels.ReadSecret("key_file", path)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		line := bytes.TrimSpace(s.Bytes())
		if len(line) == 0 {
			continue
		}
		if len(line) < minKey {
			return nil, fmt.Errorf("key_file: %s: line %d has %d characters, at least %d are needed", path, len(out)+1, len(line), minKey)
		}
		out = append(out, bytes.Clone(line))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("key_file: %s holds no key", path)
	}
	return out, nil
}

func newSeal(channel string, secrets [][]byte) (*seal, error) {
	s := &seal{channel: channel}
	for _, secret := range secrets {
		derive := func(purpose string) ([]byte, error) {
			return hkdf.Key(sha256.New, secret, nil, "martinella mail "+purpose+" "+channel, 32)
		}
		var k keys
		for purpose, to := range map[string]*[]byte{"id": &k.id, "proof": &k.proof, "bond": &k.bond, "nonce": &k.nonce} {
			var err error
			if *to, err = derive(purpose); err != nil {
				return nil, err
			}
		}
		box, err := derive("box")
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(box)
		if err != nil {
			return nil, err
		}
		if k.box, err = cipher.NewGCM(block); err != nil {
			return nil, err
		}
		s.keys = append(s.keys, k)
	}
	return s, nil
}

func mac(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return h.Sum(nil)
}

// id stands for a message; without a key it is a plain hash, which proves
// nothing.
func (s *seal) id(message, language string) string {
	if s == nil {
		sum := sha256.Sum256([]byte(message + "\x00" + language))
		return letters.EncodeToString(sum[:idBytes+proofBytes])
	}
	k := &s.keys[0]
	id := mac(k.id, message, language)[:idBytes:idBytes]
	return letters.EncodeToString(append(id, mac(k.proof, string(id))[:proofBytes]...))
}

// knows reports whether the id was made here.
func (s *seal) knows(id string) bool {
	raw, err := letters.DecodeString(id)
	if s == nil || err != nil || len(raw) != idBytes+proofBytes || letters.EncodeToString(raw) != id {
		return false
	}
	for i := range s.keys {
		if hmac.Equal(mac(s.keys[i].proof, string(raw[:idBytes]))[:proofBytes], raw[idBytes:]) {
			return true
		}
	}
	return false
}

// bond is the second part of a Message-ID; "" without a key.
func (s *seal) bond(id, address string) string {
	if s == nil {
		return ""
	}
	return s.keys[0].bondOf(id, address)
}

func (k *keys) bondOf(id, address string) string {
	return letters.EncodeToString(mac(k.bond, id, strings.ToLower(address))[:10])
}

// bound reports whether the mail with this id went to the address.
func (s *seal) bound(id, bond, address string) bool {
	if s == nil {
		return false
	}
	for i := range s.keys {
		if hmac.Equal([]byte(s.keys[i].bondOf(id, address)), []byte(bond)) {
			return true
		}
	}
	return false
}

// ticket seals an address. The nonce is a keyed hash of it: two addresses never
// share one, and the link is the same in every attempt.
func (s *seal) ticket(address string) string {
	k := &s.keys[0]
	nonce := mac(k.nonce, address)[:nonceBytes:nonceBytes]
	return base64.RawURLEncoding.EncodeToString(k.box.Seal(nonce, nonce, []byte(address), []byte(s.channel)))
}

// maxTicket is the longest text that can be a ticket.
var maxTicket = base64.RawURLEncoding.EncodedLen(nonceBytes + 2*maxAddress + 16)

// open gives the address of a ticket, false for what was not made here.
func (s *seal) open(ticket string) (string, bool) {
	if s == nil || len(ticket) > maxTicket || strings.ContainsAny(ticket, "\r\n") { // the decoder skips line breaks
		return "", false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	if err != nil || len(raw) < nonceBytes {
		return "", false
	}
	for i := range s.keys {
		if address, err := s.keys[i].box.Open(nil, raw[:nonceBytes], raw[nonceBytes:], []byte(s.channel)); err == nil {
			return string(address), true
		}
	}
	return "", false
}
