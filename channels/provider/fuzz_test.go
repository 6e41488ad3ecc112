package provider

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// What is put into a request stays a value, whatever it holds.
func FuzzNoTextBreaksOut(f *testing.F) {
	for _, s := range []string{
		"", "piove", `"},"to":"+390000`, `\"`, "\u2028</script>", "a&to=x", "a=b;c", "../..", "..", ".", "%2e%2e", "/etc", "?x#y",
		"{to}", "{secret}", "{text:number}", "a\r\nX-Evil: 1", "\x00\x7f", "\xff\xfe", "è 🔥", "1e9", "-", "null",
	} {
		f.Add(s)
	}
	fields := []Field{{"text", "{text}"}, {"to", "+39 {text} +"}, {"fixed", "1"}}
	p, problems := Description{
		URL: "https://sms.example/v2/",
		Request: Request{Path: "/to/{text}/send", Query: fields, Headers: []Field{{"X-Text", "a {text} b"}, {"X-Fixed", "1"}},
			JSON: `{"text": "{text}", "all": ["{text}", {"to": "+ {text}"}], "n": 1.50, "yes": true, "none": null}`},
	}.Compile(Use{Platform: "test", Placeholders: []string{"text", "to"}})
	if len(problems) > 0 {
		f.Fatal(problems)
	}
	form := request{method: "POST", base: "https://sms.example", form: p.send.query}
	f.Fuzz(func(t *testing.T, s string) {
		v := Values{"text": s, "to": "OTHER", "secret": "HIDDEN"}
		address, header, body, err := p.send.build(v)
		if err != nil {
			if s != "." && s != ".." {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		if s == "." || s == ".." {
			t.Fatalf("%q leads elsewhere: %s", s, address)
		}
		u, err := url.Parse(address)
		if err != nil || u.Host != "sms.example" || u.Scheme != "https" || u.Fragment != "" {
			t.Fatalf("address %q: %v", address, err)
		}
		if want := "/v2/to/" + s + "/send"; u.Path != want || strings.Count(u.EscapedPath(), "/") != 4 {
			t.Errorf("path %q of %q", u.Path, address)
		}
		sees(t, u.RawQuery, s)
		_, _, sent, err := form.build(v)
		if err != nil {
			t.Fatal(err)
		}
		sees(t, string(sent), s)
		for name, values := range header {
			if len(values) != 1 || strings.ContainsFunc(values[0], func(r rune) bool { return r < ' ' || r == 0x7F }) {
				t.Errorf("header %s is %q", name, values)
			}
		}
		if len(header) != 4 { // Accept, Content-Type and the two
			t.Errorf("headers %v", header)
		}
		var got struct {
			Text *string
			All  []any
			N    json.Number
			Yes  bool
			None any
			To   string
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		want := s
		if !utf8.ValidString(s) {
			want = strings.ToValidUTF8(s, "") // only the valid part is compared
		}
		keep := func(s string) string { return strings.ReplaceAll(s, "\uFFFD", "") }
		if (got.Text == nil) != (s == "") || got.Text != nil && keep(*got.Text) != keep(want) {
			t.Errorf("text of %q", body)
		}
		if len(got.All) != 2 || got.N != "1.50" || !got.Yes || got.To != "" || keep(got.All[1].(map[string]any)["to"].(string)) != "+ "+keep(want) {
			t.Errorf("body %q", body)
		}
		if !json.Valid(body) || strings.Contains(string(body), "HIDDEN") || strings.Contains(string(body), "OTHER") && !strings.Contains(s, "OTHER") {
			t.Errorf("body %q", body)
		}
	})
}

func sees(t *testing.T, encoded, s string) {
	t.Helper()
	got, err := url.ParseQuery(encoded)
	if err != nil {
		t.Fatalf("%q: %v", encoded, err)
	}
	want := url.Values{"to": {"+39 " + s + " +"}, "fixed": {"1"}}
	if s != "" {
		want["text"] = []string{s}
	}
	if got.Encode() != want.Encode() {
		t.Errorf("sent %q, want %q", got.Encode(), want.Encode())
	}
}

// Whatever a stranger sends to a hook is read or refused.
func FuzzHook(f *testing.F) {
	for _, s := range []string{`{"results":[{"id":"1","status":{"name":"DELIVRD"},"at":"2026-11-21T10:00:00Z"}]}`, `[]`, `{"results":{}}`, `{"from":"+39","text":"SI"}`,
		`{"results":[{"id":1,"status":{"name":true}}]}`, `id=1&state=ok`, `{`, `null`, ``, `{"results":[[[[]]]]}`} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	h := hook{token: "t", reports: &reports{items: mustPath(f, "results"), id: mustPath(f, "id"), state: mustPath(f, "status.name"), at: mustPath(f, "at"),
		states: []stateRule{{words{"DELIV*"}, "delivered"}}}, replies: &replies{from: mustPath(f, "from"), text: mustPath(f, "text")}}
	f.Fuzz(func(t *testing.T, body []byte, form bool) {
		one := h
		one.form = form
		p := &Provider{platform: "test", call: testCaller(), hook: &one}
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://us.example/hooks/sms?token=t", http.NoBody)
		events, err := p.Events(r, body)
		if err != nil && len(events) > 0 {
			t.Error("both events and an error")
		}
		for _, e := range events {
			if e.Reply && e.From == "" || !e.Reply && !usable(e.ID) || e.State != "" && e.State != "delivered" {
				t.Errorf("event %+v", e)
			}
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"", "a", "a.b", "a[0].b", "[1]", "a[", "a[]", "a.[0]", "a..b", "[0]a", "[+1]", "[99999999999]", "a]b"} {
		f.Add(s)
	}
	v, err := decode([]byte(`{"a":[{"b":{"c":"x"}},[1,2]],"":"empty"}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		if p, err := parsePath(s); err == nil {
			_, _ = p.text(v), p.list(v)
		}
	})
}
