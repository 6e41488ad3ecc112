package bluesky

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// script answers as a person would; it refuses to give what a question's own
// check or choices refuse, and gives the next answer instead.
type script struct {
	t       testing.TB
	answers []string
	asked   []string
	told    []string
}

func (s *script) Ask(q channels.Question) (string, error) {
	s.asked = append(s.asked, q.Text)
	for len(s.answers) > 0 {
		answer := s.answers[0]
		s.answers = s.answers[1:]
		if answer == "" {
			answer = q.Default
		}
		if len(q.Choices) > 0 && !slices.Contains(q.Choices, answer) {
			continue
		}
		if q.Check != nil {
			if err := q.Check(answer); err != nil {
				s.told = append(s.told, err.Error())
				continue
			}
		}
		return answer, nil
	}
	return "", io.EOF
}

func (s *script) Tell(text string) { s.told = append(s.told, text) }

// directory answers for accounts, with a document that a test may change.
func directory(t testing.TB, s *pds, change func(map[string]any)) connector {
	t.Helper()
	d := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		doc := map[string]any{"id": did, "alsoKnownAs": []string{"at://" + handle}, "service": []map[string]string{
			{"id": "#other", "type": "Other", "serviceEndpoint": "https://other.example.test"},
			{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": s.url + "/"}}}
		if change != nil {
			change(doc)
		}
		w.Header().Set("Content-Type", "application/did+ld+json")
		if r.URL.Path == "/.well-known/did.json" {
			doc["id"] = "did:web:" + strings.Replace(r.Host, ":", "%3A", 1)
		} else if r.URL.Path != "/"+did {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"message":"DID not registered"}`)
			return
		}
		json.NewEncoder(w).Encode(doc)
	}))
	t.Cleanup(d.Close)
	return connector{resolver: s.url, directory: d.URL, insecure: true}
}

func TestConnect(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string
		change  func(*pds)
		doc     func(map[string]any)
		end     error  // of connecting; nil: connected
		says    string // among what was told
		fields  string
		signIns int
	}{
		"at once":                                  {answers: []string{handle, password, ""}, says: "kept at", fields: "pds handle", signIns: 1},
		"of one language":                          {answers: []string{"@" + strings.ToUpper(handle) + " ", password, "de-AT"}, fields: "pds handle language", signIns: 1},
		"by its DID":                               {answers: []string{did, password, ""}, fields: "pds handle", signIns: 1},
		"a handle that is none":                    {answers: []string{"comune", handle, password, ""}, says: "write it like", fields: "pds handle", signIns: 1},
		"a handle of nobody":                       {answers: []string{"altro.example.test", "", handle, password, ""}, says: "Unable to resolve", fields: "pds handle", signIns: 1},
		"a language that is none":                  {answers: []string{handle, password, "italiano", "it"}, says: "write a language like", fields: "pds handle language", signIns: 1},
		"the account's own password, refused":      {answers: []string{handle, ownWord, "no", password, ""}, says: "does not look like", fields: "pds handle", signIns: 1},
		"the account's own password, all the same": {answers: []string{handle, ownWord, "yes", password, ""}, says: "That is the account's own password", fields: "pds handle", signIns: 2},
		"a second factor":                          {answers: []string{handle, "zwei-fakt", "yes", password, ""}, says: "second factor", fields: "pds handle", signIns: 2},
		"a wrong password":                         {answers: []string{handle, "aaaa-bbbb-cccc-dddd", password, ""}, says: "did not take it", fields: "pds handle", signIns: 2},
		"five wrong passwords":                     {answers: slices.Repeat([]string{"aaaa-bbbb-cccc-dddd"}, 6), change: func(*pds) {}, end: errors.New("no password was taken"), signIns: 5},
		"an account that is not active":            {answers: []string{handle, password}, change: func(s *pds) { s.inactive = "suspended" }, says: "suspended", end: io.EOF, signIns: 1},
		"a server that is full":                    {answers: []string{handle, password}, change: func(s *pds) { s.script["createSession"] = channeltest.HTML(503) }, end: errors.New("503"), signIns: 1},
		"a sign-in without tokens":                 {answers: []string{handle, password}, change: func(s *pds) { s.script["createSession"] = channeltest.Status(200, `{}`) }, end: errors.New("without tokens"), signIns: 1},
		"a document of somebody else":              {answers: []string{handle}, doc: func(d map[string]any) { d["id"] = "did:plc:zzzzzzzzzzzzzzzzzzzzzzzz" }, says: "somebody else", end: io.EOF},
		"a document without a server":              {answers: []string{handle}, doc: func(d map[string]any) { d["service"] = nil }, says: "names no server", end: io.EOF},
		"a document that is none":                  {answers: []string{handle}, doc: func(d map[string]any) { d["service"] = 7 }, says: "cannot be read", end: io.EOF},
		"a server that is no address":              {answers: []string{handle}, doc: func(d map[string]any) { d["service"].([]map[string]string)[1]["serviceEndpoint"] = "ftp://x" }, says: "not an address", end: io.EOF},
		"an account that knows another handle":     {answers: []string{handle, password, ""}, doc: func(d map[string]any) { d["alsoKnownAs"] = []string{"at://x.test"} }, says: "handle.invalid", fields: "pds handle", signIns: 1},
		"an account that nobody registered":        {answers: []string{"did:plc:zzzzzzzzzzzzzzzzzzzzzzzz"}, says: "404", end: io.EOF},
		"a person who leaves":                      {answers: []string{handle}, end: io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := start(t)
			if c.change != nil {
				c.change(s)
			}
			if name == "five wrong passwords" {
				c.answers = append([]string{handle}, c.answers...)
			}
			p := &script{t: t, answers: slices.Clone(c.answers)}
			out, err := directory(t, s, c.doc).connect(t.Context(), p)
			switch {
			case c.end == nil && err != nil, c.end != nil && err == nil:
				t.Fatalf("got %v, want %v; told %q", err, c.end, p.told)
			case errors.Is(c.end, io.EOF) && !errors.Is(err, io.EOF), c.end != nil && !errors.Is(c.end, io.EOF) && !strings.Contains(err.Error(), c.end.Error()):
				t.Errorf("got %v, want %v", err, c.end)
			}
			told := strings.Join(p.told, "\n")
			if !strings.Contains(told, c.says) {
				t.Errorf("told %q, which does not say %q", told, c.says)
			}
			for _, secret := range []string{password, ownWord, "aaaa-bbbb-cccc-dddd", "s1gn4tur3"} {
				if strings.Contains(told+fmt.Sprint(err, p.asked, out.Fields, out.Note), secret) {
					t.Errorf("a secret was shown: %q", told)
				}
			}
			var keys []string
			for _, f := range out.Fields {
				keys = append(keys, f.Key)
			}
			if got := strings.Join(keys, " "); got != c.fields {
				t.Errorf("fields %q, want %q", got, c.fields)
			}
			if n := s.count("createSession"); n != c.signIns {
				t.Errorf("%d sign-ins, want %d", n, c.signIns)
			}
			if err == nil {
				if out.Fields[0].Value != s.url || out.Secrets[0] != (channels.Field{Key: "password_file", Value: password}) {
					t.Errorf("connected %+v", out)
				}
				if len(s.refresh) != 0 {
					t.Errorf("%d sessions are left", len(s.refresh))
				}
			}
			if s.count("putRecord") != 0 {
				t.Error("posted")
			}
		})
	}
}

func TestConnectByAnotherServer(t *testing.T) {
	s, _ := start(t)
	w := directory(t, s, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.resolver = "http://" + l.Addr().String()
	l.Close()
	p := &script{t: t, answers: []string{handle, "pds", s.url + "/", "", password, ""}}
	if out, err := w.connect(t.Context(), p); err != nil || out.Fields[1].Value != handle {
		t.Errorf("%+v, %v, told %q", out, err, p.told)
	}
}

func TestConnectAnAccountOfADomain(t *testing.T) {
	s, _ := start(t)
	w := directory(t, s, nil)
	web := "did:web:" + strings.Replace(strings.TrimPrefix(w.directory, "http://"), ":", "%3A", 1)
	w.directory = "http://127.0.0.1:9"
	s.answer("resolveHandle", channeltest.Status(200, `{"did":"`+web+`"}`))
	p := &script{t: t, answers: []string{handle, password, ""}}
	if out, err := w.connect(t.Context(), p); err != nil || out.Fields[0].Value != s.url {
		t.Errorf("%+v, %v, told %q", out, err, p.told)
	}
	w.insecure = false
	if at, err := w.document("did:web:comune.example"); err != nil || at != "https://comune.example/.well-known/did.json" {
		t.Errorf("%s, %v", at, err)
	}
	for _, bad := range []string{"", "did:web:", "did:web:a/b", "did:key:z6Mk", "did:plc:short", "did:web:user@host", "did:web:x%2Fy"} {
		if at, err := w.document(bad); err == nil {
			t.Errorf("%q is at %s", bad, at)
		}
	}
}
