package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// socialKinds are the platforms that can be asked for a post.
var socialKinds = []string{"bluesky", "facebook", "mastodon", "x-com"}

// world is four social platforms in one server, as far as posting and looking
// at the own posts goes. Whatever they are sent they keep, and a key that is
// repeated is worth nothing to them, but for Bluesky's records.
type world struct {
	*httptest.Server

	mu    sync.Mutex
	posts map[string][]worldPost // by platform, the oldest first
	hold  bool                   // posts are kept, and nobody answers
	sick  map[string]http.HandlerFunc
}

type worldPost struct {
	ID, Text string
	On       string // what it answers
	At       time.Time
}

func newWorld(t testing.TB) *world {
	w := &world{posts: map[string][]worldPost{}, sick: map[string]http.HandlerFunc{}}
	release := make(chan struct{})
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		platform, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		w.mu.Lock()
		sick := w.sick[platform]
		w.mu.Unlock()
		if sick != nil {
			sick(out, r)
			return
		}
		body, posted := w.act(platform, r)
		w.mu.Lock()
		hold := w.hold && posted
		w.mu.Unlock()
		if hold {
			select {
			case <-r.Context().Done():
			case <-release:
			}
			return
		}
		out.Header().Set("Content-Type", "application/json")
		if body == nil {
			out.WriteHeader(http.StatusNotFound)
			body = map[string]any{"error": "NotFound", "message": "no such thing"}
		}
		if refusal, ok := body.(worldRefusal); ok {
			out.WriteHeader(http.StatusBadRequest)
			body = map[string]any{"error": string(refusal), "message": "no"}
		}
		_ = json.NewEncoder(out).Encode(body)
	}))
	t.Cleanup(func() {
		close(release)
		w.CloseClientConnections()
		w.Close()
	})
	return w
}

// worldRefusal is an error by its name, with status 400.
type worldRefusal string

// keep adds a post.
func (w *world) keep(platform, id, text string) worldPost {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := worldPost{ID: id, Text: text, At: time.Now()}
	if id == "" {
		p.ID = fmt.Sprintf("9000%d", len(w.posts[platform])+1)
	}
	w.posts[platform] = append(w.posts[platform], p)
	return p
}

// change is what an edit does; false where there is no such post.
func (w *world) change(platform, id string, do func(p *worldPost)) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.posts[platform] {
		if p := &w.posts[platform][i]; p.ID == id {
			do(p)
			return true
		}
	}
	return false
}

// of gives the posts of a platform that hold a text, the newest first.
func (w *world) of(platform, text string) (found []worldPost) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.posts[platform] {
		if strings.Contains(p.Text, text) {
			found = append([]worldPost{p}, found...)
		}
	}
	return found
}

// act answers one request; posted tells that it was one that posts.
func (w *world) act(platform string, r *http.Request) (body any, posted bool) {
	var in map[string]any
	sent, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(sent, &in)
	form, _ := url.ParseQuery(string(sent))
	text := func(key string) string { s, _ := in[key].(string); return s }
	path := strings.TrimPrefix(r.URL.Path, "/"+platform)
	if id, found := strings.CutPrefix(path, "/api/v1/statuses/"); found && platform == "mastodon" {
		if r.Method == http.MethodPut && !w.change(platform, id, func(p *worldPost) { p.Text = text("status") }) {
			return nil, false
		}
		return map[string]any{"id": id, "url": "https://social.example/" + id, "content": text("status")}, false
	}
	if id, found := strings.CutPrefix(path, "/v25.0/1234567890_"); found {
		if r.Method == http.MethodPost && !w.change(platform, id, func(p *worldPost) { p.Text = form.Get("message") }) {
			return nil, false
		}
		return map[string]any{"id": "1234567890_" + id, "success": true, "permalink_url": "https://www.facebook.com/" + id}, false
	}
	switch platform + " " + r.Method + " " + path {
	case "mastodon GET /api/v1/accounts/verify_credentials":
		return map[string]any{"id": "7", "username": "comune"}, false
	case "mastodon GET /api/v1/instance":
		return map[string]any{"configuration": map[string]any{"statuses": map[string]any{"max_characters": 500, "characters_reserved_per_url": 23}}}, false
	case "mastodon GET /api/v1/accounts/7/statuses":
		list := []any{}
		for _, p := range w.of(platform, "") {
			list = append(list, map[string]any{"id": p.ID, "url": "https://social.example/" + p.ID, "content": "<p>" + strings.ReplaceAll(html.EscapeString(p.Text), "\n", "<br />") + "</p>", "created_at": p.At.UTC().Format("2006-01-02T15:04:05.000Z")})
		}
		return list, false
	case "mastodon POST /api/v1/statuses":
		p := w.keep(platform, "", text("status"))
		w.change(platform, p.ID, func(p *worldPost) { p.On = text("in_reply_to_id") })
		return map[string]any{"id": p.ID, "url": "https://social.example/" + p.ID, "content": p.Text, "created_at": p.At}, true
	case "facebook GET /v25.0/me":
		return map[string]any{"id": "1234567890", "name": "Comune"}, false
	case "facebook GET /v25.0/1234567890":
		return map[string]any{"id": "1234567890"}, false
	case "facebook GET /v25.0/1234567890/published_posts":
		list := []any{}
		for _, p := range w.of(platform, "") {
			list = append(list, map[string]any{"id": "1234567890_" + p.ID, "message": p.Text, "created_time": p.At.UTC().Format("2006-01-02T15:04:05-0700"), "permalink_url": "https://www.facebook.com/" + p.ID})
		}
		return map[string]any{"data": list}, false
	case "facebook POST /v25.0/1234567890/feed":
		p := w.keep(platform, "", form.Get("message"))
		return map[string]any{"id": "1234567890_" + p.ID}, true
	case "x-com GET /2/users/me":
		return map[string]any{"data": map[string]any{"id": "77", "username": "comune"}}, false
	case "x-com GET /2/users/77/tweets":
		list := []any{}
		for _, p := range w.of(platform, "") {
			list = append(list, map[string]any{"id": p.ID, "text": html.EscapeString(p.Text), "created_at": p.At.UTC().Format("2006-01-02T15:04:05.000Z")})
		}
		return map[string]any{"data": list, "meta": map[string]any{"result_count": len(list)}}, false
	case "x-com POST /2/tweets":
		p := w.keep(platform, "", text("text"))
		if reply, ok := in["reply"].(map[string]any); ok {
			w.change(platform, p.ID, func(p *worldPost) { p.On, _ = reply["in_reply_to_tweet_id"].(string) })
		}
		return map[string]any{"data": map[string]any{"id": p.ID, "text": p.Text}}, true
	case "bluesky POST /xrpc/com.atproto.server.createSession", "bluesky POST /xrpc/com.atproto.server.refreshSession":
		return map[string]any{"did": "did:plc:ewvi7nxzyoun6zhxrhs64oiz", "handle": "comune.test", "accessJwt": "access", "refreshJwt": "refresh", "active": true}, false
	case "bluesky GET /xrpc/com.atproto.server.describeServer", "bluesky GET /xrpc/com.atproto.server.getSession", "bluesky GET /xrpc/com.atproto.identity.resolveHandle":
		return map[string]any{"did": "did:plc:ewvi7nxzyoun6zhxrhs64oiz", "handle": "comune.test", "active": true, "availableUserDomains": []string{".test"}}, false
	case "bluesky GET /xrpc/com.atproto.repo.getRecord":
		for _, p := range w.of(platform, "") {
			if p.ID == r.URL.Query().Get("rkey") {
				return map[string]any{"uri": "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/" + p.ID, "cid": worldCID, "value": map[string]any{"$type": "app.bsky.feed.post", "text": p.Text, "createdAt": p.At}}, false
			}
		}
		return worldRefusal("RecordNotFound"), false
	case "bluesky POST /xrpc/com.atproto.repo.putRecord":
		record, _ := in["record"].(map[string]any)
		words, _ := record["text"].(string)
		key := text("rkey")
		for _, p := range w.of(platform, "") {
			if p.ID == key { // the same record once more
				key = ""
			}
		}
		if key != "" {
			w.keep(platform, key, words)
			if reply, ok := record["reply"].(map[string]any); ok {
				parent, _ := reply["parent"].(map[string]any)
				uri, _ := parent["uri"].(string)
				w.change(platform, key, func(p *worldPost) { p.On = filepath.Base(uri) })
			}
		}
		return map[string]any{"uri": "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/" + text("rkey"), "cid": worldCID, "validationStatus": "valid"}, true
	}
	return nil, false
}

const worldCID = "bafyreihffx5a2e7k6d5zrgtzhrqakcnqtfk4fnrj3q6zzyzbi5jhhtqmgq"

// config is the channels that post there, for a configuration in dir. Pictures
// are another matter.
func (w *world) config(t testing.TB, dir string) string {
	t.Helper()
	for _, name := range []string{"mastodon", "facebook", "bluesky", "x1", "x2", "x3", "x4"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("secret-of-"+name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf(`
  - {name: bluesky, kind: bluesky, language: it, pds: %[1]s/bluesky, handle: comune.test, password_file: bluesky, no_image: true, per_second: 100}
  - {name: facebook, kind: facebook, language: it, graph: %[1]s/facebook, version: v25.0, page: "1234567890", token_file: facebook, per_second: 100, per_hour: 100000}
  - {name: mastodon, kind: mastodon, language: it, url: %[1]s/mastodon, token_file: mastodon, no_image: true, per_second: 100}
  - {name: x-com, kind: x, language: it, url: %[1]s/x-com, consumer_key_file: x1, consumer_secret_file: x2, token_file: x3, token_secret_file: x4, per_second: 100, per_day: 100000}
`, w.URL)
}
