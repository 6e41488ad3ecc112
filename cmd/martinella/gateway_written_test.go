package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A channel that becomes one for everybody gives none of its earlier texts away,
// and one that no longer is one keeps what everybody could read.
func TestWhoCouldReadATextIsWhatItWasThen(t *testing.T) {
	needRedis(t)
	dir, config := settle(t, "  - {name: bulletin, kind: outbox, exercise: true, readers: staff}\n")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	become := func(readers string) {
		write(t, config, strings.Replace(string(text), "readers: staff", "readers: "+readers, 1))
	}
	heading := regexp.MustCompile(`(?s)<h1 id="answer".*?<span>(.*?)</span>`)
	// verdict asks /verify about the last text that was written, as it went out.
	verdict := func(s *station, sent string) string {
		t.Helper()
		r := s.ask(t, http.MethodPost, "/verify?lang=en", "", "application/x-www-form-urlencoded", []byte(url.Values{"text": {sent}}.Encode()))
		found := heading.FindStringSubmatch(string(r.body))
		if r.status != http.StatusOK || found == nil {
			t.Fatalf("%d %s", r.status, r.body)
		}
		return found[1]
	}
	// sends issues an exercise and gives what the channel wrote.
	sends := func(s *station, key string) string {
		t.Helper()
		file := filepath.Join(dir, "data", "outbox", "bulletin.jsonl")
		before, _ := os.ReadFile(file) // none yet is as an empty one
		if r := s.submit(t, key, exercise(fixture(t))); r.status != http.StatusCreated {
			t.Fatalf("%d %s", r.status, r.body)
		}
		var last struct{ Text string }
		eventually(t, "it is written", func() bool {
			b, err := os.ReadFile(file)
			return err == nil && json.Unmarshal([]byte(strings.TrimSpace(strings.TrimPrefix(string(b), string(before)))), &last) == nil && last.Text != ""
		})
		return last.Text
	}
	s := open(t, dir, config)
	key := secretOf(t, s.key(t, "texts", "--can", "issue", "--self-approve", "--status", "Exercise"))
	inner := sends(s, key)
	before := verdict(s, inner)
	s.stop()

	become("public")
	s = open(t, dir, config)
	if after := verdict(s, inner); after != before {
		t.Errorf("a text for staff was %q, and is %q now that the channel is for everybody", before, after)
	}
	outer := sends(s, key)
	whole := verdict(s, outer)
	if whole == before {
		t.Errorf("a text for everybody is %q, too", whole)
	}
	s.stop()

	become("staff")
	s = open(t, dir, config)
	if after := verdict(s, outer); after != whole {
		t.Errorf("a text for everybody was %q, and is %q now that the channel is for staff", whole, after)
	}
	s.stop()
}
