package channeltest

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"martinella/channels"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// Golden compares what a channel makes of the samples with testdata/KIND.golden
// of its folder: what people would read, one message after the other. Write
// them with go test -update and read the difference before committing it.
func Golden(t *testing.T, c channels.Channel) {
	t.Helper()
	for _, kind := range Kinds {
		messages, err := c.Render(Sample(kind))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		var b strings.Builder
		for _, m := range messages {
			b.WriteString("== " + m.Audience + " " + m.Language + ": " + m.Title + "\n" + m.Text + "\n")
			b.WriteString(tidied(m.Payload))
		}
		compareFile(t, filepath.Join("testdata", string(kind)+".golden"), b.String())
	}
}

// tidied is a payload with a line break behind it, JSON over several lines; ""
// for none.
func tidied(payload []byte) string {
	if len(payload) == 0 {
		return ""
	}
	var tidy any
	if json.Unmarshal(payload, &tidy) == nil {
		text, _ := json.MarshalIndent(tidy, "", "  ")
		return string(text) + "\n"
	}
	return string(payload) + "\n"
}

func compareFile(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update, then look at the difference):\n%s", path, got)
	}
}
