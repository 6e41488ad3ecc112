package pressroom

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// guild is a small Discord: it judges requests by
// discord.com/developers/docs/resources/webhook and refuses what it does not
// know.
type guild struct {
	http.ServeMux
	t     testing.TB
	mu    sync.Mutex
	next  int
	kept  map[string]*kept
	kind  int
	full  bool // refuses files
	last  string
	query string
}

// kept is a message of it.
type kept struct {
	content, username string
	files             []string // "description: bytes"
	edits             int
}

const (
	discordHook = "/api/webhooks/223704706495545344/" + secret
	pngHead     = "\x89PNG\r\n\x1a\n"
)

func newGuild(t testing.TB) *guild {
	g := &guild{t: t, next: 1000, kept: map[string]*kept{}, kind: 1}
	on := func(pattern string, queries []string, h http.HandlerFunc) {
		g.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			g.mu.Lock()
			defer g.mu.Unlock()
			for key := range r.URL.Query() {
				if !slices.Contains(queries, key) {
					g.t.Errorf("%s: the query %q is not documented", pattern, key)
				}
			}
			g.last, g.query = r.Method+" "+r.URL.Path, r.URL.RawQuery
			h(w, r)
		})
	}
	on("POST "+discordHook, []string{"wait", "thread_id", "with_components"}, g.execute)
	on("GET "+discordHook, nil, func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, map[string]any{"id": "223704706495545344", "type": g.kind, "name": "Allerte", "channel_id": "199737254929760256", "token": secret})
	})
	on("PATCH "+discordHook+"/messages/{id}", []string{"thread_id", "with_components"}, g.edit)
	on("DELETE "+discordHook+"/messages/{id}", []string{"thread_id"}, func(w http.ResponseWriter, r *http.Request) {
		if g.kept[r.PathValue("id")] == nil {
			refuse(w, http.StatusNotFound, 10008, "Unknown Message")
			return
		}
		delete(g.kept, r.PathValue("id"))
		w.WriteHeader(http.StatusNoContent)
	})
	g.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { refuse(w, http.StatusNotFound, 10015, "Unknown Webhook") })
	return g
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status, code int, message string) {
	reply(w, status, map[string]any{"code": code, "message": message})
}

// body is what the JSON of a request may hold.
type body struct {
	Content  *string `json:"content"`
	Username *string `json:"username"`
	Mentions *struct {
		Parse []string `json:"parse"`
	} `json:"allowed_mentions"`
	Attachments *[]struct {
		ID          *int   `json:"id"`
		Filename    string `json:"filename"`
		Description string `json:"description"`
	} `json:"attachments"`
}

// read judges a request; false: it was refused.
func (g *guild) read(w http.ResponseWriter, r *http.Request) (in body, files map[int]string, ok bool) {
	media, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	text, files := []byte(nil), map[int]string{}
	switch media {
	case "application/json":
		text, _ = io.ReadAll(r.Body)
	case "multipart/form-data":
		if g.full {
			refuse(w, http.StatusRequestEntityTooLarge, 40005, "Request entity too large")
			return in, nil, false
		}
		parts := multipart.NewReader(r.Body, parameters["boundary"])
		for {
			part, err := parts.NextPart()
			if err != nil {
				break
			}
			value, _ := io.ReadAll(part)
			n := -1
			switch _, err := fmt.Sscanf(part.FormName(), "files[%d]", &n); {
			case part.FormName() == "payload_json" && part.Header.Get("Content-Type") == "application/json":
				text = value
			case err == nil && part.FileName() == "alert.png" && part.Header.Get("Content-Type") == "image/png" && strings.HasPrefix(string(value), pngHead):
				files[n] = strings.TrimPrefix(string(value), pngHead)
			default:
				g.t.Errorf("the part %q of type %q", part.FormName(), part.Header.Get("Content-Type"))
			}
		}
	default:
		g.t.Errorf("a body of type %q", media)
	}
	strict := json.NewDecoder(strings.NewReader(string(text)))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&in); err != nil {
		g.t.Errorf("%s: %v in %q", r.Method, err, text)
		refuse(w, 400, 50035, "Invalid Form Body")
		return in, nil, false
	}
	if in.Mentions == nil || in.Mentions.Parse == nil || len(in.Mentions.Parse) != 0 {
		g.t.Errorf("allowed_mentions in %q: words of an alert could call everyone", text)
	}
	long := in.Content != nil && utf8.RuneCountInString(*in.Content) > 2000 || in.Username != nil && utf8.RuneCountInString(*in.Username) > 80
	if in.Attachments != nil {
		for _, a := range *in.Attachments {
			long = long || utf8.RuneCountInString(a.Description) > 1024
			if a.ID == nil || files[*a.ID] == "" {
				g.t.Errorf("an attachment without its file in %q", text)
			}
		}
	}
	if long || in.Content == nil || *in.Content == "" && len(files) == 0 {
		refuse(w, 400, 50035, "Invalid Form Body")
		return in, nil, false
	}
	return in, files, true
}

func (m *kept) attach(in body, files map[int]string) {
	for _, a := range *in.Attachments {
		m.files = append(m.files, a.Description+": "+files[*a.ID])
	}
}

func (g *guild) execute(w http.ResponseWriter, r *http.Request) {
	in, files, ok := g.read(w, r)
	if !ok {
		return
	}
	if r.URL.Query().Get("wait") != "true" {
		g.t.Error("posted without waiting: nobody gives an id")
	}
	m := &kept{content: *in.Content}
	if in.Username != nil {
		m.username = *in.Username
	}
	if in.Attachments != nil {
		m.attach(in, files)
	}
	g.next++
	id := fmt.Sprint(g.next)
	g.kept[id] = m
	reply(w, 200, map[string]any{"id": id, "type": 0, "content": m.content, "channel_id": "199737254929760256", "webhook_id": "223704706495545344"})
}

func (g *guild) edit(w http.ResponseWriter, r *http.Request) {
	m := g.kept[r.PathValue("id")]
	if m == nil {
		refuse(w, http.StatusNotFound, 10008, "Unknown Message")
		return
	}
	in, files, ok := g.read(w, r)
	if !ok {
		return
	}
	if in.Username != nil {
		g.t.Error("the username of a message cannot be edited")
	}
	m.content = *in.Content
	m.edits++
	if in.Attachments != nil { // what is not named is removed
		m.files = nil
		m.attach(in, files)
	}
	reply(w, 200, map[string]any{"id": r.PathValue("id"), "content": m.content, "edited_timestamp": "2026-11-21T10:00:00+00:00"})
}

var discordSuite = channeltest.Suite{
	New:      func(t testing.TB, baseURL string) channels.Channel { return open(t, shapeDiscord, baseURL, nil) },
	Platform: func(t testing.TB) http.Handler { return newGuild(t) },
	Secrets:  []string{secret},
	Verdicts: map[int]channels.Verdict{404: channels.VerdictUnauthorized},
}

func TestDiscordContract(t *testing.T) { channeltest.Run(t, discordSuite) }

func startDiscord(t *testing.T, change func(*Config)) (*guild, *channeltest.Stub, *Discord) {
	t.Helper()
	g := newGuild(t)
	stub := channeltest.StartStub(t, g, nil)
	d, ok := open(t, shapeDiscord, stub.URL, change).(*Discord)
	if !ok {
		t.Fatal("not a Discord")
	}
	return g, stub, d
}

func pictured(t *testing.T, d *Discord, kind channeltest.Kind, key string) channels.Message {
	t.Helper()
	m := discordSuite.Rendered(t, d, kind, key)
	image := *m.Image
	image.Type, image.Alt, image.Bytes = "image/png", "Cartina", []byte(pngHead+key)
	m.Image = &image
	return m
}

func TestDiscordPostEditWithdraw(t *testing.T) {
	g, _, d := startDiscord(t, func(c *Config) { c.Username = "Comune di Pistoia" })
	m := discordSuite.Rendered(t, d, channeltest.Actual, "a")
	m.Text += "\n@everyone *subito*"
	r, err := d.Send(t.Context(), m)
	if err != nil || r.ID == "" {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := g.kept[r.ID]; got.username != "Comune di Pistoia" || !strings.HasSuffix(got.content, "@everyone \\*subito\\*") {
		t.Errorf("posted %+v", got)
	}
	amended, err := d.RenderAmended(channeltest.Sample(channeltest.Actual), channeltest.Sample(channeltest.Update))
	if err != nil || len(amended) != 2 || amended[0].Step != channels.StepPoint {
		t.Fatalf("%d messages, %v", len(amended), err)
	}
	next := amended[0].For(map[string]string{"{next}": "https://allerta.example/a/2"})
	for n := range 2 {
		if e, err := d.Edit(t.Context(), r.ID, next); err != nil || e.ID != r.ID || g.kept[r.ID].edits != n+1 {
			t.Errorf("edit: %+v, %v", e, err)
		}
	}
	if !strings.Contains(g.kept[r.ID].content, "https://allerta.example/a/2") {
		t.Errorf("reads %q", g.kept[r.ID].content)
	}
	for range 2 {
		if err := d.Withdraw(t.Context(), r.ID); err != nil {
			t.Error(err)
		}
	}
	_, err = d.Edit(t.Context(), r.ID, next)
	discordSuite.Refuses(t, "a post that is gone", err, channels.VerdictPermanent)
	if !errors.Is(err, channels.ErrPostGone) || len(g.kept) != 0 {
		t.Errorf("%v, %d messages", err, len(g.kept))
	}
}

func TestDiscordPicture(t *testing.T) {
	g, _, d := startDiscord(t, nil)
	r, err := d.Send(t.Context(), pictured(t, d, channeltest.Actual, "a"))
	if err != nil {
		t.Fatal(err)
	}
	have := func(name string, want ...string) {
		t.Helper()
		if got := g.kept[r.ID].files; !slices.Equal(got, want) {
			t.Errorf("%s: the post has %q, want %q", name, got, want)
		}
	}
	edit := func(m channels.Message) channels.Receipt {
		t.Helper()
		e, err := d.Edit(t.Context(), r.ID, m)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	have("posted", "Cartina: a")
	words := discordSuite.Rendered(t, d, channeltest.Update, "b")
	words.Image = nil
	edit(words)
	have("a pointer keeps it", "Cartina: a")
	edit(pictured(t, d, channeltest.Update, "c"))
	edit(pictured(t, d, channeltest.Update, "c"))
	have("a correction brings its own", "Cartina: c")
	edit(discordSuite.Rendered(t, d, channeltest.Update, "d"))
	have("one that could not be drawn")
	g.full = true
	if e := edit(pictured(t, d, channeltest.Update, "e")); !strings.Contains(e.Note, "without the picture") {
		t.Errorf("note %q", e.Note)
	}
	have("one that is refused")

	long := pictured(t, d, channeltest.Actual, "f")
	long.Image.Alt = strings.Repeat("perché piove 🔥 ", 200)
	g.full = false
	if r, err = d.Send(t.Context(), long); err != nil || r.Note != "" || len(g.kept[r.ID].files) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	none := open(t, shapeDiscord, "https://discord.example", func(c *Config) { c.NoImage = true })
	if m := discordSuite.Rendered(t, none, channeltest.Actual, "a"); m.Image != nil {
		t.Errorf("no_image: %+v", m.Image)
	}
}

// A picture that is refused does not lose the words; anything else is judged as
// ever, and a post is never made twice.
// Over a thin line the picture takes longer than anybody waits for an answer,
// and the words do not: whoever sends it once more sends the words.
func TestDiscordSecondTryGoesWithoutThePicture(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		files  int
	}{
		"no answer":               {channeltest.HTML(502), 0},
		"it asks to wait":         {channeltest.Status(429, `{"retry_after":3}`), 1},
		"a hook that was revoked": {channeltest.Status(401, `{}`), 1},
	} {
		t.Run(name, func(t *testing.T) {
			g, stub, d := startDiscord(t, nil)
			m := pictured(t, d, channeltest.Actual, "a")
			stub.Answer(c.answer)
			if _, err := d.Send(t.Context(), m); err == nil {
				t.Fatal("the first try was taken")
			}
			stub.Answer(nil)
			r, err := d.Send(t.Context(), m)
			if err != nil || len(g.kept[r.ID].files) != c.files || (c.files == 0) != strings.Contains(r.Note, "without the picture") {
				t.Errorf("%+v, %v, %q", r, err, g.kept[r.ID].files)
			}
			next, err := d.Send(t.Context(), pictured(t, d, channeltest.Actual, "b"))
			if err != nil || len(g.kept[next.ID].files) != 1 {
				t.Errorf("the next alert: %v, %q", err, g.kept[next.ID].files)
			}
		})
	}
}

func TestDiscordPictureVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict
	}{
		"too large":                 {channeltest.Status(413, `{"message":"Request entity too large","code":40005}`), channels.VerdictAccepted},
		"too large for the proxy":   {channeltest.HTML(413), channels.VerdictAccepted},
		"a form that it refuses":    {channeltest.Status(400, `{"message":"Invalid Form Body","code":50035}`), channels.VerdictAccepted},
		"a server that is away":     {channeltest.Status(503, `{}`), channels.VerdictRetry},
		"an answer without a word":  {channeltest.Status(500, `{}`), channels.VerdictUncertain},
		"a webhook that is no more": {channeltest.Status(404, `{"message":"Unknown Webhook","code":10015}`), channels.VerdictUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			g, stub, d := startDiscord(t, nil)
			calls := 0
			stub.Answer(func(w http.ResponseWriter, r *http.Request) {
				if calls++; calls == 1 {
					c.answer(w, r)
					return
				}
				g.ServeHTTP(w, r)
			})
			r, err := d.Send(t.Context(), pictured(t, d, channeltest.Actual, "a"))
			discordSuite.Refuses(t, name, err, c.want)
			posts := 0
			if c.want == channels.VerdictAccepted {
				posts = 1
			}
			if len(g.kept) != posts || (r.Note != "") != (posts == 1) || strings.Contains(r.Note, secret) {
				t.Errorf("%d posts, note %q", len(g.kept), r.Note)
			}
		})
	}
}

// A lost answer to a post with a picture is uncertain: it may be there.
func TestDiscordLostAnswerWithPicture(t *testing.T) {
	g := newGuild(t)
	stub := channeltest.StartStub(t, g, nil)
	proxy := channeltest.StartProxy(t, stub.Addr())
	d := open(t, shapeDiscord, "http://"+proxy.Addr(), nil).(*Discord)
	proxy.Break(channeltest.Drop(), 1)
	_, err := d.Send(t.Context(), pictured(t, d, channeltest.Actual, "a"))
	discordSuite.Refuses(t, "dropped", err, channels.VerdictUncertain)
	g.mu.Lock() // it may not have ended its answer
	defer g.mu.Unlock()
	if len(g.kept) != 1 || stub.Posts() != 1 {
		t.Errorf("%d posts", len(g.kept))
	}
}

// The answers are those of Discord's documentation.
func TestDiscordVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict
		wait   time.Duration
	}{
		"a token that does not hold": {channeltest.Status(401, `{"message":"Invalid Webhook Token","code":50027}`), channels.VerdictUnauthorized, 0},
		"a webhook that is no more":  {channeltest.Status(404, `{"message":"Unknown Webhook","code":10015}`), channels.VerdictUnauthorized, 0},
		"no such address":            {channeltest.HTML(404), channels.VerdictUnauthorized, 0},
		"banned by the firewall":     {channeltest.HTML(403), channels.VerdictUnauthorized, 0},
		"too long":                   {channeltest.Status(400, `{"message":"Invalid Form Body","code":50035,"errors":{"content":{"_errors":[{"code":"BASE_TYPE_MAX_LENGTH"}]}}}`), channels.VerdictPermanent, 0},
		"nothing in it":              {channeltest.Status(400, `{"message":"Cannot send an empty message","code":50006}`), channels.VerdictPermanent, 0},
		"the limit of the webhook":   {channeltest.Status(429, `{"message":"You are being rate limited.","retry_after":7.5,"global":false}`, "X-RateLimit-Scope", "shared"), channels.VerdictRetry, 7500 * time.Millisecond},
		"both ways to say it":        {channeltest.Status(429, `{"message":"You are being rate limited.","retry_after":1.3,"global":true}`, "Retry-After", "65"), channels.VerdictRetry, 65 * time.Second},
		"the limit, by the firewall": {channeltest.HTML(429), channels.VerdictRetry, 0},
		"overloaded":                 {channeltest.Status(503, `{"message":"API resource is currently overloaded","code":130000}`), channels.VerdictRetry, 0},
		"a server that fell over":    {channeltest.Status(500, `{"message":"500: Internal Server Error","code":0}`), channels.VerdictUncertain, 0},
		"nobody behind the gateway":  {channeltest.HTML(502), channels.VerdictUncertain, 0},
		"it did not wait":            {channeltest.Status(204, ``), channels.VerdictUncertain, 0},
		"echoes the token":           {channeltest.Status(400, `{"message":"/webhooks/1/`+secret+`"}`), channels.VerdictPermanent, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, stub, d := startDiscord(t, nil)
			stub.Answer(c.answer)
			_, err := d.Send(t.Context(), discordSuite.Rendered(t, d, channeltest.Actual, "a"))
			if wait := discordSuite.Refuses(t, name, err, c.want); wait != c.wait {
				t.Errorf("the wait is %v, want %v", wait, c.wait)
			}
		})
	}
}

// A webhook that was taken away is not a post that was taken away.
func TestDiscordWithdrawTellsThemApart(t *testing.T) {
	other := open(t, shapeDiscord, channeltest.StartStub(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, 10015, "Unknown Webhook")
	}), nil).URL, nil).(*Discord)
	discordSuite.Refuses(t, "withdraw", other.Withdraw(t.Context(), "1001"), channels.VerdictUnauthorized)
	_, err := other.Edit(t.Context(), "1001", discordSuite.Rendered(t, other, channeltest.Update, "a"))
	discordSuite.Refuses(t, "edit", err, channels.VerdictUnauthorized)
	discordSuite.Refuses(t, "check", other.Check(t.Context()), channels.VerdictUnauthorized)
}

func TestDiscordCheck(t *testing.T) {
	g, stub, d := startDiscord(t, nil)
	if err := d.Check(t.Context()); err != nil || stub.Posts() != 0 {
		t.Errorf("%v, %d posts", err, stub.Posts())
	}
	g.kind = 3
	discordSuite.Refuses(t, "a webhook of an application", d.Check(t.Context()), channels.VerdictPermanent)
	for name, h := range map[string]http.HandlerFunc{"a page": channeltest.HTML(200), "a server that fell over": channeltest.Status(500, `{}`)} {
		broken := open(t, shapeDiscord, channeltest.StartStub(t, h, nil).URL, nil).(*Discord)
		discordSuite.Refuses(t, name, broken.Check(t.Context()), channels.VerdictRetry)
	}
}

// A room within a room: the thread goes with every call that knows one.
func TestDiscordThread(t *testing.T) {
	g := newGuild(t)
	stub := channeltest.StartStub(t, g, nil)
	c := Config{Shape: shapeDiscord, URLFile: file(t, stub.URL+discordHook+"?thread_id=777")}
	ch, err := New("redazione", c, channeltest.Settings(), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := ch.(*Discord)
	r, err := d.Send(t.Context(), discordSuite.Rendered(t, d, channeltest.Actual, "a"))
	if err != nil || g.query != "thread_id=777&wait=true" {
		t.Errorf("%q, %v", g.query, err)
	}
	if _, err := d.Edit(t.Context(), r.ID, discordSuite.Rendered(t, d, channeltest.Update, "a")); err != nil || g.query != "thread_id=777" {
		t.Errorf("%q, %v", g.query, err)
	}
	if err := d.Withdraw(t.Context(), r.ID); err != nil || g.query != "thread_id=777" {
		t.Errorf("%q, %v", g.query, err)
	}
	if err := d.Check(t.Context()); err != nil || g.query != "" {
		t.Errorf("%q, %v", g.query, err)
	}
}
