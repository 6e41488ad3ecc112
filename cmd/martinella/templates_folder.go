package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"martinella/alerts/templates"
)

// templateFolder is the data folder, as far as it holds an authority's own
// templates. A running gateway reads what a command wrote.
type templateFolder string

// The files in the data folder.
const (
	templatesName = "templates.json"     // own templates and known signers
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

// all gives the templates that are in use.
func (f templateFolder) all() ([]templates.Template, error) {
	own, err := f.read()
	return templates.Merge(own.Templates), err
}

// write puts a new file in the place of the old one, whole or not at all.
func (f templateFolder) write(own ownTemplates) error {
	b, err := json.MarshalIndent(own, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return fmt.Errorf("own templates: %s", plainPathError(err))
	}
	tmp, err := os.CreateTemp(string(f), templatesName+"-*")
	if err != nil {
		return fmt.Errorf("own templates: %s", plainPathError(err))
	}
	_, err = tmp.Write(append(b, '\n'))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(string(f), templatesName))
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // what is left of it means nothing
		return fmt.Errorf("own templates: %s", plainPathError(err))
	}
	return nil
}

// knows reports whether packs of this key are taken.
func (own *ownTemplates) knows(s *templates.Signer) bool {
	return s != nil && slices.ContainsFunc(own.Signers, func(k templates.Signer) bool { return bytes.Equal(k.Key, s.Key) })
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
