package dashboards

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

//go:embed editor/package-lock.json
var bundleLock []byte

// Bundled is a package of npm whose code is part of the map for drawing areas.
type Bundled struct {
	Name, Version string
	Licence       string // SPDX expression, as its author gives it
	Integrity     string // of its archive: "sha512-" and base64 (W3C Subresource Integrity)
}

// BundledPackages lists the packages of npm that this program carries, by name:
// none where it was built without the map for drawing areas. It is safe for
// concurrent use. An error says that the list of packages cannot be read.
func BundledPackages() ([]Bundled, error) {
	if _, err := fs.Stat(staticFiles, "static/dist/editor.js"); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("list the packages of the map: %w", err)
	}
	return bundled(bundleLock)
}

// bundled reads a package-lock.json of version 2 or 3: what is only of use to
// developers is left out.
func bundled(lock []byte) ([]Bundled, error) {
	var file struct {
		Version  int `json:"lockfileVersion"`
		Packages map[string]struct {
			Version, License, Integrity string
			Dev                         bool
		}
	}
	if err := json.Unmarshal(lock, &file); err != nil {
		return nil, fmt.Errorf("list the packages of the map: %w", err)
	}
	if file.Version < 2 {
		return nil, fmt.Errorf("list the packages of the map: a lock file of version %d is not known", file.Version)
	}
	var all []Bundled
	for _, path := range slices.Sorted(maps.Keys(file.Packages)) {
		p := file.Packages[path]
		at := strings.LastIndex(path, "node_modules/")
		if at < 0 || p.Dev { // at < 0: the map itself
			continue
		}
		all = append(all, Bundled{path[at+len("node_modules/"):], p.Version, p.License, p.Integrity})
	}
	return all, nil
}
