package dashboards

import (
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

	openAPI body // the document of the API, which is the same for as long as we run
}

type asset struct {
	media []string
	body  body
}

// loadAssets reads the files; the style sheet gets the authority's colour in
// front of it, so it stays one request.
func loadAssets(tokens string) (*assets, error) {
	a := &assets{names: map[string]string{}, bodies: map[string]asset{}, openAPI: newBody(openAPI)}
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
		a.bodies[name] = asset{[]string{mime.TypeByExtension(ext)}, newBody(b)}
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
	h["Content-Type"] = file.media
	h["Cache-Control"] = forever
	h["Cross-Origin-Resource-Policy"] = sameOrigin
	h["Vary"] = byEncoding
	file.body.write(w, r, http.StatusOK)
}
