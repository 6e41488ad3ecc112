package outbox

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

func outbox(t testing.TB, c Config) *Channel {
	t.Helper()
	if c.Folder == "" {
		c.Folder = filepath.Join(t.TempDir(), "out")
	}
	box, err := New("outbox", c, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	return box
}

var suite = channeltest.Suite{New: func(t testing.TB, _ string) channels.Channel { return outbox(t, Config{}) }}

func TestContract(t *testing.T) { channeltest.Run(t, suite) }

func TestGolden(t *testing.T) { channeltest.Golden(t, outbox(t, Config{})) }

func TestPages(t *testing.T) {
	channeltest.Pages(t, channeltest.PagerSuite{New: func(t testing.TB) channels.Pager { return outbox(t, Config{}) }})
}

func TestGoldenPages(t *testing.T) { channeltest.GoldenPages(t, outbox(t, Config{})) }

func lines(t *testing.T, path string) []Entry {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []Entry
	for in := bufio.NewScanner(f); in.Scan(); {
		var e Entry
		if err := json.Unmarshal(in.Bytes(), &e); err != nil {
			t.Fatalf("%q: %v", in.Text(), err)
		}
		out = append(out, e)
	}
	return out
}

func TestWrittenOnceOverRestarts(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "out")
	for start := range 3 {
		box := outbox(t, Config{Folder: folder})
		for _, key := range []string{"a/1/outbox/0", "a/1/outbox/1"} {
			m := suite.Rendered(t, box, channeltest.Exercise, key)
			if _, err := box.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if r, found, err := box.Find(t.Context(), m); err != nil || !found || r.ID == "" {
				t.Errorf("start %d: find: %v %v", start, found, err)
			}
		}
		if _, found, err := box.Find(t.Context(), suite.Rendered(t, box, channeltest.Exercise, "a/1/outbox/2")); found || err != nil {
			t.Errorf("found what was never sent (%v)", err)
		}
		if err := box.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got := lines(t, filepath.Join(folder, "outbox.jsonl"))
	if len(got) != 2 || got[0].Key != "a/1/outbox/0" || !got[0].Exercise || !strings.HasPrefix(got[0].Text, "ESERCITAZIONE") {
		t.Errorf("got %+v", got)
	}
}

func TestHalfALineIsTakenOut(t *testing.T) {
	folder := t.TempDir()
	box := outbox(t, Config{Folder: folder})
	first, second := suite.Rendered(t, box, channeltest.Actual, "a/1/outbox/0"), suite.Rendered(t, box, channeltest.Actual, "a/1/outbox/1")
	for _, m := range []channels.Message{first, second} {
		if _, err := box.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	box.Close()
	info, err := os.Stat(box.Path())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(box.Path(), info.Size()-7); err != nil {
		t.Fatal(err)
	}
	box = outbox(t, Config{Folder: folder})
	if _, found, _ := box.Find(t.Context(), second); found {
		t.Error("half a line counts")
	}
	if _, err := box.Send(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if got := lines(t, box.Path()); len(got) != 2 || got[1].Key != second.Key {
		t.Errorf("got %+v", got)
	}
}

func TestLatest(t *testing.T) {
	box := outbox(t, Config{Keep: 3})
	for i := range 5 {
		if _, err := box.Send(t.Context(), suite.Rendered(t, box, channeltest.Actual, strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	got, err := box.Latest()
	if err != nil || len(got) != 3 || got[0].Key != "4" || got[2].Key != "2" {
		t.Errorf("got %d entries, %v", len(got), err)
	}
}

func TestManyAtOnce(t *testing.T) {
	box := outbox(t, Config{})
	var wait sync.WaitGroup
	for i := range 32 {
		wait.Go(func() {
			if _, err := box.Send(t.Context(), suite.Rendered(t, box, channeltest.Actual, strconv.Itoa(i/2))); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := lines(t, box.Path()); len(got) != 16 {
		t.Errorf("%d lines, want 16", len(got))
	}
}

func TestMistakesAndModes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New("X", Config{Folder: file, Keep: -1}, channeltest.Settings(), zap.NewNop()); err == nil ||
		!strings.Contains(err.Error(), "name") || !strings.Contains(err.Error(), "keep") || !strings.Contains(err.Error(), "folder") {
		t.Errorf("got %v", err)
	}
	folder := filepath.Join(t.TempDir(), "not", "yet")
	box := outbox(t, Config{Folder: folder})
	if _, err := os.Stat(folder); err == nil {
		t.Error("New made the folder")
	}
	if err := box.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Dir(filepath.Dir(folder))); err != nil || len(left) > 0 {
		t.Errorf("the check made %v, %v", left, err)
	}
	if err := box.Notify(t.Context(), "", "subject", "text"); err != nil {
		t.Fatal(err)
	}
	if err := box.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(box.Path()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info, err)
	}
	within := outbox(t, Config{Folder: filepath.Join(file, "folder")})
	if err := within.Check(t.Context()); err == nil {
		t.Error("the folder is to be within a file: the check passes")
	}
}
