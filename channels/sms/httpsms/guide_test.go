package httpsms

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.yaml.in/yaml/v3"

	"martinella/channels/channeltest"
)

// What the guide shows can be copied.
func TestTheGuidesExamplesHold(t *testing.T) {
	guide, err := os.ReadFile("../../../dashboards/guide/sms.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(guide, -1)
	if len(blocks) != 4 {
		t.Fatalf("%d examples", len(blocks))
	}
	files := regexp.MustCompile(`(_file: )([a-z.]+)`)
	for _, block := range blocks {
		text := files.ReplaceAll(block[1], []byte("${1}"+secretFile(t, testToken)))
		var entries []struct {
			Channel string `yaml:"name"`
			Kind    string `yaml:"kind"`
			Rest    yaml.Node
		}
		if err := yaml.Unmarshal(text, &entries); err != nil || len(entries) != 1 || entries[0].Kind != "httpsms" {
			t.Fatalf("%s: %v", text, err)
		}
		var list []Config
		d := yaml.NewDecoder(bytes.NewReader(bytes.Replace(text, []byte("  kind: httpsms\n"), nil, 1)))
		d.KnownFields(true)
		if err := d.Decode(&list); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		ch, err := New(entries[0].Channel, list[0], channeltest.Settings(), zap.NewNop())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		t.Log(ch.Name(), strings.Join(ch.(interface{ Notes() []string }).Notes(), "; "))
	}
	for _, name := range placeholders {
		if !bytes.Contains(guide, []byte("{"+name+"}")) {
			t.Errorf("the guide does not name {%s}", name)
		}
	}
}
