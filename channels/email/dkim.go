package email

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/emersion/go-msgauth/dkim"

	"martinella/channels"
)

// minRSA is the shortest key that verifiers take (RFC 8301 section 3.2).
const minRSA = 1024

// signedHeaders are the fields that the signature covers (RFC 6376 section
// 5.4.1). A field that is named once more than it is there cannot be added on
// the way.
var signedHeaders = []string{
	"From", "From", "To", "To", "Subject", "Subject", "Date", "Date", "Message-ID", "Message-ID", "In-Reply-To", "References", "Reply-To",
	"MIME-Version", "Content-Type", "Content-Language", "Auto-Submitted", "List-Unsubscribe", "List-Unsubscribe-Post",
}

// readSigner reads the private key: PKCS #8 or PKCS #1.
func readSigner(path string) (crypto.Signer, error) {
	text, err := channels.ReadSecret("dkim_key_file", path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("dkim_key_file: %s is no PEM file", path)
	}
	var key any
	if key, err = x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
		if key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			return nil, fmt.Errorf("dkim_key_file: %s holds no private key", path)
		}
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < minRSA {
			return nil, fmt.Errorf("dkim_key_file: %s has %d bits, verifiers want at least %d", path, key.N.BitLen(), minRSA)
		}
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, errors.New("dkim_key_file: " + path + " is neither an RSA nor an Ed25519 key")
}

// sign puts the DKIM-Signature before the mail; without a key it stays as it is.
func (c *Channel) sign(mail []byte) ([]byte, error) {
	if c.dkim == nil {
		return mail, nil
	}
	var out bytes.Buffer
	out.Grow(len(mail) + 1024)
	if err := dkim.Sign(&out, bytes.NewReader(mail), c.dkim); err != nil {
		return nil, fmt.Errorf("sign the mail: %w", err)
	}
	return out.Bytes(), nil
}
