package dashboards

import (
	"encoding/json"
	"strings"
	"testing"

	"martinella/alerts/cap"
)

func TestForms(t *testing.T) {
	g := open(t)
	id := g.issue(message("forms"))["id"].(string)
	tests := map[string]struct {
		accept, media, says string
		status              int
	}{
		"nothing asked is JSON":           {"", "application/json", `"alert":{"identifier":"forms"`, 200},
		"anything is JSON":                {"*/*", "application/json", "", 200},
		"GeoJSON":                         {"application/geo+json", "application/geo+json", `"type":"MultiPolygon"`, 200},
		"CAP":                             {"application/cap+xml", "application/cap+xml", "<identifier>forms</identifier>", 200},
		"XML is CAP":                      {"text/xml", "application/cap+xml", "<alert", 200},
		"the higher q wins":               {"application/json;q=0.2, application/cap+xml;q=0.8", "application/cap+xml", "", 200},
		"q=0 is not acceptable":           {"application/json;q=0, application/geo+json;q=0.1", "application/geo+json", "", 200},
		"the more specific range decides": {"application/*;q=1, application/json;q=0", "application/geo+json", "", 200},
		"a picture is not to be had":      {"image/png", "application/problem+json", `"field":"Accept"`, 406},
	}
	for sentence, tt := range tests {
		for _, path := range []string{"/api/v1/alerts/" + id, "/api/v1/alerts"} {
			var headers []string
			if tt.accept != "" {
				headers = []string{"Accept", tt.accept}
			}
			r := g.get(path, append(headers, "Authorization", "Bearer "+approver)...)
			media := tt.media
			if media == mediaCAP && path == "/api/v1/alerts" {
				media = mediaAtom // many alerts in one answer
			}
			if r.StatusCode != tt.status || r.Header.Get("Content-Type") != media || !strings.Contains(r.body, tt.says) {
				t.Errorf("%s (%s): %d %s %.200s", sentence, path, r.StatusCode, r.Header.Get("Content-Type"), r.body)
			}
		}
	}
	r := g.get("/api/v1/alerts", "Authorization", "Bearer "+approver, "Accept", "application/cap+xml")
	feed, err := cap.ReadContainer([]byte(r.body), cap.Container)
	if err != nil || !strings.Contains(r.body, "<identifier>forms</identifier>") {
		t.Errorf("the container cannot be read back: %v %v", feed, err)
	}
	r = g.get("/api/v1/alerts/"+id, "Authorization", "Bearer "+approver, "Accept", "application/cap+xml")
	if d, err := cap.Parse([]byte(r.body), cap.Submit); err != nil || !d.Strict() {
		t.Errorf("our own CAP is not strict: %v %v", err, d)
	}
}

func TestLists(t *testing.T) {
	g := open(t)
	first := g.issue(message("list-1"))
	g.issue(message("list-2", "099001", "048017"))
	waiting := g.post(author, "/api/v1/alerts", message("list-3")).json(t)
	restricted := strings.Replace(message("list-4"), "<scope>Public</scope>", "<scope>Restricted</scope><restriction>staff</restriction>", 1)
	g.issue(restricted)
	list := func(token, query string) (ids []string, cursor string) {
		r := g.get("/api/v1/alerts"+query, "Authorization", "Bearer "+token)
		if r.StatusCode != 200 {
			t.Fatalf("%s: %d %s", query, r.StatusCode, r.body)
		}
		var v struct {
			Alerts []struct {
				Alert struct{ Identifier string }
			}
			Cursor string
		}
		if err := json.Unmarshal([]byte(r.body), &v); err != nil {
			t.Fatal(err)
		}
		for _, a := range v.Alerts {
			ids = append(ids, a.Alert.Identifier)
		}
		return ids, v.Cursor
	}
	tests := map[string]struct {
		token, query string
		want         string
	}{
		"who approves sees all, the newest first": {approver, "", "list-4 list-3 list-2 list-1"},
		"the issued":                            {approver, "?state=issued", "list-4 list-2 list-1"},
		"what waits":                            {approver, "?state=submitted", "list-3"},
		"two states":                            {approver, "?state=submitted&state=issued", "list-4 list-3 list-2 list-1"},
		"an area":                               {approver, "?area=048017", "list-2"},
		"no such area":                          {approver, "?area=000000", ""},
		"a limit":                               {approver, "?limit=1", "list-4"},
		"an author sees its own and the public": {author, "", "list-3 list-2 list-1"},
		"since a cursor":                        {approver, "?since=" + first["cursor"].(string), "list-4 list-2"},
		"since the start":                       {issuer, "?since=" + string(cursorOf(0)), "list-4 list-2 list-1"},
	}
	for sentence, tt := range tests {
		if got, _ := list(tt.token, tt.query); strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", sentence, got, tt.want)
		}
	}
	_, cursor := list(approver, "")
	if got, _ := list(approver, "?since="+cursor); len(got) != 0 {
		t.Errorf("since the newest cursor: %v", got)
	}
	for query, status := range map[string]int{"?since=ffff-1-0": 410, "?state=open": 400, "?limit=0": 400, "?limit=x": 400, "?colour=red": 400, "?area=1&area=2": 400} {
		if r := g.get("/api/v1/alerts"+query, "Authorization", "Bearer "+approver); r.StatusCode != status {
			t.Errorf("%s: %d, want %d", query, r.StatusCode, status)
		}
	}
	if r := g.get("/api/v1/alerts/"+waiting["id"].(string), "Authorization", "Bearer "+practice); r.StatusCode != 200 {
		t.Errorf("who issues may read what waits: %d", r.StatusCode)
	}
	if r := g.get("/api/v1/alerts/" + waiting["id"].(string)); r.StatusCode != 401 {
		t.Errorf("without a key: %d", r.StatusCode)
	}
}
