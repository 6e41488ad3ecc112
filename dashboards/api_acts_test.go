package dashboards

import (
	"strings"
	"testing"

	"martinella/broadcast"
)

func TestTheDesk(t *testing.T) {
	g := open(t)
	waiting := g.post(author, "/api/v1/alerts", message("desk", "severity", "Extreme")).json(t)
	id, digest := waiting["id"].(string), waiting["digest"].(string)
	body := `{"digest":"` + digest + `","reason":"visto"}`
	steps := []struct {
		sentence, token, act, body string
		status                     int
		says                       string
	}{
		{"the author may not approve", author, "approve", body, 403, "approve"},
		{"an issuer has no right to approve", issuer, "approve", body, 403, ""},
		{"a stale digest is refused", approver, "approve", `{"digest":"00"}`, 409, `"field":"digest"`},
		{"no digest is refused", approver, "approve", `{}`, 422, `"field":"digest"`},
		{"an unknown field is refused", approver, "approve", `{"digest":"` + digest + `","cause":"x"}`, 400, `"field":"cause"`},
		{"a wrong type is refused", approver, "approve", `{"digest":7}`, 400, ""},
		{"two objects are refused", approver, "approve", body + body, 400, ""},
		{"no JSON is refused", approver, "approve", `digest`, 400, ""},
		{"returning needs a reason", approver, "return", `{"digest":"` + digest + `"}`, 422, `"field":"reason"`},
		{"rejecting needs a reason", approver, "reject", `{"digest":"` + digest + `"}`, 422, `"field":"reason"`},
		{"what was not issued cannot be cancelled", issuer, "cancel", body, 409, ""},
		{"the second person approves", approver, "approve", body, 200, `"state":"issued"`},
		{"approving again is the same", approver, "approve", body, 200, id},
		{"a cancel needs a reason", issuer, "cancel", `{"digest":"` + digest + `"}`, 422, `"field":"reason"`},
		{"an all-clear of an extreme alert waits", author, "all-clear", body, 202, `"state":"submitted"`},
	}
	for _, step := range steps {
		r := g.act(step.token, id, step.act, step.body)
		if r.StatusCode != step.status || !strings.Contains(r.body, step.says) {
			t.Errorf("%s: %d %s, want %d with %q", step.sentence, r.StatusCode, r.body, step.status, step.says)
		}
	}
	if r := g.get("/api/v1/alerts/"+id+"/timeline", "Authorization", "Bearer "+approver); r.StatusCode != 200 || strings.Count(r.body, `"verb"`) < 3 {
		t.Errorf("timeline: %d %s", r.StatusCode, r.body)
	}
	if r := g.act(approver, "01JAAAAAAAAAAAAAAAAAAAAAAA", "approve", body); r.StatusCode != 404 {
		t.Errorf("an unknown alert: %d", r.StatusCode)
	}
	if r := g.do("POST", "/api/v1/alerts/"+id+"/approve", body, "Authorization", "Bearer "+approver, "Content-Type", "text/plain"); r.StatusCode != 415 {
		t.Errorf("a wrong media type: %d", r.StatusCode)
	}
}

func TestCancelAndAllClear(t *testing.T) {
	g := open(t)
	for act, state := range map[string]string{"cancel": "cancelled", "all-clear": "ended"} {
		issued := g.issue(message("life-" + act))
		body := `{"digest":"` + issued["digest"].(string) + `","reason":"errore","text":"Scusate."}`
		r := g.act(issuer, issued["id"].(string), act, body)
		v := r.json(t)
		if r.StatusCode != 201 || v["event"] != issued["event"] || v["revision"] != float64(2) {
			t.Fatalf("%s: %d %s", act, r.StatusCode, r.body)
		}
		got := g.get("/api/v1/alerts/"+issued["id"].(string), "Authorization", "Bearer "+issuer).json(t)
		if got["change"] != state || got["id"] != v["id"] || got["supersedes"] != issued["id"] {
			t.Errorf("after %s: change %v, id %v, supersedes %v", act, got["change"], got["id"], got["supersedes"])
		}
		if r = g.act(issuer, issued["id"].(string), act, body); r.StatusCode != 200 {
			t.Errorf("%s again: %d %s, want 200", act, r.StatusCode, r.body)
		}
	}
}

// An alert that is not for the page has no address there.
func TestTheAddressIsThatOfAPageThatExists(t *testing.T) {
	g := open(t)
	for scope, pairs := range map[string][]string{
		"Public":     nil,
		"Restricted": {":<scope>Public</scope>", "<scope>Restricted</scope><restriction>volontari</restriction>"},
	} {
		v := g.issue(message("scope-"+scope, pairs...))
		id := v["id"].(string)
		want := ""
		if page := g.get("/a/" + id); page.StatusCode == 200 {
			want = "/a/" + id
		}
		if scope == "Public" && want == "" {
			t.Fatal("the page of a public alert is not there")
		}
		read := g.get("/api/v1/alerts/"+id, "Authorization", "Bearer "+issuer).json(t)
		for what, url := range map[string]any{"submit": v["url"], "get": read["url"]} {
			if got := url.(string); !strings.HasSuffix(got, want) || want == "" && got != "" {
				t.Errorf("%s, %s: url %q, want %q", scope, what, got, want)
			}
		}
	}
}

// What a submit would refuse, the check must not call sendable.
func TestCheckKnowsAStoreThatKeepsNothing(t *testing.T) {
	g := open(t)
	g.memory.durable = broadcast.Durability{Mode: "memory", Memory: true}
	for status, want := range map[string]string{"Actual": `"sendable":false`, "Exercise": `"sendable":true`} {
		if r := g.post(issuer, "/api/v1/alerts/check", message("kept", "status", status)); r.StatusCode != 200 || !strings.Contains(r.body, want) {
			t.Errorf("%s: %d %s, want %s", status, r.StatusCode, r.body, want)
		}
	}
	if len(g.memory.records) != 0 {
		t.Errorf("%d records were stored", len(g.memory.records))
	}
}

func TestWhereNobodyIsWarnedAnActualIsNotSendable(t *testing.T) {
	g := open(t, func(c *Config) { c.Desk.Policy.Practice = true })
	for status, sendable := range map[string]string{"Actual": `"sendable":false`, "Exercise": `"sendable":true`} {
		if r := g.post(issuer, "/api/v1/alerts/check", message("drill", "status", status)); r.StatusCode != 200 || !strings.Contains(r.body, sendable) {
			t.Errorf("%s: %d %s, want %s", status, r.StatusCode, r.body, sendable)
		}
	}
}

func TestCheckStoresNothing(t *testing.T) {
	g := open(t)
	tests := map[string]struct {
		token, body string
		status      int
		says        []string
	}{
		"a good one":              {issuer, message("ok"), 200, []string{`"valid":true`, `"sendable":true`, `"obstacles":[]`, `"version":"1.2"`}},
		"one that is over":        {issuer, message("over", "expires", "2020-01-01T00:00:00+01:00"), 200, []string{`"valid":true`, `"sendable":false`, `"field":"expires"`}},
		"one beyond the rights":   {practice, message("rights"), 200, []string{`"valid":true`, `"sendable":false`, `"field":"status"`}},
		"one for an approver":     {approver, message("read"), 200, []string{`"valid":true`, `"sendable":false`, `"field":"key"`}},
		"one with a wrong status": {issuer, message("bad", "status", "Real"), 422, []string{`"valid":false`, `"severity":"error"`}},
		"one that is no XML":      {issuer, "<alert", 422, []string{`"valid":false`, `"problems":[{`}},
	}
	for sentence, tt := range tests {
		r := g.post(tt.token, "/api/v1/alerts/check", tt.body)
		if r.StatusCode != tt.status {
			t.Errorf("%s: %d %s, want %d", sentence, r.StatusCode, r.body, tt.status)
		}
		for _, s := range tt.says {
			if !strings.Contains(r.body, s) {
				t.Errorf("%s: the answer does not say %s: %s", sentence, s, r.body)
			}
		}
	}
	if len(g.memory.records) != 0 {
		t.Errorf("%d records were stored", len(g.memory.records))
	}
	if r := g.post("mk_nobody", "/api/v1/alerts/check", message("x")); r.StatusCode != 401 {
		t.Errorf("without a key: %d", r.StatusCode)
	}
}
