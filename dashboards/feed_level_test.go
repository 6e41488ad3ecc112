package dashboards

import (
	"strings"
	"testing"

	"martinella/alerts/areas"
)

// An alert that is extreme for one area and moderate for another is moderate for
// who asks for the other one, wherever a least level can be asked for.
func TestTheLevelOfAFilterIsThatOfTheArea(t *testing.T) {
	g := open(t, valdemo)
	var codes []areas.Area
	for _, a := range areas.Valdemo().All() {
		if len(areas.Valdemo().Within(a.Code.Value)) == 0 {
			codes = append(codes, a)
		}
	}
	one, other := codes[0], codes[1]
	in := func(a areas.Area, severity string) string {
		xml := message("two-levels", "severity", severity)
		xml = xml[strings.Index(xml, "<info>") : strings.Index(xml, "</info>")+7]
		from, to := strings.Index(xml, "<area>"), strings.Index(xml, "</area>")+7
		return xml[:from] + "<area><areaDesc>" + a.Name + "</areaDesc><geocode><valueName>" + a.Code.Name + "</valueName><value>" + a.Code.Value + "</value></geocode></area>" + xml[to:]
	}
	xml := message("two-levels")
	from, to := strings.Index(xml, "<info>"), strings.Index(xml, "</info>")+7
	id := g.issue(xml[:from] + in(one, "Extreme") + in(other, "Moderate") + xml[to:])["id"].(string)
	g.settle()
	for _, path := range []string{"/feed.atom", "/feed.rss", "/feed.json", "/calendar.ics", "/cap.atom", "/cap.rss", "/embed"} {
		for query, want := range map[string]bool{
			"level=extreme&area=" + one.Code.Value: true, "level=extreme&area=" + other.Code.Value: false, "level=severe&area=" + other.Code.Value: false,
			"level=moderate&area=" + other.Code.Value: true, "level=extreme": true, "area=" + other.Code.Value: true,
		} {
			if has := strings.Contains(g.get(path+"?lang=it&"+query).body, id); has != want {
				t.Errorf("%s?%s has it: %v, want %v", path, query, has, want)
			}
		}
	}
}
