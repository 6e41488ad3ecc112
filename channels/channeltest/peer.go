package channeltest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// Peer is a running script of the folder peers: a foreign implementation that
// prints one JSON object a line and ends with its stdin.
type Peer struct {
	Port  int
	stdin io.WriteCloser
	lines chan json.RawMessage
}

// peerPatience is how long a test waits for a peer's next line: a hang limit,
// not an expectation.
const peerPatience = 20 * time.Second

// Peers gives the folder of the peers, installed. Where node or npm is missing
// or the installation fails, the test is skipped and says so. Test binaries
// that run at once wait for each other.
func Peers(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(ModuleDir(t), "channels", "channeltest", "peers")
	Install(t, dir)
	return dir
}

// Install installs the npm packages of a folder from its lock file, once. Where
// it cannot, the test is skipped and says so.
func Install(t testing.TB, dir string) {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIP: %s is not installed: the peers of the channels are not tested against", program)
		}
	}
	lock := flock.New(filepath.Join(os.TempDir(), fmt.Sprintf("martinella-peers-%d.lock", os.Getuid())))
	if err := lock.Lock(); err != nil {
		t.Fatalf("lock the peers' folder: %v", err)
	}
	defer lock.Unlock()
	if peersInstalled(dir) {
		return
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-fund", "--no-audit")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("SKIP: the packages of %s cannot be installed (npm ci: %v): %s", filepath.Base(dir), err, lastLine(out))
	}
}

// peersInstalled reports whether npm's own copy of the lock file is at least as
// new as ours, and every package that is asked for lies there in its version:
// npm touches its copy also where it installs nothing.
func peersInstalled(dir string) bool {
	have, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if err != nil {
		return false
	}
	want, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil || have.ModTime().Before(want.ModTime()) {
		return false
	}
	var wish struct{ Dependencies map[string]string }
	if readJSON(filepath.Join(dir, "package.json"), &wish) != nil {
		return false
	}
	for name, version := range wish.Dependencies {
		var there struct{ Version string }
		if readJSON(filepath.Join(dir, "node_modules", name, "package.json"), &there) != nil || there.Version != version {
			return false
		}
	}
	return true
}

func readJSON(path string, into any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// ModuleDir is the folder of go.mod.
func ModuleDir(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// StartPeer runs a script of the folder peers ("smsc.js") and returns when it
// listens. It ends with the test.
func StartPeer(t testing.TB, script string, args ...string) *Peer {
	t.Helper()
	return StartScript(t, Peers(t), script, args...)
}

// StartScript runs a script of an installed folder and returns when it says
// that it is ready; one that says {"skip": why} skips the test. It ends with
// the test.
func StartScript(t testing.TB, dir, script string, args ...string) *Peer {
	t.Helper()
	cmd := exec.Command("node", append([]string{filepath.Join(dir, script)}, args...)...)
	cmd.Dir = dir
	return startPeer(t, cmd, script)
}

// startPeer runs a program that speaks as the peers do.
func startPeer(t testing.TB, cmd *exec.Cmd, script string) *Peer {
	t.Helper()
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", script, err)
	}
	p := &Peer{stdin: stdin, lines: make(chan json.RawMessage, 4096)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(p.lines)
		scan := bufio.NewScanner(stdout)
		scan.Buffer(nil, 1<<20)
		for scan.Scan() {
			p.lines <- json.RawMessage(append([]byte(nil), scan.Bytes()...))
		}
	}()
	t.Cleanup(func() {
		stdin.Close()
		stop := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		defer stop.Stop()
		<-read
		cmd.Wait()
	})
	var ready struct {
		Ready bool
		Port  int
		Skip  string
	}
	p.Next(t, &ready)
	if ready.Skip != "" {
		t.Skipf("SKIP: %s", ready.Skip)
	}
	if !ready.Ready {
		t.Fatalf("%s did not say that it is ready", script)
	}
	p.Port = ready.Port
	return p
}

// Addr is where the peer listens.
func (p *Peer) Addr() string { return fmt.Sprintf("127.0.0.1:%d", p.Port) }

// Next waits for the peer's next line and decodes it.
func (p *Peer) Next(t testing.TB, into any) {
	t.Helper()
	select {
	case line, ok := <-p.lines:
		if !ok {
			t.Fatal("the peer has ended")
		}
		if err := json.Unmarshal(line, into); err != nil {
			t.Fatalf("the peer printed %q: %v", line, err)
		}
	case <-time.After(peerPatience):
		t.Fatalf("the peer printed nothing for %v", peerPatience)
	}
}

// Tell writes one JSON line to the peer's stdin.
func (p *Peer) Tell(t testing.TB, line any) {
	t.Helper()
	b, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.stdin.Write(append(b, '\n')); err != nil {
		t.Fatalf("tell the peer: %v", err)
	}
}
