package folder

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"martinella/broadcast/backup"
	"martinella/broadcast/backup/placetest"
)

func TestPlace(t *testing.T) {
	placetest.Test(t, func(t *testing.T) (backup.Place, func() backup.Place) {
		f := Folder{filepath.Join(t.TempDir(), "not", "there yet")}
		return f, func() backup.Place { return f }
	})
}

// What a killed program left is taken away once it is old, and never before:
// another node may be writing it.
func TestAHalfFileIsTakenAwayOnceItIsOld(t *testing.T) {
	f := Folder{t.TempDir()}
	left := filepath.Join(f.Dir, backup.PartName("martinella-valdemo-20261122T220000Z.backup"))
	foreign := filepath.Join(f.Dir, ".part-of-somebody-else")
	for _, name := range []string{left, foreign} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	there := func(name string) bool { _, err := os.Stat(name); return err == nil }
	if err := f.Tidy(t.Context(), time.Now().Add(-time.Hour)); err != nil || !there(left) {
		t.Fatalf("it took the file of another node, or failed: %v", err)
	}
	if err := f.Tidy(t.Context(), time.Now().Add(time.Hour)); err != nil || there(left) || !there(foreign) {
		t.Fatalf("the half file is still there (%v), or a foreign one is gone (%v): %v", there(left), !there(foreign), err)
	}
}
