package facebook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"martinella/channels/channeltest"
)

const (
	pageID     = "104567890123456"
	otherPage  = "104567890123999"
	appID      = "987654321012345"
	appSecret  = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	pageToken  = "EAABpagetokenZBxyz0123456789ABCDEF"
	otherToken = "EAABothertokenZBxyz0123456789ABCDEF"
	userToken  = "EAABusertokenZBshort0123456789"
	longToken  = "EAABusertokenZBlong0123456789"
)

// fakePost is a post on the page.
type fakePost struct {
	id, message, link, photo string
	published                bool
	byApp                    bool // made with our app
	edited                   int
	created                  time.Time
}

// fakeGraph is a small Graph API that refuses what Meta's documentation does
// not have: unknown fields, other shapes, wrong tokens and proofs.
type fakeGraph struct {
	t testing.TB

	mu         sync.Mutex
	next       int
	posts      []*fakePost // the newest first
	photos     map[string]string
	alts       []string
	deleted    []string
	pictures   []string // media types of what was uploaded
	duplicates bool     // the same words twice are refused
	proof      bool     // calls without the app's proof are refused
	away       bool     // the token has lost the page
	tokens     map[string]inspection
	pages      []page // of the person
	unlisted   []page // of a business portfolio: left out of the list
	seen       []string
	// script answers a call instead; false lets the fake answer.
	script func(w http.ResponseWriter, r *http.Request) bool
}

func newGraphStub(t testing.TB) *fakeGraph {
	scopes := []string{"pages_show_list", "pages_manage_posts", "pages_read_engagement"}
	return &fakeGraph{t: t, next: 700, photos: map[string]string{}, tokens: map[string]inspection{
		pageToken:  {AppID: appID, Type: "PAGE", Valid: true, ProfileID: pageID, Scopes: scopes},
		otherToken: {AppID: appID, Type: "PAGE", Valid: true, ProfileID: otherPage, Scopes: scopes},
		userToken:  {AppID: appID, Type: "USER", Valid: true, Expires: time.Now().Add(time.Hour).Unix(), Scopes: scopes},
		longToken:  {AppID: appID, Type: "USER", Valid: true, Expires: time.Now().Add(60 * 24 * time.Hour).Unix(), Scopes: scopes},
	}, pages: []page{{ID: pageID, Name: "Comune di Valdemo", AccessToken: pageToken}}}
}

// fail answers as the Graph API does.
func fail(w http.ResponseWriter, status, code, subcode int, message string) {
	in := map[string]any{"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "EJplcsCHuLu"}
	if subcode != 0 {
		in["error_subcode"] = subcode
	}
	reply(w, status, map[string]any{"error": in})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Facebook-Api-Version", defaultVersion)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func (f *fakeGraph) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path, versioned := strings.CutPrefix(r.URL.Path, "/"+defaultVersion+"/")
	f.seen = append(f.seen, r.Method+" "+path)
	if f.script != nil && f.script(w, r) {
		return
	}
	if !versioned {
		fail(w, 400, 2500, 0, "Unknown path components: "+r.URL.Path)
		return
	}
	fields, ok := f.fields(w, r)
	if !ok {
		return
	}
	if path == "oauth/access_token" {
		f.exchange(w, r, fields)
		return
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	known, isToken := f.tokens[token]
	isApp := token == appID+"|"+appSecret
	switch {
	case !bearer:
		fail(w, 400, 104, 0, "An access token is required to request this resource.")
	case !isApp && (!isToken || !known.Valid):
		fail(w, 401, 190, 463, "Error validating access token: Session has expired: "+token)
	case f.proof && fields.Get("appsecret_proof") == "":
		fail(w, 400, 100, 0, "API calls from the server require an appsecret_proof argument")
	case fields.Has("appsecret_proof") && fields.Get("appsecret_proof") != proofOf(token, appSecret):
		fail(w, 400, 100, 0, "Invalid appsecret_proof provided in the API argument")
	default:
		fields.Del("appsecret_proof")
		f.route(w, r, path, token, known, fields)
	}
}

// fields reads what a call brings, from the only place that its kind has.
func (f *fakeGraph) fields(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	query := r.URL.Query()
	if r.Method != http.MethodPost {
		if body, _ := io.ReadAll(r.Body); len(body) > 0 {
			f.t.Errorf("%s %s has a body", r.Method, r.URL.Path)
		}
		return f.clean(w, r, query)
	}
	if len(query) > 0 {
		f.t.Errorf("POST %s has fields in its address", r.URL.Path)
	}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	body, _ := io.ReadAll(r.Body)
	switch {
	case err == nil && media == "application/x-www-form-urlencoded":
		fields, err := url.ParseQuery(string(body))
		if err != nil {
			fail(w, 400, 100, 0, "Invalid parameter")
			return nil, false
		}
		return f.clean(w, r, fields)
	case err == nil && media == "multipart/form-data":
		form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(20 << 20)
		if err != nil {
			fail(w, 400, 100, 0, "Invalid parameter")
			return nil, false
		}
		r.MultipartForm = form
		return f.clean(w, r, url.Values(form.Value))
	}
	fail(w, 400, 100, 0, "Unsupported content type")
	return nil, false
}

func (f *fakeGraph) clean(w http.ResponseWriter, r *http.Request, fields url.Values) (url.Values, bool) {
	for k, v := range fields {
		if len(v) != 1 || k == "access_token" {
			f.t.Errorf("%s %s: field %s is there %d times", r.Method, r.URL.Path, k, len(v))
			fail(w, 400, 100, 0, "Invalid parameter")
			return nil, false
		}
	}
	return fields, true
}

// only refuses what is not documented for a call.
func only(w http.ResponseWriter, fields url.Values, allowed ...string) bool {
	for k := range fields {
		if !slices.Contains(allowed, k) {
			fail(w, 400, 100, 0, "(#100) Unexpected parameter "+k)
			return false
		}
	}
	return true
}

func (f *fakeGraph) route(w http.ResponseWriter, r *http.Request, path, token string, who inspection, fields url.Values) {
	f.t.Helper()
	switch {
	case path == "debug_token" && r.Method == http.MethodGet:
		f.debug(w, token, fields)
	case path == "me" && r.Method == http.MethodGet && only(w, fields, "fields"):
		f.node(w, who, token, fields)
	case path == "me/accounts" && r.Method == http.MethodGet && only(w, fields, "fields", "limit"):
		if token != longToken { // the pages' tokens would end with it
			f.t.Error("the pages are asked for with a token that ends within the hour")
		}
		reply(w, 200, map[string]any{"data": f.pages, "paging": map[string]any{}})
	case who.Type == "USER" && r.Method == http.MethodGet:
		for _, one := range slices.Concat(f.pages, f.unlisted) {
			if one.ID == path {
				reply(w, 200, one)
				return
			}
		}
		gone(w, "get", path)
	case who.ProfileID == "" || f.away:
		gone(w, strings.ToLower(r.Method), path)
	case path == pageID+"/photos" && r.Method == http.MethodPost:
		f.photo(w, r, fields)
	case path == pageID+"/feed" && r.Method == http.MethodPost:
		f.feed(w, fields)
	case path == pageID+"/published_posts" && r.Method == http.MethodGet:
		f.list(w, fields)
	case path == pageID && r.Method == http.MethodGet && only(w, fields, "fields"):
		reply(w, 200, map[string]any{"id": pageID})
	default:
		f.post(w, r, path, fields)
	}
}

func gone(w http.ResponseWriter, verb, id string) {
	fail(w, 400, 100, 33, "Unsupported "+verb+" request. Object with ID '"+id+"' does not exist, cannot be loaded due to missing permissions, or does not support this operation.")
}

func (f *fakeGraph) node(w http.ResponseWriter, who inspection, token string, fields url.Values) {
	if fields.Get("fields") != "id,name" {
		f.t.Errorf("/me?fields=%s", fields.Get("fields"))
	}
	if who.ProfileID == "" {
		reply(w, 200, map[string]any{"id": "555", "name": "Anna Rossi"})
		return
	}
	reply(w, 200, map[string]any{"id": who.ProfileID, "name": "Comune di Valdemo"})
}

// debug tells only an app, as documented; and a page's token of itself, as some
// apps have it.
func (f *fakeGraph) debug(w http.ResponseWriter, token string, fields url.Values) {
	if !only(w, fields, "input_token") {
		return
	}
	asked := fields.Get("input_token")
	if token != appID+"|"+appSecret && token != asked {
		fail(w, 400, 100, 0, "You must provide an app access token, or a user access token that is an owner or developer of the app")
		return
	}
	i, known := f.tokens[asked]
	if !known {
		reply(w, 200, map[string]any{"data": map[string]any{"error": map[string]any{"code": 190, "message": "Malformed access token " + asked, "subcode": 467}, "is_valid": false, "scopes": []string{}}})
		return
	}
	reply(w, 200, map[string]any{"data": i})
}

func (f *fakeGraph) exchange(w http.ResponseWriter, r *http.Request, fields url.Values) {
	switch {
	case r.Method != http.MethodGet || r.Header.Get("Authorization") != "":
		fail(w, 400, 100, 0, "Invalid request")
	case !only(w, fields, "grant_type", "client_id", "client_secret", "fb_exchange_token"):
	case fields.Get("grant_type") != "fb_exchange_token" || fields.Get("client_id") != appID || fields.Get("client_secret") != appSecret:
		fail(w, 400, 1, 0, "Error validating client secret.")
	case fields.Get("fb_exchange_token") != userToken:
		fail(w, 400, 190, 467, "Invalid OAuth access token.")
	default:
		reply(w, 200, map[string]any{"access_token": longToken, "token_type": "bearer", "expires_in": 5183944})
	}
}

// photo takes an upload of 10 MB at most that is not published (reference/photo).
func (f *fakeGraph) photo(w http.ResponseWriter, r *http.Request, fields url.Values) {
	if !only(w, fields, "published", "alt_text_custom") {
		return
	}
	if r.MultipartForm == nil || len(r.MultipartForm.File) != 1 || len(r.MultipartForm.File["source"]) != 1 || fields.Get("published") != "false" {
		fail(w, 400, 324, 1366046, "Missing or invalid image file")
		return
	}
	head := r.MultipartForm.File["source"][0]
	file, _ := head.Open()
	picture, _ := io.ReadAll(file)
	media := head.Header.Get("Content-Type")
	if !bytes.HasPrefix(picture, []byte("\x89PNG\r\n\x1a\n")) || media != "image/png" || head.Filename == "" || len(picture) >= 10<<20 {
		fail(w, 400, 324, 1366046, "Missing or invalid image file")
		return
	}
	f.next++
	id := strconv.Itoa(f.next)
	f.photos[id], f.alts, f.pictures = "free", append(f.alts, fields.Get("alt_text_custom")), append(f.pictures, media)
	reply(w, 200, map[string]any{"id": id})
}

// feed makes a post (docs/pages-api/posts, reference/page/photos for what is
// attached).
func (f *fakeGraph) feed(w http.ResponseWriter, fields url.Values) {
	if !only(w, fields, "message", "link", "published", "attached_media[0]") {
		return
	}
	message := fields.Get("message")
	switch published := fields.Get("published"); {
	case message == "":
		fail(w, 400, 100, 0, "(#100) Missing message or attachment")
		return
	case len(utf16.Encode([]rune(message))) > defaultChars:
		fail(w, 400, 100, 0, "(#100) The message is too long")
		return
	case published != "" && published != "true" && published != "false":
		fail(w, 400, 100, 0, "(#100) param published must be a boolean")
		return
	case fields.Has("link") && (fields.Has("attached_media[0]") || !strings.HasPrefix(fields.Get("link"), "https://")):
		fail(w, 400, 1609005, 0, "Error posting link")
		return
	}
	p := &fakePost{message: message, link: fields.Get("link"), published: fields.Get("published") != "false", byApp: true}
	if fields.Has("attached_media[0]") {
		var media map[string]string
		dec := json.NewDecoder(strings.NewReader(fields.Get("attached_media[0]")))
		if dec.Decode(&media) != nil || len(media) != 1 || f.photos[media["media_fbid"]] != "free" {
			fail(w, 400, 100, 0, "(#100) param attached_media must be an array of unpublished photos")
			return
		}
		p.photo = media["media_fbid"]
		f.photos[p.photo] = "used"
	}
	if f.duplicates && slices.ContainsFunc(f.posts, func(o *fakePost) bool { return o.message == message && o.published }) {
		fail(w, 400, codeDuplicate, 1455006, "(#506) Duplicate status message")
		return
	}
	f.next++
	p.id = pageID + "_" + strconv.Itoa(f.next)
	p.created = channeltest.SampleSent.Add(time.Duration(f.next) * time.Second)
	f.posts = append([]*fakePost{p}, f.posts...)
	reply(w, 200, map[string]any{"id": p.id, "post_supports_client_mutation_id": true})
}

func (p *fakePost) json(fields string) map[string]any {
	all := map[string]any{"id": p.id, "message": p.message, "created_time": p.created.UTC().Format("2006-01-02T15:04:05+0000"),
		"permalink_url": "https://www.facebook.com/" + strings.Replace(p.id, "_", "/posts/", 1)}
	out := map[string]any{"id": p.id}
	for name := range strings.SplitSeq(fields, ",") {
		out[name] = all[name]
	}
	return out
}

func (f *fakeGraph) list(w http.ResponseWriter, fields url.Values) {
	limit, err := strconv.Atoi(fields.Get("limit"))
	if !only(w, fields, "fields", "limit") {
		return
	}
	if err != nil || limit > 100 {
		fail(w, 400, 100, 0, "(#100) limit")
		return
	}
	data := []map[string]any{}
	for _, p := range f.posts {
		if p.published && len(data) < limit {
			data = append(data, p.json(fields.Get("fields")))
		}
	}
	reply(w, 200, map[string]any{"data": data, "paging": map[string]any{"cursors": map[string]any{}}})
}

func (f *fakeGraph) find(id string) *fakePost {
	i := slices.IndexFunc(f.posts, func(p *fakePost) bool { return p.id == id })
	if i < 0 {
		return nil
	}
	return f.posts[i]
}

// post reads, changes or deletes one post.
func (f *fakeGraph) post(w http.ResponseWriter, r *http.Request, id string, fields url.Values) {
	p := f.find(id)
	switch {
	case p == nil || r.Method != http.MethodGet && !p.byApp:
		gone(w, strings.ToLower(r.Method), id)
	case r.Method == http.MethodGet && only(w, fields, "fields"):
		reply(w, 200, p.json(fields.Get("fields")))
	case r.Method == http.MethodPost && only(w, fields, "message"):
		p.message = fields.Get("message")
		p.edited++
		reply(w, 200, map[string]any{"success": true})
	case r.Method == http.MethodDelete && only(w, fields):
		f.posts = slices.DeleteFunc(f.posts, func(o *fakePost) bool { return o == p })
		f.deleted = append(f.deleted, id)
		reply(w, 200, map[string]any{"success": true})
	}
}

// on scripts the answers of the calls that match a method and the end of a path.
func (f *fakeGraph) on(method, suffix string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = func(w http.ResponseWriter, r *http.Request) bool {
		if h == nil || r.Method != method || !strings.HasSuffix(r.URL.Path, suffix) {
			return false
		}
		h(w, r)
		return true
	}
}

// public is how many posts the public sees.
func (f *fakeGraph) public() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.posts {
		if p.published {
			n++
		}
	}
	return n
}

func (f *fakeGraph) String() string { return fmt.Sprint(f.seen) }
