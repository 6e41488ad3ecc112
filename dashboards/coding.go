package dashboards

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
)

// coding is how the bytes of an answer are written on the wire.
type coding int

const (
	plainCoding coding = iota
	gzipCoding
	brotliCoding
)

// How hard brotli tries (0 to 11; brotliNever: not at all). A page is made anew
// every minute in each language, so it gets what costs as much as gzip's best:
// 0.7 ms for 8 % fewer bytes than gzip. A file that never changes gets the best:
// 20 ms, once, for 13 %. Zstandard was measured too: at these sizes (7 KB) it
// writes as many bytes as gzip.
const (
	brotliNever = -1
	brotliPage  = 5
	brotliFile  = 11
	// brotliLarge is the size from which a file gets brotliPage too: the best
	// takes 3 s for a megabyte.
	brotliLarge = 64 << 10
)

// brotliOf is how hard a file is compressed; pictures are already.
func brotliOf(ext string, size int) int {
	switch {
	case ext == ".png" || ext == ".jpg":
		return brotliNever
	case size > brotliLarge:
		return brotliPage
	}
	return brotliFile
}

// body is the bytes of an answer in every coding, with their lengths as
// headers. Copies share what was compressed.
type body struct {
	plain, gz             []byte
	plainLength, gzLength []string
	br                    *brotliBody // nil: there is none
}

// brotliBody is compressed for the first reader who takes it: programs and
// browsers on http: never ask for it.
type brotliBody struct {
	level  int
	once   sync.Once
	bytes  []byte
	length []string
}

func newBody(b []byte, level int) body {
	z := zip(b)
	made := body{plain: b, gz: z, plainLength: []string{itoa(len(b))}, gzLength: []string{itoa(len(z))}}
	if level != brotliNever {
		made.br = &brotliBody{level: level}
	}
	return made
}

// weight is how many bytes the answer takes in memory, with the brotli form that
// a reader may ask for later.
func (b *body) weight() int {
	if b.br == nil {
		return len(b.plain) + len(b.gz)
	}
	return len(b.plain) + 2*len(b.gz)
}

// write answers, compressed where the client takes it. The headers are set
// already, Vary among them.
func (b *body) write(w http.ResponseWriter, r *http.Request, code int) {
	h := w.Header()
	bytes := b.plain
	switch c := codingOf(r.Header.Get("Accept-Encoding")); {
	case c == brotliCoding && b.br != nil:
		b.br.once.Do(func() {
			b.br.bytes = brotlied(b.plain, b.br.level)
			b.br.length = []string{itoa(len(b.br.bytes))}
		})
		bytes = b.br.bytes
		h["Content-Encoding"], h["Content-Length"] = codedBrotli, b.br.length
	case c == gzipCoding || c == brotliCoding && takesGzip(r.Header.Get("Accept-Encoding")):
		bytes = b.gz
		h["Content-Encoding"], h["Content-Length"] = codedGzip, b.gzLength
	default:
		h["Content-Length"] = b.plainLength
	}
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(bytes)
	}
}

// codingOf chooses what Accept-Encoding likes best (RFC 9110 section 12.5.3);
// among equals the one with fewer bytes. A coding that is not named has the
// weight of *, and none without it; plain bytes that are not named come last,
// and are sent also where nothing else is acceptable.
func codingOf(header string) coding {
	switch header { // what browsers and their proxies send
	case "gzip, deflate, br, zstd", "gzip, deflate, br":
		return brotliCoding
	case "gzip, deflate", "gzip":
		return gzipCoding
	case "":
		return plainCoding
	}
	br, gz, plain := weights(header)
	switch {
	case br > 0 && br >= gz && br >= plain:
		return brotliCoding
	case gz > 0 && gz >= plain:
		return gzipCoding
	}
	return plainCoding
}

// takesGzip reports whether gzip may be sent, where there is no brotli.
func takesGzip(header string) bool {
	_, gz, plain := weights(header)
	return gz > 0 && gz >= plain
}

// weights reads Accept-Encoding, at most its first fifty codings.
func weights(header string) (br, gz, plain float64) {
	const unnamed = -1
	star := 0.0
	br, gz, plain = unnamed, unnamed, unnamed
	n := 0
	for item := range strings.SplitSeq(header, ",") {
		if n++; n > 50 {
			break // no browser sends more
		}
		name, params, _ := strings.Cut(item, ";")
		q := qValue(params)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "br":
			br = q
		case "gzip", "x-gzip":
			gz = q
		case "identity":
			plain = q
		case "*":
			star = q
		}
	}
	if br == unnamed {
		br = star
	}
	if gz == unnamed {
		gz = star
	}
	return br, gz, plain
}

// zippers and brotlis are at rest; each holds most of a megabyte.
var (
	zippers = sync.Pool{New: func() any {
		z, _ := gzip.NewWriterLevel(nil, gzip.BestCompression) // the level is one
		return z
	}}
	brotlis = sync.Pool{New: func() any { return brotli.NewWriterLevel(nil, brotliPage) }}
)

func zip(b []byte) []byte {
	var buf bytes.Buffer
	z, _ := zippers.Get().(*gzip.Writer)
	z.Reset(&buf)
	_, _ = z.Write(b)
	_ = z.Close()
	zippers.Put(z)
	return buf.Bytes()
}

func brotlied(b []byte, level int) []byte {
	var buf bytes.Buffer
	if level != brotliPage {
		z := brotli.NewWriterLevel(&buf, level)
		_, _ = z.Write(b)
		_ = z.Close()
		return buf.Bytes()
	}
	z, _ := brotlis.Get().(*brotli.Writer)
	z.Reset(&buf)
	_, _ = z.Write(b)
	_ = z.Close()
	brotlis.Put(z)
	return buf.Bytes()
}
