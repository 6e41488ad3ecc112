package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"martinella/alerts"
	"martinella/alerts/templates"
	"martinella/dashboards/settings"
)

// templateFolder is the data folder, as far as it holds the key that signs packs
// of templates, and what earlier versions kept of the templates themselves.
type templateFolder string

// The files in the data folder.
const (
	templatesName = "templates.json"     // own templates and known signers, as earlier versions kept them
	templatesKey  = "templates-sign.key" // PKCS 8, mode 0600
)

// ownTemplates is the file.
type ownTemplates struct {
	V         int                  `json:"v"`
	Templates []templates.Template `json:"templates"`
	Signers   []templates.Signer   `json:"signers"` // whose packs are taken
}

// read gives the file; an absent one holds nothing.
func (f templateFolder) read() (ownTemplates, error) {
	own := ownTemplates{V: templates.Version}
	b, err := os.ReadFile(filepath.Join(string(f), templatesName))
	if errors.Is(err, fs.ErrNotExist) {
		return own, nil
	}
	if err != nil {
		return own, fmt.Errorf("own templates: %s", plainPathError(err))
	}
	if err := json.Unmarshal(b, &own); err != nil || own.V != templates.Version {
		return own, fmt.Errorf("own templates: %s cannot be read by this program", filepath.Join(string(f), templatesName))
	}
	return own, nil
}

// movedName is what the file is called once its templates are in the store.
const movedName = templatesName + ".moved"

// moveInto puts what the file holds into the store, where all nodes of the
// authority have it, and gives the file another name. What the store has already
// stays as it is there. keep leaves the file: the store keeps nothing.
func (f templateFolder) moveInto(ctx context.Context, to settings.Templates, keep bool, now time.Time) error {
	own, err := f.read()
	if err != nil {
		return err
	}
	if len(own.Templates)+len(own.Signers) == 0 {
		return nil
	}
	by := alerts.By{ID: "command", Name: "martinella templates"}
	for _, t := range own.Templates {
		if err := to.Put(ctx, t, 0, by, now); err != nil && !errors.Is(err, alerts.ErrStale) {
			return fmt.Errorf("move %s into the store: %w", t.ID, err)
		}
	}
	for _, s := range own.Signers {
		if err := to.Trust(ctx, s, by, now); err != nil {
			return fmt.Errorf("move a known signer into the store: %w", err)
		}
	}
	if keep {
		return nil
	}
	if err := os.Rename(filepath.Join(string(f), templatesName), filepath.Join(string(f), movedName)); err != nil {
		return fmt.Errorf("own templates: %s", plainPathError(err))
	}
	return nil
}

// withTemplates runs an act on the authority's own templates in the store, after
// what an earlier version left in a file has moved there.
func withTemplates(cmd *cobra.Command, sh shell, act func(context.Context, *Config, settings.Templates) error) error {
	return withStore(cmd, sh, func(ctx context.Context, c *Config, s *store) error {
		own := settings.Templates{Papers: s.Papers()}
		if err := templateFolder(c.Data).moveInto(ctx, own, false, time.Now()); err != nil {
			return err
		}
		return act(ctx, c, own)
	})
}

// key gives the key that signs packs, and makes it the first time.
func (f templateFolder) key() (ed25519.PrivateKey, error) {
	name := filepath.Join(string(f), templatesKey)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(string(f), 0o700); err != nil {
			return nil, errors.New(plainPathError(err))
		}
		return key, writeSecret(name, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	}
	if err != nil {
		return nil, errors.New(plainPathError(err))
	}
	if block, _ := pem.Decode(b); block != nil {
		if any, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if key, ok := any.(ed25519.PrivateKey); ok {
				return key, nil
			}
		}
	}
	return nil, refused(fmt.Errorf("%s holds no Ed25519 key", name), "restore it from the backup, or move it away to make another one; others must then trust that one")
}
