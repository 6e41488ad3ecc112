package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"martinella/channels/channeltest"
)

// released makes a release in a clone of this repository, as somebody else
// would, and gives its folder; "" with what was said where it is refused.
func released(t *testing.T, clone string, set ...string) (folder, said string) {
	t.Helper()
	if _, err := os.Stat(clone); err != nil {
		output(t, "git", "clone", "--quiet", channeltest.ModuleDir(t), clone)
	}
	make := exec.CommandContext(t.Context(), "make", "-C", clone, "release")
	make.Env = append(os.Environ(), set...)
	out, err := make.CombinedOutput()
	if err != nil {
		return "", string(out)
	}
	return filepath.Join(clone, "release"), string(out)
}

// Two people who make a release of the same commit in different folders, with
// nothing of each other's work at hand, get the same files; and whoever has the
// public key knows whether they are those.
func TestEndToEndAReleaseIsTheSameWhereverItIsMade(t *testing.T) {
	if os.Getenv("TEST_E2E") != "1" {
		t.Skip("SKIP: runs with make e2e (TEST_E2E=1)")
	}
	needProgram(t, "npm", "no release is made")
	needProgram(t, "dpkg-deb", "no release is made")
	needProgram(t, "ssh-keygen", "no release is signed")
	root := channeltest.ModuleDir(t)
	if err := exec.CommandContext(t.Context(), "git", "-C", root, "rev-parse", "HEAD").Run(); err != nil {
		t.Skip("SKIP: no release is made: this is no clone")
	}
	key := filepath.Join(t.TempDir(), "key")
	output(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "release", "-f", key)
	one, said := released(t, filepath.Join(t.TempDir(), "one"), "MARTINELLA_SIGN_KEY="+key, "MARTINELLA_ARCHES=amd64 arm64")
	if one == "" {
		t.Fatal(said)
	}
	// The other one compiles all of it anew, elsewhere and with flags of their own.
	clone := filepath.Join(t.TempDir(), "a folder", "of another name")
	two, said := released(t, clone, "GOCACHE="+t.TempDir(), "MARTINELLA_ARCHES=amd64", "GOFLAGS=-tags=crashpoints", "TZ=Asia/Tokyo", "LC_ALL=C")
	if two == "" {
		t.Fatal(said)
	}
	if !strings.Contains(said, "SHA256SUMS is NOT signed") {
		t.Errorf("nothing says that nobody signed:\n%s", said)
	}
	names := func(folder string) (all []string) {
		list, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			all = append(all, e.Name())
		}
		return all
	}
	compared := 0
	for _, name := range names(two) {
		if name == "SHA256SUMS" {
			continue
		}
		a, err := os.ReadFile(filepath.Join(one, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(two, name))
		if err != nil {
			t.Fatal(err)
		}
		if compared++; !bytes.Equal(a, b) {
			t.Errorf("%s is another file in the other folder", name)
		}
	}
	if compared != 3 { // program, list of materials, package
		t.Errorf("%d files were compared: %v", compared, names(two))
	}
	if all := names(one); len(all) != 8 || !slices.ContainsFunc(all, func(n string) bool { return strings.HasSuffix(n, "_arm64.deb") }) {
		t.Errorf("the release is %v", all)
	}

	// As the guide says that a municipality checks it.
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	signers := write(t, filepath.Join(t.TempDir(), "allowed_signers"), `release@martinella.example namespaces="martinella-release" `+string(public))
	check := func() (string, error) {
		c := exec.CommandContext(t.Context(), "bash", "-euc", `ssh-keygen -Y verify -f "$1" -I release@martinella.example -n martinella-release -s SHA256SUMS.sig < SHA256SUMS && sha256sum --check SHA256SUMS`, "check", signers)
		c.Dir = one
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if out, err := check(); err != nil || strings.Count(out, ": OK") != 6 {
		t.Errorf("the release is not believed: %v\n%s", err, out)
	}
	for _, name := range names(one) {
		if name == "SHA256SUMS.sig" {
			continue
		}
		path := filepath.Join(one, name)
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		other := bytes.Clone(was)
		other[len(other)/2] ^= 1
		if err := os.WriteFile(path, other, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := check(); err == nil {
			t.Errorf("%s was changed, and is believed:\n%s", name, out)
		}
		if err := os.WriteFile(path, was, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	// What no commit has is not released.
	write(t, filepath.Join(clone, "go.mod"), "module martinella\n")
	if folder, said := released(t, clone); folder != "" || !strings.Contains(said, "these files are changed, and no commit has them: go.mod") {
		t.Errorf("a changed file is released: %s %s", folder, said)
	}
}
