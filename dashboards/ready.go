package dashboards

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"

	"martinella/broadcast"
)

// Values of headers that many answers share. net/http only reads them; a
// handler that adds one gets a slice of its own.
var (
	htmlText   = []string{"text/html; charset=utf-8"}
	gzipped    = []string{"gzip"}
	shortly    = []string{"max-age=5, stale-while-revalidate=30"}
	forever    = []string{"public, max-age=31536000, immutable"}
	never      = []string{"no-store"}
	sameOrigin = []string{"same-origin"}
	byEncoding = []string{"Accept-Encoding"}
	byReader   = []string{"Accept-Language", "Accept-Encoding"}
)

// body is the bytes of an answer in both codings, with their lengths as
// headers.
type body struct {
	plain, gz             []byte
	plainLength, gzLength []string
}

func newBody(b []byte) body {
	z := zip(b)
	return body{b, z, []string{itoa(len(b))}, []string{itoa(len(z))}}
}

// write answers, compressed where the client takes it. The headers are set
// already, Vary among them.
func (b *body) write(w http.ResponseWriter, r *http.Request, code int) {
	h := w.Header()
	bytes := b.plain
	if takesGzip(r) {
		h["Content-Encoding"] = gzipped
		h["Content-Length"] = b.gzLength
		bytes = b.gz
	} else {
		h["Content-Length"] = b.plainLength
	}
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(bytes)
	}
}

// version changes whenever a page could look different.
type version struct {
	cursor                        broadcast.Cursor
	minute                        int64
	durable, memory, silent, lost bool // the store's promise; it or the log does not answer
	stopped                       uint64
	settings                      int // see [settings.Now]
}

// but is the version at another cursor.
func (v version) but(c broadcast.Cursor) version {
	v.cursor = c
	return v
}

// ready is one rendered page. It never changes.
type ready struct {
	version version
	basis   string // see [leaf]
	etag    []string
	body    body

	changed  time.Time // of a feed: since when it has these bytes
	modified []string  // the same as a header
}

func newReady(b []byte) *ready {
	return &ready{etag: []string{etagOf(b)}, body: newBody(b)}
}

// send answers with the page, or says that the reader has it.
func (p *ready) send(w http.ResponseWriter, r *http.Request, l *locale) {
	h := w.Header()
	h["Etag"] = p.etag
	if has := r.Header.Get("If-None-Match"); has != "" && matches(has, p.etag[0]) {
		h["Content-Language"] = l.header
		h["Vary"] = byReader
		w.WriteHeader(http.StatusNotModified)
		return
	}
	p.write(w, r, http.StatusOK, l)
}

// write answers with the page, whatever the reader has.
func (p *ready) write(w http.ResponseWriter, r *http.Request, code int, l *locale) {
	h := w.Header()
	h["Content-Type"] = htmlText
	h["Content-Language"] = l.header
	h["Vary"] = byReader
	p.body.write(w, r, code)
}

// etagOf is weak, because the same page goes out compressed and not.
func etagOf(b []byte) string {
	sum := sha256.Sum256(b)
	return `W/"` + hex.EncodeToString(sum[:9]) + `"`
}

// matches reads If-None-Match (RFC 9110 section 13.1.2).
func matches(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		if candidate = strings.TrimSpace(candidate); candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// takesGzip reads Accept-Encoding (RFC 9110 section 12.5.3).
func takesGzip(r *http.Request) bool {
	star := false
	for item := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, params, _ := strings.Cut(item, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip":
			return qValue(params) > 0
		case "*":
			star = qValue(params) > 0
		}
	}
	return star
}

// zippers are at rest; each holds most of a megabyte.
var zippers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestCompression) // the level is one
	return z
}}

func zip(b []byte) []byte {
	var buf bytes.Buffer
	z, _ := zippers.Get().(*gzip.Writer)
	z.Reset(&buf)
	_, _ = z.Write(b)
	_ = z.Close()
	zippers.Put(z)
	return buf.Bytes()
}
