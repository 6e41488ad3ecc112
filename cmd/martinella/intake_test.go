package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"martinella/alerts"
	"martinella/alerts/cap"
)

func TestHundredPostsAreOneAlert(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "  - {name: outbox, kind: outbox, exercise: true}\n")
	s := open(t, dir, config)
	key := secretOf(t, s.key(t, "machine", "--can", "issue", "--self-approve", "--status", "Actual"))
	message := fixture(t)

	var mu sync.Mutex
	codes, ids := map[int]int{}, map[alerts.ID]int{}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			r, err := tell(t.Context(), http.MethodPost, s.Public+"/api/v1/alerts", key, capXML, message)
			if err != nil {
				t.Error(err)
				return
			}
			var sub submitted
			if err := json.Unmarshal(r.body, &sub); err != nil {
				t.Errorf("%d %s", r.status, r.body)
			}
			mu.Lock()
			defer mu.Unlock()
			codes[r.status]++
			ids[sub.ID]++
		})
	}
	all.Wait()
	if len(ids) != 1 || codes[http.StatusCreated] < 1 || codes[http.StatusCreated]+codes[http.StatusOK] != 100 {
		t.Errorf("got answers %v for the ids %v, want one id and only 201 and 200", codes, ids)
	}
	for id := range ids {
		ds := s.delivered(t, key, id, nil)
		if d := ds["outbox"]; d.Total != 1 || d.Accepted != 1 {
			t.Errorf("got %+v, want one delivery", d)
		}
	}
	if got := s.metric(t, `martinella_alerts_accepted_total{msg_type="Alert",severity="Severe",status="Actual",via="api"}`); got != 1 {
		t.Errorf("%v alerts were counted, want 1", got)
	}
	if lines := outboxLines(t, filepath.Join(dir, "data", "outbox", "outbox.jsonl")); len(lines) != 1 {
		t.Errorf("the outbox has %d messages, want 1", len(lines))
	}

	other := bytes.Replace(message, []byte("Restate in casa"), []byte("Uscite di casa"), 1)
	if r := s.submit(t, key, other); r.status != http.StatusConflict {
		t.Errorf("the same identifier with other content: got %d, want 409", r.status)
	}
}

// outboxLines reads what an outbox has written.
func outboxLines(t testing.TB, file string) []string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// swapped replaces the first occurrence, which has to be there.
func swapped(t testing.TB, message []byte, old, with string) []byte {
	t.Helper()
	if !bytes.Contains(message, []byte(old)) {
		t.Fatalf("the message has no %q", old)
	}
	return bytes.Replace(message, []byte(old), []byte(with), 1)
}

func TestBadInputIsNamedAndNothingIsKept(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "  - {name: outbox, kind: outbox, exercise: true}\n")
	s := open(t, dir, config)
	machine := secretOf(t, s.key(t, "machine", "--can", "issue", "--self-approve", "--status", "Actual", "--areas", "099*", "--severity-max", "Severe", "--hazards", "Met"))
	exercises := secretOf(t, s.key(t, "exercises", "--can", "submit"))
	reader := secretOf(t, s.key(t, "reader", "--can", "read"))
	ended := s.key(t, "ended", "--can", "issue", "--status", "Actual")
	var made struct{ ID string }
	for line := range strings.Lines(must(t, "keys", "list", "--config", config, "--json")) {
		var k struct{ ID, Name string }
		if json.Unmarshal([]byte(line), &k) == nil && k.Name == "ended" {
			made.ID = k.ID
		}
	}
	must(t, "keys", "revoke", "--config", config, made.ID)

	message := fixture(t)
	for name, c := range map[string]struct {
		key, contentType string
		body             []byte
		status           int
		names            []string // fields among the problems
	}{
		"without a key":                {"", capXML, message, 401, nil},
		"with a key that nobody made":  {"mk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", capXML, message, 401, nil},
		"with a revoked key":           {secretOf(t, ended), capXML, message, 401, nil},
		"with a key that only reads":   {reader, capXML, message, 403, []string{"key"}},
		"in another area":              {machine, capXML, swapped(t, message, "099999", "052032"), 403, []string{"info[0].area[0].geocode[0]"}},
		"more severe than allowed":     {machine, capXML, swapped(t, message, ">Severe<", ">Extreme<"), 403, []string{"severity"}},
		"of another hazard":            {machine, capXML, swapped(t, message, ">Met<", ">Fire<"), 403, []string{"info[0].category[0]"}},
		"Actual with an exercise key":  {exercises, capXML, message, 403, []string{"status"}},
		"not XML":                      {machine, capXML, []byte("<alert"), 400, []string{"alert"}},
		"with a DOCTYPE":               {machine, capXML, swapped(t, message, "<alert ", "<!DOCTYPE a [<!ENTITY e 'x'>]><alert "), 400, []string{"alert"}},
		"of a megabyte":                {machine, capXML, append(bytes.Clone(message), bytes.Repeat([]byte(" "), 1<<20)...), 413, nil},
		"as a picture":                 {machine, "image/png", message, 415, nil},
		"without a type":               {machine, "", message, 415, nil},
		"expired":                      {machine, capXML, expiresText.ReplaceAll(message, []byte("${1}2026-01-01T00:00:00+01:00${2}")), 422, []string{"expires"}},
		"with two faults":              {machine, capXML, swapped(t, swapped(t, message, ">Expected<", ">Soon<"), ">Likely<", ">Maybe<"), 422, []string{"info[0].urgency", "info[0].certainty"}},
		"JSON that is none":            {machine, "application/json", []byte("{"), 400, []string{"alert"}},
		"JSON without required fields": {machine, "application/json", []byte(`{"identifier":"x"}`), 422, []string{"sender", "sent", "status", "msgType", "scope"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.ask(t, http.MethodPost, "/api/v1/alerts", c.key, c.contentType, c.body)
			if r.status != c.status {
				t.Errorf("got %d, want %d\n%s", r.status, c.status, r.body)
			}
			if got := r.header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("got content type %q", got)
			}
			var p problemDocument
			r.decode(t, &p)
			for _, field := range c.names {
				if !strings.Contains(string(r.body), `"`+field) {
					t.Errorf("%s is not named: %+v", field, p.Problems)
				}
			}
			for _, word := range []string{"goroutine", ".go:", "redis", "runtime error"} {
				if strings.Contains(string(r.body), word) {
					t.Errorf("the answer shows the inside: %s", r.body)
				}
			}
		})
	}
	noArea := swapped(t, swapped(t, message, "<geocode>", "<!--"), "</geocode>", "-->")
	noArea = bytes.ReplaceAll(noArea, []byte("<!--\n"), []byte("<!-- "))
	if r := s.submit(t, machine, noArea); r.status != http.StatusUnprocessableEntity || !strings.Contains(string(r.body), "info[0].area") {
		t.Errorf("no area: got %d %s", r.status, r.body)
	}
	var list struct{ Alerts []view }
	s.ask(t, http.MethodGet, "/api/v1/alerts", reader, "", nil).decode(t, &list)
	if len(list.Alerts) != 0 {
		t.Errorf("%d alerts were kept", len(list.Alerts))
	}
}

// example is a row of the examples' manifest.
type example struct {
	File     string `json:"file"`
	Expected string `json:"expected"`
	Nature   string `json:"nature"`
	Embedded int    `json:"embedded_alerts"`
}

var fixedNow = time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC)

func examples(t testing.TB) (dir string, rows []example) {
	t.Helper()
	manifest := sharedFile(t, "cap/manifest.json")
	b, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &rows); err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(manifest), rows
}

// checked is a line of `check --json`, and the answer of /alerts/check.
type checked struct {
	File      string          `json:"file"`
	Valid     bool            `json:"valid"`
	Sendable  bool            `json:"sendable"`
	Obstacles alerts.Problems `json:"obstacles"`
	Version   string          `json:"version"`
	Problems  alerts.Problems `json:"problems"`
}

func (c checked) verdict() string {
	switch {
	case !c.Valid:
		return "reject"
	case len(c.Problems) > 0:
		return "flag"
	}
	return "accept"
}

func TestEveryExampleIsCheckedTheSameEverywhere(t *testing.T) {
	needRedis(t)
	dir, rows := examples(t)
	gatewayDir, config := settle(t, "")
	s := open(t, gatewayDir, config)
	key := secretOf(t, s.key(t, "machine", "--can", "submit", "--status", joinAll(alerts.Statuses)))
	compared := 0
	for _, row := range rows {
		folder, _, _ := strings.Cut(row.File, "/")
		if folder != "valid" && folder != "invalid" {
			continue
		}
		file := filepath.Join(dir, row.File)
		code, out, errOut := command(t, "check", "--json", file)
		var got checked
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("%s: %v\n%s%s", row.File, err, out, errOut)
		}
		if got.verdict() != row.Expected || (code == 0) != got.Valid {
			t.Errorf("check %s: exit %d, %s, want %s: %v", row.File, code, got.verdict(), row.Expected, got.Problems)
		}
		if row.Expected == "reject" && len(got.Problems) == 0 {
			t.Errorf("check %s gives no reason", row.File)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r := s.ask(t, http.MethodPost, "/api/v1/alerts/check", key, capXML, b)
		var api checked
		r.decode(t, &api)
		if api.verdict() != row.Expected {
			t.Errorf("POST /alerts/check %s: %d, %s, want %s", row.File, r.status, api.verdict(), row.Expected)
		}
		compared++
	}
	if compared < 80 {
		t.Errorf("only %d examples", compared)
	}
	var list struct{ Alerts []view }
	s.ask(t, http.MethodGet, "/api/v1/alerts", key, "", nil).decode(t, &list)
	if len(list.Alerts) != 0 {
		t.Errorf("checking kept %d alerts", len(list.Alerts))
	}
}

func TestEveryFeedIsReadAsContainer(t *testing.T) {
	dir, rows := examples(t)
	for _, row := range rows {
		if !strings.HasPrefix(row.File, "feeds/") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, row.File))
		if err != nil {
			t.Fatal(err)
		}
		v := checkMessage(b, fixedNow)
		if v.feed == "" || v.alerts != row.Embedded {
			t.Errorf("%s: read as %q with %d alerts, want %d", row.File, v.feed, v.alerts, row.Embedded)
		}
		if row.Nature == "real" && !v.Valid {
			t.Errorf("%s is real and was refused: %v", row.File, v.Problems.Errors())
		}
	}
}

func TestEveryRealMessageIsTaken(t *testing.T) {
	needRedis(t)
	dir, rows := examples(t)
	gatewayDir, config := settle(t, "  - {name: outbox, kind: outbox, exercise: true}\n")
	s := open(t, gatewayDir, config)
	key := secretOf(t, s.key(t, "machine", "--can", "issue", "--self-approve", "--status", joinAll(alerts.Statuses)))
	posted, answers := 0, map[int]int{}
	post := func(name string, message []byte) {
		message = restamp(message, "real-"+ulid.Make().String())
		v := cap.Check(message, capXML, cap.Submit, time.Now())
		r := s.submit(t, key, message)
		answers[r.status]++
		posted++
		switch {
		case r.status == http.StatusCreated, r.status == http.StatusAccepted && len(v.Problems) > 0,
			r.status == http.StatusUnprocessableEntity && !v.Sendable,
			// An Update or Cancel of what is not known here waits for a person.
			r.status == http.StatusAccepted && v.Document != nil && v.Document.Alert.MsgType != alerts.MsgAlert:
		default:
			t.Errorf("%s: got %d\n%s\nproblems %v obstacles %v", name, r.status, r.body, v.Problems, v.Obstacles)
		}
	}
	for _, row := range rows {
		if row.Nature != "real" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, row.File))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasPrefix(row.File, "valid/"):
			post(row.File, b)
		case strings.HasPrefix(row.File, "feeds/"):
			f, err := cap.ReadContainer(b, cap.Container)
			if err != nil {
				t.Errorf("%s: %v", row.File, err)
				continue
			}
			for _, item := range f.Items {
				for _, e := range item.Alerts {
					post(row.File, e.Raw)
				}
			}
		}
	}
	t.Logf("%d real messages, answers %v", posted, answers)
	if posted < 30 || answers[http.StatusCreated] < 20 {
		t.Errorf("only %d real messages, answers %v", posted, answers)
	}
}

// A store in memory practises: it takes exercises, refuses an Actual, and makes
// its own key.
func TestMemoryTakesExercisesAndRefusesActual(t *testing.T) {
	dir := t.TempDir()
	config := write(t, filepath.Join(dir, "m.yaml"), "listen: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\ndata: "+filepath.Join(dir, "data")+"\n")
	s := open(t, dir, config, "--redis", "memory")
	key := secretOf(t, filepath.Join(dir, "data", "practice.key"))
	if r := s.submit(t, key, exercise(fixture(t))); r.status != http.StatusCreated {
		t.Errorf("an exercise: got %d %s", r.status, r.body)
	}
	if r := s.submit(t, key, fixture(t)); r.status != http.StatusForbidden {
		t.Errorf("an Actual with the practice key: got %d, want 403", r.status)
	}
	r, err := tell(t.Context(), http.MethodGet, s.Admin+"/readyz", "", "", nil)
	if err != nil || r.status != http.StatusServiceUnavailable || !strings.Contains(string(r.body), "memory") {
		t.Errorf("readyz: %d %s %v", r.status, r.body, err)
	}
}
