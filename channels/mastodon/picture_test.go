package mastodon

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"martinella/channels"
	"martinella/channels/channeltest"
)

// pictured is a message with a picture of a few bytes.
func pictured(t *testing.T, c *Channel, kind channeltest.Kind, key string) channels.Message {
	t.Helper()
	m := suite.Rendered(t, c, kind, key)
	if m.Image == nil {
		t.Fatal("no picture was rendered")
	}
	image := *m.Image
	image.Type, image.Alt, image.Bytes = "image/png", "Cartina di Pistoia sud: pericolo estremo", []byte(pngHead+key)
	m.Image = &image
	return m
}

func TestPictureGoesWithThePost(t *testing.T) {
	for name, slow := range map[string]int{"ready at once": 0, "worked on: 202, then 206, then 200": 3} {
		t.Run(name, func(t *testing.T) {
			s, _, c := start(t, nil)
			s.slow = slow
			m := pictured(t, c, channeltest.Actual, "a")
			r := send(t, c, m)
			p := s.find(r.ID)
			if len(p.Media) != 1 || string(p.Media[0].bytes) != pngHead+"a" || p.Media[0].Description != m.Image.Alt || r.Note != "" {
				t.Errorf("posted %+v, note %q", p, r.Note)
			}
		})
	}
}

func TestWordsAloneWhereThereIsNoPicture(t *testing.T) {
	s, _, c := start(t, nil)
	if p := s.find(send(t, c, suite.Rendered(t, c, channeltest.Actual, "a")).ID); len(p.Media) != 0 {
		t.Errorf("posted %+v", p)
	}
	if slices.Contains(s.calls, "POST /api/v2/media") {
		t.Error("nothing was uploaded")
	}
	bare := channel(t, "https://social.example", func(c *Config) { c.NoImage = true })
	if m := suite.Rendered(t, bare, channeltest.Actual, "a"); m.Image != nil {
		t.Errorf("no_image: %+v", m.Image)
	}
}

func TestLongDescriptionIsCutAtAWord(t *testing.T) {
	s, _, c := start(t, nil)
	m := pictured(t, c, channeltest.Actual, "a")
	m.Image.Alt = strings.Repeat("perché piove 🔥 ", 200)
	alt := s.find(send(t, c, m).ID).Media[0].Description
	if n := utf8.RuneCountInString(alt); n > 1500 || n < 1400 || !utf8.ValidString(alt) {
		t.Errorf("%d characters", n)
	}
}

// What an upload that fails means for the post: nothing was posted yet, so
// nothing is uncertain, and words never wait long for a picture.
func TestUploadVerdicts(t *testing.T) {
	far := time.Now().Add(10 * time.Minute).UTC().Format("2006-01-02T15:04:05.000Z")
	near := time.Now().Add(4 * time.Second).UTC().Format("2006-01-02T15:04:05.000Z")
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   channels.Verdict // accepted: posted without the picture
	}{
		"a type that it does not take": {channeltest.Status(422, `{"error":"Validation failed: File content type is invalid, File is invalid"}`), channels.VerdictAccepted},
		"too large for the proxy":      {channeltest.HTML(413), channels.VerdictAccepted},
		"no thumbnail could be made":   {channeltest.Status(500, `{"error":"Error processing thumbnail for uploaded media"}`), channels.VerdictAccepted},
		"a token of before":            {channeltest.Status(403, `{"error":"This action is outside the authorized scopes"}`), channels.VerdictAccepted},
		"no such address":              {channeltest.Status(404, `{"error":"Not Found"}`), channels.VerdictAccepted},
		"too many pictures":            {channeltest.Status(429, `{"error":"Too many requests"}`, "X-RateLimit-Reset", far), channels.VerdictAccepted},
		"too many for a moment":        {channeltest.Status(429, `{"error":"Too many requests"}`, "X-RateLimit-Reset", near), channels.VerdictRetry},
		"a token that does not hold":   {channeltest.Status(401, `{"error":"The access token is invalid: `+token+`"}`), channels.VerdictUnauthorized},
		"a server that is away":        {channeltest.Status(503, `{"error":"There was a temporary problem serving your request"}`), channels.VerdictRetry},
		"a page of the proxy":          {channeltest.HTML(502), channels.VerdictRetry},
		"a yes that is no JSON":        {channeltest.HTML(200), channels.VerdictRetry},
		"a yes without an id":          {channeltest.Status(200, `{}`), channels.VerdictRetry},
		"closed before the answer":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, channels.VerdictRetry},
	} {
		t.Run(name, func(t *testing.T) {
			s, stub, ch := start(t, nil)
			s.uploads = []http.HandlerFunc{c.answer}
			r, err := ch.Send(t.Context(), pictured(t, ch, channeltest.Actual, "a"))
			suite.Refuses(t, name, err, c.want)
			switch c.want {
			case channels.VerdictAccepted:
				if len(s.posts) != 1 || len(s.posts[0].Media) != 0 || !strings.Contains(r.Note, "without the picture") || strings.Contains(r.Note, token) {
					t.Errorf("posted %d, note %q", len(s.posts), r.Note)
				}
			default:
				if stub.Posts() != 0 {
					t.Error("posted")
				}
			}
		})
	}
}

// A store of pictures that is down for good does not hold the words back.
func TestWordsDoNotWaitForEver(t *testing.T) {
	s, _, c := start(t, nil)
	down := channeltest.Status(503, `{"error":"There was a temporary problem serving your request"}`)
	s.uploads = []http.HandlerFunc{down, down, nil}
	m := pictured(t, c, channeltest.Actual, "a")
	_, err := c.Send(t.Context(), m)
	suite.Refuses(t, "the first attempt", err, channels.VerdictRetry)
	if r := send(t, c, m); !strings.Contains(r.Note, "without the picture") {
		t.Errorf("note %q", r.Note)
	}
	if r := send(t, c, pictured(t, c, channeltest.Update, "b")); r.Note != "" || len(s.posts[0].Media) != 1 {
		t.Errorf("the next one: %+v", r)
	}
}

func TestPictureThatIsNeverReady(t *testing.T) {
	s, _, c := start(t, nil)
	s.slow = 100
	if r := send(t, c, pictured(t, c, channeltest.Actual, "a")); !strings.Contains(r.Note, "still works") || len(s.posts[0].Media) != 0 {
		t.Errorf("%+v", r)
	}
}

// The server took the picture and then refuses the post with it.
func TestPostIsRefusedWithThePicture(t *testing.T) {
	s, stub, c := start(t, nil)
	posts := 0
	stub.Answer(func(w http.ResponseWriter, r *http.Request) {
		if posts++; posts == 1 {
			channeltest.Status(422, `{"error":"Validation failed: Cannot attach files that have not finished processing. Try again in a moment!"}`)(w, r)
			return
		}
		s.ServeHTTP(w, r)
	})
	if r := send(t, c, pictured(t, c, channeltest.Actual, "a")); !strings.Contains(r.Note, "without the picture") || posts != 2 {
		t.Errorf("%+v after %d posts", r, posts)
	}
}

func TestEditAndThePicture(t *testing.T) {
	s, _, c := start(t, nil)
	posted := send(t, c, pictured(t, c, channeltest.Actual, "a"))
	have := func(name, want string) {
		t.Helper()
		p := s.find(posted.ID)
		got := ""
		for _, m := range p.Media {
			got += strings.TrimPrefix(string(m.bytes), pngHead)
		}
		if got != want {
			t.Errorf("%s: the post has the picture %q, want %q", name, got, want)
		}
	}
	edit := func(name string, m channels.Message) channels.Receipt {
		t.Helper()
		r, err := c.Edit(t.Context(), posted.ID, m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return r
	}
	words := suite.Rendered(t, c, channeltest.Update, "b")
	words.Image = nil
	for range 2 {
		edit("a pointer", words)
		have("a pointer keeps it", "a")
	}
	for range 2 {
		edit("a correction", pictured(t, c, channeltest.Update, "c"))
		have("a correction brings its own", "c")
	}
	s.uploads = []http.HandlerFunc{channeltest.Status(422, `{"error":"Validation failed: File is invalid"}`)}
	if r := edit("a correction whose picture is refused", pictured(t, c, channeltest.Update, "d")); !strings.Contains(r.Note, "without the picture") {
		t.Errorf("note %q", r.Note)
	}
	have("what is corrected is not shown on", "")
	s.uploads = []http.HandlerFunc{channeltest.Status(503, `{}`)}
	_, err := c.Edit(t.Context(), posted.ID, pictured(t, c, channeltest.Update, "e"))
	suite.Refuses(t, "the server is away", err, channels.VerdictRetry)
}

// A lost answer to the upload leaves nothing posted and nothing in doubt.
func TestLostAnswerToTheUpload(t *testing.T) {
	for name, fault := range map[string]channeltest.Fault{"dropped": channeltest.Drop(), "reset": channeltest.Reset(), "cut short": channeltest.Truncate(12)} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			stub := channeltest.StartStub(t, s, posting)
			proxy := channeltest.StartProxy(t, stub.Addr())
			c := channel(t, "http://"+proxy.Addr(), nil)
			proxy.Break(fault, 1)
			m := pictured(t, c, channeltest.Actual, "a")
			_, err := c.Send(t.Context(), m)
			suite.Refuses(t, name, err, channels.VerdictRetry)
			s.mu.Lock() // the server may not have ended its answer
			pictures := len(s.media)
			s.mu.Unlock()
			if stub.Posts() != 0 || pictures != 1 {
				t.Errorf("%d posts, %d pictures", stub.Posts(), pictures)
			}
			if send(t, c, m); stub.Posts() != 1 || len(s.posts[0].Media) != 1 {
				t.Errorf("%d posts: %+v", stub.Posts(), s.posts)
			}
		})
	}
}
