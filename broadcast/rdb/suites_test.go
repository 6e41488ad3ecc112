package rdb

import (
	"os/exec"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"martinella/broadcast/broadcasttest"
)

// node gives what package broadcasttest asks of a store.
func node(r *Redis) *broadcasttest.Node {
	return &broadcasttest.Node{Store: r.Store(), Keys: r.Keys(), Publisher: r, Log: r.Log(), Work: r, People: r.People(), Staff: r.Staff(), Papers: r.Papers(), Callouts: r.Callouts()}
}

// openMemory opens a store in this process.
func openMemory(t testing.TB) *Redis {
	t.Helper()
	return open(t, Config{Redis: Memory, Authority: "valdemo"})
}

// openServer opens an embedded redis-server of its own, or skips.
func openServer(t testing.TB) *Redis {
	t.Helper()
	needServer(t)
	return open(t, Config{Redis: Embedded, Authority: "valdemo", DataDir: t.TempDir()})
}

func needServer(t testing.TB) {
	t.Helper()
	if _, err := findServer(""); err != nil {
		t.Skipf("SKIPPED, nothing was proved: %v", err)
	}
}

func need(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("SKIPPED, nothing was proved: %s is not installed", program)
	}
	return path
}

func open(t testing.TB, cfg Config) *Redis {
	t.Helper()
	r, err := Open(t.Context(), cfg, quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func quiet(t testing.TB) *zap.Logger {
	if testing.Verbose() {
		return zaptest.NewLogger(t)
	}
	return zap.NewNop()
}

func TestContractsInMemory(t *testing.T) {
	contracts(t, func(t *testing.T) *broadcasttest.Node { return node(openMemory(t)) })
}

func TestContractsOnRedisServer(t *testing.T) {
	needServer(t)
	contracts(t, func(t *testing.T) *broadcasttest.Node { return node(openServer(t)) })
}

func contracts(t *testing.T, open broadcasttest.Open) {
	t.Run("store", func(t *testing.T) { broadcasttest.TestStore(t, open) })
	t.Run("log", func(t *testing.T) { broadcasttest.TestLog(t, open) })
	t.Run("queue", func(t *testing.T) { broadcasttest.TestQueue(t, open) })
	t.Run("people", func(t *testing.T) { broadcasttest.TestPeople(t, open) })
	t.Run("roll", func(t *testing.T) { broadcasttest.TestRoll(t, open) })
	t.Run("volunteers", func(t *testing.T) { broadcasttest.TestVolunteers(t, open) })
	t.Run("staff", func(t *testing.T) { broadcasttest.TestStaff(t, open) })
	t.Run("sitreps", func(t *testing.T) { broadcasttest.TestSitreps(t, open) })
	t.Run("papers", func(t *testing.T) { broadcasttest.TestPapers(t, open) })
	t.Run("callouts", func(t *testing.T) {
		broadcasttest.TestCallouts(t, func(t *testing.T) *broadcasttest.CalloutsNode { return open(t).Calling(t) })
	})
	t.Run("keys", func(t *testing.T) { broadcasttest.TestKeys(t, open) })
}
