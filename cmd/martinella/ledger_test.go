package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheLedgerIsVerifiedOffline exports from a gateway, through its store and
// over HTTP, and edits what came out (fault 65).
func TestTheLedgerIsVerifiedOffline(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "")
	in := func(name string) string { return filepath.Join(dir, name) }
	s := open(t, dir, config)
	author := secretOf(t, s.key(t, "author", "--can", "submit", "--status", "Actual,Exercise,Test"))
	reader := secretOf(t, s.key(t, "reader", "--can", "read"))
	message := func(n int) []byte {
		return fmt.Appendf(nil, `{"identifier":"ledger-%d","sender":"protezione.civile@comune.valdemo.example","sent":"2026-11-22T06:00:00+01:00","status":"Exercise","msgType":"Alert","scope":"Public",
"info":[{"language":"it-IT","category":["Met"],"event":"Piena","urgency":"Immediate","severity":"Minor","certainty":"Likely","expires":"2099-11-22T06:00:00+01:00","headline":"Prova","description":"Prova","instruction":"Nessuna","area":[{"areaDesc":"Valdemo","geocode":[{"valueName":"ISTAT","value":"099001"}]}]}]}`, n)
	}
	submit := func(from, to int) {
		for n := from; n <= to; n++ {
			if r := s.ask(t, "POST", "/api/v1/alerts", author, "application/json", message(n)); r.status/100 != 2 {
				t.Fatalf("submit: %d %s", r.status, r.body)
			}
		}
	}
	submit(1, 4)
	write(t, in("ledger.pub"), must(t, "ledger", "key", "--config", config))
	write(t, in("old.head"), must(t, "ledger", "head", "--config", config))
	must(t, "ledger", "export", "--config", config, "--out", in("old.jsonl"))
	submit(5, 9)
	var over reply
	eventually(t, "the gateway signs the newest acts", func() bool {
		over = s.ask(t, "GET", "/api/v1/ledger/export", reader, "", nil)
		// Nine alerts that wait and ring for it, two keys, and the heading.
		return over.status == 200 && strings.Count(string(over.body), `"verb":"rung"`) == 9 && strings.Count(string(over.body), "\n") == 21
	})
	if n := strings.Count(string(over.body), `"verb":"key-created"`); n != 2 {
		t.Errorf("%d acts of making a key, want 2", n)
	}
	write(t, in("http.jsonl"), string(over.body))
	if r := s.ask(t, "GET", "/api/v1/ledger/head", "", "", nil); r.status != 200 || !strings.Contains(string(r.body), "martinella/ledger/valdemo\n") {
		t.Errorf("the head: %d %s", r.status, r.body)
	}
	if got := s.metric(t, "martinella_ledger_broken"); got != 0 {
		t.Errorf("the ledger is broken: %v", got)
	}
	if code := s.stop(); code != 0 {
		t.Fatalf("the gateway ended with %d", code)
	}

	must(t, "ledger", "export", "--config", config, "--out", in("ledger.jsonl")) // no gateway runs
	if info, err := os.Stat(in("ledger.jsonl")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the export: %v %v", info, err)
	}
	if code, _, errOut := command(t, "ledger", "export", "--config", config, "--out", in("ledger.jsonl")); code != exitRefused || !strings.Contains(errOut, "is there already") {
		t.Errorf("over a file: exit %d, %s", code, errOut)
	}
	for _, args := range [][]string{
		{in("ledger.jsonl"), "--key", in("ledger.pub"), "--head", in("old.head")},
		{in("ledger.jsonl"), "--key", in("ledger.pub"), "--head", in("old.jsonl")},
		{in("http.jsonl"), "--key", strings.TrimSpace(secretOf(t, in("ledger.pub")))},
		{in("http.jsonl")},
	} {
		out := must(t, append([]string{"ledger", "verify"}, args...)...)
		if !strings.HasPrefix(out, "whole: ") || strings.Contains(out, "note: ") != (len(args) == 1) || strings.Contains(out, "leads on") != (len(args) == 5) {
			t.Errorf("%v: %s", args, out)
		}
	}

	whole := strings.SplitAfter(secretOf(t, in("ledger.jsonl"))+"\n", "\n")
	whole = whole[:len(whole)-1]
	edit := func(name string, change func([]string) []string) string {
		return write(t, in(name+".jsonl"), strings.Join(change(append([]string(nil), whole...)), ""))
	}
	count := len(whole) - 1
	for want, file := range map[string]string{
		"entry 3: does not fit its signature":                              edit("edited", func(a []string) []string { a[3] = strings.Replace(a[3], `"by":`, `"By":`, 1); return a }),
		"entry 4: is missing\n":                                            edit("removed", func(a []string) []string { return append(a[:4], a[5:]...) }),
		"entry 5: is not in its place":                                     edit("reordered", func(a []string) []string { a[5], a[6] = a[6], a[5]; return a }),
		fmt.Sprintf("entry %d: is missing: the export was cut off", count): edit("cut", func(a []string) []string { return a[:count] }),
	} {
		code, out, errOut := command(t, "ledger", "verify", file, "--key", in("ledger.pub"))
		if code != exitRefused || !strings.Contains(out, want) || errOut != "" {
			t.Errorf("%s: exit %d, %s%s, want %s", file, code, out, errOut, want)
		}
	}
	code, out, _ := command(t, "ledger", "verify", in("old.jsonl"), "--key", in("ledger.pub"), "--head", in("ledger.jsonl"), "--json")
	var report struct {
		Whole    bool
		Findings []struct {
			From, To int
			Problem  string
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != exitRefused || report.Whole || len(report.Findings) != 1 || report.Findings[0].To != count {
		t.Errorf("taken back: exit %d, %s, %v", code, out, err)
	}
	for name, args := range map[string][]string{
		"no such file":   {in("nothing")},
		"a folder":       {dir},
		"no such key":    {in("ledger.jsonl"), "--key", in("nothing")},
		"a key of none":  {in("ledger.jsonl"), "--key", in("old.head")},
		"no such head":   {in("ledger.jsonl"), "--head", in("nothing")},
		"nothing at all": {},
	} {
		if code, _, errOut := command(t, append([]string{"ledger", "verify"}, args...)...); code != exitUsage || !strings.Contains(errOut, "hint: ") {
			t.Errorf("%s: exit %d, %s", name, code, errOut)
		}
	}
}
