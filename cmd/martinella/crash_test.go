package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"martinella/broadcast/broadcasttest"
	"martinella/broadcast/crash"
)

// TestKilledAtEachPlaceOfTheProgram is faults 1 to 6 for the program itself: it
// dies at a named place on the way of an alert, is started again, and the
// sender insists. Every alert is there once, and went out once.
func TestKilledAtEachPlaceOfTheProgram(t *testing.T) {
	p := newProcess(t)
	bin := filepath.Join(t.TempDir(), "martinella")
	out, err := exec.Command("go", "build", "-tags", "crashpoints", "-o", bin, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("build with the tag crashpoints: %v\n%s", err, out)
	}
	p.bin = bin
	p.start(t)
	file := filepath.Join(t.TempDir(), "key")
	must(t, "keys", "create", "--config", p.config, "--name", "load", "--can", "issue", "--self-approve", "--status", "Actual", "--out", file)
	load := &senders{
		url: p.url, key: secretOf(t, file), message: fixture(t), sender: "protezione.civile@comune.valdemo.example", promises: broadcasttest.NewChecker(),
	}
	load.run(t, 0) // one sender below, which insists until it is answered
	loops := 1
	if os.Getenv("TEST_CHAOS") != "" {
		loops = 5
	}
	for range loops {
		for _, at := range crash.Points() {
			p.end(syscall.SIGTERM)
			t.Setenv("CRASH_AT", string(at)+":1")
			p.begin(t)
			t.Setenv("CRASH_AT", "")
			answered := make(chan struct{})
			go func() {
				defer close(answered)
				load.one(t.Context())
			}()
			<-p.done // at the place
			if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Fatalf("%s: the gateway ended by itself: %v\n%s", at, p.cmd.ProcessState, tail(p.log.String()))
			}
			p.start(t)
			<-answered
		}
	}
	if load.statuses[http.StatusOK] == 0 {
		t.Error("nobody was answered 200 for what was stored before: the test proves nothing")
	}
	if len(load.wrong) > 0 {
		t.Errorf("%d wrong answers, the first: %s", len(load.wrong), load.wrong[0])
	}
	outbox := filepath.Join(p.data, "outbox", "outbox.jsonl")
	eventually(t, "everything is delivered", func() bool {
		b, err := os.ReadFile(outbox)
		return err == nil && bytes.Count(b, []byte{'\n'}) >= load.count()
	})
	p.end(syscall.SIGTERM)
	load.compare(t, p, outboxLines(t, outbox))
	t.Logf("%d kills at %d places, %d alerts accepted, answers %v, %d broken connections", loops*len(crash.Points()), len(crash.Points()), load.count(), load.statuses, load.broken)
}
