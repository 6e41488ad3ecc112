//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ownNetwork is in the environment of a test that runs within its own network.
const ownNetwork = "TEST_OWN_NETWORK"

// inOwnNetwork runs the test once more in a network namespace of its own, where
// it may make machines, and reports true there. To the test that called it
// first it reports false, when the other has ended.
func inOwnNetwork(t *testing.T) bool {
	t.Helper()
	if os.Getenv(ownNetwork) != "" {
		return true
	}
	for _, tool := range []string{"ip", "nsenter", "redis-server", "redis-cli"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIP: there is no %s: the loss of machines is not tested", tool)
		}
	}
	args := []string{"-test.run=^" + t.Name() + "$", "-test.v", "-test.count=1"}
	if end, limited := t.Deadline(); limited {
		args = append(args, "-test.timeout="+(time.Until(end)-10*time.Second).String())
	}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), ownNetwork+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Setpgid: true}
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Start()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		t.Skipf("SKIP: no network namespace can be made here (%v): the loss of machines is not tested", err)
	} else if err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what is left of its machines
	switch text := out.String(); {
	case err != nil:
		t.Errorf("in a network of its own: %v\n%s", err, text)
	case strings.Contains(text, "--- SKIP"):
		t.Skip(text)
	default:
		t.Log(text)
	}
	return false
}

// network is a switch to which machines are plugged in. The test itself is at
// the switch, under an address of its own.
type network struct {
	t    testing.TB
	last int
}

const atSwitch = "10.203.0.1"

func newNetwork(t testing.TB) *network {
	n := &network{t: t}
	n.ip("link", "set", "lo", "up")
	n.ip("link", "add", "switch", "type", "bridge")
	n.ip("link", "set", "switch", "up")
	n.ip("addr", "add", atSwitch+"/24", "dev", "switch")
	return n
}

func (n *network) ip(args ...string) {
	n.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		if strings.Contains(string(out), "not supported") || strings.Contains(string(out), "Unknown device type") {
			n.t.Skipf("SKIP: the kernel has no bridge or veth (ip %s: %s): the loss of machines is not tested", strings.Join(args, " "), bytes.TrimSpace(out))
		}
		n.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// machine is a host of the network: programs in a namespace of their own, which
// lives on while they are dead.
type machine struct {
	t          testing.TB
	net        *network
	name, addr string
	plug       string    // its end at the switch
	space      *exec.Cmd // holds the namespace
	args       []string  // the program
	cmd        *exec.Cmd // nil: it is not running
	done       chan struct{}
	log        *record
}

func (n *network) machine(name string, host int) *machine {
	n.t.Helper()
	n.last++
	m := &machine{t: n.t, net: n, name: name, addr: fmt.Sprintf("10.203.0.%d", host), plug: fmt.Sprintf("plug%d", n.last), log: &record{}}
	m.space = exec.Command("sleep", "infinity")
	m.space.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := m.space.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		m.kill()
		_ = m.space.Process.Kill()
		_ = m.space.Wait()
	})
	pid := fmt.Sprint(m.space.Process.Pid)
	n.ip("link", "add", m.plug, "type", "veth", "peer", "name", "eth0", "netns", pid)
	m.join()
	n.ip("link", "set", m.plug, "up")
	for _, args := range [][]string{{"link", "set", "lo", "up"}, {"link", "set", "eth0", "up"}, {"addr", "add", m.addr + "/24", "dev", "eth0"}} {
		if out, err := exec.Command("nsenter", append([]string{"-t", pid, "-n", "--", "ip"}, args...)...).CombinedOutput(); err != nil {
			n.t.Fatalf("ip %v on %s: %v: %s", args, name, err, out)
		}
	}
	return m
}

// cut pulls the cable out: what is sent is lost, and nobody is told.
func (m *machine) cut() { m.net.ip("link", "set", m.plug, "nomaster") }

// join plugs the cable in.
func (m *machine) join() { m.net.ip("link", "set", m.plug, "master", "switch") }

// start runs the machine's program.
func (m *machine) start() {
	m.t.Helper()
	m.cmd = exec.Command("nsenter", append([]string{"-t", fmt.Sprint(m.space.Process.Pid), "-n", "--"}, m.args...)...)
	m.cmd.Stdout, m.cmd.Stderr = m.log, m.log
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		defer close(done)
		_ = cmd.Wait()
	}(m.cmd, m.done)
}

// kill ends the program at once, as a power cut would.
func (m *machine) kill() { m.end(syscall.SIGKILL) }

func (m *machine) end(signal syscall.Signal) {
	if m.cmd == nil {
		return
	}
	_ = m.cmd.Process.Signal(signal) // it may have ended
	<-m.done
	m.cmd = nil
}

// redis asks the machine's Redis or Sentinel, "" where it does not answer.
func (m *machine) redis(port string, words ...string) string {
	cmd := exec.CommandContext(m.t.Context(), "redis-cli", append([]string{"-h", m.addr, "-p", port}, words...)...)
	cmd.WaitDelay = time.Second
	stop := time.AfterFunc(3*time.Second, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// complaints are the lines of the log that are not mere news.
func (m *machine) complaints() string {
	var out strings.Builder
	for line := range strings.Lines(m.log.String()) {
		if !strings.Contains(line, `"level":"info"`) {
			out.WriteString(line)
		}
	}
	return out.String()
}
