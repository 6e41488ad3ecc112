package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheProviderOfStaffIsRead(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "oidc.secret"), "hush hush\n")
	file := write(t, filepath.Join(dir, "m.yaml"), valdemo+`public_url: https://allerta.valdemo.example
staff_oidc:
  issuer: https://login.regione.example/realms/staff
  client_id: martinella
  client_secret_file: oidc.secret
  name: SPID/CIE
  scopes: [openid, profile]
  acr: ["https://www.spid.gov.it/SpidL2"]
  amr: [otp]
  logout: true
`)
	c, err := loadConfigOf(surroundings(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.provider()
	if err != nil || p == nil || p.Name != "SPID/CIE" || len(p.Scopes) != 1 || len(p.ACR) != 1 || len(p.AMR) != 1 || !p.Logout {
		t.Fatalf("%+v %v", p, err)
	}
	if s, err := p.Secret(); err != nil || s != "hush hush" {
		t.Errorf("the secret: %q %v", s, err)
	}
	write(t, filepath.Join(dir, "oidc.secret"), "another\n")
	if s, _ := p.Secret(); s != "another" {
		t.Error("a new secret does not count")
	}
	if err := os.Remove(filepath.Join(dir, "oidc.secret")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Secret(); err == nil || strings.Contains(err.Error(), "another") {
		t.Errorf("no file: %v", err)
	}
	none := &Config{}
	if p, err := none.provider(); p != nil || err != nil {
		t.Errorf("without staff_oidc: %v %v", p, err)
	}
}

func TestMistakesOfTheProviderHaveTheirLine(t *testing.T) {
	const rest = "  client_id: m\n  client_secret_file: s\n  name: SPID\n"
	for name, c := range map[string]struct{ yaml, want string }{
		"http":             {"  issuer: http://login.example\n" + rest, "m.yaml:5: staff_oidc.issuer is not https"},
		"no address":       {"  issuer: login\n" + rest, "m.yaml:5: staff_oidc.issuer is no address"},
		"a password":       {"  issuer: https://a:b@login.example\n" + rest, "m.yaml:5: staff_oidc.issuer holds more than a host and a path"},
		"no issuer":        {rest, "staff_oidc.issuer is missing"},
		"no client":        {"  issuer: https://l.example\n  client_secret_file: s\n  name: SPID\n", "staff_oidc.client_id is missing"},
		"no name":          {"  issuer: https://l.example\n  client_id: m\n  client_secret_file: s\n", "staff_oidc.name is missing"},
		"a long name":      {"  issuer: https://l.example\n  client_id: m\n  client_secret_file: s\n  name: " + strings.Repeat("x", 41) + "\n", "m.yaml:8: staff_oidc.name does not fit a button"},
		"no secret":        {"  issuer: https://l.example\n  client_id: m\n  name: SPID\n", "staff_oidc.client_secret_file is missing"},
		"no such file":     {"  issuer: https://l.example\n  client_id: m\n  client_secret_file: none\n  name: SPID\n", "m.yaml:7: staff_oidc.client_secret_file cannot be read"},
		"an empty file":    {"  issuer: https://l.example\n  client_id: m\n  client_secret_file: empty\n  name: SPID\n", "m.yaml:7: staff_oidc.client_secret_file holds no secret"},
		"a secret":         {"  issuer: https://l.example\n" + rest + "  client_secret: hush\n", "staff_oidc.client_secret is a secret in the configuration"},
		"words in a scope": {"  issuer: https://l.example\n" + rest + "  scopes: [\"a b\"]\n", "m.yaml:9: staff_oidc.scopes holds"},
		"an unknown key":   {"  issuer: https://l.example\n" + rest + "  isuer: x\n", "m.yaml:9: unknown key staff_oidc.isuer (did you mean issuer?)"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "s"), "hush\n")
			write(t, filepath.Join(dir, "empty"), "\n")
			code, out, errOut := command(t, "config", "check", "--config", write(t, filepath.Join(dir, "m.yaml"), valdemo+"public_url: https://allerta.example\nstaff_oidc:\n"+c.yaml))
			if code == 0 || !strings.Contains(out+errOut, c.want) || strings.Contains(out+errOut, "hush") || !strings.Contains(out+errOut, "(") {
				t.Errorf("%d %s%s, want %q", code, out, errOut, c.want)
			}
		})
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "s"), "hush\n")
	for public, want := range map[string]string{"": "staff_oidc needs public_url", "public_url: http://allerta.example\n": "m.yaml:3: public_url is not https"} {
		_, out, errOut := command(t, "config", "check", "--config", write(t, filepath.Join(dir, "m.yaml"), valdemo+public+"staff_oidc:\n  issuer: https://l.example\n"+rest))
		if !strings.Contains(out+errOut, want) {
			t.Errorf("%s%s, want %q", out, errOut, want)
		}
	}
}
