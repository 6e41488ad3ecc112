package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"martinella/broadcast/rdb"
)

// authorityName is the file of a data folder that says whose it is: a slug is
// part of every stored key, and a key or subscriber that is stored under
// another one would be in vain without a word.
const authorityName = "authority"

// claim writes whose data folder it is, or refuses a folder of another
// authority. It does nothing where nothing is kept.
func claim(c *Config) error {
	if c.Redis.URL == rdb.Memory {
		return nil
	}
	slug, err := owner(c)
	if err != nil || slug != "" {
		return err
	}
	file := filepath.Join(c.Data, authorityName)
	if err := os.WriteFile(file, []byte(c.Authority.Slug+"\n"), 0o600); err != nil {
		return refused(fmt.Errorf("write %s", plainPathError(err)), "the data folder must be writable")
	}
	return nil
}

// adopt gives a command without a configured authority that of the data
// folder, so that `keys create --data DIR` means the gateway that runs there.
func adopt(c *Config) error {
	if c.Authority.Slug == nobodySlug {
		c.Authority.Slug = ""
	}
	slug, err := owner(c)
	if err != nil {
		return err
	}
	if c.Authority.Slug == "" {
		c.Authority.Slug = nobodySlug
		if slug != "" {
			c.Authority.Slug = slug
		}
	}
	return nil
}

// owner reads whose data folder it is, "" where it says nothing; it refuses
// one of another authority than the configured one.
func owner(c *Config) (string, error) {
	b, err := os.ReadFile(filepath.Join(c.Data, authorityName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", refused(fmt.Errorf("read %s", plainPathError(err)), "the data folder must be readable")
	}
	slug := strings.TrimSpace(string(b))
	if c.Authority.Slug != "" && slug != c.Authority.Slug {
		return "", refused(fmt.Errorf("the data folder %s belongs to the authority %s, the configuration names %s", c.Data, slug, c.Authority.Slug),
			"name that authority's configuration with --config, or another folder with --data")
	}
	return slug, nil
}
