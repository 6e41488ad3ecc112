package dashboards

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"martinella/broadcast"
)

// Values of headers that many answers share. net/http only reads them; a
// handler that adds one gets a slice of its own.
var (
	htmlText    = []string{"text/html; charset=utf-8"}
	codedGzip   = []string{"gzip"}
	codedBrotli = []string{"br"}
	shortly     = []string{"max-age=5, stale-while-revalidate=30"}
	forever     = []string{"public, max-age=31536000, immutable"}
	never       = []string{"no-store"}
	sameOrigin  = []string{"same-origin"}
	byEncoding  = []string{"Accept-Encoding"}
	byReader    = []string{"Accept-Language", "Accept-Encoding"}
)

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
	return &ready{etag: []string{etagOf(b)}, body: newBody(b, brotliPage)}
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

// etagOf is weak, because the same page goes out in three codings: a strong one
// would have to differ in each (RFC 9110 section 8.8.1), and a reader whose
// proxy changes the coding would fetch again what it has.
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
