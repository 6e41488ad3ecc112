package email

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"martinella/channels/channeltest"
)

// dkimKey writes a private key and gives the DNS record of its public half.
func dkimKey(t testing.TB, kind string) (file, record string) {
	t.Helper()
	var key crypto.Signer
	var public []byte
	var err error
	switch kind {
	case "ed25519":
		var pub ed25519.PublicKey
		pub, key, err = ed25519.GenerateKey(rand.Reader)
		public = pub
	default:
		var own *rsa.PrivateKey
		if own, err = rsa.GenerateKey(rand.Reader, 2048); err == nil {
			key = own
			public, err = x509.MarshalPKIXPublicKey(own.Public())
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return secretFile(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))),
		"v=DKIM1; k=" + kind + "; p=" + base64.StdEncoding.EncodeToString(public)
}

func signed(t testing.TB, kind string) (source []byte, record string) {
	t.Helper()
	file, record := dkimKey(t, kind)
	c := newChannel(t, "127.0.0.1:25", func(c *Config) { c.DKIMKeyFile, c.DKIMSelector = file, "gw" })
	l, err := c.write(message(t, c, channeltest.Update, "01KAK4Z8G0FLD1RST0000000A2/2/mail/7"))
	if err != nil {
		t.Fatal(err)
	}
	return l.source, record
}

func TestSignature(t *testing.T) {
	for _, kind := range []string{"rsa", "ed25519"} {
		t.Run(kind, func(t *testing.T) {
			source, record := signed(t, kind)
			verify := func(source []byte) error {
				found, err := dkim.VerifyWithOptions(bytes.NewReader(source), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
					if name != "gw._domainkey.comune.pistoia.example" {
						t.Errorf("asked for %q", name)
					}
					return []string{record}, nil
				}})
				if err != nil || len(found) != 1 {
					t.Fatalf("%d signatures, %v", len(found), err)
				}
				return found[0].Err
			}
			if err := verify(source); err != nil {
				t.Error(err)
			}
			for name, bad := range map[string][]byte{
				"another word":              bytes.Replace(source, []byte("Ombrone"), []byte("Arno"), 1),
				"another subject":           bytes.Replace(source, []byte("\r\nSubject: "), []byte("\r\nSubject: x"), 1),
				"a second subject":          bytes.Replace(source, []byte("\r\nSubject: "), []byte("\r\nSubject: evil\r\nSubject: "), 1),
				"another way to unsubcribe": bytes.Replace(source, []byte("/hooks/mail?u="), []byte("/hooks/evil?u="), 1),
				"no way to unsubscribe":     bytes.Replace(source, []byte("\r\nList-Unsubscribe-Post: "), []byte("\r\nX-Post: "), 1),
			} {
				if bytes.Equal(bad, source) {
					t.Fatalf("%s: nothing was changed", name)
				}
				if err := verify(bad); err == nil {
					t.Errorf("%s: still verifies", name)
				}
			}
			tag := regexp.MustCompile(`(?s)[ \t;]h=([^;]*);`).FindSubmatch(source)
			if tag == nil {
				t.Fatal("no h=")
			}
			covered := strings.ToLower(strings.Join(strings.Fields(string(tag[1])), ""))
			for _, field := range []string{"from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post"} {
				if !strings.Contains(":"+covered+":", ":"+field+":") {
					t.Errorf("%s is not covered by %s", field, covered)
				}
			}
		})
	}
}

// dkimpy, a foreign implementation, verifies what we sign; DNS is injected.
const dkimScript = `
import sys
try:
    import dkim
except ImportError:
    print("no dkim"); sys.exit(0)
mail = open(sys.argv[1], "rb").read()
record = sys.argv[2].encode()
asked = []
def txt(name, timeout=5):
    asked.append(name if isinstance(name, str) else name.decode())
    return record
ok = dkim.verify(mail, dnsfunc=txt)
tampered = dkim.verify(mail.replace(b"Ombrone", b"Arno", 1), dnsfunc=txt)
print("verified" if ok else "refused", "verified" if tampered else "refused", asked[0] if asked else "-")
`

func TestForeignVerifier(t *testing.T) {
	const python = "/usr/bin/python3" // where Debian's python3-dkim is found
	if _, err := os.Stat(python); err != nil {
		t.Skipf("SKIP: %s is not installed: DKIM is not verified by dkimpy", python)
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "verify.py")
	if err := os.WriteFile(script, []byte(dkimScript), 0o600); err != nil {
		t.Fatal(err)
	}
	source, record := signed(t, "rsa")
	mail := filepath.Join(dir, "mail.eml")
	if err := os.WriteFile(mail, source, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), python, script, mail, record).CombinedOutput()
	got := strings.TrimSpace(string(out))
	if got == "no dkim" {
		t.Skip("SKIP: python3-dkim is not installed: DKIM is not verified by dkimpy")
	}
	if err != nil || !strings.HasPrefix(got, "verified refused gw._domainkey.comune.pistoia.example") {
		t.Errorf("dkimpy says %q, %v", got, err)
	}
}
