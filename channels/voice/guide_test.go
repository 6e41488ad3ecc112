package voice

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.yaml.in/yaml/v3"

	"martinella/channels/channeltest"
)

// What the guide shows can be copied.
func TestTheGuidesExamplesHold(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join(channeltest.ModuleDir(t), "dashboards", "guide", "voice.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(guide, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d examples", len(blocks))
	}
	files := regexp.MustCompile(`(_file: )([a-z.]+)`)
	for _, block := range blocks {
		text := files.ReplaceAllString(string(block[1]), "${1}"+secretFile(t, token))
		text = strings.NewReplacer("  kind: voice\n", "", "  exercise: true\n", "", "- name: calls\n", "-\n").Replace(text)
		var list []Config
		d := yaml.NewDecoder(strings.NewReader(text))
		d.KnownFields(true)
		if err := d.Decode(&list); err != nil || len(list) != 1 {
			t.Fatalf("%s: %v", text, err)
		}
		if _, err := New("calls", list[0], channeltest.Settings(), zap.NewNop()); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, name := range placeholders {
		if !bytes.Contains(guide, []byte("{"+name+"}")) {
			t.Errorf("the guide does not name {%s}", name)
		}
	}
	for _, o := range outcomes {
		if !bytes.Contains(guide, []byte("*"+o+"*")) {
			t.Errorf("the guide does not name the state %s", o)
		}
	}
	w, _ := wordsFor("it")
	if got := w.spelled("alle 18:30 in P.zza S. Marco, 112"); !bytes.Contains(guide, []byte(`"`+got+`"`)) {
		t.Errorf("the guide does not say %q", got)
	}
}
