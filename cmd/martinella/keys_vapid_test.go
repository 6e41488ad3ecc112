package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAVAPIDKeyIsMadeOnceAndShownAgain(t *testing.T) {
	dir, config := settle(t, "")
	file := filepath.Join(dir, "vapid.key")
	lines := strings.Fields(must(t, "keys", "vapid", "--out", file))
	public := lines[len(lines)-1]
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 || len(public) != 87 {
		t.Fatalf("%v, %v, public part %q", info, err, public)
	}
	again := must(t, "keys", "vapid", "--out", file)
	secret, err := os.ReadFile(file)
	if err != nil || !strings.Contains(again, public) || strings.Contains(again, strings.TrimSpace(string(secret))) {
		t.Errorf("shown again: %q, %v", again, err)
	}
	if code, _, said := command(t, "keys", "vapid"); code != exitUsage || !strings.Contains(said, "--out") {
		t.Errorf("without a file: exit %d, %s", code, said)
	}
	other := write(t, filepath.Join(dir, "other"), "hunter2")
	if code, _, said := command(t, "keys", "vapid", "--out", other); code != exitRefused || strings.Contains(said, "hunter2") {
		t.Errorf("a file of something else: exit %d, %s", code, said)
	}
	write(t, config, "authority: {slug: valdemo, name: Valdemo, sender: a@comune.valdemo.example}\nchannels:\n  - {name: push, kind: webpush, vapid_key_file: "+file+", contact: allerte@comune.valdemo.example.it}\n")
	if out := must(t, "config", "check", "--config", config); !strings.Contains(out, config) {
		t.Errorf("config check says %s", out)
	}
}
