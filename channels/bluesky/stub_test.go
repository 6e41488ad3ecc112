package bluesky

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"go.uber.org/zap"

	"martinella/channels"
	"martinella/channels/channeltest"
)

const (
	password = "bnj7-t6mx-abmi-3yqp"
	ownWord  = "segretissima del sindaco"
	handle   = "comune.example.test"
	did      = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
)

func secretFile(t testing.TB, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func channel(t testing.TB, baseURL string, change func(*Config)) *Channel {
	t.Helper()
	config := Config{PDS: baseURL, Handle: handle, PasswordFile: secretFile(t, password)}
	if change != nil {
		change(&config)
	}
	c, err := New("comune-bluesky", config, channeltest.Settings(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if c.session.rests != refusedRest {
		t.Errorf("a refused sign-in is tried again after %v", c.session.rests)
	}
	c.session.rests = time.Hour // longer than any machine is busy
	return c
}

// pds is a small server that refuses what a real one refuses, and what it lets
// pass although readers would suffer: facets out of bounds, unknown fields.
type pds struct {
	http.ServeMux
	url string // of itself, for the document of the account

	mu       sync.Mutex
	life     time.Duration     // of access tokens
	skew     time.Duration     // how far its clock is ahead
	access   map[string]bool   // tokens that are good
	refresh  map[string]bool   // tokens that are good
	records  map[string]record // by key
	blobs    map[string]int    // sizes by link
	issued   int               // tokens
	calls    map[string]int    // by method
	script   map[string]http.HandlerFunc
	inactive string
	mistakes []string // of requests that no proper client makes
}

type record struct {
	cid   string
	value map[string]any
	raw   []byte
}

func newPDS(t testing.TB) *pds {
	s := &pds{life: 2 * time.Hour, access: map[string]bool{}, refresh: map[string]bool{}, records: map[string]record{}, blobs: map[string]int{}, calls: map[string]int{}, script: map[string]http.HandlerFunc{}}
	for method, h := range map[string]func(*http.Request) (int, any){
		"POST com.atproto.server.createSession":  s.createSession,
		"POST com.atproto.server.refreshSession": s.refreshSession,
		"POST com.atproto.server.deleteSession":  s.deleteSession,
		"GET com.atproto.server.getSession":      s.signed(s.getSession),
		"GET com.atproto.server.describeServer":  func(*http.Request) (int, any) { return 200, map[string]any{"did": "did:web:pds.example.test"} },
		"GET com.atproto.identity.resolveHandle": s.resolveHandle,
		"GET com.atproto.repo.getRecord":         s.getRecord,
		"POST com.atproto.repo.putRecord":        s.signed(s.putRecord),
		"POST com.atproto.repo.deleteRecord":     s.signed(s.deleteRecord),
		"POST com.atproto.repo.uploadBlob":       s.signed(s.uploadBlob),
	} {
		verb, nsid, _ := strings.Cut(method, " ")
		s.HandleFunc(verb+" /xrpc/"+nsid, func(w http.ResponseWriter, r *http.Request) {
			short := nsid[strings.LastIndex(nsid, ".")+1:]
			s.mu.Lock()
			s.calls[short]++
			script := s.script[short]
			s.mu.Unlock()
			w.Header().Set("Ratelimit-Limit", "3000")
			w.Header().Set("Ratelimit-Remaining", "2990")
			w.Header().Set("Ratelimit-Reset", fmt.Sprint(time.Now().Add(5*time.Minute).Unix()))
			w.Header().Set("Ratelimit-Policy", "3000;w=300")
			if script != nil {
				script(w, r)
				return
			}
			s.mu.Lock()
			status, body := h(r)
			s.mu.Unlock()
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.WriteHeader(status)
			if body != nil {
				json.NewEncoder(w).Encode(body)
			}
		})
	}
	s.HandleFunc("/{rest...}", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.mistakes = append(s.mistakes, "there is no "+r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotImplemented)
		fmt.Fprint(w, `{"error":"MethodNotImplemented","message":"Method Not Implemented"}`)
	})
	t.Cleanup(func() {
		if len(s.mistakes) > 0 {
			t.Errorf("requests that no proper client makes: %q", s.mistakes)
		}
	})
	return s
}

func start(t testing.TB) (*pds, *Channel) {
	t.Helper()
	s := newPDS(t)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s, channel(t, server.URL, nil)
}

// count gives how often a method was called.
func (s *pds) count(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// answer scripts the answer of a method; nil lets the server answer.
func (s *pds) answer(method string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script[method] = h
}

// forget ends tokens: access, refresh or both.
func (s *pds) forget(access, refresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if access {
		clear(s.access)
	}
	if refresh {
		clear(s.refresh)
	}
}

// post gives the record of a receipt.
func (s *pds) post(t testing.TB, r channels.Receipt) map[string]any {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := parseAddress(r.ID)
	if !ok {
		t.Fatalf("the receipt %+v has no address", r)
	}
	return maps.Clone(s.records[at.key].value)
}

func fails(status int, name, message string) (int, any) {
	return status, map[string]string{"error": name, "message": message}
}

// complain notes a request that no proper client makes, and refuses it as the
// server would.
func (s *pds) complain(format string, args ...any) (int, any) {
	text := fmt.Sprintf(format, args...)
	s.mistakes = append(s.mistakes, text)
	return fails(400, "InvalidRequest", text)
}

func strictly(r *http.Request, into any) error {
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		return fmt.Errorf("Wrong request encoding (Content-Type): %s", got)
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

func (s *pds) token(scope string) string {
	s.issued++
	now := time.Now().Add(s.skew)
	payload, _ := json.Marshal(map[string]any{"scope": scope, "sub": did, "iat": now.Unix(), "exp": now.Add(s.life).Unix(), "n": s.issued})
	return "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString(payload) + fmt.Sprintf(".s1gn4tur3-%d", s.issued)
}

func (s *pds) session(scope string) (int, any) {
	access, refresh := s.token(scope), s.token("com.atproto.refresh")
	s.access[access], s.refresh[refresh] = true, true
	out := map[string]any{"accessJwt": access, "refreshJwt": refresh, "did": did, "handle": handle, "active": s.inactive == ""}
	if s.inactive != "" {
		out["status"] = s.inactive
	}
	return 200, out
}

func (s *pds) createSession(r *http.Request) (int, any) {
	var in struct{ Identifier, Password string }
	if err := strictly(r, &in); err != nil {
		return s.complain("%v", err)
	}
	if r.Header.Get("Authorization") != "" {
		return s.complain("a sign-in with a token")
	}
	if in.Identifier == handle || in.Identifier == did {
		switch in.Password {
		case password:
			return s.session("com.atproto.appPass")
		case ownWord:
			return s.session("com.atproto.access")
		case "zwei-fakt":
			return fails(401, "AuthFactorTokenRequired", "A sign in code has been sent to your email address")
		}
	}
	return fails(401, "AuthenticationRequired", "Invalid identifier or password")
}

func bearer(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

func (s *pds) refreshSession(r *http.Request) (int, any) {
	if r.ContentLength != 0 {
		return s.complain("Request body was provided when none was expected")
	}
	if !s.refresh[bearer(r)] {
		return fails(400, "ExpiredToken", "Token has been revoked")
	}
	delete(s.refresh, bearer(r))
	return s.session("com.atproto.appPass")
}

func (s *pds) deleteSession(r *http.Request) (int, any) {
	if !s.refresh[bearer(r)] {
		return fails(400, "InvalidToken", "Token could not be verified")
	}
	delete(s.refresh, bearer(r))
	return 200, nil
}

// signed asks for a good token first.
func (s *pds) signed(h func(*http.Request) (int, any)) func(*http.Request) (int, any) {
	return func(r *http.Request) (int, any) {
		switch token := bearer(r); {
		case token == "":
			return fails(401, "AuthMissing", "Authentication Required")
		case strings.Count(token, ".") != 2:
			return fails(400, "InvalidToken", "Token could not be verified")
		case !s.access[token]:
			return fails(400, "ExpiredToken", "Token has expired")
		}
		return h(r)
	}
}

func (s *pds) getSession(*http.Request) (int, any) {
	out := map[string]any{"did": did, "handle": handle, "email": "sindaco@comune.example", "emailConfirmed": true, "active": s.inactive == ""}
	if s.inactive != "" {
		out["status"] = s.inactive
	}
	return 200, out
}

func (s *pds) resolveHandle(r *http.Request) (int, any) {
	if r.URL.Query().Get("handle") != handle {
		return fails(400, "InvalidRequest", "Unable to resolve handle")
	}
	return 200, map[string]string{"did": did}
}

func (s *pds) getRecord(r *http.Request) (int, any) {
	q := r.URL.Query()
	if q.Get("collection") != "app.bsky.feed.post" || q.Get("repo") == "" || q.Get("rkey") == "" {
		return s.complain("getRecord of %v", q)
	}
	have, ok := s.records[q.Get("rkey")]
	if !ok || q.Get("repo") != did {
		return fails(400, "RecordNotFound", "Could not locate record: at://"+q.Get("repo")+"/app.bsky.feed.post/"+q.Get("rkey"))
	}
	return 200, map[string]any{"uri": uriOf(q.Get("rkey")), "cid": have.cid, "value": have.value}
}

func uriOf(key string) string { return "at://" + did + "/app.bsky.feed.post/" + key }

func (s *pds) deleteRecord(r *http.Request) (int, any) {
	var in struct{ Repo, Collection, Rkey string }
	if err := strictly(r, &in); err != nil || in.Repo != did || in.Collection != "app.bsky.feed.post" {
		return s.complain("deleteRecord of %+v: %v", in, err)
	}
	delete(s.records, in.Rkey)
	return 200, map[string]any{}
}

func (s *pds) uploadBlob(r *http.Request) (int, any) {
	b, err := io.ReadAll(r.Body)
	if err != nil || len(b) == 0 {
		return s.complain("a blob of %d bytes: %v", len(b), err)
	}
	if len(b) > 5<<20 {
		return fails(413, "PayloadTooLarge", "request entity too large")
	}
	media := r.Header.Get("Content-Type")
	if media != "image/png" {
		return s.complain("a blob of type %q", media)
	}
	link := "bafkrei" + digest(b)
	s.blobs[link] = len(b)
	return 200, map[string]any{"blob": map[string]any{"$type": "blob", "ref": map[string]string{"$link": link}, "mimeType": media, "size": len(b)}}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
}

var (
	tidRule  = regexp.MustCompile(`^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$`)
	timeRule = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
	langRule = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]+)*$`)
)

// wanted is a record as the lexicon has it; what it does not name is refused.
type wanted struct {
	Type   string   `json:"$type"`
	Text   *string  `json:"text"`
	Langs  []string `json:"langs"`
	Facets []struct {
		Index struct {
			ByteStart, ByteEnd *int
		} `json:"index"`
		Features []struct {
			Type string  `json:"$type"`
			URI  *string `json:"uri"`
			Tag  *string `json:"tag"`
		} `json:"features"`
	} `json:"facets"`
	Embed     json.RawMessage `json:"embed"`
	Reply     *struct{ Root, Parent struct{ URI, CID string } }
	CreatedAt string `json:"createdAt"`
}

func (s *pds) putRecord(r *http.Request) (int, any) {
	var in struct {
		Repo, Collection, Rkey string
		Record                 json.RawMessage
	}
	if err := strictly(r, &in); err != nil {
		return s.complain("putRecord: %v", err)
	}
	if in.Repo != did || in.Collection != "app.bsky.feed.post" {
		return s.complain("putRecord into %s %s", in.Repo, in.Collection)
	}
	if !tidRule.MatchString(in.Rkey) {
		return s.complain("Invalid record key for app.bsky.feed.post: Invalid TID string")
	}
	var w wanted
	dec := json.NewDecoder(bytes.NewReader(in.Record))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil || w.Type != "app.bsky.feed.post" || w.Text == nil {
		return s.complain("Invalid app.bsky.feed.post record: %v: %s", err, in.Record)
	}
	if n := uniseg.GraphemeClusterCount(*w.Text); n > 300 {
		return fails(400, "InvalidRequest", fmt.Sprintf("Invalid app.bsky.feed.post record: grapheme too big (maximum 300, got %d) at $.record.text", n))
	}
	if len(*w.Text) > 3000 {
		return fails(400, "InvalidRequest", fmt.Sprintf("Invalid app.bsky.feed.post record: string too big (maximum 3000, got %d) at $.record.text", len(*w.Text)))
	}
	if wrong := s.wrong(w); wrong != "" {
		return s.complain("Invalid app.bsky.feed.post record: %s", wrong)
	}
	if status, body := s.wrongEmbed(w.Embed); status != 0 {
		return status, body
	}
	var value map[string]any
	json.Unmarshal(in.Record, &value)
	raw, _ := json.Marshal(value)
	cid := "bafyrei" + digest(raw)
	out := map[string]any{"uri": uriOf(in.Rkey), "cid": cid, "validationStatus": "valid"}
	if s.records[in.Rkey].cid != cid {
		out["commit"] = map[string]string{"cid": cid, "rev": in.Rkey}
	}
	s.records[in.Rkey] = record{cid, value, in.Record}
	return 200, out
}

// wrong says what is wrong with a post besides its length and its embed.
func (s *pds) wrong(w wanted) string {
	if !timeRule.MatchString(w.CreatedAt) {
		return "createdAt " + w.CreatedAt
	}
	if len(w.Langs) > 3 {
		return "too many langs"
	}
	for _, l := range w.Langs {
		if !langRule.MatchString(l) {
			return "lang " + l
		}
	}
	last := 0
	for _, f := range w.Facets {
		if f.Index.ByteStart == nil || f.Index.ByteEnd == nil {
			return "a facet without index"
		}
		from, to := *f.Index.ByteStart, *f.Index.ByteEnd
		if from < last || to <= from || to > len(*w.Text) {
			return fmt.Sprintf("a facet from %d to %d of %d, after %d", from, to, len(*w.Text), last)
		}
		last = to
		part := (*w.Text)[from:to]
		if !utf8.ValidString(part) || uniseg.GraphemeClusterCount((*w.Text)[:from])+uniseg.GraphemeClusterCount(part)+uniseg.GraphemeClusterCount((*w.Text)[to:]) != uniseg.GraphemeClusterCount(*w.Text) {
			return fmt.Sprintf("the facet %q cuts a character", part)
		}
		if len(f.Features) != 1 {
			return "a facet without feature"
		}
		switch one := f.Features[0]; {
		case one.Type == "app.bsky.richtext.facet#tag" && one.Tag != nil && one.URI == nil:
			if "#"+*one.Tag != part || uniseg.GraphemeClusterCount(*one.Tag) > 64 {
				return fmt.Sprintf("the tag %q on %q", *one.Tag, part)
			}
		case one.Type == "app.bsky.richtext.facet#link" && one.URI != nil && one.Tag == nil:
			if u, err := url.Parse(*one.URI); err != nil || u.Host == "" || *one.URI != part && *one.URI != "https://"+part {
				return fmt.Sprintf("the link %q on %q", *one.URI, part)
			}
		default:
			return "a facet of type " + one.Type
		}
	}
	if w.Reply != nil {
		for _, ref := range []struct{ URI, CID string }{w.Reply.Root, w.Reply.Parent} {
			at, ok := parseAddress(ref.URI)
			if !ok || s.records[at.key].cid != ref.CID {
				return fmt.Sprintf("a reply to %+v, which is not there", ref)
			}
		}
	}
	return ""
}

func (s *pds) wrongEmbed(raw json.RawMessage) (int, any) {
	if len(raw) == 0 {
		return 0, nil
	}
	var in struct {
		Type   string `json:"$type"`
		Images []struct {
			Alt   *string
			Image struct {
				Type     string `json:"$type"`
				MimeType string
				Size     int
				Ref      struct {
					Link string `json:"$link"`
				}
			}
			AspectRatio *struct{ Width, Height int }
		}
		External *struct{ URI, Title, Description *string }
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return s.complain("embed: %v", err)
	}
	switch in.Type {
	case "app.bsky.embed.images":
		if len(in.Images) == 0 || len(in.Images) > 4 || in.External != nil {
			return s.complain("%d images", len(in.Images))
		}
		for _, one := range in.Images {
			if size, ok := s.blobs[one.Image.Ref.Link]; !ok {
				return fails(400, "BlobNotFound", "Could not find blob: "+one.Image.Ref.Link)
			} else if size != one.Image.Size || one.Image.MimeType != "image/png" || one.Image.Type != "blob" || one.Alt == nil || size > 2_000_000 {
				return s.complain("the image %+v", one)
			}
			if a := one.AspectRatio; a != nil && (a.Width < 1 || a.Height < 1) {
				return s.complain("the ratio %+v", a)
			}
		}
	case "app.bsky.embed.external":
		e := in.External
		if e == nil || e.URI == nil || e.Title == nil || e.Description == nil || len(in.Images) > 0 {
			return s.complain("the card %s", raw)
		}
		if u, err := url.Parse(*e.URI); err != nil || u.Host == "" {
			return s.complain("the card of %q", *e.URI)
		}
	default:
		return s.complain("an embed of type %q", in.Type)
	}
	return 0, nil
}
