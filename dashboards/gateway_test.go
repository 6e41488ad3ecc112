package dashboards

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"martinella/alerts"
	"martinella/alerts/cap"
	"martinella/alerts/lexicon"
	"martinella/alerts/lint"
	"martinella/broadcast"
)

// gateway is a whole server on a store in memory.
type gateway struct {
	*httptest.Server
	t      testing.TB
	server *Server
	memory *memory
	board  *broadcast.Board
	logs   *observer.ObservedLogs
}

// The tokens of the keys that every test gateway knows.
const (
	issuer   = "mk_issuer"   // may issue, all statuses
	author   = "mk_author"   // may submit, all statuses
	approver = "mk_approver" // may approve, all statuses
	practice = "mk_practice" // may issue, exercises only, Valdemo only
	alone    = "mk_alone"    // may issue everything without a second person
	revoked  = "mk_revoked"
	signing  = "a secret for signatures"
)

var rome = func() *time.Location {
	l, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return l
}()

func open(t testing.TB, change ...func(*Config)) *gateway {
	t.Helper()
	m := newMemory()
	all := alerts.Statuses
	for token, p := range map[string]alerts.Person{
		issuer:   {ID: "key:issuer", Name: "Sala operativa", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbIssue}, Statuses: all}},
		author:   {ID: "key:author", Name: "Autrice", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbSubmit}, Statuses: all}},
		approver: {ID: "key:approver", Name: "Responsabile", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbApprove}, Statuses: all}},
		practice: {ID: "key:practice", Name: "Scuola", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbIssue}, Areas: []string{"099*"}, MaxSeverity: alerts.SeveritySevere}},
		alone:    {ID: "key:alone", Name: "Centrale", Rights: alerts.Rights{Verbs: []alerts.Verb{alerts.VerbIssue}, Statuses: all, SelfApprove: true}},
		revoked:  {ID: "key:revoked", Name: "Vecchia"},
	} {
		sum := sha256.Sum256([]byte(token))
		k := &alerts.Key{V: 1, Person: p, TokenSHA256: hex.EncodeToString(sum[:]), Created: time.Now()}
		if token == revoked {
			k.Revoked = time.Now().Add(-time.Hour)
		}
		if err := m.Add(t.Context(), k, []byte(signing), alerts.Act{}); err != nil {
			t.Fatal(err)
		}
	}
	authority := alerts.Authority{Slug: "valdemo", Name: "Protezione Civile di Valdemo", Sender: "protezione.civile@comune.valdemo.example", Language: "it-IT"}
	desk := &alerts.Desk{
		Authority: authority, Policy: alerts.Policy{SecondPersonReach: 1000}, Store: m, Publisher: publisher{m}, Sitreps: m, Instructs: lint.Context{}.Instructs,
		NewID: func(time.Time) alerts.ID { return alerts.ID(ulid.Make().String()) },
		Over: func(language string, change alerts.Change, exercise bool, event string) (headline, text string) {
			return lexicon.For(language).Closing(change, exercise, event)
		},
		Digest: func(a *alerts.Alert, own bool) (alerts.Digest, error) {
			if own {
				return cap.DigestOwn(a), nil
			}
			return cap.Digest(a), nil
		},
	}
	core, logs := observer.New(zapcore.DebugLevel)
	log := zap.New(core)
	board := broadcast.NewBoard(m, m, log)
	board.Sitreps(m)
	c := Config{
		Authority: authority, PublicURL: "https://allerta.valdemo.example", Zone: rome, Desk: desk, Keys: m, Log: m, Work: m, Outcomes: m, Board: board, Acts: newActs(t, m), Photos: m,
		Registry: prometheus.NewRegistry(), Logger: log, Site: "https://comune.valdemo.example/", Feedback: "sito@comune.valdemo.example",
	}
	for _, f := range change {
		f(&c)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = board.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{Server: httptest.NewServer(s.Public()), t: t, server: s, memory: m, board: board, logs: logs}
	t.Cleanup(g.Close)
	g.settle()
	return g
}

// settle waits until the board knows what the log knows.
func (g *gateway) settle() {
	g.t.Helper()
	head, _ := g.memory.Head(g.t.Context())
	for range 500 {
		if _, err := g.board.Health(); err == nil {
			if _, err := g.board.Wait(g.t.Context(), head, 5*time.Second); err == nil {
				return
			}
		}
		select {
		case <-time.After(time.Millisecond):
		case <-g.t.Context().Done():
		}
	}
	g.t.Fatal("the board did not load")
}

// reply is an answer that was read to its end.
type reply struct {
	*http.Response
	body string
}

func (r reply) json(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("not JSON: %v in %q", err, r.body)
	}
	return v
}

func (g *gateway) do(method, path, body string, headers ...string) reply {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), method, g.URL+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	res, err := g.Client().Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return reply{res, string(b)}
}

func (g *gateway) get(path string, headers ...string) reply {
	g.t.Helper()
	return g.do("GET", path, "", headers...)
}

// post sends CAP XML with a key.
func (g *gateway) post(token, path, body string, headers ...string) reply {
	g.t.Helper()
	return g.do("POST", path, body, append([]string{"Authorization", "Bearer " + token, "Content-Type", "application/cap+xml"}, headers...)...)
}

// act posts a decision.
func (g *gateway) act(token, id, name, body string) reply {
	g.t.Helper()
	return g.do("POST", "/api/v1/alerts/"+id+"/"+name, body, "Authorization", "Bearer "+token, "Content-Type", "application/json")
}

// issue publishes an alert by the key that needs nobody else, and waits for
// the board.
func (g *gateway) issue(xml string) map[string]any {
	g.t.Helper()
	r := g.post(alone, "/api/v1/alerts", xml)
	if r.StatusCode == http.StatusAccepted && strings.Contains(r.body, "a real alert was issued a moment ago") {
		v := r.json(g.t)
		if a := g.act(approver, v["id"].(string), "approve", `{"digest":"`+v["digest"].(string)+`","reason":"part of the test"}`); a.StatusCode != http.StatusOK {
			g.t.Fatalf("approve: %d %s", a.StatusCode, a.body)
		}
		g.settle()
		return g.get("/api/v1/alerts/"+v["id"].(string), "Authorization", "Bearer "+approver).json(g.t)
	}
	if r.StatusCode != http.StatusCreated {
		g.t.Fatalf("issue: %d %s", r.StatusCode, r.body)
	}
	g.settle()
	return r.json(g.t)
}

// message writes a CAP alert of Valdemo; pairs replace elements ("severity",
// "Extreme") or, for a name with ":", any text by another.
func message(identifier string, pairs ...string) string {
	now := time.Now().In(rome)
	s := `<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>` + identifier + `</identifier>
  <sender>protezione.civile@comune.valdemo.example</sender>
  <sent>` + alerts.FormatTime(now) + `</sent>
  <status>Actual</status>
  <msgType>Alert</msgType>
  <scope>Public</scope>
  <info>
    <language>it-IT</language>
    <category>Met</category>
    <event>Piena del torrente Rivo</event>
    <urgency>Immediate</urgency>
    <severity>Moderate</severity>
    <certainty>Likely</certainty>
    <expires>` + alerts.FormatTime(now.Add(12*time.Hour)) + `</expires>
    <senderName>Sindaca di Valdemo</senderName>
    <headline>Piena in arrivo: salite ai piani alti subito</headline>
    <description>Il torrente Rivo supera gli argini fra le 18:30 e le 20:00. L'acqua entra in cantine e piani terra.</description>
    <instruction>1. Salite ai piani alti.
2. Non usate l'auto.
3. Aiutate chi non può muoversi da solo.</instruction>
    <area>
      <areaDesc>Borgo Basso e Le Fornaci</areaDesc>
      <polygon>44.01,11.01 44.01,11.06 44.04,11.06 44.04,11.01 44.01,11.01</polygon>
      <geocode><valueName>ISTAT</valueName><value>099001</value></geocode>
    </area>
  </info>
</alert>`
	for i := 0; i+1 < len(pairs); i += 2 {
		name, value := pairs[i], pairs[i+1]
		from := strings.Index(s, "<"+name+">")
		to := strings.Index(s, "</"+name+">")
		if from < 0 || to < 0 {
			s = strings.ReplaceAll(s, name, value)
			continue
		}
		s = s[:from+len(name)+2] + value + s[to:]
	}
	return s
}

// reopen starts another server on the same store, as after a restart.
func reopen(t testing.TB, before *gateway) *gateway {
	t.Helper()
	c := before.server.Config
	c.Registry = prometheus.NewRegistry()
	board := broadcast.NewBoard(before.memory, before.memory, c.Logger)
	c.Board = board
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = board.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{Server: httptest.NewServer(s.Public()), t: t, server: s, memory: before.memory, board: board, logs: before.logs}
	t.Cleanup(g.Close)
	g.settle()
	return g
}

// goFiles gives the sources of this package without its tests.
func goFiles(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
	return out
}
