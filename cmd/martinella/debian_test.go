package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"martinella/broadcast/backup"
	"martinella/channels/channeltest"
)

// needProgram skips a test where a foreign program is missing.
func needProgram(t *testing.T, name, lost string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("SKIP: %s is not installed: %s", name, lost)
	}
	return path
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	b, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, b)
	}
	return string(b)
}

// debianPackage makes the package of a stand-in for the program into a new
// folder.
func debianPackage(t *testing.T) string {
	t.Helper()
	needProgram(t, "dpkg-deb", "the Debian package is not made")
	program := filepath.Join(t.TempDir(), "martinella")
	source := write(t, filepath.Join(t.TempDir(), "standin.go"), "package main\n\nimport \"os\"\n\nfunc main() { _, _ = os.Stdout.WriteString(\"{}\") }\n")
	output(t, "go", "build", "-trimpath", "-buildvcs=false", "-o", program, source)
	into := t.TempDir()
	make := exec.CommandContext(t.Context(), filepath.Join(channeltest.ModuleDir(t), ".ci", "deb"), into)
	make.Env = append(os.Environ(), "MARTINELLA_PROGRAM="+program, "SOURCE_DATE_EPOCH=1760000000")
	out, err := make.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestTheDebianPackage(t *testing.T) {
	one, two := debianPackage(t), debianPackage(t)
	a, err := os.ReadFile(one)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(two)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("two packages of the same program differ")
	}
	contents := output(t, "dpkg-deb", "--contents", one)
	for _, want := range []string{
		"-rwxr-xr-x root/root", "./usr/bin/martinella\n", "./lib/systemd/system/martinella.service\n", "./etc/martinella/martinella.yaml\n",
		"drwx------ root/root", "./usr/share/doc/martinella/install.md\n", "./usr/share/doc/martinella/copyright\n", "./usr/share/doc/martinella/martinella.cdx.json\n",
	} {
		if !strings.Contains(contents, want) {
			t.Errorf("the package lacks %q:\n%s", want, contents)
		}
	}
	info := output(t, "dpkg-deb", "--info", one)
	for _, want := range []string{"Package: martinella", "Depends: redis-server", "conffiles", "postinst", "prerm", "postrm"} {
		if !strings.Contains(info, want) {
			t.Errorf("the package's information lacks %q:\n%s", want, info)
		}
	}
	version := strings.TrimSpace(output(t, "dpkg-deb", "--field", one, "Version"))
	if strings.Contains(version, "@") || output(t, "sh", "-c", "dpkg --validate-version '"+version+"' && echo good") != "good\n" {
		t.Errorf("the version is %q", version)
	}
	into := t.TempDir()
	output(t, "dpkg-deb", "--extract", one, into)
	if out := must(t, "config", "check", "--config", filepath.Join(into, "etc/martinella/martinella.yaml")); !strings.Contains(out, "practice") {
		t.Errorf("the configuration that comes along: %s", out)
	}
	control := t.TempDir()
	output(t, "dpkg-deb", "--control", one, control)
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		output(t, "sh", "-n", filepath.Join(control, script))
		text, err := os.ReadFile(filepath.Join(control, script))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "rm -") {
			t.Errorf("%s removes something", script)
		}
	}
}

// What the service may do at most: below 2.0 of 10 by systemd's own measure.
func TestTheServiceMayDoLittle(t *testing.T) {
	needProgram(t, "systemd-analyze", "the service is not judged by systemd")
	unit := filepath.Join(channeltest.ModuleDir(t), "cmd/martinella/debian/martinella.service")
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", unit).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	t.Log(lines[len(lines)-1])
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	// The unit as systemd reads it: the program need only be there.
	into := t.TempDir()
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	copied := write(t, filepath.Join(into, "martinella.service"), strings.ReplaceAll(string(text), "/usr/bin/martinella", "/bin/true"))
	if out := output(t, "systemd-analyze", "verify", "--man=no", copied); strings.Contains(out, "martinella.service:") {
		t.Errorf("systemd does not read all of the unit:\n%s", out)
	}
	for _, want := range []string{"Type=notify", "WatchdogSec=", "KillMode=mixed", "DynamicUser=yes", "ProtectSystem=strict", "LoadCredential=etc:/etc/martinella", "StateDirectory=martinella"} {
		if !strings.Contains(string(text), "\n"+want) {
			t.Errorf("the unit lacks %s", want)
		}
	}
}

// As a credential of systemd the configuration finds what lies beside it in
// /etc/martinella, and takes the rights that systemd's access list shows.
func TestTheConfigurationAsACredential(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	config := write(t, filepath.Join(dir, "etc_martinella.yaml"), `mode: live
authority: {slug: valdemo, name: Comune di Valdemo, sender: pc@comune.valdemo.example}
data: `+t.TempDir()+`
channels:
  - {name: social, kind: mastodon, url: 'https://social.example', token_file: secrets/mastodon.token}
`)
	secret := write(t, filepath.Join(dir, "etc_secrets_mastodon.token"), "not-a-real-token-of-anybody\n")
	if err := os.Chmod(secret, 0o440); err != nil {
		t.Fatal(err)
	}
	must(t, "config", "check", "--config", config)

	// A backup holds them as they lie in /etc/martinella.
	c, err := loadConfigOf(shell{getenv: os.Getenv}, config, nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := c.files()
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]string{}
	for _, f := range files {
		if f.In != backup.InConfig {
			t.Errorf("%s is in %v", f.Path, f.In)
		}
		held[f.Path] = string(f.Data)
	}
	if len(held) != 2 || !strings.HasPrefix(held["martinella.yaml"], "mode: live") || held["secrets/mastodon.token"] != "not-a-real-token-of-anybody\n" {
		t.Errorf("a backup holds %d files of the configuration, %v", len(held), slices.Collect(maps.Keys(held)))
	}

	if err := os.Chmod(secret, 0o444); err != nil {
		t.Fatal(err)
	}
	if code, out, stderr := command(t, "config", "check", "--config", config); code == 0 || !strings.Contains(out+stderr, "read by others") {
		t.Errorf("a secret for everybody: exit %d, %s%s", code, out, stderr)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if code, out, stderr := command(t, "config", "check", "--config", config); code == 0 || !strings.Contains(out+stderr, filepath.Join(dir, "secrets/mastodon.token")) {
		t.Errorf("without systemd: exit %d, %s%s", code, out, stderr)
	}
}

func TestFilesTooLargeForABackupAreNamed(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "token"), "small")
	write(t, filepath.Join(dir, "outbox.jsonl"), strings.Repeat("x", mostDataFile+1))
	held, left, err := dataFiles(dir)
	if err != nil || len(held) != 1 || held[0].Path != "token" || !slices.Equal(left, []string{filepath.Join(dir, "outbox.jsonl")}) {
		t.Errorf("got %d files, %v are left, %v", len(held), left, err)
	}
}

func TestAnotherUsersDataIsLeftAlone(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIP: only root can give a folder away")
	}
	dir, config := settle(t, "")
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(dir, "data"), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := command(t, "keys", "list", "--config", config)
	if code != 1 || !strings.Contains(stderr, "another user's (65534)") || !strings.Contains(stderr, "systemctl start martinella") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "data")); len(left) > 0 {
		t.Errorf("it left %v there", left)
	}
}

func TestWhatAnotherUserMadeInTheDataIsNamed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIP: only root can give a file away")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "outbox"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "key"), "k")
	strange := write(t, filepath.Join(dir, "outbox", "palestra.jsonl"), "{}")
	if got, err := strangers(dir); err != nil || len(got) > 0 {
		t.Errorf("all is of one user: %q, %v", got, err)
	}
	if err := os.Chown(strange, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if got, err := strangers(dir); err != nil || len(got) != 1 || got[0] != strange {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := strangers(filepath.Join(dir, "nowhere")); err != nil || got != nil {
		t.Errorf("no folder: %q, %v", got, err)
	}
}
