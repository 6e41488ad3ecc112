package pressroom

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// The page for whoever installs it names every field.
func TestGuideNamesEveryField(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "dashboards", "guide", "pressroom.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if name := f.Tag.Get("yaml"); !strings.Contains(string(page), "| `"+name+"` |") {
			t.Errorf("the page does not explain %q", name)
		}
	}
}
