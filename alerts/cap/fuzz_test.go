package cap

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// seeds adds our own fixtures, and the examples of others where they are.
func seeds(f *testing.F, pattern string) {
	f.Helper()
	own, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil {
		f.Fatal(err)
	}
	others, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "testdata", "cap", "*", "*"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(own, others...) {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 32<<10 {
			f.Add(b)
		}
	}
}

// known fails unless the error is one of ours.
func known(t *testing.T, err error) {
	t.Helper()
	for _, want := range []error{ErrTooLarge, ErrMalformed, ErrUnsafe, ErrUnknownContainer} {
		if errors.Is(err, want) {
			return
		}
	}
	t.Errorf("an error without a kind: %v", err)
}

func FuzzParse(f *testing.F) {
	seeds(f, "*.xml")
	f.Add([]byte(smallAlert))
	for _, refs := range []string{"id/,s", "id,/s", "id/s,", ",id/s", "a/b c/d", "s,id/x,2026-11-21T17:00:00+01:00"} {
		f.Add([]byte(earlier10(refs)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := Parse(b, Submit)
		if err != nil {
			known(t, err)
			return
		}
		roundTrip(t, doc)
	})
}

// FuzzGuard checks that whatever passes the guard stays within the limits in
// the eyes of the parser too.
func FuzzGuard(f *testing.F) {
	seeds(f, "*.xml")
	for _, bomb := range bombs() {
		f.Add([]byte(bomb[:min(len(bomb), 2000)]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := guard(b, Submit); err != nil {
			known(t, err)
			return
		}
		body, err := decode(b)
		if err != nil {
			known(t, err)
			return
		}
		if _, err := readXML(body, Submit); errors.Is(err, ErrUnsafe) {
			t.Errorf("the guard let pass what the parser finds unsafe: %v", err)
		}
	})
}

func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(smallJSON))
	f.Add([]byte(`{"references":["a,b,2026-11-21T17:00:00+01:00"],"addresses":["a \"b","\""],"info":[{"resource":[{"size":7}]}]}`))
	if doc, err := Parse(fixture(f, "valdemo.xml"), Submit); err == nil {
		form, err := json.Marshal(doc.Alert)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(form)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := ParseJSON(b, Submit)
		if err != nil {
			known(t, err)
			return
		}
		roundTrip(t, doc)
	})
}

func FuzzContainer(f *testing.F) {
	seeds(f, "*.xml")
	f.Add([]byte(`<feed xmlns="` + namespaceAtom + `" xmlns:c="` + namespace12 + `"><id>a</id><entry><link href="b"/><content>` + prefixed("c", "<alert>"+small+"</alert>") + `</content></entry></feed>`))
	f.Add([]byte(`<rss><channel><title>a</title><item><enclosure url="b"/><alert xmlns="` + namespace12 + `">` + small + `</alert></item></channel></rss>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		feed, err := ReadContainer(b, Container)
		if err != nil {
			known(t, err)
			return
		}
		for _, it := range feed.Items {
			for _, e := range it.Alerts {
				if e.Err != nil {
					known(t, e.Err)
					continue
				}
				roundTrip(t, e.Document)
			}
		}
	})
}

// FuzzField puts any text into any element of a good alert.
func FuzzField(f *testing.F) {
	whole := string(fixture(f, "valdemo.xml"))
	leaves := regexp.MustCompile(`>[^<>]*[^<>\s][^<>]*</`).FindAllStringIndex(whole, -1)
	for _, s := range []string{"", " a ", "\r\n", `"a b" c"d "`, "a,b,c", "a,b,2026-11-21T17:00:00Z,", "1e5,-0 1e-300", "-.5", "24:00", "\u0085x\u00a0", "\ufffe",
		"1,1 1,1 1,1 1,1", "90,180 0.1", "en_US", "2026-11-21T24:00:00.5+14:00", "&#13;", "0,0 1e9", "+1.", "Very Likely", "'", "\ud7ff\U0010ffff"} {
		for leaf := range leaves {
			f.Add(leaf, s)
		}
	}
	f.Fuzz(func(t *testing.T, leaf int, s string) {
		if leaf < 0 || leaf >= len(leaves) {
			return
		}
		var escaped bytes.Buffer
		if err := xml.EscapeText(&escaped, []byte(s)); err != nil {
			t.Fatal(err)
		}
		at := leaves[leaf]
		doc, err := Parse([]byte(whole[:at[0]+1]+escaped.String()+whole[at[1]-2:]), Submit)
		if err != nil {
			known(t, err)
			return
		}
		roundTrip(t, doc)
	})
}

// FuzzVerify checks that an alert comes out of a valid signature only, and that
// it is the one that was signed.
func FuzzVerify(f *testing.F) {
	key, cert := signer(f)
	a := valdemo(f)
	signed, err := Sign(a, key, cert)
	if err != nil {
		f.Fatal(err)
	}
	want, v := Digest(a), NewVerifier()
	f.Add(signed)
	f.Fuzz(func(t *testing.T, b []byte) {
		got := v.Verify(t.Context(), b, []*x509.Certificate{cert}, day)
		if (got.Document != nil) != (got.State == SignatureValid) {
			t.Fatalf("got %+v", got)
		}
		if got.Document != nil && Digest(got.Document.Alert) != want {
			t.Errorf("another alert verifies:\n%s", b)
		}
	})
}
