package dashboards

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"martinella/alerts"
	"martinella/broadcast"
	"martinella/channels"
)

// sayer previews every record as two channels: one that is paid for, and one
// that cannot carry it.
func sayer(c *Config) {
	price, _ := channels.ParseMoney("0.05")
	c.Preview = func(_ context.Context, r *alerts.Record) ([]broadcast.Preview, error) {
		if r.Alert.Infos[0].Event == "Niente risponde" {
			return nil, alerts.ErrUnavailable
		}
		r.Reach = 40
		return []broadcast.Preview{
			{Channel: "sms", Messages: []channels.Message{{Channel: "sms", Audience: "subscribers", Language: "it", Title: "T", Text: "Salite"}}, Reach: []int{40},
				Counts:    []broadcast.Count{{Used: 6, Limit: 160, Unit: channels.UnitSeptets, Parts: 1}},
				Estimates: []channels.Estimate{{Language: "it", Text: "Salite", Encoding: channels.GSM7, Parts: 1, Copies: 1, Price: price, Rate: 3}}},
			{Channel: "mastodon", Failure: "no room"},
		}, nil
	}
}

func TestAPreviewTellsWhatWouldBeSaid(t *testing.T) {
	g := open(t, sayer)
	before := len(g.memory.acts)
	r := g.post(author, "/api/v1/alerts/preview", message("preview-1", "status", "Exercise"))
	const sms = `{"channel":"sms","messages":[{"language":"it","audience":"subscribers","title":"T","text":"Salite","reach":40,"used":6,"limit":160,"unit":"septets","encoding":"gsm7","parts":2,"cost":"4.00","last_seconds":27}]}`
	const mastodon = `{"channel":"mastodon","failure":"no room","messages":[]}`
	if want := `{"sendable":true,"obstacles":[],"warnings":[],"reach":40,"channels":[` + sms + `,` + mastodon + `]}`; r.StatusCode != http.StatusOK || strings.TrimSpace(r.body) != want {
		t.Errorf("%d, got\n%s\nwant\n%s", r.StatusCode, r.body, want)
	}
	if len(g.memory.acts) != before {
		t.Error("a preview was stored")
	}
	if _, err := g.memory.Find(t.Context(), "protezione.civile@comune.valdemo.example", "preview-1"); !errors.Is(err, alerts.ErrNotFound) {
		t.Errorf("a preview was stored: %v", err)
	}
}

func TestAPreviewSaysWhatKeepsItFromLeaving(t *testing.T) {
	g := open(t, sayer)
	for name, c := range map[string]struct {
		token, body string
		status      int
		says        string
	}{
		"an approver does not write":      {approver, message("p-1", "status", "Exercise"), 200, `"field":"key"`},
		"an exercise key is not for real": {practice, message("p-2", "status", "Actual"), 200, `"field":"status"`},
		"the form is wrong":               {author, message("p-3", "status", "Serious"), 422, `"field":"status"`},
		"it cannot be read":               {author, "<a", 400, `"status":400`},
		"a stranger":                      {"mk_nobody", message("p-4"), 401, ""},
		"the store does not answer":       {author, message("p-5", "status", "Exercise", "event", "Niente risponde"), 503, `"status":503`},
	} {
		t.Run(name, func(t *testing.T) {
			r := g.post(c.token, "/api/v1/alerts/preview", c.body)
			if r.StatusCode != c.status || !strings.Contains(r.body, c.says) {
				t.Errorf("%d %s, want %d with %s", r.StatusCode, r.body, c.status, c.says)
			}
			if c.status == http.StatusOK && strings.Contains(r.body, `"sendable":true`) {
				t.Error("it is sendable")
			}
		})
	}
	if r := open(t).post(author, "/api/v1/alerts/preview", message("p-6")); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without a planner: %d", r.StatusCode)
	}
}
