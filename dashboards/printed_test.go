package dashboards

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
)

// printed prints the page as a browser does: it must fit on one A4 page. The
// file goes into the folder that PICTURES names, for people to look at.
func (b *browser) printed(name string) {
	b.t.Helper()
	var r struct{ Data string }
	b.call("Page.printToPDF", map[string]any{"printBackground": true, "preferCSSPageSize": true}, &r)
	data, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil || !bytes.HasPrefix(data, []byte("%PDF")) {
		b.t.Fatalf("no PDF: %v", err)
	}
	if n := bytes.Count(data, []byte("/Type /Page\n")); n != 1 {
		b.t.Errorf("%s takes %d pages, want 1", name, n)
	}
	if dir := os.Getenv("PICTURES"); dir != "" {
		_ = os.WriteFile(filepath.Join(dir, name+".pdf"), data, 0o600)
	}
}
