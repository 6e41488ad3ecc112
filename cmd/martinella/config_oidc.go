package main

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"martinella/dashboards/signin"
)

// OIDCConfig is an OpenID provider through which staff may sign in beside
// passkeys and passwords.
type OIDCConfig struct {
	Issuer           string   `yaml:"issuer"` // exactly as the provider writes it
	ClientID         string   `yaml:"client_id"`
	ClientSecretFile string   `yaml:"client_secret_file"`
	Name             string   `yaml:"name"`   // on the button
	Scopes           []string `yaml:"scopes"` // beside openid
	ACR              []string `yaml:"acr"`    // levels of which the provider must confirm one
	AMR              []string `yaml:"amr"`    // methods that it must all name
	Logout           bool     `yaml:"logout"` // who signs out here is led to sign out there
}

// given reports whether anything of it is set.
func (o *OIDCConfig) given() bool {
	return o.Issuer != "" || o.ClientID != "" || o.ClientSecretFile != "" || o.Name != "" || o.Logout || len(o.Scopes)+len(o.ACR)+len(o.AMR) > 0
}

const (
	longestButton = 40      // characters of a name on a button
	longestSecret = 4 << 10 // bytes of a client's secret
)

// oidcRules checks the provider of staff.
func (c *Config) oidcRules(say sayFunc) {
	o := &c.StaffOIDC
	if !o.given() {
		return
	}
	const issuerHint = "write it as the provider's /.well-known/openid-configuration does, like https://login.regione.example/realms/staff; http is for localhost alone"
	if o.Issuer == "" {
		say("staff_oidc.issuer", "is missing", issuerHint)
	} else if wrong := signin.PlainIssuer(o.Issuer); wrong != "" {
		say("staff_oidc.issuer", wrong, issuerHint)
	}
	if o.ClientID == "" {
		say("staff_oidc.client_id", "is missing", "the provider gave it when the gateway was registered there, with the return address PUBLIC_URL"+signin.ReturnPath)
	}
	switch {
	case o.Name == "":
		say("staff_oidc.name", "is missing", "what people call the provider: it stands on the button, like SPID/CIE")
	case utf8.RuneCountInString(o.Name) > longestButton || strings.ContainsFunc(o.Name, func(r rune) bool { return !unicode.IsGraphic(r) }):
		say("staff_oidc.name", "does not fit a button", "at most 40 characters of plain text, like SPID/CIE")
	}
	if o.ClientSecretFile == "" {
		say("staff_oidc.client_secret_file", "is missing", "put the client's secret into a file that only the gateway may read, and name it")
	} else if _, err := o.secret(); err != nil {
		say("staff_oidc.client_secret_file", err.Error(), "put the client's secret into it, one line")
	}
	for key, list := range map[string][]string{"scopes": o.Scopes, "acr": o.ACR, "amr": o.AMR} {
		if slices.ContainsFunc(list, func(s string) bool { return s == "" || strings.ContainsFunc(s, unicode.IsSpace) || len(s) > 255 }) {
			say("staff_oidc."+key, "holds an empty word or one with spaces", "a list of words, like [profile]")
		}
	}
	if c.PublicURL == "" {
		say("staff_oidc", "needs public_url", "set public_url: the provider sends browsers back to it")
	} else if wrong := signin.PlainIssuer(c.PublicURL); wrong == "is not https" {
		say("public_url", "is not https, which staff_oidc needs", "write https://, or localhost on this machine")
	}
}

// secret reads the client's secret; the file is read each time, so that a new
// secret counts without a restart. The error names no contents.
func (o *OIDCConfig) secret() (string, error) {
	b, err := os.ReadFile(o.ClientSecretFile)
	if err != nil {
		return "", errors.New("cannot be read: " + plainPathError(err))
	}
	b = bytes.TrimSpace(b)
	if len(b) == 0 || len(b) > longestSecret || bytes.ContainsAny(b, "\r\n\x00") {
		return "", errors.New("holds no secret in one line")
	}
	return string(b), nil
}

// provider is the one that staff may sign in with; nil: none.
func (c *Config) provider() (*signin.Provider, error) {
	o := c.StaffOIDC
	if !o.given() {
		return nil, nil
	}
	return signin.NewProvider(signin.ProviderConfig{
		Name: o.Name, Issuer: o.Issuer, ClientID: o.ClientID, Secret: o.secret,
		Scopes: slices.DeleteFunc(slices.Clone(o.Scopes), func(s string) bool { return s == "openid" }), ACR: o.ACR, AMR: o.AMR, Logout: o.Logout,
	})
}
