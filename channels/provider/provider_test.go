package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"martinella/alerts"
	"martinella/channels"
)

const hidden = "s3cr3t-of-the-provider"

func testCaller() *channels.Caller { return channels.NewCaller("test", hidden) }

func mustPath(t testing.TB, s string) path {
	t.Helper()
	p, err := parsePath(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return p
}

func secretFile(t testing.TB, secret string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

var use = Use{Platform: "test", Placeholders: []string{"to", "text", "key", "seconds"}, States: []string{"delivered", "failed", "enroute"}}

func compiled(t testing.TB, d Description) *Provider {
	t.Helper()
	p, problems := d.Compile(use)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return p
}

// whole is a description that uses everything.
func whole(t testing.TB, baseURL string) Description {
	return Description{
		URL: baseURL + "/v2", Username: "city", PasswordFile: secretFile(t, hidden), SecretFile: secretFile(t, hidden),
		Secrets: []Secret{{"api_key", secretFile(t, hidden)}},
		Request: Request{Path: "/messages", Query: []Field{{"key", "{secret.api_key}"}}, Headers: []Field{{"Idempotency-Key", "{key}"}, {"X-Token", "Token {secret}"}},
			JSON: `{"to": "{to}", "text": "{text}", "ttl": "{seconds:number}"}`},
		Answer: Answer{ID: "data[0].id", Code: "error.code", Verdicts: []Rule{
			{Status: "400", Code: "E12,E2*", Verdict: "permanent"}, {Status: "400", Code: "BUSY", Verdict: "retry"}, {Status: "2xx", Code: "LOW", Verdict: "unauthorized"},
			{Status: "409", Verdict: "accepted"}, {Status: "500-503", Code: "NOTTAKEN", Verdict: "retry"}}},
		Probe: Probe{Request: Request{Path: "/messages", Query: []Field{{"to", "{to}"}}}, Items: "data", ID: "id", Match: []Match{{"text", "{text}"}, {"to", "{to}"}}},
		Check: Check{Request{Path: "/balance"}},
		Hook: Hook{TokenFile: secretFile(t, "tok"), Reports: Reports{Items: "results", ID: "id", State: "status.name", Code: "error.id", At: "at",
			States: []StateRule{{"DELIVRD,SEEN", "delivered"}, {"UNDELIV,REJECT*", "failed"}}}, Replies: Replies{When: "type=in", From: "from", To: "to", Text: "text"}},
	}
}

var values = Values{"to": "+393331234567", "text": "Salite! \"ora\"", "key": "abc", "seconds": "600"}

func TestSend(t *testing.T) {
	var got *http.Request
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"data":[{"id":12345678901234567890}]}`)
	}))
	defer s.Close()
	id, err := compiled(t, whole(t, s.URL)).Send(t.Context(), values)
	if err != nil || id != "12345678901234567890" {
		t.Fatalf("got %q, %v", id, err)
	}
	user, password, _ := got.BasicAuth()
	if got.Method != "POST" || got.URL.Path != "/v2/messages" || got.URL.Query().Get("key") != hidden || got.Header.Get("Idempotency-Key") != "abc" ||
		got.Header.Get("X-Token") != "Token "+hidden || user != "city" || password != hidden || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %v %v", got.URL, got.Header)
	}
	if want := `{"to":"+393331234567","text":"Salite! \"ora\"","ttl":600}`; string(body) != want {
		t.Errorf("body %s, want %s", body, want)
	}
	later := Values{"to": values["to"], "text": "x", "seconds": ""}
	if _, err := compiled(t, whole(t, s.URL)).Send(t.Context(), later); err != nil || string(body) != `{"to":"+393331234567","text":"x"}` || got.Header["Idempotency-Key"] != nil {
		t.Errorf("empty values: %s %v %v", body, got.Header, err)
	}
	if _, err := compiled(t, whole(t, s.URL)).Send(t.Context(), Values{"seconds": "soon"}); verdict(err) != channels.VerdictPermanent {
		t.Errorf("a number that is none: %v", err)
	}
}

func verdict(err error) channels.Verdict {
	v, _ := channels.VerdictOf(err)
	return v
}

func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		kind   string
		body   string
		want   channels.Verdict
		id     string
	}{
		"a yes":                           {200, "application/json", `{"data":[{"id":"m1"}]}`, "accepted", "m1"},
		"a yes without an id":             {200, "application/json", `{"data":[]}`, "uncertain", ""},
		"a yes with an empty id":          {201, "application/json", `{"data":[{"id":""}]}`, "uncertain", ""},
		"a yes with an id of two lines":   {201, "application/json", `{"data":[{"id":"a\nb"}]}`, "uncertain", ""},
		"a yes with an endless id":        {201, "application/json", `{"data":[{"id":"` + strings.Repeat("x", 300) + `"}]}`, "uncertain", ""},
		"a yes that is a page":            {200, "text/html", `<html>`, "uncertain", ""},
		"a yes that ends early":           {200, "application/json", `{"data":[{"id":"m`, "uncertain", ""},
		"a yes that says no":              {200, "application/json", `{"error":{"code":"LOW"},"data":[{"id":"m1"}]}`, "unauthorized", ""},
		"a code of the list":              {400, "application/json", `{"error":{"code":"E12"}}`, "permanent", ""},
		"a code with any ending":          {400, "application/json", `{"error":{"code":"E299"}}`, "permanent", ""},
		"a code for later":                {400, "application/json", `{"error":{"code":"BUSY"}}`, "retry", ""},
		"a code that nobody listed":       {400, "application/json", `{"error":{"code":"E9"}}`, "permanent", ""},
		"a refusal without a code":        {400, "text/html", `<html>`, "permanent", ""},
		"it has it already":               {409, "application/json", `{}`, "accepted", ""},
		"it has it already, with its id":  {409, "application/json", `{"data":[{"id":"m1"}]}`, "accepted", "m1"},
		"credentials":                     {401, "application/json", `{}`, "unauthorized", ""},
		"forbidden":                       {403, "application/json", `{}`, "unauthorized", ""},
		"too many":                        {429, "application/json", `{}`, "retry", ""},
		"unavailable":                     {503, "application/json", `{}`, "retry", ""},
		"a server that failed":            {500, "application/json", `{}`, "uncertain", ""},
		"a server that did not take it":   {500, "application/json", `{"error":{"code":"NOTTAKEN"}}`, "retry", ""},
		"a page of a proxy":               {502, "text/html", `<html>`, "uncertain", ""},
		"another address":                 {301, "text/html", ``, "permanent", ""},
		"a code that is the phone number": {400, "application/json", `{"error":{"code":"+393331234567"}}`, "permanent", ""},
		"a phone number without its plus": {400, "application/json", `{"error":{"code":"393331234567"}}`, "permanent", ""},
		"a national number among words":   {400, "application/json", `{"error":{"code":"to 3331234567"}}`, "permanent", ""},
		"a code that is a secret":         {400, "application/json", `{"error":{"code":"` + hidden + `"}}`, "permanent", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			}))
			defer s.Close()
			id, err := compiled(t, whole(t, s.URL)).Send(t.Context(), values)
			if verdict(err) != c.want || id != c.id {
				t.Errorf("got %q, %s (%v); want %q, %s", id, verdict(err), err, c.id, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "3331234567") || strings.Contains(err.Error(), hidden)) {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
}

func TestTextAnswers(t *testing.T) {
	d := Description{URL: "https://sms.example", Request: Request{Form: []Field{{"t", "{text}"}}}, Answer: Answer{Format: "text", ID: `^OK ([0-9]+)\s*$`, Code: `^ERR ([0-9]+)`,
		Verdicts: []Rule{{Status: "200", Code: "7", Verdict: "permanent"}, {Code: "9", Verdict: "retry"}}}}
	p := compiled(t, d)
	for body, want := range map[string]channels.Verdict{"OK 123\n": "accepted", "ERR 7 bad number": "permanent", "ERR 9": "retry", "ERR 8": "uncertain", "<html>": "uncertain"} {
		id, err := p.judge(&channels.Answer{Status: 200, Body: []byte(body)}, nil, time.Now())
		if verdict(err) != want || (id == "123") != (want == "accepted") {
			t.Errorf("%q: got %q, %v; want %s", body, id, err, want)
		}
	}
}

func TestProbe(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		id     string
		broken bool
	}{
		"there":                 {200, `{"data":[{"id":"o","to":"+393331234567","text":"else"},{"id":"m9","to":"+393331234567","text":"Salite!  \"ora\" "}]}`, "m9", false},
		"to somebody else":      {200, `{"data":[{"id":"m9","to":"+390","text":"Salite! \"ora\""}]}`, "", false},
		"none":                  {200, `{"data":[]}`, "", false},
		"404":                   {404, `{}`, "", false},
		"no list":               {200, `{"error":"later"}`, "", true},
		"not JSON":              {200, `<html>`, "", true},
		"a failure":             {500, `{}`, "", true},
		"too many":              {429, `{}`, "", true},
		"the wrong credentials": {401, `{}`, "", true},
		"what accepts a send":   {409, `{}`, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != "GET" || r.URL.Query().Get("to") != values["to"] {
					t.Errorf("asked %s %s", r.Method, r.URL)
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			}))
			defer s.Close()
			id, found, err := compiled(t, whole(t, s.URL)).Find(t.Context(), values)
			if id != c.id || found != (c.id != "") || (err != nil) != c.broken || verdict(err) == channels.VerdictUncertain {
				t.Errorf("got %q %v %v", id, found, err)
			}
		})
	}
}

// Where the answer is one thing, only a message tells that ours is there, and
// only a status that it is not.
func TestProbeForOne(t *testing.T) {
	d := whole(t, "https://sms.example")
	d.Probe = Probe{Request: Request{Path: "/messages/{key}"}, ID: "id"}
	alone := compiled(t, d)
	d.Probe.Match = []Match{{"to", "{to}"}}
	matched := compiled(t, d)
	for _, c := range []struct {
		p      *Provider
		body   string
		id     string
		broken bool
	}{
		{alone, `{"id":"m1"}`, "m1", false}, {alone, `{"error":"later"}`, "", true}, {alone, `{}`, "", true}, {alone, `null`, "", true}, {alone, `{"id":""}`, "", true},
		{alone, `[{"id":"anybody's"}]`, "", true}, {alone, `[]`, "", true},
		{matched, `{"id":"m1","to":"+393331234567"}`, "m1", false}, {matched, `{"id":"m1","to":"+390"}`, "", false}, {matched, `{"error":"later"}`, "", true},
		{matched, `[{"id":"m0","to":"+390"},{"id":"m1","to":"+393331234567"}]`, "m1", false}, {matched, `[]`, "", false},
	} {
		id, found, err := c.p.probe.look(&channels.Answer{Status: 200, JSON: true, Body: []byte(c.body)}, values, "test")
		if id != c.id || found != (c.id != "") || (err != nil) != c.broken {
			t.Errorf("%s: got %q %v %v", c.body, id, found, err)
		}
	}
}

func TestCheck(t *testing.T) {
	status := 204
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "GET" || r.URL.Path != "/v2/balance" {
			t.Errorf("asked %s %s", r.Method, r.URL)
		}
		w.WriteHeader(status)
	}))
	defer s.Close()
	p := compiled(t, whole(t, s.URL))
	for code, want := range map[int]channels.Verdict{204: "accepted", 401: "unauthorized", 500: "retry", 404: "permanent", 429: "retry"} {
		status = code
		if err := p.Check(t.Context(), nil); verdict(err) != want {
			t.Errorf("%d: got %v, want %s", status, err, want)
		}
	}
}

func hookRequest(t *testing.T, address string, header ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, address, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func TestEvents(t *testing.T) {
	p := compiled(t, whole(t, "https://sms.example"))
	body := `{"results":[{"id":7,"status":{"name":"DELIVRD"},"at":"2026-11-21T10:00:00+01:00"},
		{"id":"8","status":{"name":"REJECTED"},"error":{"id":"E1"},"at":1795255200},{"id":"9","status":{"name":"BUFFERED"},"error":{"id":"+393331234567"}},
		{"id":"","status":{"name":"DELIVRD"}},{"status":1},5,null], "type":"in","from":"+39333","text":""}`
	events, err := p.Events(hookRequest(t, "https://us.example/hooks/sms?token=tok"), []byte(body))
	want := []Event{
		{ID: "7", State: "delivered", Code: "DELIVRD", At: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)},
		{ID: "8", State: "failed", Code: "E1", At: time.Unix(1795255200, 0)},
		{ID: "9", Code: "***"},
		{Reply: true, From: "+39333"},
	}
	same := func(a, b Event) bool {
		at, bt := a.At, b.At
		a.At, b.At = time.Time{}, time.Time{}
		return a == b && at.Equal(bt)
	}
	if err != nil || !slices.EqualFunc(events, want, same) {
		t.Errorf("got %+v, %v", events, err)
	}
	if _, err := p.Events(hookRequest(t, "https://us.example/hooks/sms?token=tok"), []byte("{")); err == nil || errors.Is(err, channels.ErrForged) {
		t.Errorf("half a body: %v", err)
	}
}

func TestAuthentic(t *testing.T) {
	sign := func(key, body string) []byte {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(body))
		return mac.Sum(nil)
	}
	const body = `{"results":[]}`
	inHex, in64 := hex.EncodeToString(sign("k3y", body)), base64.StdEncoding.EncodeToString(sign("k3y", body))
	base := whole(t, "https://sms.example").Hook
	base.TokenFile = ""
	for name, c := range map[string]struct {
		hook    Hook
		address string
		header  []string
		want    bool
	}{
		"the token in the address":        {Hook{TokenFile: secretFile(t, "tok")}, "?token=tok", nil, true},
		"another token":                   {Hook{TokenFile: secretFile(t, "tok")}, "?token=tak", nil, false},
		"a longer token":                  {Hook{TokenFile: secretFile(t, "tok")}, "?token=tokk", nil, false},
		"no token":                        {Hook{TokenFile: secretFile(t, "tok")}, "", nil, false},
		"the token in its header":         {Hook{TokenFile: secretFile(t, "tok"), TokenHeader: "X-Tok"}, "", []string{"X-Tok", "tok"}, true},
		"the token, not in its header":    {Hook{TokenFile: secretFile(t, "tok"), TokenHeader: "X-Tok"}, "?token=tok", nil, false},
		"user and password":               {Hook{Username: "u", PasswordFile: secretFile(t, "p")}, "", []string{"Authorization", "Basic dTpw"}, true},
		"another password":                {Hook{Username: "u", PasswordFile: secretFile(t, "p")}, "", []string{"Authorization", "Basic dTpx"}, false},
		"another user":                    {Hook{Username: "u", PasswordFile: secretFile(t, "p")}, "", []string{"Authorization", "Basic djpw"}, false},
		"nobody":                          {Hook{Username: "u", PasswordFile: secretFile(t, "p")}, "", nil, false},
		"a signature":                     {Hook{HMAC: HMAC{SecretFile: secretFile(t, "k3y"), Header: "X-Sig"}}, "", []string{"X-Sig", inHex}, true},
		"a signature in capitals":         {Hook{HMAC: HMAC{SecretFile: secretFile(t, "k3y"), Header: "X-Sig"}}, "", []string{"X-Sig", strings.ToUpper(inHex)}, true},
		"a signature with its prefix":     {Hook{HMAC: HMAC{SecretFile: secretFile(t, "k3y"), Header: "X-Sig", Prefix: "sha256=", Encoding: "base64"}}, "", []string{"X-Sig", "sha256=" + in64}, true},
		"a signature without its prefix":  {Hook{HMAC: HMAC{SecretFile: secretFile(t, "k3y"), Header: "X-Sig", Prefix: "sha256=", Encoding: "base64"}}, "", []string{"X-Sig", in64}, false},
		"a signature by another key":      {Hook{HMAC: HMAC{SecretFile: secretFile(t, "other"), Header: "X-Sig"}}, "", []string{"X-Sig", inHex}, false},
		"a signature of nothing":          {Hook{HMAC: HMAC{SecretFile: secretFile(t, "k3y"), Header: "X-Sig"}}, "", []string{"X-Sig", ""}, false},
		"half of what is asked for":       {Hook{TokenFile: secretFile(t, "tok"), HMAC: HMAC{SecretFile: secretFile(t, "k3y"), Header: "X-Sig"}}, "?token=tok", nil, false},
		"the other half of it":            {Hook{TokenFile: secretFile(t, "tok"), HMAC: HMAC{SecretFile: secretFile(t, "k3y"), Header: "X-Sig"}}, "", []string{"X-Sig", inHex}, false},
		"everything that is asked for":    {Hook{TokenFile: secretFile(t, "tok"), HMAC: HMAC{SecretFile: secretFile(t, "k3y"), Header: "X-Sig"}}, "?token=tok", []string{"X-Sig", inHex}, true},
		"a signature by another function": {Hook{HMAC: HMAC{SecretFile: secretFile(t, "k3y"), Header: "X-Sig", Algorithm: "sha512"}}, "", []string{"X-Sig", inHex}, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := whole(t, "https://sms.example")
			c.hook.Reports, c.hook.Replies = base.Reports, base.Replies
			d.Hook = c.hook
			_, err := compiled(t, d).Events(hookRequest(t, "https://us.example/hooks/sms"+c.address, c.header...), []byte(body))
			if (err == nil) != c.want || err != nil && !errors.Is(err, channels.ErrForged) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := compiled(t, Description{URL: "https://x.example"}).Events(hookRequest(t, "https://us.example/"), nil); !errors.Is(err, channels.ErrForged) {
		t.Errorf("without a hook: %v", err)
	}
}

func TestFormHook(t *testing.T) {
	d := whole(t, "https://sms.example")
	d.Hook = Hook{Format: "form", TokenFile: secretFile(t, "tok"), Reports: Reports{ID: "order", State: "st", States: []StateRule{{"0", "delivered"}}}}
	events, err := compiled(t, d).Events(hookRequest(t, "https://us.example/?token=tok"), []byte("order=12&st=0&x=%C3%A8"))
	if err != nil || len(events) != 1 || events[0].ID != "12" || events[0].State != "delivered" {
		t.Errorf("got %+v, %v", events, err)
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	bad := Description{
		URL: "https://u:p@sms.example/{to}?x=1", Username: "a:b", PasswordFile: "", SecretFile: "/nowhere/at/all", Secrets: []Secret{{"Key!", ""}, {"k", ""}},
		Request: Request{Method: "GET", Path: "messages?x", Query: []Field{{"", "{nobody}"}}, Headers: []Field{{"Host", "x"}, {"X Y", "a\nb"}, {"Authorization", "{to:number}"}},
			JSON: `{"to": {to}}`, Form: []Field{{"{to}", "1"}}},
		Answer: Answer{Format: "xml", ID: "a..b", Verdicts: []Rule{{Status: "abc", Verdict: "maybe"}, {Verdict: "retry"}, {Code: "1", Status: "2xx", Verdict: "retry"}}},
		Probe:  Probe{Items: "data", Request: Request{Method: "DELETE"}, Missing: "none"},
		Check:  Check{Request{Path: "balance"}},
		Hook:   Hook{Format: "xml", HMAC: HMAC{Algorithm: "md5", Encoding: "hex2"}, Reports: Reports{ID: "[", States: []StateRule{{"", "seen"}}, When: "x"}, Replies: Replies{At: "x"}},
	}
	bad.Answer.ID = "a..b"
	_, problems := bad.Compile(use)
	var text []string
	for _, p := range problems {
		text = append(text, p.Field)
		if p.Problem == "" || p.Level != alerts.LevelError {
			t.Errorf("%+v", p)
		}
	}
	for _, want := range []string{
		"url", "username", "password_file", "secret_file", "secrets[0].name", "secrets[1].value_file", "request.method", "request.path", "request.query[0].name", "request.query[0].value",
		"request.headers[0].name", "request.headers[1].name", "request.headers[1].value", "request.headers[2].name", "request.headers[2].value", "request.json", "request.form", "request.form[0].name",
		"answer.format", "answer.verdicts[0].status", "answer.verdicts[0].verdict", "answer.verdicts[1]", "answer.verdicts[2].code", "probe.method", "probe.id", "probe.missing", "probe.match", "check.path",
		"hook.format", "hook.hmac.secret_file", "hook.hmac.header", "hook.hmac.algorithm", "hook.hmac.encoding", "hook.reports.id", "hook.reports.state", "hook.reports.states[0].value",
		"hook.reports.states[0].state", "hook.reports.when", "hook.replies.from", "hook.replies.text",
	} {
		if !slices.Contains(text, want) {
			t.Errorf("%s is not named", want)
		}
	}
	for name, c := range map[string]struct {
		change func(*Description)
		field  string
	}{
		"a hook that proves nothing":          {func(d *Description) { d.Hook.TokenFile = "" }, "hook"},
		"a hook that reads nothing":           {func(d *Description) { d.Hook.Reports, d.Hook.Replies = Reports{}, Replies{} }, "hook"},
		"a token that is not there":           {func(d *Description) { d.Hook.TokenFile, d.Hook.TokenHeader = "", "X-T" }, "hook.token_file"},
		"a path that is none":                 {func(d *Description) { d.Answer.ID = "a..b" }, "answer.id"},
		"JSON with something behind":          {func(d *Description) { d.Request.JSON = `{} {}` }, "request.json"},
		"JSON with a placeholder for a name":  {func(d *Description) { d.Request.JSON = `{"{to}":1}` }, "request.json"},
		"JSON that is nested without end":     {func(d *Description) { d.Request.JSON = strings.Repeat("[", 50) + strings.Repeat("]", 50) }, "request.json"},
		"a number within a text":              {func(d *Description) { d.Request.JSON = `{"a":"x{to:number}"}` }, "request.json"},
		"a pattern without a group":           {func(d *Description) { d.Answer = Answer{Format: "text", ID: "OK"} }, "answer.id"},
		"a pattern that is none":              {func(d *Description) { d.Answer = Answer{Format: "text", ID: "(("} }, "answer.id"},
		"a check with a body":                 {func(d *Description) { d.Check.JSON = "{}" }, "check.method"},
		"a secret of two lines":               {func(d *Description) { d.SecretFile = secretFile(t, "a\nb") }, "secret_file"},
		"a secret that nobody declared":       {func(d *Description) { d.Request.Path = "/{secret.other}" }, "request.path"},
		"a key without a body":                {func(d *Description) { d.Request.JSON = "" }, "request.headers[0].name"},
		"a probe that cannot tell ours apart": {func(d *Description) { d.Probe.Match = nil }, "probe.match"},
	} {
		t.Run(name, func(t *testing.T) {
			d := whole(t, "https://sms.example")
			c.change(&d)
			_, problems := d.Compile(use)
			if len(problems) == 0 {
				t.Fatal("taken")
			}
			for _, p := range problems {
				if p.Field != c.field {
					t.Errorf("got %v, want only %s", p, c.field)
				}
				if strings.Contains(p.Error(), hidden) {
					t.Errorf("%v holds a secret", p)
				}
			}
		})
	}
	u := use
	u.Hookless = true
	if _, problems := whole(t, "https://sms.example").Compile(u); len(problems) != 1 || problems[0].Field != "hook" {
		t.Errorf("a hook where there is none: %v", problems)
	}
}

// net/http would send it twice by itself.
func TestKeyWithoutBodyIsRefused(t *testing.T) {
	p := compiled(t, Description{URL: "https://sms.example", Request: Request{Form: []Field{{"t", "{text}"}}, Headers: []Field{{"idempotency-key", "{key}"}}}})
	if _, err := p.Send(t.Context(), Values{"key": "abc"}); verdict(err) != channels.VerdictPermanent || !errors.Is(err, errKeyed) {
		t.Errorf("got %v", err)
	}
}
