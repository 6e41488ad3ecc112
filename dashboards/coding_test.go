package dashboards

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

func TestCodingOf(t *testing.T) {
	for header, want := range map[string]coding{
		"":                                plainCoding,
		"gzip":                            gzipCoding,
		"gzip, deflate":                   gzipCoding,
		"gzip, deflate, br, zstd":         brotliCoding,
		"gzip;q=1.0, br;q=0.9":            gzipCoding,
		"br;q=1.0, gzip;q=0.8, *;q=0.1":   brotliCoding,
		"gzip;q=0.5, br;q=0.5":            brotliCoding,
		"br;q=0, gzip":                    gzipCoding,
		"br;q=0, gzip;q=0":                plainCoding,
		"BR":                              brotliCoding,
		"x-gzip":                          gzipCoding,
		"*":                               brotliCoding,
		"*;q=0":                           plainCoding,
		"br;q=0, *":                       gzipCoding,
		"identity":                        plainCoding,
		"identity;q=1, gzip;q=0.5":        plainCoding,
		"identity;q=0.5, gzip;q=1":        gzipCoding,
		"identity;q=0, gzip;q=0, br;q=0":  plainCoding,
		"zstd, deflate":                   plainCoding,
		" br ; q=0.001 ,":                 brotliCoding,
		strings.Repeat("a,", 60) + "gzip": plainCoding,
	} {
		if got := codingOf(header); got != want {
			t.Errorf("%q: %d, want %d", header, got, want)
		}
	}
}

func TestEveryCodingHoldsTheSamePage(t *testing.T) {
	g := open(t)
	g.issue(message("coding", "severity", "Severe"))
	for _, path := range []string{"/", g.server.pages.assets.address(t, "app.css"), "/feed.atom"} {
		plain := g.get(path, "Accept-Encoding", "identity")
		if plain.Header.Get("Content-Encoding") != "" || plain.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %v", path, plain.StatusCode, plain.Header)
		}
		zipped := g.get(path, "Accept-Encoding", "gzip")
		z, err := gzip.NewReader(strings.NewReader(zipped.body))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if b, err := io.ReadAll(z); err != nil || string(b) != plain.body || zipped.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: gzip holds another page (%v)", path, err)
		}
		best := g.get(path, "Accept-Encoding", "gzip, deflate, br, zstd")
		b, err := io.ReadAll(brotli.NewReader(strings.NewReader(best.body)))
		if err != nil || string(b) != plain.body || best.Header.Get("Content-Encoding") != "br" {
			t.Errorf("%s: brotli holds another page (%v)", path, err)
		}
		if len(best.body) >= len(zipped.body) {
			t.Errorf("%s: brotli has %d bytes, gzip %d", path, len(best.body), len(zipped.body))
		}
		if !slices.Contains(best.Header.Values("Vary"), "Accept-Encoding") {
			t.Errorf("%s: Vary %q", path, best.Header.Get("Vary"))
		}
	}
}

// A reader whose coding changes has the page all the same.
func TestNotModifiedInEveryCoding(t *testing.T) {
	g := open(t)
	etag := g.get("/", "Accept-Encoding", "gzip").Header.Get("ETag")
	for _, coding := range []string{"identity", "gzip", "gzip, deflate, br, zstd"} {
		r := g.get("/", "Accept-Encoding", coding, "If-None-Match", `"another", `+etag)
		if r.StatusCode != http.StatusNotModified || r.body != "" || r.Header.Get("ETag") != etag || !slices.Contains(r.Header.Values("Vary"), "Accept-Encoding") {
			t.Errorf("%s: %d %v", coding, r.StatusCode, r.Header)
		}
		if r.Header.Get("Content-Encoding") != "" || r.Header.Get("Content-Length") != "" {
			t.Errorf("%s: a 304 describes a body: %v", coding, r.Header)
		}
	}
}

func TestLargeFilesAreNotCompressedForSeconds(t *testing.T) {
	if got := brotliOf(".js", brotliLarge+1); got != brotliPage {
		t.Errorf("a large script has level %d", got)
	}
	if got := brotliOf(".png", 10); got != brotliNever {
		t.Errorf("a picture has level %d", got)
	}
	for _, level := range []int{brotliPage, brotliFile} {
		text := bytes.Repeat([]byte("Salite ai piani alti. "), 500)
		b, err := io.ReadAll(brotli.NewReader(bytes.NewReader(brotlied(text, level))))
		if err != nil || !bytes.Equal(b, text) {
			t.Errorf("level %d: %v", level, err)
		}
	}
}

func (a *assets) address(t *testing.T, name string) string {
	t.Helper()
	at, err := a.url(name)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
