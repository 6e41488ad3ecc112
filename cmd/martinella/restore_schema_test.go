package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"martinella/alerts"
	"martinella/broadcast/rdb"
)

// A backup of every schema that was ever released lies in testdata, beside the
// paper with its key and what was in the store. GOLDEN_SCHEMA=1 writes that of
// the present one anew, for the release that brings it.
func goldenSchema(schema int) string {
	return filepath.Join("testdata", fmt.Sprintf("schema-%d", schema))
}

// kept is what a store holds, as far as a person would miss it.
type kept struct {
	Alerts map[string]string // by identifier: id and digest of the content
	Texts  map[string]string // by identifier: headline
	People []string          // of the roster, with skills and telephone
	Calls  []string          // code, what for, and every answer
	Acts   []string          // of the ledger: number and verb
	Keys   int
}

func keptIn(t *testing.T, s *store) kept {
	t.Helper()
	k := kept{Alerts: map[string]string{}, Texts: map[string]string{}}
	for rec, err := range s.Store().All(t.Context(), alerts.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		k.Alerts[rec.Alert.Identifier], k.Texts[rec.Alert.Identifier] = string(rec.ID)+" "+string(rec.Content), rec.Alert.Infos[0].Headline
	}
	all, err := s.People().Volunteers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	numbers := make([]uint32, len(all))
	for i, m := range all {
		numbers[i] = m.Number
	}
	if all, err = s.People().Members(t.Context(), numbers); err != nil { // with their contacts, unsealed
		t.Fatal(err)
	}
	for _, m := range all {
		k.People = append(k.People, fmt.Sprintf("%d %s %v %s", m.Number, m.Volunteer.Name, m.Volunteer.Skills, m.Contacts["phone"]))
	}
	slices.Sort(k.People)
	calls, err := s.Callouts().Calls(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range calls {
		text := c.Code() + " " + c.What
		sheet, err := s.Callouts().Sheet(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range sheet {
			if e.Answer != nil {
				text += fmt.Sprintf("; %d: %s %d by %s", e.Number, e.Answer.Kind, e.Answer.Minutes, e.Answer.Via)
			}
		}
		k.Calls = append(k.Calls, text)
	}
	for a, err := range s.Store().AllActs(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		k.Acts = append(k.Acts, fmt.Sprintf("%d %s", a.Seq, a.Verb))
	}
	keys, err := s.Keys().List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k.Keys = len(keys)
	return k
}

func TestABackupOfEverySchemaIsRestored(t *testing.T) {
	needRedis(t)
	if os.Getenv("GOLDEN_SCHEMA") != "" {
		writeSchema(t, goldenSchema(rdb.Schema))
	}
	for schema := 1; schema <= rdb.Schema; schema++ {
		t.Run(fmt.Sprint(schema), func(t *testing.T) {
			from := goldenSchema(schema)
			page, err := os.ReadFile(filepath.Join(from, "paper.txt"))
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(from, "kept.json"))
			if err != nil {
				t.Fatal(err)
			}
			var want kept
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			home := t.TempDir()
			data, conf := filepath.Join(home, "data"), filepath.Join(home, "martinella.yaml")
			if code, out, said := typed(t, string(page), "restore", "--from", from, "--data", data, "--config", conf); code != 0 {
				t.Fatalf("restore: exit %d\n%s%s", code, out, said)
			}
			ledgerFile := filepath.Join(home, "ledger.jsonl")
			must(t, "ledger", "export", "--config", conf, "--data", data, "--out", ledgerFile)
			key := write(t, filepath.Join(home, "ledger.pub"), must(t, "ledger", "key", "--config", conf, "--data", data))
			must(t, "ledger", "verify", ledgerFile, "--key", key)
			c, err := loadConfigOf(shell{getenv: noEnv}, conf, nil)
			if err != nil {
				t.Fatal(err)
			}
			c.Data = data
			s, err := openStore(t.Context(), c, c.Redis.URL, zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			got := keptIn(t, s)
			if !maps.Equal(got.Alerts, want.Alerts) || !maps.Equal(got.Texts, want.Texts) {
				t.Errorf("alerts\n%v\nwant\n%v", got, want)
			}
			if !slices.Equal(got.People, want.People) || !slices.Equal(got.Calls, want.Calls) || got.Keys != want.Keys {
				t.Errorf("people, calls and keys\n%v\n%v\n%d\nwant\n%v\n%v\n%d", got.People, got.Calls, got.Keys, want.People, want.Calls, want.Keys)
			}
			if len(got.Acts) < len(want.Acts) || !slices.Equal(got.Acts[:len(want.Acts)], want.Acts) {
				t.Errorf("the ledger begins with\n%v\nwant\n%v", got.Acts, want.Acts)
			}
		})
	}
}

// writeSchema writes the folder of the present schema: alerts, an exercise and a
// cancellation, volunteers, a call with answers, staff and keys.
func writeSchema(t *testing.T, to string) {
	t.Helper()
	nas := t.TempDir()
	dir, config := settle(t, "  - {name: outbox, kind: outbox, exercise: true}\n")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "smpp"), "secret")
	write(t, config, string(text)+fmt.Sprintf("  - {name: sms, kind: smpp, addr: \"127.0.0.1:1\", system_id: gw, password_file: smpp, source: \"+393390000000\"}\npublic_url: %s\nbackup: [{name: nas, folder: %s}]\n",
		publicSite, nas))
	s := open(t, dir, config)
	author := secretOf(t, s.key(t, "author", "--can", "submit,approve,issue,read", "--self-approve", "--status", "Actual,Exercise"))
	must(t, "people", "import", write(t, filepath.Join(dir, "roll.csv"), roll), "--audience", "volunteers", "--config", config)
	d := signedIn(t, s)
	var first struct {
		ID     alerts.ID
		Digest alerts.Digest
	}
	for _, message := range [][]byte{fixture(t), exercise(fixture(t)), fixture(t)} {
		r := s.submit(t, author, message)
		if r.decode(t, &first); r.status != http.StatusCreated {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	if r := s.ask(t, http.MethodPost, "/api/v1/alerts/"+string(first.ID)+"/cancel", author, "application/json", fmt.Appendf(nil, `{"digest":%q,"reason":"prova conclusa","text":"Cessato pericolo"}`, first.Digest)); r.status >= 300 {
		t.Fatalf("cancel: %d %s", r.status, r.body)
	}
	id := newID(time.Now())
	form := url.Values{"do": {"call"}, "id": {string(id)}, "what": {"Argine da rinforzare"}, "where": {"Piazza Grande"}, "meet": {"+1 h"}, "until": {"+5 h"}, "skill": {"motosega"}, "people": {"2"}, "times": {"2"}, "second": {"none"}, "urgent": {"1"}}
	if r := d.do(t, http.MethodPost, "/console/d/new?lang=it", form); r.status != http.StatusSeeOther {
		t.Fatalf("opened: %d %s", r.status, r.body)
	}
	for _, say := range []string{"1.coming.20", "2.cannot"} {
		if r := d.do(t, http.MethodPost, "/console/d/"+string(id)+"/people?lang=it", url.Values{"say": {say}}); r.status >= 400 {
			t.Fatalf("%s: %d %s", say, r.status, r.body)
		}
	}
	must(t, "backup", "now", "--config", config)
	paper := must(t, "key", "print", "--config", config)
	s.stop()
	c, err := loadConfigOf(shell{getenv: noEnv}, config, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := openStore(t.Context(), c, c.Redis.URL, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	has, err := json.MarshalIndent(keptIn(t, opened), "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	all := copies(t, nas)
	copied, err := os.ReadFile(all[len(all)-1])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{filepath.Base(all[len(all)-1]): copied, "paper.txt": []byte(paper), "kept.json": append(has, '\n')} {
		if !strings.Contains(name, ".backup") && len(content) == 0 {
			t.Fatalf("%s is empty", name)
		}
		if err := os.WriteFile(filepath.Join(to, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
