package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"martinella/channels/channeltest"
)

// What the README shows must be so: its configuration is read, its commands
// and targets exist.
func TestReadmeTellsTheTruth(t *testing.T) {
	root := channeltest.ModuleDir(t)
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	readme := string(b)
	_, rest, _ := strings.Cut(readme, "```yaml\n")
	text, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the README shows no configuration")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "mastodon.token"), "token")
	write(t, filepath.Join(dir, "smpp.password"), "secret")
	write(t, filepath.Join(dir, "press.secret"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if code, _, errOut := command(t, "config", "check", "--config", write(t, filepath.Join(dir, "martinella.yaml"), text)); code != 0 {
		t.Errorf("the configuration of the README: %s", errOut)
	}
	known := map[string]bool{}
	for _, c := range newRoot(shell{getenv: noEnv}).Commands() {
		known[c.Name()] = true
	}
	for _, m := range regexp.MustCompile(`(?m)^    (?:bin/)?martinella ([a-z-]+)`).FindAllStringSubmatch(readme, -1) {
		if !known[m[1]] {
			t.Errorf("the README uses martinella %s, which is no command", m[1])
		}
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)(?:^    |`)make ([a-z0-9]+)").FindAllStringSubmatch(readme, -1) {
		if !strings.Contains(string(makefile), "\n"+m[1]+":") {
			t.Errorf("the README uses make %s, which is no target", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(readme, -1) {
		if strings.HasSuffix(m[1], ".png") {
			continue // pictures are drawn apart
		}
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Errorf("the README points to %s: %v", m[1], err)
		}
	}
}
