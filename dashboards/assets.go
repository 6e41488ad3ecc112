package dashboards

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// assets are the files of the pages under names that hold their hash, so that
// browsers keep them for ever and still get every change.
type assets struct {
	names  map[string]string // "app.css" to "app.3f2a....css"
	bodies map[string]asset
}

type asset struct {
	media     string
	plain, gz []byte
}

// loadAssets reads the files; the style sheet gets the authority's colour in
// front of it, so it stays one request.
func loadAssets(tokens string) (*assets, error) {
	a := &assets{names: map[string]string{}, bodies: map[string]asset{}}
	files, err := staticFiles.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("assets: %w", err)
	}
	for _, f := range files {
		b, err := staticFiles.ReadFile("static/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("assets: %w", err)
		}
		if f.Name() == "app.css" {
			b = append(b, tokens...)
		}
		sum := sha256.Sum256(b)
		ext := path.Ext(f.Name())
		name := strings.TrimSuffix(f.Name(), ext) + "." + base64.RawURLEncoding.EncodeToString(sum[:9]) + ext
		a.names[f.Name()] = name
		a.bodies[name] = asset{mime.TypeByExtension(ext), b, zip(b)}
	}
	return a, nil
}

// url is the address of an asset; it is an error to ask for one that is not
// there.
func (a *assets) url(name string) (string, error) {
	hashed, known := a.names[name]
	if !known {
		return "", fmt.Errorf("there is no asset %s", name)
	}
	return "/static/" + hashed, nil
}

func (a *assets) serve(w http.ResponseWriter, r *http.Request) {
	file, known := a.bodies[r.PathValue("file")]
	if !known {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.media)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	send(w, r, http.StatusOK, file.plain, file.gz)
}

// send writes a body, compressed where the client takes it.
func send(w http.ResponseWriter, r *http.Request, code int, plain, gz []byte) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		plain = gz
	}
	h.Set("Content-Length", itoa(len(plain)))
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(plain)
	}
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

func zip(b []byte) []byte {
	var buf bytes.Buffer
	z, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	_, _ = z.Write(b)
	_ = z.Close()
	return buf.Bytes()
}
