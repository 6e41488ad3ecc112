package mastodon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"martinella/channels/channeltest"
)

const token = "t0k3n-0f-th3-t0wn"

// server is a small Mastodon that judges requests by docs.joinmastodon.org: a
// path, header, field or value that is not documented there is an error of the
// test. It ignores Idempotency-Key, as GoToSocial does, and wraps links as
// Mastodon does.
type server struct {
	http.ServeMux
	t testing.TB

	mu       sync.Mutex
	next     int
	posts    []*post // the newest first
	media    map[string]*medium
	keys     []string
	calls    []string
	limit    int
	v1       bool // has no /api/v2/instance
	types    []string
	size     int
	slow     int // how often a new picture is still being worked on: 202, then 206
	uploads  []http.HandlerFunc
	instance map[string]any
}

// post is a status as the server gives it.
type post struct {
	ID         string    `json:"id"`
	URL        string    `json:"url"`
	Content    string    `json:"content"`
	Visibility string    `json:"visibility"`
	Language   string    `json:"language"`
	InReplyTo  string    `json:"in_reply_to_id"`
	CreatedAt  string    `json:"created_at"`
	EditedAt   *string   `json:"edited_at"`
	Media      []*medium `json:"media_attachments"`
	history    []string
}

// medium is a MediaAttachment.
type medium struct {
	ID          string  `json:"id"`
	Type        string  `json:"type"`
	URL         *string `json:"url"`
	Description string  `json:"description"`
	bytes       []byte
	waiting     int
	of          string // the post that it is attached to
}

const pngHead = "\x89PNG\r\n\x1a\n"

func newServer(t testing.TB) *server {
	s := &server{t: t, limit: 500, next: 100, media: map[string]*medium{}, types: []string{"image/jpeg", "image/png"}, size: 16 << 20}
	on := func(pattern string, signed bool, h http.HandlerFunc) {
		s.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if signed && r.Header.Get("Authorization") != "Bearer "+token {
				answer(w, http.StatusUnauthorized, map[string]string{"error": "The access token is invalid"})
				return
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.calls = append(s.calls, r.Method+" "+r.URL.Path)
			h(w, r)
		})
	}
	on("POST /api/v1/statuses", true, s.create)
	on("GET /api/v1/statuses/{id}", true, func(w http.ResponseWriter, r *http.Request) { s.give(w, r, func(p *post) any { return p }) })
	on("PUT /api/v1/statuses/{id}", true, s.edit)
	on("DELETE /api/v1/statuses/{id}", true, s.remove)
	on("GET /api/v1/statuses/{id}/history", true, func(w http.ResponseWriter, r *http.Request) {
		s.give(w, r, func(p *post) any {
			var out []map[string]any
			for _, content := range append(slices.Clone(p.history), p.Content) {
				out = append(out, map[string]any{"content": content, "created_at": p.CreatedAt})
			}
			return out
		})
	})
	on("POST /api/v2/media", true, s.upload)
	on("GET /api/v1/media/{id}", true, s.progress)
	on("GET /api/v1/accounts/verify_credentials", true, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{"id": "7", "username": "comune", "acct": "comune", "source": map[string]any{"privacy": "public"}})
	})
	on("GET /api/v1/accounts/7/statuses", true, s.timeline)
	on("GET /api/v1/instance", false, s.about)
	on("GET /api/v2/instance", false, func(w http.ResponseWriter, r *http.Request) {
		if s.v1 {
			answer(w, http.StatusNotFound, map[string]string{"error": "Not Found"})
			return
		}
		s.about(w, r)
	})
	s.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.t.Errorf("not in the documentation: %s %s", r.Method, r.URL.Path)
		w.WriteHeader(http.StatusNotFound)
	})
	return s
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

func missing(w http.ResponseWriter) {
	answer(w, http.StatusNotFound, map[string]string{"error": "Record not found"})
}

func invalid(w http.ResponseWriter, why string) {
	answer(w, http.StatusUnprocessableEntity, map[string]string{"error": "Validation failed: " + why})
}

func (s *server) about(w http.ResponseWriter, _ *http.Request) {
	out := map[string]any{"title": "Stub", "configuration": map[string]any{
		"statuses":          map[string]any{"max_characters": s.limit, "characters_reserved_per_url": 23, "max_media_attachments": 4},
		"media_attachments": map[string]any{"supported_mime_types": s.types, "image_size_limit": s.size, "description_limit": 1500},
	}}
	maps.Copy(out, s.instance)
	answer(w, 200, out)
}

func (s *server) find(id string) *post {
	for _, p := range s.posts {
		if p.ID == id {
			return p
		}
	}
	return nil
}

func (s *server) give(w http.ResponseWriter, r *http.Request, what func(*post) any) {
	if p := s.find(r.PathValue("id")); p != nil {
		answer(w, 200, what(p))
		return
	}
	missing(w)
}

var (
	link     = regexp.MustCompile(`(https?://)(\S{0,30})(\S*)`)
	iso639   = regexp.MustCompile(`^[a-z]{2,3}$`)
	fields   = []string{"status", "media_ids", "in_reply_to_id", "sensitive", "spoiler_text", "visibility", "language", "scheduled_at", "quoted_status_id", "quote_approval_policy"}
	editable = []string{"status", "media_ids", "media_attributes", "sensitive", "spoiler_text", "language", "quote_approval_policy"}
)

var hashtag = regexp.MustCompile(`(^|[\s(])#([\pL\pN_]+)`)

func asHTML(text string) string {
	text = link.ReplaceAllString(html.EscapeString(text), `<a href="$0"><span class="invisible">$1</span><span class="ellipsis">$2</span><span class="invisible">$3</span></a>`)
	text = hashtag.ReplaceAllString(text, `$1<a href="https://social.example/tags/$2" class="mention hashtag" rel="tag">#<span>$2</span></a>`)
	return "<p>" + strings.ReplaceAll(text, "\n", "<br />") + "</p>"
}

// read judges the body of a status.
func (s *server) read(w http.ResponseWriter, r *http.Request, known []string) (in status, ok bool) {
	body, _ := io.ReadAll(r.Body)
	var all map[string]json.RawMessage
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "application/json" || json.Unmarshal(body, &all) != nil || json.Unmarshal(body, &in) != nil {
		s.t.Errorf("%s %s: the body is no JSON: %q", r.Method, r.URL.Path, body)
		invalid(w, "body")
		return in, false
	}
	for key := range all {
		if !slices.Contains(known, key) {
			s.t.Errorf("%s %s: the field %q is not documented", r.Method, r.URL.Path, key)
		}
	}
	if in.Language != "" && !iso639.MatchString(in.Language) {
		s.t.Errorf("language %q", in.Language)
	}
	if in.Status == "" && len(in.MediaIDs) == 0 {
		invalid(w, "Text can't be blank")
		return in, false
	}
	if n := utf8.RuneCountInString(link.ReplaceAllString(in.Status, strings.Repeat("x", 23))); n > s.limit {
		invalid(w, fmt.Sprintf("Text character limit of %d exceeded", s.limit))
		return in, false
	}
	return in, true
}

// attach gives the media of a post; false and an answer where they cannot be
// attached.
func (s *server) attach(w http.ResponseWriter, p *post, ids []string) bool {
	var out []*medium
	for _, id := range ids {
		m := s.media[id]
		if m == nil || m.of != "" && m.of != p.ID {
			invalid(w, "Media not found")
			return false
		}
		if m.URL == nil {
			invalid(w, "Cannot attach files that have not finished processing. Try again in a moment!")
			return false
		}
		out = append(out, m)
	}
	for _, m := range out {
		m.of = p.ID
	}
	p.Media = out
	return true
}

func (s *server) create(w http.ResponseWriter, r *http.Request) {
	in, ok := s.read(w, r, fields)
	if !ok {
		return
	}
	if !slices.Contains([]string{"", "public", "unlisted", "private", "direct"}, in.Visibility) {
		s.t.Errorf("visibility %q", in.Visibility)
	}
	if in.InReplyToID != "" && s.find(in.InReplyToID) == nil {
		missing(w)
		return
	}
	s.next++
	p := &post{ID: fmt.Sprint(s.next), URL: fmt.Sprintf("https://social.example/@comune/%d", s.next), Content: asHTML(in.Status), Visibility: in.Visibility,
		Language: in.Language, InReplyTo: in.InReplyToID, CreatedAt: channeltest.SampleSent.Add(time.Duration(s.next) * time.Second).Format("2006-01-02T15:04:05.000Z")}
	if !s.attach(w, p, in.MediaIDs) {
		return
	}
	s.keys = append(s.keys, r.Header.Get("Idempotency-Key"))
	s.posts = append([]*post{p}, s.posts...)
	answer(w, 200, p)
}

func (s *server) edit(w http.ResponseWriter, r *http.Request) {
	in, ok := s.read(w, r, editable)
	if !ok {
		return
	}
	p := s.find(r.PathValue("id"))
	if p == nil {
		missing(w)
		return
	}
	if !s.attach(w, p, in.MediaIDs) {
		return
	}
	at := "2026-11-21T12:00:00.000Z"
	p.history = append(p.history, p.Content)
	p.Content, p.EditedAt, p.Language = asHTML(in.Status), &at, in.Language
	answer(w, 200, p)
}

func (s *server) remove(w http.ResponseWriter, r *http.Request) {
	for i, p := range s.posts {
		if p.ID == r.PathValue("id") {
			s.posts = slices.Delete(s.posts, i, i+1)
			answer(w, 200, p)
			return
		}
	}
	missing(w)
}

func (s *server) timeline(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	for key := range query {
		if !slices.Contains([]string{"max_id", "since_id", "min_id", "limit", "only_media", "exclude_replies", "exclude_reblogs", "pinned", "tagged"}, key) {
			s.t.Errorf("the query %q is not documented", key)
		}
	}
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit < 1 || limit > 40 {
		s.t.Errorf("limit %q: at most 40", query.Get("limit"))
	}
	page := s.posts
	if before := query.Get("max_id"); before != "" {
		page = page[slices.IndexFunc(page, func(p *post) bool { return p.ID == before })+1:]
	}
	answer(w, 200, page[:min(limit, len(page))])
}

// upload judges a picture: multipart, with the documented fields.
func (s *server) upload(w http.ResponseWriter, r *http.Request) {
	if len(s.uploads) > 0 {
		script := s.uploads[0]
		s.uploads = s.uploads[1:]
		if script != nil {
			script(w, r)
			return
		}
	}
	media, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		s.t.Errorf("a picture of type %q, %v", media, err)
		invalid(w, "type")
		return
	}
	m := &medium{Type: "image"}
	parts := multipart.NewReader(r.Body, parameters["boundary"])
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			s.t.Errorf("the form: %v", err)
			return
		}
		value, _ := io.ReadAll(part)
		switch part.FormName() {
		case "file":
			if part.FileName() == "" || !slices.Contains(s.types, part.Header.Get("Content-Type")) || !bytes.HasPrefix(value, []byte(pngHead)) {
				invalid(w, "File content type is invalid, File is invalid")
				return
			}
			m.bytes = value
		case "description":
			if m.Description = string(value); utf8.RuneCountInString(m.Description) > 1500 {
				invalid(w, "Description is too long (maximum is 1500 characters)")
				return
			}
		case "focus":
			x, y, _ := strings.Cut(string(value), ",")
			fx, errX := strconv.ParseFloat(x, 64)
			fy, errY := strconv.ParseFloat(y, 64)
			if errX != nil || errY != nil || fx < -1 || fx > 1 || fy < -1 || fy > 1 {
				s.t.Errorf("focus %q", value)
			}
		default:
			s.t.Errorf("the form field %q is not documented", part.FormName())
		}
	}
	if len(m.bytes) == 0 || len(m.bytes) > s.size {
		invalid(w, "File size is not right")
		return
	}
	s.next++
	m.ID, m.waiting = fmt.Sprint(s.next), s.slow
	s.media[m.ID] = m
	if m.waiting > 0 {
		answer(w, http.StatusAccepted, m)
		return
	}
	m.done()
	answer(w, 200, m)
}

func (m *medium) done() {
	address := "https://files.social.example/" + m.ID + ".png"
	m.URL = &address
}

func (s *server) progress(w http.ResponseWriter, r *http.Request) {
	m := s.media[r.PathValue("id")]
	switch {
	case m == nil:
		missing(w)
	case m.waiting > 1:
		m.waiting--
		answer(w, http.StatusPartialContent, map[string]any{})
	default:
		m.done()
		answer(w, 200, m)
	}
}

// registrar lets accounts be connected.
type registrar struct {
	*server
	code    string
	apps    int
	scope   string
	expires int64
	privacy string
	failing int // how many of the next requests are answered 500
}

func newRegistrar(t testing.TB) *registrar {
	return &registrar{server: newServer(t), code: "c0d3", scope: scopes, privacy: "public"}
}

func (g *registrar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.failing > 0 {
		g.failing--
		answer(w, http.StatusInternalServerError, map[string]string{"error": "something went wrong"})
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /api/v1/apps":
		form := g.form(r, "client_name", "redirect_uris", "scopes", "website")
		if form.Get("client_name") == "" || form.Get("redirect_uris") != "urn:ietf:wg:oauth:2.0:oob" || form.Get("scopes") != "read write:statuses write:media" {
			g.t.Errorf("registered with %v", form)
		}
		g.apps++
		answer(w, 200, map[string]any{"id": "563419", "name": "Martinella", "client_id": "cl13nt", "client_secret": "s3cr3t-of-the-app"})
	case "POST /oauth/token":
		form := g.form(r, "grant_type", "code", "client_id", "client_secret", "redirect_uri", "scope")
		want := url.Values{"grant_type": {"authorization_code"}, "code": form["code"], "client_id": {"cl13nt"}, "client_secret": {"s3cr3t-of-the-app"}, "redirect_uri": {outOfBand}, "scope": {scopes}}
		if form.Encode() != want.Encode() {
			g.t.Errorf("a token was asked with %v", form)
		}
		if form.Get("code") != g.code {
			answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": "The provided authorization grant is invalid, expired, revoked: " + form.Get("code")})
			return
		}
		out := map[string]any{"access_token": token, "token_type": "Bearer", "scope": g.scope, "created_at": 1795291805}
		if g.expires > 0 {
			out["expires_in"] = g.expires
		}
		answer(w, 200, out)
	case "GET /api/v1/accounts/verify_credentials":
		if r.Header.Get("Authorization") != "Bearer "+token {
			g.t.Errorf("asked with %q", r.Header.Get("Authorization"))
		}
		answer(w, 200, map[string]any{"id": "7", "acct": "comune", "source": map[string]any{"privacy": g.privacy}})
	default:
		g.server.ServeHTTP(w, r)
	}
}

func (g *registrar) form(r *http.Request, known ...string) url.Values {
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		g.t.Errorf("%s: no form: %v", r.URL.Path, err)
	}
	for key := range form {
		if !slices.Contains(known, key) {
			g.t.Errorf("%s: the field %q is not documented", r.URL.Path, key)
		}
	}
	return form
}
