package rdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast/broadcasttest"
)

// outlet is a redis-server whose power can fail: killed, it finds its files as
// short as the disk had surely got them. It is a program for [Config.Binary].
type outlet struct {
	program string
	cuts    string // a line for each start that found more than the disk had
}

// newOutlet builds one. With cut, each start cuts the files to what was synced;
// mode replaces appendfsync where it is not "".
func newOutlet(t *testing.T, delay time.Duration, mode string, cut bool) *outlet {
	t.Helper()
	needServer(t)
	server, cc := need(t, "redis-server"), need(t, "cc")
	need(t, "truncate")
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("SKIPPED, nothing was proved: files are known through /proc")
	}
	dir := t.TempDir()
	shim := filepath.Join(dir, "shim.so")
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-O1", "-o", shim, filepath.Join("testdata", "fsync_shim.c"), "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, out)
	}
	o := &outlet{program: filepath.Join(dir, "redis-power"), cuts: filepath.Join(dir, "cuts")}
	synced := filepath.Join(dir, "synced")
	script := "#!/bin/sh\n"
	if cut {
		script += fmt.Sprintf(`for f in "$PWD"/appendonlydir/*.incr.aof; do
  [ -f "$f" ] || continue
  size=$(grep -F " $f" %[1]s | tail -n 1 | cut -d ' ' -f 1)
  had=$(wc -c < "$f")
  [ "$had" -gt "${size:-0}" ] && echo "$had ${size:-0}" >> %[2]s
  truncate -s "${size:-0}" "$f"
done
`, synced, o.cuts)
	}
	if mode != "" {
		mode = " --appendfsync " + mode
	}
	script += fmt.Sprintf("SHIM_LOG=%s SHIM_DELAY_MS=%d LD_PRELOAD=%s exec %s \"$@\"%s\n", synced, delay.Milliseconds(), shim, server, mode)
	if err := os.WriteFile(o.program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return o
}

// cut is how many starts found more in a file than was synced.
func (o *outlet) cut() int {
	b, err := os.ReadFile(o.cuts)
	if err != nil {
		return 0
	}
	return strings.Count(string(b), "\n")
}

// losses runs clients on a store whose server is killed, and compares what it
// has with what they were promised. Clients that insist publish as well.
func losses(t *testing.T, o *outlet, times int, insist bool) broadcasttest.Verdict {
	t.Helper()
	r := open(t, Config{Authority: "valdemo", DataDir: t.TempDir(), Binary: o.program})
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = r.Run(ctx) })
	defer all.Wait()
	defer cancel()
	checker := broadcasttest.NewChecker()
	load, stop := context.WithCancel(ctx)
	defer stop()
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for load.Err() == nil {
				if insist {
					submit(ctx, t, r, checker)
					continue
				}
				rec := broadcasttest.NewRecord(alerts.SeveritySevere, "web")
				stored, _, err := r.Store().Intake(ctx, rec, nil, broadcasttest.NewAct(rec, "submitted"))
				if err == nil {
					checker.Acked(broadcasttest.Promise{Sender: rec.Alert.Sender, Identifier: rec.Alert.Identifier, Content: rec.Content, ID: stored.ID})
				}
			}
		})
	}
	for i := range times {
		pause(ctx, longEnough+time.Duration(37*i%400)*time.Millisecond)
		killed(t, r)
		for r.ServerPID() == 0 {
			pause(ctx, time.Millisecond)
		}
	}
	if insist {
		pause(ctx, 100*time.Millisecond)
	}
	stop()
	clients.Wait()
	verdict, err := checker.Compare(ctx, r.Store(), r.Log())
	for errors.Is(err, alerts.ErrUnavailable) {
		verdict, err = checker.Compare(ctx, r.Store(), r.Log())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills, %d starts found more than the disk had: %s", times, o.cut(), verdict)
	return verdict
}

// TestPowerLossLosesNothingAcknowledged is fault 9: what was acknowledged is on
// the disk, also on a slow one.
func TestPowerLossLosesNothingAcknowledged(t *testing.T) {
	times := 3
	if os.Getenv("TEST_CHAOS") != "" {
		times = 15
	}
	for name, delay := range map[string]time.Duration{"a disk as it is": 0, "fsync takes 5 ms more": 5 * time.Millisecond, "fsync takes 20 ms more": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			v := losses(t, newOutlet(t, delay, "", true), times, true)
			if !v.Good() || v.Promised < 20 {
				t.Errorf("%s", v)
			}
		})
	}
}

// TestPowerLossIsSeen is the same with everysec: that it loses what it
// acknowledged shows that the tests above could fail.
func TestPowerLossIsSeen(t *testing.T) {
	for name, o := range map[string]func() *outlet{
		"everysec, power lost":                         func() *outlet { return newOutlet(t, 0, "everysec", true) },
		"everysec, a disk that takes 1.5 s, kill only": func() *outlet { return newOutlet(t, 1500*time.Millisecond, "everysec", false) },
	} {
		t.Run(name, func(t *testing.T) {
			lost := 0
			for try := 0; try < 3 && lost == 0; try++ {
				lost = len(losses(t, o(), 2, false).Lost)
			}
			if lost == 0 {
				t.Error("everysec lost nothing: a loss of power is not simulated, and the tests beside this one prove nothing")
			}
		})
	}
}
