package dashboards

import "testing"

// Long lists of places, borders and sources below maps, and the state of copies
// are for everybody too.
func TestListsBordersAndCopiesAreAccessibleInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g := open(t, inValdemo, withMirrors, func(c *Config) { c.StartedAreas.Credits = []string{"ISTAT, CC BY 4.0, 2026"} })
	more := ""
	for n := range 30 {
		more += "<area><areaDesc>Frazione di San Bartolomeo " + itoa(n+1) + "</areaDesc></area>"
	}
	id := g.issue(message("long-list", append(where("Borgo Basso", "", "", square(inside(t, "VD-8"), 0.003)), "severity", "Severe", "</info>", more+"</info>")...))["id"].(string)
	b.open(g.URL + "/")
	b.looks(g.URL, map[string]string{"bits-home": "/?lang=it", "bits-alert": "/a/" + id + "?lang=de", "bits-status": "/status?lang=sl", "bits-area": "/area/VD-8?lang=it", "bits-sheet": "/a/" + id + "/sheet?lang=fr"})
	b.quiet()
}
