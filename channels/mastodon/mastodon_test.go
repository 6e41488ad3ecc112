package mastodon

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

const token = "t0k3n-0f-th3-t0wn"

func tokenFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func channel(t testing.TB, baseURL string, change func(*Config)) *Channel {
	t.Helper()
	config := Config{URL: baseURL, TokenFile: tokenFile(t)}
	if change != nil {
		change(&config)
	}
	c, err := New("comune-mastodon", config, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// server is a small Mastodon that ignores Idempotency-Key, as GoToSocial does,
// and wraps links as Mastodon does.
type server struct {
	http.ServeMux
	limit int
	mu    sync.Mutex
	next  int
	posts []map[string]any // the newest first
	keys  []string
}

var link = regexp.MustCompile(`(https?://)(\S{0,30})(\S*)`)

func (s *server) html(text string) string {
	text = link.ReplaceAllString(html.EscapeString(text), `<a href="$0"><span class="invisible">$1</span><span class="ellipsis">$2</span><span class="invisible">$3</span></a>`)
	return "<p>" + strings.ReplaceAll(text, "\n", "<br />") + "</p>"
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

func newServer(testing.TB) *server {
	s := &server{limit: 500, next: 100}
	signed := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer "+token {
				answer(w, http.StatusUnauthorized, map[string]string{"error": "The access token is invalid"})
				return
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			h(w, r)
		}
	}
	s.HandleFunc("POST /api/v1/statuses", signed(s.post))
	s.HandleFunc("PUT /api/v1/statuses/{id}", signed(func(w http.ResponseWriter, r *http.Request) {
		p := s.find(r.PathValue("id"))
		var in status
		if p == nil || json.NewDecoder(r.Body).Decode(&in) != nil {
			answer(w, http.StatusNotFound, map[string]string{"error": "Record not found"})
			return
		}
		p["content"], p["edited_at"] = s.html(in.Status), "2026-11-21T12:00:00.000Z"
		answer(w, 200, p)
	}))
	s.HandleFunc("DELETE /api/v1/statuses/{id}", signed(func(w http.ResponseWriter, r *http.Request) {
		for i, p := range s.posts {
			if p["id"] == r.PathValue("id") {
				s.posts = append(s.posts[:i], s.posts[i+1:]...)
				answer(w, 200, p)
				return
			}
		}
		answer(w, http.StatusNotFound, map[string]string{"error": "Record not found"})
	}))
	s.HandleFunc("GET /api/v1/accounts/verify_credentials", signed(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{"id": "7", "username": "comune"})
	}))
	s.HandleFunc("GET /api/v1/accounts/7/statuses", signed(func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, s.posts) }))
	s.HandleFunc("GET /api/v1/instance", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{"configuration": map[string]any{"statuses": map[string]any{"max_characters": s.limit, "characters_reserved_per_url": 23}}})
	})
	return s
}

func (s *server) find(id string) map[string]any {
	for _, p := range s.posts {
		if p["id"] == id {
			return p
		}
	}
	return nil
}

func (s *server) post(w http.ResponseWriter, r *http.Request) {
	var in status
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Status == "" {
		answer(w, http.StatusUnprocessableEntity, map[string]string{"error": "Validation failed: Text can't be blank"})
		return
	}
	if n := utf8.RuneCountInString(link.ReplaceAllString(in.Status, strings.Repeat("x", 23))); n > s.limit {
		answer(w, http.StatusUnprocessableEntity, map[string]string{"error": fmt.Sprintf("Validation failed: Text character limit of %d exceeded", s.limit)})
		return
	}
	if in.InReplyToID != "" && s.find(in.InReplyToID) == nil {
		answer(w, http.StatusNotFound, map[string]string{"error": "Record not found"})
		return
	}
	s.next++
	s.keys = append(s.keys, r.Header.Get("Idempotency-Key"))
	p := map[string]any{"id": fmt.Sprint(s.next), "url": fmt.Sprintf("https://social.example/@comune/%d", s.next), "content": s.html(in.Status), "visibility": in.Visibility,
		"language": in.Language, "in_reply_to_id": in.InReplyToID, "created_at": channeltest.SampleSent.Add(time.Duration(s.next) * time.Second).Format("2006-01-02T15:04:05.000Z")}
	s.posts = append([]map[string]any{p}, s.posts...)
	answer(w, 200, p)
}

var suite = channeltest.Suite{
	New:      func(t testing.TB, baseURL string) channels.Channel { return channel(t, baseURL, nil) },
	Platform: func(t testing.TB) http.Handler { return newServer(t) },
	Secrets:  []string{token},
}

func TestContract(t *testing.T) { channeltest.Run(t, suite) }

func TestGolden(t *testing.T) { channeltest.Golden(t, channel(t, "https://social.example", nil)) }

func TestThreadEditWithdraw(t *testing.T) {
	s := newServer(t)
	stub := channeltest.StartStub(t, s, nil)
	c := channel(t, stub.URL, func(c *Config) { c.Visibility = "unlisted" })
	first, err := c.Send(t.Context(), suite.Rendered(t, c, channeltest.Actual, "a"))
	if err != nil || first.URL == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	update := suite.Rendered(t, c, channeltest.Update, "b")
	update.Previous = first.ID
	second, err := c.Send(t.Context(), update)
	if err != nil {
		t.Fatal(err)
	}
	if p := s.find(second.ID); p["in_reply_to_id"] != first.ID || p["visibility"] != "unlisted" || p["language"] != "it" {
		t.Errorf("posted %v", p)
	}
	over := suite.Rendered(t, c, channeltest.AllClear, "c")
	if r, err := c.Edit(t.Context(), second.ID, over); err != nil || r.ID != second.ID {
		t.Errorf("edit: %+v, %v", r, err)
	}
	if p := s.find(second.ID); p["edited_at"] == nil || !strings.Contains(fmt.Sprint(p["content"]), "CESSATO ALLARME") {
		t.Errorf("edited %v", p)
	}
	if _, err := c.Edit(t.Context(), "1", over); err == nil {
		t.Error("a post that is not there was edited")
	}
	for range 2 { // what is gone is gone
		if err := c.Withdraw(t.Context(), first.ID); err != nil {
			t.Error(err)
		}
	}
	again := suite.Rendered(t, c, channeltest.Cancel, "d")
	again.Previous = first.ID
	third, err := c.Send(t.Context(), again)
	if err != nil || s.find(third.ID)["in_reply_to_id"] != "" {
		t.Errorf("an answer to a post that is gone: %+v, %v", third, err)
	}
}

func TestKeysDifferBetweenLanguages(t *testing.T) {
	s := newServer(t)
	c := channel(t, channeltest.StartStub(t, s, nil).URL, nil)
	messages, err := c.Render(channeltest.Sample(channeltest.Actual))
	if err != nil || len(messages) != 2 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	for range 2 {
		for _, m := range messages {
			m.Key = "a/1/comune-mastodon/"
			if _, err := c.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	if s.keys[0] == s.keys[1] || s.keys[0] != s.keys[2] || s.keys[1] != s.keys[3] {
		t.Errorf("keys %v", s.keys)
	}
}

// All revisions have the same link: the probe must not take the first alert for
// the update whose answer was lost.
func TestFindTellsRevisionsApart(t *testing.T) {
	s := newServer(t)
	c := channel(t, channeltest.StartStub(t, s, nil).URL, nil)
	first, update := suite.Rendered(t, c, channeltest.Actual, "a"), suite.Rendered(t, c, channeltest.Update, "b")
	posted, err := c.Send(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if _, found, err := c.Find(t.Context(), update); found || err != nil {
		t.Errorf("the update: found %v, %v", found, err)
	}
	if r, found, err := c.Find(t.Context(), first); !found || r.ID != posted.ID || err != nil {
		t.Errorf("the alert: %+v, %v, %v", r, found, err)
	}
	// The same text again, published later, is not the earlier post.
	later := first
	later.Sent = first.Sent.Add(time.Hour)
	if _, found, _ := c.Find(t.Context(), later); found {
		t.Error("an older post was taken for a newer one")
	}
	// The server may change the text a little.
	s.posts[0]["content"] = strings.Replace(fmt.Sprint(s.posts[0]["content"]), "auto.", "auto …", 1)
	if r, found, _ := c.Find(t.Context(), first); !found || r.ID != posted.ID {
		t.Error("a text that the server changed is not found")
	}
	// A second message of nearly the same words within the minute hangs on the
	// first one, and is not it.
	second := first
	second.Previous = posted.ID
	if r, found, _ := c.Find(t.Context(), second); found {
		t.Errorf("the post before it (%s) was taken for it", r.ID)
	}
}

func TestCheckComparesTheLimit(t *testing.T) {
	s := newServer(t)
	s.limit = 300
	stub := channeltest.StartStub(t, s, nil)
	err := channel(t, stub.URL, nil).Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), "set it to 300") {
		t.Errorf("got %v", err)
	}
	if err := channel(t, stub.URL, func(c *Config) { c.MaxChars = 300 }).Check(t.Context()); err != nil {
		t.Error(err)
	}
	other := channel(t, stub.URL, nil)
	other.header.Set("Authorization", "Bearer other")
	if v, _ := channels.VerdictOf(other.Check(t.Context())); v != channels.VerdictUnauthorized {
		t.Errorf("a wrong token: %s", v)
	}
}

func TestAccountOfOneLanguage(t *testing.T) {
	c := channel(t, "https://social.example", func(c *Config) { c.Language = "en" })
	for languages, want := range map[string]string{"it en": "en", "it de": "it", "de": "de"} {
		messages, err := c.Render(channeltest.Sample(channeltest.Actual, strings.Fields(languages)...))
		if err != nil || len(messages) != 1 || messages[0].Language != want {
			t.Errorf("%s: got %+v, %v", languages, messages, err)
		}
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	_, err := New("M", Config{URL: "social.example", Visibility: "pubblico", MaxChars: 20, LinkChars: -1}, channeltest.Settings(), zap.NewNop())
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{"name", "url", "visibility", "max_chars", "link_chars", "token_file"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}
