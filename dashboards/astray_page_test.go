package dashboards

import (
	"net/http"
	"strings"
	"testing"
)

// Who comes with a browser gets a page that says what to do; programs get their
// problem as before.
func TestABrowserThatWentAstrayReadsWhatToDo(t *testing.T) {
	g := open(t, valdemo)
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, one := range []struct {
		method, path string
		code         int
		says         string
	}{
		{"GET", "/embed?area=nowhere&lang=it", http.StatusNotFound, "Scegli la zona dall'elenco"},
		{"GET", "/embed?area=nowhere&lang=de", http.StatusNotFound, "Wählen Sie das Gebiet"},
		{"POST", "/?lang=it", http.StatusMethodNotAllowed, "non è arrivato a nessuno"},
		{"POST", "/status?lang=fr", http.StatusMethodNotAllowed, "arrivé à personne"},
	} {
		r := g.do(one.method, one.path, "", "Accept", browser)
		if r.StatusCode != one.code || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") || !strings.Contains(strings.ReplaceAll(r.body, "&#39;", "'"), one.says) {
			t.Errorf("%s %s: %d %s %.300s", one.method, one.path, r.StatusCode, r.Header.Get("Content-Type"), r.body)
		}
		if r := g.do(one.method, one.path, "", "Accept", "application/json"); r.StatusCode != one.code || r.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s to a program: %d %s", one.method, one.path, r.StatusCode, r.Header.Get("Content-Type"))
		}
	}
	if r := g.do("POST", "/status", "", "Accept", browser); r.Header.Get("Allow") == "" {
		t.Error("no Allow")
	}
	if r := g.do("POST", "/api/v1/ready", "", "Accept", browser); strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		t.Error("the API answers a page")
	}
}
