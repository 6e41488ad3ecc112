package email

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func TestEveryMistakeIsNamed(t *testing.T) {
	key, password := secretFile(t, testKey), secretFile(t, testPassword)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	_ = small
	open := secretFile(t, testPassword)
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	certificateAsKey := secretFile(t, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&small.PublicKey)})))
	good := Config{SMTP: "smtp.example:587", From: "a@b.example"}
	for name, c := range map[string]struct {
		name   string
		change func(*Config)
		want   []string
	}{
		"nothing given":                {"M!", func(c *Config) { *c = Config{} }, []string{"name", "smtp is not host:port", "from is not an address"}},
		"a port that is none":          {"mail", func(c *Config) { c.SMTP = "smtp.example:99999" }, []string{"smtp"}},
		"a URL":                        {"mail", func(c *Config) { c.SMTP = "smtp://smtp.example:587" }, []string{"smtp"}},
		"a password in the clear":      {"mail", func(c *Config) { c.TLS, c.Username, c.PasswordFile = "none", "u", password }, []string{"tls is none"}},
		"a policy that is none":        {"mail", func(c *Config) { c.TLS = "perhaps" }, []string{`tls is "perhaps"`}},
		"a password for nobody":        {"mail", func(c *Config) { c.PasswordFile = password }, []string{"username is missing"}},
		"nobody's password":            {"mail", func(c *Config) { c.Username = "u" }, []string{"password_file"}},
		"a password that all can read": {"mail", func(c *Config) { c.Username, c.PasswordFile = "u", open }, []string{"password_file", "0644"}},
		"a missing file":               {"mail", func(c *Config) { c.CAFile = filepath.Join(t.TempDir(), "none") }, []string{"ca_file"}},
		"too many connections":         {"mail", func(c *Config) { c.Connections = 1000 }, []string{"connections"}},
		"addresses that are none":      {"mail", func(c *Config) { c.ReplyTo, c.StopAddress, c.BounceAddress = "x", "y", "z{token}" }, []string{"reply_to", "stop_address", "bounce_address", "key_file is missing"}},
		"a bounce address too long":    {"mail", func(c *Config) { c.KeyFile, c.BounceAddress = key, strings.Repeat("x", 50)+"{token}@b.example" }, []string{"bounce_address"}},
		"a bounce address with PEC":    {"mail", func(c *Config) { c.KeyFile, c.PEC, c.BounceAddress = key, true, "b+{token}@b.example" }, []string{"does not go with pec"}},
		"a STOP that nobody reads":     {"mail", func(c *Config) { c.KeyFile, c.StopAddress = key, "s@b.example" }, []string{"stop_address is given without receipts"}},
		"a key that is short":          {"mail", func(c *Config) { c.KeyFile = secretFile(t, "hunter2") }, []string{"key_file", "7 characters"}},
		"a second key that is short":   {"mail", func(c *Config) { c.KeyFile = secretFile(t, testKey+"\nhunter2") }, []string{"key_file", "line 2"}},
		"a mailbox with nothing in it": {"mail", func(c *Config) { c.Receipts = Receipts{Folder: "INBOX"} }, []string{"receipts.imap", "receipts.username", "receipts.password_file", "key_file"}},
		"a mailbox in the clear": {"mail", func(c *Config) {
			c.KeyFile, c.Receipts = key, Receipts{IMAP: "imap.example:143", TLS: "none", Username: "u", PasswordFile: password}
		}, []string{"receipts.tls"}},
		"done where it was": {"mail", func(c *Config) {
			c.KeyFile, c.Receipts = key, Receipts{IMAP: "imap.example:993", Username: "u", PasswordFile: password, DoneFolder: "INBOX"}
		}, []string{"done_folder"}},
		"a selector without a key":       {"mail", func(c *Config) { c.DKIMSelector = "gw" }, []string{"dkim_key_file is missing"}},
		"a key without a selector":       {"mail", func(c *Config) { c.DKIMKeyFile = certificateAsKey }, []string{"dkim_selector", "dkim_key_file"}},
		"a signing key that is none":     {"mail", func(c *Config) { c.DKIMSelector, c.DKIMKeyFile = "gw", password }, []string{"no PEM"}},
		"a domain that is none":          {"mail", func(c *Config) { c.DKIMSelector, c.DKIMKeyFile, c.DKIMDomain = "gw", password, "x y" }, []string{"dkim_domain"}},
		"a hello that is none":           {"mail", func(c *Config) { c.Hello = "a\r\nb" }, []string{"hello"}},
		"a sender with a line in it":     {"mail", func(c *Config) { c.From = "x\r\nBcc: y <a@b.example>" }, []string{"from"}},
		"a user with a line in the name": {"mail", func(c *Config) { c.Username, c.PasswordFile = "x\ny", password }, []string{"username"}},
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			c.change(&config)
			_, err := New(c.name, config, channeltest.Settings(), zap.NewNop())
			if err == nil {
				t.Fatal("taken")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			for _, hidden := range []string{testPassword, testKey, "hunter2"} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("%q holds a secret", err)
				}
			}
		})
	}
}

func TestPolicies(t *testing.T) {
	for smtp, want := range map[string]string{"smtp.example:465": tlsImplicit, "smtp.example:587": tlsStart, "smtp.example:25": tlsStart} {
		if got := (&Config{SMTP: smtp}).policy(); got != want {
			t.Errorf("%s: %s", smtp, got)
		}
	}
}

func TestNotes(t *testing.T) {
	c := newChannel(t, "127.0.0.1:25", func(c *Config) { c.KeyFile = "" })
	if notes := strings.Join(c.Notes(), "\n"); !strings.Contains(notes, "key_file") || !strings.Contains(notes, "receipts") || !strings.Contains(notes, "dkim_key_file") {
		t.Errorf("notes %q", notes)
	}
	file, _ := dkimKey(t, "ed25519")
	full := newChannel(t, "127.0.0.1:25", func(c *Config) {
		c.DKIMKeyFile, c.DKIMSelector = file, "gw"
		c.Receipts = Receipts{IMAP: "127.0.0.1:143", TLS: tlsNone, Username: "u", PasswordFile: secretFile(t, testPassword)}
	})
	if notes := full.Notes(); len(notes) != 0 {
		t.Errorf("notes %q", notes)
	}
	plain, err := New("mail", Config{SMTP: "127.0.0.1:25", From: testFrom, KeyFile: secretFile(t, testKey)}, channels.Settings{PublicURL: "http://localhost:8080"}, nil)
	if err != nil || !strings.Contains(strings.Join(plain.Notes(), "\n"), "public_url is not https") {
		t.Errorf("notes %q, %v", plain.Notes(), err)
	}
}
