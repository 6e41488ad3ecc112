package dashboards

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
)

// printed prints the page as a browser does: it must fit on one A4 page. The
// file goes into the folder that PICTURES names, for people to look at.
func (b *browser) printed(name string) {
	b.t.Helper()
	if n := b.sheets(name); n != 1 {
		b.t.Errorf("%s takes %d pages, want 1", name, n)
	}
}

// sheets prints the page and gives how many pages of A4 it takes.
func (b *browser) sheets(name string) int {
	b.t.Helper()
	var r struct{ Data string }
	b.call("Page.printToPDF", map[string]any{"printBackground": true, "preferCSSPageSize": true}, &r)
	data, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil || !bytes.HasPrefix(data, []byte("%PDF")) {
		b.t.Fatalf("no PDF: %v", err)
	}
	if dir := os.Getenv("PICTURES"); dir != "" {
		_ = os.WriteFile(filepath.Join(dir, name+".pdf"), data, 0o600)
	}
	return bytes.Count(data, []byte("/Type /Page\n"))
}

// onPaper shows the page as it stands on A4 between its margins, without
// colours where grey.
func (b *browser) onPaper(name string, grey bool) {
	b.t.Helper()
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": "print"}, nil)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 688, "height": 1017, "deviceScaleFactor": 1, "mobile": false}, nil)
	if grey {
		b.call("Emulation.setEmulatedVisionDeficiency", map[string]any{"type": "achromatopsia"}, nil)
	}
	b.picture(name)
	b.call("Emulation.setEmulatedVisionDeficiency", map[string]any{"type": "none"}, nil)
	b.call("Emulation.clearDeviceMetricsOverride", nil, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": ""}, nil)
}

// Real messages of others go onto paper too: most on one page, and a bulletin of
// several hundred words on two.
func TestRealAlertsOnPaperInABrowser(t *testing.T) {
	onlyInE2E(t)
	all, b, g := realAlerts(t), openBrowser(t), open(t)
	long := 0
	for i, path := range g.put(all) {
		b.open(g.URL + path + "/sheet?lang=it")
		n := b.sheets("real-" + itoa(i))
		if least := b.smallest(); least < 12 {
			t.Errorf("%s has letters of %.1f pixels, which is less than 9 points", all[i].name, least)
		}
		if n > 2 {
			t.Errorf("%s takes %d pages", all[i].name, n)
		}
		if n > 1 {
			long++
		}
		if b.eval(`!!document.querySelector(".long")`) == true {
			b.onPaper("real-"+itoa(i), false)
		}
	}
	if t.Logf("%d of %d take more than one", long, len(all)); long*16 > len(all) {
		t.Error("more than one of sixteen")
	}
	b.quiet()
}

// smallest is the size of the smallest letters of the sheet as it is printed, in
// CSS pixels, of which 12 are 9 points.
func (b *browser) smallest() float64 {
	b.t.Helper()
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": "print"}, nil)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 688, "height": 1032, "deviceScaleFactor": 1, "mobile": false}, nil)
	least, _ := b.eval(`(() => { let least = 99
const walk = document.createTreeWalker(document.querySelector(".paper"), NodeFilter.SHOW_TEXT)
while (walk.nextNode()) {
 const on = walk.currentNode.parentElement
 if (!walk.currentNode.data.trim() || !on.getClientRects().length || on.closest("title,desc")) continue
 least = Math.min(least, parseFloat(getComputedStyle(on).fontSize) * (on.closest("svg") ? on.getScreenCTM().a : 1))
} return least })()`).(float64)
	b.call("Emulation.clearDeviceMetricsOverride", nil, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": ""}, nil)
	return least
}
