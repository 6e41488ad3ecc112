package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"martinella/channels"
)

func TestAnInterruptEndsAQuestion(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	in, typed := io.Pipe()
	defer typed.Close()
	ended := make(chan error, 1)
	p := newTerminal(ctx, shell{in: in, err: io.Discard})
	go func() {
		_, err := p.Ask(channels.Question{Text: "Name"})
		ended <- err
	}()
	interrupt()
	if err := <-ended; !errors.Is(err, errInterrupted) {
		t.Errorf("got %v, want %v", err, errInterrupted)
	}
}

// Whatever happens at once: every channel that was said to be added is in the
// configuration, with its secret.
func TestAccountsAreConnectedAtOnce(t *testing.T) {
	server := httptest.NewServer(&town{})
	defer server.Close()
	file := filepath.Join(t.TempDir(), "martinella.yaml")
	if err := os.WriteFile(file, []byte(townConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	names := []string{"one", "two", "three", "four"}
	codes := make([]int, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			var stdout, stderr bytes.Buffer
			codes[i] = run(context.Background(), []string{"channels", "add", "mastodon", "--config", file, "--name", name}, func(string) string { return "" },
				strings.NewReader(server.URL+"\ngood-code\n\nno\n"), &stdout, &stderr)
		})
	}
	all.Wait()
	c, err := loadConfigOf(shell{getenv: func(string) string { return "" }}, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for i := range c.Channels {
		has[c.Channels[i].Name] = true
	}
	added := 0
	for i, name := range names {
		if has[name] != (codes[i] == 0) {
			t.Errorf("%s ended with %d and is in the configuration: %v", name, codes[i], has[name])
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(file), "secrets", name+"-token")); (err == nil) != has[name] {
			t.Errorf("%s is in the configuration: %v, its secret: %v", name, has[name], err)
		}
		if has[name] {
			added++
		}
	}
	if added == 0 {
		t.Error("nobody was first")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestALinkToTheConfigurationStaysALink(t *testing.T) {
	server := httptest.NewServer(&town{})
	defer server.Close()
	dir := t.TempDir()
	real, file := filepath.Join(dir, "kept", "town.yaml"), filepath.Join(dir, "martinella.yaml")
	if err := errors.Join(os.Mkdir(filepath.Dir(real), 0o700), os.WriteFile(real, []byte(townConfig), 0o640), os.Symlink(real, file)); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), []string{"channels", "add", "mastodon", "--config", file, "--name", "comune"}, func(string) string { return "" },
		strings.NewReader(server.URL+"\ngood-code\n\nno\n"), &stdout, &stderr)
	link, _ := os.Readlink(file)
	text, _ := os.ReadFile(real)
	if code != 0 || link != real || !strings.Contains(string(text), "name: comune") {
		t.Errorf("code %d, link to %q\n%s%s", code, link, text, stderr.String())
	}
	if info, err := os.Stat(real); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the configuration: %v, %v", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNothingIsAskedWhereNothingCanBeWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // root writes everywhere but into what is no folder for files
		dir = "/proc"
	}
	if err := writable(dir); err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Errorf("got %v", err)
	}
}
