package cap

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

var day = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// signer makes a key with a certificate that is valid around day.
func signer(t testing.TB) (*rsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Comune di Valdemo"},
		NotBefore: day.AddDate(0, -1, 0), NotAfter: day.AddDate(0, 1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

func TestWithoutTimeASignatureIsNeitherGoodNorBad(t *testing.T) {
	key, cert := signer(t)
	signed, err := Sign(valdemo(t), key, cert)
	if err != nil {
		t.Fatal(err)
	}
	v := NewVerifier()
	for range verifications { // others are being verified
		v.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := v.Verify(ctx, signed, []*x509.Certificate{cert}, day); !got.Busy || got.State != SignatureUnsupported || got.Document != nil {
		t.Errorf("got %+v, want busy", got)
	}
	<-v.slots
	if got := v.Verify(t.Context(), signed, []*x509.Certificate{cert}, day); got.Busy || got.State != SignatureValid {
		t.Errorf("asked again: got %+v, want valid", got)
	}
}

func TestWhatWeSignVerifies(t *testing.T) {
	key, cert := signer(t)
	a := valdemo(t)
	b, err := Sign(a, key, cert)
	if err != nil {
		t.Fatal(err)
	}
	if doc := parse(t, b); !doc.Strict() || !doc.Signed {
		t.Error(doc.Problems, doc.Schema, doc.Signed)
	}
	got := NewVerifier().Verify(t.Context(), b, []*x509.Certificate{cert}, day)
	if got.State != SignatureValid || !got.Certificate.Equal(cert) {
		t.Fatalf("got %s: %s", got.State, got.Why)
	}
	if Digest(got.Document.Alert) != Digest(a) || !got.Document.Signed || !got.Document.Strict() {
		t.Error("what was verified is not what was signed", got.Document.Problems, got.Document.Schema)
	}
	feed := `<feed xmlns="` + namespaceAtom + `" xmlns:x="urn:x"><entry><content>` + string(b[bytes.Index(b, []byte("<alert")):]) + `</content></entry></feed>`
	inside := readContainer(t, []byte(feed)).Items[0].Alerts[0]
	if got := NewVerifier().Verify(t.Context(), inside.Raw, []*x509.Certificate{cert}, day); got.State != SignatureValid {
		t.Errorf("inside a feed: got %s: %s", got.State, got.Why)
	}
}

func TestAForeignProgramVerifiesWhatWeSign(t *testing.T) {
	if _, err := exec.LookPath("xmlsec1"); err != nil {
		t.Skip("xmlsec1 (Debian: xmlsec1) is not installed")
	}
	key, cert := signer(t)
	b, err := Sign(valdemo(t), key, cert)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, good, bad := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "good.xml"), filepath.Join(dir, "bad.xml")
	for path, content := range map[string][]byte{
		certFile: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}),
		good:     b,
		bad:      bytes.Replace(b, []byte("Severe"), []byte("Minor"), 1),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	verify := func(path string) ([]byte, error) {
		return exec.CommandContext(t.Context(), "xmlsec1", "--verify", "--pubkey-cert-pem", certFile, path).CombinedOutput()
	}
	if out, err := verify(good); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := verify(bad); err == nil {
		t.Errorf("a changed alert verifies\n%s", out)
	}
}

func TestSignaturesThatMustNotCount(t *testing.T) {
	key, cert := signer(t)
	_, stranger := signer(t)
	signed, err := Sign(valdemo(t), key, cert)
	if err != nil {
		t.Fatal(err)
	}
	plain := write(t, valdemo(t))
	cut := func(s string) (before, signature, after string) {
		i, j := strings.Index(s, "<ds:Signature"), strings.Index(s, "</ds:Signature>")+len("</ds:Signature>")
		return s[:i], s[i:j], s[j:]
	}
	before, signature, after := cut(string(signed))
	root := `<alert xmlns="` + namespace12 + `">`
	body := before[strings.Index(before, root)+len(root):]
	sha1, err := dsig.NewSigningContext(key, [][]byte{cert.Raw})
	if err != nil {
		t.Fatal(err)
	}
	sha1.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := sha1.SetSignatureMethod(dsig.RSASHA1SignatureMethod); err != nil {
		t.Fatal(err)
	}
	weak := etree.NewDocument()
	if err := weak.ReadFromBytes(plain); err != nil {
		t.Fatal(err)
	}
	weakRoot, err := sha1.SignEnveloped(weak.Root())
	if err != nil {
		t.Fatal(err)
	}
	weak.SetRoot(weakRoot)
	weakBytes, err := weak.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	pins := []*x509.Certificate{cert}
	for name, c := range map[string]struct {
		xml    string
		pinned []*x509.Certificate
		now    time.Time
		want   SignatureState
	}{
		"no signature":                           {string(plain), pins, day, SignatureNone},
		"a value was changed":                    {strings.Replace(string(signed), "Severe", "Extreme", 1), pins, day, SignatureInvalid},
		"the certificate is not pinned":          {string(signed), []*x509.Certificate{stranger}, day, SignatureUnsupported},
		"nothing is pinned":                      {string(signed), nil, day, SignatureUnsupported},
		"the certificate is expired":             {string(signed), pins, day.AddDate(1, 0, 0), SignatureInvalid},
		"SHA-1":                                  {weakBytes, pins, day, SignatureUnsupported},
		"SHA-1 for the signature alone":          {strings.Replace(string(signed), dsig.RSASHA256SignatureMethod, dsig.RSASHA1SignatureMethod, 1), pins, day, SignatureUnsupported},
		"SHA-1 for the digest alone":             {strings.Replace(string(signed), digestMethods[0], "http://www.w3.org/2000/09/xmldsig#sha1", 1), pins, day, SignatureUnsupported},
		"a transform that is not on the list":    {strings.Replace(string(signed), transforms[0], "http://www.w3.org/TR/1999/REC-xslt-19991116", 1), pins, day, SignatureUnsupported},
		"two references":                         {doubled(string(signed), "<ds:Reference", "</ds:Reference>"), pins, day, SignatureUnsupported},
		"its certificate is garbage":             {strings.Replace(string(signed), "X509Certificate>", "X509Certificate>!", 1), pins, day, SignatureInvalid},
		"an info was added after signing":        {strings.Replace(string(signed), "<ds:Signature", "<info/><ds:Signature", 1), pins, day, SignatureInvalid},
		"the signature is there twice":           {before + signature + signature + after, pins, day, SignatureUnsupported},
		"the signature was moved into the info":  {root + strings.Replace(body, "</info>", signature+"</info>", 1) + after, pins, day, SignatureInvalid},
		"the signed alert is wrapped in another": {root + body + "<note>" + strings.Replace(string(signed), `<?xml version="1.0" encoding="UTF-8"?>`, "", 1) + "</note></alert>", pins, day, SignatureInvalid},
		"another element has the reference":      {strings.Replace(string(signed), `URI=""`, `URI="#x"`, 1), pins, day, SignatureInvalid},
		"the guard refuses it":                   {"<!DOCTYPE alert>" + string(plain), pins, day, SignatureInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			got := NewVerifier().Verify(t.Context(), []byte(c.xml), c.pinned, c.now)
			if got.State != c.want {
				t.Errorf("got %s (%s), want %s", got.State, got.Why, c.want)
			}
			if got.Document != nil || got.Certificate != nil {
				t.Error("an alert came out")
			}
			if (got.Why == "") != (c.want == SignatureNone) {
				t.Errorf("why: %q", got.Why)
			}
		})
	}
}

// doubled repeats the piece of s between two marks.
func doubled(s, from, to string) string {
	i, j := strings.Index(s, from), strings.Index(s, to)+len(to)
	return s[:j] + s[i:]
}

// TestOnlyWhatWasSignedComesOut: what stands inside the Signature element is
// not covered by an enveloped signature.
func TestOnlyWhatWasSignedComesOut(t *testing.T) {
	key, cert := signer(t)
	signed, err := Sign(valdemo(t), key, cert)
	if err != nil {
		t.Fatal(err)
	}
	smuggled := strings.Replace(string(signed), "</ds:Signature>", "<ds:Object><info><headline>Falso</headline></info></ds:Object></ds:Signature>", 1)
	got := NewVerifier().Verify(t.Context(), []byte(smuggled), []*x509.Certificate{cert}, day)
	if got.State != SignatureValid || Digest(got.Document.Alert) != Digest(valdemo(t)) {
		t.Errorf("got %s: %s", got.State, got.Why)
	}
}

func TestVerifyingWaitsForItsTurn(t *testing.T) {
	key, cert := signer(t)
	signed, err := Sign(valdemo(t), key, cert)
	if err != nil {
		t.Fatal(err)
	}
	v := NewVerifier()
	for range verifications {
		v.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := v.Verify(ctx, signed, []*x509.Certificate{cert}, day); got.State != SignatureUnsupported {
		t.Errorf("got %s: %s", got.State, got.Why)
	}
	<-v.slots
	if got := v.Verify(t.Context(), signed, []*x509.Certificate{cert}, day); got.State != SignatureValid {
		t.Errorf("with a free place: got %s: %s", got.State, got.Why)
	}
}

func TestSigningNeedsTheCertificatesKey(t *testing.T) {
	key, _ := signer(t)
	_, other := signer(t)
	if _, err := Sign(valdemo(t), key, other); err == nil {
		t.Error("signed with another's certificate")
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sign(valdemo(t), curve, other); err == nil {
		t.Error("signed with an ECDSA key, which nobody could verify")
	}
}

var keyInfoCertificate = regexp.MustCompile(`(?s)X509Certificate>([^<]+)<`)

// TestEveryExampleSignatureGetsItsVerdict pins the certificate that the example
// itself carries and compares with what xmlsec1 said.
func TestEveryExampleSignatureGetsItsVerdict(t *testing.T) {
	verified := 0
	for file, want := range examples(t, "valid", "invalid") {
		b := exampleBytes(t, file)
		if _, err := Parse(b, Submit); err != nil {
			continue
		}
		var pinned []*x509.Certificate
		now := day
		for _, m := range keyInfoCertificate.FindAllSubmatch(b, -1) {
			der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(m[1])), ""))
			if err != nil {
				continue
			}
			if cert, err := x509.ParseCertificate(der); err == nil {
				pinned, now = append(pinned, cert), cert.NotBefore.Add(time.Hour)
			}
		}
		got := NewVerifier().Verify(t.Context(), b, pinned, now)
		t.Logf("%s: %s (%s); xmlsec1: %s", file, got.State, got.Why, want.Signature)
		switch {
		case !want.Signed:
			if got.State != SignatureNone {
				t.Errorf("%s is not signed: got %s", file, got.State)
			}
		case want.Signature == "valid" && strings.Contains(file, "xades"):
			if got.State != SignatureUnsupported {
				t.Errorf("%s: got %s (%s), want unsupported", file, got.State, got.Why)
			}
		case want.Signature == "valid":
			verified++
			if got.State != SignatureValid {
				t.Errorf("%s: got %s (%s), want valid", file, got.State, got.Why)
			}
		case strings.HasPrefix(want.Signature, "digest mismatch"):
			if got.State == SignatureValid || got.State == SignatureNone {
				t.Errorf("%s: got %s (%s), want invalid", file, got.State, got.Why)
			}
		case got.State == SignatureNone:
			t.Errorf("%s: the signature was not seen", file)
		}
	}
	if verified < 2 {
		t.Errorf("only %d signatures of others were verified", verified)
	}
}
