package dashboards

import (
	"errors"
	"testing"

	"martinella/alerts/templates"
)

func TestTemplates(t *testing.T) {
	var own func() ([]templates.Template, error)
	g := open(t, func(c *Config) { c.Templates = func() ([]templates.Template, error) { return own() } })
	own = func() ([]templates.Template, error) { return templates.Merge(nil), nil }
	answer := g.get("/api/v1/templates", "Authorization", "Bearer "+approver).json(t)
	if list := answer["templates"].([]any); len(list) != len(templates.Shipped()) {
		t.Errorf("%d templates, want %d", len(list), len(templates.Shipped()))
	}
	own = func() ([]templates.Template, error) { return nil, errors.New("disk") }
	if r := g.get("/api/v1/templates", "Authorization", "Bearer "+approver); r.StatusCode != 500 {
		t.Errorf("a folder that cannot be read: %d", r.StatusCode)
	}
	if r := g.get("/api/v1/templates"); r.StatusCode != 401 {
		t.Errorf("without a key: %d", r.StatusCode)
	}
}

func TestCheckReadsTheWords(t *testing.T) {
	g := open(t)
	codes := func(body string) map[string]string {
		found := map[string]string{}
		for _, one := range g.post(author, "/api/v1/alerts/check", body).json(t)["lint"].([]any) {
			hit := one.(map[string]any)
			found[hit["code"].(string)] = hit["effect"].(string)
		}
		return found
	}
	if got := codes(message("words-1", "severity", "Severe", "headline", "Allerta rossa stasera!")); got["colour"] != "tick" || got["relative_time"] != "tick" || got["exclamation"] != "tick" {
		t.Errorf("got %v", got)
	}
	if got := codes(message("words-2", "severity", "Moderate", "headline", "Salite stasera!")); got["colour"] != "" || got["exclamation"] != "none" {
		t.Errorf("got %v", got)
	}
	if got := codes("<a"); len(got) != 0 {
		t.Errorf("of what could not be read: %v", got)
	}
}
