package main

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"martinella/alerts/cap"
	"martinella/dashboards"
)

// signing reads key and certificate for the published CAP messages; nil where
// none are configured.
func (c *Config) signing() (*dashboards.Signing, error) {
	if c.Signing == (SigningConfig{}) {
		return nil, nil
	}
	certificate, err := readCertificate(c.Signing.CertificateFile)
	if err != nil {
		return nil, fmt.Errorf("certificate_file: %w", err)
	}
	key, err := readSigningKey(c.Signing.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("key_file: %w", err)
	}
	if !cap.CanSign(key, certificate) {
		return nil, errors.New("key_file: is not the RSA key of the certificate")
	}
	return &dashboards.Signing{Key: key, Certificate: certificate}, nil
}

func readSigningKey(file string) (crypto.Signer, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.New(plainPathError(err))
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("holds no PEM key")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("holds no private key that can be read")
	}
	signer, can := key.(crypto.Signer)
	if !can {
		return nil, errors.New("holds a key that cannot sign")
	}
	return signer, nil
}
