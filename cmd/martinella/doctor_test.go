package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A lost key file is named before anybody counts on what it sealed.
func TestALostKeyFileIsNamed(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "")
	must(t, "keys", "create", "--config", config, "--name", "Sala operativa", "--can", "submit", "--sign", "--out", filepath.Join(dir, "room.key"))
	if out := must(t, "doctor", "--config", config); !strings.Contains(out, "key file") {
		t.Errorf("doctor says %s", out)
	}
	key := filepath.Join(dir, "data", "key")
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	code, out, errOut := command(t, "doctor", "--config", config)
	if code != exitRefused || !strings.Contains(out, "BAD   key file") || !strings.Contains(errOut, "restore the key file") {
		t.Errorf("doctor without the key file: exit %d, %s%s", code, out, errOut)
	}
	limited, cancel := context.WithTimeout(t.Context(), 20*time.Second) // a gateway that serves would go on for ever
	defer cancel()
	var said record
	code = run(limited, []string{"serve", "--config", config}, noEnv, strings.NewReader(""), &said, &said)
	if code != exitRefused || !strings.Contains(said.String(), "not the one this store was sealed with") {
		t.Errorf("serve without the key file: exit %d, %s", code, said.String())
	}
	if _, err := os.Stat(key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a new key file was made: %v", err)
	}
	if err := os.Rename(key+".away", key); err != nil {
		t.Fatal(err)
	}
	must(t, "doctor", "--config", config)
}
