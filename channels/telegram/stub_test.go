package telegram

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"
)

// The bot and the chats of the tests.
const (
	token  = "7012345678:AAFq-martinella_test_key_000000000000"
	botID  = 7012345678
	town   = "-1001234567890" // a public channel, @comune_pistoia
	closed = "-1009876543210" // a channel without a name
	group  = "-55"            // an old group
	office = "4242"           // somebody of the office
)

// message is a post as the server keeps it.
type message struct {
	id       int
	text     string // or the caption
	photo    []byte // nil: words alone
	entities []entity
	reply    int
	silent   bool
	pinned   bool
	edits    int
}

type entity struct {
	Type   string `json:"type"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
}

// call is one request as it was understood.
type call struct {
	method string
	fields map[string]string
	file   []byte
}

// server is a small Bot API that takes nothing else than what
// core.telegram.org/bots/api documents.
type telegramServer struct {
	mu      sync.Mutex
	t       testing.TB
	next    int
	chats   map[string]map[string]any // by number, as getChat tells
	names   map[string]string         // @name: number
	members map[string]map[string]any // the bot's place, as getChatMember tells
	posts   map[string][]*message
	calls   []call
	wrong   []string // what the documentation does not allow
	updates []map[string]any
	offset  int64
	buttons bool                          // messages may have some
	hook    string                        // the webhook that somebody set
	refuse  map[string][]http.HandlerFunc // by method: what is answered instead, one after the other
}

func newServer(t testing.TB) *telegramServer {
	admin := func() map[string]any {
		return map[string]any{"status": "administrator", "user": map[string]any{"id": botID, "is_bot": true, "first_name": "Allerta", "username": "allerta_bot"},
			"can_post_messages": true, "can_edit_messages": true, "can_pin_messages": true}
	}
	return &telegramServer{t: t, next: 100,
		chats: map[string]map[string]any{
			town:   {"id": -1001234567890, "type": "channel", "title": "Comune di Pistoia", "username": "comune_pistoia"},
			closed: {"id": -1009876543210, "type": "channel", "title": "Ufficio stampa"},
			group:  {"id": -55, "type": "group", "title": "Volontari"},
			office: {"id": 4242, "type": "private", "first_name": "Anna"},
		},
		names:   map[string]string{"@comune_pistoia": town},
		members: map[string]map[string]any{town: admin(), closed: admin(), group: {"status": "member", "user": map[string]any{"id": botID, "is_bot": true, "first_name": "Allerta"}}},
		posts:   map[string][]*message{}, refuse: map[string][]http.HandlerFunc{},
	}
}

// documented are the parameters of the methods; one with a star is required.
var documented = map[string]string{
	"getMe":               "",
	"getChat":             "chat_id*",
	"getChatMember":       "chat_id* user_id*",
	"getUpdates":          "offset limit timeout allowed_updates",
	"getWebhookInfo":      "",
	"answerCallbackQuery": "callback_query_id* text show_alert url cache_time",
	"sendMessage":         "business_connection_id chat_id* message_thread_id direct_messages_topic_id text* parse_mode entities link_preview_options disable_notification protect_content allow_paid_broadcast message_effect_id suggested_post_parameters reply_parameters reply_markup",
	"sendPhoto":           "business_connection_id chat_id* message_thread_id direct_messages_topic_id photo* caption parse_mode caption_entities show_caption_above_media has_spoiler disable_notification protect_content allow_paid_broadcast message_effect_id suggested_post_parameters reply_parameters reply_markup",
	"editMessageText":     "business_connection_id chat_id message_id inline_message_id text* parse_mode entities link_preview_options reply_markup",
	"editMessageCaption":  "business_connection_id chat_id message_id inline_message_id caption parse_mode caption_entities show_caption_above_media reply_markup",
	"editMessageMedia":    "business_connection_id chat_id message_id inline_message_id media* reply_markup",
	"deleteMessage":       "chat_id* message_id*",
	"pinChatMessage":      "business_connection_id chat_id* message_id* disable_notification",
	"unpinChatMessage":    "business_connection_id chat_id* message_id",
}

// inside are the fields of the objects in parameters.
var inside = map[string]string{
	"reply_parameters":     "message_id chat_id allow_sending_without_reply quote quote_parse_mode quote_entities quote_position",
	"link_preview_options": "is_disabled url prefer_small_media prefer_large_media show_above_text",
	"media":                "type media caption parse_mode caption_entities show_caption_above_media has_spoiler",
}

// posting tells what makes a post.
func posting(r *http.Request) bool {
	return strings.HasSuffix(r.URL.Path, "/sendMessage") || strings.HasSuffix(r.URL.Path, "/sendPhoto")
}

var botPath = regexp.MustCompile(`^/bot([^/]+)/([A-Za-z]+)$`)

func (s *telegramServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := botPath.FindStringSubmatch(r.URL.Path)
	switch {
	case in == nil:
		refused(404, "Not Found")(w, r)
		return
	case in[1] != token:
		refused(401, "Unauthorized")(w, r)
		return
	}
	c, err := s.understand(in[2], r)
	if err != "" {
		s.wrong = append(s.wrong, in[2]+": "+err)
		refused(400, "Bad Request: "+err)(w, r)
		return
	}
	s.calls = append(s.calls, c)
	if queue := s.refuse[c.method]; len(queue) > 0 {
		s.refuse[c.method] = queue[1:]
		queue[0](w, r)
		return
	}
	result, code, said := s.act(c)
	if said != "" {
		refused(code, said)(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"ok": true, "result": result})
}

// refused is a no as the Bot API says it.
func refused(code int, said string, parameters ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		extra := ""
		if len(parameters) > 0 {
			extra = `,"parameters":` + parameters[0]
		}
		fmt.Fprintf(w, `{"ok":false,"error_code":%d,"description":%q%s}`, code, said, extra)
	}
}

// understand reads a request and says what is wrong with it.
func (s *telegramServer) understand(method string, r *http.Request) (call, string) {
	known, ok := documented[method]
	if !ok {
		return call{}, "no such method"
	}
	c := call{method: method, fields: map[string]string{}}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return c, "the body breaks off"
	}
	switch media := r.Header.Get("Content-Type"); {
	case r.Method != http.MethodPost:
		return c, "method " + r.Method
	case len(body) == 0 && media == "":
	case strings.HasPrefix(media, "application/json"):
		var in map[string]json.RawMessage
		if json.Unmarshal(body, &in) != nil {
			return c, "no JSON object"
		}
		for k, v := range in {
			var text string
			if json.Unmarshal(v, &text) != nil {
				text = string(v)
			}
			c.fields[k] = text
		}
	case strings.HasPrefix(media, "multipart/form-data"):
		if r.ContentLength <= 0 {
			return c, "a form without its length"
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err := r.ParseMultipartForm(20 << 20); err != nil {
			return c, "the form cannot be read"
		}
		for k, v := range r.MultipartForm.Value {
			if len(v) != 1 {
				return c, k + " twice"
			}
			c.fields[k] = v[0]
		}
		for k, v := range r.MultipartForm.File {
			f, err := v[0].Open()
			if err != nil {
				return c, "the file cannot be read"
			}
			c.file, _ = io.ReadAll(f)
			if method == "sendPhoto" && k == "photo" {
				c.fields["photo"] = "(file)"
			} else if c.fields["media"] == "" || !strings.Contains(c.fields["media"], `"attach://`+k+`"`) {
				return c, "a file that nothing names: " + k
			}
		}
	default:
		return c, "content type " + media
	}
	allowed := strings.Fields(known)
	for k, v := range c.fields {
		if !slices.Contains(allowed, k) && !slices.Contains(allowed, k+"*") {
			return c, "unknown field " + k
		}
		if fields, ok := inside[k]; ok {
			var in map[string]json.RawMessage
			if json.Unmarshal([]byte(v), &in) != nil {
				return c, k + " is no object"
			}
			for one := range in {
				if !slices.Contains(strings.Fields(fields), one) {
					return c, "unknown field " + k + "." + one
				}
			}
		}
	}
	for _, k := range allowed {
		if name, required := strings.CutSuffix(k, "*"); required && c.fields[name] == "" {
			return c, name + " is missing"
		}
	}
	return c, ""
}

// act does what the method is for; said is a no.
func (s *telegramServer) act(c call) (result any, code int, said string) {
	if c.method == "getMe" {
		return map[string]any{"id": botID, "is_bot": true, "first_name": "Allerta", "username": "allerta_bot"}, 0, ""
	}
	switch c.method {
	case "getUpdates":
		return s.unread(c), 0, ""
	case "getWebhookInfo":
		return map[string]any{"url": s.hook, "has_custom_certificate": false, "pending_update_count": 0}, 0, ""
	case "answerCallbackQuery":
		return true, 0, ""
	}
	number := c.fields["chat_id"]
	if strings.HasPrefix(number, "@") {
		number = s.names[number]
	}
	chat := s.chats[number]
	if chat == nil {
		return nil, 400, "Bad Request: chat not found"
	}
	if c.method == "getChat" {
		return chat, 0, ""
	}
	member := s.members[number]
	if c.method == "getChatMember" {
		if c.fields["user_id"] != fmt.Sprint(botID) || member == nil {
			return nil, 400, "Bad Request: PARTICIPANT_ID_INVALID"
		}
		return member, 0, ""
	}
	if status := member["status"]; status == "left" || status == "kicked" {
		return nil, 403, fmt.Sprintf("Forbidden: bot was kicked from the %s chat", chat["type"])
	}
	if chat["type"] == "channel" && (member["status"] != "administrator" || member["can_post_messages"] != true) {
		return nil, 400, "Bad Request: need administrator rights in the channel chat"
	}
	switch c.method {
	case "sendMessage", "sendPhoto":
		return s.post(c, number, chat)
	case "pinChatMessage", "unpinChatMessage":
		if chat["type"] == "channel" && member["can_edit_messages"] != true || chat["type"] == "group" && member["can_pin_messages"] != true {
			return nil, 400, "Bad Request: not enough rights to manage pinned messages in the chat"
		}
	}
	id, _ := strconv.Atoi(c.fields["message_id"])
	m := s.find(number, id)
	switch {
	case c.method == "deleteMessage" && m == nil:
		return nil, 400, "Bad Request: message to delete not found"
	case c.method == "deleteMessage":
		s.posts[number] = slices.DeleteFunc(s.posts[number], func(one *message) bool { return one == m })
		return true, 0, ""
	case c.method == "pinChatMessage" && m == nil:
		return nil, 400, "Bad Request: message to pin not found"
	case c.method == "unpinChatMessage" && (m == nil || !m.pinned):
		return nil, 400, "Bad Request: message to unpin not found"
	case c.method == "pinChatMessage" || c.method == "unpinChatMessage":
		m.pinned = c.method == "pinChatMessage"
		return true, 0, ""
	case m == nil:
		return nil, 400, "Bad Request: message to edit not found"
	}
	return s.edit(c, m, chat)
}

func (s *telegramServer) find(chat string, id int) *message {
	for _, m := range s.posts[chat] {
		if m.id == id {
			return m
		}
	}
	return nil
}

func (s *telegramServer) post(c call, number string, chat map[string]any) (any, int, string) {
	m := &message{silent: c.fields["disable_notification"] == "true"}
	if c.method == "sendPhoto" {
		if said := photo(c.file); said != "" {
			return nil, 400, said
		}
		m.photo = c.file
	}
	if said := m.write(c, c.method == "sendPhoto"); said != "" {
		return nil, 400, said
	}
	if raw := c.fields["reply_parameters"]; raw != "" {
		var in struct {
			ID    int  `json:"message_id"`
			Alone bool `json:"allow_sending_without_reply"`
		}
		json.Unmarshal([]byte(raw), &in)
		switch {
		case s.find(number, in.ID) != nil:
			m.reply = in.ID
		case !in.Alone:
			return nil, 400, "Bad Request: message to be replied not found"
		}
	}
	s.next++
	m.id = s.next
	s.posts[number] = append(s.posts[number], m)
	return m.told(chat), 0, ""
}

func (s *telegramServer) edit(c call, m *message, chat map[string]any) (any, int, string) {
	before := *m
	switch {
	case c.method == "editMessageText" && m.photo != nil:
		return nil, 400, "Bad Request: there is no text in the message to edit"
	case c.method == "editMessageCaption" && m.photo == nil:
		return nil, 400, "Bad Request: there is no caption in the message to edit"
	case c.method == "editMessageMedia":
		if said := photo(c.file); said != "" {
			return nil, 400, said
		}
		var in struct {
			Type     string          `json:"type"`
			Caption  string          `json:"caption"`
			Entities json.RawMessage `json:"caption_entities"`
		}
		json.Unmarshal([]byte(c.fields["media"]), &in)
		if in.Type != "photo" {
			return nil, 400, "Bad Request: wrong type of the media"
		}
		c.fields["caption"], c.fields["caption_entities"] = in.Caption, string(in.Entities)
		m.photo = c.file
	}
	if said := m.write(c, m.photo != nil); said != "" {
		*m = before
		return nil, 400, said
	}
	if m.text == before.text && slices.Equal(m.entities, before.entities) && bytes.Equal(m.photo, before.photo) {
		return nil, 400, "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"
	}
	m.edits++
	return m.told(chat), 0, ""
}

// write puts the words of a call into the message, or says why not.
func (m *message) write(c call, caption bool) string {
	field, most, long := "text", 4096, "Bad Request: message is too long"
	list := "entities"
	if caption {
		field, most, long, list = "caption", 1024, "Bad Request: message caption is too long", "caption_entities"
	}
	m.text, m.entities = c.fields[field], nil
	units := utf16.Encode([]rune(m.text))
	if len(units) > most {
		return long
	}
	if strings.TrimSpace(m.text) == "" && !caption {
		return "Bad Request: message text is empty"
	}
	if c.fields[list] == "" {
		return ""
	}
	if json.Unmarshal([]byte(c.fields[list]), &m.entities) != nil {
		return "Bad Request: can't parse entities"
	}
	for _, e := range m.entities {
		end := e.Offset + e.Length
		inPair := func(at int) bool {
			return at > 0 && at < len(units) && utf16.IsSurrogate(rune(units[at])) && units[at] >= 0xDC00
		}
		if e.Offset < 0 || e.Length <= 0 || end > len(units) || inPair(e.Offset) || inPair(end) {
			return "Bad Request: ENTITY_BOUNDS_INVALID"
		}
	}
	return ""
}

func (m *message) told(chat map[string]any) map[string]any {
	out := map[string]any{"message_id": m.id, "date": 1795255200, "chat": chat}
	if m.photo != nil {
		out["caption"] = m.text
	} else {
		out["text"] = m.text
	}
	return out
}

// marked is the bold beginning of the text.
func (m *message) marked() string {
	units := utf16.Encode([]rune(m.text))
	var out []string
	for _, e := range m.entities {
		out = append(out, e.Type+" "+string(utf16.Decode(units[e.Offset:e.Offset+e.Length])))
	}
	return strings.Join(out, ", ")
}

// photo judges an upload: sendPhoto in the documentation.
func photo(b []byte) string {
	c, err := png.DecodeConfig(bytes.NewReader(b))
	switch {
	case err != nil:
		return "Bad Request: IMAGE_PROCESS_FAILED"
	case len(b) > 10<<20:
		return "Bad Request: file is too big"
	case c.Width+c.Height > 10000 || c.Width > 20*c.Height || c.Height > 20*c.Width:
		return "Bad Request: PHOTO_INVALID_DIMENSIONS"
	}
	return ""
}

func (s *telegramServer) unread(c call) []map[string]any {
	if n, _ := strconv.ParseInt(c.fields["offset"], 10, 64); n > s.offset {
		s.offset = n
	}
	out := []map[string]any{}
	for _, u := range s.updates {
		if int64(u["update_id"].(int)) >= s.offset {
			out = append(out, u)
		}
	}
	return out
}

// The rest is for tests, beside the calls.

func (s *telegramServer) fail(method string, with ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse[method] = with
}

// until waits until something holds.
func (s *telegramServer) until(t testing.TB, holds func() bool) {
	t.Helper()
	late := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		s.mu.Lock()
		done := holds()
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("not within a minute")
		}
	}
}

// said gives the calls so far, each as its method, and forgets them.
func (s *telegramServer) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, c := range s.calls {
		out = append(out, c.method)
	}
	s.calls = nil
	return out
}

// at gives the posts of a chat.
func (s *telegramServer) at(chat string) []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []message
	for _, m := range s.posts[chat] {
		out = append(out, *m)
	}
	return out
}

// clean fails the test where a request was not as documented.
func (s *telegramServer) clean(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.wrong {
		t.Errorf("not as the Bot API documents it: %s", w)
	}
	for _, c := range s.calls {
		for _, never := range []string{"parse_mode", "protect_content", "reply_markup"} {
			if c.fields[never] != "" && !(s.buttons && never == "reply_markup") {
				t.Errorf("%s with %s", c.method, never)
			}
		}
	}
}
