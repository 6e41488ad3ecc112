package httpsms

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
	"martinella/channels/provider"
)

const (
	testNumber  = "+393331234567"
	testToken   = "70k3n-0f-7h3-4cc0un7"
	testAccount = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

func secretFile(t testing.TB, secret string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func opened(t testing.TB, c Config) *Channel {
	t.Helper()
	ch, err := open("sms", c, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ch.doubts.settled = 0
	return ch
}

func twilioConfig(t testing.TB, baseURL string) ProviderConfig {
	return ProviderConfig{Provider: "twilio", Source: "COMUNE", AccountSID: testAccount, AuthTokenFile: secretFile(t, testToken), Description: provider.Description{URL: baseURL}}
}

func skebbyConfig(t testing.TB, baseURL string) ProviderConfig {
	return ProviderConfig{Provider: "skebby", Source: "COMUNE", HookTokenFile: secretFile(t, "h00k-t0k3n"),
		Description: provider.Description{URL: baseURL, Username: "city", PasswordFile: secretFile(t, testToken)}}
}

func genericConfig(t testing.TB, baseURL string) ProviderConfig {
	return ProviderConfig{Provider: "generic", Source: "COMUNE", Description: provider.Description{
		URL: baseURL, SecretFile: secretFile(t, testToken),
		Request: provider.Request{Path: "/v1/messages", Headers: []provider.Field{{Name: "Authorization", Value: "Bearer {secret}"}, {Name: "Idempotency-Key", Value: "{key}"}},
			JSON: `{"to": "{to}", "from": "{source}", "text": "{text}", "reference": "{key}", "ttl": "{validity_seconds:number}", "callback": "{callback}"}`},
		Answer: provider.Answer{ID: "id", Code: "code", Verdicts: []provider.Rule{{Status: "400", Code: "unreachable", Verdict: "permanent"}, {Status: "400", Code: "busy", Verdict: "retry"}}},
		Probe: provider.Probe{Request: provider.Request{Path: "/v1/messages", Query: []provider.Field{{Name: "reference", Value: "{key}"}},
			Headers: []provider.Field{{Name: "Authorization", Value: "Bearer {secret}"}}}, Items: "items", ID: "id", Match: []provider.Match{{Path: "reference", Value: "{key}"}}},
		Check: provider.Check{Request: provider.Request{Path: "/v1/balance"}},
		Hook: provider.Hook{TokenFile: secretFile(t, "h00k-t0k3n"), Reports: provider.Reports{ID: "id", State: "state",
			States: []provider.StateRule{{Value: "done", State: "delivered"}, {Value: "lost", State: "failed"}}}, Replies: provider.Replies{From: "sender", Text: "text"}},
	}}
}

// sent is what a fake provider was given.
type sent struct {
	id, to, text, from, reference string
	form                          url.Values
	header                        http.Header
	at                            time.Time
}

// fake is a provider that remembers.
type fake struct {
	mu     sync.Mutex
	taken  []sent
	logins int
	delay  int // how many questions still see nothing
}

func (f *fake) take(s sent) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.id = fmt.Sprintf("SM%032x", len(f.taken)+1)
	s.at = channeltest.SampleSent.Add(5 * time.Second)
	f.taken = append(f.taken, s)
	return s.id
}

func (f *fake) all() []sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.delay > 0 {
		f.delay--
		return nil
	}
	return append([]sent(nil), f.taken...)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (f *fake) twilio(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	base := "/2010-04-01/Accounts/" + testAccount
	switch {
	case user != testAccount || password != testToken:
		answer(w, 401, map[string]any{"code": 20003, "status": 401})
	case r.Method == http.MethodPost && r.URL.Path == base+"/Messages.json":
		body, _ := io.ReadAll(r.Body)
		form, err := url.ParseQuery(string(body))
		if err != nil || form.Get("To") == "" || form.Get("Body") == "" {
			answer(w, 400, map[string]any{"code": 21604})
			return
		}
		id := f.take(sent{to: form.Get("To"), text: form.Get("Body"), from: form.Get("From"), form: form, header: r.Header.Clone()})
		answer(w, 201, map[string]any{"sid": id, "status": "queued"})
	case r.Method == http.MethodGet && r.URL.Path == base+"/Messages.json":
		list := []map[string]any{}
		for _, s := range f.all() {
			if s.to == r.URL.Query().Get("To") {
				list = append(list, map[string]any{"sid": s.id, "to": s.to, "body": s.text, "direction": "outbound-api", "date_created": s.at.Format(time.RFC1123Z)})
			}
		}
		answer(w, 200, map[string]any{"messages": list, "next_page_uri": nil})
	case r.Method == http.MethodGet && r.URL.Path == base+".json":
		answer(w, 200, map[string]any{"sid": testAccount, "status": "active"})
	default:
		answer(w, 404, map[string]any{"code": 20404})
	}
}

func (f *fake) skebby(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/login" {
		user, password, _ := r.BasicAuth()
		if user != "city" || password != testToken {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		f.mu.Lock()
		f.logins++
		fmt.Fprintf(w, "U123;S%d", f.logins)
		f.mu.Unlock()
		return
	}
	f.mu.Lock()
	session := fmt.Sprint("S", f.logins)
	f.mu.Unlock()
	if r.Header.Get("User_key") != "U123" || r.Header.Get("Session_key") != session {
		answer(w, 401, map[string]any{})
		return
	}
	if id, asked := strings.CutPrefix(r.URL.Path, "/sms/"); asked {
		for _, s := range f.all() {
			if s.reference == id {
				answer(w, 200, map[string]any{"result": "OK", "recipients": []map[string]any{{"status": "SENT", "destination": s.to}}})
				return
			}
		}
		answer(w, 404, map[string]any{"result": "KO"})
		return
	}
	var in skebbyOrder
	if json.NewDecoder(r.Body).Decode(&in) != nil || len(in.Recipient) != 1 || in.Type == "" {
		answer(w, 400, map[string]any{"result": "bad order"})
		return
	}
	f.take(sent{to: in.Recipient[0], text: in.Message, from: in.Sender, reference: in.OrderID})
	answer(w, 201, map[string]any{"result": "OK", "order_id": in.OrderID, "total_sent": 1})
}

func (f *fake) generic(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/v1/balance":
		answer(w, 200, map[string]any{"credit": 5})
	case r.Header.Get("Authorization") != "Bearer "+testToken:
		answer(w, 401, map[string]any{})
	case r.Method == http.MethodGet:
		list := []map[string]any{}
		for _, s := range f.all() {
			list = append(list, map[string]any{"id": s.id, "reference": s.reference})
		}
		answer(w, 200, map[string]any{"items": list})
	default:
		var in map[string]any
		if json.NewDecoder(r.Body).Decode(&in) != nil {
			answer(w, 400, map[string]any{})
			return
		}
		word := func(name string) string { s, _ := in[name].(string); return s }
		id := f.take(sent{to: word("to"), text: word("text"), from: word("from"), reference: word("reference"), header: r.Header.Clone()})
		answer(w, 200, map[string]any{"id": id})
	}
}

// message is one that may be sent now.
func message(key string) channels.Message {
	return channels.Message{Channel: "sms", Audience: "subscribers", Language: "it", Text: "ALLERTA: salite https://allerta.example/a/1", URL: "https://allerta.example/a/1",
		Key: key, To: testNumber, Sent: channeltest.SampleSent, Expires: time.Now().Add(time.Hour)}
}

func verdict(err error) channels.Verdict {
	v, _ := channels.VerdictOf(err)
	return v
}

// readAgain gives the body of a request and leaves it in place.
func readAgain(r *http.Request) (io.ReadCloser, error) {
	b, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(b))
	return io.NopCloser(bytes.NewReader(b)), err
}
