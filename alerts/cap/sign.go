package cap

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"martinella/alerts"
)

// Sign writes the alert with an enveloped signature: exclusive C14N,
// RSA-SHA256. The key must be RSA and fit the certificate.
func Sign(a *alerts.Alert, key crypto.Signer, certificate *x509.Certificate) ([]byte, error) {
	return Writer{}.Sign(a, key, certificate)
}

// CanSign reports whether the key is RSA and fits the certificate, as [Sign]
// wants them.
func CanSign(key crypto.Signer, certificate *x509.Certificate) bool {
	public, isRSA := key.Public().(*rsa.PublicKey)
	return isRSA && public.Equal(certificate.PublicKey)
}

// Sign is [Sign] with the choices of the writer.
func (w Writer) Sign(a *alerts.Alert, key crypto.Signer, certificate *x509.Certificate) ([]byte, error) {
	if !CanSign(key, certificate) {
		return nil, errors.New("sign cap: the key is not the RSA key of the certificate")
	}
	b, err := w.Write(a)
	if err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(b); err != nil {
		return nil, fmt.Errorf("sign cap: %w", err)
	}
	signer, err := dsig.NewSigningContext(key, [][]byte{certificate.Raw})
	if err != nil {
		return nil, fmt.Errorf("sign cap: %w", err)
	}
	signer.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	signed, err := signer.SignEnveloped(doc.Root())
	if err != nil {
		return nil, fmt.Errorf("sign cap: %w", err)
	}
	doc.SetRoot(signed)
	b, err = doc.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("sign cap: %w", err)
	}
	return b, nil
}
