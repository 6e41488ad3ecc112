package sftp

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"martinella/broadcast/backup"
	"martinella/broadcast/backup/placetest"
)

// daemon starts OpenSSH's server on a loopback port, as a child of the test, with
// keys of its own.
func daemon(t *testing.T) (c Config, stop func()) {
	t.Helper()
	sshd := "/usr/sbin/sshd"
	if _, err := os.Stat(sshd); err != nil {
		t.Skip("SKIPPED, nothing was proved: openssh-server is not installed (apt-get install openssh-server)")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"host", "client", "other"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, name)).CombinedOutput(); err != nil {
			t.Skipf("SKIPPED, nothing was proved: ssh-keygen: %v %s", err, out)
		}
	}
	if me.Uid == "0" {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // where sshd of root wants to be empty
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n",
		port, filepath.Join(dir, "host"), filepath.Join(dir, "client.pub"))
	config := filepath.Join(dir, "sshd_config")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(sshd, "-D", "-e", "-f", config)
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	stop = func() {
		_ = cmd.Process.Kill()
		<-done
	}
	t.Cleanup(stop)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for end := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			break
		}
		select {
		case <-done:
			t.Skipf("SKIPPED, nothing was proved: sshd does not start: %s", said.String())
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("sshd does not answer: %s", said.String())
		}
	}
	known := filepath.Join(dir, "known_hosts")
	knows(t, known, port, filepath.Join(dir, "host.pub"))
	return Config{Address: address, User: me.Username, Folder: filepath.Join(dir, "place", "of backups"), KeyFile: filepath.Join(dir, "client"), KnownHosts: known}, stop
}

// knows writes the file of known hosts.
func knows(t *testing.T, file string, port int, public string) {
	t.Helper()
	key, err := os.ReadFile(public)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, "[127.0.0.1]:%d %s", port, key), 0o600); err != nil {
		t.Fatal(err)
	}
}

func opened(t *testing.T, c Config) *SFTP {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPlace(t *testing.T) {
	placetest.Test(t, func(t *testing.T) (backup.Place, func() backup.Place) {
		c, _ := daemon(t)
		return opened(t, c), func() backup.Place { return opened(t, c) }
	})
}

// A machine that shows another key, or that nobody knows, gets nothing.
func TestAnotherMachineGetsNothing(t *testing.T) {
	c, _ := daemon(t)
	dir := filepath.Dir(c.KeyFile)
	_, port, err := net.SplitHostPort(c.Address)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other_hosts")
	number := 0
	if _, err := fmt.Sscan(port, &number); err != nil {
		t.Fatal(err)
	}
	knows(t, other, number, filepath.Join(dir, "other.pub"))
	nobody := filepath.Join(dir, "no_hosts")
	if err := os.WriteFile(nobody, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{other: "another key than the known one", nobody: "not among the known hosts"} {
		at := c
		at.KnownHosts = file
		_, err := opened(t, at).List(t.Context(), "martinella-")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("it says %v, not %q", err, want)
		}
	}
	at := c
	at.KeyFile = filepath.Join(dir, "other")
	if _, err := opened(t, at).List(t.Context(), "martinella-"); err == nil {
		t.Error("it lets in whom it does not know")
	}
}

// What a program that died left behind counts as nothing, and goes once it is old.
func TestAHalfFileIsTakenAwayOnceItIsOld(t *testing.T) {
	c, _ := daemon(t)
	const name = "martinella-valdemo-20261122T220000Z.backup"
	s := opened(t, c)
	part := filepath.Join(c.Folder, backup.PartName(name)+".0a0b0c0d")
	if err := os.MkdirAll(c.Folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(part, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if names, err := s.List(t.Context(), "martinella-"); err != nil || len(names) != 0 {
		t.Errorf("it lists %q, %v", names, err)
	}
	if err := s.Tidy(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(part); err != nil {
		t.Error("the file of another node was taken away")
	}
	if err := s.Tidy(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(part); err == nil {
		t.Error("the half file is still there")
	}
}

func TestAFullOrLostMachineIsSaid(t *testing.T) {
	c, stop := daemon(t)
	s := opened(t, c)
	stop()
	if err := s.Put(t.Context(), "martinella-valdemo-20261122T220000Z.backup", false, func(io.Writer) error { return nil }); err == nil {
		t.Error("a machine that is gone took a backup")
	}
}

func TestSettingsAreChecked(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for name, c := range map[string]Config{
		"no port":  {Address: "nas", User: "u", Folder: "f", KeyFile: none, KnownHosts: none},
		"no user":  {Address: "nas:22", Folder: "f", KeyFile: none, KnownHosts: none},
		"no key":   {Address: "nas:22", User: "u", Folder: "f", KeyFile: none, KnownHosts: none},
		"no place": {Address: "nas:22", User: "u", KeyFile: none, KnownHosts: none},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}
