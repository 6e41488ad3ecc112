package rdb

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast/broadcasttest"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// filled writes records with an embedded server, ends it and gives the path of
// its last append-only file and the ids.
func filled(t *testing.T, cfg Config) (path string, ids []alerts.ID) {
	t.Helper()
	r, err := Open(t.Context(), cfg, quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		rec := broadcasttest.NewRecord(alerts.SeverityMinor, "web")
		if _, _, err := r.Store().Intake(t.Context(), rec, nil, broadcasttest.NewAct(rec, "submitted")); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, rec.ID)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cfg.DataDir, "appendonlydir")
	name, err := lastFile(filepath.Join(dir, "appendonly.aof.manifest"))
	if err != nil || name == "" {
		t.Fatalf("last file %q, %v", name, err)
	}
	return filepath.Join(dir, name), ids
}

// TestDamagedFiles is faults 13 and 14: an unfinished end is repaired after a
// copy, damage before whole commands is refused, and nothing is touched then.
func TestDamagedFiles(t *testing.T) {
	needServer(t)
	for name, c := range map[string]struct {
		damage  func([]byte) []byte
		refused bool
		lost    int // records: those of the torn command itself
	}{
		"garbage after the end":   {damage: func(b []byte) []byte { return append(b, "\x01\x02 garbage \xff"...) }},
		"zeros after the end":     {damage: func(b []byte) []byte { return append(b, make([]byte, 4096)...) }},
		"a torn last command":     {damage: func(b []byte) []byte { return b[:len(b)-9] }, lost: 1},
		"half a transaction":      {damage: func(b []byte) []byte { return b[:bytes.LastIndex(b, []byte("MULTI"))+200] }, lost: 1},
		"half a command after it": {damage: func(b []byte) []byte { return append(b, "*3\r\n$3\r\nSET\r\n$1"...) }},
		"a sign flipped in the middle": {damage: func(b []byte) []byte {
			i := len(b)/2 + bytes.Index(b[len(b)/2:], []byte("\r\n$")) + 2
			b[i] = 'X'
			return b
		}, refused: true},
		"a length that swallows the rest": {damage: func(b []byte) []byte {
			i := len(b)/2 + bytes.Index(b[len(b)/2:], []byte("\r\n$")) + 3
			return append(append(bytes.Clone(b[:i]), '9', '9', '9', '9', '9', '9'), b[i:]...)
		}, refused: true},
		"much garbage": {damage: func(b []byte) []byte { return append(b, bytes.Repeat([]byte{0xff}, mostGarbage+1)...) }, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Authority: "valdemo", DataDir: t.TempDir()}
			path, ids := filled(t, cfg)
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			bad := c.damage(bytes.Clone(whole))
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := Open(t.Context(), cfg, quiet(t))
			if c.refused {
				if !errors.Is(err, errDamaged) {
					t.Fatalf("got %v, want errDamaged", err)
				}
				if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, bad) {
					t.Errorf("the refused file was changed (%v)", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			there := 0
			for _, id := range ids {
				if _, err := r.Store().Get(t.Context(), id, alerts.Exactly); err == nil {
					there++
				}
			}
			if there != len(ids)-c.lost {
				t.Errorf("%d of %d records are there, want all but %d", there, len(ids), c.lost)
			}
			copies, err := filepath.Glob(filepath.Join(cfg.DataDir, "appendonlydir.before-repair-*", filepath.Base(path)))
			if err != nil || len(copies) != 1 {
				t.Fatalf("copies %v, %v", copies, err)
			}
			if kept, err := os.ReadFile(copies[0]); err != nil || !bytes.Equal(kept, bad) {
				t.Errorf("the copy is not the file as it was (%v)", err)
			}
		})
	}
}

func TestRepairLeavesWhatIsWhole(t *testing.T) {
	dir := t.TempDir()
	if err := repairTail(dir, zap.NewNop()); err != nil {
		t.Errorf("an empty directory: %v", err)
	}
	needServer(t)
	cfg := Config{Authority: "valdemo", DataDir: dir}
	path, _ := filled(t, cfg)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := repairTail(dir, zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("a whole file was changed (%v)", err)
	}
	if copies, _ := filepath.Glob(filepath.Join(dir, "appendonlydir.before-*")); len(copies) != 0 {
		t.Errorf("a copy was made for nothing: %v", copies)
	}
}
