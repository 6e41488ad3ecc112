package mqtt

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
func TestTheGuidesExampleHolds(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join(channeltest.ModuleDir(t), "dashboards", "guide", "sirens.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(guide)
	if block == nil {
		t.Fatal("no example")
	}
	text := strings.NewReplacer("broker.password", secretFile(t, password), "  kind: mqtt\n", "", "  exercise: true\n", "", "- name: sirens\n", "-\n").Replace(string(block[1]))
	var list []Config
	d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	d.KnownFields(true)
	if err := d.Decode(&list); err != nil || len(list) != 1 {
		t.Fatalf("%s: %v", text, err)
	}
	c, err := New("sirens", list[0], channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if notes := c.Notes(); len(notes) != 0 {
		t.Errorf("notes %q", notes)
	}
	for _, topic := range []string{c.parsed.real.event("istat/047014"), c.parsed.real.state("istat/047014", "EVENT"), string(c.parsed.exercise)} {
		if !bytes.Contains(guide, []byte("`"+topic+"`")) {
			t.Errorf("the guide does not name %s", topic)
		}
	}
}
