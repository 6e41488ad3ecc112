package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"martinella/channels"
)

// Config is a receiver's entry in the configuration.
type Config struct {
	URL        string  `yaml:"url"`
	SecretFile string  `yaml:"secret_file"` // whsec_..., one a line; all of them sign
	PerSecond  float64 `yaml:"per_second"`  // default 10
}

// secretPrefix stands before the base64 of a secret (Standard Webhooks 1.0,
// "Signature scheme").
const secretPrefix = "whsec_"

// The specification asks for 24 to 64 bytes.
const (
	secretLeast = 24
	secretMost  = 64
)

// check names every mistake at once and gives the secrets.
func (c *Config) check(name string) ([][]byte, []string, error) {
	errs := []error{channels.CheckName(name), channels.CheckURL("url", c.URL)}
	if c.PerSecond < 0 {
		errs = append(errs, errors.New("per_second is negative"))
	}
	if c.PerSecond == 0 {
		c.PerSecond = 10
	}
	text, err := channels.ReadSecret("secret_file", c.SecretFile)
	errs = append(errs, err)
	var keys [][]byte
	lines := strings.Fields(text)
	for i, line := range lines {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(line, secretPrefix))
		switch {
		case !strings.HasPrefix(line, secretPrefix) || err != nil:
			errs = append(errs, fmt.Errorf("secret_file: line %d is not %s and base64", i+1, secretPrefix))
		case len(key) < secretLeast || len(key) > secretMost:
			errs = append(errs, fmt.Errorf("secret_file: line %d has %d bytes, want %d to %d", i+1, len(key), secretLeast, secretMost))
		}
		keys = append(keys, key)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, fmt.Errorf("webhook %s: %w", name, err)
	}
	return keys, lines, nil
}
