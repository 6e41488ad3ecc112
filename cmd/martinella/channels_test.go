package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"martinella/channels"
)

func TestAnEntryIsAddedAndTheRestStays(t *testing.T) {
	entry := []channels.Field{{Key: "name", Value: "press"}, {Key: "kind", Value: "mastodon"}, {Key: "url", Value: "https://social.example"}}
	const item = "name: press\n%skind: mastodon\n%surl: https://social.example\n"
	added := func(indent string) string {
		return indent + "- " + fmt.Sprintf(item, indent+"  ", indent+"  ")
	}
	for name, c := range map[string]struct{ before, want, wrong string }{
		"an empty file":     {before: "", want: "channels:\n" + added("  ")},
		"only comments":     {before: "# mine\n", want: "# mine\nchannels:\n" + added("  ")},
		"no channels yet":   {before: "mode: live\n", want: "mode: live\n\nchannels:\n" + added("  ")},
		"no line end":       {before: "mode: live", want: "mode: live\n\nchannels:\n" + added("  ")},
		"an empty list":     {before: "channels: [] # none\nmode: live\n", want: "channels: # none\n" + added("  ") + "mode: live\n"},
		"a key alone":       {before: "channels:\nmode: live\n", want: "channels:\n" + added("  ") + "mode: live\n"},
		"at the end":        {before: "channels:\n  - name: a\n    kind: outbox\n", want: "channels:\n  - name: a\n    kind: outbox\n" + added("  ")},
		"not indented":      {before: "channels:\n- name: a\n  kind: outbox\nmode: live\n", want: "channels:\n- name: a\n  kind: outbox\n" + added("") + "mode: live\n"},
		"deeply indented":   {before: "channels:\n      - {name: a, kind: outbox}\n", want: "channels:\n      - {name: a, kind: outbox}\n" + added("      ")},
		"comments stay":     {before: "channels: # all\n  # the first\n  - name: a # it\n    kind: outbox\n    # its end\n\n# the mode\nmode: live\n", want: "channels: # all\n  # the first\n  - name: a # it\n    kind: outbox\n    # its end\n" + added("  ") + "\n# the mode\nmode: live\n"},
		"a text in lines":   {before: "channels:\n  - name: a\n    kind: outbox\n    note: |\n      one\n\n      # two\nmode: live\n", want: "channels:\n  - name: a\n    kind: outbox\n    note: |\n      one\n\n      # two\n" + added("  ") + "mode: live\n"},
		"lines of Windows":  {before: "channels:\r\n  - name: a\r\n", want: "channels:\r\n  - name: a\r\n" + strings.ReplaceAll(added("  "), "\n", "\r\n")},
		"several in a line": {before: "channels: [{name: a}]\n", wrong: "in one line"},
		"two documents":     {before: "mode: live\n---\nmode: live\n", wrong: "several documents"},
		"no keys":           {before: "- a\n", wrong: "list of keys"},
		"in one line":       {before: "{mode: live}\n", wrong: "list of keys"},
		"not YAML":          {before: "a: [\n", wrong: "YAML"},
		"a word":            {before: "channels: none\n", wrong: "unusual"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := inserted([]byte(c.before), entry)
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("got %q, %v, want an error with %q", got, err, c.wrong)
				}
				return
			}
			if err != nil || string(got) != c.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, got, c.want)
			}
		})
	}
}

func TestValuesAreReadBackAsTheyAre(t *testing.T) {
	for _, value := range []string{"", "it", "yes", "null", "0123", "5", "123456789012345678", "-100", "-1001234567890", "a: b", "#tag", "@name", "è \"'\\", "two\nlines", "true", "1.5", "- x", "{x}", "*a", "https://x.example/?a=b#c", "~"} {
		text, err := inserted(nil, []channels.Field{{Key: "name", Value: "x"}, {Key: "value", Value: value}})
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Channels []struct{ Value any }
		}
		tops, err := yamlDocuments(text)
		if err != nil || len(tops) != 1 || tops[0].Decode(&got) != nil {
			t.Fatalf("%q: %v\n%s", value, err, text)
		}
		if back := fmt.Sprint(got.Channels[0].Value); back != value {
			t.Errorf("%q comes back as %q:\n%s", value, back, text)
		}
	}
}

func FuzzInserted(f *testing.F) {
	for _, seed := range []string{"", "channels:\n- name: a\n", "channels: []\nx: |\n  y\n", "a: &x\nchannels: *x\n", "channels:\n  - a\n#\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := inserted([]byte(text), []channels.Field{{Key: "name", Value: "x"}, {Key: "kind", Value: "y"}})
		if err != nil {
			return
		}
		rest := text
		for line := range strings.Lines(string(got)) { // every line of the person's is still there, in order
			if head, after, found := strings.Cut(rest, strings.TrimRight(line, "\r\n")); found && strings.TrimSpace(head) == "" {
				rest = after
			}
		}
		var all struct{ Channels []any }
		tops, err := yamlDocuments(got)
		if err != nil || len(tops) != 1 || tops[0].Decode(&all) != nil || len(all.Channels) == 0 {
			t.Fatalf("%q became %q, %v", text, got, err)
		}
		if last, _ := all.Channels[len(all.Channels)-1].(map[string]any); last["kind"] != "y" {
			t.Errorf("%q became %q", text, got)
		}
		if cut := strings.TrimSpace(rest); cut != "" && !strings.Contains(text, "channels") {
			t.Errorf("of %q %q is left out in %q", text, cut, got)
		}
	})
}

// town is a small server of Mastodon's kind: what connecting an account needs.
type town struct {
	mu     sync.Mutex
	posts  []map[string]any
	gone   int
	broken bool // verify_credentials refuses
}

func (s *town) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	say := func(code int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(v)
	}
	signed := r.Header.Get("Authorization") == "Bearer t0ken-0f-the-town"
	switch r.Method + " " + r.URL.Path {
	case "POST /api/v1/apps":
		say(200, map[string]any{"client_id": "cid", "client_secret": "csecret", "name": "Martinella"})
	case "POST /oauth/token":
		_ = r.ParseForm()
		body := map[string]any{}
		_ = json.NewDecoder(r.Body).Decode(&body)
		if r.Form.Get("code") != "good-code" && body["code"] != "good-code" {
			say(400, map[string]any{"error": "invalid_grant", "error_description": "The provided authorization grant is invalid"})
			return
		}
		say(200, map[string]any{"access_token": "t0ken-0f-the-town", "token_type": "Bearer", "scope": "read write:statuses write:media", "created_at": 1763700000})
	case "GET /api/v1/accounts/verify_credentials":
		if !signed || s.broken {
			say(401, map[string]any{"error": "The access token is invalid"})
			return
		}
		say(200, map[string]any{"id": "7", "username": "comune", "acct": "comune", "url": "https://social.example/@comune", "source": map[string]any{"language": "it"}})
	case "GET /api/v1/instance", "GET /api/v2/instance":
		say(200, map[string]any{"uri": "social.example", "domain": "social.example", "title": "Social", "version": "4.5.0", "configuration": map[string]any{
			"statuses":          map[string]any{"max_characters": 700, "characters_reserved_per_url": 23, "max_media_attachments": 4},
			"media_attachments": map[string]any{"supported_mime_types": []string{"image/png", "image/jpeg"}, "image_size_limit": 16 << 20}}})
	case "POST /api/v1/statuses":
		var in map[string]any
		if !signed || json.NewDecoder(r.Body).Decode(&in) != nil {
			say(401, map[string]any{"error": "The access token is invalid"})
			return
		}
		s.posts = append(s.posts, in)
		say(200, map[string]any{"id": "101", "url": "https://social.example/@comune/101", "content": "x", "created_at": "2026-11-22T08:00:00.000Z"})
	case "DELETE /api/v1/statuses/101":
		s.gone++
		say(200, map[string]any{"id": "101"})
	default:
		say(404, map[string]any{"error": "Record not found"})
	}
}

// connectTown runs the walk with these answers, one a line.
func connectTown(t *testing.T, s *town, config string, args []string, answers ...string) (code int, out, said, file string) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	file = filepath.Join(dir, "martinella.yaml")
	if err := os.WriteFile(file, []byte(config), 0o640); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	for i := range answers {
		answers[i] = strings.ReplaceAll(answers[i], "SERVER", server.URL)
	}
	code = run(context.Background(), append([]string{"channels", "add", "mastodon", "--config", file}, args...), func(string) string { return "" },
		strings.NewReader(strings.Join(answers, "\n")+"\n"), &stdout, &stderr)
	return code, stdout.String(), stderr.String(), file
}

const townConfig = `# the town's
authority:
  slug: pistoia
  name: Comune di Pistoia
  sender: allerta@comune.pistoia.example
public_url: https://allerta.comune.pistoia.example
channels:
  - name: notice # printed
    kind: outbox
`

func TestAnAccountIsConnected(t *testing.T) {
	s := &town{}
	code, out, said, file := connectTown(t, s, townConfig, nil, "", "SERVER", "bad-code", "good-code", "", "yes", "yes")
	b, err := os.ReadFile(file)
	if code != 0 || err != nil || !strings.HasPrefix(string(b), townConfig) {
		t.Fatalf("code %d, %v\n%s\n%s\n%s", code, err, out, said, b)
	}
	c, err := loadConfigOf(shell{getenv: func(string) string { return "" }}, file, nil)
	if err != nil || len(c.Channels) != 2 || c.Channels[1].Name != "pistoia-mastodon" || c.Channels[1].Kind != "mastodon" || !c.Channels[1].Exercise {
		t.Fatalf("the configuration: %v\n%s", err, b)
	}
	secret := filepath.Join(filepath.Dir(file), "secrets", "pistoia-mastodon-token")
	info, err := os.Stat(secret)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret: %v, %v", info, err)
	}
	if token, _ := os.ReadFile(secret); strings.TrimSpace(string(token)) != "t0ken-0f-the-town" {
		t.Errorf("the secret holds %q", token)
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o640 {
		t.Errorf("the configuration's mode became %v", info.Mode())
	}
	for _, text := range []string{out, said, string(b)} {
		if strings.Contains(text, "t0ken-0f-the-town") || strings.Contains(text, "csecret") {
			t.Error("a secret is shown")
		}
	}
	if len(s.posts) != 1 || s.posts[0]["visibility"] != "direct" || !strings.Contains(fmt.Sprint(s.posts[0]["status"]), "TEST - Comune di Pistoia") {
		t.Errorf("the test post: %v", s.posts)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNothingIsWrittenBeforeTheAccountWorks(t *testing.T) {
	for name, c := range map[string]struct {
		server  *town
		config  string
		args    []string
		answers []string
		want    string
	}{
		"the input ends":                 {&town{}, townConfig, nil, []string{"", "SERVER"}, "ended before"},
		"the account is refused":         {&town{broken: true}, townConfig, nil, []string{"", "SERVER", "good-code"}, ""},
		"a name that is taken":           {&town{}, townConfig, []string{"--name", "notice"}, nil, "already"},
		"a name that cannot be":          {&town{}, townConfig, []string{"--name", "Il Comune"}, nil, "name"},
		"a configuration that is wrong":  {&town{}, "mode: dead\n", nil, nil, "mode"},
		"a list that cannot be added to": {&town{}, "channels: [{name: notice, kind: outbox}]\n", nil, nil, "in one line"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, said, file := connectTown(t, c.server, c.config, c.args, append(c.answers, "")[:len(c.answers)]...)
			b, _ := os.ReadFile(file)
			if code == 0 || string(b) != c.config || !strings.Contains(said, c.want) {
				t.Errorf("code %d\n%s\n%s\n%s", code, out, said, b)
			}
			files, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "secrets", "*"))
			if len(files) > 0 {
				t.Errorf("secrets are left: %v", files)
			}
		})
	}
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), []string{"channels", "add", "smpp"}, func(string) string { return "" }, strings.NewReader(""), &stdout, &stderr); code != exitUsage || !strings.Contains(stderr.String(), "mastodon") {
		t.Errorf("code %d: %s", code, stderr.String())
	}
}

func TestTryingAChannel(t *testing.T) {
	s := &town{}
	_, _, _, file := connectTown(t, s, townConfig, nil, "comune", "SERVER", "good-code", "", "no", "no")
	try := func(name string) (int, string) {
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), []string{"channels", "try", name, "--config", file}, func(string) string { return "" }, strings.NewReader(""), &stdout, &stderr)
		return code, stdout.String() + stderr.String()
	}
	if code, said := try("notice"); code != exitRefused || !strings.Contains(said, "exercise") {
		t.Errorf("an outbox: code %d, %s", code, said)
	}
	if code, said := try("nobody"); code != exitUsage || !strings.Contains(said, "no channel") {
		t.Errorf("no channel: code %d, %s", code, said)
	}
	if len(s.posts) != 0 {
		t.Fatalf("posted without a yes: %v", s.posts)
	}
	if code, said := try("comune"); code != 0 || len(s.posts) != 1 {
		t.Errorf("code %d, %s, posts %v", code, said, s.posts)
	}
}

func TestAnswersAreJudged(t *testing.T) {
	ask := func(q channels.Question, lines string) (answer, said string, err error) {
		var out bytes.Buffer
		answer, err = newTerminal(t.Context(), shell{in: strings.NewReader(lines), err: &out}).Ask(q)
		return answer, out.String(), err
	}
	pages := channels.Question{Text: "Page", Choices: []string{"Comune di Pistoia", "Comune di Prato", "Teatro"}}
	for name, c := range map[string]struct {
		q     channels.Question
		lines string
		want  string
		says  string
	}{
		"a number chooses":            {pages, "2\n", "Comune di Prato", "  2  Comune di Prato"},
		"a beginning chooses":         {pages, "tea\n", "Teatro", ""},
		"a doubtful one is asked":     {pages, "comune\ncomune di prato\n", "Comune di Prato", "answer with one of"},
		"no number of the list":       {pages, "4\n3\n", "Teatro", "answer with one of"},
		"the default":                 {channels.Question{Text: "Name", Default: "x"}, "\n", "x", "[x]"},
		"space around it":             {channels.Question{Text: "Name"}, "  a b \n", "a b", ""},
		"nothing is asked again":      {channels.Question{Text: "Name"}, "\ny\n", "y", "needed"},
		"nothing, where that is good": {channels.Question{Text: "Name", Check: func(string) error { return nil }}, "\n", "", ""},
		"a last line without its end": {channels.Question{Text: "Name"}, "z", "z", ""},
		"lines of Windows":            {channels.Question{Text: "Name"}, "z\r\n", "z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, out, err := ask(c.q, c.lines)
			if err != nil || got != c.want || !strings.Contains(out, c.says) {
				t.Errorf("got %q, %v\n%s", got, err, out)
			}
		})
	}
	if _, _, err := ask(pages, strings.Repeat("x", longestAnswer+10)); err == nil {
		t.Error("an endless line is taken")
	}
	if _, _, err := ask(pages, ""); err == nil {
		t.Error("no input is an answer")
	}
}
