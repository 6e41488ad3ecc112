package dashboards

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/broadcast"
)

func failing(g *gateway, list ...broadcast.Failure) {
	g.memory.mu.Lock()
	defer g.memory.mu.Unlock()
	g.memory.failed = list
}

func (g *gateway) resend(token string, issued map[string]any, channel, rest string, headers ...string) reply {
	g.t.Helper()
	return g.do("POST", "/api/v1/alerts/"+issued["id"].(string)+"/deliveries/"+channel+"/resend", `{"digest":"`+issued["digest"].(string)+`"`+rest+`}`,
		append([]string{"Authorization", "Bearer " + token, "Content-Type", "application/json"}, headers...)...)
}

func TestWhoMaySendAgain(t *testing.T) {
	g := open(t)
	failing(g, broadcast.Failure{Ordinal: 3, State: "failed"}, broadcast.Failure{Ordinal: 5, State: "uncertain"})
	actual, exercise := g.issue(message("resend-1")), g.issue(message("resend-2", "status", "Exercise"))
	for name, tt := range map[string]struct {
		token   string
		alert   map[string]any
		channel string
		body    string
		status  int
		says    string
	}{
		"who may issue":                      {issuer, actual, "outbox", "", 202, `"failed":1,"uncertain":0`},
		"who may approve":                    {approver, actual, "outbox", "", 202, ""},
		"with the uncertain ones":            {issuer, actual, "outbox", `,"uncertain":true`, 202, `"failed":1,"uncertain":1`},
		"one recipient":                      {issuer, actual, "outbox", `,"recipient":3`, 202, `"failed":1`},
		"one who got it":                     {issuer, actual, "outbox", `,"recipient":4`, 200, `"failed":0`},
		"an uncertain one without the word":  {issuer, actual, "outbox", `,"recipient":5`, 200, `"uncertain":0`},
		"an author":                          {author, actual, "outbox", "", 403, "lacks the right"},
		"a key for exercises":                {practice, actual, "outbox", "", 403, "Actual is not allowed"},
		"a key limited to areas, of a drawn": {practice, exercise, "outbox", "", 403, "is drawn"},
		"nobody":                             {"mk_nobody", actual, "outbox", "", 401, ""},
		"a channel that does not carry it":   {issuer, actual, "sms", "", 404, "does not carry this alert"},
		"a phone number":                     {issuer, actual, "outbox", `,"recipient":"+39055123"`, 400, "is not a number"},
		"a recipient below 0":                {issuer, actual, "outbox", `,"recipient":-1`, 400, "is not a number"},
		"a misspelt field":                   {issuer, actual, "outbox", `,"uncertian":true`, 400, `\"uncertain\", \"recipient\"`},
	} {
		r := g.resend(tt.token, tt.alert, tt.channel, tt.body)
		if r.StatusCode != tt.status || !strings.Contains(r.body, tt.says) {
			t.Errorf("%s: %d %s, want %d and %q", name, r.StatusCode, r.body, tt.status, tt.says)
		}
	}
	stale := map[string]any{"id": actual["id"], "digest": strings.Repeat("0", 64)}
	if r := g.resend(issuer, stale, "outbox", ""); r.StatusCode != 409 {
		t.Errorf("a digest of something else: %d %s", r.StatusCode, r.body)
	}
	if r := g.resend(issuer, map[string]any{"id": actual["id"], "digest": ""}, "outbox", ""); r.StatusCode != 422 {
		t.Errorf("no digest: %d %s", r.StatusCode, r.body)
	}
	g.memory.fail(alerts.ErrUnavailable)
	if r := g.resend(issuer, actual, "outbox", ""); r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("store away: %d %s", r.StatusCode, r.body)
	}
}

func TestSendingAgainSaysWhetherReplicasHaveIt(t *testing.T) {
	g := open(t)
	failing(g, broadcast.Failure{Ordinal: 3, State: "failed"})
	issued := g.issue(message("resend-replicas"))
	yes, no := true, false
	for says, copied := range map[string]*bool{`"uncertain":0,"replicated":true}`: &yes, `"uncertain":0,"replicated":false}`: &no, `"uncertain":0}`: nil} {
		g.memory.mu.Lock()
		g.memory.copied = copied
		g.memory.mu.Unlock()
		if r := g.resend(issuer, issued, "outbox", ""); r.StatusCode != 202 || !strings.Contains(r.body, says) {
			t.Errorf("%d %s, want %s", r.StatusCode, r.body, says)
		}
	}
}

func TestSendingAgainIsWrittenDown(t *testing.T) {
	g := open(t)
	failing(g, broadcast.Failure{Ordinal: 3, State: "failed"})
	issued := g.issue(message("resend-3"))
	if r := g.resend(issuer, issued, "outbox", `,"reason":"the provider is back"`, "Idempotency-Key", "k1"); r.StatusCode != 202 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	r := g.get("/api/v1/alerts/"+issued["id"].(string)+"/timeline", "Authorization", "Bearer "+issuer)
	if !strings.Contains(r.body, `"verb":"resent"`) || !strings.Contains(r.body, "channel outbox: the provider is back") || !strings.Contains(r.body, "key:issuer") {
		t.Errorf("timeline %s", r.body)
	}
	// The same key and the same wish are the same request, and nothing else is.
	g.resend(issuer, issued, "outbox", `,"reason":"another word"`, "Idempotency-Key", "k1")
	g.resend(issuer, issued, "outbox", `,"uncertain":true`, "Idempotency-Key", "k1")
	g.resend(issuer, issued, "outbox", `,"recipient":0`, "Idempotency-Key", "k1")
	g.resend(alone, issued, "outbox", "", "Idempotency-Key", "k1")
	g.resend(issuer, issued, "outbox", "", "Idempotency-Key", "k2")
	names := map[string]int{}
	for _, w := range g.memory.wishes {
		names[w.Request]++
	}
	if len(names) != 5 || names[g.memory.wishes[0].Request] != 2 {
		t.Errorf("requests %v", names)
	}
	for _, bad := range []string{strings.Repeat("k", 201), ""} {
		if r := g.resend(issuer, issued, "outbox", "", "Idempotency-Key", bad); r.StatusCode != 400 {
			t.Errorf("a key of %d bytes: %d", len(bad), r.StatusCode)
		}
	}
}

func TestWhatIsOverIsNotSentAgain(t *testing.T) {
	g := open(t)
	failing(g, broadcast.Failure{Ordinal: 3, State: "failed"})
	issued := g.issue(message("resend-4", "severity", "Minor"))
	record, err := g.memory.Get(t.Context(), alerts.ID(issued["id"].(string)), alerts.Exactly)
	if err != nil {
		t.Fatal(err)
	}
	if r := g.act(issuer, issued["id"].(string), "cancel", `{"digest":"`+string(record.Approved)+`","reason":"errore"}`); r.StatusCode != 201 {
		t.Fatalf("cancel: %d %s", r.StatusCode, r.body)
	}
	if r := g.resend(issuer, issued, "outbox", ""); r.StatusCode != 422 || !strings.Contains(r.body, "is cancelled") {
		t.Errorf("a cancelled alert: %d %s", r.StatusCode, r.body)
	}
	late := record.Clone()
	if err := broadcast.Resendable(late, late.Expires()); err == nil || !strings.Contains(err.Error(), "has expired") {
		t.Errorf("after expiry: %v", err)
	}
	late.State = alerts.StateLapsed
	if err := broadcast.Resendable(late, time.Now()); err == nil || !strings.Contains(err.Error(), "is lapsed") {
		t.Errorf("a lapsed one: %v", err)
	}
	waiting := g.post(author, "/api/v1/alerts", message("resend-5")).json(t)
	if r := g.resend(issuer, waiting, "outbox", ""); r.StatusCode != 422 || !strings.Contains(r.body, "is submitted") {
		t.Errorf("one that waits: %d %s", r.StatusCode, r.body)
	}
}

func TestFailuresAsCSV(t *testing.T) {
	g := open(t)
	issued := g.issue(message("failures-1"))
	at := time.Date(2026, 10, 5, 18, 30, 0, 0, time.UTC)
	var list []broadcast.Failure
	for i := range 2500 {
		list = append(list, broadcast.Failure{Ordinal: uint32(2 * i), State: []string{"failed", "uncertain", "expired"}[i%3], Reason: "no \"such\" number,\nsorry", At: &at})
	}
	list[0].Reason = "=HYPERLINK(\"http://x\")"
	failing(g, list...)
	path := "/api/v1/alerts/" + issued["id"].(string) + "/deliveries/outbox/failures"
	read := func(query string) [][]string {
		t.Helper()
		r := g.get(path+query, "Authorization", "Bearer "+approver, "Accept", "text/csv")
		if r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/csv") || !strings.Contains(r.Header.Get("Content-Disposition"), "attachment") {
			t.Fatalf("%d %v", r.StatusCode, r.Header)
		}
		rows, err := csv.NewReader(strings.NewReader(r.body)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	rows := read("?state=failed&state=uncertain&state=expired")
	if len(rows) != 2501 || strings.Join(rows[0], "|") != "ordinal|state|reason|time" || strings.Join(rows[2500], "|") != "4998|failed|no \"such\" number,\nsorry|2026-10-05T18:30:00Z" {
		t.Errorf("%d rows, %q ... %q", len(rows), rows[0], rows[len(rows)-1])
	}
	if rows[1][2] != "'=HYPERLINK(\"http://x\")" {
		t.Errorf("a formula leaves as %q", rows[1][2])
	}
	if rows := read("?limit=1200&from=7&state=expired"); len(rows) != 1+832 || rows[1][0] != "10" {
		t.Errorf("%d rows from %v", len(rows), rows[1])
	}
	// JSON in pages.
	next, seen := "0", 0
	for next != "" {
		r := g.get(path+"?limit=1000&from="+next, "Authorization", "Bearer "+approver)
		var page struct {
			Failures []broadcast.Failure
			Next     *json.Number
		}
		if err := json.Unmarshal([]byte(r.body), &page); err != nil {
			t.Fatal(err, r.body)
		}
		seen += len(page.Failures)
		if next = ""; page.Next != nil {
			next = page.Next.String()
		}
	}
	if seen != 1667 {
		t.Errorf("%d failures in pages, want 1667", seen)
	}
	g.memory.fail(alerts.ErrUnavailable)
	if r := g.get(path, "Authorization", "Bearer "+approver, "Accept", "text/csv"); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("store away: %d", r.StatusCode)
	}
}

func TestDeadLettersOfOthersAreNotShown(t *testing.T) {
	g := open(t)
	public := g.issue(message("dead-1"))
	if r := g.post(alone, "/api/v1/alerts", message("dead-2", "scope", "Restricted")); r.StatusCode != 202 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	var ids []alerts.ID
	for _, r := range g.memory.records {
		ids = append(ids, r.ID)
	}
	for _, id := range ids {
		g.memory.dead = append(g.memory.dead, broadcast.DeadLetter{ID: "1-0", Channel: "outbox", Alert: id})
	}
	for token, want := range map[string]int{approver: len(ids), author: 1} {
		r := g.get("/api/v1/dead-letters", "Authorization", "Bearer "+token)
		if n := strings.Count(r.body, `"alert":`); n != want {
			t.Errorf("%s sees %d of %d: %s", token, n, len(ids), r.body)
		}
	}
	if r := g.get("/api/v1/alerts/"+public["id"].(string)+"/dead-letters", "Authorization", "Bearer "+author); r.StatusCode != 200 || !strings.Contains(r.body, public["id"].(string)) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if r := g.get("/api/v1/dead-letters?alert=x", "Authorization", "Bearer "+author); r.StatusCode != 400 {
		t.Errorf("an unknown filter: %d", r.StatusCode)
	}
}

func FuzzFailedQuery(f *testing.F) {
	for _, s := range []string{"", "state=failed&state=uncertain", "from=4294967295&limit=10000", "from=-1", "limit=0", "state=accepted", "from=1&from=2", "x=%00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r, err := http.NewRequest("GET", "/?x", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.RawQuery = query
		q, err := parseFailedQuery(r.URL.Query())
		if err == nil && (q.limit < 0 || q.limit > maxFailures || len(q.states) == 0) {
			t.Errorf("%q gave %+v", query, q)
		}
	})
}

func FuzzWish(f *testing.F) {
	g := open(f)
	issued := g.issue(message("wish"))
	digest := issued["digest"].(string)
	for _, s := range []string{`{"digest":"` + digest + `"}`, `{"digest":"` + digest + `","recipient":4294967295,"uncertain":true}`, `{"recipient":1e99}`, `[]`, `{}{}`, `{"digest":null}`, "\x00"} {
		f.Add(s, "outbox", "k")
	}
	f.Fuzz(func(t *testing.T, body, channel, key string) {
		r, err := http.NewRequest("POST", "http://x/api/v1/alerts/x/deliveries/x/resend", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header["Idempotency-Key"] = []string{key}
		var want wish
		w := &discard{h: http.Header{}}
		if err := g.server.decode(w, r, &want); err != nil {
			return
		}
		name, err := requestName(r, "key:x", channel, want)
		if (err == nil) != (key != "" && len(key) <= maxRequestName) || (err == nil && len(name) != 32) {
			t.Errorf("%q gave %q, %v", key, name, err)
		}
	})
}

type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}
