package dashboards

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/alerts/cap"
)

func TestEveryAnswerOfASubmit(t *testing.T) {
	now := time.Now()
	noArea := message("no-area")
	noArea = noArea[:strings.Index(noArea, "<area>")] + "</info></alert>"
	asJSON := func(identifier string) string {
		d, err := cap.Parse([]byte(message(identifier)), cap.Submit)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := json.Marshal(d.Alert)
		return string(b)
	}
	latin1 := strings.NewReplacer("UTF-8", "ISO-8859-1", "ò", "\xf2").Replace(message("latin-1"))
	tests := map[string]struct {
		token, media, body string
		status             int
		says               string
	}{
		"a moderate alert of who may issue is issued":     {issuer, "application/cap+xml", message("a"), 201, `"state":"issued"`},
		"text/xml is taken":                               {issuer, "text/xml; charset=UTF-8", message("b"), 201, `"warnings":[]`},
		"application/xml is taken":                        {issuer, "application/xml", message("c"), 201, ""},
		"JSON is taken":                                   {issuer, "application/json", asJSON("d"), 201, `"durable":true`},
		"an alert in ISO-8859-1 is taken":                 {issuer, "application/cap+xml", latin1, 201, ""},
		"the charset of the header holds without another": {issuer, "application/xml; charset=iso-8859-1", strings.Replace(strings.TrimPrefix(latin1, `<?xml version="1.0" encoding="ISO-8859-1"?>`), "latin-1<", "latin-2<", 1), 201, ""},
		"an alert of who may only submit waits":           {author, "application/cap+xml", message("e"), 202, `"state":"submitted"`},
		"a severe actual alert waits for a second person": {issuer, "application/cap+xml", message("f", "severity", "Severe"), 202, ""},
		"a key that may approve itself needs nobody else": {alone, "application/cap+xml", message("g", "severity", "Extreme"), 201, ""},
		"an extreme exercise on real channels waits":      {issuer, "application/cap+xml", message("h", "severity", "Extreme", "status", "Exercise", "099001", "099077"), 202, ""},
		"a moderate exercise needs nobody else":           {issuer, "application/cap+xml", message("h2", "status", "Exercise", "099001", "099078"), 201, ""},
		"an empty body":                                   {issuer, "application/cap+xml", " \n", 400, `"field":"body"`},
		"XML that ends too early":                         {issuer, "application/cap+xml", "<alert", 400, `"problems":[{`},
		"a DOCTYPE":                                       {issuer, "application/cap+xml", `<!DOCTYPE alert><alert/>`, 400, "DOCTYPE"},
		"JSON that is none":                               {issuer, "application/json", "{", 400, ""},
		"JSON sent as XML":                                {issuer, "application/cap+xml", asJSON("i"), 400, ""},
		"no key":                                          {"", "application/cap+xml", message("j"), 401, "no key"},
		"an unknown key":                                  {"mk_stranger", "application/cap+xml", message("k"), 401, ""},
		"a revoked key":                                   {revoked, "application/cap+xml", message("l"), 401, ""},
		"a key that is no bearer token":                   {"stranger", "application/cap+xml", message("m"), 401, ""},
		"a key that may only approve":                     {approver, "application/cap+xml", message("n"), 403, "submit"},
		"a status that the key may not send":              {practice, "application/cap+xml", message("o"), 403, `"field":"status"`},
		"a severity above the key's":                      {practice, "application/cap+xml", message("p", "severity", "Extreme", "status", "Test"), 403, `"field":"severity"`},
		"an area that is not the key's":                   {practice, "application/cap+xml", message("q", "status", "Test", "099001", "048017"), 403, "048017"},
		"a drawn area of a key with areas":                {practice, "application/cap+xml", message("r", "status", "Test"), 403, "drawn"},
		"no content type":                                 {issuer, "", message("s"), 415, "Content-Type"},
		"an unknown content type":                         {issuer, "text/plain", message("t"), 415, ""},
		"a charset that nobody reads":                     {issuer, "text/xml; charset=utf-16", message("u"), 415, "charset"},
		"a message over 256 KiB":                          {issuer, "application/cap+xml", message("v", "description", strings.Repeat("x", 256<<10)), 413, ""},
		"a megabyte of JSON":                              {issuer, "application/json", strings.Repeat(" ", 1<<20), 413, ""},
		"a status that is none":                           {issuer, "application/cap+xml", message("w", "status", "Real"), 422, `"field":"status"`},
		"several problems are all named":                  {issuer, "application/cap+xml", message("x", "status", "Real", "msgType", "Warn", "urgency", "Now"), 422, `"field":"msgType"`},
		"an alert that is over":                           {issuer, "application/cap+xml", message("y", "expires", alerts.FormatTime(now.Add(-time.Hour))), 422, `"field":"expires"`},
		"an alert without an area":                        {issuer, "application/cap+xml", noArea, 422, "area"},
		"an alert without an expiry":                      {issuer, "application/cap+xml", strings.Replace(message("z"), message("z")[strings.Index(message("z"), "<expires>"):strings.Index(message("z"), "<senderName>")], "", 1), 422, "expires"},
	}
	g := open(t)
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			headers := []string{"Content-Type", tt.media}
			if tt.token != "" {
				headers = append(headers, "Authorization", "Bearer "+tt.token)
			}
			stored := len(g.memory.records)
			r := g.do("POST", "/api/v1/alerts", tt.body, headers...)
			if r.StatusCode != tt.status {
				t.Fatalf("status %d, want %d: %s", r.StatusCode, tt.status, r.body)
			}
			if !strings.Contains(r.body, tt.says) {
				t.Errorf("the answer does not say %q: %s", tt.says, r.body)
			}
			v := r.json(t)
			if tt.status < 300 {
				id, _ := v["id"].(string)
				if r.Header.Get("Location") != "/api/v1/alerts/"+id || v["url"] != "https://allerta.valdemo.example/a/"+id {
					t.Errorf("Location %q, url %v for %s", r.Header.Get("Location"), v["url"], id)
				}
				if len(g.memory.records) != stored+1 {
					t.Errorf("%d records, want one more than %d", len(g.memory.records), stored)
				}
				return
			}
			if r.Header.Get("Content-Type") != "application/problem+json" || v["status"] != float64(tt.status) || v["problems"] == nil {
				t.Errorf("not a problem document: %s %s", r.Header.Get("Content-Type"), r.body)
			}
			if len(g.memory.records) != stored {
				t.Errorf("something was stored")
			}
			if (r.Header.Get("WWW-Authenticate") != "") != (tt.status == 401) {
				t.Errorf("WWW-Authenticate %q with %d", r.Header.Get("WWW-Authenticate"), tt.status)
			}
		})
	}
}

func TestTheSameAlertAgain(t *testing.T) {
	g := open(t)
	one := message("same")
	first := g.post(issuer, "/api/v1/alerts", one).json(t)
	again := g.post(issuer, "/api/v1/alerts", one)
	if again.StatusCode != 200 || again.json(t)["id"] != first["id"] {
		t.Errorf("again: %d %s, want 200 with id %v", again.StatusCode, again.body, first["id"])
	}
	other := g.post(issuer, "/api/v1/alerts", strings.Replace(one, "piani alti", "piani bassi", 1))
	if other.StatusCode != 409 || !strings.Contains(other.body, `"field":"identifier"`) {
		t.Errorf("other content: %d %s, want 409", other.StatusCode, other.body)
	}
}

func TestAHundredAtOnceAreOne(t *testing.T) {
	g := open(t)
	one := message("parallel")
	var group sync.WaitGroup
	ids := make([]string, 100)
	for i := range ids {
		group.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), "POST", g.URL+"/api/v1/alerts", strings.NewReader(one))
			if err != nil {
				return
			}
			r.Header.Set("Authorization", "Bearer "+issuer)
			r.Header.Set("Content-Type", "application/cap+xml")
			res, err := g.Client().Do(r)
			if err != nil {
				return
			}
			defer res.Body.Close()
			var v submitted
			if json.NewDecoder(res.Body).Decode(&v) == nil && res.StatusCode/100 == 2 && v.State == alerts.StateIssued {
				ids[i] = string(v.ID)
			}
		})
	}
	group.Wait()
	slices.Sort(ids)
	if got := slices.Compact(ids); len(got) != 1 || got[0] == "" || len(g.memory.records) != 1 {
		t.Errorf("ids %q and %d records, want one of each", got, len(g.memory.records))
	}
}

func TestTheStoreIsAway(t *testing.T) {
	tests := map[string]struct {
		err   error
		retry string
	}{
		"it does not answer":              {fmt.Errorf("intake: %w", alerts.ErrUnavailable), "3"},
		"it says when to come again":      {&alerts.Refusal{Kind: alerts.ErrUnavailable, Retry: 90 * time.Second}, "90"},
		"it keeps nothing":                {&alerts.Refusal{Kind: alerts.ErrNotDurable}, "3"},
		"it takes too long":               {context.DeadlineExceeded, "3"},
		"the reason stays in the log":     {fmt.Errorf("dial /run/secret.sock: %w", alerts.ErrUnavailable), "3"},
		"a sub-second wait is one second": {&alerts.Refusal{Kind: alerts.ErrUnavailable, Retry: time.Millisecond}, "1"},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			g := open(t)
			g.memory.fail(tt.err)
			r := g.post(issuer, "/api/v1/alerts", message("away"))
			if r.StatusCode != 503 || r.Header.Get("Retry-After") != tt.retry {
				t.Errorf("%d, Retry-After %q, want 503 and %q: %s", r.StatusCode, r.Header.Get("Retry-After"), tt.retry, r.body)
			}
			if strings.Contains(r.body, "secret") {
				t.Errorf("the answer tells an internal: %s", r.body)
			}
			g.memory.fail(nil)
			if r = g.post(issuer, "/api/v1/alerts", message("away")); r.StatusCode != 201 {
				t.Errorf("the retry: %d %s", r.StatusCode, r.body)
			}
		})
	}
}

func TestMemoryRefusesWhatIsMeant(t *testing.T) {
	g := open(t)
	g.memory.durable.Memory, g.memory.durable.Durable = true, false
	r := g.post(issuer, "/api/v1/alerts", message("real"))
	if r.StatusCode != 503 || !strings.Contains(r.body, "not_durable") {
		t.Errorf("%d %s, want 503 not_durable", r.StatusCode, r.body)
	}
	if r = g.post(issuer, "/api/v1/alerts", message("drill", "status", "Exercise")); r.StatusCode != 201 {
		t.Errorf("an exercise: %d %s", r.StatusCode, r.body)
	}
}

func TestADefectTellsNothing(t *testing.T) {
	g := open(t)
	g.memory.fail(errors.New("WRONGTYPE key {martinella:x}:log at 10.0.0.5"))
	r := g.post(issuer, "/api/v1/alerts", message("defect"))
	if r.StatusCode != 500 || strings.Contains(r.body, "WRONGTYPE") || strings.Contains(r.body, "10.0.0.5") {
		t.Fatalf("%d %s, want a 500 that tells nothing", r.StatusCode, r.body)
	}
	incident, _ := r.json(t)["instance"].(string)
	incident = strings.TrimPrefix(incident, "urn:martinella:incident:")
	logged := g.logs.FilterMessage("internal error").All()
	if len(logged) != 1 || logged[0].ContextMap()["incident"] != incident || incident == "" {
		t.Errorf("incident %q is not in the log: %v", incident, logged)
	}
}

func TestAPanicIsOneAnswer(t *testing.T) {
	g := open(t, func(c *Config) {
		c.Live = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret detail") })
	})
	r := g.get("/live")
	if r.StatusCode != 500 || strings.Contains(r.body, "secret") {
		t.Errorf("%d %s, want a 500 that tells nothing", r.StatusCode, r.body)
	}
	if r := g.get("/"); r.StatusCode != 200 {
		t.Errorf("the next request: %d", r.StatusCode)
	}
}

func TestSignedHeader(t *testing.T) {
	g := open(t)
	sign := func(at time.Time, secret, body string) string {
		stamp := fmt.Sprint(at.Unix())
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(stamp + "." + body))
		return "t=" + stamp + ",kid=key:issuer,v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	now := time.Now()
	body := message("signed")
	tests := []struct {
		sentence, header, body string
		status                 int
	}{
		{"a foreign secret", sign(now, "another", body), body, 401},
		{"a changed body", sign(now, signing, body), body + " ", 401},
		{"six minutes old", sign(now.Add(-6*time.Minute), signing, body), body, 401},
		{"six minutes ahead", sign(now.Add(6*time.Minute), signing, body), body, 401},
		{"an unknown key", strings.Replace(sign(now, signing, body), "issuer", "nobody", 1), body, 401},
		{"a revoked key", strings.Replace(sign(now, signing, body), "issuer", "revoked", 1), body, 401},
		{"nonsense", "v1", body, 401},
		{"four minutes old", sign(now.Add(-4*time.Minute), signing, body), body, 201},
		{"the same again", sign(now, signing, body), body, 200},
	}
	for _, tt := range tests {
		r := g.do("POST", "/api/v1/alerts", tt.body, "Content-Type", "application/cap+xml", "Martinella-Signature", tt.header)
		if r.StatusCode != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.sentence, r.StatusCode, r.body, tt.status)
		}
	}
	empty := g.do("POST", "/api/v1/alerts/x/approve", "{}", "Content-Type", "application/json", "Martinella-Signature", sign(now, signing, "{}"))
	if empty.StatusCode != 401 {
		t.Errorf("a signature on another path: %d, want 401", empty.StatusCode)
	}
	large := strings.Repeat("x", 300<<10)
	if r := g.do("POST", "/api/v1/alerts", large, "Content-Type", "application/cap+xml", "Martinella-Signature", sign(now, signing, large)); r.StatusCode != 413 {
		t.Errorf("a large signed body: %d, want 413", r.StatusCode)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	g := open(t)
	for _, tt := range []struct {
		method, path string
		status       int
		media        string
	}{
		{"GET", "/api/v1/nothing", 404, "application/problem+json"},
		{"GET", "/api", 404, "application/problem+json"},
		{"DELETE", "/api/v1/alerts", 405, "application/problem+json"},
		{"PUT", "/api/v1/alerts/x", 405, "application/problem+json"},
		{"POST", "/", 405, "application/problem+json"},
		{"GET", "/nothing", 404, "text/html; charset=utf-8"},
		{"GET", "/a/nothing", 404, "text/html; charset=utf-8"},
		{"GET", "/cap/nothing.xml", 404, "text/html; charset=utf-8"},
		{"POST", "/hooks/nothing", 404, "application/problem+json"},
	} {
		r := g.do(tt.method, tt.path, "")
		if r.StatusCode != tt.status || r.Header.Get("Content-Type") != tt.media {
			t.Errorf("%s %s: %d %s, want %d %s", tt.method, tt.path, r.StatusCode, r.Header.Get("Content-Type"), tt.status, tt.media)
		}
		if tt.status == 405 && r.Header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", tt.method, tt.path)
		}
	}
}

func TestRates(t *testing.T) {
	g := open(t, func(c *Config) { c.KeyRate, c.KeyBurst, c.Direct = 0.01, 3, true })
	for i := range 5 {
		r := g.get("/api/v1/alerts", "Authorization", "Bearer "+approver)
		want := 200
		if i >= 3 {
			want = 429
		}
		if r.StatusCode != want || (want == 429) != (r.Header.Get("Retry-After") != "") {
			t.Errorf("request %d: %d, Retry-After %q, want %d", i, r.StatusCode, r.Header.Get("Retry-After"), want)
		}
	}
	last := 0
	for range 40 {
		last = g.get("/api/v1/alerts", "Authorization", "Bearer mk_guess").StatusCode
	}
	if last != 429 {
		t.Errorf("the fortieth guess: %d, want 429", last)
	}
	if r := g.get("/api/v1/alerts", "Authorization", "Bearer "+issuer); r.StatusCode != 200 {
		t.Errorf("a good key from the same address: %d, want 200", r.StatusCode)
	}
}

func TestWithoutKnowledgeOfAddressesNobodyIsLimitedByThem(t *testing.T) {
	g := open(t)
	for range 60 {
		if r := g.get("/api/v1/alerts", "Authorization", "Bearer mk_guess"); r.StatusCode != 401 {
			t.Fatalf("%d, want 401", r.StatusCode)
		}
	}
}

func TestALargerLimitForASource(t *testing.T) {
	g := open(t, func(c *Config) { c.Sources = map[string]cap.Limits{"key:issuer": cap.National} })
	large := message("national", "description", strings.Repeat("acqua ", 100_000))
	if r := g.post(issuer, "/api/v1/alerts", large); r.StatusCode != 201 {
		t.Errorf("the source: %d", r.StatusCode)
	}
	if r := g.post(alone, "/api/v1/alerts", large); r.StatusCode != 413 {
		t.Errorf("another key: %d", r.StatusCode)
	}
}
