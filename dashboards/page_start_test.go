package dashboards

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

// start takes the button of the guide.
func (p *person) start() reply {
	p.t.Helper()
	page := p.get("/console/start?lang=en")
	key := keyField.FindStringSubmatch(page.body)
	if key == nil {
		p.t.Fatalf("no button: %d %s", page.StatusCode, page.body)
	}
	return p.do("POST", "/console/start?lang=en", url.Values{"key": {key[1]}})
}

func TestTheGuideLeadsToTheFirstExercise(t *testing.T) {
	reasons := []string{"the store does not answer"}
	g := openDesktop(t, func(c *Config) { c.Ready = func(context.Context) []string { return reasons } })
	anna, _ := g.first()
	says := func(p *person, path string, all ...string) {
		t.Helper()
		r := p.get(path)
		for _, want := range all {
			if r.StatusCode != 200 || !strings.Contains(r.body, want) {
				t.Errorf("%s lacks %q: %d %s", path, want, r.StatusCode, r.body)
			}
		}
	}
	says(anna, "/console?lang=en", "First exercise", "not done yet", `href="/console/start?lang=en"`)
	says(anna, "/console/start?lang=en", "no recovery codes", "Nobody else may approve", "Areas loaded: 4", "the store does not answer", "martinella doctor", "Prepare the first exercise", "Done: 1 of 5")
	reasons = nil
	bruno, _ := g.colleague("bruno", "Bruno Neri", "approver", "author")
	says(anna, "/console/start", "Bruno Neri", "Prepara la prima esercitazione")

	// A machine's exercise is not what the guide is for.
	g.issue(message("machine", "status", "Exercise"))
	says(anna, "/console?lang=en", "not done yet")

	// The draft lacks nothing: it can be asked for as it is.
	draft := anna.start()
	if draft.StatusCode != 200 || !strings.HasPrefix(draft.Request.URL.Path, "/console/draft/") {
		t.Fatalf("%d %s %s", draft.StatusCode, draft.Request.URL, draft.body)
	}
	says(anna, "/console?lang=en", "the draft is ready")
	says(anna, "/console/start?lang=en", `href="`+draft.Request.URL.Path+"?lang=en")
	form := writingOf(t, draft.body, "writing")
	if form.Get("status") != string(alerts.StatusExercise) || form.Get("code") == "" || form.Get("t0-source") == "" {
		t.Errorf("the draft: %v", form)
	}
	form.Set("do", "ask")
	asked := anna.do("POST", draft.Request.URL.Path+"?lang=en", form)
	id, waits := strings.CutPrefix(asked.Request.URL.Path, "/console/a/")
	if asked.StatusCode != 200 || !waits {
		t.Fatalf("asking: %d %s %s", asked.StatusCode, asked.Request.URL, asked.body)
	}
	says(anna, "/console?lang=en", "waiting for approval")
	says(bruno, "/console/start?lang=en", "Waiting for approval for", "/console/a/"+id+"/approve")

	r, err := g.server.Desk.Store.Get(t.Context(), alerts.ID(id), alerts.Exactly)
	if err != nil {
		t.Fatal(err)
	}
	members, err := g.office.Members(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if m.Name == "Bruno Neri" {
			if _, err := g.server.Desk.Approve(t.Context(), m.Person(), r.ID, alerts.Decision{Digest: r.Approved}, r.Received); err != nil {
				t.Fatal(err)
			}
		}
	}
	if body := anna.get("/console?lang=en").body; strings.Contains(body, "First exercise") {
		t.Error("the line is still there")
	}
	says(anna, "/console/start?lang=en", "delivered", `href="/console/a/`+id, "<time")
	g.server.console.drilled.Store(nil) // another start of the program
	if p, err := g.server.Papers.Paper(t.Context(), startKind, firstExercise); err != nil || !strings.Contains(string(p.Doc), id) {
		t.Errorf("what is remembered: %+v, %v", p, err)
	}
	says(anna, "/console/start", "/console/a/"+id)
}

func TestWhoMayNotWriteIsToldAtTheGuide(t *testing.T) {
	g := openDesktop(t)
	viewer, _ := g.colleague("vera", "Vera Gialli", "viewer")
	page := viewer.get("/console/start?lang=en")
	if page.StatusCode != 200 || keyField.MatchString(page.body) || !strings.Contains(page.body, "your role does not allow it") {
		t.Errorf("%d %s", page.StatusCode, page.body)
	}
	key := string(g.server.Desk.NewID(time.Now()))
	if r := viewer.do("POST", "/console/start", url.Values{"key": {key}}); r.StatusCode != 403 {
		t.Errorf("%d", r.StatusCode)
	}
	if all, err := g.server.Papers.Papers(t.Context(), draftKind); err != nil || len(all) != 0 {
		t.Errorf("drafts %v %v", all, err)
	}
}

func TestTheFirstStepsInABrowser(t *testing.T) {
	onlyInE2E(t)
	b := openBrowser(t)
	g := openDesktop(t, func(c *Config) {
		c.Ready = func(context.Context) []string {
			return []string{"the store does not keep what it is given: " + strings.Repeat("appendonly", 9)}
		}
		c.Troubles = func() []broadcast.Trouble { return nil }
	})
	anna, _ := g.first()
	b.as(anna)
	b.looks(g.site, map[string]string{"start": "/console/start", "start-en": "/console/start?lang=en", "start-overview": "/console"})
	b.quiet()
}
