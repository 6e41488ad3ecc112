package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// edition makes files whose content is told by their names and a text.
func edition(at time.Time, whole bool, text string, names ...string) *Edition {
	e := &Edition{At: at, Whole: whole}
	for _, n := range names {
		e.Files = append(e.Files, File{Path: n, Media: "text/html; charset=utf-8", Lasting: !strings.HasPrefix(n, "index"), Sum: text, Bytes: func(at time.Time) []byte {
			return []byte("begin " + n + " " + text + " " + at.UTC().Format(time.RFC3339) + strings.Repeat(" fill", 2000) + " end")
		}})
	}
	return e
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func take(t *testing.T, target Target, e *Edition) Report {
	t.Helper()
	r, err := target.Take(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "copy")
	d := Folder{dir}
	if at, err := d.Look(t.Context()); err != nil || !at.IsZero() {
		t.Errorf("an empty folder: %v %v", at, err)
	}
	if r := take(t, d, edition(noon, true, "one", "a/X/index.html", "a/Y/index.html", "index.html")); r != (Report{Written: 3}) {
		t.Errorf("first %+v", r)
	}
	mine := filepath.Join(dir, "CNAME")
	if err := os.WriteFile(mine, []byte("copy.example"), 0o600); err != nil {
		t.Fatal(err)
	}
	later := noon.Add(time.Hour)
	if r := take(t, d, edition(later, true, "one", "a/X/index.html", "index.html")); r != (Report{Written: 1, Kept: 1, Removed: 1}) {
		t.Errorf("second %+v", r)
	}
	if _, err := os.Stat(filepath.Join(dir, "a", "Y")); err == nil {
		t.Error("a folder without files stays")
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error("the file of somebody else was removed")
	}
	b, _ := os.ReadFile(filepath.Join(dir, "a", "X", "index.html"))
	if !bytes.Contains(b, []byte(noon.Format(time.RFC3339))) {
		t.Error("what did not change says another time")
	}
	// What was damaged there is mended.
	if err := os.WriteFile(filepath.Join(dir, "a", "X", "index.html"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := take(t, d, edition(later, false, "one", "a/X/index.html")); r.Written != 1 || r.Removed != 0 {
		t.Errorf("third %+v", r)
	}
	if at, err := d.Look(t.Context()); err != nil || !at.Equal(later) {
		t.Errorf("it says %v, %v", at, err)
	}
}

func TestAFolderIsNotLeft(t *testing.T) {
	base := t.TempDir()
	out, dir := filepath.Join(base, "out"), filepath.Join(base, "copy")
	for _, p := range []string{out, dir} {
		if err := os.Mkdir(p, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{"../out/x", "a/../../out/x", "/etc/x", "a//b", ".htaccess", "a/.x", "", "a/b c", "a\\b", listName, "a/\x00", strings.Repeat("a", 300)} {
		if _, err := (Folder{dir}).Take(t.Context(), edition(noon, true, "x", p)); err == nil {
			t.Errorf("%q was written", p)
		}
	}
	if err := os.Symlink(out, filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if _, err := (Folder{dir}).Take(t.Context(), edition(noon, true, "x", "a/index.html")); err == nil {
		t.Error("a link led out of the folder")
	}
	// A list that somebody else wrote removes nothing outside.
	if err := os.WriteFile(filepath.Join(out, "precious"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, listName), []byte(`{"v":1,"files":{"../out/precious":{"sum":""},"a/precious":{"sum":""}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _ = Folder{dir}.Take(t.Context(), edition(noon, true, "x", "index.html"))
	if _, err := os.Stat(filepath.Join(out, "precious")); err != nil {
		t.Error("a file outside was removed")
	}
}

func TestAFolderThatCannotBeWrittenSaysSo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Folder{file}).Take(t.Context(), edition(noon, true, "x", "index.html")); err == nil {
		t.Error("a file was taken for a folder")
	}
	if _, err := (Folder{file}).Look(t.Context()); err == nil {
		t.Error("a file was taken for a folder")
	}
}

// TestKilledWhileWriting kills a program that writes copies, again and again:
// each file that is there is whole, and the next copy mends the rest.
func TestKilledWhileWriting(t *testing.T) {
	var names []string
	for i := range 60 {
		names = append(names, fmt.Sprintf("a/E%d/index.html", i))
	}
	names = append(names, "index.html")
	if dir := os.Getenv("MIRROR_WRITES_IN"); dir != "" {
		for round := 0; ; round++ {
			if _, err := (Folder{dir}).Take(context.Background(), edition(noon.Add(time.Duration(round)*time.Second), true, fmt.Sprint(round), names...)); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			fmt.Println("round", round)
		}
	}
	dir := t.TempDir()
	torn, seen := 0, 0
	for kill := range 12 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWhileWriting$")
		cmd.Env = append(os.Environ(), "MIRROR_WRITES_IN="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = out.Read(make([]byte, 8)) // the first round is done
		timer := time.NewTimer(time.Duration(kill) * 3 * time.Millisecond)
		<-timer.C
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		err = filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || strings.Contains(p, partsName) {
				return err
			}
			b, err := os.ReadFile(p)
			seen++
			if filepath.Base(p) == listName {
				if l := readList(b); len(l.Files) == 0 {
					torn++
				}
			} else if !bytes.HasPrefix(b, []byte("begin ")) || !bytes.HasSuffix(b, []byte(" end")) {
				torn++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if torn > 0 || seen < 12*len(names) {
		t.Errorf("%d torn files of %d", torn, seen)
	}
	d := Folder{dir}
	take(t, d, edition(noon, true, "last", names...))
	parts := filepath.Join(dir, partsName)
	old := time.Now().Add(-2 * partsAge)
	left, _ := os.ReadDir(parts)
	for _, p := range left {
		if err := os.Chtimes(filepath.Join(parts, p.Name()), old, old); err != nil {
			t.Fatal(err)
		}
	}
	if r := take(t, d, edition(noon, true, "last", names...)); r.Kept != len(names)-1 {
		t.Errorf("%+v", r)
	}
	if left, _ = os.ReadDir(parts); len(left) > 0 {
		t.Errorf("%d parts are left", len(left))
	}
}

func FuzzReadList(f *testing.F) {
	f.Add([]byte(`{"v":1,"at":"2026-11-22T12:00:00Z","files":{"index.html":{"sum":"x"}}}`))
	f.Add([]byte(`{"v":1,"files":{"../x":{}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := readList(b)
		if l.Files == nil {
			t.Fatal("no files")
		}
		for p := range l.Files {
			if !Valid(p) || strings.Contains(p, "..") && strings.Contains(p, "../") {
				t.Fatalf("%q", p)
			}
		}
	})
}

func TestAForeignFolderIsRefused(t *testing.T) {
	site := "<html>somebody's own site"
	for name, c := range map[string]struct {
		has     map[string]string // before the first copy
		refused bool
	}{
		"nothing is there":                {nil, false},
		"only what hosts of pages want":   {map[string]string{"CNAME": "x", ".htaccess": "x", ".git/config": "x", ".nojekyll": ""}, false},
		"another site":                    {map[string]string{"index.html": site}, true},
		"a file that no copy would write": {map[string]string{"photos/me.jpg": "x"}, true},
		"hidden files of somebody":        {map[string]string{".ssh/id": "x"}, true},
		"a list of another program":       {map[string]string{listName: `{"files":[]}`, "index.html": site}, true},
		"a list alone that is no list":    {map[string]string{listName: `{"v":2}`}, true},
		"a file like the folder of parts": {map[string]string{partsName: "x"}, true},
		"an earlier copy":                 {map[string]string{listName: `{"v":1,"at":"2026-11-22T12:00:00Z","files":{}}`, "index.html": "<html>"}, false},
		"an earlier copy that was killed": {map[string]string{partsName + "/abc": "x", "index.html": "<html>"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.has {
				file = filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, looked := Folder{dir}.Look(t.Context())
			_, err := Folder{dir}.Take(t.Context(), edition(noon, true, "ours", "index.html"))
			if errors.Is(err, ErrForeign) != c.refused || errors.Is(looked, ErrForeign) != c.refused || !c.refused && err != nil {
				t.Fatalf("%v, and looked at: %v", err, looked)
			}
			if !c.refused {
				return
			}
			if !strings.Contains(err.Error(), "name an empty folder") {
				t.Errorf("it names no remedy: %v", err)
			}
			for file, text := range c.has {
				if b, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(b) != text {
					t.Errorf("%s is %q now, %v", file, b, err)
				}
			}
			if all, _ := os.ReadDir(dir); len(all) > len(c.has) {
				t.Errorf("something was written: %v", all)
			}
		})
	}
}
