package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"martinella/channels/channeltest"
)

// The guide is followed to the letter on an empty Debian with systemd: package,
// TLS, doctor, exercise, backup; then the machine is lost, and comes back.
func TestEndToEndFromABareHost(t *testing.T) {
	if os.Getenv("TEST_E2E") != "1" {
		t.Skip("SKIP: runs with make e2e (TEST_E2E=1)")
	}
	dpkg := needProgram(t, "dpkg-deb", "the guide from a bare host is not followed")
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	into := t.TempDir()
	make := exec.CommandContext(t.Context(), filepath.Join(channeltest.ModuleDir(t), ".ci", "deb"), into)
	make.Env = append(os.Environ(), "MARTINELLA_PROGRAM="+bin)
	made, err := make.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", dpkg, err, made)
	}
	follow := exec.CommandContext(t.Context(), filepath.Join(channeltest.ModuleDir(t), ".ci", "guide"), strings.TrimSpace(string(made)))
	out, err := follow.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 77 {
		t.Skipf("SKIP: the guide from a bare host is not followed: %s", out)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if last := lines[len(lines)-1]; strings.HasPrefix(last, "guide: all of it is true") {
		t.Log(last)
	} else {
		t.Errorf("it ended with %q", last)
	}
}
