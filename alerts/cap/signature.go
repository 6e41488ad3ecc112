package cap

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// SignatureState is what is known of the XML signature of a message.
type SignatureState string

// The values of [SignatureState]. Unsupported means signed and not verified:
// nothing is known, neither good nor bad.
const (
	SignatureNone        SignatureState = "none"
	SignatureValid       SignatureState = "valid"
	SignatureInvalid     SignatureState = "invalid"
	SignatureUnsupported SignatureState = "unsupported"
)

// Signature is the answer of a [Verifier].
type Signature struct {
	State SignatureState
	Why   string // for people, when invalid or unsupported

	// Busy says that there was no time to verify it: unsupported now, and
	// perhaps valid when it is asked again.
	Busy bool

	// Certificate is the pinned one that signed, when valid. It may hold a
	// person's tax code: never log or show its subject.
	Certificate *x509.Certificate

	// Document is read from exactly what was signed, when valid. Whoever trusts
	// the signature must use this one: the rest of the message may hold more
	// than was signed.
	Document *Document
}

// Verifier checks enveloped XML signatures. It may be used from many
// goroutines; verifying is costly, so it does a few at a time.
type Verifier struct{ slots chan struct{} }

// verifications is how many run at once: the cost grows faster than the size
// of the message.
const verifications = 2

// NewVerifier makes a Verifier.
func NewVerifier() *Verifier { return &Verifier{slots: make(chan struct{}, verifications)} }

// The algorithms that are taken. Nothing with SHA-1: the library would accept
// it. ECDSA is missing because the library does not read the form that XML-DSig
// gives it.
var (
	signatureMethods = []string{dsig.RSASHA256SignatureMethod}
	digestMethods    = []string{"http://www.w3.org/2001/04/xmlenc#sha256"}
	transforms       = []string{
		dsig.EnvelopedSignatureAltorithmId.String(),
		dsig.CanonicalXML10ExclusiveAlgorithmId.String(),
		dsig.CanonicalXML10RecAlgorithmId.String(),
		dsig.CanonicalXML11AlgorithmId.String(),
	}
)

// Verify checks the signature of an alert against the certificates that are
// pinned for its sender, as of now. It blocks while others are being verified,
// until ctx ends. A message that the guard refuses is
// invalid, one above the Submit limits unsupported.
func (v *Verifier) Verify(ctx context.Context, b []byte, pinned []*x509.Certificate, now time.Time) Signature {
	plain, err := Parse(b, Submit)
	switch {
	case errors.Is(err, ErrTooLarge):
		return Signature{State: SignatureUnsupported, Why: err.Error()}
	case err != nil:
		return Signature{State: SignatureInvalid, Why: err.Error()}
	case !plain.Signed:
		return noneOrMisplaced(b)
	}
	select {
	case v.slots <- struct{}{}:
		defer func() { <-v.slots }()
	case <-ctx.Done():
		return Signature{State: SignatureUnsupported, Why: "there was no time to verify it", Busy: true}
	}
	body, err := decode(b)
	if err != nil {
		return Signature{State: SignatureInvalid, Why: err.Error()}
	}
	doc := etree.NewDocument()
	doc.ReadSettings.MaxDepth = Submit.Depth
	if err := doc.ReadFromBytes(body); err != nil {
		return Signature{State: SignatureInvalid, Why: "it cannot be read"}
	}
	return verifyRoot(doc.Root(), pinned, now)
}

// noneOrMisplaced: a Signature anywhere but directly in the alert signs
// something else.
func noneOrMisplaced(b []byte) Signature {
	body, err := decode(b)
	if err != nil {
		return Signature{State: SignatureInvalid, Why: err.Error()}
	}
	if !bytes.Contains(body, []byte(namespaceDSig)) {
		return Signature{State: SignatureNone}
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(body); err != nil {
		return Signature{State: SignatureInvalid, Why: "it cannot be read"}
	}
	if len(signaturesIn(doc.Root())) > 0 {
		return Signature{State: SignatureInvalid, Why: "the signature is not directly in the alert"}
	}
	return Signature{State: SignatureNone}
}

func signaturesIn(e *etree.Element) []*etree.Element {
	var found []*etree.Element
	if e.Tag == dsig.SignatureTag && e.NamespaceURI() == dsig.Namespace {
		found = append(found, e)
	}
	for _, c := range e.ChildElements() {
		found = append(found, signaturesIn(c)...)
	}
	return found
}

func verifyRoot(root *etree.Element, pinned []*x509.Certificate, now time.Time) Signature {
	signatures := signaturesIn(root)
	switch {
	case len(signatures) > 1:
		return Signature{State: SignatureUnsupported, Why: "there is more than one signature"}
	case len(signatures) == 0 || signatures[0].Parent() != root:
		return Signature{State: SignatureInvalid, Why: "the signature is not directly in the alert"}
	}
	if state, why := methods(signatures[0], root); state != "" {
		return Signature{State: state, Why: why}
	}
	certificate, state, why := certificateOf(signatures[0], pinned)
	if certificate == nil {
		return Signature{State: state, Why: why}
	}
	if now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
		return Signature{State: SignatureInvalid, Why: "the certificate is not valid at this time"}
	}
	store := &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}}
	check := dsig.NewDefaultValidationContext(store)
	check.Clock = dsig.NewFakeClockAt(now)
	signed, err := check.Validate(root)
	switch {
	case errors.Is(err, etreeutils.ErrTraversalLimit):
		return Signature{State: SignatureUnsupported, Why: "the alert has too many elements to verify"}
	case err != nil:
		return Signature{State: SignatureInvalid, Why: "the signature does not fit the content"}
	}
	out := etree.NewDocument()
	out.SetRoot(signed)
	b, err := out.WriteToBytes()
	if err != nil {
		return Signature{State: SignatureInvalid, Why: "what was signed cannot be read"}
	}
	doc, err := Parse(b, Submit)
	if err != nil {
		return Signature{State: SignatureInvalid, Why: "what was signed cannot be read"}
	}
	doc.Signed = true
	return Signature{State: SignatureValid, Certificate: certificate, Document: doc}
}

// methods refuses algorithms that are not on the lists, and references to
// anything but the whole alert.
func methods(signature, root *etree.Element) (SignatureState, string) {
	var references, methods, digests []*etree.Element
	for _, e := range signature.FindElements(".//*") {
		switch e.Tag {
		case "Reference":
			if e.Parent().Tag == dsig.SignedInfoTag {
				references = append(references, e)
			}
		case dsig.SignatureMethodTag:
			methods = append(methods, e)
		case dsig.DigestMethodTag:
			if e.Parent().Tag == "Reference" {
				digests = append(digests, e)
			}
		case "Transform":
			if a := e.SelectAttrValue("Algorithm", ""); !slices.Contains(transforms, a) {
				return SignatureUnsupported, "the transform " + quote(a) + " is not supported"
			}
		}
	}
	if len(references) != 1 || len(methods) != 1 || len(digests) != 1 {
		return SignatureUnsupported, "it does not sign exactly one thing"
	}
	if a := methods[0].SelectAttrValue("Algorithm", ""); !slices.Contains(signatureMethods, a) {
		return SignatureUnsupported, "the signature method " + quote(a) + " is not supported"
	}
	if a := digests[0].SelectAttrValue("Algorithm", ""); !slices.Contains(digestMethods, a) {
		return SignatureUnsupported, "the digest method " + quote(a) + " is not supported"
	}
	uri := references[0].SelectAttrValue("URI", "")
	if id := root.SelectAttrValue("ID", ""); uri != "" && (id == "" || uri != "#"+id) {
		return SignatureInvalid, "it does not sign the whole alert"
	}
	return "", ""
}

// certificateOf finds the pinned certificate that the signature names, or the
// only pinned one when it names none.
func certificateOf(signature *etree.Element, pinned []*x509.Certificate) (*x509.Certificate, SignatureState, string) {
	if len(pinned) == 0 {
		return nil, SignatureUnsupported, "no certificate is pinned for the sender"
	}
	var keyInfo, named []*etree.Element
	for _, e := range signature.ChildElements() {
		if e.Tag == dsig.KeyInfoTag {
			keyInfo = append(keyInfo, e)
			named = append(named, e.FindElements(".//X509Certificate")...)
		}
	}
	if len(keyInfo) == 0 && len(pinned) == 1 {
		return pinned[0], "", ""
	}
	if len(named) == 0 {
		return nil, SignatureUnsupported, "it does not carry its certificate"
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(named[0].Text()), ""))
	if err != nil {
		return nil, SignatureInvalid, "its certificate cannot be read"
	}
	for _, p := range pinned {
		if slices.Equal(p.Raw, der) {
			return p, "", ""
		}
	}
	return nil, SignatureUnsupported, "its certificate is not pinned for the sender"
}
