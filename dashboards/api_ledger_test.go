package dashboards

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"martinella/alerts"
	"martinella/alerts/ledger"
)

func TestTheLedgerIsReadAndVerified(t *testing.T) {
	var book *acts
	g := open(t, func(c *Config) { book = c.Acts.(*acts) })
	for i := range 5 {
		g.issue(message(fmt.Sprintf("ledger-%d", i)))
	}
	head := g.get("/api/v1/ledger/head")
	if head.StatusCode != http.StatusOK || head.Header.Get("Access-Control-Allow-Origin") != "*" || head.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("head: %d %v", head.StatusCode, head.Header)
	}
	key := book.Key()
	signed, err := ledger.OpenHead([]byte(head.body), key)
	if err != nil || signed.Size != int64(len(g.memory.acts)) {
		t.Fatalf("head: %+v %v", signed, err)
	}
	export := g.get("/api/v1/ledger/export", "Authorization", "Bearer "+approver)
	if export.StatusCode != http.StatusOK || !strings.Contains(export.Header.Get("Content-Disposition"), "ledger-valdemo-") {
		t.Errorf("export: %d %v", export.StatusCode, export.Header)
	}
	r, err := ledger.Verify(strings.NewReader(export.body), ledger.Against{Key: &key, Earlier: strings.NewReader(head.body)})
	if err != nil || !r.OK() || r.Entries != signed.Size {
		t.Errorf("export: %+v %v\n%s", r, err, export.body)
	}

	one := g.get("/api/v1/ledger/3", "Authorization", "Bearer "+approver)
	var e struct {
		N          int64
		Act        alerts.Act
		Text, Leaf string
		Proof      []string
		Head       string
		Whole      bool
	}
	if err := json.Unmarshal([]byte(one.body), &e); err != nil {
		t.Fatal(err)
	}
	text, _ := base64.StdEncoding.DecodeString(e.Text)
	var path tlog.RecordProof
	for _, h := range e.Proof {
		hash, err := tlog.ParseHash(h)
		if err != nil {
			t.Fatal(err)
		}
		path = append(path, hash)
	}
	at, err := ledger.OpenHead([]byte(e.Head), key)
	if err != nil || tlog.CheckRecord(path, at.Size, at.Root, 2, tlog.RecordHash(text)) != nil || !e.Whole || e.N != 3 || e.Act.By.ID != "key:alone" {
		t.Errorf("entry 3: %s, %v", one.body, err)
	}

	book.set(func() { book.edited[3] = []byte("no longer what it was") })
	one = g.get("/api/v1/ledger/3", "Authorization", "Bearer "+approver)
	if v := one.json(t); v["whole"] != false || v["act"] != nil {
		t.Errorf("an edited entry: %s", one.body)
	}
	export = g.get("/api/v1/ledger/export", "Authorization", "Bearer "+approver)
	r, err = ledger.Verify(strings.NewReader(export.body), ledger.Against{Key: &key})
	if err != nil || len(r.Findings) != 1 || r.Findings[0].From != 3 || r.Findings[0].To != 3 {
		t.Errorf("an edited entry: %+v %v", r.Findings, err)
	}
}

func TestWhoMayReadTheLedger(t *testing.T) {
	g := open(t)
	g.issue(message("ledger-who"))
	for _, path := range []string{"/api/v1/ledger/export", "/api/v1/ledger/1"} {
		for token, want := range map[string]int{"": 401, revoked: 401, author: 403, approver: 200, issuer: 200} {
			var headers []string
			if token != "" {
				headers = []string{"Authorization", "Bearer " + token}
			}
			if got := g.get(path, headers...); got.StatusCode != want {
				t.Errorf("%s with %q: %d, want %d: %s", path, token, got.StatusCode, want, got.body)
			}
		}
	}
}

func TestALedgerThatCannotBeRead(t *testing.T) {
	var book *acts
	g := open(t, func(c *Config) { book = c.Acts.(*acts) })
	g.issue(message("ledger-down"))
	for want, err := range map[int]error{503: alerts.ErrUnavailable, 500: ledger.ErrBroken} {
		g.memory.fail(err)
		if got := g.get("/api/v1/ledger/head"); got.StatusCode != want {
			t.Errorf("head: %d, want %d", got.StatusCode, want)
		}
	}
	g.memory.fail(nil)

	book.set(func() { book.fail = errors.New("the store went away") })
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+"/api/v1/ledger/export", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+approver)
	res, err := g.Client().Do(r)
	if err == nil {
		_, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	if err == nil {
		t.Error("an export that broke off looks like a whole one")
	}
	book.set(func() { book.fail = nil })

	hold := make(chan struct{})
	book.set(func() { book.hold = hold })
	first := make(chan reply)
	go func() {
		first <- g.get("/api/v1/ledger/export", "Authorization", "Bearer "+approver)
	}()
	busy := reply{}
	for range 1000 { // until the first one has begun
		if len(g.server.exporting) > 0 {
			busy = g.get("/api/v1/ledger/export", "Authorization", "Bearer "+approver)
			break
		}
		g.get("/api/v1/ledger/head")
	}
	close(hold)
	if got := <-first; got.StatusCode != http.StatusOK {
		t.Errorf("the first export: %d", got.StatusCode)
	}
	if busy.Response == nil || busy.StatusCode != http.StatusServiceUnavailable || busy.Header.Get("Retry-After") == "" {
		t.Errorf("a second export at once: %+v", busy.Response)
	}
}

func TestTheLedgerIsSearched(t *testing.T) {
	g := open(t)
	for i := range 30 {
		g.issue(message(fmt.Sprintf("search-%d", i)))
	}
	ask := func(q string) (got struct {
		Entries []struct {
			N   int64
			Act alerts.Act
		}
		Next *int64
	}) {
		t.Helper()
		r := g.get("/api/v1/ledger"+q, "Authorization", "Bearer "+approver)
		if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", q, r.StatusCode, r.body)
		}
		return got
	}
	first := ask("")
	if len(first.Entries) != actsShown || first.Next == nil || first.Entries[0].N != 60 || *first.Next != 11 {
		t.Fatalf("%d entries, next %v", len(first.Entries), first.Next)
	}
	rest := ask("?before=11")
	if len(rest.Entries) != 10 || rest.Next != nil || rest.Entries[0].N != 10 {
		t.Errorf("%d entries, next %v", len(rest.Entries), rest.Next)
	}
	one := ask("?verb=issued&event=" + string(first.Entries[0].Act.Event))
	if len(one.Entries) != 1 || one.Entries[0].Act.Verb != "issued" {
		t.Errorf("%+v", one)
	}
	for _, q := range []string{"?day=today", "?limit=3", "?before=0", "?verb=a&verb=b"} {
		if r := g.get("/api/v1/ledger"+q, "Authorization", "Bearer "+approver); r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", q, r.StatusCode)
		}
	}
	if r := g.get("/api/v1/ledger", "Authorization", "Bearer "+author); r.StatusCode != http.StatusForbidden {
		t.Errorf("who may only submit: %d", r.StatusCode)
	}
}
