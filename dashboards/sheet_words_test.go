package dashboards

import (
	"strings"
	"testing"
)

// What several infos have in common stands once on the sheet, and no word that one
// of them alone has is lost.
func TestTheSheetSaysOnceWhatInfosShare(t *testing.T) {
	g := open(t)
	xml := message("shared", "severity", "Extreme", "event", "Piena", "headline", "Il fiume sale", "description", "Acqua alta al ponte.", "instruction", "Salite ai piani alti.")
	from, to := strings.Index(xml, "<info>"), strings.Index(xml, "</info>")+7
	first := xml[from:to]
	second := strings.NewReplacer("Acqua alta al ponte.", "Domani piove ancora.", "Extreme", "Severe").Replace(first)
	third := strings.NewReplacer("Salite ai piani alti.", "Restate a casa.").Replace(second)
	id := g.issue(xml[:to] + second + third + first + xml[to:])["id"].(string)
	sheet := g.get("/a/" + id + "/sheet?lang=it").body
	for text, want := range map[string]int{
		"<h1>Il fiume sale": 1, "<strong>Il fiume sale": 0, "<p>Acqua alta al ponte.": 1, "<p>Domani piove ancora.": 1, "<p>come sopra": 1, "Salite ai piani alti.": 1, "Restate a casa.": 1,
		"<strong>Cosa fare adesso</strong>: come sopra": 1, "Borgo Basso e Le Fornaci</dd>": 1, " · Borgo Basso e Le Fornaci": 0,
	} {
		if n := strings.Count(sheet, text); n != want {
			t.Errorf("%q stands %d times, want %d", text, n, want)
		}
	}
	if page := g.get("/a/" + id + "?lang=it").body; strings.Contains(page, "come sopra") || strings.Count(page, ">Salite ai piani alti.<") != 3 {
		t.Error("the page itself does not show every info whole")
	}
	if strings.Contains(sheet, `class="paper long"`) {
		t.Error("few words stand in small letters")
	}
	id = g.issue(message("long", "description", strings.Repeat("Molte parole di un bollettino.\n", 20)))["id"].(string)
	if !strings.Contains(g.get("/a/"+id+"/sheet?lang=it").body, `class="paper long"`) {
		t.Error("many words stand in large letters")
	}
}
