package channels

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// ReadSecret reads a secret of an adapter from its file: one value, space
// around it ignored. The file must belong to its owner alone (mode 0600 or
// stricter). The error names field and file, never the content.
func ReadSecret(field, path string) (string, error) {
	if path == "" {
		return "", fmt.Errorf("%s is missing: name the file that holds the secret", field)
	}
	file, err := os.Open(path)
	if err != nil {
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			err = p.Err
		}
		return "", fmt.Errorf("%s: %s: %w", field, path, err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %s: %w", field, path, err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s: %s is not a file", field, path)
	case info.Mode().Perm()&0o077&^granted(path) != 0:
		return "", fmt.Errorf("%s: %s can be read by others (mode %04o): chmod 600 it", field, path, info.Mode().Perm())
	case info.Size() > 64<<10:
		return "", fmt.Errorf("%s: %s is too long for a secret", field, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %s cannot be read", field, path)
	}
	secret := strings.TrimSpace(string(b))
	if secret == "" {
		return "", fmt.Errorf("%s: %s is empty", field, path)
	}
	return secret, nil
}

var channelName = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])$`)

// CheckName judges the configured name of a channel: [a-z0-9-]{2,32}, no hyphen
// at the ends.
func CheckName(name string) error {
	if !channelName.MatchString(name) {
		return fmt.Errorf("name %q: use 2 to 32 of a-z, 0-9 and hyphens between them", name)
	}
	return nil
}

// CheckURL judges the configured address of a platform: http or https, a host,
// no credentials inside.
func CheckURL(field, address string) error {
	if address == "" {
		return fmt.Errorf("%s is missing", field)
	}
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return fmt.Errorf("%s is not an address like https://host.example", field)
	}
	if u.User != nil {
		return fmt.Errorf("%s holds a user or password: use the secret's file", field)
	}
	return nil
}

// granted are rights of others that take nothing away from a secret: systemd lets
// a service read its credentials by an access list, which shows as the group's
// right (systemd.exec(5), LoadCredential=).
func granted(path string) fs.FileMode {
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" && filepath.Dir(path) == filepath.Clean(dir) {
		return 0o040
	}
	return 0
}
