package x

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"
	"golang.org/x/text/unicode/norm"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// The credentials of the account at the stub. None is real.
const (
	consumerKey    = "c0nsum3rK3yOfTheTown"
	consumerSecret = "c0nsum3r/S3cr3t+OfTheTown="
	userKey        = "7-t0k3nOfTheTown"
	userSecret     = "t0k3nS3cr3t&OfTheTown"
	clientID       = "cl13ntOfTheTown"
	clientSecret   = "cl13nt:S3cr3t"
	firstRefresh   = "r3fr3sh-0-OfTheTown"
)

// secretFile writes a secret as its owner would.
func secretFile(t testing.TB, name, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func config(t testing.TB, baseURL string) Config {
	return Config{URL: baseURL, ConsumerKeyFile: secretFile(t, "ck", consumerKey), ConsumerSecretFile: secretFile(t, "cs", consumerSecret),
		TokenFile: secretFile(t, "t", userKey), TokenSecretFile: secretFile(t, "ts", userSecret)}
}

func channel(t testing.TB, baseURL string, change func(*Config)) *Channel {
	t.Helper()
	cfg := config(t, baseURL)
	if change != nil {
		change(&cfg)
	}
	c, err := New("comune-x", cfg, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tweet is a post at the stub.
type tweet struct {
	id, text, reply string
	media           []string
	created         time.Time
}

// picture is an upload at the stub.
type picture struct {
	size int
	alt  string
}

// server is X as its documentation has it: it refuses what the schema does not
// know, verifies each signature, rewrites links, and on demand takes no text
// twice.
type server struct {
	http.ServeMux

	mu         sync.Mutex
	limit      int
	duplicates bool // refused, as X does
	access     string
	plan       string
	next       int
	posts      []tweet // the newest first
	pictures   map[string]*picture
	judge      func(r *http.Request) error // of signatures; nil: the stub's own
	calls      []string                    // method and path
	upload     http.HandlerFunc            // misbehaves
	describe   http.HandlerFunc

	// OAuth 2.0
	refresh   string // the only one that is taken
	bearers   []string
	refreshes int
	lasts     int  // seconds of an access token
	keeps     bool // the refresh token is not replaced
	public    bool // the client has no secret
}

func newServer(testing.TB) *server {
	s := &server{limit: usualWeight, access: "read-write", plan: "None", next: 1_800_000_000_000_000_000, pictures: map[string]*picture{}, refresh: firstRefresh, lasts: 7200}
	s.HandleFunc("POST /2/tweets", s.signed(s.create))
	s.HandleFunc("DELETE /2/tweets/{id}", s.signed(s.remove))
	s.HandleFunc("GET /2/users/me", s.signed(func(w http.ResponseWriter, r *http.Request) {
		if !only(w, r.URL.Query(), "user.fields") {
			return
		}
		respond(w, 200, map[string]any{"data": map[string]any{"id": "7", "name": "Comune", "username": "comune", "subscription_type": s.plan}})
	}))
	s.HandleFunc("GET /2/users/{id}/tweets", s.signed(s.timeline))
	s.HandleFunc("POST /2/media/upload", s.signed(func(w http.ResponseWriter, r *http.Request) {
		if s.upload != nil {
			s.upload(w, r)
			return
		}
		s.takePicture(w, r)
	}))
	s.HandleFunc("POST /2/media/metadata", s.signed(func(w http.ResponseWriter, r *http.Request) {
		if s.describe != nil {
			s.describe(w, r)
			return
		}
		s.takeAlt(w, r)
	}))
	s.HandleFunc("POST /2/oauth2/token", s.token)
	s.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	return s
}

func respond(w http.ResponseWriter, code int, v any) {
	kind := "application/json; charset=utf-8"
	if code >= 400 {
		kind = "application/problem+json"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

func explain(w http.ResponseWriter, code int, kind, title, detail string) {
	if kind != "about:blank" {
		kind = "https://api.twitter.com/2/problems/" + kind
	}
	respond(w, code, map[string]any{"title": title, "detail": detail, "type": kind, "status": code})
}

func invalid(w http.ResponseWriter, message string) {
	respond(w, 400, map[string]any{"errors": []any{map[string]any{"parameters": map[string]any{}, "message": message}},
		"title": "Invalid Request", "detail": "One or more parameters to your request was invalid.", "type": "https://api.twitter.com/2/problems/invalid-request"})
}

// only refuses parameters of the query that are not documented.
func only(w http.ResponseWriter, query url.Values, known ...string) bool {
	for name := range query {
		if !slices.Contains(known, name) {
			invalid(w, fmt.Sprintf("The query parameter [%s] is not one of [%s]", name, strings.Join(known, ",")))
			return false
		}
	}
	return true
}

// strict decodes a body whose every field the schema knows.
func strict(w http.ResponseWriter, r *http.Request, into any) bool {
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "application/json" {
		explain(w, 415, "about:blank", "Unsupported Media Type", "Unsupported Media Type")
		return false
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		field := strings.Trim(strings.TrimPrefix(err.Error(), "json: unknown field "), `"`)
		invalid(w, "$."+field+": is not defined in the schema and the schema does not allow additional properties")
		return false
	}
	return true
}

// signed lets in who proves to be the account, by either OAuth.
func (s *server) signed(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls = append(s.calls, r.Method+" "+r.URL.Path)
		who := r.Header.Get("Authorization")
		var err error
		switch {
		case strings.HasPrefix(who, "Bearer "):
			if len(s.bearers) == 0 || who != "Bearer "+s.bearers[len(s.bearers)-1] {
				err = fmt.Errorf("another token")
			}
		case s.judge != nil:
			err = s.judge(r)
		default:
			err = goodSignature(r)
		}
		if err != nil {
			explain(w, 401, "about:blank", "Unauthorized", "Unauthorized")
			return
		}
		w.Header().Set("X-Access-Level", s.access)
		w.Header().Set("X-Rate-Limit-Limit", "100")
		w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(time.Now().Add(15*time.Minute).Unix(), 10))
		h(w, r)
	}
}

// goodSignature verifies RFC 5849 in another way than the adapter signs: with
// net/url, and a sorted query as it stands.
func goodSignature(r *http.Request) error {
	escape := func(s string) string {
		return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(s))
	}
	all := r.URL.Query()
	given := ""
	for part := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), "OAuth "), ", ") {
		name, value, _ := strings.Cut(part, "=")
		value, err := url.PathUnescape(strings.Trim(value, `"`))
		if err != nil {
			return err
		}
		if name == "oauth_signature" {
			given = value
			continue
		}
		all.Set(name, value)
	}
	if all.Get("oauth_consumer_key") != consumerKey || all.Get("oauth_token") != userKey || len(all.Get("oauth_nonce")) < 16 {
		return fmt.Errorf("another application or token")
	}
	var lines []string
	for name, values := range all {
		for _, v := range values {
			lines = append(lines, escape(name)+"="+escape(v))
		}
	}
	sort.Strings(lines)
	base := r.Method + "&" + escape("http://"+r.Host+r.URL.Path) + "&" + escape(strings.Join(lines, "&"))
	mac := hmac.New(sha1.New, []byte(escape(consumerSecret)+"&"+escape(userSecret)))
	io.WriteString(mac, base)
	if base64.StdEncoding.EncodeToString(mac.Sum(nil)) != given {
		return fmt.Errorf("the signature is not right")
	}
	return nil
}

func (s *server) create(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Text  string `json:"text"`
		Reply *struct {
			ID string `json:"in_reply_to_tweet_id"`
		} `json:"reply"`
		Media *struct {
			IDs []string `json:"media_ids"`
		} `json:"media"`
	}
	if !strict(w, r, &in) {
		return
	}
	p := tweet{text: in.Text}
	switch {
	case in.Text == "" && in.Media == nil:
		invalid(w, "$.text: is missing")
		return
	case channels.Weighted(in.Text) > s.limit:
		explain(w, 403, "about:blank", "Forbidden", "You are not permitted to perform this action.")
		return
	}
	if in.Reply != nil {
		if !postID.MatchString(in.Reply.ID) {
			invalid(w, "$.reply.in_reply_to_tweet_id: does not match the regex pattern ^[0-9]{1,19}$")
			return
		}
		if p.reply = in.Reply.ID; s.find(p.reply) < 0 {
			explain(w, 403, "about:blank", "Forbidden", "You attempted to reply to a Tweet that is deleted or not visible to you.")
			return
		}
	}
	if in.Media != nil {
		if n := len(in.Media.IDs); n < 1 || n > 4 {
			invalid(w, "$.media.media_ids: there must be a minimum of 1 items in the array")
			return
		}
		for _, id := range in.Media.IDs {
			if s.pictures[id] == nil {
				explain(w, 400, "invalid-request", "Invalid Request", "Your media IDs are invalid.")
				return
			}
		}
		p.media = in.Media.IDs
	}
	if s.duplicates && slices.ContainsFunc(s.posts, func(o tweet) bool { return o.text == in.Text }) {
		explain(w, 403, "about:blank", "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
		return
	}
	s.next++
	p.id, p.created = strconv.Itoa(s.next), channeltest.SampleSent.Add(time.Duration(len(s.posts)+1)*time.Second)
	s.posts = append([]tweet{p}, s.posts...)
	respond(w, 201, map[string]any{"data": map[string]any{"id": p.id, "text": p.text, "edit_history_tweet_ids": []string{p.id}}})
}

func (s *server) find(id string) int {
	return slices.IndexFunc(s.posts, func(p tweet) bool { return p.id == id })
}

func (s *server) remove(w http.ResponseWriter, r *http.Request) {
	if !postID.MatchString(r.PathValue("id")) {
		invalid(w, "The `id` query parameter value ["+r.PathValue("id")+"] is not valid")
		return
	}
	i := s.find(r.PathValue("id"))
	if i < 0 {
		explain(w, 404, "resource-not-found", "Not Found Error", "Could not find tweet with id: ["+r.PathValue("id")+"].")
		return
	}
	s.posts = slices.Delete(s.posts, i, i+1)
	respond(w, 200, map[string]any{"data": map[string]any{"deleted": true}})
}

var written = regexp.MustCompile(`https?://[^\s]+|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:it|com|org)\b(?:/[^\s]*)?`)

// shown is a post as the timeline gives it: links shortened, a link for the
// picture, the text of more than 280 cut.
func shown(p tweet) map[string]any {
	var urls []any
	short := func(text string) string {
		urls = nil
		text = written.ReplaceAllStringFunc(html.EscapeString(text), func(link string) string {
			tco := fmt.Sprintf("https://t.co/%s%02d", p.id[len(p.id)-6:], len(urls))
			expanded := html.UnescapeString(link)
			if !strings.HasPrefix(expanded, "http") {
				expanded = "http://" + expanded
			}
			urls = append(urls, map[string]any{"url": tco, "expanded_url": expanded, "display_url": strings.TrimPrefix(expanded, "https://"), "start": 0, "end": 23})
			return tco
		})
		return strings.NewReplacer("&#39;", "'", "&#34;", `"`).Replace(text)
	}
	out := map[string]any{"id": p.id, "created_at": p.created.UTC().Format("2006-01-02T15:04:05.000Z"), "edit_history_tweet_ids": []string{p.id}}
	p.text = norm.NFC.String(p.text)
	text := short(p.text)
	if channels.Weighted(p.text) > usualWeight {
		out["note_tweet"] = map[string]any{"text": text, "entities": map[string]any{"urls": urls}}
		text = short(string([]rune(p.text)[:200])) + "…"
	}
	for range p.media {
		text += " https://t.co/picture001"
		urls = append(urls, map[string]any{"url": "https://t.co/picture001", "expanded_url": "https://x.com/comune/status/" + p.id + "/photo/1", "media_key": "3_1"})
	}
	out["text"] = text
	if len(urls) > 0 {
		out["entities"] = map[string]any{"urls": urls}
	}
	return out
}

func (s *server) timeline(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !only(w, q, "max_results", "exclude", "tweet.fields", "pagination_token") {
		return
	}
	n, err := strconv.Atoi(q.Get("max_results"))
	if err != nil || n < 5 || n > 100 || r.PathValue("id") != "7" {
		invalid(w, "The `max_results` query parameter value ["+q.Get("max_results")+"] is not between 5 and 100")
		return
	}
	at, _ := strconv.Atoi(strings.TrimPrefix(q.Get("pagination_token"), "page-"))
	data := []any{}
	for _, p := range s.posts[min(at, len(s.posts)):min(at+n, len(s.posts))] {
		data = append(data, shown(p))
	}
	meta := map[string]any{"result_count": len(data)}
	if at+n < len(s.posts) {
		meta["next_token"] = fmt.Sprint("page-", at+n)
	}
	out := map[string]any{"meta": meta}
	if len(data) > 0 {
		out["data"] = data
	}
	respond(w, 200, out)
}

func (s *server) takePicture(w http.ResponseWriter, r *http.Request) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		explain(w, 415, "about:blank", "Unsupported Media Type", "Unsupported Media Type")
		return
	}
	got := map[string]string{}
	kind := ""
	reader := multipart.NewReader(r.Body, params["boundary"])
	for {
		part, err := reader.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			invalid(w, "the form breaks off")
			return
		}
		b, _ := io.ReadAll(part)
		name := part.FormName()
		if !slices.Contains([]string{"media", "media_category", "media_type", "additional_owners", "shared"}, name) || got[name] != "" {
			invalid(w, "$."+name+": is not defined in the schema and the schema does not allow additional properties")
			return
		}
		if name == "media" {
			if kind = part.Header.Get("Content-Type"); part.FileName() == "" {
				invalid(w, "$.media: is no file")
				return
			}
		}
		got[name] = string(b)
	}
	switch {
	case !slices.Contains([]string{"tweet_image", "dm_image", "subtitles"}, got["media_category"]):
		invalid(w, "$.media_category: does not have a value in the enumeration [tweet_image, dm_image, subtitles]")
	case got["media_type"] != "image/png" || kind != got["media_type"] || !strings.HasPrefix(got["media"], "\x89PNG\r\n\x1a\n"):
		explain(w, 400, "invalid-request", "Invalid Request", "media type unrecognized.")
	case len(got["media"]) > pictureLimit:
		explain(w, 413, "about:blank", "Payload Too Large", "File size exceeds 5242880 bytes.")
	default:
		s.next++
		id := strconv.Itoa(s.next)
		s.pictures[id] = &picture{size: len(got["media"])}
		respond(w, 200, map[string]any{"data": map[string]any{"id": id, "media_key": "3_" + id, "size": len(got["media"]), "expires_after_secs": 86400}})
	}
}

func (s *server) takeAlt(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ID       string `json:"id"`
		Metadata struct {
			Alt struct {
				Text string `json:"text"`
			} `json:"alt_text"`
		} `json:"metadata"`
	}
	if !strict(w, r, &in) {
		return
	}
	if n := utf8.RuneCountInString(in.Metadata.Alt.Text); s.pictures[in.ID] == nil || n < 1 || n > 1000 {
		invalid(w, "$.metadata.alt_text.text: may only be 1000 characters long")
		return
	}
	s.pictures[in.ID].alt = in.Metadata.Alt.Text
	respond(w, 200, map[string]any{"data": map[string]any{"id": in.ID, "associated_metadata": in.Metadata}})
}

// token is the endpoint of OAuth 2.0 (RFC 6749 section 6): a refresh token works
// once.
func (s *server) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, password, basic := r.BasicAuth()
	if r.ParseForm() != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.PostForm.Get("grant_type") != "refresh_token" {
		respond(w, 400, map[string]any{"error": "unsupported_grant_type"})
		return
	}
	user, _ = url.QueryUnescape(user)
	password, _ = url.QueryUnescape(password)
	if s.public && (basic || r.PostForm.Get("client_id") != clientID) || !s.public && (user != clientID || password != clientSecret) {
		respond(w, 401, map[string]any{"error": "unauthorized_client", "error_description": "Missing valid authorization header"})
		return
	}
	if r.PostForm.Get("refresh_token") != s.refresh {
		respond(w, 400, map[string]any{"error": "invalid_request", "error_description": "Value passed for the token was invalid."})
		return
	}
	s.refreshes++
	s.bearers = append(s.bearers, fmt.Sprintf("b34r3r-%d-OfTheTown", s.refreshes))
	out := map[string]any{"token_type": "bearer", "expires_in": s.lasts, "access_token": s.bearers[len(s.bearers)-1], "scope": "tweet.read tweet.write users.read media.write offline.access"}
	if !s.keeps {
		s.refresh = fmt.Sprintf("r3fr3sh-%d-OfTheTown", s.refreshes)
		out["refresh_token"] = s.refresh
	}
	respond(w, 200, out)
}

// posting tells which requests post something that people see.
func posting(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Path == "/2/tweets" }
