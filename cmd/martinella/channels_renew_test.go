package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"martinella/channels"
)

func TestAnAccountIsConnectedOnceMore(t *testing.T) {
	for name, c := range map[string]struct {
		answers string
		other   bool // the entry is of another server
		code    int
		says    string
		token   string
	}{
		"its token is new":              {answers: "SERVER\ngood-code\n\n", says: "written anew", token: "t0ken-0f-the-town"},
		"a walk that was left":          {answers: "SERVER\n", code: exitRefused, says: "nothing was changed", token: "old"},
		"an account of somebody else's": {answers: "SERVER\ngood-code\n\n", other: true, code: exitRefused, says: "another account", token: "old"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &town{}
			code, _, said, file := connectTown(t, s, townConfig, nil, "comune", "SERVER", "good-code", "", "no", "no")
			if code != 0 {
				t.Fatal(said)
			}
			text, _ := os.ReadFile(file)
			_, server, _ := strings.Cut(string(text), "\n    url: ")
			server, _, _ = strings.Cut(server, "\n")
			if c.other {
				text = []byte(strings.Replace(string(text), server, "https://other.example", 1))
				if err := os.WriteFile(file, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			secret := filepath.Join(filepath.Dir(file), "secrets", "comune-token")
			if err := os.WriteFile(secret, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			var stdout, stderr bytes.Buffer
			code = run(context.Background(), []string{"channels", "renew", "comune", "--config", file}, func(string) string { return "" },
				strings.NewReader(strings.ReplaceAll(c.answers, "SERVER", server)), &stdout, &stderr)
			all := stdout.String() + stderr.String()
			if code != c.code || !strings.Contains(all, c.says) || strings.Contains(all, "t0ken") {
				t.Errorf("code %d\n%s", code, all)
			}
			if got, _ := os.ReadFile(secret); strings.TrimSpace(string(got)) != c.token {
				t.Errorf("the secret is %q, want %q", got, c.token)
			}
			if info, err := os.Stat(secret); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the secret: %v, %v", info, err)
			}
			if after, _ := os.ReadFile(file); !bytes.Equal(after, text) {
				t.Errorf("the configuration became\n%s", after)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(secret), ".*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// Secrets that do not work give way to those that were there.
func TestSecretsThatDoNotWorkAreNotKept(t *testing.T) {
	s := &town{}
	_, _, _, file := connectTown(t, s, townConfig, nil, "comune", "SERVER", "good-code", "", "no", "no")
	c, err := loadConfigOf(shell{getenv: func(string) string { return "" }}, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(filepath.Dir(file), "secrets", "comune-token")
	r := &renewal{config: c, channel: &c.Channels[1], dir: filepath.Dir(file)}
	err = r.put(t.Context(), []channels.Field{{Key: secret, Value: "wrong\n"}})
	if err == nil || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("got %v", err)
	}
	if got, _ := os.ReadFile(secret); strings.TrimSpace(string(got)) != "t0ken-0f-the-town" {
		t.Errorf("the secret is %q", got)
	}
}
