package dashboards

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed all:static
var staticFiles embed.FS

// assets are the files of the pages under names that hold their hash, so that
// browsers keep them for ever and still get every change.
type assets struct {
	mu     sync.RWMutex
	names  map[string]string // "app.css" to "app.3f2a....css"
	bodies map[string]asset
	sheet  []byte   // app.css without the authority's colour
	own    []string // names of style sheets and logos that were made since, the oldest first

	renew func(ctx context.Context) // asks for what another node may know already

	worker worker

	openAPI body // the document of the API, which is the same for as long as we run
}

type asset struct {
	media []string
	body  body
}

// loadAssets gives the files their names; the style sheet gets the authority's
// colour in front of it, so it stays one request.
func loadAssets(tokens string) (*assets, error) {
	shipped, err := shippedFiles()
	if err != nil {
		return nil, err
	}
	a := &assets{names: map[string]string{}, bodies: map[string]asset{}, sheet: shipped.sheet, openAPI: shipped.openAPI}
	a.worker.script = shipped.worker
	a.put("app.css", append(slices.Clip(a.sheet), tokens...))
	for name, packed := range shipped.others {
		a.keep(name, packed)
	}
	return a, nil
}

// shipped are the files that the program carries, compressed.
type shipped struct {
	sheet   []byte          // app.css, without anybody's colour
	worker  []byte          // the script of the service worker, without its data
	others  map[string]body // the rest by name
	openAPI body
}

// shippedFiles reads and compresses them, once for the whole process.
var shippedFiles = sync.OnceValues(func() (*shipped, error) {
	all := &shipped{others: map[string]body{}, openAPI: newBody(openAPI, brotliPage)}
	for _, folder := range []string{"static", builtFolder} {
		files, err := staticFiles.ReadDir(folder)
		if err != nil {
			return nil, fmt.Errorf("assets: %w", err)
		}
		for _, f := range files {
			name := f.Name()
			if f.IsDir() || strings.HasPrefix(name, ".") {
				continue
			}
			b, err := staticFiles.ReadFile(path.Join(folder, name))
			if err != nil {
				return nil, fmt.Errorf("assets: %w", err)
			}
			switch _, twice := all.others[name]; {
			case twice:
				return nil, fmt.Errorf("assets: %s is there twice", name)
			case name == workerName:
				all.worker = b
			case name == "app.css":
				all.sheet = b
			default:
				all.others[name] = newBody(b, brotliOf(path.Ext(name), len(b)))
			}
		}
	}
	return all, nil
})

// builtFolder holds what `make editor` bundles from packages of npm; nothing but
// a mark for git where it was not run.
const builtFolder = "static/dist"

// editorFiles are the map on which areas are drawn.
var editorFiles = []string{"editor.js", "editor.css", "licences.txt"}

// editor reports whether the map for drawing was built.
func (a *assets) editor() bool {
	return !slices.ContainsFunc(editorFiles, func(name string) bool { _, err := a.url(name); return err != nil })
}

// put gives a file its name. It is called under the lock, or before others know
// of the assets.
func (a *assets) put(file string, b []byte) {
	a.keep(file, newBody(b, brotliOf(path.Ext(file), len(b))))
}

// keep does it with what is compressed already.
func (a *assets) keep(file string, packed body) {
	sum := sha256.Sum256(packed.plain)
	ext := path.Ext(file)
	name := strings.TrimSuffix(file, ext) + "." + base64.RawURLEncoding.EncodeToString(sum[:9]) + ext
	a.names[file] = name
	a.bodies[name] = asset{[]string{mime.TypeByExtension(ext)}, packed}
}

// mostOwn is how many earlier style sheets and logos are kept, for pages that
// are open.
const mostOwn = 16

// dress puts the authority's colour and logo in the place of those before; nil:
// there is no logo. Earlier ones stay for a while.
func (a *assets) dress(tokens string, logo []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.own = append(a.own, a.names["app.css"], a.names[logoName])
	a.put("app.css", append(slices.Clip(a.sheet), tokens...))
	delete(a.names, logoName)
	if logo != nil {
		a.put(logoName, logo)
	}
	for len(a.own) > mostOwn {
		if old := a.own[0]; old != a.names["app.css"] && old != a.names[logoName] && !slices.Contains(a.own[1:], old) {
			delete(a.bodies, old)
		}
		a.own = a.own[1:]
	}
}

// logoName is the asset that is there only where the authority has a logo.
const logoName = "logo.png"

// logo is its address, "" without one.
func (a *assets) logo() string {
	at, err := a.url(logoName)
	if err != nil {
		return ""
	}
	return at
}

// url is the address of an asset; it is an error to ask for one that is not
// there.
func (a *assets) url(name string) (string, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	hashed, known := a.names[name]
	if !known {
		return "", fmt.Errorf("there is no asset %s", name)
	}
	return "/static/" + hashed, nil
}

func (a *assets) body(name string) (asset, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	file, known := a.bodies[name]
	return file, known
}

func (a *assets) serve(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	file, known := a.body(name)
	if !known && a.renew != nil && (strings.HasPrefix(name, "app.") || strings.HasPrefix(name, "logo.")) {
		a.renew(r.Context()) // a page of another node, which knows more
		file, known = a.body(name)
	}
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
