package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.yaml.in/yaml/v3"

	"martinella/broadcast/backup"
	"martinella/broadcast/rdb"
)

// source is what a backup holds: the store, the configuration and its files.
type source struct {
	*store
	config *Config
	log    *zap.Logger
}

var _ backup.Source = source{}

// Copy implements [backup.Source].
func (s source) Copy(ctx context.Context) (io.ReadCloser, error) { return s.Snapshot(ctx) }

// The limits of files of the data folder: those of channels and the like are far
// smaller, and what is larger is no state but a record of exercises.
const (
	mostDataFile  = 1 << 20
	mostDataFiles = 32 << 20
)

// Files implements [backup.Source].
func (s source) Files() ([]backup.File, error) {
	files, err := s.config.files()
	if err != nil {
		return nil, err
	}
	kept, left, err := dataFiles(s.config.Data)
	if len(left) > 0 {
		s.log.Warn("files of the data folder are too large for a backup and are not in it", zap.Strings("files", left))
	}
	return append(files, kept...), err
}

// files are the configuration and what it names: keys that end with _file, and
// those of certificates and outlines.
func (c *Config) files() ([]backup.File, error) {
	if c.file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.file)
	if err != nil {
		return nil, err
	}
	_, plain := credential(c.file) // a backup knows nothing of credentials: a bare machine has none
	all := []backup.File{{In: backup.InConfig, Path: plain, Data: text}}
	documents, err := yamlDocuments(text)
	if err != nil {
		return nil, err
	}
	var named []string
	for _, d := range documents {
		named = append(named, filesNamed(d, "")...)
	}
	slices.Sort(named)
	dir, err := filepath.Abs(filepath.Dir(c.file))
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Compact(named) {
		path := name
		if !filepath.IsAbs(path) { // beside the configuration, else from where the gateway was started
			path = beside(filepath.Join(dir, filepath.Base(c.file)), name)
			if _, absent := os.Stat(path); errors.Is(absent, fs.ErrNotExist) { //nolint:gosec // G703: the operator's own configuration names it
				if path, err = filepath.Abs(name); err != nil {
					return nil, err
				}
			}
		}
		info, err := os.Stat(path) //nolint:gosec // G703: the operator's own configuration names it
		if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || sameFile(path, filepath.Join(c.Data, "key"))) {
			continue // an optional one; or the key of it all, which never leaves with it
		}
		if err != nil {
			return nil, err
		}
		f := backup.File{In: backup.InRoot, Path: path}
		if near, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(near) {
			f.In, f.Path = backup.InConfig, near
			if plain != filepath.Base(c.file) { // by the name that the configuration has for it
				f.Path = filepath.Clean(name)
			}
		}
		if f.Data, err = os.ReadFile(path); err != nil { //nolint:gosec // G703: as above
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// filesNamed gives what the scalars below a node name as files.
func filesNamed(n *yaml.Node, key string) (names []string) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			names = append(names, filesNamed(n.Content[i+1], n.Content[i].Value)...)
		}
	case yaml.ScalarNode:
		if n.Value != "" && (strings.HasSuffix(key, "_file") || key == "file" || key == "certificate") {
			names = append(names, n.Value)
		}
	case yaml.AliasNode:
		names = filesNamed(n.Alias, key)
	default:
		for _, c := range n.Content {
			names = append(names, filesNamed(c, key)...)
		}
	}
	return names
}

func sameFile(a, b string) bool {
	x, err1 := os.Stat(a) //nolint:gosec // G703: the operator's own configuration names it
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

// dataFiles are the small files that channels and templates keep in the data
// folder, but for Redis' own and the key; left are those that are too large.
func dataFiles(dir string) (all []backup.File, left []string, err error) {
	total := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != dir && (strings.HasPrefix(name, "appendonlydir") || name == rdb.RestoringDir) {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() || filepath.Dir(path) == filepath.Clean(dir) && (name == "key" || name == "lock" || strings.HasPrefix(name, "key.") || strings.HasPrefix(name, "temp-")) || strings.HasSuffix(name, ".rdb") {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // gone meanwhile
		}
		if info.Size() > mostDataFile || total > mostDataFiles {
			left = append(left, path)
			return nil
		}
		data, err := os.ReadFile(path) //nolint:gosec // G122: the gateway's own folder, which only it may write
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		near, relErr := filepath.Rel(dir, path)
		if err := errors.Join(err, relErr); err != nil {
			return err
		}
		total += len(data)
		all = append(all, backup.File{In: backup.InData, Path: near, Data: data})
		return nil
	})
	return all, left, err
}

// keeper builds what makes the backups of a store.
func (c *Config) keeper(s *store, registry prometheus.Registerer, log *zap.Logger) (*backup.Keeper, error) {
	spots, err := c.spots()
	if err != nil {
		return nil, err
	}
	seed, err := s.BackupSeed()
	if err != nil {
		return nil, err
	}
	key, err := backup.NewKey(seed)
	if err != nil {
		return nil, err
	}
	file := ""
	if c.file != "" {
		_, file = credential(c.file)
	}
	return backup.NewKeeper(backup.Config{
		Authority: c.Authority.Slug, Name: c.Authority.Name, Program: version(), File: file, Key: key,
		Source: source{s, c, log}, Prover: rdb.Prover{Log: zap.NewNop()}, Records: s, Spots: spots, Log: log,
	}, registry)
}

// equalFile reports whether a file is there with these bytes; there is whether
// any is.
func equalFile(path string, data []byte) (there, equal bool, err error) {
	have, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, false, nil
	}
	if err != nil {
		return true, false, fmt.Errorf("%s", plainPathError(err))
	}
	return true, bytes.Equal(have, data), nil
}
